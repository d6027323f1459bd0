package console

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/table"
)

type priceView struct {
	Exchange string `json:"exchange"`
	Symbol   string `json:"symbol"`
	Price    string `json:"price"`
}

// Price prints what a market is worth. The error matches domain.ErrStale when
// the tick is stale.
func (c Console) Price(ctx context.Context, exchange, symbol string) error {
	price, err := c.Client.Ticks.Price(ctx, exchange, symbol)
	if err != nil {
		return err
	}
	if c.Printer.JSON {
		return c.Printer.object(priceView{exchange, symbol, price.String()})
	}
	_, err = fmt.Fprintln(c.Printer.Out, price)
	return err
}

// SetTicker stores a tick, waits until readers see it and prints it.
func (c Console) SetTicker(ctx context.Context, tick domain.Tick) error {
	pos, err := c.Client.Ticks.Set(ctx, tick)
	if err != nil {
		return err
	}
	if err := c.Client.Wait(ctx, pos); err != nil {
		return fmt.Errorf("stored, but no projector has folded it yet: %w", err)
	}
	return c.Ticker(ctx, tick.Exchange, tick.Symbol)
}

// DeleteTicker removes a market's tick, or with an empty symbol all of the
// exchange, and waits until readers see it. The error matches domain.ErrNotFound
// when there is none.
func (c Console) DeleteTicker(ctx context.Context, exchange, symbol string) error {
	var positions []domain.LogPosition
	count := 1
	if symbol != "" {
		if _, err := c.Client.Ticks.Get(ctx, exchange, symbol); err != nil && !errors.Is(err, domain.ErrUnknown) {
			return err
		}
		pos, err := c.Client.Ticks.Delete(ctx, exchange, symbol)
		if err != nil {
			return err
		}
		positions = append(positions, pos)
	} else {
		var err error
		if count, positions, err = c.Client.Ticks.DeleteExchange(ctx, exchange); err != nil {
			return err
		}
		if count == 0 {
			return fmt.Errorf("ticks of %s: %w", exchange, domain.ErrNotFound)
		}
	}
	for _, pos := range positions {
		if err := c.Client.Wait(ctx, pos); err != nil {
			return fmt.Errorf("stored, but no projector has folded it yet: %w", err)
		}
	}
	if c.Printer.JSON {
		return c.Printer.object(struct {
			Deleted int `json:"deleted"`
		}{count})
	}
	_, err := fmt.Fprintf(c.Printer.Out, "deleted: %d\n", count)
	return err
}

type analyticsView struct {
	Exchange   string     `json:"exchange"`
	Symbol     string     `json:"symbol"`
	From       *time.Time `json:"from"`
	To         *time.Time `json:"to"`
	Count      int        `json:"count"`
	Volume     string     `json:"volume"`
	Cost       string     `json:"cost"`
	VWAP       string     `json:"vwap"`
	Open       string     `json:"open"`
	High       string     `json:"high"`
	Low        string     `json:"low"`
	Close      string     `json:"close"`
	BuyVolume  string     `json:"buy_volume"`
	SellVolume string     `json:"sell_volume"`
	Complete   bool       `json:"complete"`
}

// Analytics prints a summary of a market's trades in the window that ends now.
func (c Console) Analytics(ctx context.Context, exchange, symbol string, window time.Duration) error {
	a, err := c.Client.Trades.Analytics(ctx, exchange, symbol, window)
	if err != nil {
		return err
	}
	view := analyticsView{
		Exchange: a.Exchange, Symbol: a.Symbol, From: moment(a.From), To: moment(a.To), Count: a.Count, Volume: a.Volume.String(),
		Cost: a.Cost.String(), VWAP: a.VWAP.String(), Open: a.Open.String(), High: a.High.String(), Low: a.Low.String(),
		Close: a.Close.String(), BuyVolume: a.BuyVolume.String(), SellVolume: a.SellVolume.String(), Complete: a.Complete,
	}
	if c.Printer.JSON {
		return c.Printer.object(view)
	}
	note := ""
	if !a.Complete {
		note = "not all: older trades are no longer kept"
	}
	for _, row := range [][2]string{
		{"trades", fmt.Sprint(a.Count)}, {"volume", view.Volume}, {"  bought", view.BuyVolume}, {"  sold", view.SellVolume},
		{"vwap", a.VWAP.Trunc(8).String()}, {"open", view.Open}, {"high", view.High}, {"low", view.Low}, {"close", view.Close}, {note, ""},
	} {
		if row[0] != "" {
			if _, err := fmt.Fprintf(c.Printer.Out, "%-10s %s\n", row[0], row[1]); err != nil {
				return err
			}
		}
	}
	return nil
}

type gapView struct {
	Exchange string     `json:"exchange"`
	Symbol   string     `json:"symbol"`
	FromID   string     `json:"from_id"`
	ToID     string     `json:"to_id"`
	Missing  uint64     `json:"missing"`
	Reason   string     `json:"reason"`
	Time     *time.Time `json:"time"`
	Sequence uint64     `json:"sequence"`
}

// Gaps prints the newest gaps of a market: trades that are known to be missing.
func (c Console) Gaps(ctx context.Context, exchange, symbol string, limit int) error {
	gaps, err := c.Client.Trades.Gaps(ctx, exchange, symbol, limit)
	if err != nil {
		return err
	}
	if len(gaps) == 0 {
		return fmt.Errorf("gaps of %s %s: %w", exchange, symbol, domain.ErrNotFound)
	}
	return list(c.Printer, gaps, func(g domain.Gap) any {
		return gapView{g.Exchange, g.Symbol, g.FromID, g.ToID, g.Missing, g.Reason, moment(g.Time), g.Sequence}
	}, []table.Column{
		{Title: "FOUND"}, {Title: "FROM", Align: table.Right}, {Title: "TO", Align: table.Right}, {Title: "MISSING", Align: table.Right}, {Title: "REASON"},
	}, func(g domain.Gap) []string {
		return []string{g.Time.UTC().Format(time.DateTime), g.FromID, g.ToID, fmt.Sprint(g.Missing), g.Reason}
	})
}

// outage says once that Redis is away or being folded anew, and once that it is
// back.
type outage struct {
	printer Printer
	away    bool
}

// is reports whether err only says that Redis is away or being folded anew.
func (o *outage) is(err error) bool {
	if errors.Is(err, domain.ErrRebuilding) {
		if !o.away {
			o.printer.remark("-- Redis is being folded anew, this goes on when it has caught up --")
		}
		o.away = true
		return true
	}
	if errors.Is(err, domain.ErrUnreachable) {
		if !o.away {
			o.printer.remark("-- Redis is away, this goes on when it is back --")
		}
		o.away = true
		return true
	}
	if o.away && err == nil {
		o.printer.remark("-- Redis is back --")
		o.away = false
	}
	return false
}

// WatchTrades prints the newest trades of a market and each new one until ctx
// ends.
func (c Console) WatchTrades(ctx context.Context, exchange, symbol string, last int) error {
	away := outage{printer: c.Printer}
	for trade, err := range c.Client.Trades.Watch(ctx, exchange, symbol, last) {
		switch {
		case away.is(err):
			continue
		case errors.Is(err, domain.ErrLagged):
			c.Printer.remark("-- trades were missed: more came than are kept --")
			continue
		case err != nil:
			return err
		}
		if err := c.one(viewTrade(trade), tradeRow(trade)); err != nil {
			return err
		}
	}
	return nil
}

// WatchCandles prints the newest candles of a market and each change until ctx
// ends.
func (c Console) WatchCandles(ctx context.Context, exchange, symbol, timeframe string, last int) error {
	away := outage{printer: c.Printer}
	for candle, err := range c.Client.Candles.Watch(ctx, exchange, symbol, domain.Timeframe(timeframe), last) {
		if away.is(err) {
			continue
		}
		if err != nil {
			return err
		}
		if err := c.one(viewCandle(candle), candleRow(candle)); err != nil {
			return err
		}
	}
	return nil
}

// one prints a view as JSON, or its cells on a line.
func (c Console) one(view any, cells []string) error {
	if c.Printer.JSON {
		return c.Printer.object(view)
	}
	line := ""
	for _, cell := range cells {
		line += fmt.Sprintf("%-14s  ", cell)
	}
	_, err := fmt.Fprintln(c.Printer.Out, line)
	return err
}
