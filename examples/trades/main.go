// Command trades shows the public trades of a market: push them, read them as
// often as you like, sum them up.
package main

import (
	"context"
	"strconv"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/examples/internal/example"
)

func main() {
	example.Main("trades",
		example.Step{Name: "push and list", Basic: true, Run: pushAndList},
		example.Step{Name: "since", Run: since},
		example.Step{Name: "analytics", Run: analytics},
		example.Step{Name: "status", Run: status},
		example.Step{Name: "watch", Run: watch},
	)
}

const exchange = "binance"

// symbol is one of this run's own, so that the next one finds nothing of it.
var symbol = example.Unique("C") + "/USDT"

func push(ctx context.Context, c *client.Client, from, to int) error {
	var last domain.LogPosition
	for id := from; id <= to; id++ {
		pos, err := c.Trades.Push(ctx, domain.Trade{
			Exchange: exchange, Symbol: symbol, ID: strconv.Itoa(id), Side: domain.Sell, Time: time.Now(),
			Price: domain.MustDecimal("50500"), Volume: domain.MustDecimal("0.05"),
		})
		if err != nil {
			return err // push the same trade again: it is kept once, by its id
		}
		last = pos
	}
	return c.Wait(ctx, last)
}

func pushAndList(ctx context.Context, c *client.Client, say example.Say) error {
	if err := push(ctx, c, 1, 5); err != nil {
		return err
	}
	if err := push(ctx, c, 5, 5); err != nil { // a repetition
		return err
	}
	for range 2 { // reading takes nothing away
		trades, err := c.Trades.List(ctx, exchange, symbol, 100)
		if err != nil {
			return err
		}
		say("found %d trades, the last cost %s", len(trades), trades[len(trades)-1].Cost())
		if err := example.Want(len(trades) == 5, "%d trades", len(trades)); err != nil {
			return err
		}
	}
	return nil
}

func since(ctx context.Context, c *client.Client, say example.Say) error {
	trades, complete, err := c.Trades.Since(ctx, exchange, symbol, time.Now().Add(-time.Minute))
	if err != nil {
		return err
	}
	say("%d trades within a minute; as far back as asked for: %v", len(trades), complete)
	return example.Want(len(trades) == 5, "%d trades", len(trades))
}

func analytics(ctx context.Context, c *client.Client, say example.Say) error {
	a, err := c.Trades.Analytics(ctx, exchange, symbol, time.Hour)
	if err != nil {
		return err
	}
	say("%d trades, volume %s, average %s, sold %s", a.Count, a.Volume, a.VWAP, a.SellVolume)
	return example.Want(a.Volume.String() == "0.25" && a.VWAP.String() == "50500", "%+v", a)
}

func status(ctx context.Context, c *client.Client, say example.Say) error {
	s, err := c.Trades.Status(ctx, exchange, symbol)
	if err != nil {
		return err
	}
	say("%d are kept, from %s to %s", s.Count, s.First.ID, s.Last.ID)
	return example.Want(s.First.ID == "1" && s.Last.ID == "5", "%+v", s)
}

func watch(ctx context.Context, c *client.Client, say example.Say) error {
	const begin = 2 // with the newest two
	seen := 0
	for t, err := range c.Trades.Watch(ctx, exchange, symbol, begin) {
		if err != nil {
			return err // ErrLagged: some were missed, the watch goes on
		}
		say("trade %s", t.ID)
		if seen++; seen == begin {
			if err := push(ctx, c, 6, 7); err != nil {
				return err
			}
		}
		if t.ID == "7" {
			return nil
		}
	}
	return ctx.Err()
}
