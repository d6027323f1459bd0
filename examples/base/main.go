// Command base shows what is common to all caches: are the servers there, how
// far is Redis behind the log, and how to clear a deployment's cache.
package main

import (
	"context"
	"errors"
	"time"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/examples/internal/example"
)

func main() {
	example.Main("base",
		example.Step{Name: "ping and health", Basic: true, Run: health},
		example.Step{Name: "status", Run: status},
		example.Step{Name: "clear", Run: clear},
	)
}

func health(ctx context.Context, c *client.Client, say example.Say) error {
	took, err := c.Ping(ctx)
	if err != nil {
		return err
	}
	h := c.Health(ctx)
	say("Redis answers in %s; log %s, Redis %s", took, h.Log, h.Redis)
	return h.Err()
}

func status(ctx context.Context, c *client.Client, say example.Say) error {
	streams, err := c.Status(ctx)
	if err != nil {
		return err
	}
	for _, s := range streams {
		say("%+v", s)
	}
	return example.Want(len(streams) > 0, "no streams")
}

func clear(ctx context.Context, c *client.Client, say example.Say) error {
	_, err := c.Clear(ctx, "yes") // not the prefix of this deployment's keys
	if err := example.Want(errors.Is(err, domain.ErrInvalid), "%v", err); err != nil {
		return err
	}
	pos, err := c.Ticks.Set(ctx, domain.Tick{Exchange: "binance", Symbol: "BTC/USDT", Last: domain.MustDecimal("1"), Time: time.Now()})
	if err != nil {
		return err
	}
	if err := c.Wait(ctx, pos); err != nil {
		return err
	}
	n, err := c.Clear(ctx, cachestore.DefaultPrefix)
	if err != nil {
		return err
	}
	say("%d keys are gone", n)
	// The log still has it, so it comes back.
	if err := c.Wait(ctx, pos); err != nil {
		return err
	}
	_, err = c.Ticks.Get(ctx, "binance", "BTC/USDT")
	return err
}
