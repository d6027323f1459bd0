package sim

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/sim/clock"
)

// The values that WithDefaults sets.
const (
	DefaultAddr           = "127.0.0.1:0"
	DefaultRate           = 200
	DefaultReconnectEvery = 5 * time.Minute
	DefaultPingInterval   = 20 * time.Second
	DefaultMaxAge         = 24 * time.Hour
	DefaultQueue          = 4096
	DefaultKeepTrades     = 50_000
	DefaultWeightLimit    = 6000
	DefaultMessageRate    = 5
	DefaultMessageBurst   = 10
	DefaultOrderLimit     = 100
	DefaultFee            = "0.001"

	// Never switches off what a zero would give a default.
	Never = -1
)

// Config is what an Exchange is made from. The zero value, completed by
// WithDefaults, is a working exchange.
type Config struct {
	// Addr is the TCP address to listen on. Default DefaultAddr: any free port
	// of this machine's loopback.
	Addr string

	// Symbols are the markets. Default DefaultSymbols().
	Symbols []Symbol

	// Seed chooses the market that is played. Zero is a seed like any other.
	Seed uint64

	// Rate is the average number of market events a second over all symbols:
	// changes of a best bid or ask, and orders, each of which makes one or more
	// trades. Bursts come on top. Default DefaultRate; Never: nothing happens
	// but for Trade.
	Rate float64

	// ReconnectEvery is how long a connection lasts on average before the
	// exchange closes it with a close frame. Default Never: only MaxAge ends
	// it. DefaultReconnectEvery is what a demonstration wants.
	ReconnectEvery time.Duration

	// DuplicateOnConnect makes each new subscription to trades begin with the
	// last few trades again, as many venues' snapshots do.
	DuplicateOnConnect bool

	// PingInterval is the time between two pings. A client that does not answer
	// within a minute is disconnected. Default DefaultPingInterval; Never: none.
	PingInterval time.Duration

	// MaxAge is how long a connection lasts at most. Default DefaultMaxAge.
	MaxAge time.Duration

	// Queue is how many messages may wait for one client. A client that falls
	// behind by more is disconnected. Default DefaultQueue.
	Queue int

	// KeepTrades is how many trades of each symbol are kept for REST and in the
	// journal. Default DefaultKeepTrades.
	KeepTrades int

	// WeightLimit is the request weight REST allows in a minute. Default
	// DefaultWeightLimit.
	WeightLimit int

	// MessageRate is how many messages, pings and pongs a client may send a
	// second; MessageBurst how many at once. A client that sends more is
	// disconnected. Defaults DefaultMessageRate, DefaultMessageBurst.
	MessageRate  float64
	MessageBurst float64

	// Accounts may trade. Default: nobody may.
	Accounts []Account

	// OrderLimit is how many orders an account may place in ten seconds.
	// Default DefaultOrderLimit.
	OrderLimit int

	// MakerFee and TakerFee are what part of what an order's maker receives is
	// kept as a fee, decimal text, less than 0.1. Defaults DefaultFee.
	MakerFee, TakerFee string

	// StateDir is where trades and accounts are kept over restarts, made when
	// missing.
	// One exchange at a time may use it. Empty: nothing is kept.
	StateDir string

	// Clock is the time. Default clock.System().
	Clock clock.Clock

	// Logger takes what operators want to know. Default: nothing is logged.
	Logger *slog.Logger
}

// WithDefaults is the configuration with its zero values filled in.
func (c Config) WithDefaults() Config {
	if c.Addr == "" {
		c.Addr = DefaultAddr
	}
	if len(c.Symbols) == 0 {
		c.Symbols = DefaultSymbols()
	}
	setDefault(&c.Rate, DefaultRate)
	setDefault(&c.ReconnectEvery, Never)
	setDefault(&c.PingInterval, DefaultPingInterval)
	setDefault(&c.MaxAge, DefaultMaxAge)
	setDefault(&c.Queue, DefaultQueue)
	setDefault(&c.KeepTrades, DefaultKeepTrades)
	setDefault(&c.WeightLimit, DefaultWeightLimit)
	setDefault(&c.MessageRate, DefaultMessageRate)
	setDefault(&c.MessageBurst, DefaultMessageBurst)
	setDefault(&c.OrderLimit, DefaultOrderLimit)
	setDefault(&c.MakerFee, DefaultFee)
	setDefault(&c.TakerFee, DefaultFee)
	if c.Clock == nil {
		c.Clock = clock.System()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func (c Config) validate() error {
	for _, f := range [...]struct {
		name    string
		ok      bool
		value   any
		allowed string
	}{
		{"rate", c.Rate == Never || c.Rate > 0 && c.Rate <= 1e6, c.Rate, "up to 1,000,000 events a second, or Never"},
		{"reconnect_every", c.ReconnectEvery == Never || c.ReconnectEvery > 0, c.ReconnectEvery, "more than zero, or Never"},
		{"ping_interval", c.PingInterval == Never || c.PingInterval > 0, c.PingInterval, "more than zero, or Never"},
		{"max_age", c.MaxAge > 0, c.MaxAge, "more than zero"},
		{"queue", c.Queue > 0, c.Queue, "more than zero"},
		{"keep_trades", c.KeepTrades > 0, c.KeepTrades, "more than zero"},
		{"weight_limit", c.WeightLimit > 0, c.WeightLimit, "more than zero"},
		{"message_rate", c.MessageRate > 0, c.MessageRate, "more than zero"},
		{"order_limit", c.OrderLimit > 0, c.OrderLimit, "more than zero"},
		{"message_burst", c.MessageBurst >= 1, c.MessageBurst, "one or more"},
	} {
		if !f.ok {
			return domain.Invalid(f.name, fmt.Sprint(f.value), f.allowed)
		}
	}
	return nil
}
