package console

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
)

// gone is the error for what was stored and is not among what is kept: there is
// more that is newer.
func gone(what, id string) error {
	return fmt.Errorf("%s %s was stored, but only newer ones are kept: %w", what, id, domain.ErrNotFound)
}

// SetTrade stores a trade, waits until readers see it and prints it. The error
// matches domain.ErrNotFound when it was too old to be kept.
func (c Console) SetTrade(ctx context.Context, t domain.Trade) error {
	if err := c.visible(ctx)(c.Client.Trades.Push(ctx, t)); err != nil {
		return err
	}
	trades, err := c.Client.Trades.List(ctx, t.Exchange, t.Symbol, client.MaxTrades)
	if err != nil {
		return err
	}
	for _, stored := range trades {
		if stored.ID == t.ID {
			return list(c.Printer, []domain.Trade{stored}, func(t domain.Trade) any { return viewTrade(t) }, tradeColumns, tradeRow)
		}
	}
	return gone("trade", t.ID)
}

// SetCandle stores a candle, waits until readers see it and prints it. The error
// matches domain.ErrNotFound when it was too old to be kept.
func (c Console) SetCandle(ctx context.Context, k domain.Candle) error {
	if err := c.visible(ctx)(c.Client.Candles.Put(ctx, k)); err != nil {
		return err
	}
	candles, err := c.Client.Candles.Between(ctx, k.Exchange, k.Symbol, k.Timeframe, k.Time, k.Time.Add(k.Timeframe.Duration()))
	if err != nil {
		return err
	}
	if len(candles) == 0 {
		return gone("candle", k.Time.UTC().Format("2006-01-02 15:04"))
	}
	return list(c.Printer, candles, func(k domain.Candle) any { return viewCandle(k) }, candleColumns, candleRow)
}

// SetFill stores a fill, waits until readers see it and prints it. The error
// matches domain.ErrNotFound when it was too old to be kept.
func (c Console) SetFill(ctx context.Context, f domain.Fill) error {
	if err := c.visible(ctx)(c.Client.Fills.Push(ctx, f)); err != nil {
		return err
	}
	fills, err := c.Client.Fills.List(ctx, f.Account, f.Exchange, client.MaxFills)
	if err != nil {
		return err
	}
	for _, stored := range fills {
		if stored.ID == f.ID {
			return list(c.Printer, []domain.Fill{stored}, func(f domain.Fill) any { return viewFill(f) }, fillColumns, fillRow)
		}
	}
	return gone("fill", f.ID)
}

// WatchSymbols prints the present symbols of an exchange and each change until
// ctx ends.
func (c Console) WatchSymbols(ctx context.Context, exchange string) error {
	away := outage{printer: c.Printer}
	for event, err := range c.Client.Symbols.Watch(ctx, exchange) {
		if away.is(err) || errors.Is(err, domain.ErrUnknown) {
			continue // it goes on
		}
		if err != nil {
			return err
		}
		if err := c.symbolEvent(event); err != nil {
			return err
		}
	}
	return nil
}

type symbolEventView struct {
	Event string `json:"event"` // symbol or symbol_deleted
	Value any    `json:"value"`
}

type symbolDeletedView struct {
	Exchange string `json:"exchange"`
	Symbol   string `json:"symbol"`
}

func (c Console) symbolEvent(event domain.Event) error {
	var view symbolEventView
	var cells []string
	switch ev := event.(type) {
	case domain.Symbol:
		view, cells = symbolEventView{"symbol", viewSymbol(ev)}, symbolRow(ev)
	case domain.SymbolDeleted:
		view, cells = symbolEventView{"symbol_deleted", symbolDeletedView{ev.Exchange, ev.Name}}, []string{ev.Name, "deleted"}
	}
	if c.Printer.JSON {
		return c.Printer.object(view)
	}
	_, err := fmt.Fprintln(c.Printer.Out, strings.TrimRight(strings.Join(cells, "  "), " "))
	return err
}
