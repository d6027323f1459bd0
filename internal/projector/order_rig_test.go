package projector_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/projector"
	"github.com/fullon/fullon/internal/testserver"
)

// orderRig is a deployment whose accounts are in one partition, and which has
// orders for one exchange, over a Redis of its own, and whose projector can be
// stopped and started.
type orderRig struct {
	tb     testing.TB
	nats   *testserver.NATS
	bus    *bus.Bus
	redis  *testserver.Redis
	store  *cachestore.Store
	client *client.Client
	stop   func()
}


// ordersKept is how many final orders the rig keeps.
const ordersKept = 20

// newOrderRig starts a deployment that keeps what is said of accounts and
// orders for so long; zero is the default.
func newOrderRig(tb testing.TB, keeps time.Duration) *orderRig {
	tb.Helper()
	n := testserver.NewNATS(tb)
	b, err := bus.Connect(tb.Context(), bus.Config{URL: n.URL, Layout: crashLayout, Log: testserver.Quiet()})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(b.Close)
	if err := b.Provision(tb.Context(), bus.Plan{Retention: bus.Retention{Accounts: keeps, Orders: keeps}, Exchanges: []string{"kraken"}}); err != nil {
		tb.Fatal(err)
	}
	r := &orderRig{tb: tb, nats: n, bus: b, redis: testserver.NewRedis(tb)}
	r.store = r.redis.Store(tb)
	r.client = client.New(b, r.store)
	tb.Cleanup(r.client.Close)
	r.stop = r.start()
	tb.Cleanup(func() { r.stop() })
	return r
}

// start runs a projector until the returned function is called.
func (r *orderRig) start() (stop func()) {
	p := projector.New(projector.Config{
		AccountStreams: crashLayout.AccountStreams(), FillCap: 50, Orders: true, OrderCap: ordersKept, ProbeInterval: probe, Log: testserver.Quiet(),
	}, logOf{r.bus}, r.store)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	stopped := false
	return func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			r.tb.Errorf("projector: %v", err)
		}
	}
}

// wipe empties Redis.
func (r *orderRig) wipe() {
	if err := r.redis.Client(r.tb).FlushAll(context.Background()).Err(); err != nil {
		r.tb.Fatal(err)
	}
}

// settle waits until Redis reflects what the log held when it was called.
func (r *orderRig) settle() { r.settleOn(bus.AccountStream(0)) }

func (r *orderRig) settleOn(stream string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	extent, err := r.bus.Extent(ctx, stream)
	if err != nil {
		r.tb.Fatal(err)
	}
	p := r.store.Partition(stream)
	for {
		at, err := p.Checkpoint(ctx)
		if err == nil && at.Seq >= extent.Last {
			return
		}
		if ctx.Err() != nil {
			r.tb.Fatalf("at %d of %d (%v)", at.Seq, extent.Last, err)
		}
		_, _ = p.Wait(ctx, at.Seq, 20*time.Millisecond)
	}
}
