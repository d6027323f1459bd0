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
		fx.Provide(func(s supervisor, b *bus.Bus, log *slog.Logger) (*ingest.Lease, error) {
			return newLease(s, b, self, string(cfg.Venue), log)
		}),
		fx.Provide(func(b *bus.Bus, p *publishers, adapter venue.Adapter, lease *ingest.Lease, here *presence, log *slog.Logger) *ingest.Feed {
			feed := ingest.New(ingest.Config{
				Symbols: cfg.Symbols, SilentAfter: time.Duration(cfg.SilentAfter), Turn: lease, Log: log,
				Report: func(text string) { here.report(adapter.Exchange(), text) },
			}, adapter, p.ticks, p.events, b)
			p.events.OnConflict(func(_, symbol string) { feed.Conflict(symbol) })
			return feed
		}),
		fx.Invoke(func(s supervisor, feed *ingest.Feed, lease *ingest.Lease, here *presence) {
			here.addAs(self.ID, domain.ProcessIngest, feed.Exchange(), map[string]string{"symbols": symbolsParam(cfg.Symbols)},
				lookAtFeed(feed, lease, time.Duration(cfg.SilentAfter), here.report))
			s.run("ingest", feed.Run)
		}),
	)
}

// newLease takes part in who follows the venue. It stops after the publishers, so
// that all is stored when another takes over.
func newLease(s supervisor, b *bus.Bus, self domain.Holder, exchange string, log *slog.Logger) (*ingest.Lease, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	feeds, err := b.Feeds(ctx)
	if err != nil {
		return nil, err
	}
	lease := ingest.NewLease(ingest.LeaseConfig{Log: log}, exchange, self, feeds)
	s.run("lease", lease.Run)
	return lease, nil
}

// newPublishers makes the ways into the log; they stop before the lease.
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
