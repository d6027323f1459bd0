package compose

import (
	"context"
	"log/slog"
	"time"

	"go.uber.org/fx"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/ingest"
	"github.com/fullon/fullon/internal/venue"
)

// listingModule keeps the catalogue of the venue that is followed up to date. It
// has a connection to Redis of its own, which may be away: the feed does not wait
// for it.
func listingModule(cfg Feeds, redis cachestore.Config) fx.Option {
	redis.MaxConnections = 4
	return fx.Invoke(func(s supervisor, b *bus.Bus, adapter venue.Adapter, here *presence, log *slog.Logger) {
		store := cachestore.Open(redis)
		handle := client.New(b, store)
		s.onStop(func() error { handle.Close(); return store.Close() })
		l := ingest.NewListing(ingest.ListingConfig{
			Interval: time.Duration(cfg.CatalogueInterval), Log: log,
			Report: func(text string) { here.report(adapter.Exchange(), text) },
		}, adapter, catalogue{handle})
		s.run("catalogue", l.Run)
	})
}

// catalogue is a client as a listing wants it.
type catalogue struct{ client *client.Client }

func (c catalogue) Venue(ctx context.Context, exchange string) (domain.Venue, error) {
	return c.client.Venues.Get(ctx, exchange)
}

func (c catalogue) SetVenue(ctx context.Context, v domain.Venue) error {
	_, err := c.client.Venues.Set(ctx, v)
	return err
}

func (c catalogue) Symbols(ctx context.Context, exchange string) ([]domain.Symbol, error) {
	return c.client.Symbols.List(ctx, exchange)
}

func (c catalogue) Replace(ctx context.Context, exchange string, symbols []domain.Symbol) (int, error) {
	changes, _, err := c.client.Symbols.Replace(ctx, exchange, symbols)
	return changes.Total(), err
}
