// Command websocket shows a program that reaches the gateway alone, neither NATS
// nor Redis: the verbs of the other examples over one WebSocket. client.py and
// index.html beside it do the same in Python and in a browser.
package main

import (
	"context"
	"errors"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/client/ws"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/examples/internal/example"
)

func main() {
	example.Main("websocket",
		example.Step{Name: "set and get", Basic: true, Run: over(setAndGet)},
		example.Step{Name: "watch", Basic: true, Run: over(watch)},
		example.Step{Name: "orders", Run: over(orders)},
		example.Step{Name: "any operation", Run: over(anything)},
		example.Step{Name: "errors", Run: over(failures)},
	)
}

const symbol = "BTC/USDT"

// over makes a step that has a connection to a gateway. Yours is where
// 'fullon up' or cmd/gateway says: ws://127.0.0.1:8765.
func over(run func(context.Context, *ws.Client, example.Say) error) func(context.Context, *client.Client, example.Say) error {
	return func(ctx context.Context, direct *client.Client, say example.Say) error {
		url, token, end, err := example.Gateway(direct)
		if err != nil {
			return err
		}
		defer end()
		c, err := ws.Dial(ctx, url, ws.Config{Token: token}) // without a token: reads alone
		if err != nil {
			return err
		}
		defer c.Close()
		return run(ctx, c, say)
	}
}

func tick(price string) domain.Tick {
	return domain.Tick{Exchange: "binance", Symbol: symbol, Last: domain.MustDecimal(price), Time: time.Now()}
}

func setAndGet(ctx context.Context, c *ws.Client, say example.Say) error {
	pos, err := c.Ticks.Set(ctx, tick("50000.10"))
	if err != nil {
		return err
	}
	if err := c.Wait(ctx, pos); err != nil { // to read one's own write
		return err
	}
	got, err := c.Ticks.Get(ctx, "binance", symbol)
	if err != nil {
		return err
	}
	say("last %s, stale: %v", got.Last, got.Stale)
	return example.Want(got.Last.String() == "50000.1", "last is %s", got.Last)
}

func watch(ctx context.Context, c *ws.Client, say example.Say) error {
	seen := 0
	for t, err := range c.Ticks.Watch(ctx, "binance", symbol) { // what is there, then every change
		if err != nil {
			say("%v", err) // a disconnect, for example: it goes on by itself
			continue
		}
		say("%s %s", t.Symbol, t.Last)
		if seen++; seen == 2 {
			return nil
		}
		if _, err := c.Ticks.Set(ctx, tick("50001")); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func orders(ctx context.Context, c *ws.Client, say example.Say) error {
	pushed, err := c.Orders.Push(ctx, domain.Order{
		ID: example.Unique("ws-"), Exchange: "kraken", OrderTerms: domain.OrderTerms{ // the same ID again after domain.ErrUnreachable
			Account: "1001", Bot: "ws-bot", Symbol: "WS/USDT", Side: domain.Buy, Type: domain.Market, Volume: domain.MustDecimal("0.1"),
		},
	})
	if err != nil {
		return err
	}
	say("%s is %s", pushed.ID, pushed.Status)
	for {
		d, err := c.Orders.Pop(ctx, "kraken", 5*time.Second)
		if err != nil {
			return err
		}
		dealtWith, err := c.Orders.Ack(ctx, d)
		if err != nil {
			return err
		}
		say("%s is %s", dealtWith.ID, dealtWith.Status)
		if d.ID == pushed.ID { // others may have been left by other examples
			return nil
		}
	}
}

func anything(ctx context.Context, c *ws.Client, say example.Say) error {
	var known struct {
		Operations []struct{ Name, About string }
	}
	if err := c.Call(ctx, "list_operations", nil, &known); err != nil {
		return err
	}
	for _, op := range known.Operations {
		say("%s: %s", op.Name, op.About)
	}
	return example.Want(len(known.Operations) > 20, "%d operations", len(known.Operations))
}

func failures(ctx context.Context, c *ws.Client, say example.Say) error {
	_, err := c.Ticks.Get(ctx, "binance", "NONE/USDT")
	say("%v", err)
	if !errors.Is(err, domain.ErrNotFound) {
		return example.Want(false, "%v", err)
	}
	err = c.Call(ctx, "get_ticker", map[string]string{"symbol": symbol}, nil)
	var told *ws.Error
	say("%v", err)
	return example.Want(errors.As(err, &told) && told.Code == "INVALID_PARAMS" && errors.Is(err, domain.ErrInvalid), "%v", err)
}
