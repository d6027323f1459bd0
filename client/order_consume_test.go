package client_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

func TestAConsumerDealsWithEachOrderAndTriesAgainWhatFails(t *testing.T) {
	t.Parallel()
	const orders = 40
	r := newRig(t, testserver.SharedStore(t), 100)
	ctx, cancel := context.WithCancel(bounded(t))
	defer cancel()
	var mu sync.Mutex
	calls, reports := make(map[string]int), make(map[string]string)
	var done atomic.Int64
	consumed := make(chan error, 1)
	go func() {
		consumed <- r.Orders.Consume(ctx, "kraken", client.ConsumeConfig{Concurrency: 4, Report: func(d client.OrderDelivery, err error) {
			mu.Lock()
			defer mu.Unlock()
			reports[d.ID] += err.Error()
		}}, func(_ context.Context, d client.OrderDelivery) error {
			mu.Lock()
			calls[d.ID]++
			n := calls[d.ID]
			mu.Unlock()
			switch {
			case d.ID == "03" && n == 1:
				return errors.New("the venue is busy")
			case d.ID == "04" && n == 1:
				panic("a bug")
			}
			if done.Add(1) == orders {
				cancel()
			}
			return nil
		})
	}()
	for i := range orders {
		if _, _, err := r.Orders.Push(context.Background(), order(fmt.Sprintf("%02d", i), fmt.Sprintf("C%d/USDT", i%5), "grid")); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-consumed; err != nil {
		t.Fatal(err)
	}
	for id, n := range calls {
		if want := 1 + strings.Count("03 04", id); n != want {
			t.Errorf("%s was dealt with %d times, want %d", id, n, want)
		}
	}
	if len(reports) != 2 || reports["03"] != "the venue is busy" || !strings.Contains(reports["04"], "panicked: a bug") {
		t.Errorf("%q", reports)
	}
	// All that was dealt with is recorded, although the context has ended.
	for i := range orders {
		o, err := r.Orders.Update(context.Background(), "kraken", fmt.Sprintf("%02d", i), func(*domain.Order) error { return nil })
		if err != nil || o.Status != domain.OrderAccepted {
			t.Errorf("%+v %v", o, err)
		}
	}
}

func TestAConsumerKeepsALeaseForAsLongAsItsHandlerRuns(t *testing.T) {
	t.Parallel()
	server := testserver.NewRedis(t)
	r := newRig(t, server.Store(t), 100)
	r.push(order("1", "BTC/USDT", "grid"))
	ctx, cancel := context.WithCancel(bounded(t))
	defer cancel()
	lost := make(chan error, 1)
	consumed := make(chan error, 1)
	reported := make(chan error, 10)
	go func() {
		consumed <- r.Orders.Consume(ctx, "kraken", client.ConsumeConfig{
			Lease: 300 * time.Millisecond, Report: func(_ client.OrderDelivery, err error) { reported <- err },
		}, func(ctx context.Context, d client.OrderDelivery) error {
			// Longer than the lease, and nobody else gets it meanwhile.
			if other, err := r.Orders.Pop(ctx, "kraken", 700*time.Millisecond); !errors.Is(err, domain.ErrNotFound) {
				t.Errorf("popped %q (%v)", other.ID, err)
			}
			cancel() // the handler goes on
			if ctx.Err() != nil {
				t.Error("the handler's context ended with the consumer's")
			}
			// Somebody takes the lease away.
			key := r.store.Prefix() + "{ORDERS_KRAKEN}:leases"
			if err := server.Client(t).HSet(ctx, key, "BTC/USDT", "9999999999999 other 1 elsewhere").Err(); err != nil {
				t.Error(err)
			}
			<-ctx.Done()
			lost <- context.Cause(ctx)
			return ctx.Err()
		})
	}()
	if err := <-lost; !errors.Is(err, domain.ErrConflict) {
		t.Errorf("the lease was lost: %v", err)
	}
	if err := <-consumed; err != nil {
		t.Fatal(err)
	}
	if err := <-reported; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if o, err := r.Orders.Get(t.Context(), "kraken", "1"); err != nil || o.Status != domain.OrderNew {
		t.Fatalf("%+v %v", o, err)
	}
}
