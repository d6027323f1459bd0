package projector_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
)

func (r *crashRig) pushOrder(t *testing.T, id, symbol string) domain.Order {
	t.Helper()
	o, _, err := r.client.Orders.Push(t.Context(), domain.Order{ID: id, Exchange: "kraken", OrderTerms: domain.OrderTerms{
		Account: "1001", Bot: "grid", Symbol: symbol, Side: domain.Buy, Type: domain.Market, Volume: domain.MustDecimal("1"),
		Expires: time.Now().Add(24 * time.Hour),
	}})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func (r *crashRig) moveOrder(t *testing.T, id string, statuses ...domain.OrderStatus) {
	t.Helper()
	for _, s := range statuses {
		if _, err := r.client.Orders.Update(t.Context(), "kraken", id, func(o *domain.Order) error { o.Status = s; return nil }); err != nil {
			t.Fatal(err)
		}
	}
}

// Messages that nobody can use become dead letters, and the queue goes on behind
// them.
func TestWhatIsNoOrderBecomesADeadLetter(t *testing.T) {
	t.Parallel()
	r := newCrashRig(t, 0)
	r.pushOrder(t, "good-1", "BTC/USDT")
	ctx := t.Context()
	for subject, payload := range map[string]string{
		"order.kraken.bad": "nonsense", "order.kraken.good-1": "\xc1", "order.kraken.what?": "\x90",
	} {
		if err := r.raw(subject, []byte(payload)); err != nil {
			t.Fatal(err)
		}
	}
	// A live order cannot be deleted, nor can one have its terms changed, nor come
	// from the future.
	terms := domain.OrderTerms{Account: "1001", Bot: "grid", Symbol: "ETH/USDT", Side: domain.Buy, Type: domain.Market, Volume: domain.MustDecimal("1")}
	for _, event := range []domain.Event{
		domain.OrderDeleted{Exchange: "kraken", ID: "good-1"},
		domain.Order{ID: "good-1", Exchange: "kraken", OrderTerms: terms, Status: domain.OrderIntent, Created: epoch},
		domain.Order{ID: "future", Exchange: "kraken", OrderTerms: terms, Status: domain.OrderNew, Created: epoch, First: 1 << 40},
	} {
		if _, err := r.bus.Publish(ctx, event); err != nil {
			t.Fatal(err)
		}
	}
	r.pushOrder(t, "good-2", "ETH/USDT")
	r.settle()
	if got := r.seenOrders("grid"); got != "[good-2=new false good-1=new false] 2 map[BTC/USDT:1 ETH/USDT:1]" {
		t.Errorf("%s", got)
	}
	letters, err := r.bus.Extent(ctx, bus.DeadLetterStream)
	if err != nil || letters.Last != 6 {
		t.Errorf("%d dead letters (%v), want 6", letters.Last, err)
	}
}

// Final orders beyond the cap are forgotten, those that ended first, whether
// they come one by one or many in one batch, and no index keeps anything of them.
func TestOnlySoManyFinalOrdersAreKept(t *testing.T) {
	t.Parallel()
	r := newCrashRig(t, 0)
	const all = 3*ordersKept + 7
	r.pushOrder(t, "live", "BTC/USDT")
	for i := range all {
		if i == ordersKept+3 {
			r.settle()
			r.stop() // the rest comes in one batch
		}
		id := fmt.Sprintf("%03d", i)
		if i > ordersKept+3 { // without a projector nobody knows how many wait
			_, err := r.client.Orders.Save(t.Context(), domain.Order{ID: id, Exchange: "kraken", Status: domain.OrderNew, OrderTerms: domain.OrderTerms{
				Account: "1001", Bot: "grid", Symbol: "C" + strconv.Itoa(i%3) + "/USDT", Side: domain.Buy, Type: domain.Market, Volume: domain.MustDecimal("1"),
			}})
			if err != nil && !errors.Is(err, domain.ErrUnknown) {
				t.Fatal(err)
			}
		} else {
			r.pushOrder(t, id, "C"+strconv.Itoa(i%3)+"/USDT")
		}
		r.moveOrder(t, id, domain.OrderCanceled)
	}
	r.stop = r.start()
	r.settle()
	var kept []string
	for i := all - ordersKept; i < all; i++ {
		kept = append(kept, fmt.Sprintf("%03d", i))
	}
	check := func() {
		t.Helper()
		found := r.indexes(t)
		if !slices.Equal(found["done"], kept) {
			t.Errorf("kept %q, want %q", found["done"], kept)
		}
		ids := append([]string{"live"}, kept...)
		for _, name := range []string{"orders", "bot:grid"} {
			if got := slices.Sorted(slices.Values(found[name])); !slices.Equal(got, slices.Sorted(slices.Values(ids))) {
				t.Errorf("%s: %q", name, got)
			}
		}
		want := map[string][]string{
			"live": {"live"}, "waitcount": {"BTC/USDT"}, "heads": {"BTC/USDT"}, "turns": {"BTC/USDT"}, "tickets": {"live"},
			"livecount": {"grid BTC/USDT"}, "symbol:BTC/USDT": {"live"},
		}
		for name, members := range want {
			if !slices.Equal(found[name], members) {
				t.Errorf("%s: %q, want %q", name, found[name], members)
			}
		}
		allowed := []string{"orders", "bot:grid", "done", "changed", "symbol:C0/USDT", "symbol:C1/USDT", "symbol:C2/USDT"}
		for name := range found {
			if _, ok := want[name]; !ok && !slices.Contains(allowed, name) {
				t.Errorf("%s: %q", name, found[name])
			}
		}
	}
	check()
	// Folded anew it is the same.
	before := r.indexes(t)
	r.wipe()
	if _, err := patiently(func(ctx context.Context) (domain.Order, error) { return r.client.Orders.Get(ctx, "kraken", "live") }); err != nil {
		t.Fatal(err)
	}
	check()
	if after := r.indexes(t); !reflect.DeepEqual(before, after) {
		t.Errorf("before %v\nafter %v", slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(after)))
	}
	// The id of an order that Redis has forgotten stays taken.
	o, _, err := r.client.Orders.Push(t.Context(), domain.Order{ID: "000", Exchange: "kraken", OrderTerms: domain.OrderTerms{
		Account: "1001", Bot: "grid", Symbol: "BTC/USDT", Side: domain.Buy, Type: domain.Market, Volume: domain.MustDecimal("1"),
	}})
	if !errors.Is(err, domain.ErrConflict) {
		t.Errorf("%+v %v", o, err)
	}
}

// Orders that are not final outlive the log, and keep their place in the queue.
func TestLiveOrdersOutliveTheLog(t *testing.T) {
	t.Parallel()
	const keeps = 3 * time.Second
	r := newCrashRig(t, keeps)
	second := r.start()
	defer second()
	ctx := t.Context()
	for _, id := range []string{"1", "2", "resting", "filled", "dealt-with"} {
		r.pushOrder(t, id, "BTC/USDT")
	}
	r.moveOrder(t, "resting", domain.OrderIntent, domain.OrderAccepted)
	r.moveOrder(t, "filled", domain.OrderIntent, domain.OrderFilled)
	r.moveOrder(t, "1", domain.OrderIntent)
	r.moveOrder(t, "dealt-with", domain.OrderIntent, domain.OrderAccepted, domain.OrderFilled)
	r.settle()
	first, err := r.client.Orders.Get(ctx, "kraken", "1")
	if err != nil {
		t.Fatal(err)
	}
	extent, err := r.bus.Extent(ctx, krakenOrders)
	if err != nil {
		t.Fatal(err)
	}
	for last, deadline := extent.Last, time.Now().Add(time.Minute); ; {
		extent, err := r.bus.Extent(ctx, krakenOrders)
		if err == nil && extent.First > last {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the log still has what was written: %+v (%v)", extent, err)
		}
		_, _ = r.store.Partition(krakenOrders).Wait(ctx, extent.Last, 100*time.Millisecond)
	}
	r.pushOrder(t, "3", "BTC/USDT")
	r.wipe()
	got, err := patiently(func(ctx context.Context) (domain.Order, error) { return r.client.Orders.Get(ctx, "kraken", "1") })
	if err != nil || got.First != first.First || got.Status != domain.OrderIntent || got.Sequence == first.Sequence || !got.Updated.Equal(first.Updated) {
		t.Fatalf("%+v (%v), before %+v", got, err, first)
	}
	if got, want := r.seenOrders("grid"), "[3=new false resting=accepted false 2=new false 1=intent false] 3 map[BTC/USDT:4]"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	r.noStorm(krakenOrders, keeps)
	for _, want := range []string{"1", "2", "3"} {
		d, err := patiently(func(ctx context.Context) (client.OrderDelivery, error) {
			return r.client.Orders.Pop(ctx, "kraken", time.Minute)
		})
		if err != nil || d.ID != want {
			t.Fatalf("popped %q (%v), want %s", d.ID, err, want)
		}
		if _, err := r.client.Orders.Ack(ctx, d); err != nil {
			t.Fatal(err)
		}
	}
	// Its place is known to whoever changes it, and it can be changed.
	r.moveOrder(t, "resting", domain.OrderFilled)
}
