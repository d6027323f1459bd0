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
	"time"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// limited is the rig's orders with other limits.
func (r *rig) limited(l client.OrderLimits) *client.Orders {
	r.tb.Helper()
	o, err := r.Orders.WithLimits(l)
	if err != nil {
		r.tb.Fatal(err)
	}
	return o
}

// push puts an order into the queue and waits until it can be popped.
func (r *rig) push(o domain.Order) domain.Order {
	r.tb.Helper()
	stored, pos, err := r.Orders.Push(context.Background(), o)
	r.visible(pos, err)
	return stored
}

func wantOrder(t *testing.T, o *client.Orders, id string) client.OrderDelivery {
	t.Helper()
	d, err := o.Pop(t.Context(), "kraken", patience)
	if err != nil || d.ID != id {
		t.Fatalf("popped %q (%v), want %s", d.ID, err, id)
	}
	return d
}

func wantNoOrder(t *testing.T, o *client.Orders) {
	t.Helper()
	if d, err := o.Pop(t.Context(), "kraken", 0); !errors.Is(err, domain.ErrNotFound) {
		t.Fatalf("popped %q (%v), want nothing", d.ID, err)
	}
}

// D6: what the reference promises of orders, verb for verb.
func TestD6TheVerbsOfOrdersDoWhatTheirNamesSay(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	ctx := t.Context()
	o := order("", "BTC/USDT", "grid")
	pushed := r.push(o) // push_open_order(exchange, order)
	if len(pushed.ID) != 26 || domain.CheckOrderID(pushed.ID) != nil || pushed.Status != domain.OrderNew || pushed.Expires.Sub(pushed.Created) != time.Hour {
		t.Fatalf("%+v", pushed)
	}
	if later := client.NewOrderID(); later[:9] < pushed.ID[:9] {
		t.Fatalf("%s was made after %s", later, pushed.ID)
	}
	if n, err := r.Orders.QueueLength(ctx, "kraken", ""); err != nil || n != 1 { // get_queue_length
		t.Fatal(n, err)
	}
	d, err := r.Orders.Pop(ctx, "kraken", 5*time.Second) // pop_open_order(exchange, timeout)
	if err != nil || d.ID != pushed.ID || d.Tries != 1 || !d.Same(pushed.OrderTerms) || d.First != pushed.Sequence {
		t.Fatalf("%+v %v", d, err)
	}
	if s, err := r.Orders.Status(ctx, "kraken", d.ID); err != nil || s != domain.OrderNew { // get_order_status(order_id) -> str
		t.Fatal(s, err)
	}
	acked, err := r.Orders.Ack(ctx, d)
	r.visible(r.Orders.PositionOf(acked), err)
	if acked.Status != domain.OrderAccepted || acked.Attempt != 1 || acked.Worker == "" {
		t.Fatalf("%+v", acked)
	}
	r.status(d.ID, domain.OrderFilled)                                                                 // set_order_status
	if got, err := r.Orders.Get(ctx, "kraken", d.ID); err != nil || got.Status != domain.OrderFilled { // get_order_data
		t.Fatalf("%+v %v", got, err)
	}
	r.visible(r.Orders.Delete(ctx, "kraken", d.ID)) // delete_order_status
	if n, err := r.Orders.QueueLength(ctx, "kraken", "BTC/USDT"); err != nil || n != 0 {
		t.Fatal(n, err)
	}
}

// D7: an order whose popper died is handed out again, before those behind it.
func TestD7AnOrderWhosePopperDiedIsHandedOutAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	short := r.limited(client.OrderLimits{Lease: time.Millisecond, MaxTries: 1000})
	for _, id := range []string{"1", "2"} {
		r.push(order(id, "BTC/USDT", "grid"))
	}
	died := wantOrder(t, short, "1")
	again := wantOrder(t, short, "1") // its lease has ended
	if again.Tries != 2 || again.Order != died.Order {
		t.Fatalf("%+v, before %+v", again, died)
	}
	holder := wantOrder(t, r.limited(client.OrderLimits{Lease: time.Hour}), "1")
	wantNoOrder(t, r.Orders) // the second waits for the first
	for name, err := range map[string]error{
		"nack": r.Orders.Nack(t.Context(), died, 0), "extend": r.Orders.Extend(t.Context(), died, time.Hour),
		"other token": r.Orders.Nack(t.Context(), again, 0),
	} {
		if !errors.Is(err, domain.ErrConflict) {
			t.Errorf("%s by who lost the lease: %v", name, err)
		}
	}
	wantNoOrder(t, r.Orders)
	if err := r.Orders.Extend(t.Context(), holder, 2*time.Hour); err != nil {
		t.Fatal(err)
	}
	queues, err := r.Orders.Queue(t.Context(), "kraken")
	if err != nil || len(queues) != 1 || queues[0].Symbol != "BTC/USDT" || queues[0].Waiting != 2 || queues[0].Head != "1" || queues[0].Leased != "1" ||
		queues[0].Worker == "" || queues[0].Delayed || time.Until(queues[0].Until) < time.Hour {
		t.Fatalf("%+v %v", queues, err)
	}
	if err := r.Orders.Nack(t.Context(), holder, time.Hour); err != nil {
		t.Fatal(err)
	}
	wantNoOrder(t, r.Orders)
	if queues, err := r.Orders.Queue(t.Context(), "kraken"); err != nil || !queues[0].Delayed {
		t.Fatalf("%+v %v", queues, err)
	}
	// The delay goes with the order.
	if _, err := r.Orders.Cancel(t.Context(), "kraken", "1"); err != nil {
		t.Fatal(err)
	}
	// A lease that has ended is lost, even if nobody has had the order since.
	ended := wantOrder(t, short, "2")
	for {
		queues, err := r.Orders.Queue(bounded(t), "kraken")
		if err != nil {
			t.Fatal(err)
		}
		if queues[0].Leased == "" {
			break
		}
	}
	if err := r.Orders.Extend(t.Context(), ended, time.Hour); !errors.Is(err, domain.ErrConflict) {
		t.Fatalf("a lease that has ended was extended: %v", err)
	}
	second := wantOrder(t, r.Orders, "2")
	if err := r.Orders.Nack(t.Context(), second, time.Millisecond); err != nil {
		t.Fatal(err)
	}
	wantOrder(t, r.Orders, "2")
}

// D7: what was dealt with is not handed out again, even by a Redis that lost
// everything, and the others keep their order.
func TestD7AQueueThatIsFoldedAnewKeepsItsOrder(t *testing.T) {
	t.Parallel()
	server := testserver.NewRedis(t)
	r := newRig(t, server.Store(t), 100)
	for i := range 6 {
		r.push(order(strconv.Itoa(i), []string{"BTC/USDT", "ETH/USDT"}[i%2], "grid"))
	}
	for _, id := range []string{"0", "1"} {
		d := wantOrder(t, r.Orders, id)
		if _, err := r.Orders.Ack(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	// The next of each symbol goes out as soon as the first is out of the queue.
	leased := wantOrder(t, r.Orders, "2")
	if err := server.Client(t).FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for len(got) < 4 {
		ds, err := r.Orders.PopMany(bounded(t), "kraken", 10, patience)
		if errors.Is(err, domain.ErrUnreachable) || errors.Is(err, domain.ErrUnknown) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range ds {
			got = append(got, d.ID)
			if _, err := r.Orders.Ack(t.Context(), d); err != nil {
				t.Fatal(err)
			}
		}
	}
	slices.Sort(got[:2]) // of two symbols
	if strings.Join(got, " ") != "2 3 4 5" {
		t.Fatalf("%q", got)
	}
	if err := r.Orders.Extend(t.Context(), leased, time.Hour); !errors.Is(err, domain.ErrConflict) {
		t.Fatalf("a lease outlived its Redis: %v", err)
	}
}

// D7: a Redis that does not reflect what the popper has seen hands out nothing.
func TestD7ARedisThatIsBehindHandsOutNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	r.push(order("1", "BTC/USDT", "grid"))
	p := r.store.Partition("ORDERS_KRAKEN")
	at, err := p.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ask := cachestore.OrderPop{Epoch: at.Epoch, Least: at.Seq, Lease: time.Hour, Token: "t", Worker: "w", Most: 1}
	for name, change := range map[string]func(*cachestore.OrderPop){
		"sequence": func(p *cachestore.OrderPop) { p.Least++ }, "epoch": func(p *cachestore.OrderPop) { p.Epoch++ },
	} {
		behind := ask
		change(&behind)
		if got, err := p.PopOrders(t.Context(), behind); err != nil || !got.Behind || len(got.Orders) != 0 || got.At != at {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
	if got, err := p.PopOrders(t.Context(), ask); err != nil || got.Behind || len(got.Orders) != 1 {
		t.Errorf("%+v %v", got, err)
	}
}

// D8: who waits gets what comes meanwhile, and giving up takes nothing away.
func TestD8WaitingForAnOrderLosesNone(t *testing.T) {
	t.Parallel()
	const poppers, orders = 8, 60
	r := newRig(t, testserver.SharedStore(t), 100)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var mu sync.Mutex
	seen := make(map[string]int)
	var group sync.WaitGroup
	for i := range poppers {
		group.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				timeout := time.Minute // above the 3 s of a request
				if i%2 == 0 && n%2 == 0 {
					timeout = time.Millisecond
				}
				d, err := r.Orders.Pop(ctx, "kraken", timeout)
				if errors.Is(err, domain.ErrNotFound) || errors.Is(err, domain.ErrUnknown) {
					continue
				}
				if err == nil {
					_, err = r.Orders.Ack(ctx, d)
				}
				if err != nil {
					if ctx.Err() == nil {
						t.Error(err)
					}
					return
				}
				mu.Lock()
				seen[d.ID]++
				done := len(seen) == orders
				mu.Unlock()
				if done {
					cancel()
				}
			}
		})
	}
	for i := range orders {
		if _, _, err := r.Orders.Push(context.Background(), order(strconv.Itoa(i), fmt.Sprintf("C%d/USDT", i%7), "grid")); err != nil {
			t.Error(err)
		}
	}
	group.Wait()
	if len(seen) != orders {
		t.Fatalf("%d of %d orders were popped", len(seen), orders)
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("order %s was popped %d times", id, n)
		}
	}
}

// D9: whatever keeps an order from being stored is an error of the push.
func TestD9APushThatDoesNotStoreIsAnError(t *testing.T) {
	t.Parallel()
	server := testserver.NewRedis(t)
	r := newRig(t, server.Store(t), 100)
	ctx := t.Context()
	r.push(order("1", "BTC/USDT", "grid"))
	change := func(f func(*domain.Order)) domain.Order {
		o := order("1", "BTC/USDT", "grid")
		f(&o)
		return o
	}
	for name, o := range map[string]domain.Order{
		"volume": change(func(o *domain.Order) { o.Volume = dec("0.6") }), "price": change(func(o *domain.Order) { o.Price = dec("1") }),
		"bot": change(func(o *domain.Order) { o.Bot = "other" }), "side": change(func(o *domain.Order) { o.Side = domain.Sell }),
		"expires": change(func(o *domain.Order) { o.Expires = noon }),
	} {
		if _, _, err := r.Orders.Push(ctx, o); !errors.Is(err, domain.ErrConflict) || !strings.Contains(err.Error(), name+":") {
			t.Errorf("the same id with another %s: %v", name, err)
		}
	}
	for name, o := range map[string]domain.Order{
		"symbol": order("", "BTCUSDT", "grid"), "volume": change(func(o *domain.Order) { o.Volume = dec("0") }),
		"price":           change(func(o *domain.Order) { o.Price = dec("0") }),
		"status":          change(func(o *domain.Order) { o.Status = domain.OrderFilled }),
		"client_order_id": order("a.b", "BTC/USDT", "grid"), "exchange": change(func(o *domain.Order) { o.Exchange = "Kraken" }),
	} {
		var field *domain.FieldError
		if _, _, err := r.Orders.Push(ctx, o); !errors.As(err, &field) || field.Field != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := r.Orders.Push(ctx, change(func(o *domain.Order) { o.Exchange = "nowhere" })); !errors.Is(err, domain.ErrNotFound) {
		t.Error(err)
	}
	full := r.limited(client.OrderLimits{MaxQueue: 1})
	if _, _, err := full.Push(ctx, order("2", "BTC/USDT", "grid")); !errors.Is(err, domain.ErrFull) {
		t.Error(err)
	}
	if _, _, err := full.Push(ctx, order("1", "BTC/USDT", "grid")); err != nil {
		t.Errorf("the one that is there: %v", err)
	}
	r.nats.Stop()
	if _, _, err := r.Orders.Push(ctx, order("3", "BTC/USDT", "grid")); !errors.Is(err, domain.ErrUnreachable) {
		t.Errorf("without the log: %v", err)
	}
	r.nats.Start()
	server.Kill()
	if _, _, err := r.Orders.Push(ctx, order("4", "BTC/USDT", "grid")); !errors.Is(err, domain.ErrUnreachable) {
		t.Errorf("without Redis: %v", err)
	}
	if _, err := r.Orders.Pop(ctx, "kraken", time.Minute); !errors.Is(err, domain.ErrUnreachable) {
		t.Errorf("pop without Redis: %v", err)
	}
}

func TestPushingAgainReturnsTheOrderThatIsThere(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	o := order("1", "BTC/USDT", "grid")
	var group sync.WaitGroup
	var mu sync.Mutex
	sequences := make(map[uint64]int)
	for range 20 {
		group.Go(func() {
			stored, pos, err := r.Orders.Push(bounded(t), o)
			if err != nil || pos.Seq != stored.Sequence {
				t.Errorf("%+v %v", stored, err)
			}
			mu.Lock()
			sequences[stored.Sequence]++
			mu.Unlock()
		})
	}
	group.Wait()
	if len(sequences) != 1 {
		t.Fatalf("one id has %d orders", len(sequences))
	}
	r.status("1", domain.OrderCanceled)
	if stored, _, err := r.Orders.Push(t.Context(), o); err != nil || stored.Status != domain.OrderCanceled {
		t.Fatalf("%+v %v", stored, err)
	}
	r.visible(r.Orders.Delete(t.Context(), "kraken", "1"))
	if _, _, err := r.Orders.Push(t.Context(), o); !errors.Is(err, domain.ErrConflict) {
		t.Fatal(err)
	}
}

func TestManyPoppersGetEachOrderOnceAndEachSymbolInOrder(t *testing.T) {
	t.Parallel()
	const orders, symbols, poppers = 300, 17, 6
	r := newRig(t, testserver.SharedStore(t), 100)
	var last domain.LogPosition
	for i := range orders {
		var err error
		if _, last, err = r.Orders.Push(t.Context(), order(fmt.Sprintf("%03d", i), fmt.Sprintf("C%02d/USDT", i%symbols), "grid")); err != nil {
			t.Fatal(err)
		}
	}
	r.visible(last, nil)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var mu sync.Mutex
	bySymbol := make(map[string][]string)
	total := 0
	var group sync.WaitGroup
	for i := range poppers {
		group.Go(func() {
			for ctx.Err() == nil {
				ds, err := r.Orders.PopMany(ctx, "kraken", 1+i%3, time.Minute)
				if err != nil {
					if ctx.Err() == nil {
						t.Error(err)
					}
					return
				}
				for _, d := range ds {
					mu.Lock()
					bySymbol[d.Symbol] = append(bySymbol[d.Symbol], d.ID)
					total++
					mu.Unlock()
					if _, err := r.Orders.Ack(ctx, d); err != nil && ctx.Err() == nil {
						t.Error(err)
					}
				}
				mu.Lock()
				if total >= orders {
					cancel()
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if total != orders {
		t.Fatalf("%d orders were popped", total)
	}
	for symbol, ids := range bySymbol {
		if !slices.IsSorted(ids) || len(slices.Compact(slices.Clone(ids))) != len(ids) {
			t.Errorf("%s: %v", symbol, ids)
		}
	}
}
