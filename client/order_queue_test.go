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

func TestOrdersThatAreTooOldExpireAndAreNotHandedOut(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	old := order("1", "BTC/USDT", "grid")
	old.Expires = time.Now().Add(-time.Second)
	r.push(old)
	sent := order("sent", "ETH/USDT", "grid")
	sent.Expires = old.Expires
	r.push(sent)
	r.status("sent", domain.OrderIntent)
	r.push(order("2", "BTC/USDT", "grid"))
	// What may have been sent does not expire: somebody must find out.
	wantOrder(t, r.Orders, "sent")
	wantOrder(t, r.Orders, "2")
	got, err := r.Orders.Get(t.Context(), "kraken", "1")
	if err != nil || got.Status != domain.OrderExpired || !strings.Contains(got.Reason, "not sent before") {
		t.Fatalf("%+v %v", got, err)
	}
}

func TestOrdersThatNobodyCanDealWithBecomeDeadLetters(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	o := r.limited(client.OrderLimits{MaxTries: 2, Lease: time.Hour})
	for _, id := range []string{"1", "2", "3"} {
		r.push(order(id, "BTC/USDT", "grid"))
	}
	r.status("2", domain.OrderIntent)
	tryTwice := func(id string) {
		t.Helper()
		for range 2 {
			if err := o.Nack(t.Context(), wantOrder(t, o, id), 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	tryTwice("1")
	tryTwice("2")
	wantOrder(t, o, "3")
	wantNoOrder(t, o)
	dead, err := o.DeadLetters(t.Context(), "kraken")
	if err != nil || orderIDs(dead) != "1 2" || dead[0].Status != domain.OrderNew || !strings.Contains(dead[0].Reason, "handed out 2 times") {
		t.Fatalf("%+v %v", dead, err)
	}
	if _, err := o.Drop(t.Context(), "kraken", "2"); !errors.Is(err, domain.ErrConflict) || !strings.Contains(err.Error(), "unknown") {
		t.Fatalf("dropped one that may have been sent: %v", err)
	}
	if _, err := o.Drop(t.Context(), "kraken", "3"); !errors.Is(err, domain.ErrConflict) {
		t.Fatalf("dropped one that is no dead letter: %v", err)
	}
	dropped, err := o.Drop(t.Context(), "kraken", "1")
	r.visible(o.PositionOf(dropped), err)
	if dropped.Status != domain.OrderCanceled || dropped.Dead {
		t.Fatalf("%+v", dropped)
	}
	// Back at its place, which is before the third's.
	requeued, err := o.Requeue(t.Context(), "kraken", "2")
	r.visible(o.PositionOf(requeued), err)
	if d, err := o.Cancel(t.Context(), "kraken", "3"); err != nil || d.Status != domain.OrderCanceled {
		t.Fatalf("%+v %v", d, err)
	}
	if d := wantOrder(t, o, "2"); d.Tries != 1 || d.Reason != "" {
		t.Fatalf("%+v", d)
	}
	if dead, err := o.DeadLetters(t.Context(), "kraken"); err != nil || len(dead) != 0 {
		t.Fatalf("%+v %v", dead, err)
	}
	if _, err := o.Requeue(t.Context(), "kraken", "1"); !errors.Is(err, domain.ErrConflict) {
		t.Fatal(err)
	}
}

func TestCancelEndsWhatWasNotSentAndAsksForTheRest(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	for _, id := range []string{"new", "resting", "filled"} {
		r.push(order(id, "BTC/USDT", "grid"))
	}
	r.status("resting", domain.OrderIntent, domain.OrderAccepted)
	r.status("filled", domain.OrderIntent, domain.OrderFilled)
	ctx := t.Context()
	for range 2 {
		if o, err := r.Orders.Cancel(ctx, "kraken", "new"); err != nil || o.Status != domain.OrderCanceled {
			t.Fatalf("%+v %v", o, err)
		}
		if o, err := r.Orders.Cancel(ctx, "kraken", "resting"); err != nil || o.Status != domain.OrderAccepted || !o.CancelRequested {
			t.Fatalf("%+v %v", o, err)
		}
	}
	if _, err := r.Orders.Cancel(ctx, "kraken", "filled"); !errors.Is(err, domain.ErrConflict) || !strings.Contains(err.Error(), "filled") {
		t.Fatal(err)
	}
	if _, err := r.Orders.Cancel(ctx, "kraken", "none"); !errors.Is(err, domain.ErrNotFound) {
		t.Fatal(err)
	}
}

// rights writes what package projector folds of blocks, opening marks and halts.
func TestPopKeepsOrdersBackThatMayNotTrade(t *testing.T) {
	t.Parallel()
	server := testserver.NewRedis(t)
	r := newRig(t, server.Store(t), 100)
	o := r.limited(client.OrderLimits{Lease: time.Hour})
	ctx, rdb := t.Context(), server.Client(t)
	key := r.store.Prefix() + "{ORDERS_KRAKEN}:"
	set := func(name, field, value string) {
		t.Helper()
		if err := rdb.HSet(ctx, key+name, field, value).Err(); err != nil {
			t.Fatal(err)
		}
	}
	del := func(name, field string) {
		t.Helper()
		if err := rdb.HDel(ctx, key+name, field).Err(); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now().UnixMilli()
	claim := func(bot string, expires time.Duration, exposed string) string {
		return fmt.Sprintf("71 70 %d %s %s 1001 %d", now+expires.Milliseconds(), exposed, bot, now)
	}
	r.push(order("grid-1", "BTC/USDT", "grid"))
	reduce := order("trend-1", "ETH/USDT", "trend")
	reduce.ReduceOnly = true
	r.push(reduce)
	back := func(ds []client.OrderDelivery) {
		t.Helper()
		for _, d := range ds {
			if err := o.Nack(ctx, d, 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	wants := func(what, ids string) []client.OrderDelivery {
		t.Helper()
		ds, err := o.PopMany(ctx, "kraken", 10, 0)
		if err != nil && !errors.Is(err, domain.ErrNotFound) {
			t.Fatal(err)
		}
		var got []string
		for _, d := range ds {
			got = append(got, d.ID)
		}
		if strings.Join(got, " ") != ids {
			t.Errorf("%s: popped %q, want %q", what, got, ids)
		}
		back(ds)
		if len(got) > 0 { // so that nothing becomes a dead letter
			if err := rdb.Del(ctx, key+"tries").Err(); err != nil {
				t.Fatal(err)
			}
		}
		return ds
	}
	if ds := wants("nothing in the way", "grid-1 trend-1"); ds[0].BlockSeq != 0 || ds[0].BlockToken != 0 || ds[0].HaltSeq != 0 || ds[0].BotHaltSeq != 0 {
		t.Errorf("%+v", ds[0])
	}
	set("freed", "BTC/USDT", "69")
	if ds := wants("a block that was returned", "grid-1 trend-1"); ds[0].BlockSeq != 69 || ds[0].BlockToken != 0 || ds[1].BlockSeq != 0 {
		t.Errorf("%+v", ds[0])
	}
	for _, name := range []string{"blocks", "openings"} {
		set(name, "BTC/USDT", claim("other", time.Hour, "0"))
		wants(name+" of another bot", "trend-1")
		set(name, "BTC/USDT", claim("other", -2*time.Second, "0"))
		wants(name+" of another bot that has expired", "grid-1 trend-1")
		set(name, "BTC/USDT", claim("other", -500*time.Millisecond, "0"))
		set(name, "BTC/USDT", claim("other", -time.Hour, "1"))
		wants(name+" of another bot that is exposed", "trend-1")
		set(name, "BTC/USDT", "nonsense")
		wants(name+" that cannot be read", "trend-1")
		set(name, "BTC/USDT", claim("grid", time.Hour, "0"))
		ds := wants(name+" of the bot itself", "grid-1 trend-1")
		if name == "blocks" && (ds[0].BlockSeq != 71 || ds[0].BlockToken != 70 || ds[1].BlockToken != 0) {
			t.Errorf("%+v", ds[0])
		}
		set(name, "BTC/USDT", claim("grid", -time.Hour, "0"))
		if ds := wants(name+" of the bot itself that has expired", "grid-1 trend-1"); name == "blocks" && (ds[0].BlockSeq != 71 || ds[0].BlockToken != 0) {
			t.Errorf("%+v", ds[0])
		}
		del(name, "BTC/USDT")
	}
	for whose, ids := range map[string][2]string{"": {"", "trend-1"}, "grid": {"trend-1", "trend-1"}, "trend": {"grid-1", "grid-1 trend-1"}} {
		set("halts", whose, "3 5 1700000000000 a reason of some words")
		wants("halted: "+whose, ids[0])
		set("halts", whose, "2 6 1700000000000 ")
		wants("reduce only: "+whose, ids[1])
		set("halts", whose, "nonsense")
		wants("a halt that cannot be read: "+whose, ids[0])
		set("halts", whose, "1 7 1700000000000 ")
		ds := wants("active again: "+whose, "grid-1 trend-1")
		if whose == "" && ds[0].HaltSeq != 7 || whose == "grid" && (ds[0].BotHaltSeq != 7 || ds[1].BotHaltSeq != 0) {
			t.Errorf("%q: %+v", whose, ds[0])
		}
		del("halts", whose)
	}
	// Whoever may have sent an order must find out what became of it.
	set("halts", "", "3 5 1700000000000 ")
	set("blocks", "BTC/USDT", claim("other", time.Hour, "1"))
	r.status("grid-1", domain.OrderIntent)
	wants("an intent", "grid-1")
	r.status("grid-1", domain.OrderUnknown)
	wants("an unknown outcome", "grid-1")
	r.status("grid-1", domain.OrderNotFound)
	wants("one that would be sent again", "")
	// It goes on as soon as nothing is in the way, and a block that ends by itself
	// is waited for.
	del("halts", "")
	set("blocks", "BTC/USDT", fmt.Sprintf("71 70 %d 0 other - %d", time.Now().UnixMilli()-900, now))
	r.status("trend-1", domain.OrderCanceled)
	wantOrder(t, o, "grid-1")
}

func TestBadInputOfTheQueueIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	ctx := t.Context()
	for _, l := range []client.OrderLimits{{MaxQueue: -1}, {MaxAge: time.Millisecond}, {MaxTries: 1001}, {Lease: 25 * time.Hour}} {
		if _, err := r.Orders.WithLimits(l); !errors.Is(err, domain.ErrInvalid) {
			t.Errorf("%+v: %v", l, err)
		}
		if _, err := client.Connect(ctx, client.Config{Orders: l}); !errors.Is(err, domain.ErrInvalid) {
			t.Errorf("%+v: %v", l, err)
		}
	}
	many := func(exchange string, n int, timeout time.Duration) error {
		_, err := r.Orders.PopMany(ctx, exchange, n, timeout)
		return err
	}
	consume := func(c client.ConsumeConfig) error { return r.Orders.Consume(ctx, "kraken", c, nil) }
	for name, err := range map[string]error{
		"exchange": many("a.b", 1, 0), "n": many("kraken", 0, 0), "too many": many("kraken", client.MaxPopOrders+1, 0),
		"timeout": many("kraken", 1, -1), "delay": r.Orders.Nack(ctx, client.OrderDelivery{}, -1),
		"lease": r.Orders.Extend(ctx, client.OrderDelivery{}, 0), "no delivery": r.Orders.Nack(ctx, client.OrderDelivery{}, 0),
		"concurrency": consume(client.ConsumeConfig{Concurrency: -1}), "consumer's lease": consume(client.ConsumeConfig{Lease: time.Millisecond}),
	} {
		if !errors.Is(err, domain.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := many("nowhere", 1, 0); !errors.Is(err, domain.ErrNotFound) {
		t.Error(err)
	}
	if err := r.Orders.Consume(ctx, "nowhere", client.ConsumeConfig{}, nil); !errors.Is(err, domain.ErrNotFound) {
		t.Error(err)
	}
}
