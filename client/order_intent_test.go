package client_test

import (
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// A block that has expired lets others trade, until its bot renews it: that is
// no message about the block, and an order which was popped before must not be
// sent after it.
func TestAnOrderIsNotSentOnceALapsedBlockWasRenewed(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	lapsed := granted(t)(r.Bots.Block(t.Context(), briefly("one")))
	r.expired(lapsed)
	o := order("1", "BTC/USDT", "two")
	o.Exchange = "binance"
	r.push(o)
	other := order("2", "ETH/USDT", "two")
	other.Exchange = "binance"
	r.push(other)
	popped, err := r.Orders.PopMany(t.Context(), "binance", 2, patience)
	if err != nil || len(popped) != 2 {
		t.Fatal(popped, err)
	}
	renewed := granted(t)(r.Bots.Renew(t.Context(), lapsed, time.Minute))
	_, errs := r.Orders.Intend(t.Context(), "w", time.Now().Add(time.Minute), popped)
	heldBy(t, errs[0], "one")
	if errs[1] != nil {
		t.Fatalf("the order of another market: %v", errs[1])
	}
	if err := r.Bots.Unblock(t.Context(), renewed); err != nil {
		t.Fatal(err)
	}
	if err := r.Orders.Nack(t.Context(), popped[0], 0); err != nil {
		t.Fatal(err)
	}
	if err := r.Orders.Sync(t.Context(), "binance"); err != nil {
		t.Fatal(err)
	}
	again, err := r.Orders.Pop(t.Context(), "binance", patience)
	if err != nil || again.ID != "1" {
		t.Fatal(again, err)
	}
	if _, errs = r.Orders.Intend(t.Context(), "w", time.Now().Add(time.Minute), []client.OrderDelivery{again}); errs[0] != nil {
		t.Fatal(errs[0])
	}
}

// While nobody renews, an expired block is in nobody's way.
func TestAnOrderIsSentPastALapsedBlock(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	lapsed := granted(t)(r.Bots.Block(t.Context(), briefly("one")))
	r.expired(lapsed)
	o := order("1", "BTC/USDT", "two")
	o.Exchange = "binance"
	r.push(o)
	popped, err := r.Orders.PopMany(t.Context(), "binance", 1, patience)
	if err != nil {
		t.Fatal(err)
	}
	if _, errs := r.Orders.Intend(t.Context(), "w", time.Now().Add(time.Minute), popped); errs[0] != nil {
		t.Fatal(errs[0])
	}
}

// An outage, however long, makes no dead letter.
func TestAnOrderThatIsDeferredIsNoDeadLetter(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	o := r.limited(client.OrderLimits{MaxTries: 2, Lease: time.Hour})
	r.push(order("1", "BTC/USDT", "grid"))
	var last client.OrderDelivery
	for range 5 {
		if last = wantOrder(t, o, "1"); last.Tries != 1 {
			t.Fatalf("handed out %d times", last.Tries)
		}
		if err := o.Defer(t.Context(), last, 0); err != nil {
			t.Fatal(err)
		}
	}
	for want := 1; want <= 2; want++ {
		if last = wantOrder(t, o, "1"); last.Tries != want {
			t.Fatalf("handed out %d times, want %d", last.Tries, want)
		}
		if err := o.Nack(t.Context(), last, 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.Defer(t.Context(), last, 0); !errors.Is(err, domain.ErrConflict) {
		t.Fatalf("a lease that was given back: %v", err)
	}
	wantNoOrder(t, o)
	if err := o.Sync(t.Context(), "kraken"); err != nil {
		t.Fatal(err)
	}
	if dead, err := o.DeadLetters(t.Context(), "kraken"); err != nil || len(dead) != 1 {
		t.Fatalf("%+v %v", dead, err)
	}
}

// Intents are stored together; those whose order has changed stop no others.
func TestAConflictStopsNoOtherIntent(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	const n = 9
	for i := range n {
		r.push(order(strconv.Itoa(i), fmt.Sprintf("C%d/USDT", i), "grid"))
	}
	var popped []client.OrderDelivery
	for len(popped) < n {
		more, err := r.Orders.PopMany(t.Context(), "kraken", n, patience)
		if err != nil {
			t.Fatal(err)
		}
		popped = append(popped, more...)
	}
	for _, id := range []string{"2", "7"} {
		if _, err := r.Orders.Cancel(t.Context(), "kraken", id); err != nil {
			t.Fatal(err)
		}
	}
	orders, errs := r.Orders.Intend(t.Context(), "w", time.Now().Add(time.Minute), popped)
	for i, o := range orders {
		if o.ID == "2" || o.ID == "7" {
			if !errors.Is(errs[i], domain.ErrConflict) {
				t.Errorf("order %s, which was canceled: %v", o.ID, errs[i])
			}
			continue
		}
		if errs[i] != nil {
			t.Errorf("order %s: %v", o.ID, errs[i])
			continue
		}
		o.Status = domain.OrderAccepted // only if its sequence is the intent's
		if _, err := r.Orders.Record(t.Context(), o); err != nil {
			t.Errorf("outcome of order %s: %v", o.ID, err)
		}
	}
}
