package projector_test

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/projector"
	"github.com/fullon/fullon/internal/testserver"
)

func TestMain(m *testing.M) { testserver.Main(m) }

// logOf gives the projector a bus.
type logOf struct{ *bus.Bus }

func (l logOf) Open(stream string, from uint64) projector.Reader { return l.NewReader(stream, from) }

// rig is a log and a projector over one Redis.
type rig struct {
	tb     testing.TB
	nats   *testserver.NATS
	bus    *bus.Bus
	store  *cachestore.Store
	client *client.Client
}

var small = bus.Layout{Ticks: 2, Trades: 2}

func newRig(tb testing.TB, store *cachestore.Store) *rig {
	tb.Helper()
	n := testserver.NewNATS(tb)
	r := &rig{tb: tb, nats: n, bus: n.Bus(tb, small), store: store}
	r.client = client.New(r.bus, store)
	tb.Cleanup(r.client.Close)
	return r
}

const probe = 50 * time.Millisecond

// project runs a projector into the store until stop is called.
func (r *rig) project(store *cachestore.Store, cap int) (p *projector.Projector, stop func()) {
	r.tb.Helper()
	p = projector.New(projector.Config{
		TickStreams: small.TickStreams(), TradeStreams: small.TradeStreams(),
		TradeCap: cap, ProbeInterval: probe, Log: testserver.Quiet(),
	}, logOf{r.bus}, store)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			r.tb.Errorf("projector: %v", err)
		}
	}
	r.tb.Cleanup(stop)
	return p, stop
}

// caughtUp waits until the store reflects everything that the log holds.
func (r *rig) caughtUp(store *cachestore.Store) {
	r.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	for _, stream := range append(small.TickStreams(), small.TradeStreams()...) {
		for {
			extent, err := r.bus.Extent(ctx, stream)
			if err == nil && extent.Last == 0 {
				break
			}
			var at domain.Checkpoint
			if err == nil {
				at, err = store.Partition(stream).Checkpoint(ctx)
			}
			if err == nil && at.Seq >= extent.Last {
				break
			}
			if ctx.Err() != nil {
				r.tb.Fatalf("%s: at %d of %d (%v)", stream, at.Seq, extent.Last, err)
			}
			_, _ = store.Partition(stream).Wait(ctx, at.Seq, 20*time.Millisecond)
		}
	}
}

func (r *rig) publish(events ...domain.Event) domain.LogPosition {
	r.tb.Helper()
	var pos domain.LogPosition
	for _, ev := range events {
		var err error
		if pos, err = r.bus.Publish(context.Background(), ev); err != nil {
			r.tb.Fatal(err)
		}
	}
	return pos
}

func (r *rig) wait(pos domain.LogPosition) {
	r.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := r.client.Wait(ctx, pos); err != nil {
		r.tb.Fatal(err)
	}
}

// raw stores a message as a producer without our library could.
func (r *rig) raw(subject, payload string) {
	r.tb.Helper()
	nc, err := nats.Connect(r.nats.URL)
	if err != nil {
		r.tb.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		r.tb.Fatal(err)
	}
	if _, err := js.Publish(context.Background(), subject, []byte(payload)); err != nil {
		r.tb.Fatal(err)
	}
}
