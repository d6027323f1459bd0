package replay

import (
	"fmt"
	"log/slog"
	"math"
	"strings"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/sim/clock"
)

// Max as Config.Speed plays without waiting.
var Max = math.Inf(1)

// DefaultAddr is any free port of this machine's loopback.
const DefaultAddr = "127.0.0.1:0"

// writeTimeout is how long a client may block the replay before it is
// disconnected.
const writeTimeout = 30 * time.Second

// msNanos are the nanoseconds of a millisecond.
const msNanos = int64(time.Millisecond)

// keptTrades bounds the trades of a symbol that REST can serve.
const keptTrades = 1 << 20

// Mode tells what the position does while nobody is subscribed.
type Mode uint8

// The modes.
const (
	// Live: it moves on, as at a venue; what is played meanwhile is lost. With
	// Speed Max that is all the rest.
	Live Mode = iota
	// Hold: it waits.
	Hold
)

// FaultKind is what a Fault does.
type FaultKind uint8

// The kinds of faults.
const (
	// Cut ends all connections without a close frame.
	Cut FaultKind = iota + 1
	// Close ends all connections with a close frame.
	Close
	// Text sends Data as a text message to all connections that have a
	// subscription.
	Text
	// Binary sends Data as a binary message to these.
	Binary
)

// Fault is something that goes wrong once.
type Fault struct {
	After int // when so many frames have been played; zero: before the first one
	Kind  FaultKind
	Lose  int    // for Cut and Close: so many frames then pass unheard, in both modes
	Data  []byte // for Text and Binary; need not be what its kind says
}

// Heard is a frame that was played to somebody.
type Heard struct {
	Stream string   // of Server.Streams
	Symbol string   // its unified name; empty if there is none
	Trades []string // the ids of the trades in it, in its order
	Text   []byte   // as recorded, or in the form of today; not to be changed
}

// Config is what a Server is made from.
type Config struct {
	// Venue is whose messages were recorded, one of Venues. Default "binance".
	Venue string

	// Files are the recordings. At least one.
	Files []string

	// Addr is the TCP address to listen on. Default DefaultAddr.
	Addr string

	// Speed is how many times faster than recorded: 1 in real time, Max
	// without waiting. Default 1. A client that reads slowly slows the replay
	// down.
	Speed float64

	// Mode tells what happens while nobody is subscribed. Default Live.
	Mode Mode

	// Settle is how long subscriptions must not have changed before the position
	// moves for the first time: clients subscribe in several steps. Default: none.
	Settle time.Duration

	// Await are streams, of Server.Streams, that must all be subscribed before
	// the position moves, and in mode Hold while it does. Default: none; one
	// subscription to anything is enough. A client that subscribes in several
	// steps misses nothing with it.
	Await []string

	// Unfiltered sends every frame to every client that has a subscription.
	// Default: only the streams that it subscribed, as a venue does.
	Unfiltered bool

	// Loop plays the recordings again and again. Times, trade ids and update ids of
	// each lap go on where those of the last one ended.
	Loop bool

	// Tap is told of each frame that somebody is to hear, just before it is written.
	// It must not block. Default: nobody.
	Tap func(Heard)

	// Faults happen at their positions; several at one happen in this order.
	Faults []Fault

	// Clock paces the replay. Default clock.System().
	Clock clock.Clock

	// Logger takes what operators want to know. Default: nothing is logged.
	Logger *slog.Logger
}

// WithDefaults is the configuration with its zero values filled in.
func (c Config) WithDefaults() Config {
	if c.Venue == "" {
		c.Venue = "binance"
	}
	if c.Addr == "" {
		c.Addr = DefaultAddr
	}
	if c.Speed == 0 {
		c.Speed = 1
	}
	if c.Clock == nil {
		c.Clock = clock.System()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c Config) validate() error {
	switch {
	case dialects[c.Venue] == nil:
		return domain.Invalid("venue", c.Venue, strings.Join(Venues(), " or "))
	case c.Settle < 0:
		return domain.Invalid("settle", c.Settle.String(), "zero or more")
	case len(c.Files) == 0:
		return domain.Invalid("files", "", "at least one recording")
	case !(c.Speed > 0):
		return domain.Invalid("speed", fmt.Sprint(c.Speed), "more than zero")
	case c.Mode > Hold:
		return domain.Invalid("mode", fmt.Sprint(c.Mode), "Live or Hold")
	}
	for _, f := range c.Faults {
		if f.After < 0 || f.Lose < 0 || f.Kind < Cut || f.Kind > Binary {
			return domain.Invalid("faults", fmt.Sprintf("%+v", f), "a known kind, positions and counts of zero or more")
		}
	}
	return nil
}
