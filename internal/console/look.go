package console

import (
	"context"
	"fmt"
	"strconv"
	"strings"
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
		tickColumns, func(t domain.Tick) []string { return tickRow(t, now) })
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
	return list(c.Printer, trades, func(t domain.Trade) any { return viewTrade(t) }, tradeColumns, tradeRow)
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
	return list(c.Printer, candles, func(k domain.Candle) any { return viewCandle(k) }, candleColumns, candleRow)
}

// WatchTickers prints the present ticks and each change until ctx ends.
func (c Console) WatchTickers(ctx context.Context, exchange string, symbols []string) error {
	const columns = "%-12s  %-13s  %14s  %14s  %14s  %8s  %s"
	say := func(cells ...any) error {
		_, err := fmt.Fprintln(c.Printer.Out, strings.TrimRight(fmt.Sprintf(columns, cells...), " "))
		return err
	}
	begun, away := false, outage{printer: c.Printer}
	for tick, err := range c.Client.Ticks.Watch(ctx, exchange, symbols...) {
		if away.is(err) {
			continue
		}
		if err != nil {
			return err
		}
		now := time.Now()
		if c.Printer.JSON {
			if err := c.Printer.object(viewTick(tick, now)); err != nil {
				return err
			}
			continue
		}
		if !begun {
			begun = true
			if err := say("TIME", "SYMBOL", "PRICE", "BID", "ASK", "AGE", ""); err != nil {
				return err
			}
		}
		err := say(now.UTC().Format("15:04:05.000"), tick.Symbol, tick.Price(), orDash(tick.Bid), orDash(tick.Ask), age(tick.Age(now)), staleNote(tick))
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
	for _, s := range streams {
		if s.RetentionUsed >= domain.RetentionAlarm {
			c.Printer.remark(fmt.Sprintf("-- %s is behind by %.0f%% of what the log keeps: at 100%% what is not folded yet is dropped --", s.Stream, 100*s.RetentionUsed))
		}
	}
	return list(c.Printer, streams, func(s client.StreamStatus) any {
		return streamView{s.Stream, s.First, s.Last, s.Bytes, s.Checkpoint, s.Lag, s.Epoch, s.RetentionUsed}
	}, streamColumns, func(s client.StreamStatus) []string {
		n := func(v uint64) string { return strconv.FormatUint(v, 10) }
		return []string{s.Stream, n(s.First), n(s.Last), size(s.Bytes), n(s.Checkpoint), n(s.Lag)}
	})
}
