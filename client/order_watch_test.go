package client_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// newRigOfFewOrders keeps the changes of the last few messages only.
func newRigOfFewOrders(t *testing.T, server *testserver.Redis) *rig {
	t.Helper()
	r := newRig(t, server.Store(t), 100)
	r.stop()
	r.orderCap = 10
	r.project(100)
	return r
}

// change stores a new state of an order.
func (r *rig) change(id, reason string) domain.Order {
	r.tb.Helper()
	stored, err := r.Orders.Update(context.Background(), "kraken", id, func(o *domain.Order) error { o.Reason = reason; return nil })
	if err != nil {
		r.tb.Fatal(err)
	}
	return stored
}

// changesBegin is the sequence behind which it is known which orders changed.
func (r *rig) changesBegin(server *testserver.Redis) uint64 {
	r.tb.Helper()
	key := r.store.Prefix() + "{" + bus.OrderStream("kraken") + "}:changes"
	first, err := server.Client(r.tb).XRangeN(r.tb.Context(), key, "-", "+", 1).Result()
	if err != nil || len(first) != 1 {
		r.tb.Fatal(first, err)
	}
	for from := range first[0].Values {
		seq, err := strconv.ParseUint(from, 10, 64)
		if err != nil {
			r.tb.Fatal(err)
		}
		return seq
	}
	return 0
}

// watched follows all orders until then says that it is enough: it is called with
// what was yielded until now. No state may come twice, and none before an older
// one but in what is yielded first, of which there are first.
func (r *rig) watched(first int, then func(n int) (more bool)) []domain.Order {
	r.tb.Helper()
	var got []domain.Order
	for o, err := range r.Orders.Watch(bounded(r.tb), client.OrderFilter{Exchange: "kraken"}) {
		if errors.Is(err, domain.ErrUnknown) || errors.Is(err, domain.ErrUnreachable) {
			continue
		}
		if err != nil {
			r.tb.Fatal(err)
		}
		if n := len(got); n > first && o.Sequence <= got[n-1].Sequence {
			r.tb.Fatalf("%s of %d comes after %s of %d", o.ID, o.Sequence, got[n-1].ID, got[n-1].Sequence)
		}
		if got = append(got, o); !then(len(got)) {
			return got
		}
	}
	r.tb.Fatalf("%d orders were yielded: %q", len(got), orderIDs(got))
	return nil
}

// A watcher that is slower than what is kept of the changes gets each order that
// changed, as it is, once and in the order of the changes; nothing else.
func TestAWatcherBehindTheChangesThatAreKeptMissesNothing(t *testing.T) {
	t.Parallel()
	server := testserver.NewRedis(t)
	r := newRigOfFewOrders(t, server)
	const orders = 5
	for i := range orders {
		r.save(order(strconv.Itoa(i), "BTC/USDT", "grid"))
	}
	got := r.watched(orders, func(n int) bool {
		switch n {
		case orders:
			behind := r.status("0", domain.OrderIntent).Sequence
			r.status("1", domain.OrderCanceled)
			r.status("2", domain.OrderIntent)
			for i := range 300 { // each in a batch of its own
				o := r.change("3", strconv.Itoa(i))
				r.visible(r.Orders.PositionOf(o), nil)
			}
			if begin := r.changesBegin(server); begin <= behind {
				t.Fatalf("the changes since %d are known, and must not be since %d", begin, behind)
			}
		case orders + 4:
			r.status("0", domain.OrderAccepted)
		}
		return n < orders+5
	})
	var seen []string
	for _, o := range got[orders:] {
		seen = append(seen, fmt.Sprint(o.ID, " ", o.Status, " ", o.Reason))
	}
	if want := "0 intent , 1 canceled , 2 intent , 3 new 299, 0 accepted "; strings.Join(seen, ", ") != want {
		t.Errorf("%q, want %q", strings.Join(seen, ", "), want)
	}
}

// What is too much for one reply comes in several.
func TestAWatcherGetsManyChangesAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	r.save(order("first", "BTC/USDT", "grid"))
	const orders = 1200
	r.watched(1, func(n int) bool {
		if n == 1 {
			var work sync.WaitGroup
			for worker := range 20 {
				work.Go(func() {
					for i := worker; i < orders; i += 20 {
						if _, err := r.Orders.Save(context.Background(), order(fmt.Sprint("o", i), "BTC/USDT", "grid")); err != nil {
							t.Error(err)
						}
					}
				})
			}
			work.Wait()
			r.save(order("last", "BTC/USDT", "grid"))
		}
		return n < orders+2
	})
}

// What is folded anew, be it in other batches, is not news for a watcher; what has
// changed meanwhile is.
func TestAWatcherMissesNothingOfWhatChangesWhileRedisIsFoldedAnew(t *testing.T) {
	t.Parallel()
	for name, anew := range map[string]func(*rig, *testserver.Redis) error{
		"wiped": func(r *rig, server *testserver.Redis) error {
			return server.Client(r.tb).FlushAll(r.tb.Context()).Err()
		},
		"rebuilt": func(r *rig, _ *testserver.Redis) error {
			_, err := r.Rebuild(r.tb.Context(), bus.OrderStream("kraken"))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testserver.NewRedis(t)
			r := newRigOfFewOrders(t, server)
			const orders = 30
			for i := range orders {
				r.save(order(fmt.Sprint("o", i), "BTC/USDT", "grid"))
			}
			var want []string
			change := func(from, to int) {
				for i := from; i < to; i++ {
					want = append(want, r.change(fmt.Sprint("o", i), "changed").ID)
				}
			}
			got := r.watched(orders, func(n int) bool {
				switch n {
				case orders:
					change(0, 3)
					r.stop()
					change(3, 25)
					if err := anew(r, server); err != nil {
						t.Fatal(err)
					}
					r.project(100)
					change(25, 28)
				case orders + 28:
					change(28, 30)
				}
				return n < 2*orders
			})
			if ids := orderIDs(got[orders:]); ids != strings.Join(want, " ") {
				t.Errorf("%q, want %q", ids, want)
			}
		})
	}
}

// Of a stream that took the place of another one everything is news.
func TestAWatcherBeginsAnewWithAnotherLog(t *testing.T) {
	t.Parallel()
	server := testserver.NewRedis(t)
	r := newRigOfFewOrders(t, server)
	nc, err := nats.Connect(r.nats.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	r.save(order("old-1", "BTC/USDT", "grid"))
	r.save(order("old-2", "BTC/USDT", "grid"))
	stream := bus.OrderStream("kraken")
	var got []string
	for o, err := range r.Orders.Watch(bounded(t), client.OrderFilter{Exchange: "kraken"}) {
		if err != nil {
			continue
		}
		if got = append(got, o.ID); len(got) == 2 {
			if err := js.DeleteStream(t.Context(), stream); err != nil {
				t.Fatal(err)
			}
			if err := r.bus.Provision(t.Context(), bus.Plan{Exchanges: []string{"kraken"}}); err != nil {
				t.Fatal(err)
			}
			for i := range 3 {
				o := order(fmt.Sprint("new-", i), "BTC/USDT", "grid")
				o.Created = noon
				if _, err := r.bus.Publish(t.Context(), o); err != nil {
					t.Fatal(err)
				}
			}
		}
		if o.ID == "new-2" {
			break
		}
	}
	if want := []string{"old-1", "old-2", "new-0", "new-1", "new-2"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// An order that ends while all are listed is in the list.
func TestAnOrderThatEndsWhileAllAreListedIsListed(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	const orders = 100
	for i := range orders {
		o, err := r.Orders.Save(t.Context(), order(fmt.Sprint("o", i), "BTC/USDT", "grid"))
		if r.visible(r.Orders.PositionOf(o), err); err != nil {
			t.Fatal(err)
		}
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for i := range orders {
			_, err := r.Orders.Update(context.Background(), "kraken", fmt.Sprint("o", i), func(o *domain.Order) error { o.Status = domain.OrderCanceled; return nil })
			if err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for more := true; more; {
		select {
		case <-ended:
			more = false
		default:
		}
		found, err := r.Orders.List(t.Context(), client.OrderFilter{Exchange: "kraken"})
		if err != nil || len(found) != orders {
			t.Fatalf("%d orders (%v), want %d", len(found), err, orders)
		}
	}
}

// Who begins to watch just when the first order of all comes gets it once.
func TestAWatchThatBeginsWithTheFirstOrderYieldsItOnce(t *testing.T) {
	t.Parallel()
	for range 2 {
		r := newRig(t, testserver.SharedStore(t), 100)
		ctx := bounded(t)
		var watchers sync.WaitGroup
		watch := func() {
			var got []string
			for o, err := range r.Orders.Watch(ctx, client.OrderFilter{Exchange: "kraken"}) {
				if err != nil {
					continue
				}
				if got = append(got, o.ID); o.ID == "last" {
					break
				}
			}
			if !slices.Equal(got, []string{"first", "last"}) {
				t.Errorf("%q were yielded", got)
			}
		}
		watchers.Go(func() {
			for range 100 {
				watchers.Go(watch)
			}
		})
		r.save(order("first", "BTC/USDT", "grid"))
		r.save(order("last", "BTC/USDT", "grid"))
		watchers.Wait()
	}
}
