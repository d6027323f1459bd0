package projector_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/internal/projector"
	"github.com/fullon/fullon/internal/testserver"
)

// catalogueRig is a deployment whose catalogue is folded into a Redis of its own
// by a projector that can be stopped and started.
type catalogueRig struct {
	tb     testing.TB
	bus    *bus.Bus
	js     jetstream.JetStream
	redis  *testserver.Redis
	store  *cachestore.Store
	client *client.Client
	stop   func()
}

func newCatalogueRig(tb testing.TB) *catalogueRig {
	tb.Helper()
	n := testserver.NewNATS(tb)
	r := &catalogueRig{tb: tb, bus: n.Bus(tb, crashLayout), redis: testserver.NewRedis(tb)}
	nc, err := nats.Connect(n.URL)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(nc.Close)
	if r.js, err = jetstream.New(nc); err != nil {
		tb.Fatal(err)
	}
	r.store = r.redis.Store(tb)
	r.client = client.New(r.bus, r.store)
	tb.Cleanup(r.client.Close)
	r.stop = r.start(r.store, logOf{r.bus})
	tb.Cleanup(func() { r.stop() })
	return r
}

func (r *catalogueRig) start(store *cachestore.Store, log projector.Log) (stop func()) {
	p := projector.New(projector.Config{CatalogueStream: bus.CatalogueStream, ProbeInterval: probe, Log: testserver.Quiet()}, log, store)
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

// settle waits until a store reflects what the log held when it was called.
func (r *catalogueRig) settle(store *cachestore.Store) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	extent, err := r.bus.Extent(ctx, bus.CatalogueStream)
	if err != nil {
		r.tb.Fatal(err)
	}
	p := store.Partition(bus.CatalogueStream)
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

// dump is everything that a store has of the catalogue but how it came there.
func dump(tb testing.TB, rdb redis.UniversalClient, store *cachestore.Store) string {
	tb.Helper()
	ctx := context.Background()
	prefix := store.Prefix() + "{" + bus.CatalogueStream + "}:"
	rdb = testserver.NodeOf(tb, rdb, prefix)
	var lines []string
	iter := rdb.Scan(ctx, 0, prefix+"*", 1000).Iterator()
	for iter.Next(ctx) {
		key := strings.TrimPrefix(iter.Val(), prefix)
		if key == "checkpoint" || key == "changed" {
			continue
		}
		kind, err := rdb.Type(ctx, iter.Val()).Result()
		if err != nil {
			tb.Fatal(err)
		}
		if kind == "set" {
			members, err := rdb.SMembers(ctx, iter.Val()).Result()
			if err != nil {
				tb.Fatal(err)
			}
			slices.Sort(members)
			lines = append(lines, fmt.Sprintf("%s %q", key, members))
			continue
		}
		fields, err := rdb.HGetAll(ctx, iter.Val()).Result()
		if err != nil {
			tb.Fatal(err)
		}
		for field, value := range fields {
			lines = append(lines, fmt.Sprintf("%s %s %q", key, field, value))
		}
	}
	if err := iter.Err(); err != nil {
		tb.Fatal(err)
	}
	slices.Sort(lines)
	return strings.Join(slices.Compact(lines), "\n")
}
