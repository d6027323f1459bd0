package client_test

import (
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// A bot that comes back after its block has expired and one that takes it are
// never both told that they have it.
func TestOfARenewalAndATakeoverOneIsRefused(t *testing.T) {
	t.Parallel()
	const markets = 40
	r := newRig(t, testserver.SharedStore(t), 100)
	ctx := bounded(t)
	claims := make([]domain.Claim, markets)
	for i := range claims {
		old := briefly("old")
		old.Symbol = "C" + strconv.Itoa(i) + "/USDT"
		claims[i] = granted(t)(r.Bots.Block(ctx, old))
	}
	r.expired(claims[markets-1])
	won := make(map[string]int)
	for _, c := range claims {
		var renewed, taken domain.Claim
		var renewErr, takeErr error
		var group sync.WaitGroup
		group.Go(func() { renewed, renewErr = r.Bots.Renew(ctx, c, time.Hour) })
		group.Go(func() {
			taken, takeErr = r.Bots.Block(ctx, client.BlockRequest{Exchange: c.Exchange, Symbol: c.Symbol, Bot: "new", For: time.Hour})
		})
		group.Wait()
		switch {
		case renewErr == nil && errors.Is(takeErr, domain.ErrConflict):
			won["old"]++
		case takeErr == nil && errors.Is(renewErr, domain.ErrConflict):
			won["new"]++
			if taken.Token() <= c.Token() {
				t.Errorf("%s: token %d after %d", c.Symbol, taken.Token(), c.Token())
			}
		default:
			t.Errorf("%s: renewed %+v (%v), taken %+v (%v)", c.Symbol, renewed, renewErr, taken, takeErr)
		}
	}
	t.Log(won)
}

// A grant that was stored although nobody heard of it is its bot's, who finds it
// by asking again.
func TestAGrantWhoseAcknowledgementWasLostIsFound(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	ctx := t.Context()
	now, err := r.Bots.Now(ctx, "binance")
	if err != nil {
		t.Fatal(err)
	}
	c := domain.Claim{Kind: domain.KindBlock, Exchange: "binance", Symbol: "BTC/USDT", Bot: "one", Expires: now.Add(time.Hour)}
	pos, err := r.bus.Commit(ctx, bus.Change{Event: c}, bus.Change{Event: domain.ClaimRenewal{
		Kind: c.Kind, Exchange: c.Exchange, Symbol: c.Symbol, Bot: c.Bot, Expires: c.Expires,
	}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Bots.Block(ctx, request("two"))
	heldBy(t, err, "one")
	got := granted(t)(r.Bots.Block(ctx, request("one")))
	if got.Token() != pos.Seq-1 || got.Sequence != got.Token() {
		t.Fatalf("%+v, want the token %d", got, pos.Seq-1)
	}
}

// What is done on the condition of a block's sequence is refused once another bot
// has the block, although nobody told the first one.
func TestNothingIsStoredOnTheConditionOfALostBlock(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	ctx := t.Context()
	c := granted(t)(r.Bots.Block(ctx, briefly("old")))
	do := func(c domain.Claim) error {
		_, err := r.bus.Commit(ctx, bus.Change{Event: domain.Halt{Exchange: "binance", Bot: c.Bot, State: domain.TradingActive}, If: c.Key(), Last: c.Sequence})
		return err
	}
	granted(t)(r.Bots.Renew(ctx, c, domain.MinClaim))
	if err := do(c); err != nil {
		t.Fatalf("a renewal is in the way: %v", err)
	}
	r.expired(granted(t)(r.Bots.Renew(ctx, c, domain.MinClaim)))
	taken := granted(t)(r.Bots.Block(ctx, request("new")))
	if err := do(c); !errors.Is(err, domain.ErrConflict) {
		t.Errorf("%v", err)
	}
	if err := do(taken); err != nil {
		t.Error(err)
	}
}
