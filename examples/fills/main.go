// Command fills shows the trades of an account's own: each is handed out until
// somebody says that it was dealt with.
package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/examples/internal/example"
)

func main() {
	example.Main("fills",
		example.Step{Name: "push, pop, acknowledge", Basic: true, Run: popAndAck},
		example.Step{Name: "a crash loses nothing", Run: crash},
		example.Step{Name: "list and status", Run: list},
	)
}

const exchange = "binance"

// account is one of this run's own, so that the next one finds nothing of it.
var account = example.Unique("account-")

func push(ctx context.Context, c *client.Client, id int) error {
	pos, err := c.Fills.Push(ctx, domain.Fill{
		Account: account, Exchange: exchange, Symbol: "BTC/USDT", ID: strconv.Itoa(id), Side: domain.Buy, Time: time.Now(),
		Price: domain.MustDecimal("50000"), Volume: domain.MustDecimal("0.1"), Fee: domain.MustDecimal("5"), FeeCurrency: "USDT",
	})
	if err != nil {
		return err
	}
	return c.Wait(ctx, pos)
}

func popAndAck(ctx context.Context, c *client.Client, say example.Say) error {
	if err := push(ctx, c, 1); err != nil {
		return err
	}
	fill, err := c.Fills.Pop(ctx, account, exchange, 10*time.Second, 5*time.Second)
	if err != nil {
		return err
	}
	say("fill %s: %s %s at %s", fill.ID, fill.Side, fill.Volume, fill.Price)
	if _, err := c.Fills.Ack(ctx, fill); err != nil {
		return err // it comes again: deal with it by its id
	}
	_, err = c.Fills.Pop(ctx, account, exchange, time.Second, 0)
	return example.Want(errors.Is(err, domain.ErrNotFound), "after the acknowledgement: %v", err)
}

func crash(ctx context.Context, c *client.Client, say example.Say) error {
	if err := push(ctx, c, 2); err != nil {
		return err
	}
	const lease = 50 * time.Millisecond // who pops it says nothing more
	if _, err := c.Fills.Pop(ctx, account, exchange, lease, 5*time.Second); err != nil {
		return err
	}
	again, err := c.Fills.Pop(ctx, account, exchange, time.Minute, 5*time.Second)
	if err != nil {
		return err
	}
	say("fill %s is handed out again", again.ID)
	if _, err := c.Fills.Ack(ctx, again); err != nil {
		return err
	}
	return example.Want(again.ID == "2", "fill %s", again.ID)
}

func list(ctx context.Context, c *client.Client, say example.Say) error {
	fills, err := c.Fills.List(ctx, account, exchange, 10)
	if err != nil {
		return err
	}
	status, err := c.Fills.Status(ctx, account)
	if err != nil {
		return err
	}
	say("%d fills are kept, at %s", len(fills), status[0].Exchange)
	return example.Want(len(fills) == 2, "%d fills", len(fills))
}
