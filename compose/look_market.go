package compose

import (
	"context"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/console"
)

// Amount is a price or a size: a decimal, zero or more.
type Amount struct{ domain.Decimal }

// UnmarshalText reads an amount.
func (a *Amount) UnmarshalText(text []byte) error {
	d, err := domain.ParseUnsigned("amount", string(text))
	if err != nil {
		return notAllowed(string(text), "a decimal number, zero or more, of at most 19 digits before and 19 after the point")
	}
	a.Decimal = d
	return nil
}

// PriceCommand is 'fullon get price'.
type PriceCommand struct {
	market
	Look
}

// Run prints the price.
func (c *PriceCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error {
		return k.Price(ctx, string(c.Exchange), string(c.Symbol))
	})
}

// AnalyticsCommand is 'fullon get analytics'.
type AnalyticsCommand struct {
	market
	Window Period `default:"5m" help:"How far back from now."`
	Look
}

// Run prints the summary.
func (c *AnalyticsCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error {
		return k.Analytics(ctx, string(c.Exchange), string(c.Symbol), time.Duration(c.Window))
	})
}

// GapsCommand is 'fullon get gaps'.
type GapsCommand struct {
	market
	Limit ErrorLimit `default:"20" help:"How many at most."`
	Look
}

// Run prints the gaps.
func (c *GapsCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error {
		return k.Gaps(ctx, string(c.Exchange), string(c.Symbol), int(c.Limit))
	})
}

// WatchTradesCommand is 'fullon watch trades'.
type WatchTradesCommand struct {
	market
	Last TradeLimit `default:"10" help:"How many of the newest to begin with."`
	Look
}

// Run prints trades until a signal ends it.
func (c *WatchTradesCommand) Run() error {
	return c.with(false, func(ctx context.Context, k console.Console) error {
		return k.WatchTrades(ctx, string(c.Exchange), string(c.Symbol), int(c.Last))
	})
}

// WatchCandlesCommand is 'fullon watch candles'.
type WatchCandlesCommand struct {
	market
	Timeframe Timeframe `arg:"" help:"1m, 5m, 15m, 30m, 1h, 4h or 1d."`
	Look
}

// Run prints candles until a signal ends it.
func (c *WatchCandlesCommand) Run() error {
	return c.with(false, func(ctx context.Context, k console.Console) error {
		return k.WatchCandles(ctx, string(c.Exchange), string(c.Symbol), string(c.Timeframe), 1)
	})
}

// SetCommand is 'fullon set'.
type SetCommand struct {
	Ticker   SetTickerCommand   `cmd:"" help:"Store a market's tick."`
	Trade    SetTradeCommand    `cmd:"" help:"Store a trade of a market."`
	Candle   SetCandleCommand   `cmd:"" help:"Store a candle of a market, as the venue's own."`
	Fill     SetFillCommand     `cmd:"" help:"Store a trade of an account's own."`
	Balance  SetBalanceCommand  `cmd:"" help:"Store what an account has of a currency."`
	Position SetPositionCommand `cmd:"" help:"Store what an account holds of a symbol."`
	Venue    SetVenueCommand    `cmd:"" help:"Store an exchange of the catalogue."`
	Symbol   SetSymbolCommand   `cmd:"" help:"Store a symbol of the catalogue."`
	Bot      SetBotCommand      `cmd:"" help:"Store what a bot says of a feed."`
}

// SetTickerCommand is 'fullon set ticker'.
type SetTickerCommand struct {
	market
	Last    Amount `placeholder:"PRICE" help:"Price of the last trade."`
	Bid     Amount `placeholder:"PRICE" help:"Best bid."`
	BidSize Amount `placeholder:"SIZE" help:"Base units at the best bid."`
	Ask     Amount `placeholder:"PRICE" help:"Best ask."`
	AskSize Amount `placeholder:"SIZE" help:"Base units at the best ask."`
	Volume  Amount `placeholder:"SIZE" help:"Base units traded in 24 h."`
	Look
}

// Run stores the tick and prints it as readers see it.
func (c *SetTickerCommand) Run() error {
	now := time.Now()
	tick := domain.Tick{
		Exchange: string(c.Exchange), Symbol: string(c.Symbol), Last: c.Last.Decimal, Bid: c.Bid.Decimal, BidSize: c.BidSize.Decimal,
		Ask: c.Ask.Decimal, AskSize: c.AskSize.Decimal, Volume: c.Volume.Decimal, Time: now, Received: now,
	}
	if err := tick.Validate(); err != nil {
		return err
	}
	return c.with(true, func(ctx context.Context, k console.Console) error { return k.SetTicker(ctx, tick) })
}

// DeleteTickerCommand is 'fullon delete ticker'.
type DeleteTickerCommand struct {
	Exchange Exchange `arg:"" help:"Exchange, like binance; of 'fullon up': sim."`
	Symbol   Symbol   `arg:"" optional:"" help:"Unified symbol; none: all of the exchange."`
	Look
}

// Run removes the tick.
func (c *DeleteTickerCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error {
		return k.DeleteTicker(ctx, string(c.Exchange), string(c.Symbol))
	})
}
