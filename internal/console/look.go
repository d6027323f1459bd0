package console

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
)

// Console looks into one deployment.
type Console struct {
	Client  *client.Client
	Printer Printer
}

// Ticker prints a market's tick. The error matches domain.ErrNotFound when it
// has none.
func (c Console) Ticker(ctx context.Context, exchange, symbol string) error {
	tick, err := c.Client.Ticks.Get(ctx, exchange, symbol)
	if err != nil {
		return err
	}
	return c.ticks([]domain.Tick{tick})
}

// Tickers prints all ticks of an exchange.
func (c Console) Tickers(ctx context.Context, exchange string) error {
	ticks, err := c.Client.Ticks.All(ctx, exchange)
	if err != nil {
		return err
	}
	if len(ticks) == 0 {
		return fmt.Errorf("ticks of %s: %w", exchange, domain.ErrNotFound)
	}
	return c.ticks(ticks)
}

func (c Console) ticks(ticks []domain.Tick) error {
	now := time.Now()
	return list(c.Printer, ticks, func(t domain.Tick) any { return viewTick(t, now) },
		tickHeader, func(t domain.Tick) string { return tickRow(t, now) })
}

// Trades prints the newest trades of a market, oldest first.
func (c Console) Trades(ctx context.Context, exchange, symbol string, limit int) error {
	trades, err := c.Client.Trades.List(ctx, exchange, symbol, limit)
	if err != nil {
		return err
	}
	if len(trades) == 0 {
		return fmt.Errorf("trades of %s %s: %w", exchange, symbol, domain.ErrNotFound)
	}
	return list(c.Printer, trades, func(t domain.Trade) any { return viewTrade(t) },
		"TIME\tID\tSIDE\tPRICE\tVOLUME\tCOST", func(t domain.Trade) string {
			return fmt.Sprintf("%s\t%s\t%v\t%v\t%v\t%v", t.Time.UTC().Format("2006-01-02 15:04:05.000"), t.ID, t.Side, t.Price, t.Volume, t.Cost())
		})
}

// Candles prints the newest candles of a market, oldest first.
func (c Console) Candles(ctx context.Context, exchange, symbol, timeframe string, limit int) error {
	candles, err := c.Client.Candles.Latest(ctx, exchange, symbol, domain.Timeframe(timeframe), limit)
	if err != nil {
		return err
	}
	if len(candles) == 0 {
		return fmt.Errorf("candles of %s %s %s: %w", exchange, symbol, timeframe, domain.ErrNotFound)
	}
	return list(c.Printer, candles, func(k domain.Candle) any { return viewCandle(k) },
		"TIME\tOPEN\tHIGH\tLOW\tCLOSE\tVOLUME\tTRADES\tSOURCE", func(k domain.Candle) string {
			return fmt.Sprintf("%s\t%v\t%v\t%v\t%v\t%v\t%d\t%v", k.Time.Format("2006-01-02 15:04"), k.Open, k.High, k.Low, k.Close, k.Volume, k.Trades, k.Source)
		})
}

// WatchTickers prints the present ticks and each change until ctx ends.
func (c Console) WatchTickers(ctx context.Context, exchange string, symbols []string) error {
	if !c.Printer.JSON {
		_, _ = fmt.Fprintln(c.Printer.Out, "TIME          SYMBOL         PRICE           BID             ASK             AGE")
	}
	away := false
	for tick, err := range c.Client.Ticks.Watch(ctx, exchange, symbols...) {
		switch {
		case errors.Is(err, domain.ErrUnreachable):
			if away {
				continue // said once an outage
			}
			away = true
			if !c.Printer.JSON {
				_, _ = fmt.Fprintln(c.Printer.Out, "-- Redis is away --")
			}
			continue
		case err != nil:
			return err
		}
		away = false
		now := time.Now()
		if c.Printer.JSON {
			if err := c.Printer.object(viewTick(tick, now)); err != nil {
				return err
			}
			continue
		}
		note := ""
		if tick.Stale {
			note = "STALE"
		}
		_, err := fmt.Fprintf(c.Printer.Out, "%s  %-13s  %-14v  %-14s  %-14s  %v %s\n", now.Format("15:04:05.000"), tick.Symbol,
			tick.Price(), orDash(tick.Bid), orDash(tick.Ask), tick.Age(now).Round(time.Millisecond), note)
		if err != nil {
			return err
		}
	}
	return nil
}

// Status prints every stream of the deployment, up to where Redis reflects it
// and how far behind it is.
func (c Console) Status(ctx context.Context) error {
	streams, err := c.Client.Status(ctx)
	if err != nil {
		return err
	}
	return list(c.Printer, streams, func(s client.StreamStatus) any {
		return streamView{s.Stream, s.First, s.Last, s.Bytes, s.Checkpoint, s.Lag, s.Epoch}
	}, "STREAM\tFIRST\tLAST\tSIZE\tCHECKPOINT\tLAG", func(s client.StreamStatus) string {
		return fmt.Sprintf("%s\t%d\t%d\t%s\t%d\t%d", s.Stream, s.First, s.Last, size(s.Bytes), s.Checkpoint, s.Lag)
	})
}

func size(bytes uint64) string {
	switch {
	case bytes >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30))
	case bytes >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
	}
	return fmt.Sprintf("%.1f KiB", float64(bytes)/(1<<10))
}
