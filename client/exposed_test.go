package client_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// A block that is tied to exposure is not taken before its bot is flat.
func TestAnExposedBotKeepsItsBlock(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	ctx := t.Context()
	mine := briefly("one")
	mine.Account, mine.Exposed = "1001", true
	c := granted(t)(r.Bots.Block(ctx, mine))
	r.expired(c)
	if err := r.Bots.Sync(bounded(t), "binance"); err != nil {
		t.Fatal(err)
	}
	isBlocked := func() (bool, error) {
		_, held, err := r.Bots.IsBlocked(ctx, "binance", "BTC/USDT")
		return held, err
	}
	// Nobody has said what the account holds, which is not flat.
	if got, err := r.Bots.Block(ctx, request("two")); !errors.Is(err, domain.ErrUnknown) {
		t.Fatalf("unknown is not flat: %+v %v", got, err)
	}
	if held, err := isBlocked(); !errors.Is(err, domain.ErrUnknown) || held {
		t.Fatal(held, err)
	}
	r.visible(r.Accounts.SetPosition(ctx, position("1001", "BTC/USDT", "-0.5")))
	_, err := r.Bots.Block(ctx, request("two"))
	heldBy(t, err, "one")
	if held, err := isBlocked(); err != nil || !held {
		t.Fatal(held, err)
	}
	r.visible(r.Accounts.SetPosition(ctx, position("1001", "BTC/USDT", "0")))
	if held, err := isBlocked(); err != nil || held {
		t.Fatal("flat, and has expired", held, err)
	}
	next := granted(t)(r.Bots.Block(ctx, request("two")))
	if _, err := r.Bots.Renew(ctx, c, 0); err == nil || next.Token() <= c.Token() {
		t.Fatalf("%+v %v", next, err)
	}
}

// An operator may take what an exposed bot has left, but nothing that has not
// expired.
func TestATakeoverHeedsTheExpiryAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	ctx := t.Context()
	lasting := granted(t)(r.Bots.Block(ctx, request("one")))
	_, err := r.Bots.Takeover(ctx, request("two"))
	heldBy(t, err, "one")
	if err := r.Bots.Unblock(ctx, lasting); err != nil {
		t.Fatal(err)
	}
	mine := briefly("one")
	mine.Account, mine.Exposed = "1001", true
	c := granted(t)(r.Bots.Block(ctx, mine))
	r.visible(r.Accounts.SetPosition(ctx, position("1001", "BTC/USDT", "1")))
	r.expired(c)
	_, err = r.Bots.Block(ctx, request("two"))
	heldBy(t, err, "one")
	granted(t)(r.Bots.Takeover(ctx, request("two")))
	heldBy(t, r.Bots.Unblock(ctx, c), "two")
}

// What the orders of a bot say is in Redis; it counts once that has caught up.
func TestALiveOrderIsExposure(t *testing.T) {
	t.Parallel()
	redis := testserver.NewRedis(t)
	r := newRig(t, redis.Store(t), 100)
	ctx := t.Context()
	mine := briefly("one")
	mine.Exposed = true
	c := granted(t)(r.Bots.Block(ctx, mine))
	r.expired(c)
	if err := r.Bots.Sync(bounded(t), "binance"); err != nil {
		t.Fatal(err)
	}
	live := cachestore.DefaultPrefix + "{ORDERS_BINANCE}:livecount"
	set := func(count string) {
		t.Helper()
		if err := redis.Client(t).HSet(ctx, live, "one BTC/USDT", count, "two BTC/USDT", "1", "one ETH/USDT", "1").Err(); err != nil {
			t.Fatal(err)
		}
	}
	set("2")
	_, err := r.Bots.Block(ctx, request("two"))
	heldBy(t, err, "one")
	set("garbage")
	if got, err := r.Bots.Block(ctx, request("two")); !errors.Is(err, domain.ErrUnknown) {
		t.Fatalf("%+v %v", got, err)
	}
	set("0")
	// Redis is behind: an order may be there that it does not know of.
	p := r.store.Partition(bus.OrderStream("binance"))
	at, err := p.Checkpoint(ctx)
	if err != nil {
		t.Fatal(err)
	}
	r.stop()
	if _, err := r.Bots.Halt(ctx, domain.Halt{Exchange: "binance", State: domain.TradingReduceOnly}); err != nil {
		t.Fatal(err)
	}
	if got, err := r.Bots.Block(ctx, request("two")); !errors.Is(err, domain.ErrUnknown) {
		t.Fatalf("Redis is behind: %+v %v", got, err)
	}
	next := at
	next.Seq++
	if got, err := p.Apply(ctx, at, next, p.NewBatch()); err != nil || got != next {
		t.Fatal(got, err)
	}
	granted(t)(r.Bots.Block(ctx, request("two")))
}

func TestHoldingRenewsUntilTheFunctionReturns(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	ctx := bounded(t)
	c := granted(t)(r.Bots.Block(ctx, briefly("one")))
	err := r.Bots.Holding(ctx, c, 2*time.Second, func(held context.Context) error {
		for {
			now, err := r.Bots.Now(held, "binance")
			if err != nil || !c.HeldAt(now) {
				return err // without renewal it would have ended
			}
			rest(held, 50*time.Millisecond)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Bots.Block(ctx, request("two"))
	heldBy(t, err, "one")
	mine := errors.New("mine")
	if err := r.Bots.Holding(ctx, c, 0, func(context.Context) error { return mine }); err != mine {
		t.Fatal(err)
	}
}

func TestHoldingEndsWithTheClaim(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	ctx := bounded(t)
	c := granted(t)(r.Bots.Block(ctx, request("one")))
	err := r.Bots.Holding(ctx, c, 6*time.Second, func(held context.Context) error {
		if err := r.Bots.Unblock(ctx, c); err != nil { // another process of the bot
			return err
		}
		granted(t)(r.Bots.Block(ctx, request("two")))
		<-held.Done()
		heldBy(t, context.Cause(held), "two")
		return held.Err()
	})
	heldBy(t, err, "two")
	ran := false
	err = r.Bots.Holding(ctx, c, 0, func(context.Context) error { ran = true; return nil })
	heldBy(t, err, "two")
	if ran {
		t.Error("it ran without the claim")
	}
	// A log that is away for longer than the claim lasts is as bad.
	other := request("one")
	other.Symbol = "ETH/USDT"
	c = granted(t)(r.Bots.Block(ctx, other))
	err = r.Bots.Holding(ctx, c, domain.MinClaim*3, func(held context.Context) error {
		r.nats.Stop()
		<-held.Done()
		return nil
	})
	if !errors.Is(err, domain.ErrUnreachable) && !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	r.nats.Start()
}
