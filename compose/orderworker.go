package compose

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"go.uber.org/fx"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/orderworker"
	"github.com/fullon/fullon/internal/risk"
)

// Execution says which orders are sent where, and within what limits.
type Execution struct {
	Exchange    Exchange   `name:"order-exchange" env:"FULLON_ORDER_EXCHANGE" placeholder:"NAME" help:"Exchange whose queue is served."`
	Accounts    Accounts   `name:"order-accounts" env:"FULLON_ORDER_ACCOUNTS" placeholder:"A,B" help:"Accounts that orders are sent for."`
	Venue       OrderVenue `name:"order-venue" env:"FULLON_ORDER_VENUE" default:"paper" help:"Where they are sent: paper, or one of ${trading}."`
	PaperURL    RESTURL    `name:"paper-url" env:"FULLON_PAPER_URL" default:"http://127.0.0.1:8790" help:"Address of the paper venue: see 'fullon paper'."`
	Concurrency Count      `name:"order-concurrency" env:"FULLON_ORDER_CONCURRENCY" default:"64" help:"Orders that are with the venue at a time."`
	Timeout     Period     `name:"order-timeout" env:"FULLON_ORDER_TIMEOUT" default:"3s" help:"How long the venue has to take an order."`
	Margin      Period     `name:"order-margin" env:"FULLON_ORDER_MARGIN" default:"1s" help:"How long after that an order that the venue does not know is taken for never sent; more than clocks may differ."`
	Rate        Rate       `name:"order-rate" env:"FULLON_ORDER_RATE" default:"0" help:"Orders a second for each account, of all workers together; 0: no limit."`
	MaxNotional Amount     `env:"FULLON_MAX_NOTIONAL" placeholder:"AMOUNT" help:"The most that an order may be worth, in quote units (default: no limit)."`
	PriceBand   Amount     `env:"FULLON_PRICE_BAND" placeholder:"FRACTION" help:"How far from the market a price may be: 0.05 is 5 % (default: no limit)."`
	MaxTickAge  Period     `env:"FULLON_MAX_TICK_AGE" default:"10s" help:"How old the tick may be that an order is judged by."`
	Trading
	OrderQueues
}

// OrderQueues bounds the queues of orders.
type OrderQueues struct {
	Lease    Period `name:"order-lease" env:"FULLON_ORDER_LEASE" default:"5s" help:"After what time the order of a worker that died is taken by another."`
	MaxTries Count  `name:"order-max-tries" env:"FULLON_ORDER_MAX_TRIES" default:"20" help:"How often an order is handed out before it is a dead letter."`
}

// limits are those that the client holds queues to.
func (q OrderQueues) limits() client.OrderLimits {
	return client.OrderLimits{Lease: time.Duration(q.Lease), MaxTries: int(q.MaxTries)}
}

// OrderVenue is where orders can be sent.
type OrderVenue string

const paperVenue = "paper"

// UnmarshalText reads the name of a venue for orders.
func (v *OrderVenue) UnmarshalText(text []byte) error {
	return oneOf(v, text, append([]string{paperVenue}, tradingVenueNames()...)...)
}

// Accounts is a list of accounts.
type Accounts []string

// UnmarshalText reads accounts separated by commas.
func (a *Accounts) UnmarshalText(text []byte) error {
	*a = nil
	for id := range strings.SplitSeq(string(text), ",") {
		id = strings.TrimSpace(id)
		if err := domain.CheckAccount(id); err != nil {
			return notAllowed(string(text), "accounts separated by commas, like 1001,kraken-main")
		}
		*a = append(*a, id)
	}
	return nil
}

// Rate is a number of things a second.
type Rate int

// UnmarshalText reads a rate.
func (r *Rate) UnmarshalText(text []byte) error {
	return number(r, text, 0, 1_000_000, "a whole number")
}

// OrderWorkerCommand is the grammar of cmd/orderworker.
type OrderWorkerCommand struct {
	Servers   `group:"Servers (default: nats://127.0.0.1:4222 and Redis at localhost:6379):"`
	Execution `group:"Orders:"`
	HTTP      `group:"Looking in:"`
	Logging   `group:"Looking in:"`
}

// Run sends orders until a signal ends it.
func (c *OrderWorkerCommand) Run() error {
	if err := c.check(); err != nil {
		return err
	}
	ctx, stop := untilSignal(context.Background())
	defer stop()
	log := c.Logger(os.Stderr)
	return RunApp(ctx, log, withPresence(c.Redis(), "orderworker",
		logModule("fullon-orderworker", c.Log()), redisModule(c.Redis()),
		venueModule(c.Execution), orderWorkerModule(c.Execution), httpModule(c.HTTP)))
}

// venueOf makes the venue of an account.
type venueOf func(account string, log *slog.Logger) (execution.Venue, error)

// orderWorkerModule serves the queue of one exchange.
func orderWorkerModule(cfg Execution) fx.Option {
	return fx.Options(
		fx.Provide(func(s supervisor, b *bus.Bus, store *cachestore.Store, venue venueOf, log *slog.Logger) (*orderworker.Worker, error) {
			handle := client.New(b, store)
			s.onStop(func() error { handle.Close(); return nil })
			orders, err := handle.Orders.WithLimits(cfg.limits())
			if err != nil {
				return nil, err
			}
			venues := make(map[string]execution.Venue)
			for _, account := range cfg.Accounts {
				if venues[account], err = venue(account, log); err != nil {
					return nil, err
				}
			}
			return orderworker.New(orderworker.Config{
				Exchange: string(cfg.Exchange), ID: client.NewProcessID(), Concurrency: int(cfg.Concurrency),
				Timeout: time.Duration(cfg.Timeout), Margin: time.Duration(cfg.Margin), Lease: time.Duration(cfg.Lease), Drain: drainGrace, Log: log,
				Limits: risk.Limits{MaxNotional: cfg.MaxNotional.Decimal, PriceBand: cfg.PriceBand.Decimal, MaxTickAge: time.Duration(cfg.MaxTickAge)},
			}, orders, newMarkets(handle, b), limiter{handle, int(cfg.Rate)}, executionLog{b, handle}, venues), nil
		}),
		fx.Invoke(func(s supervisor, w *orderworker.Worker, here *presence) {
			here.add(domain.ProcessOrderWorker, string(cfg.Exchange),
				map[string]string{"venue": string(cfg.Venue), "accounts": symbolsParam(cfg.Accounts)}, lookAtOrderWorker(w))
			s.run("order worker", w.Run)
		}),
	)
}

// lookAtOrderWorker tells how a worker is doing.
func lookAtOrderWorker(w *orderworker.Worker) func() (domain.ProcessStatus, string) {
	return func() (domain.ProcessStatus, string) {
		c := w.Counts()
		return domain.ProcessRunning, fmt.Sprintf("%d settled, %d in hand", c.Settled, c.InHand)
	}
}

// limiter is the shared rate of the accounts, if there is one.
type limiter struct {
	client    *client.Client
	perSecond int
}

// Reserve implements orderworker.Limiter.
func (l limiter) Reserve(ctx context.Context, exchange, account string, n int) (time.Duration, error) {
	if l.perSecond == 0 {
		return 0, nil
	}
	return l.client.Reserve(ctx, exchange, account, client.Rate{PerSecond: float64(l.perSecond), Burst: l.perSecond}, n)
}

// executionLog takes what venues deliver.
type executionLog struct {
	bus    *bus.Bus
	client *client.Client
}

// PublishAll implements orderworker.Log.
func (l executionLog) PublishAll(ctx context.Context, events []domain.Event) error {
	_, err := l.bus.PublishAll(ctx, events)
	return err
}

// VenueError implements orderworker.Log.
func (l executionLog) VenueError(ctx context.Context, exchange, text string) error {
	return l.client.VenueErrors.Push(ctx, exchange, domain.Shorten(text, domain.MaxTextBytes))
}
