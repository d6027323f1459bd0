package compose

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"time"

	"go.uber.org/fx"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/ingest"
	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/venues"
)

// tradeBuffer is how many trades, candles and gaps of a partition wait in
// memory while the log is away: with 2,000 a second, about a minute.
const tradeBuffer = 100_000

// IngestCommand is the grammar of cmd/ingest.
type IngestCommand struct {
	Servers `group:"Servers (default: nats://127.0.0.1:4222 and Redis at localhost:6379):"`
	Feeds   `group:"Venue:"`
	HTTP    `group:"Looking in:"`
	Logging `group:"Looking in:"`
}

// Run follows a venue until a signal ends it.
func (c *IngestCommand) Run() error {
	if c.Venue == simVenue {
		return domain.Invalid("FULLON_VENUE (--venue)", string(c.Venue), strings.Join(venues.Names(), " or ")+": the simulated venue is part of 'fullon up'")
	}
	if err := c.fill(); err != nil {
		return err
	}
	ctx, stop := untilSignal(context.Background())
	defer stop()
	log := c.Logger(os.Stderr)
	return RunApp(ctx, log, withPresence(c.Redis(), "ingest",
		logModule("fullon-ingest", c.Log()), ingestModule(c.Feeds), listingModule(c.Feeds, c.Redis()), httpModule(c.HTTP)))
}

// publishers are the two ways into the log, running.
type publishers struct {
	ticks  *bus.TickPublisher
	events *bus.OrderedPublisher
}

// ingestModule follows a venue.
func ingestModule(cfg Feeds) fx.Option {
	return fx.Options(
		fx.Provide(newPublishers, cfg.adapter),
		fx.Provide(func(b *bus.Bus, p *publishers, adapter venue.Adapter, here *presence, log *slog.Logger) *ingest.Feed {
			return ingest.New(ingest.Config{
				Symbols: cfg.Symbols, SilentAfter: time.Duration(cfg.SilentAfter), Log: log,
				Report: func(text string) { here.report(adapter.Exchange(), text) },
			}, adapter, p.ticks, p.events, b)
		}),
		fx.Invoke(func(s supervisor, feed *ingest.Feed, here *presence) {
			here.add(domain.ProcessIngest, feed.Exchange(), map[string]string{"symbols": symbolsParam(cfg.Symbols)},
				lookAtFeed(feed, time.Duration(cfg.SilentAfter), here.report))
			s.run("ingest", feed.Run)
		}),
	)
}

func newPublishers(s supervisor, b *bus.Bus) (*publishers, error) {
	ticks, err := b.NewTickPublisher()
	if err != nil {
		return nil, err
	}
	p := &publishers{ticks: ticks, events: b.NewOrderedPublisher(tradeBuffer)}
	s.run("tick publisher", func(ctx context.Context) error { return p.ticks.Run(ctx, drainGrace) })
	s.run("trade publisher", func(ctx context.Context) error { return p.events.Run(ctx, drainGrace) })
	return p, nil
}
