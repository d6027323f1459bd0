package orderworker

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"time"

	"github.com/sourcegraph/conc/pool"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/pause"
	"github.com/fullon/fullon/internal/risk"
)

// Orders is what a worker needs of the queue and of what is known of orders.
type Orders interface {
	PopMany(ctx context.Context, exchange string, n int, timeout time.Duration) ([]client.OrderDelivery, error)
	// Nack gives an order back that is to blame itself, Defer one that is not.
	Nack(ctx context.Context, d client.OrderDelivery, delay time.Duration) error
	Defer(ctx context.Context, d client.OrderDelivery, delay time.Duration) error
	// Extend lets the lease of an order end so long from now on.
	Extend(ctx context.Context, d client.OrderDelivery, lease time.Duration) error
	// Sync waits until the queue reflects what the log holds.
	Sync(ctx context.Context, exchange string) error
	// Intend stores INTENT for each, on the conditions of its delivery.
	Intend(ctx context.Context, worker string, deadline time.Time, deliveries []client.OrderDelivery) ([]domain.Order, []error)
	// RecordEach stores the next state of orders, each on the condition of its
	// Sequence, which it sets.
	RecordEach(ctx context.Context, orders []*domain.Order) []error
	Update(ctx context.Context, exchange, id string, change func(*domain.Order) error) (domain.Order, error)
	// Resting reads the orders of an exchange that rest at the venue.
	Resting(ctx context.Context, exchange string) ([]domain.Order, error)
	// Cancels yields the orders that rest and are to be cancelled.
	Cancels(ctx context.Context, exchange string) iter.Seq2[domain.Order, error]
}

// Markets tells what the gates look at.
type Markets interface {
	// Ticks gives the newest tick of each symbol, in their order: the zero Tick
	// where there is none, or why that is not known.
	Ticks(ctx context.Context, exchange string, symbols []string) ([]domain.Tick, []error)
	// Symbol's error matches domain.ErrNotFound for one that is not catalogued.
	Symbol(ctx context.Context, exchange, symbol string) (domain.Symbol, error)
	// Position's error matches domain.ErrNotFound where nobody has said.
	Position(ctx context.Context, account, symbol string) (domain.Position, error)
}

// Limiter shares the rate of a venue account among all workers.
type Limiter interface {
	// Reserve takes n places, and tells how long to wait before the last of them.
	Reserve(ctx context.Context, exchange, account string, n int) (time.Duration, error)
}

// Log stores what the venue delivers.
type Log interface {
	PublishAll(ctx context.Context, events []domain.Event) error
	VenueError(ctx context.Context, exchange, text string) error
}

// Config of a worker.
type Config struct {
	// Exchange whose queue is served. Required.
	Exchange string
	// ID of the worker, another for each. Required.
	ID string
	// Concurrency is how many orders are in hand at a time. Default 64.
	Concurrency int
	// Batch is how many orders are taken at once at most. Default: as many as may
	// be in hand, but no more than one pop gives.
	Batch int
	// Timeout is how long the venue has to take an order, from INTENT on.
	// Default 3 s.
	Timeout time.Duration
	// Margin is how long after that time an order that the venue does not know
	// is taken for one that it never got. It must be longer than the clocks of
	// worker and venue may differ. Default 1 s.
	Margin time.Duration
	// Lease is for how long the orders that are popped are leased. Those that are
	// in hand for longer have their leases extended, so a slow venue costs an order
	// none of its tries. Default 5 s.
	Lease time.Duration
	// Drain bounds how long Run goes on with the orders in hand after its
	// context has ended. Default 10 s.
	Drain time.Duration
	// Limits are those that the gates hold orders to.
	Limits risk.Limits
	// Log takes what an operator should know. Default: slog.Default.
	Log *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Concurrency == 0 {
		c.Concurrency = 64
	}
	if c.Batch == 0 {
		c.Batch = min(c.Concurrency, client.MaxPopOrders)
	}
	if c.Timeout == 0 {
		c.Timeout = 3 * time.Second
	}
	if c.Margin == 0 {
		c.Margin = time.Second
	}
	if c.Lease == 0 {
		c.Lease = 5 * time.Second
	}
	if c.Drain == 0 {
		c.Drain = 10 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}

// popWait bounds one wait for an order; it is no delay, only how often an idle
// worker comes up for air.
const popWait = 5 * time.Second

// Worker serves the queue of one exchange.
type Worker struct {
	cfg     Config
	log     *slog.Logger
	orders  Orders
	markets Markets
	limiter Limiter
	events  Log
	venues  map[string]execution.Venue // by account
	feeds   map[string]*feed           // by account
	stats   Stats

	slots    chan struct{} // holds a token for each order in hand
	leases   leases
	hands    hands
	sent     *sent
	outcomes outcomes
}

// New makes a worker for the given venue accounts. It does no input or output.
func New(cfg Config, orders Orders, markets Markets, limiter Limiter, events Log, venues map[string]execution.Venue) *Worker {
	cfg = cfg.withDefaults()
	w := &Worker{
		cfg: cfg, log: cfg.Log.With("exchange", cfg.Exchange, "worker", cfg.ID), orders: orders, markets: markets, limiter: limiter,
		events: events, venues: venues, slots: make(chan struct{}, cfg.Concurrency),
		hands: newHands(), sent: newSent(), feeds: make(map[string]*feed),
	}
	for account, venue := range venues {
		w.feeds[account] = newFeed(w, account, venue)
	}
	return w
}

// Run serves the queue until ctx ends; then it takes no more orders, finishes
// those in hand, for at most Config.Drain, and returns nil. What it could not
// finish is found by another worker. Outages of log, Redis and venue are waited
// out. It is to be called once.
func (w *Worker) Run(ctx context.Context) error {
	// What is in hand is finished although ctx has ended.
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	w.log.Info("serving the queue")
	var helpers sync.WaitGroup
	extending, extended := context.WithCancel(work)
	helpers.Go(func() { w.extend(extending) })
	group := pool.New().WithContext(ctx).WithCancelOnError().WithFirstError()
	for _, feed := range w.feeds {
		group.Go(feed.run)
	}
	group.Go(w.cancel)
	group.Go(func(ctx context.Context) error {
		w.serve(ctx, work)
		w.drain(stop)
		return nil
	})
	err := group.Wait()
	w.hands.end()
	extended()
	helpers.Wait()
	return err
}

// serve takes orders while ctx lasts and works on them while work does.
func (w *Worker) serve(ctx, work context.Context) {
	said := false
	for ctx.Err() == nil {
		n := w.reserve(ctx)
		if n == 0 {
			return
		}
		batch, err := w.orders.PopMany(ctx, w.cfg.Exchange, n, popWait)
		w.release(n - len(batch))
		switch {
		case ctx.Err() != nil, err == nil, errors.Is(err, domain.ErrNotFound):
			said = false
		case !said:
			said = true
			w.log.Warn("waiting for the queue", "error", err)
		}
		if len(batch) > 0 {
			w.stats.popped.Add(uint64(len(batch)))
			w.stats.inHand.Add(int64(len(batch)))
			w.handle(work, w.leases.hold(batch))
		} else if err != nil && !errors.Is(err, domain.ErrNotFound) {
			pause.For(ctx, 200*time.Millisecond)
		}
	}
}

// reserve waits for room and takes as much as there is, for at most a batch.
func (w *Worker) reserve(ctx context.Context) int {
	select {
	case w.slots <- struct{}{}:
	case <-ctx.Done():
		return 0
	}
	for n := 1; n < w.cfg.Batch; n++ {
		select {
		case w.slots <- struct{}{}:
		default:
			return n
		}
	}
	return w.cfg.Batch
}

// release gives back slots that were not used.
func (w *Worker) release(n int) {
	for range n {
		<-w.slots
	}
}

// done gives back the slots of orders that were in hand.
func (w *Worker) done(orders ...*held) {
	w.leases.drop(orders...)
	w.stats.inHand.Add(-int64(len(orders)))
	w.release(len(orders))
}

// drain waits until nothing is in hand, or gives up.
func (w *Worker) drain(giveUp context.CancelFunc) {
	timer := time.AfterFunc(w.cfg.Drain, giveUp)
	defer timer.Stop()
	for range cap(w.slots) {
		w.slots <- struct{}{}
	}
}

// handle begins to work on orders that were popped. Each of them holds a slot. The
// batch is used up.
func (w *Worker) handle(ctx context.Context, batch []*held) {
	fresh := batch[:0]
	for _, d := range batch {
		if d.Status == domain.OrderNew || d.Status == domain.OrderNotFound {
			if d.CancelRequested {
				go w.alone(ctx, d, w.drop)
			} else {
				fresh = append(fresh, d)
			}
			continue
		}
		go w.alone(ctx, d, w.resolve)
	}
	if len(fresh) > 0 {
		go w.send(ctx, fresh)
	}
}

// alone deals with an order that is not to be sent.
func (w *Worker) alone(ctx context.Context, d *held, deal func(context.Context, *held)) {
	deal(ctx, d)
	w.done(d)
}

// retryAfter is how long to leave an order alone that could not be dealt with.
const retryAfter = time.Second

// giveBack ends the lease of an order that could not be dealt with for no fault
// of its own: outages make no dead letters. If that fails the lease ends by
// itself. Whoever gets the order next is to know what the log knows of it now,
// or he would ask the venue in vain, again and again.
func (w *Worker) giveBack(ctx context.Context, d *held, delay time.Duration) {
	syncing, cancel := context.WithTimeout(ctx, w.cfg.Lease)
	err := w.orders.Sync(syncing, d.Exchange)
	cancel()
	if err == nil {
		err = w.orders.Defer(ctx, *d.OrderDelivery, delay)
	}
	if err != nil {
		w.log.Debug("lease left to end", "order", d.ID, "error", err)
	}
}

// venue is the account's, or why there is none.
func (w *Worker) venue(account string) (execution.Venue, error) {
	if v, ok := w.venues[account]; ok {
		return v, nil
	}
	return nil, fmt.Errorf("account %s: %w at %s", account, domain.ErrNotFound, w.cfg.Exchange)
}
