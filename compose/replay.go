package compose

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/replay"
)

// ReplaySpeed is how many times faster than recorded.
type ReplaySpeed float64

// maxReplaySpeed is the fastest that still paces.
const maxReplaySpeed = 1_000_000

// UnmarshalText reads a speed.
func (s *ReplaySpeed) UnmarshalText(text []byte) error {
	if string(text) == "max" {
		*s = ReplaySpeed(replay.Max)
		return nil
	}
	speed, err := strconv.ParseFloat(string(text), 64)
	if err != nil || !(speed > 0 && speed <= maxReplaySpeed) {
		return notAllowed(string(text), "a number above zero, like 1 or 10, or max")
	}
	*s = ReplaySpeed(speed)
	return nil
}

// ReplayVenue is a venue whose recordings can be played.
type ReplayVenue string

// UnmarshalText reads the name of a venue.
func (v *ReplayVenue) UnmarshalText(text []byte) error {
	return oneOf(v, text, replay.Venues()...)
}

// replaySettle is how long after the last subscription the replay begins: adapters
// subscribe in several steps, a fraction of a second apart.
const replaySettle = time.Second

// ReplayCommand is 'fullon replay'.
type ReplayCommand struct {
	Files  []string    `arg:"" name:"file" help:"Recordings: one JSON object a line with t_ns, dir and raw, gzipped or not."`
	Speed  ReplaySpeed `default:"1" placeholder:"N" help:"How many times faster than recorded, or max."`
	Venue  ReplayVenue `default:"binance" help:"Whose messages they are: ${replayed}."`
	Loop   bool        `help:"Play them again and again; times and ids go on where the last lap ended."`
	Listen ListenAddr  `default:"127.0.0.1:0" placeholder:"HOST:PORT" help:"Where the venue is served."`
}

// Help implements kong.HelpProvider.
func (*ReplayCommand) Help() string {
	return `The files are played over a real socket as the venue would, merged by their times, from a second after a client has subscribed what it wants. Trades that it misses are given over REST. Point an ingest at the addresses that are printed.

Recordings of older interfaces (Kraken's version 1, Coinbase's exchange feed, OKX of 2022) are played in the form of today.

Examples:

	fullon replay btcusdt.ndjson.gz ethusdt.ndjson.gz --speed 10
	fullon replay btcusdt.ndjson.gz --speed max --loop --listen 127.0.0.1:9443
	fullon replay trades.ndjson.gz tickers.ndjson.gz --venue kraken`
}

// Run plays until a signal ends it.
func (c *ReplayCommand) Run() error {
	if c.Listen == "off" {
		return domain.Invalid("--listen", "off", "HOST:PORT, like 127.0.0.1:9443")
	}
	ctx, stop := untilSignal(context.Background())
	defer stop()
	server, err := replay.New(replay.Config{
		Venue: string(c.Venue), Files: c.Files, Speed: float64(c.Speed), Loop: c.Loop, Addr: string(c.Listen), Settle: replaySettle,
	})
	if err != nil {
		return err
	}
	if server.Frames() == 0 {
		return errors.Join(c.noMessages(), server.Close())
	}
	hosts := strings.ToUpper(string(c.Venue))
	for _, line := range []string{
		"FULLON_VENUE=" + string(c.Venue),
		"FULLON_SYMBOLS=" + strings.Join(server.Symbols(), ","),
		hosts + "_WS_URL=" + server.WSURL(),
		hosts + "_REST_URL=" + server.RESTURL(),
	} {
		if _, err := fmt.Fprintln(os.Stdout, line); err != nil {
			return errors.Join(err, server.Close())
		}
	}
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(os.Stderr, format+"\n", args...) }
	say("%d messages wait for a subscription; Ctrl-C stops", server.Frames())
	go func() {
		select {
		case <-server.Done():
			p := server.Progress()
			say("all %d messages are played, %d of them heard; what REST has stays until Ctrl-C", p.Played, p.Delivered)
		case <-ctx.Done():
		}
	}()
	return server.Run(ctx)
}

// noMessages tells whose messages the files have instead.
func (c *ReplayCommand) noMessages() error {
	want := "recordings with messages of " + string(c.Venue)
	others, err := replay.Recognised(c.Files)
	if err != nil {
		return err
	}
	if len(others) > 0 {
		want += "; these look like --venue " + strings.Join(others, " or ")
	}
	return domain.Invalid("file", strings.Join(c.Files, ","), want)
}
