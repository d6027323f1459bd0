package compose

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/console"
	"github.com/fullon/fullon/internal/verify"
)

// VerifyCommand is 'fullon verify'.
type VerifyCommand struct {
	Partition  StreamNames `placeholder:"STREAM,…" help:"Partitions by the names of their streams, see 'fullon status'; none: all."`
	Projection `group:"Projection (as the projectors have it):"`
	Look
}

// Help implements kong.HelpProvider.
func (*VerifyCommand) Help() string {
	return "The log is folded a second time, into a private Redis on this machine, and compared with the deployment's value by value, while " +
		"everything goes on. What follows from messages that the log has dropped cannot be compared and is counted as unproven. " +
		"Exit code 1 when something is not as the log says."
}

// Run compares.
func (c *VerifyCommand) Run() error {
	return c.withServers(true, func(ctx context.Context, log *bus.Bus, store *cachestore.Store, k console.Console) error {
		private, done, err := scratchRedis(ctx)
		if err != nil {
			return err
		}
		defer done()
		streams, err := k.Client.Streams(ctx)
		if err != nil {
			return err
		}
		if streams, err = c.among(streams); err != nil {
			return err
		}
		cfg := projectorConfig(log.Layout(), c.Projection, slog.New(slog.DiscardHandler))
		return k.Verify(ctx, verify.New(cfg, projectorLog{log}, store, private), streams)
	})
}

// among are the chosen ones of the deployment's streams.
func (c *VerifyCommand) among(streams []string) ([]string, error) {
	if len(c.Partition) == 0 {
		return streams, nil
	}
	there := make(map[string]bool, len(streams))
	for _, stream := range streams {
		there[stream] = true
	}
	for _, stream := range c.Partition {
		if !there[stream] {
			return nil, fmt.Errorf("partition %s: %w; 'fullon status' lists them", stream, domain.ErrNotFound)
		}
	}
	return c.Partition, nil
}

// scratchRedis starts a Redis that nobody else knows; done ends it and removes
// what it has written.
func scratchRedis(ctx context.Context) (store *cachestore.Store, done func(), err error) {
	dir, err := os.MkdirTemp("", "fullon-verify-")
	if err != nil {
		return nil, nil, fmt.Errorf("directory of the private Redis: %w", err)
	}
	server, err := startPrivateRedis(ctx, dir, slog.New(slog.DiscardHandler))
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, nil, err
	}
	end := func() {
		_ = server.Stop()
		_ = os.RemoveAll(dir)
	}
	store, err = cachestore.Connect(ctx, cachestore.Config{Addrs: []string{server.Addr()}})
	if err != nil {
		end()
		return nil, nil, err
	}
	return store, func() { _ = store.Close(); end() }, nil
}
