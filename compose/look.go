package compose

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/internal/console"
)

// Look says which system a command looks into, and how it prints.
type Look struct {
	Servers `group:"Servers:"`
	Data    string `env:"FULLON_DATA" placeholder:"DIR" help:"Data directory of the 'fullon up' to look into."`
	JSON    bool   `help:"One JSON object a line."`
}

// lookTimeout bounds a command that asks once.
const lookTimeout = 10 * time.Second

// with runs a command on a connected console. A signal ends it; bounded
// commands end by themselves after lookTimeout.
func (l Look) with(bounded bool, run func(context.Context, console.Console) error) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, lookTimeout)
		defer cancel()
	}
	cfg := l.Located(l.Data).Client()
	cfg.Log.Name, cfg.Log.Log = "fullon", slog.New(slog.DiscardHandler)
	c, err := client.Connect(ctx, cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	return run(ctx, console.Console{Client: c, Printer: console.Printer{Out: os.Stdout, JSON: l.JSON}})
}

type market struct {
	Exchange string `arg:"" help:"Exchange, like binance."`
	Symbol   string `arg:"" help:"Unified symbol, like BTC/USDT."`
}

// GetCommand is 'fullon get'.
type GetCommand struct {
	Ticker  TickerCommand  `cmd:"" help:"The newest tick of a market."`
	Tickers TickersCommand `cmd:"" help:"The newest ticks of an exchange."`
	Trades  TradesCommand  `cmd:"" help:"The newest trades of a market."`
	Candles CandlesCommand `cmd:"" help:"The newest candles of a market."`
}

// TickerCommand is 'fullon get ticker'.
type TickerCommand struct {
	market
	Look
}

// Run prints the tick.
func (c *TickerCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error { return k.Ticker(ctx, c.Exchange, c.Symbol) })
}

// TickersCommand is 'fullon get tickers'.
type TickersCommand struct {
	Exchange string `arg:"" help:"Exchange, like binance."`
	Look
}

// Run prints the ticks.
func (c *TickersCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error { return k.Tickers(ctx, c.Exchange) })
}

// TradesCommand is 'fullon get trades'.
type TradesCommand struct {
	market
	Limit Count `default:"20" help:"How many at most."`
	Look
}

// Run prints the trades.
func (c *TradesCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error {
		return k.Trades(ctx, c.Exchange, c.Symbol, int(c.Limit))
	})
}

// CandlesCommand is 'fullon get candles'.
type CandlesCommand struct {
	market
	Timeframe string `arg:"" help:"1m, 5m, 15m, 30m, 1h, 4h or 1d."`
	Limit     Count  `default:"20" help:"How many at most."`
	Look
}

// Run prints the candles.
func (c *CandlesCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error {
		return k.Candles(ctx, c.Exchange, c.Symbol, c.Timeframe, int(c.Limit))
	})
}

// WatchCommand is 'fullon watch'.
type WatchCommand struct {
	Tickers WatchTickersCommand `cmd:"" help:"Ticks as they change."`
}

// WatchTickersCommand is 'fullon watch tickers'.
type WatchTickersCommand struct {
	Exchange string   `arg:"" help:"Exchange, like binance."`
	Symbols  []string `arg:"" optional:"" name:"symbol" help:"Unified symbols; none: all."`
	Look
}

// Run prints ticks until a signal ends it.
func (c *WatchTickersCommand) Run() error {
	return c.with(false, func(ctx context.Context, k console.Console) error {
		return k.WatchTickers(ctx, c.Exchange, c.Symbols)
	})
}

// StatusCommand is 'fullon status'.
type StatusCommand struct{ Look }

// Run prints the state of every stream.
func (c *StatusCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error { return k.Status(ctx) })
}

// FullonCommand is the grammar of cmd/fullon.
type FullonCommand struct {
	Up        UpCommand        `cmd:"" help:"Run everything in one process."`
	Get       GetCommand       `cmd:"" help:"Read what the cache holds."`
	Watch     WatchCommand     `cmd:"" help:"Follow what changes."`
	Status    StatusCommand    `cmd:"" help:"Streams, partitions, checkpoints and lag."`
	Provision ProvisionCommand `cmd:"" help:"Create the streams of a deployment."`
}
