package projector_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/projector"
	"github.com/fullon/fullon/internal/testserver"
)

// crashRig is a deployment over a Redis of its own, whose projectors can be
// stopped, killed and started, and whose Redis can be wiped.
type crashRig struct {
	tb     testing.TB
	bus    *bus.Bus
	js     jetstream.JetStream
	store  *cachestore.Store
	rdb    redis.UniversalClient
	wipe   func()
	client *client.Client
	stop   func() // the projector that runs
	second func() // a second one; nil: there is none

	reconcileAfter time.Duration // of projectors that are started from now on; zero: the default
}

// crashLayout has few partitions, so that there is something in each, and one
// for the accounts.
var crashLayout = bus.Layout{Ticks: 2, Trades: 2, Accounts: 1}

// crashCap is how many trades and fills are kept: few, so that some must go.
const crashCap = 10

// ordersKept is how many final orders are kept.
const ordersKept = 20

// krakenOrders is the stream of the exchange that the rig has orders for.
var krakenOrders = bus.OrderStream("kraken")

// newCrashRig starts a deployment that keeps what is said of accounts and orders
// for so long; zero is the default.
func newCrashRig(tb testing.TB, keeps time.Duration) *crashRig {
	tb.Helper()
	log := testserver.NewNATS(tb)
	b, err := bus.Connect(tb.Context(), bus.Config{URL: log.URL, Layout: crashLayout, Log: testserver.Quiet()})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(b.Close)
	if err := b.Provision(tb.Context(), bus.Plan{Retention: bus.Retention{Accounts: keeps, Orders: keeps}, Exchanges: []string{"kraken"}}); err != nil {
		tb.Fatal(err)
	}
	nc, err := nats.Connect(log.URL)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(nc.Close)
	r := &crashRig{tb: tb, bus: b}
	if r.js, err = jetstream.New(nc); err != nil {
		tb.Fatal(err)
	}
	r.store, r.rdb, r.wipe = testserver.OwnStore(tb)
	r.client = client.New(b, r.store)
	tb.Cleanup(r.client.Close)
	r.stop = r.start()
	tb.Cleanup(func() {
		r.stop()
		r.alone()
	})
	return r
}

// start runs a projector until the returned function is called.
func (r *crashRig) start() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	wait := r.run(ctx, logOf{r.bus})
	stopped := false
	return func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		wait()
	}
}

// run runs a projector until ctx ends; the returned function waits for its end.
func (r *crashRig) run(ctx context.Context, log projector.Log) (wait func()) {
	p := projector.New(projector.Config{
		TickStreams: crashLayout.TickStreams(), TradeStreams: crashLayout.TradeStreams(), TradeCap: crashCap,
		AccountStreams: crashLayout.AccountStreams(), FillCap: crashCap,
		Orders: true, OrderCap: ordersKept, ProbeInterval: probe, ReconcileAfter: r.reconcileAfter, Log: testserver.Quiet(),
	}, log, r.store)
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	return func() {
		if err := <-done; err != nil {
			r.tb.Errorf("projector: %v", err)
		}
	}
}

// alone ends the second projector.
func (r *crashRig) alone() {
	if r.second != nil {
		r.second()
		r.second = nil
	}
}

// crashes is how many ways crash knows.
const crashes = 9

// crash breaks something; nothing of it may show. publish stores an event that
// the model knows of.
func (r *crashRig) crash(how int, publish func()) {
	switch how {
	case 0: // one that stops gives way to the next
		r.stop()
		r.stop = r.start()
	case 1: // nobody is there when Redis is wiped
		r.stop()
		r.alone()
		r.wipe()
		r.stop = r.start()
	case 2: // wiped under the projector's feet
		r.wipe()
	case 3: // two at once, for a moment
		stop := r.stop
		r.stop = r.start()
		stop()
	case 4: // two at once from now on
		r.alone()
		r.second = r.start()
	case 5: // the first of two stops
		r.stop()
		if r.stop, r.second = r.second, nil; r.stop == nil {
			r.stop = r.start()
		}
	case 6: // dies with what it has read and not applied
		r.dying(publish, false)
	case 7: // dies with what it has applied and not said so
		r.dying(publish, true)
	case 8: // somebody has everything folded anew
		streams, err := r.client.Streams(context.Background())
		if err != nil {
			r.tb.Fatal(err)
		}
		for _, stream := range streams {
			if _, err := r.client.Rebuild(context.Background(), stream); err != nil && !errors.Is(err, domain.ErrConflict) {
				r.tb.Fatal(err)
			}
		}
	}
}

// dying lets a projector die over the next event, before or after it has applied
// that.
func (r *crashRig) dying(publish func(), applied bool) {
	r.stop()
	r.alone()
	r.settleWith(r.start) // so that what it reads is the event
	publish()
	ctx, die := context.WithCancel(context.Background())
	defer die()
	r.run(ctx, &mortalLog{logOf: logOf{r.bus}, die: die, applied: applied})()
	r.stop = r.start()
}

// mortalLog ends its projector once that has read something.
type mortalLog struct {
	logOf
	die     func()
	applied bool // only when it asks for more
}

func (l *mortalLog) Open(stream string, from uint64) projector.Reader {
	return &mortalReader{Reader: l.logOf.Open(stream, from), log: l}
}

type mortalReader struct {
	projector.Reader
	log *mortalLog
	fed bool
}

func (m *mortalReader) Read(ctx context.Context, dst []domain.Record, wait time.Duration) (int, error) {
	if m.fed {
		m.log.die()
		return 0, context.Canceled
	}
	n, err := m.Reader.Read(ctx, dst, wait)
	if n > 0 {
		m.fed = true
		if !m.log.applied {
			m.log.die()
		}
	}
	return n, err
}

// settleWith runs a projector until Redis reflects the log.
func (r *crashRig) settleWith(start func() func()) {
	stop := start()
	defer stop()
	r.settle()
}

// settle waits until Redis reflects what the log held when it was called.
func (r *crashRig) settle() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, stream := range append(crashLayout.Streams(), krakenOrders) {
		extent, err := r.bus.Extent(ctx, stream)
		if err != nil {
			r.tb.Fatal(err)
		}
		p := r.store.Partition(stream)
		for {
			at, err := p.Checkpoint(ctx)
			if err == nil && at.Seq >= extent.Last {
				break
			}
			if ctx.Err() != nil {
				r.tb.Fatalf("%s: at %d of %d (%v)", stream, at.Seq, extent.Last, err)
			}
			_, _ = p.Wait(ctx, at.Seq, 20*time.Millisecond)
		}
	}
}

// raw stores a message with a payload of one's own.
func (r *crashRig) raw(subject string, payload []byte) error {
	_, err := r.js.Publish(context.Background(), subject, payload)
	return err
}

// patiently repeats a read for as long as Redis is being folded anew.
func patiently[T any](read func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		v, err := read(ctx)
		if !errors.Is(err, domain.ErrUnknown) || ctx.Err() != nil {
			return v, err
		}
	}
}
