// Command ticks shows the newest prices of markets: set them, read them in
// microseconds, wait for the next one.
package main

import (
	"context"
	"errors"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/examples/internal/example"
)

func main() {
	example.Main("ticks",
		example.Step{Name: "set and get", Basic: true, Run: setAndGet},
		example.Step{Name: "update a part", Run: update},
		example.Step{Name: "of all exchanges", Run: everywhere},
		example.Step{Name: "wait for the next", Run: next},
		example.Step{Name: "watch", Run: watch},
		example.Step{Name: "delete", Run: remove},
	)
}

const symbol = "BTC/USDT"

func tick(exchange, price string) domain.Tick {
	last := domain.MustDecimal(price)
	return domain.Tick{
		Exchange: exchange, Symbol: symbol, Last: last, Bid: last.Sub(domain.MustDecimal("1")), Ask: last.Add(domain.MustDecimal("1")),
		Volume: domain.MustDecimal("100"), Time: time.Now(),
	}
}

func setAndGet(ctx context.Context, c *client.Client, say example.Say) error {
	pos, err := c.Ticks.Set(ctx, tick("binance", "50000.0"))
	if err != nil {
		return err // not in the log: set it again
	}
	if err := c.Wait(ctx, pos); err != nil { // to read one's own write
		return err
	}
	got, err := c.Ticks.Get(ctx, "binance", symbol)
	switch {
	case errors.Is(err, domain.ErrNotFound): // nobody has set one
		return err
	case err != nil: // not known: Redis did not answer, or cannot be read
		return err
	}
	say("last %s, bid %s, ask %s, %s old, stale: %v", got.Last, got.Bid, got.Ask, got.Age(time.Now()).Round(time.Millisecond), got.Stale)
	return example.Want(got.Last.String() == "50000", "last is %s", got.Last)
}

func update(ctx context.Context, c *client.Client, say example.Say) error {
	bid := domain.MustDecimal("49999.5")
	pos, err := c.Ticks.Update(ctx, "binance", symbol, client.TickPatch{Bid: &bid})
	if err != nil {
		return err
	}
	if err := c.Wait(ctx, pos); err != nil {
		return err
	}
	got, err := c.Ticks.Get(ctx, "binance", symbol)
	if err != nil {
		return err
	}
	say("bid %s, the rest as before: ask %s", got.Bid, got.Ask)
	return example.Want(got.Bid.Equal(bid) && got.Ask.String() == "50001", "bid %s, ask %s", got.Bid, got.Ask)
}

func everywhere(ctx context.Context, c *client.Client, say example.Say) error {
	pos, err := c.Ticks.Set(ctx, tick("kraken", "50010"))
	if err != nil {
		return err
	}
	if err := c.Wait(ctx, pos); err != nil {
		return err
	}
	newest, err := c.Ticks.Any(ctx, symbol)
	if err != nil {
		return err
	}
	all, err := c.Ticks.All(ctx, "kraken")
	if err != nil {
		return err
	}
	say("the newest of %s is %s's: %s; kraken has %d ticks", symbol, newest.Exchange, newest.Last, len(all))
	return example.Want(newest.Exchange == "kraken" && len(all) == 1, "%+v, %d", newest, len(all))
}

func next(ctx context.Context, c *client.Client, say example.Say) error {
	present, err := c.Ticks.Get(ctx, "binance", symbol)
	if err != nil {
		return err
	}
	if _, err := c.Ticks.Set(ctx, tick("binance", "50001")); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second) // it waits no longer than that
	defer cancel()
	later, err := c.Ticks.Next(ctx, "binance", symbol, present.Sequence)
	if err != nil {
		return err
	}
	say("after %s comes %s", present.Last, later.Last)
	return example.Want(later.Last.String() == "50001", "next is %s", later.Last)
}

func watch(ctx context.Context, c *client.Client, say example.Say) error {
	seen := 0
	for t, err := range c.Ticks.Watch(ctx, "binance") { // what is there, then every change
		if err != nil {
			return err
		}
		say("%s %s", t.Symbol, t.Last)
		if seen++; seen == 2 {
			return nil
		}
		if _, err := c.Ticks.Set(ctx, tick("binance", "50002")); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func remove(ctx context.Context, c *client.Client, say example.Say) error {
	pos, err := c.Ticks.Delete(ctx, "binance", symbol)
	if err != nil {
		return err
	}
	if err := c.Wait(ctx, pos); err != nil {
		return err
	}
	_, err = c.Ticks.Get(ctx, "binance", symbol)
	say("now it is %v", err)
	return example.Want(errors.Is(err, domain.ErrNotFound), "after the deletion: %v", err)
}
