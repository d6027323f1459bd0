package compose

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/alecthomas/kong"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/console"
)

// Look says which system a command looks into, and how it prints.
type Look struct {
	Servers Servers `kong:"-"`
	Data    string  `env:"FULLON_DATA" placeholder:"DIR" help:"Data directory of the 'fullon up' to look into."`
	JSON    bool    `help:"One JSON object a line."`
}

// AfterApply implements kong's hook: a command looks into the servers that were
// named for all of them.
func (l *Look) AfterApply(servers Servers) error {
	l.Servers = servers
	return nil
}

// lookTimeout bounds a command that asks once.
const lookTimeout = 10 * time.Second

// with runs a command on a connected console. A signal ends it; bounded
// commands end by themselves after lookTimeout.
func (l Look) with(bounded bool, run func(context.Context, console.Console) error) error {
	ctx, stop := untilSignal(context.Background())
	defer stop()
	if bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, lookTimeout)
		defer cancel()
	}
	cfg, found := l.config()
	c, err := client.Connect(ctx, cfg)
	if err != nil {
		return l.explain(err, found)
	}
	defer c.Close()
	return run(ctx, l.console(c))
}

// withServers is with for commands that take as long as they need and use the log
// and Redis themselves. bind makes sure that the deployment has the partitions
// that were asked for; without it any will do.
func (l Look) withServers(bind bool, run func(context.Context, *bus.Bus, *cachestore.Store, console.Console) error) error {
	ctx, stop := untilSignal(context.Background())
	defer stop()
	cfg, found := l.config()
	if !bind {
		cfg.Log.Layout = bus.Layout{}
	}
	log, err := bus.Connect(ctx, cfg.Log)
	if err != nil {
		return l.explain(err, found)
	}
	defer log.Close()
	if bind {
		if err := log.Bind(ctx); err != nil {
			return err
		}
	}
	store, err := cachestore.Connect(ctx, cfg.Redis)
	if err != nil {
		return l.explain(err, found)
	}
	defer func() { _ = store.Close() }()
	c := client.New(log, store)
	defer c.Close()
	return run(ctx, log, store, l.console(c))
}

// config is that of a client that says nothing itself; found: of a running
// 'fullon up'.
func (l Look) config() (cfg client.Config, found bool) {
	servers, found := l.Servers.Located(l.Data)
	cfg = servers.Client()
	cfg.Log.Name, cfg.Log.Log = "fullon", slog.New(slog.DiscardHandler)
	return cfg, found
}

func (l Look) console(c *client.Client) console.Console {
	return console.Console{Client: c, Printer: console.Printer{Out: os.Stdout, Err: os.Stderr, JSON: l.JSON}}
}

// explain tells those who named no servers what was tried.
func (l Look) explain(err error, found bool) error {
	if found || l.Servers.NATSURL != "" || !errors.Is(err, domain.ErrUnreachable) {
		return err
	}
	where := ""
	if l.Data != "" {
		where = " in " + l.Data
	}
	return fmt.Errorf("no 'fullon up' is running%s; start one, or name servers with --nats-url and --redis-host: %w", where, err)
}

type market struct {
	Exchange Exchange `arg:"" help:"Exchange, like binance; of 'fullon up': sim."`
	Symbol   Symbol   `arg:"" help:"Unified symbol, like BTC/USDT."`
}

// GetCommand is 'fullon get'.
type GetCommand struct {
	Ticker      TickerCommand      `cmd:"" help:"The newest tick of a market."`
	Tickers     TickersCommand     `cmd:"" help:"The newest ticks of an exchange."`
	Trades      TradesCommand      `cmd:"" help:"The newest trades of a market."`
	Candles     CandlesCommand     `cmd:"" help:"The newest candles of a market."`
	Price       PriceCommand       `cmd:"" help:"What a market is worth; a stale tick is an error."`
	Analytics   AnalyticsCommand   `cmd:"" help:"A summary of a market's trades."`
	Gaps        GapsCommand        `cmd:"" help:"Trades of a market that are known to be missing."`
	Processes   ProcessesCommand   `cmd:"" help:"The processes that have not stopped."`
	Process     ProcessCommand     `cmd:"" help:"All that is known of a process."`
	Health      HealthCommand      `cmd:"" help:"How servers and processes are; exit code 1 when one is not well."`
	Errors      VenueErrorsCommand `cmd:"" help:"What went wrong with a venue."`
	Accounts    AccountsCommand    `cmd:"" help:"The accounts that something is known of."`
	Balances    BalancesCommand    `cmd:"" help:"What an account has."`
	Positions   PositionsCommand   `cmd:"" help:"What an account holds."`
	Portfolio   PortfolioCommand   `cmd:"" help:"What an account is worth."`
	Fills       FillsCommand       `cmd:"" help:"The newest trades of an account's own."`
	Differences DifferencesCommand `cmd:"" help:"Where a venue said other than the fills make."`
	Venues      VenuesCommand      `cmd:"" help:"The exchanges of the catalogue."`
	Symbols     SymbolsCommand     `cmd:"" help:"The symbols of an exchange."`
	Symbol      SymbolCommand      `cmd:"" help:"A symbol, and what orders of it must be like."`
	Bots        BotsCommand        `cmd:"" help:"What bots say of their feeds."`
}

// TickerCommand is 'fullon get ticker'.
type TickerCommand struct {
	market
	Look
}

// Run prints the tick.
func (c *TickerCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error {
		return k.Ticker(ctx, string(c.Exchange), string(c.Symbol))
	})
}

// TickersCommand is 'fullon get tickers'.
type TickersCommand struct {
	Exchange Exchange `arg:"" help:"Exchange, like binance; of 'fullon up': sim."`
	Look
}

// Run prints the ticks.
func (c *TickersCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error { return k.Tickers(ctx, string(c.Exchange)) })
}

// TradesCommand is 'fullon get trades'.
type TradesCommand struct {
	market
	Limit TradeLimit `default:"20" help:"How many at most."`
	Look
}

// Run prints the trades.
func (c *TradesCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error {
		return k.Trades(ctx, string(c.Exchange), string(c.Symbol), int(c.Limit))
	})
}

// CandlesCommand is 'fullon get candles'.
type CandlesCommand struct {
	market
	Timeframe Timeframe   `arg:"" help:"1m, 5m, 15m, 30m, 1h, 4h or 1d."`
	Limit     CandleLimit `default:"20" help:"How many at most."`
	Look
}

// Run prints the candles.
func (c *CandlesCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error {
		return k.Candles(ctx, string(c.Exchange), string(c.Symbol), string(c.Timeframe), int(c.Limit))
	})
}

// WatchCommand is 'fullon watch'.
type WatchCommand struct {
	Tickers    WatchTickersCommand    `cmd:"" help:"Ticks as they change."`
	Trades     WatchTradesCommand     `cmd:"" help:"Every trade of a market."`
	Candles    WatchCandlesCommand    `cmd:"" help:"Candles of a market as they change."`
	Broadcasts WatchBroadcastsCommand `cmd:"" help:"Messages to the processes of a type."`
	Account    WatchAccountCommand    `cmd:"" help:"Balances and positions of an account as they change."`
	Symbols    WatchSymbolsCommand    `cmd:"" help:"Symbols of an exchange as they change."`
	Blocks     WatchBlocksCommand     `cmd:"" help:"Blocks and opening marks at an exchange as they change."`
}

// WatchTickersCommand is 'fullon watch tickers'.
type WatchTickersCommand struct {
	Exchange Exchange `arg:"" help:"Exchange, like binance; of 'fullon up': sim."`
	Symbols  []Symbol `arg:"" optional:"" name:"symbol" help:"Unified symbols; none: all."`
	Look
}

// Run prints ticks until a signal ends it.
func (c *WatchTickersCommand) Run() error {
	return c.with(false, func(ctx context.Context, k console.Console) error {
		symbols := make([]string, len(c.Symbols))
		for i, symbol := range c.Symbols {
			symbols[i] = string(symbol)
		}
		return k.WatchTickers(ctx, string(c.Exchange), symbols)
	})
}

// StatusCommand is 'fullon status'.
type StatusCommand struct{ Look }

// Run prints the state of every stream.
func (c *StatusCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error { return k.Status(ctx, venuesToFollow()) })
}

// Help implements kong.HelpProvider.
func (*FullonCommand) Help() string {
	return `Examples:

	fullon up                                   run everything here, with a simulated venue
	fullon up --venue binance                   the same with Binance's public market data
	fullon status                               in another terminal: look into it
	fullon get ticker sim BTC/USDT --json
	fullon watch tickers sim

Exit codes: 1 failed, 2 wrong setting or command line, 3 not found, 4 log or Redis unreachable,
5 Redis is being folded anew, try again later.`
}

// FullonCommand is the grammar of cmd/fullon.
//
// The servers are settings of all commands together: a copy of them for each
// would make the grammar ten times as large, and each start as much slower.
type FullonCommand struct {
	Servers `group:"Servers (default: those of a running 'fullon up', else nats://127.0.0.1:4222 and Redis at localhost:6379; 'up' brings its own):"`

	Up        UpCommand        `cmd:"" help:"Run everything in one process."`
	Get       GetCommand       `cmd:"" help:"Read what the cache holds."`
	Watch     WatchCommand     `cmd:"" help:"Follow what changes."`
	Set       SetCommand       `cmd:"" help:"Store something in the log."`
	Delete    DeleteCommand    `cmd:"" help:"Remove what the cache holds."`
	Broadcast BroadcastCommand `cmd:"" help:"Tell something to all processes of a type."`

	Venue VenueCommand `cmd:"" help:"The symbols that are followed of each venue."`

	Order      OrderCommand      `cmd:"" help:"Push, look at, cancel and follow orders."`
	Queue      QueueCommand      `cmd:"" help:"The orders of an exchange that wait for a worker."`
	Deadletter DeadLetterCommand `cmd:"" help:"Orders that nobody could deal with."`
	Block      BlockCommand      `cmd:"" help:"Get the right of a bot to trade in a market."`
	Renew      RenewCommand      `cmd:"" help:"Make a block last longer."`
	Unblock    UnblockCommand    `cmd:"" help:"Give a block back."`
	Blocks     BlocksCommand     `cmd:"" help:"Who has the right to trade where."`
	Opening    OpeningCommand    `cmd:"" help:"Rights to open a position."`
	Halt       HaltCommand       `cmd:"" help:"Stop the trading of an exchange, of a bot there, or of all exchanges."`
	Resume     ResumeCommand     `cmd:"" help:"Let it go on."`
	Halts      HaltsCommand      `cmd:"" help:"What is halted."`
	Replay     ReplayCommand     `cmd:"" help:"A venue that plays recordings, for demos, tests and benchmarks."`
	Paper      PaperCommand      `cmd:"" help:"A venue that fills orders at the cache's prices, for workers to send them to."`

	Clear       ClearCommand       `cmd:"" help:"Delete everything that the deployment has in Redis."`
	Rebuild     RebuildCommand     `cmd:"" help:"Fold partitions anew from what the log has."`
	Repartition RepartitionCommand `cmd:"" help:"Move the deployment to another partition count."`
	Verify      VerifyCommand      `cmd:"" help:"Compare what Redis holds with an independent fold of the log."`
	Status      StatusCommand      `cmd:"" help:"Streams, partitions, checkpoints and lag."`
	Provision   ProvisionCommand   `cmd:"" help:"Create the streams of a deployment."`
}

// AfterApply implements kong's hook: it hands the servers to the command.
func (c *FullonCommand) AfterApply(ctx *kong.Context) error {
	ctx.Bind(c.Servers)
	return nil
}
