package compose

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"time"

	"go.uber.org/fx"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/ingest"
	"github.com/fullon/fullon/internal/pause"
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

// ingestModule follows a venue, or stands by while another process does.
func ingestModule(cfg Feeds) fx.Option {
	self := domain.Holder{ID: client.NewProcessID(), PID: os.Getpid()}
	self.Host, _ = os.Hostname() // only people read it
	return fx.Options(
		fx.Provide(newPublishers, cfg.adapter),
		fx.Provide(newFeeds),
		fx.Provide(func(s supervisor, feeds *bus.Feeds, log *slog.Logger) *ingest.Lease {
			lease := ingest.NewLease(ingest.LeaseConfig{Log: log}, string(cfg.Venue), self, feeds)
			s.run("lease", lease.Run)
			return lease
		}),
		fx.Provide(func(b *bus.Bus, feeds *bus.Feeds, p *publishers, adapter venue.Adapter, lease *ingest.Lease, here *presence, log *slog.Logger) (*ingest.Feed, error) {
			ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
			defer cancel()
			symbols, err := cfg.settle(ctx, feeds)
			if err != nil {
				return nil, err
			}
			feed := ingest.New(ingest.Config{
				Symbols: symbols, SilentAfter: time.Duration(cfg.SilentAfter), Turn: lease, Log: log,
				Report: func(text string) { here.report(adapter.Exchange(), text) },
			}, adapter, p.ticks, p.events, b)
			p.events.OnConflict(func(_, symbol string) { feed.Conflict(symbol) })
			return feed, nil
		}),
		fx.Invoke(func(s supervisor, feeds *bus.Feeds, feed *ingest.Feed, lease *ingest.Lease, here *presence, log *slog.Logger) {
			s.run("wanted symbols", func(ctx context.Context) error {
				followWanted(ctx, cfg, feeds, feed, log)
				return nil
			})
			here.addAs(self.ID, domain.ProcessIngest, feed.Exchange(), map[string]string{"symbols": symbolsParam(feed.Symbols())},
				lookAtFeed(feed, lease, time.Duration(cfg.SilentAfter), here.report))
			s.run("ingest", feed.Run)
		}),
	)
}

func newFeeds(b *bus.Bus) (*bus.Feeds, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	return b.Feeds(ctx)
}

// wantedInterval is how often is looked which symbols are to be followed.
const wantedInterval = time.Second

// followWanted has the feed follow the symbols that are wanted, until ctx ends.
// While the log is away they stay as they were.
func followWanted(ctx context.Context, cfg Feeds, feeds *bus.Feeds, feed *ingest.Feed, log *slog.Logger) {
	for ctx.Err() == nil {
		symbols, err := feeds.Wanted(ctx, feed.Exchange())
		if symbols = cfg.spelled(symbols); err == nil && len(symbols) > 0 {
			feed.Want(symbols)
		} else if err != nil && ctx.Err() == nil {
			log.Debug("which symbols are wanted is not known", "error", err)
		}
		pause.For(ctx, wantedInterval)
	}
}

// newPublishers makes the ways into the log. They stop before the lease is given
// back, so that all is stored when another takes over.
func newPublishers(s supervisor, b *bus.Bus, _ *ingest.Lease) (*publishers, error) {
	ticks, err := b.NewTickPublisher()
	if err != nil {
		return nil, err
	}
	p := &publishers{ticks: ticks, events: b.NewOrderedPublisher(tradeBuffer)}
	s.run("tick publisher", func(ctx context.Context) error { return p.ticks.Run(ctx, drainGrace) })
	s.run("trade publisher", func(ctx context.Context) error { return p.events.Run(ctx, drainGrace) })
	return p, nil
}
