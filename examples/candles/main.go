// Command candles shows OHLCV bars: put them, read the newest, follow the one
// that is forming.
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
	example.Main("candles",
		example.Step{Name: "put and read", Basic: true, Run: putAndRead},
		example.Step{Name: "a forming bar is replaced, a late one inserted", Run: upsert},
		example.Step{Name: "between", Run: between},
		example.Step{Name: "watch", Run: watch},
		example.Step{Name: "wrong timeframe", Run: wrong},
	)
}

const exchange = "kraken"

// symbol is one of this run's own, so that the next one finds nothing of it.
var symbol = example.Unique("C") + "/USD"

var start = time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC)

func bar(minute int, closing string) domain.Candle {
	return domain.Candle{
		Exchange: exchange, Symbol: symbol, Timeframe: "1m", Time: start.Add(time.Duration(minute) * time.Minute),
		Open: domain.MustDecimal("47000"), High: domain.MustDecimal("47500"), Low: domain.MustDecimal("46800"),
		Close: domain.MustDecimal(closing), Volume: domain.MustDecimal("150.5"), Source: domain.FromVenue,
	}
}

func put(ctx context.Context, c *client.Client, bars ...domain.Candle) error {
	var last domain.LogPosition
	for _, b := range bars {
		pos, err := c.Candles.Put(ctx, b)
		if err != nil {
			return err
		}
		last = pos
	}
	return c.Wait(ctx, last)
}

func putAndRead(ctx context.Context, c *client.Client, say example.Say) error {
	if err := put(ctx, c, bar(0, "47100"), bar(2, "47200")); err != nil {
		return err
	}
	bars, err := c.Candles.Latest(ctx, exchange, symbol, "1m", 100)
	if err != nil {
		return err
	}
	say("%d bars, the newest closed at %s", len(bars), bars[len(bars)-1].Close)
	return example.Want(len(bars) == 2, "%d bars", len(bars))
}

func upsert(ctx context.Context, c *client.Client, say example.Say) error {
	if err := put(ctx, c, bar(2, "47300"), bar(1, "47150")); err != nil {
		return err
	}
	bars, err := c.Candles.Latest(ctx, exchange, symbol, "1m", 100)
	if err != nil {
		return err
	}
	for _, b := range bars {
		say("%s %s", b.Time.Format(time.TimeOnly), b.Close)
	}
	return example.Want(len(bars) == 3 && bars[1].Close.String() == "47150" && bars[2].Close.String() == "47300", "%+v", bars)
}

func between(ctx context.Context, c *client.Client, say example.Say) error {
	bars, err := c.Candles.Between(ctx, exchange, symbol, "1m", start.Add(time.Minute), start.Add(2*time.Minute))
	if err != nil {
		return err
	}
	say("%d bars from %s on", len(bars), bars[0].Time.Format(time.TimeOnly))
	return example.Want(len(bars) > 0 && bars[0].Time.Equal(start.Add(time.Minute)), "%+v", bars)
}

func watch(ctx context.Context, c *client.Client, say example.Say) error {
	for b, err := range c.Candles.Watch(ctx, exchange, symbol, "1m", 1) {
		if err != nil {
			return err
		}
		say("%s %s", b.Time.Format(time.TimeOnly), b.Close)
		if b.Close.String() == "47350" {
			return nil
		}
		if err := put(ctx, c, bar(2, "47350")); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func wrong(ctx context.Context, c *client.Client, say example.Say) error {
	_, err := c.Candles.Latest(ctx, exchange, symbol, "2m", 1)
	say("%v", err)
	return example.Want(errors.Is(err, domain.ErrInvalid), "%v", err)
}
