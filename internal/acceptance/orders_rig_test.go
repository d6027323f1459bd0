package acceptance

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/mockvenue"
	"github.com/fullon/fullon/internal/testserver"
	"github.com/fullon/fullon/internal/wire"
)

// The times of the workers in these tests. Leases end before deadlines, so that the
// orders of a worker that is paused or dead are asked for while they are on their
// way; which counts as a try, so orderTries is more than there can be.
const (
	orderLease   = 300 * time.Millisecond
	orderTimeout = 500 * time.Millisecond
	orderMargin  = 200 * time.Millisecond
	orderTries   = 1000
)

// orderRig is all that orders go through, each part as a process that can be
// killed and paused.
type orderRig struct {
	*rig
	log       *natsProcess
	redis     *testserver.Redis
	venue     *mockvenue.Venue
	projector *process
	workers   []*process
	watcher   *intentWatcher
}

func newOrderRig(t testing.TB, seed uint64, workers int) *orderRig {
	t.Helper()
	n, b := newNATSProcess(t)
	venue, err := mockvenue.New(seed, orderTimeout)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(venue.Close)
	r := &orderRig{rig: &rig{t: t, bus: b, url: n.url()}, log: n, redis: testserver.NewRedis(t), venue: venue}
	r.projector = r.rig.projector(r.redis)
	r.watcher = r.watchIntents()
	c := r.reader(r.redis)
	for i := range orderSymbols {
		base, _, _ := strings.Cut(symbolOf(i), "/")
		_, err := c.Symbols.Set(t.Context(), domain.Symbol{
			Exchange: exchange, Name: symbolOf(i), VenueSymbol: base + "USDT", Base: base, Quote: "USDT", Trading: true,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	r.tick(t.Context(), c)
	for range workers {
		r.workers = append(r.workers, r.worker())
	}
	return r
}

// tick says what the markets are worth. What fails is made good by the next.
func (r *orderRig) tick(ctx context.Context, c *client.Client) {
	for i := range orderSymbols {
		_, _ = c.Ticks.Set(ctx, domain.Tick{
			Exchange: exchange, Symbol: symbolOf(i), Last: domain.MustDecimal("100"), Bid: domain.MustDecimal("99"), Ask: domain.MustDecimal("101"),
		})
	}
}

// worker starts an order worker.
func (r *orderRig) worker() *process {
	r.t.Helper()
	host, port, _ := strings.Cut(r.redis.Addr, ":")
	return start(r.t, "orderworker", "NATS_URL="+r.url, "REDIS_HOST="+host, "REDIS_PORT="+port, "FULLON_PAPER_URL="+r.venue.URL,
		"FULLON_ORDER_EXCHANGE="+exchange, "FULLON_ORDER_ACCOUNTS="+orderAccount, "FULLON_ORDER_LEASE="+orderLease.String(),
		"FULLON_ORDER_TIMEOUT="+orderTimeout.String(), "FULLON_ORDER_MARGIN="+orderMargin.String(), "FULLON_ORDER_MAX_TRIES="+strconv.Itoa(orderTries))
}

// alive tells whether a process has not ended.
func (p *process) alive() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

func (p *process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) } // it may have ended

// names are the ids by which a worker calls itself in the log.
func (p *process) names() string {
	for text := range strings.Lines(p.out.String()) {
		var line struct{ Worker string }
		if json.Unmarshal([]byte(text), &line) == nil && line.Worker != "" {
			return line.Worker
		}
	}
	return ""
}

// intentWatcher hears of each INTENT as soon as the log does.
type intentWatcher struct {
	mu   sync.Mutex
	stop map[string]*process // by worker: to be stopped at its next INTENT
	hits int
}

func (r *orderRig) watchIntents() *intentWatcher {
	r.t.Helper()
	w := &intentWatcher{stop: make(map[string]*process)}
	nc, err := nats.Connect(r.url, nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond))
	if err == nil {
		_, err = nc.Subscribe("order."+exchange+".*", w.hear)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(nc.Close)
	return w
}

func (w *intentWatcher) hear(msg *nats.Msg) {
	key, err := bus.ParseSubject(msg.Subject)
	if err != nil {
		return
	}
	event, err := wire.Decode(key, msg.Data)
	o, ok := event.(domain.Order)
	if err != nil || !ok || o.Status != domain.OrderIntent {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if p := w.stop[o.Worker]; p != nil {
		p.signal(syscall.SIGSTOP)
		w.hits++
		delete(w.stop, o.Worker)
	}
}

// atIntent stops a worker when it is about to send its next order.
func (w *intentWatcher) atIntent(p *process) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stop[p.names()] = p
}

// forget lets a worker be.
func (w *intentWatcher) forget(p *process) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.stop, p.names())
}

// trouble does one bad thing after the other until ctx ends, each as often as
// it is in the deck.
type trouble struct {
	*orderRig
	bots   []*bot
	random *rand.Rand
	deck   []func(context.Context)
	counts map[string]int
}

func (r *orderRig) trouble(seed uint64, bots []*bot) *trouble {
	return &trouble{orderRig: r, bots: bots, random: rand.New(rand.NewPCG(seed, 2)), counts: make(map[string]int)}
}

func (x *trouble) upTo(d time.Duration) time.Duration {
	return time.Duration(x.random.Int64N(int64(d)))
}

// pick is a worker that runs.
func (x *trouble) pick() (int, *process) {
	i := x.random.IntN(len(x.workers))
	if !x.workers[i].alive() {
		x.workers[i] = x.worker()
	}
	return i, x.workers[i]
}

func (x *trouble) card(n int, name string, do func(context.Context)) {
	for range n {
		x.deck = append(x.deck, func(ctx context.Context) {
			x.counts[name]++
			do(ctx)
		})
	}
}

func (x *trouble) shuffle() {
	// Longer than any deadline, so that what it was about to do is not its any more.
	const past = orderLease + orderTimeout + orderMargin
	pause := func(ctx context.Context, p *process) {
		p.signal(syscall.SIGSTOP)
		rest(ctx, x.upTo(past+300*time.Millisecond))
		p.signal(syscall.SIGCONT)
	}
	x.card(4, "worker killed", func(context.Context) {
		i, p := x.pick()
		p.kill()
		x.workers[i] = x.worker()
	})
	x.card(2, "worker killed while paused", func(ctx context.Context) {
		i, p := x.pick()
		p.signal(syscall.SIGSTOP)
		rest(ctx, x.upTo(orderLease))
		p.kill()
		x.workers[i] = x.worker()
	})
	x.card(1, "worker told to end", func(context.Context) {
		i, p := x.pick()
		p.signal(syscall.SIGTERM)
		x.workers[i] = x.worker()
	})
	x.card(3, "worker paused", func(ctx context.Context) {
		_, p := x.pick()
		pause(ctx, p)
	})
	x.card(6, "worker stopped at an intent", func(ctx context.Context) {
		_, p := x.pick()
		x.watcher.atIntent(p)
		rest(ctx, x.upTo(past+500*time.Millisecond))
		x.watcher.forget(p)
		p.signal(syscall.SIGCONT)
	})
	x.card(3, "rights granted behind the projector", x.grantBehindTheProjector)
	x.card(3, "projector paused", func(ctx context.Context) { pause(ctx, x.projector) })
	x.card(1, "projector killed", func(context.Context) {
		x.projector.kill()
		x.projector = x.rig.projector(x.redis)
	})
	x.card(2, "Redis flushed", func(context.Context) { x.redis.Wipe() })
	x.card(1, "Redis restarted", func(ctx context.Context) {
		x.redis.Kill()
		rest(ctx, x.upTo(300*time.Millisecond))
		x.redis.Start()
	})
	x.card(1, "Redis paused", func(ctx context.Context) {
		x.redis.Pause()
		rest(ctx, x.upTo(orderLease))
		x.redis.Resume()
	})
	x.card(1, "NATS restarted", func(ctx context.Context) {
		x.log.kill()
		rest(ctx, x.upTo(500*time.Millisecond))
		x.log.start()
	})
	x.card(1, "events of the venue cut", func(context.Context) { x.venue.Cut() })
	x.random.Shuffle(len(x.deck), func(i, j int) { x.deck[i], x.deck[j] = x.deck[j], x.deck[i] })
}

// grantBehindTheProjector has workers pop what waits although others have got its
// markets since: Redis does not say so yet.
func (x *trouble) grantBehindTheProjector(ctx context.Context) {
	all := func(s syscall.Signal) {
		for _, p := range x.workers {
			p.signal(s)
		}
	}
	all(syscall.SIGSTOP)
	rest(ctx, 100*time.Millisecond+x.upTo(200*time.Millisecond)) // orders queue up
	queues, _ := x.bots[0].Orders.Queue(ctx, exchange)           // none while Redis is away
	x.projector.signal(syscall.SIGSTOP)
	var grants sync.WaitGroup
	for _, q := range queues {
		of := right{domain.KindBlock, q.Symbol}
		if x.random.IntN(3) == 0 {
			of.kind = domain.KindOpening
		}
		b := x.bots[x.random.IntN(len(x.bots))]
		grants.Go(func() { b.get(context.WithoutCancel(ctx), of, 500*time.Millisecond) })
	}
	rest(ctx, 50*time.Millisecond)
	all(syscall.SIGCONT)
	rest(ctx, 100*time.Millisecond+x.upTo(300*time.Millisecond))
	x.projector.signal(syscall.SIGCONT)
	grants.Wait()
}

// next does the next bad thing.
func (x *trouble) next(ctx context.Context) {
	if len(x.deck) == 0 {
		x.shuffle()
	}
	do := x.deck[0]
	x.deck = x.deck[1:]
	do(ctx)
	rest(ctx, x.upTo(400*time.Millisecond))
}

// end lets everything run again.
func (x *trouble) end() {
	x.venue.Faulty(0)
	x.projector.signal(syscall.SIGCONT)
	for i, p := range x.workers {
		x.watcher.forget(p)
		p.signal(syscall.SIGCONT)
		if !p.alive() {
			x.workers[i] = x.worker()
		}
	}
}

// seedOf is the run's seed: FULLON_SEED, or another one each time.
func seedOf(t testing.TB) uint64 {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("FULLON_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("FULLON_SEED: %v", err)
		}
	}
	t.Logf("FULLON_SEED=%d", seed)
	return seed
}

// ordersOf is how many orders a run has: FULLON_ORDERS, or as many as fit into
// the ordinary tests.
func ordersOf(t testing.TB) int {
	t.Helper()
	text := os.Getenv("FULLON_ORDERS")
	if text == "" {
		return 800
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("FULLON_ORDERS: %q is no number of orders", text)
	}
	return n
}

// unfinished says which orders have not come to their end.
func unfinished(ctx context.Context, c *client.Client) (string, []domain.Order) {
	orders, err := c.Orders.List(ctx, client.OrderFilter{Exchange: exchange})
	if err != nil {
		return err.Error(), nil
	}
	left := 0
	var one domain.Order
	for _, o := range orders {
		if !o.Status.Final() {
			left++
			one = o
		}
	}
	if left > 0 {
		return fmt.Sprintf("%d of %d orders, one of them %s: %s, attempt %d, dead %v, %q", left, len(orders), one.ID, one.Status, one.Attempt, one.Dead, one.Reason), orders
	}
	return "", orders
}
