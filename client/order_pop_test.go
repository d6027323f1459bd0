package client_test

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

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

// What package projector folds of blocks, opening marks and halts is written here
// by hand.
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
	held := func(bot string, expires time.Duration, exposed string) string {
		return fmt.Sprintf("71 70 %d %s %s", now+expires.Milliseconds(), exposed, bot)
	}
	// Of block and opening mark: 0, the sequence of the return, or who has it.
	claims := func(symbol, block, mark string) {
		t.Helper()
		blockSeq, blockHeld, _ := strings.Cut(block, " ")
		markSeq, markHeld, _ := strings.Cut(mark, " ")
		text := blockSeq + " " + markSeq
		if blockHeld+markHeld != "" {
			text += " " + cmp.Or(blockHeld, "0 0 0 -") + " " + cmp.Or(markHeld, "0 0 0 -")
		}
		set("rights", symbol, text)
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
	// Several at once are chosen from what was read at once, one from what was read
	// of its symbol: both ways must agree.
	wants := func(what, ids string) (ds []client.OrderDelivery) {
		t.Helper()
		for _, atOnce := range []int{1, 10} {
			ds = nil
			var got []string
			for {
				more, err := o.PopMany(ctx, "kraken", atOnce, 0)
				if errors.Is(err, domain.ErrNotFound) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				for _, d := range more {
					ds, got = append(ds, d), append(got, d.ID)
				}
			}
			if strings.Join(got, " ") != ids {
				t.Errorf("%s: popped %q, %d at once, want %q", what, got, atOnce, ids)
			}
			back(ds)
			if len(got) > 0 { // so that nothing becomes a dead letter
				if err := rdb.Del(ctx, key+"tries").Err(); err != nil {
					t.Fatal(err)
				}
			}
		}
		return ds
	}
	if ds := wants("nothing in the way", "grid-1 trend-1"); ds[0].BlockSeq != 0 || ds[0].BlockToken != 0 || ds[0].HaltSeq != 0 || ds[0].BotHaltSeq != 0 {
		t.Errorf("%+v", ds[0])
	}
	claims("BTC/USDT", "69", "0")
	if ds := wants("a block that was returned", "grid-1 trend-1"); ds[0].BlockSeq != 69 || ds[0].BlockToken != 0 || ds[1].BlockSeq != 0 {
		t.Errorf("%+v", ds[0])
	}
	claims("ETH/USDT", "0", "68")
	if ds := wants("a mark that was returned", "grid-1 trend-1"); ds[0].OpeningSeq != 0 || ds[1].OpeningSeq != 68 || ds[1].BlockSeq != 0 {
		t.Errorf("%+v", ds[1])
	}
	for _, name := range []string{"blocks", "openings"} {
		claim := func(text string) {
			t.Helper()
			if name == "blocks" {
				claims("BTC/USDT", text, "0")
			} else {
				claims("BTC/USDT", "69", text)
			}
		}
		claim(held("other", time.Hour, "0"))
		wants(name+" of another bot", "trend-1")
		claim(held("other", -2*time.Second, "0"))
		wants(name+" of another bot that has expired", "grid-1 trend-1")
		claim(held("other", -500*time.Millisecond, "0"))
		claim(held("other", -time.Hour, "1"))
		wants(name+" of another bot that is exposed", "trend-1")
		for _, text := range []string{"nonsense", "71 70 soon 0 other", "71 70 0 0", "71 70 0 2 other", "71 70"} {
			claim(text)
			wants(fmt.Sprintf("%s that cannot be read: %q", name, text), "trend-1")
		}
		set("rights", "BTC/USDT", "")
		wants(name+" that cannot be read", "trend-1")
		claim(held("grid", time.Hour, "0"))
		ds := wants(name+" of the bot itself", "grid-1 trend-1")
		if name == "blocks" && (ds[0].BlockSeq != 71 || ds[0].BlockToken != 70 || ds[1].BlockToken != 0) {
			t.Errorf("%+v", ds[0])
		}
		if name == "openings" && (ds[0].OpeningSeq != 71 || ds[0].BlockSeq != 69 || ds[0].BlockToken != 0) {
			t.Errorf("%+v", ds[0])
		}
		claim(held("grid", -time.Hour, "0"))
		if ds := wants(name+" of the bot itself that has expired", "grid-1 trend-1"); name == "blocks" && (ds[0].BlockSeq != 71 || ds[0].BlockToken != 0) {
			t.Errorf("%+v", ds[0])
		}
	}
	claims("BTC/USDT", "0", "0")
	for whose, ids := range map[string][2]string{"": {"", "trend-1"}, "*": {"", "trend-1"}, "grid": {"trend-1", "trend-1"}, "trend": {"grid-1", "grid-1 trend-1"}} {
		set("rights", whose, "3 5 1700000000000 a reason of some words")
		wants("halted: "+whose, ids[0])
		set("rights", whose, "2 6 1700000000000 ")
		wants("reduce only: "+whose, ids[1])
		set("rights", whose, "nonsense")
		wants("a halt that cannot be read: "+whose, ids[0])
		set("rights", whose, "1 7 1700000000000 ")
		ds := wants("active again: "+whose, "grid-1 trend-1")
		if whose == "" && ds[0].HaltSeq != 7 || whose == "grid" && (ds[0].BotHaltSeq != 7 || ds[1].BotHaltSeq != 0) {
			t.Errorf("%q: %+v", whose, ds[0])
		}
		del("rights", whose)
	}
	// Whoever may have sent an order must find out what became of it.
	set("rights", "", "3 5 1700000000000 ")
	claims("BTC/USDT", held("other", time.Hour, "1"), "0")
	r.status("grid-1", domain.OrderIntent)
	wants("an intent", "grid-1")
	r.status("grid-1", domain.OrderUnknown)
	wants("an unknown outcome", "grid-1")
	r.status("grid-1", domain.OrderNotFound)
	wants("one that would be sent again", "")
	// It goes on as soon as nothing is in the way, and a block that ends by itself
	// is waited for.
	del("rights", "")
	r.status("trend-1", domain.OrderCanceled)
	expires := time.Now().UnixMilli() - 700
	claims("BTC/USDT", fmt.Sprintf("71 70 %d 0 other", expires), "0")
	wantOrder(t, o, "grid-1")
	if early := expires + domain.ClaimMargin.Milliseconds() - time.Now().UnixMilli(); early > 0 {
		t.Errorf("handed out %d ms before the margin was over", early)
	}
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

// The orders of a bot that may not trade wait; those of the one that may do not
// wait behind them, and each bot's stay in the order of their creation.
func TestAnOrderThatMustWaitKeepsBackNoOtherBots(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	ctx := bounded(t)
	push := func(id, bot string, reduceOnly bool) {
		t.Helper()
		o := order(id, "BTC/USDT", bot)
		o.Exchange, o.ReduceOnly = "binance", reduceOnly
		r.push(o)
	}
	// next pops what is expected, which is then filled, or nothing.
	next := func(why, want string) {
		t.Helper()
		if err := r.Bots.Sync(ctx, "binance"); err != nil {
			t.Fatal(err)
		}
		d, err := r.Orders.Pop(ctx, "binance", 0)
		if want == "" {
			if !errors.Is(err, domain.ErrNotFound) {
				t.Fatalf("%s: popped %q (%v), want nothing", why, d.ID, err)
			}
			return
		}
		if err != nil || d.ID != want {
			t.Fatalf("%s: popped %q (%v), want %s", why, d.ID, err, want)
		}
		if _, err := r.Orders.Pop(ctx, "binance", 0); !errors.Is(err, domain.ErrNotFound) {
			t.Fatalf("%s: another order of the symbol while %s is leased (%v)", why, want, err)
		}
		filled, err := r.Orders.Update(ctx, "binance", d.ID, func(o *domain.Order) error { o.Status = domain.OrderCanceled; return nil })
		r.visible(r.Orders.PositionOf(filled), err)
	}
	held := granted(t)(r.Bots.Block(ctx, client.BlockRequest{Exchange: "binance", Symbol: "BTC/USDT", Bot: "two", For: time.Hour}))
	push("a-1", "one", false)
	push("b-1", "two", false)
	push("c-1", "three", false)
	push("a-2", "one", false)
	push("b-2", "two", false)
	next("the block is two's", "b-1")
	next("the block is two's", "b-2")
	next("the block is two's", "")
	if err := r.Bots.Unblock(ctx, held); err != nil {
		t.Fatal(err)
	}
	mark := granted(t)(r.Bots.MarkOpening(ctx, client.BlockRequest{Exchange: "binance", Symbol: "BTC/USDT", Bot: "three", For: time.Hour}))
	next("three is opening a position", "c-1")
	if err := r.Bots.UnmarkOpening(ctx, mark); err != nil {
		t.Fatal(err)
	}
	push("b-3", "two", false)
	r.visible(r.Bots.Halt(ctx, domain.Halt{Exchange: "binance", Bot: "one", State: domain.TradingReduceOnly}))
	push("a-3", "one", true)
	next("one may only reduce", "b-3")
	next("one may only reduce", "a-3")
	next("one may only reduce", "")
	push("b-4", "two", false)
	push("b-5", "two", true)
	if err := r.Bots.HaltAll(ctx, domain.TradingReduceOnly, ""); err != nil {
		t.Fatal(err)
	}
	next("everybody may only reduce", "b-5")
	next("everybody may only reduce", "")
	// What may have been sent is asked for whoever may trade, behind what waits.
	push("b-6", "two", false)
	intent, err := r.Orders.Update(ctx, "binance", "b-6", func(o *domain.Order) error { o.Status = domain.OrderIntent; return nil })
	r.visible(r.Orders.PositionOf(intent), err)
	next("b-6 may have been sent", "b-6")
	if err := r.Bots.HaltAll(ctx, domain.TradingActive, ""); err != nil {
		t.Fatal(err)
	}
	r.visible(r.Bots.Resume(ctx, "binance", "one"))
	for _, want := range []string{"a-1", "a-2", "b-4", ""} {
		next("all may trade", want)
	}
}
