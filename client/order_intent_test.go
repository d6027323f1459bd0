package client_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// claimVerbs are the verbs of blocks and of opening marks.
type claimVerbs struct {
	get   func(context.Context, client.BlockRequest) (domain.Claim, error)
	renew func(context.Context, domain.Claim, time.Duration) (domain.Claim, error)
	back  func(context.Context, domain.Claim) error
}

func verbsOf(b *client.Bots) map[domain.Kind]claimVerbs {
	return map[domain.Kind]claimVerbs{
		domain.KindBlock:   {b.Block, b.Renew, b.Unblock},
		domain.KindOpening: {b.MarkOpening, b.RenewOpening, b.UnmarkOpening},
	}
}

// popTwo pushes orders of a bot in two markets and pops them.
func (r *rig) popTwo(bot string) []client.OrderDelivery {
	r.tb.Helper()
	for i, symbol := range []string{"BTC/USDT", "ETH/USDT"} {
		o := order(strconv.Itoa(i+1), symbol, bot)
		o.Exchange = "binance"
		r.push(o)
	}
	popped, err := r.Orders.PopMany(r.tb.Context(), "binance", 2, patience)
	if err != nil || len(popped) != 2 {
		r.tb.Fatal(popped, err)
	}
	return popped
}

// popAgain gives an order back and pops it again.
func (r *rig) popAgain(d client.OrderDelivery) client.OrderDelivery {
	r.tb.Helper()
	if err := r.Orders.Nack(r.tb.Context(), d, 0); err != nil {
		r.tb.Fatal(err)
	}
	if err := r.Orders.Sync(r.tb.Context(), "binance"); err != nil {
		r.tb.Fatal(err)
	}
	again, err := r.Orders.Pop(r.tb.Context(), "binance", patience)
	if err != nil || again.ID != d.ID {
		r.tb.Fatal(again, err)
	}
	return again
}

func (r *rig) intend(ds ...client.OrderDelivery) []error {
	_, errs := r.Orders.Intend(r.tb.Context(), "w", time.Now().Add(time.Minute), ds)
	return errs
}

// A block or an opening mark that has expired lets others trade, until its bot
// renews it: that is no message about it, and an order which was popped before
// must not be sent after it.
func TestAnOrderIsNotSentOnceALapsedClaimWasRenewed(t *testing.T) {
	t.Parallel()
	for _, kind := range []domain.Kind{domain.KindBlock, domain.KindOpening} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, testserver.SharedStore(t), 100)
			verbs := verbsOf(r.Bots)[kind]
			lapsed := granted(t)(verbs.get(t.Context(), briefly("one")))
			r.expired(lapsed)
			popped := r.popTwo("two")
			renewed := granted(t)(verbs.renew(t.Context(), lapsed, time.Minute))
			errs := r.intend(popped...)
			heldBy(t, errs[0], "one")
			if errs[1] != nil {
				t.Fatalf("the order of another market: %v", errs[1])
			}
			if err := verbs.back(t.Context(), renewed); err != nil {
				t.Fatal(err)
			}
			if errs := r.intend(r.popAgain(popped[0])); errs[0] != nil {
				t.Fatal(errs[0])
			}
		})
	}
}

// Who gets a block or an opening mark while another bot's order is about to be
// sent keeps it from being sent.
func TestAnOrderIsNotSentOnceAnotherBotHasTheMarket(t *testing.T) {
	t.Parallel()
	for _, kind := range []domain.Kind{domain.KindBlock, domain.KindOpening} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, testserver.SharedStore(t), 100)
			verbs := verbsOf(r.Bots)[kind]
			popped := r.popTwo("two")
			claim := granted(t)(verbs.get(t.Context(), client.BlockRequest{Exchange: "binance", Symbol: "BTC/USDT", Bot: "one", For: time.Minute}))
			errs := r.intend(popped...)
			if !errors.Is(errs[0], domain.ErrConflict) || errs[1] != nil {
				t.Fatalf("%v, and of the order of another market: %v", errs[0], errs[1])
			}
			if err := verbs.back(t.Context(), claim); err != nil {
				t.Fatal(err)
			}
			// What was popped before the market was given back is still refused.
			if errs := r.intend(popped[0]); !errors.Is(errs[0], domain.ErrConflict) {
				t.Fatal(errs[0])
			}
			if errs := r.intend(r.popAgain(popped[0])); errs[0] != nil {
				t.Fatal(errs[0])
			}
		})
	}
}

// While nobody renews, an expired claim is in nobody's way.
func TestAnOrderIsSentPastALapsedClaim(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	for _, verbs := range verbsOf(r.Bots) {
		r.expired(granted(t)(verbs.get(t.Context(), briefly("one"))))
	}
	for i, err := range r.intend(r.popTwo("two")...) {
		if err != nil {
			t.Fatal(i, err)
		}
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

// popMany pushes orders of a bot in n markets and pops them.
func (r *rig) popMany(round, n int, bot string) []client.OrderDelivery {
	r.tb.Helper()
	for i := range n {
		o := order(fmt.Sprintf("%d-%d", round, i), fmt.Sprintf("C%d/USDT", i), bot)
		o.Exchange = "binance"
		r.push(o)
	}
	var popped []client.OrderDelivery
	for len(popped) < n {
		more, err := r.Orders.PopMany(r.tb.Context(), "binance", n-len(popped), patience)
		if err != nil {
			r.tb.Fatal(err)
		}
		popped = append(popped, more...)
	}
	return popped
}

// Intents share what says that there was no grant at the exchange. One grant refuses
// those of its market, and no others.
func TestOfManyOrdersThoseOfAMarketThatWasGrantedAreNotSent(t *testing.T) {
	t.Parallel()
	for _, kind := range []domain.Kind{domain.KindBlock, domain.KindOpening} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, testserver.SharedStore(t), 100)
			verbs := verbsOf(r.Bots)[kind]
			popped := r.popMany(0, 12, "two")
			granted(t)(verbs.get(t.Context(), client.BlockRequest{Exchange: "binance", Symbol: popped[3].Symbol, Bot: "one", For: time.Minute}))
			for i, err := range r.intend(popped...) {
				if refused := errors.Is(err, domain.ErrConflict); refused != (i == 3) || err != nil && !refused {
					t.Fatalf("order %d: %v", i, err)
				}
			}
		})
	}
}

// A token is worth nothing once what it is of was given back, also if nobody was
// granted that since.
func TestOfManyOrdersNoneIsSentByATokenThatWasGivenBack(t *testing.T) {
	t.Parallel()
	for _, kind := range []domain.Kind{domain.KindBlock, domain.KindOpening} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, testserver.SharedStore(t), 100)
			verbs := verbsOf(r.Bots)[kind]
			held := granted(t)(verbs.get(t.Context(), client.BlockRequest{Exchange: "binance", Symbol: "C3/USDT", Bot: "two", For: time.Minute}))
			popped := r.popMany(0, 12, "two")
			if err := verbs.back(t.Context(), held); err != nil {
				t.Fatal(err)
			}
			for i, err := range r.intend(popped...) {
				if its := popped[i].Symbol == "C3/USDT"; errors.Is(err, domain.ErrConflict) != its || err != nil && !its {
					t.Fatalf("order of %s: %v", popped[i].Symbol, err)
				}
			}
		})
	}
}

// So it is for whoever has not heard of that grant, and knows an older one as the
// newest.
func TestAnOrderIsNotSentBehindAGrantThatIsNotKnownHere(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	popped := r.popTwo("two")
	if errs := r.intend(popped[1]); errs[0] != nil { // asks for the newest grant
		t.Fatal(errs[0])
	}
	granted(t)(r.Bots.Block(t.Context(), client.BlockRequest{Exchange: "binance", Symbol: "BTC/USDT", Bot: "one", For: time.Minute}))
	if errs := r.intend(popped[0]); !errors.Is(errs[0], domain.ErrConflict) {
		t.Fatal(errs[0])
	}
}

// An intent without its right is taken back, so that the order may be sent as soon
// as it has one.
func TestAnIntentWithoutItsRightIsTakenBack(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	popped := r.popTwo("two")
	claim := granted(t)(r.Bots.Block(t.Context(), client.BlockRequest{Exchange: "binance", Symbol: "BTC/USDT", Bot: "one", For: time.Minute}))
	if errs := r.intend(popped...); !errors.Is(errs[0], domain.ErrConflict) || errs[1] != nil {
		t.Fatal(errs)
	}
	if err := r.Bots.Unblock(t.Context(), claim); err != nil {
		t.Fatal(err)
	}
	again := r.popAgain(popped[0])
	if again.Status != domain.OrderNotFound || again.Attempt != 1 {
		t.Fatalf("%s, attempt %d", again.Status, again.Attempt)
	}
	if errs := r.intend(again); errs[0] != nil {
		t.Fatal(errs[0])
	}
}

// What an order that was popped after a halt knows of it is worth nothing to one that
// was popped before, whichever comes first.
func TestAnOrderIsNotSentBehindOneThatWasPoppedAfterAHalt(t *testing.T) {
	t.Parallel()
	for _, first := range []int{0, 1} {
		t.Run(strconv.Itoa(first), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, testserver.SharedStore(t), 100)
			before := r.popMany(0, 1, "two")[0]
			for _, state := range []domain.HaltState{domain.TradingHalted, domain.TradingActive} {
				if _, err := r.Bots.Halt(t.Context(), domain.Halt{Exchange: "binance", State: state}); err != nil {
					t.Fatal(err)
				}
			}
			o := order("after", "ETH/USDT", "two")
			o.Exchange = "binance"
			r.push(o)
			after, err := r.Orders.Pop(t.Context(), "binance", patience)
			if err != nil || after.ID != "after" {
				t.Fatal(after, err)
			}
			both := []client.OrderDelivery{before, after}
			errs := r.intend(both[first], both[1-first])
			if !errors.Is(errs[first], domain.ErrConflict) || errs[1-first] != nil {
				t.Fatalf("%v, and of the one that was popped afterwards: %v", errs[first], errs[1-first])
			}
		})
	}
}
