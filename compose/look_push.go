package compose

import (
	"context"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/console"
)

// VenueID is an id that a venue gives: of a trade, or of an order.
type VenueID string

// UnmarshalText reads an id.
func (i *VenueID) UnmarshalText(text []byte) error {
	*i = VenueID(text)
	return domain.CheckVenueSymbol(string(text)) // the same bounds
}

// Moment is a time; zero is now.
type Moment struct{ time.Time }

// UnmarshalText reads a time.
func (m *Moment) UnmarshalText(text []byte) error {
	t, err := time.Parse(time.RFC3339Nano, string(text))
	if err != nil {
		return notAllowed(string(text), "a time like 2026-01-31T15:04:05Z, with a zone")
	}
	m.Time = t
	return nil
}

func (m Moment) orNow() time.Time {
	if m.IsZero() {
		return time.Now()
	}
	return m.Time
}

// tradeTerms are what a trade and a fill have in common.
type tradeTerms struct {
	ID     VenueID   `required:"" name:"id" placeholder:"ID" help:"The venue's id of the trade; one that is there already stays as it is."`
	Side   OrderSide `required:"" placeholder:"SIDE" help:"buy or sell."`
	Price  Amount    `required:"" placeholder:"PRICE" help:"Quote units for one base unit."`
	Volume Amount    `required:"" placeholder:"SIZE" help:"Base units."`
	Time   Moment    `placeholder:"TIME" help:"When it happened (default: now)."`
}

// SetTradeCommand is 'fullon set trade'.
type SetTradeCommand struct {
	market
	tradeTerms
	Look
}

// Run stores the trade and prints it as readers see it.
func (c *SetTradeCommand) Run() error {
	trade := domain.Trade{
		Exchange: string(c.Exchange), Symbol: string(c.Symbol), ID: string(c.ID), Side: c.Side.Side, Price: c.Price.Decimal,
		Volume: c.Volume.Decimal, Time: c.Time.orNow(),
	}
	if err := trade.Validate(); err != nil {
		return err
	}
	return c.with(true, func(ctx context.Context, k console.Console) error { return k.SetTrade(ctx, trade) })
}

// SetCandleCommand is 'fullon set candle'.
type SetCandleCommand struct {
	market
	Timeframe Timeframe `arg:"" help:"1m, 5m, 15m, 30m, 1h, 4h or 1d."`
	Open      Amount    `required:"" placeholder:"PRICE" help:"First price."`
	High      Amount    `required:"" placeholder:"PRICE" help:"Highest price."`
	Low       Amount    `required:"" placeholder:"PRICE" help:"Lowest price."`
	Close     Amount    `required:"" placeholder:"PRICE" help:"Last price."`
	Volume    Amount    `required:"" placeholder:"SIZE" help:"Base units."`
	Time      Moment    `placeholder:"TIME" help:"When the bar begins (default: the one of now)."`
	Closed    bool      `help:"The bar is final."`
	Look
}

// Run stores the candle as one of the venue and prints it as readers see it.
func (c *SetCandleCommand) Run() error {
	tf := domain.Timeframe(c.Timeframe)
	candle := domain.Candle{
		Exchange: string(c.Exchange), Symbol: string(c.Symbol), Timeframe: tf, Time: c.Time.Time, Open: c.Open.Decimal, High: c.High.Decimal,
		Low: c.Low.Decimal, Close: c.Close.Decimal, Volume: c.Volume.Decimal, Source: domain.FromVenue, Closed: c.Closed,
	}
	if candle.Time.IsZero() {
		candle.Time = tf.Start(time.Now())
	}
	if err := candle.Validate(); err != nil {
		return err
	}
	return c.with(true, func(ctx context.Context, k console.Console) error { return k.SetCandle(ctx, candle) })
}

// SetFillCommand is 'fullon set fill'.
type SetFillCommand struct {
	account
	market
	tradeTerms
	Fee           SignedAmount `placeholder:"AMOUNT" help:"What the venue took; negative: a rebate."`
	FeeCurrency   Currency     `placeholder:"CURRENCY" help:"Of the fee."`
	Maker         bool         `help:"The order rested in the book."`
	OrderID       VenueID      `placeholder:"ID" help:"The venue's id of the order."`
	ClientOrderID OrderID      `placeholder:"ID" help:"Ours."`
	Look
}

// Run stores the fill and prints it as readers see it.
func (c *SetFillCommand) Run() error {
	fill := domain.Fill{
		Account: string(c.Account), Exchange: string(c.Exchange), Symbol: string(c.Symbol), ID: string(c.ID), OrderID: string(c.OrderID),
		ClientOrderID: string(c.ClientOrderID), Side: c.Side.Side, Price: c.Price.Decimal, Volume: c.Volume.Decimal, Fee: c.Fee.Decimal,
		FeeCurrency: string(c.FeeCurrency), Maker: c.Maker, Time: c.Time.orNow(),
	}
	if err := fill.Validate(); err != nil {
		return err
	}
	return c.with(true, func(ctx context.Context, k console.Console) error { return k.SetFill(ctx, fill) })
}

// WatchSymbolsCommand is 'fullon watch symbols'.
type WatchSymbolsCommand struct {
	Exchange Exchange `arg:"" help:"Exchange, like binance; of 'fullon up': sim."`
	Look
}

// Run prints symbols until a signal ends it.
func (c *WatchSymbolsCommand) Run() error {
	return c.with(false, func(ctx context.Context, k console.Console) error { return k.WatchSymbols(ctx, string(c.Exchange)) })
}
