package compose

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/internal/projector"
)

// Embedded is a whole deployment in this process: a log, a Redis and a
// projector, and nothing that writes into them by itself. It is for programs
// that show or try something; bots connect to servers.
type Embedded struct {
	log   *bus.Server
	redis privateRedis
	bus   *bus.Bus
	store *cachestore.Store

	cancel context.CancelFunc
	done   chan error
}

// StartEmbedded starts a deployment that keeps its files in dir and has streams
// of orders for the default exchanges. It returns when it is ready. Redis is a
// redis-server of its own where there is one on PATH, else miniredis.
func StartEmbedded(ctx context.Context, dir string, log *slog.Logger) (*Embedded, error) {
	e := &Embedded{done: make(chan error, 1)}
	if err := e.start(ctx, dir, log); err != nil {
		return nil, errors.Join(err, e.Stop())
	}
	return e, nil
}

func (e *Embedded) start(ctx context.Context, dir string, log *slog.Logger) (err error) {
	if e.log, err = bus.StartServer(bus.ServerConfig{Dir: filepath.Join(dir, "nats"), Log: log}); err != nil {
		return err
	}
	if e.redis, err = startPrivateRedis(ctx, filepath.Join(dir, "redis"), log); err != nil {
		return err
	}
	cfg := e.Client()
	cfg.Log.Log = log
	if err := provisionOwn(ctx, cfg.Log, log); err != nil {
		return err
	}
	if e.bus, err = bus.Connect(ctx, cfg.Log); err != nil {
		return err
	}
	if e.store, err = cachestore.Connect(ctx, cfg.Redis); err != nil {
		return err
	}
	p := projector.New(projectorConfig(e.bus.Layout(), Projection{}, log), projectorLog{e.bus}, e.store)
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	e.cancel = cancel
	go func() { e.done <- p.Run(run) }()
	return nil
}

// Client is the configuration of clients of the deployment.
func (e *Embedded) Client() client.Config {
	return client.Config{Log: bus.Config{URL: e.log.URL()}, Redis: cachestore.Config{Addrs: []string{e.redis.Addr()}}}
}

// Stop ends the deployment; close its clients first.
func (e *Embedded) Stop() error {
	var errs []error
	if e.cancel != nil {
		e.cancel()
		errs = append(errs, <-e.done)
	}
	if e.store != nil {
		errs = append(errs, e.store.Close())
	}
	if e.bus != nil {
		e.bus.Close()
	}
	if e.redis != nil {
		errs = append(errs, e.redis.Stop())
	}
	if e.log != nil {
		e.log.Stop()
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("embedded deployment: %w", err)
	}
	return nil
}
