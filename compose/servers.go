package compose

import (
	"log/slog"

	"go.uber.org/fx"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
)

// logModule connects to the log and checks that it was provisioned. Who holds
// subjects and partitions of a deployment that is repartitioned ends with the
// reason, and begins again with those that it has then.
func logModule(name string, cfg bus.Config) fx.Option {
	return fx.Provide(func(s supervisor, log *slog.Logger) (*bus.Bus, error) {
		cfg := cfg
		cfg.Name, cfg.Log = name, log
		ctx, cancel := s.Starting()
		defer cancel()
		b, err := bus.Connect(ctx, cfg)
		if err != nil {
			return nil, err
		}
		if err := b.Bind(ctx); err != nil {
			b.Close()
			return nil, err
		}
		s.onStop(func() error { b.Close(); return nil })
		s.run("layout", b.Superseded)
		return b, nil
	})
}

// redisModule connects to Redis.
func redisModule(cfg cachestore.Config) fx.Option {
	return fx.Provide(func(s supervisor) (*cachestore.Store, error) {
		ctx, cancel := s.Starting()
		defer cancel()
		store, err := cachestore.Connect(ctx, cfg)
		if err != nil {
			return nil, err
		}
		s.onStop(store.Close)
		return store, nil
	})
}
