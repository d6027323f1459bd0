package compose

import (
	"context"
	"log/slog"
	"os"

	"go.uber.org/fx"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/projector"
)

// ProjectorCommand is the grammar of cmd/projector.
type ProjectorCommand struct {
	Servers    `group:"Servers (default: nats://127.0.0.1:4222 and Redis at localhost:6379):"`
	Projection `group:"Projection:"`
	HTTP       `group:"Looking in:"`
	Logging    `group:"Looking in:"`
}

// Run folds the log into Redis until a signal ends it.
func (c *ProjectorCommand) Run() error {
	ctx, stop := untilSignal(context.Background())
	defer stop()
	log := c.Logger(os.Stderr)
	return RunApp(ctx, log, withPresence(c.Redis(), "projector",
		logModule("fullon-projector", c.Log()), redisModule(c.Redis()),
		projectorModule(c.Projection), httpModule(c.HTTP)))
}

// projectorModule folds the partitions, or those that fall to this process when
// several share them.
func projectorModule(cfg Projection) fx.Option {
	self := domain.Member{ID: client.NewProcessID(), PID: os.Getpid()}
	self.Host, _ = os.Hostname() // only people read it
	return fx.Options(
		fx.Provide(func(s supervisor, b *bus.Bus, store *cachestore.Store, log *slog.Logger) (*projector.Projector, error) {
			ctx, cancel := s.Starting()
			defer cancel()
			members, err := b.Members(ctx, self.ID)
			if err != nil {
				return nil, err
			}
			s.onStop(func() error { members.Close(); return nil })
			config := projectorConfig(b.Layout(), cfg, log)
			config.Members, config.Member = members, self
			return projector.New(config, projectorLog{b}, store), nil
		}),
		fx.Invoke(func(s supervisor, p *projector.Projector, here *presence) {
			here.addAs(self.ID, domain.ProcessProjector, "projector", map[string]string{}, lookAtProjector(p))
			s.run("projector", p.Run)
		}),
	)
}

func projectorConfig(layout bus.Layout, cfg Projection, log *slog.Logger) projector.Config {
	return projector.Config{
		TickStreams:     layout.TickStreams(),
		TradeStreams:    layout.TradeStreams(),
		AccountStreams:  layout.AccountStreams(),
		CatalogueStream: bus.CatalogueStream,
		Orders:          true,
		TradeCap:        int(cfg.TradeCap),
		FillCap:         int(cfg.FillCap),
		OrderCap:        int(cfg.OrderCap),
		Log:             log,
	}
}

// projectorLog is the log as the projector wants it.
type projectorLog struct{ *bus.Bus }

func (l projectorLog) Open(stream string, from uint64) projector.Reader {
	return l.NewReader(stream, from)
}
