package compose

import (
	"context"
	"log/slog"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
)

// finishRepartition finishes what was under way when the private log ended, for
// without that log nobody else can.
func (c *UpCommand) finishRepartition(ctx context.Context, cfg bus.Config, redis cachestore.Config, log *slog.Logger) error {
	cfg.Log = log
	b, err := bus.Connect(ctx, cfg)
	if err != nil {
		return err
	}
	defer b.Close()
	moves, err := b.Unfinished(ctx)
	if err != nil || len(moves) == 0 {
		return err
	}
	store, err := cachestore.Connect(ctx, redis)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	for _, m := range moves {
		c.say("finishing the repartition of the %s from %d to %d partitions", m.Kind, m.From, m.To)
	}
	forget := func(ctx context.Context, stream string) error { return store.Partition(stream).Erase(ctx) }
	return b.Repartition(ctx, moves, forget, func(step bus.RepartitionStep) { log.Debug("repartition", "step", step) })
}

// outliveRepartition keeps the private servers for as long as somebody moves the
// deployment on them: one kind of streams may have its new partitions, which ended
// this process, while others are still copied.
func (c *UpCommand) outliveRepartition(ctx context.Context, cfg bus.Config, log *slog.Logger) error {
	cfg.Log = log
	b, err := bus.Connect(ctx, cfg)
	if err != nil {
		return err
	}
	defer b.Close()
	c.say("log and Redis stay until the repartition is over")
	return b.AwaitRepartition(ctx)
}
