package client_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

func order(id, symbol, bot string) domain.Order {
	return domain.Order{
		ID: id, Exchange: "kraken", OrderTerms: domain.OrderTerms{
			Account: "1001", Bot: bot, Symbol: symbol, Side: domain.Buy, Type: domain.Limit, Volume: dec("0.5"), Price: dec("50000.1"),
		},
		Status: domain.OrderNew,
	}
}

// save stores an order and waits until readers see it.
func (r *rig) save(o domain.Order) domain.Order {
	r.tb.Helper()
	stored, err := r.Orders.Save(context.Background(), o)
	r.visible(r.Orders.PositionOf(stored), err)
	return stored
}

// status moves an order on and waits until readers see it.
func (r *rig) status(id string, statuses ...domain.OrderStatus) domain.Order {
	r.tb.Helper()
	var stored domain.Order
	for _, s := range statuses {
		var err error
		stored, err = r.Orders.Update(context.Background(), "kraken", id, func(o *domain.Order) error {
			o.Status = s
			return nil
		})
		r.visible(r.Orders.PositionOf(stored), err)
	}
	return stored
}

func orderIDs(orders []domain.Order) string {
	var out []string
	for _, o := range orders {
		out = append(out, o.ID)
	}
	return strings.Join(out, " ")
}

// D15: what the venue says of an order and what is ours stay apart, from the log
// to the reader.
func TestD15TheVenuesTimeAndIDStandBesideOurs(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	o := order("mine-1", "BTC/USDT", "grid")
	o.Created = noon
	r.save(o)
	r.status("mine-1", domain.OrderIntent)
	before := time.Now()
	_, err := r.Orders.Update(t.Context(), "kraken", "mine-1", func(o *domain.Order) error {
		o.Status, o.VenueOrderID, o.VenueTime = domain.OrderAccepted, "OQCLML-BW3P3-BUCMWZ", noon.Add(time.Second)
		o.Reason = "queued at the venue"
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	cleared, err := r.Orders.Update(t.Context(), "kraken", "mine-1", func(o *domain.Order) error {
		o.Reason = "" // a field can be cleared (D11)
		return nil
	})
	r.visible(r.Orders.PositionOf(cleared), err)
	got, err := r.Orders.Get(t.Context(), "kraken", "mine-1")
	if err != nil || got.ID != "mine-1" || got.VenueOrderID != "OQCLML-BW3P3-BUCMWZ" || !got.Created.Equal(noon) ||
		!got.VenueTime.Equal(noon.Add(time.Second)) || got.Updated.Before(before) || got.Reason != "" || got.First == 0 || got.First == got.Sequence {
		t.Fatalf("%+v %v", got, err)
	}
	if s, err := r.Orders.Status(t.Context(), "kraken", "mine-1"); err != nil || s != domain.OrderAccepted {
		t.Fatalf("%v %v", s, err)
	}
}

// D11: concurrent changes of one order are all there in the end.
func TestD11ConcurrentUpdatesLoseNothing(t *testing.T) {
	t.Parallel()
	for _, writers := range []int{3, 100} {
		t.Run(strconv.Itoa(writers), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, testserver.SharedStore(t), 100)
			o := order("1", "BTC/USDT", "grid")
			o.Volume = dec("1000")
			r.save(o)
			r.status("1", domain.OrderIntent, domain.OrderAccepted, domain.OrderPartial)
			var group sync.WaitGroup
			for range writers {
				group.Go(func() {
					_, err := r.Orders.Update(bounded(t), "kraken", "1", func(o *domain.Order) error {
						o.Filled = o.Filled.Add(dec("0.5"))
						return nil
					})
					if err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
			got, err := r.Orders.Update(t.Context(), "kraken", "1", func(*domain.Order) error { return nil })
			if want := dec("0.5").Mul(dec(strconv.Itoa(writers))); err != nil || !got.Filled.Equal(want) {
				t.Fatalf("%d updates of 0.5 make %s (%v)", writers, got.Filled, err)
			}
		})
	}
}

func TestD11AnIllegalTransitionIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	r.save(order("1", "BTC/USDT", "grid"))
	r.status("1", domain.OrderIntent, domain.OrderAccepted, domain.OrderFilled)
	for name, change := range map[string]func(*domain.Order){
		"status":  func(o *domain.Order) { o.Status = domain.OrderAccepted },
		"volume":  func(o *domain.Order) { o.Volume = dec("2") },
		"reason":  func(o *domain.Order) { o.Reason = "late" },
		"account": func(o *domain.Order) { o.Account = "2002" },
	} {
		_, err := r.Orders.Update(t.Context(), "kraken", "1", func(o *domain.Order) error { change(o); return nil })
		if !errors.Is(err, domain.ErrConflict) || !errors.Is(err, domain.ErrInvalid) {
			t.Errorf("%s of a filled order: %v", name, err)
		}
	}
	for name, o := range map[string]domain.Order{
		"zero volume": func() domain.Order { o := order("2", "BTC/USDT", "grid"); o.Volume = dec("0"); return o }(),
		"symbol":      order("2", "BTCUSDT", "grid"),
		"status":      func() domain.Order { o := order("2", "BTC/USDT", "grid"); o.Status = 0; return o }(),
		"id":          order("a b", "BTC/USDT", "grid"),
		"too many digits": func() domain.Order {
			o := order("2", "BTC/USDT", "grid")
			o.Price = dec("9999999999999999999").Mul(dec("100"))
			return o
		}(),
		"filled too much": func() domain.Order { o := order("2", "BTC/USDT", "grid"); o.Filled = dec("1"); return o }(),
	} {
		if _, err := r.Orders.Save(t.Context(), o); !errors.Is(err, domain.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := r.Orders.Update(t.Context(), "kraken", "none", func(*domain.Order) error { return nil }); !errors.Is(err, domain.ErrNotFound) {
		t.Error(err)
	}
}

func TestAnOrderIsSavedOnceHoweverOftenItIsSaved(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	o := order("1", "BTC/USDT", "grid")
	first := r.save(o)
	again := r.save(o)
	if first.Sequence != again.Sequence {
		t.Fatalf("stored twice: %d and %d", first.Sequence, again.Sequence)
	}
	other := o
	other.Price = dec("1")
	if _, err := r.Orders.Save(t.Context(), other); !errors.Is(err, domain.ErrConflict) {
		t.Fatal(err)
	}
	// One that ended, too, and what does not end is not deleted.
	if _, err := r.Orders.Delete(t.Context(), "kraken", "1"); !errors.Is(err, domain.ErrConflict) || !strings.Contains(err.Error(), "it is new") {
		t.Fatal(err)
	}
	o.Status, o.Reason = domain.OrderCanceled, "no longer wanted"
	if first, again = r.save(o), r.save(o); first.Sequence != again.Sequence {
		t.Fatalf("stored twice: %d and %d", first.Sequence, again.Sequence)
	}
	r.visible(r.Orders.Delete(t.Context(), "kraken", "1"))
	r.visible(r.Orders.Delete(t.Context(), "kraken", "1"))
	if _, err := r.Orders.Get(t.Context(), "kraken", "1"); !errors.Is(err, domain.ErrNotFound) {
		t.Fatal(err)
	}
	if _, err := r.Orders.Save(t.Context(), order("1", "BTC/USDT", "grid")); !errors.Is(err, domain.ErrConflict) {
		t.Fatalf("the id of a deleted order was given away: %v", err)
	}
}

// D10: the end of one order does nothing to the others, however it is spelled.
func TestD10ACanceledOrderTakesNobodyWithIt(t *testing.T) {
	t.Parallel()
	server := testserver.NewRedis(t)
	r := newRig(t, server.Store(t), 100)
	for i := range 4 {
		r.save(order(strconv.Itoa(i), "BTC/USDT", "grid"))
	}
	for id, spelling := range map[string]string{"1": "canceled", "2": "cancelled"} {
		status, err := domain.ParseOrderStatus(spelling)
		if err != nil {
			t.Fatal(err)
		}
		if o := r.status(id, status); o.Status != domain.OrderCanceled {
			t.Fatalf("%+v", o)
		}
	}
	rdb := server.Client(t)
	keys, err := rdb.Keys(t.Context(), "*").Result()
	if err != nil || len(keys) == 0 {
		t.Fatal(err)
	}
	for _, key := range keys {
		if ttl := rdb.TTL(t.Context(), key).Val(); ttl != -1 {
			t.Errorf("%s ends in %v", key, ttl)
		}
	}
	orders, err := r.Orders.List(t.Context(), orderFilter(domain.OrderNew))
	if err != nil || orderIDs(orders) != "3 0" {
		t.Fatalf("%s (%v)", orderIDs(orders), err)
	}
}

// D12: not there, not answered and not readable are three answers.
func TestD12OrdersThatCannotBeReadAreErrors(t *testing.T) {
	t.Parallel()
	server := testserver.NewRedis(t)
	r := newRig(t, server.Store(t), 100)
	r.save(order("1", "BTC/USDT", "grid"))
	ctx := t.Context()
	if _, err := r.Orders.Get(ctx, "kraken", "2"); !errors.Is(err, domain.ErrNotFound) {
		t.Error(err)
	}
	if _, err := r.Orders.Get(ctx, "nowhere", "2"); !errors.Is(err, domain.ErrNotFound) {
		t.Error(err)
	}
	if orders, err := r.Orders.List(ctx, orderFilter(domain.OrderFilled)); err != nil || len(orders) != 0 {
		t.Error(orders, err)
	}
	rdb := server.Client(t)
	keys := rdb.Keys(ctx, "*KRAKEN}:orders").Val()
	if len(keys) != 1 {
		t.Fatal(keys)
	}
	if err := rdb.HSet(ctx, keys[0], "1", "nonsense").Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Orders.Get(ctx, "kraken", "1"); !errors.Is(err, domain.ErrUnknown) {
		t.Error(err)
	}
	if _, err := r.Orders.List(ctx, orderFilter()); !errors.Is(err, domain.ErrUnknown) {
		t.Error(err)
	}
	server.Kill()
	if _, err := r.Orders.Status(ctx, "kraken", "1"); !errors.Is(err, domain.ErrUnreachable) {
		t.Error(err)
	}
	if _, err := r.Orders.List(ctx, orderFilter()); !errors.Is(err, domain.ErrUnreachable) {
		t.Error(err)
	}
}

func TestOrdersAreListedNewestFirst(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	var last domain.Order
	for i := range 240 {
		o := order(fmt.Sprintf("%03d", i), []string{"BTC/USDT", "ETH/USDT"}[i%2], []string{"grid", "trend", "arb"}[i%3])
		var err error
		if last, err = r.Orders.Save(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	r.visible(r.Orders.PositionOf(last), nil)
	r.status("003", domain.OrderCanceled)
	r.status("239", domain.OrderRejected)
	r.status("000", domain.OrderIntent)
	for _, c := range []struct {
		filter string
		f      func(*orderFilterOf)
		want   string
		n      int
	}{
		{"all", func(*orderFilterOf) {}, "239 238 237", 240},
		{"symbol", func(f *orderFilterOf) { f.Symbol = "BTC/USDT" }, "238 236 234", 120},
		{"bot", func(f *orderFilterOf) { f.Bot = "grid" }, "237 234 231", 80},
		{"symbol and bot", func(f *orderFilterOf) { f.Symbol, f.Bot = "BTC/USDT", "grid" }, "234 228 222", 40},
		{"final", func(f *orderFilterOf) { f.Statuses = statuses(domain.OrderCanceled, domain.OrderRejected) }, "239 003", 2},
		{"live", func(f *orderFilterOf) { f.Statuses = statuses(domain.OrderNew, domain.OrderIntent) }, "238 237 236", 238},
		{"mixed", func(f *orderFilterOf) { f.Statuses = statuses(domain.OrderIntent, domain.OrderCanceled) }, "003 000", 2},
		{"account", func(f *orderFilterOf) { f.Account = "2002" }, "", 0},
	} {
		f := orderFilter()
		c.f(&f)
		all, err := r.Orders.List(t.Context(), f)
		if err != nil || len(all) != c.n {
			t.Errorf("%s: %d orders (%v), want %d", c.filter, len(all), err, c.n)
		}
		f.Limit = 3
		some, err := r.Orders.List(t.Context(), f)
		if err != nil || orderIDs(some) != c.want {
			t.Errorf("%s: %q (%v), want %q", c.filter, orderIDs(some), err, c.want)
		}
	}
	for name, f := range map[string]orderFilterOf{
		"exchange": {Exchange: "KRAKEN"}, "symbol": {Exchange: "kraken", Symbol: "BTC"}, "status": {Exchange: "kraken", Statuses: statuses(77)},
		"limit": {Exchange: "kraken", Limit: -1}, "bot": {Exchange: "kraken", Bot: "a b"},
	} {
		if _, err := r.Orders.List(t.Context(), f); !errors.Is(err, domain.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWatchingOrdersShowsWhatThereIsAndEveryOrderThatChanges(t *testing.T) {
	t.Parallel()
	server := testserver.NewRedis(t)
	r := newRig(t, server.Store(t), 100)
	r.save(order("old-1", "BTC/USDT", "grid"))
	r.save(order("other", "BTC/USDT", "trend"))
	r.save(order("old-2", "ETH/USDT", "grid"))
	ctx, cancel := context.WithCancel(bounded(t))
	defer cancel()
	f := orderFilter()
	f.Bot = "grid"
	var got []string
	newest := make(map[string]uint64)
	for o, err := range r.Orders.Watch(ctx, f) {
		if errors.Is(err, domain.ErrUnknown) || errors.Is(err, domain.ErrUnreachable) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if o.Sequence <= newest[o.ID] {
			t.Fatalf("%s went from %d to %d", o.ID, newest[o.ID], o.Sequence)
		}
		newest[o.ID] = o.Sequence
		got = append(got, o.ID+" "+o.Status.String())
		switch len(got) {
		case 2:
			r.status("other", domain.OrderCanceled)
			r.status("old-1", domain.OrderIntent)
		case 3:
			// What is folded anew is not news.
			if err := server.Client(t).FlushAll(ctx).Err(); err != nil {
				t.Fatal(err)
			}
			r.save(order("new", "BTC/USDT", "grid"))
		case 4:
			cancel()
		}
	}
	if want := "old-1 new, old-2 new, old-1 intent, new new"; strings.Join(got, ", ") != want {
		t.Fatalf("%q, want %q", strings.Join(got, ", "), want)
	}
	for _, err := range r.Orders.Watch(bounded(t), orderFilterOf{Exchange: "?"}) {
		if !errors.Is(err, domain.ErrInvalid) {
			t.Fatal(err)
		}
	}
}

type orderFilterOf = client.OrderFilter

func orderFilter(s ...domain.OrderStatus) orderFilterOf {
	return orderFilterOf{Exchange: "kraken", Statuses: s}
}

func statuses(s ...domain.OrderStatus) []domain.OrderStatus { return s }
