package client_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

func request(bot string) client.BlockRequest {
	return client.BlockRequest{Exchange: "binance", Symbol: "BTC/USDT", Bot: bot, For: time.Hour}
}

// briefly is a request for a claim that soon expires.
func briefly(bot string) client.BlockRequest {
	r := request(bot)
	r.For = domain.MinClaim
	return r
}

// granted fails unless it went well.
func granted(tb testing.TB) func(domain.Claim, error) domain.Claim {
	return func(c domain.Claim, err error) domain.Claim {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return c
	}
}

// heldBy fails unless the error says who has it.
func heldBy(tb testing.TB, err error, bot string) {
	tb.Helper()
	var held *client.HeldError
	if !errors.As(err, &held) || !errors.Is(err, domain.ErrConflict) || held.Claim.Bot != bot {
		tb.Fatalf("got %v, want that %s has it", err, bot)
	}
}

// expired waits until others may have what a claim is of, by the log's clock.
func (r *rig) expired(c domain.Claim) {
	r.tb.Helper()
	ctx := bounded(r.tb)
	for {
		// The log's own word: Bots.Now may be ahead by the time that it took to ask.
		extent, err := r.bus.Extent(ctx, bus.OrderStream(c.Exchange))
		if err != nil {
			r.tb.Fatal(err)
		}
		now := extent.Now
		if !c.HeldAt(now) {
			return
		}
		rest(ctx, c.Expires.Add(domain.ClaimMargin).Sub(now))
	}
}

// rest lets others have the processor.
func rest(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// Of twenty bots that want to open a position at once, one may.
func TestD25OfManyOpenersOneWins(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	for _, verb := range []struct {
		name string
		get  func(context.Context, client.BlockRequest) (domain.Claim, error)
	}{{"block", r.Bots.Block}, {"opening mark", r.Bots.MarkOpening}} {
		var winners sync.Map
		var losers atomic.Int64
		var group sync.WaitGroup
		for i := range 20 {
			group.Go(func() {
				c, err := verb.get(t.Context(), request("bot-"+strconv.Itoa(i)))
				for errors.Is(err, domain.ErrUnreachable) && !t.Failed() { // a busy machine; what to do then is to ask again
					c, err = verb.get(bounded(t), request("bot-"+strconv.Itoa(i)))
				}
				switch {
				case err == nil:
					winners.Store(c.Bot, c)
				case errors.Is(err, domain.ErrConflict):
					losers.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		group.Wait()
		if losers.Load() != 19 {
			t.Errorf("%s: %d of 20 did not get it", verb.name, losers.Load())
		}
		winners.Range(func(_, c any) bool {
			if err := r.Bots.Sync(bounded(t), "binance"); err != nil {
				t.Fatal(err)
			}
			is := r.Bots.IsBlocked
			if verb.name != "block" {
				is = r.Bots.IsOpening
			}
			seen, held, err := is(t.Context(), "binance", "BTC/USDT")
			if err != nil || !held || seen != c.(domain.Claim) {
				t.Errorf("%s: readers see %+v %v (%v), want %+v", verb.name, seen, held, err, c)
			}
			return true
		})
	}
}

// holding is a grant and, if its end is known, a time during which the bot surely
// had the block: it was told so before, and could renew it afterwards.
type holding struct {
	bot        string
	token      uint64
	begin, end time.Time
}

// Fifty bots want the block again and again; some give it back, some let it
// expire. At each moment one has it, and each grant has a higher token.
func TestD25OverTimeThereIsOneHolderWithAHigherTokenEachTime(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	const holders, mortality = 60, 25
	ctx := bounded(t)
	var over atomic.Bool // what is under way ends by itself
	enough := time.AfterFunc(20*time.Second, func() { over.Store(true) })
	defer enough.Stop()
	var mu sync.Mutex
	var history []holding
	var bots sync.WaitGroup
	for i := range 50 {
		bots.Go(func() {
			for life := 0; !over.Load(); {
				bot := "bot-" + strconv.Itoa(i) + "-" + strconv.Itoa(life)
				want := briefly(bot)
				if i%mortality != 0 {
					want.For = patience // it will give the block back, however busy the machine is
				}
				c, err := r.Bots.Block(ctx, want)
				if errors.Is(err, domain.ErrConflict) || errors.Is(err, domain.ErrUnreachable) {
					rest(ctx, 20*time.Millisecond)
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				h := holding{bot: bot, token: c.Token(), begin: time.Now()}
				if i%mortality == 0 {
					life++ // it dies: the block is nobody's else until it expires
				} else {
					rest(ctx, time.Millisecond)
					end := time.Now()
					if _, err = r.Bots.Renew(ctx, c, patience); err == nil {
						h.end = end
						err = r.Bots.Unblock(ctx, c)
					}
					if err != nil && !errors.Is(err, domain.ErrUnreachable) {
						t.Errorf("%s: %v", bot, err)
					}
				}
				mu.Lock()
				if history = append(history, h); len(history) == holders {
					over.Store(true)
				}
				mu.Unlock()
			}
		})
	}
	bots.Wait()
	tokens := make(map[uint64]string)
	for _, h := range history {
		if before, ok := tokens[h.token]; ok && before != h.bot {
			t.Errorf("%s and %s have the token %d", before, h.bot, h.token)
		}
		tokens[h.token] = h.bot
	}
	sure := slices.DeleteFunc(history, func(h holding) bool { return h.end.IsZero() })
	slices.SortFunc(sure, func(a, b holding) int { return a.begin.Compare(b.begin) })
	if len(sure) < 2 {
		t.Fatalf("only %d surely had it", len(sure))
	}
	for i, h := range sure[1:] {
		before := sure[i]
		if h.begin.Before(before.end) {
			t.Errorf("%s has it at %v, %s until %v", h.bot, h.begin, before.bot, before.end)
		}
		if h.token < before.token || h.token == before.token && h.bot != before.bot {
			t.Errorf("%s has the token %d after %d", h.bot, h.token, before.token)
		}
	}
}

func TestD26NobodyElseReleases(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	ctx := t.Context()
	first := granted(t)(r.Bots.Block(ctx, request("one")))
	eth := request("two")
	eth.Symbol = "ETH/USDT"
	granted(t)(r.Bots.Block(ctx, eth))
	granted(t)(r.Bots.MarkOpening(ctx, request("two")))

	forged := first
	forged.Bot = "two"
	heldBy(t, r.Bots.Unblock(ctx, forged), "one")
	stale := first
	stale.First += 100
	heldBy(t, r.Bots.Unblock(ctx, stale), "one")
	_, err := r.Bots.Renew(ctx, forged, 0)
	heldBy(t, err, "one")
	if err := r.Bots.Unblock(ctx, domain.Claim{}); !errors.Is(err, domain.ErrInvalid) {
		t.Errorf("nothing was given back: %v", err)
	}
	if err := r.Bots.UnmarkOpening(ctx, first); !errors.Is(err, domain.ErrInvalid) {
		t.Errorf("a block as an opening mark: %v", err)
	}

	if err := r.Bots.Unblock(ctx, first); err != nil {
		t.Fatal(err)
	}
	if err := r.Bots.Unblock(ctx, first); err != nil {
		t.Errorf("again: %v", err)
	}
	if err := r.Bots.Sync(bounded(t), "binance"); err != nil {
		t.Fatal(err)
	}
	second := granted(t)(r.Bots.Block(ctx, request("two")))
	if second.Token() <= first.Token() {
		t.Errorf("token %d after %d", second.Token(), first.Token())
	}
	heldBy(t, r.Bots.Unblock(ctx, first), "two")
	// The other symbol and the opening mark are nobody's business.
	if err := r.Bots.Sync(bounded(t), "binance"); err != nil {
		t.Fatal(err)
	}
	blocks, err := r.Bots.Blocks(ctx, "")
	if err != nil || len(blocks) != 2 || blocks[0] != second || blocks[1].Symbol != "ETH/USDT" {
		t.Fatalf("%+v %v", blocks, err)
	}
	if openings, err := r.Bots.Openings(ctx, "binance"); err != nil || len(openings) != 1 {
		t.Fatalf("%+v %v", openings, err)
	}
}

// notFree fails unless every way to ask gives the error, and nothing that could
// be taken for "free".
func notFree(t *testing.T, c *client.Client, want error) {
	t.Helper()
	ctx := bounded(t)
	var group sync.WaitGroup // each waits for the client library's own attempts
	defer group.Wait()
	for name, ask := range map[string]func(context.Context, string, string) (domain.Claim, bool, error){
		"IsBlocked": c.Bots.IsBlocked, "IsOpening": c.Bots.IsOpening,
	} {
		group.Go(func() {
			claim, held, err := ask(ctx, "binance", "BTC/USDT")
			if !errors.Is(err, want) || held || claim != (domain.Claim{}) {
				t.Errorf("%s: %+v %v (%v), want %v", name, claim, held, err, want)
			}
		})
	}
	group.Go(func() {
		if claims, err := c.Bots.Blocks(ctx, "binance"); !errors.Is(err, want) || claims != nil {
			t.Errorf("Blocks: %v (%v), want %v", claims, err, want)
		}
	})
	group.Go(func() {
		if halts, err := c.Bots.Halts(ctx, "binance"); !errors.Is(err, want) || halts != nil {
			t.Errorf("Halts: %v (%v), want %v", halts, err, want)
		}
	})
	group.Go(func() {
		for claim, err := range c.Bots.Watch(ctx, "binance") {
			if !errors.Is(err, want) {
				t.Errorf("Watch: %+v (%v), want %v", claim, err, want)
			}
			return
		}
	})
}

func TestD27WhatCannotBeReadIsNeverFree(t *testing.T) {
	t.Parallel()
	redis := testserver.NewRedis(t)
	r := newRig(t, redis.Store(t), 100)
	ctx := t.Context()
	c := granted(t)(r.Bots.Block(ctx, request("one")))
	if err := r.Bots.Sync(bounded(t), "binance"); err != nil {
		t.Fatal(err)
	}
	if _, held, err := r.Bots.IsBlocked(ctx, "binance", "BTC/USDT"); err != nil || !held {
		t.Fatal(held, err)
	}
	redis.Kill()
	notFree(t, r.Client, domain.ErrUnreachable)
	// Who has it is in the log, so nobody else gets it, and its bot keeps it.
	_, err := r.Bots.Block(ctx, request("two"))
	heldBy(t, err, "one")
	granted(t)(r.Bots.Renew(ctx, c, time.Hour))
	redis.Start()
	if err := r.Bots.Sync(bounded(t), "binance"); err != nil {
		t.Fatal(err)
	}

	if _, held, err := r.Bots.IsBlocked(ctx, "binance", "BTC/USDT"); err != nil || !held {
		t.Fatal(held, err)
	}

	// A Redis that is being folded anew has not seen the block yet.
	empty := testserver.SharedStore(t)
	behind := newClientOver(t, r, empty)
	begin := domain.Checkpoint{Epoch: 1, Created: 1}
	if _, err := empty.Partition(bus.OrderStream("binance")).Begin(ctx, begin); err != nil {
		t.Fatal(err)
	}
	notFree(t, behind, domain.ErrUnknown)
	_, err = behind.Bots.Block(ctx, request("two"))
	heldBy(t, err, "one")

	r.nats.Stop()
	notFree(t, newClientOver(t, r, r.store), domain.ErrUnreachable)
	if got, err := r.Bots.Block(ctx, request("one")); !errors.Is(err, domain.ErrUnreachable) || got != (domain.Claim{}) {
		t.Errorf("%+v %v", got, err)
	}
	if err := r.Bots.Unblock(ctx, c); !errors.Is(err, domain.ErrUnreachable) {
		t.Errorf("Unblock: %v", err)
	}
	// Who has caught up knows that it is held as long as it cannot have ended.
	if _, held, err := r.Bots.IsBlocked(ctx, "binance", "BTC/USDT"); err != nil || !held {
		t.Errorf("%v %v", held, err)
	}
	r.nats.Start()
}

func TestAnExchangeWithoutOrdersIsNotFree(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	elsewhere := request("one")
	elsewhere.Exchange = "nowhere"
	if c, err := r.Bots.Block(t.Context(), elsewhere); !errors.Is(err, domain.ErrNotFound) || c != (domain.Claim{}) {
		t.Errorf("%+v %v", c, err)
	}
	if _, held, err := r.Bots.IsBlocked(t.Context(), "nowhere", "BTC/USDT"); !errors.Is(err, domain.ErrNotFound) || held {
		t.Errorf("%v %v", held, err)
	}
}

// A bot that dies frees its block by not renewing it, and one that was paused
// learns that it has lost it.
func TestD25ADeadBotsBlockIsTakenAfterItExpired(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	ctx := t.Context()
	r.stop() // Redis has not heard of any of it: what counts is the log
	dead := granted(t)(r.Bots.Block(ctx, briefly("dead")))
	_, err := r.Bots.Block(ctx, request("next"))
	heldBy(t, err, "dead")
	var next domain.Claim
	for begun := time.Now(); next.Bot == ""; {
		next, err = r.Bots.Block(ctx, request("next"))
		if err != nil {
			heldBy(t, err, "dead")
		}
		if time.Since(begun) > patience {
			t.Fatal("it does not become free")
		}
	}
	if next.Token() <= dead.Token() {
		t.Errorf("token %d after %d", next.Token(), dead.Token())
	}
	if next.Granted.Before(dead.Expires.Add(domain.ClaimMargin)) {
		t.Errorf("granted at %v, which is not %v after %v", next.Granted, domain.ClaimMargin, dead.Expires)
	}
	_, err = r.Bots.Renew(ctx, dead, 0)
	heldBy(t, err, "next")
	heldBy(t, r.Bots.Unblock(ctx, dead), "next")
	_, err = r.Bots.Block(ctx, request("dead"))
	heldBy(t, err, "next")
	// One that has expired is its bot's as long as nobody has taken it.
	again := request("alone")
	again.Symbol, again.For = "ETH/USDT", domain.MinClaim
	alone := granted(t)(r.Bots.Block(ctx, again))
	r.expired(alone)
	renewed := granted(t)(r.Bots.Renew(ctx, alone, time.Hour))
	if renewed.Token() != alone.Token() || !renewed.Expires.After(alone.Expires) {
		t.Errorf("%+v", renewed)
	}
	_, err = r.Bots.Block(ctx, client.BlockRequest{Exchange: "binance", Symbol: "ETH/USDT", Bot: "next"})
	heldBy(t, err, "alone")
}

// A grant whose acknowledgement was lost is found by who asks again.
func TestABotThatAsksAgainHasTheSameBlock(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	ctx := t.Context()
	first := granted(t)(r.Bots.Block(ctx, request("one")))
	again := granted(t)(r.Bots.Block(ctx, request("one")))
	if again.Token() != first.Token() || again.Expires.Before(first.Expires) {
		t.Errorf("%+v, was %+v", again, first)
	}
	other := request("one")
	other.Account, other.Exposed = "1001", true
	anew := granted(t)(r.Bots.Block(ctx, other))
	if anew.Token() <= first.Token() || !anew.Exposed {
		t.Errorf("with other terms: %+v, was %+v", anew, first)
	}
	_, err := r.Bots.Renew(ctx, first, 0)
	heldBy(t, err, "one")
}

func TestWrongRequestsAreNamed(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	for field, change := range map[string]func(*client.BlockRequest){
		"exchange": func(b *client.BlockRequest) { b.Exchange = "Binance" },
		"symbol":   func(b *client.BlockRequest) { b.Symbol = "BTC" },
		"bot":      func(b *client.BlockRequest) { b.Bot = "a b" },
		"account":  func(b *client.BlockRequest) { b.Account = "a b" },
		"for":      func(b *client.BlockRequest) { b.For = 25 * time.Hour },
	} {
		b := request("one")
		change(&b)
		var fe *domain.FieldError
		if _, err := r.Bots.Block(t.Context(), b); !errors.As(err, &fe) || fe.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}
