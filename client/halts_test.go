package client_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// halted is what readers see, in short.
func (r *rig) halted(exchange string) string {
	r.tb.Helper()
	halts, err := r.Bots.Halts(r.tb.Context(), exchange)
	if err != nil {
		r.tb.Fatal(err)
	}
	texts := make([]string, len(halts))
	for i, h := range halts {
		texts[i] = fmt.Sprintf("%s/%s=%s(%s)", h.Exchange, h.Bot, h.State, h.Reason)
	}
	return strings.Join(texts, " ")
}

func TestHaltsAreOfAnExchangeOrOfABot(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	ctx := t.Context()
	if got := r.halted(""); got != "" {
		t.Fatal(got)
	}
	r.visible(r.Bots.Halt(ctx, domain.Halt{Exchange: "binance", Bot: "one", State: domain.TradingHalted, Reason: "loses too much"}))
	r.visible(r.Bots.Halt(ctx, domain.Halt{Exchange: "binance", State: domain.TradingReduceOnly, Reason: "the venue is slow"}))
	r.visible(r.Bots.Halt(ctx, domain.Halt{Exchange: "kraken", Bot: "two", State: domain.TradingReduceOnly}))
	both := "binance/=reduce_only(the venue is slow) binance/one=halted(loses too much)"
	if got, want := r.halted(""), both+" kraken/two=reduce_only()"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	r.visible(r.Bots.Resume(ctx, "kraken", "two"))
	r.visible(r.Bots.Resume(ctx, "binance", "two")) // was active
	if got := r.halted(""); got != both {
		t.Fatalf("got %s, want %s", got, both)
	}
	r.visible(r.Bots.Resume(ctx, "binance", ""))
	if got, want := r.halted("binance"), "binance/one=halted(loses too much)"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	if _, err := r.Bots.Halt(ctx, domain.Halt{Exchange: "binance"}); !errors.Is(err, domain.ErrInvalid) {
		t.Error(err)
	}
	for _, bot := range []string{"", "one"} {
		if _, err := r.Bots.Resume(ctx, "nowhere", bot); !errors.Is(err, domain.ErrNotFound) {
			t.Error(err)
		}
	}
}

// One condition, on the exchange's halt, covers those of all bots: each of them
// makes it another message, with the state that it had.
func TestEachHaltMovesTheExchangesOwn(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	ctx := bounded(t)
	all := domain.Halt{Exchange: "binance", State: domain.TradingReduceOnly, Reason: "slow"}
	pos, err := r.Bots.Halt(ctx, all)
	if err != nil {
		t.Fatal(err)
	}
	stale := bus.Change{Event: all, If: all.Key(), Last: pos.Seq}
	var group sync.WaitGroup
	for i := range 10 {
		group.Go(func() {
			h := domain.Halt{Exchange: "binance", Bot: "bot-" + strconv.Itoa(i), State: domain.TradingHalted}
			if _, err := r.Bots.Halt(ctx, h); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if _, err := r.bus.Commit(ctx, stale); !errors.Is(err, domain.ErrConflict) {
		t.Errorf("stored on the condition of a halt that others followed: %v", err)
	}
	event, seq, _, err := r.bus.Last(ctx, all.Key())
	if err != nil || event.(domain.Halt).State != all.State || event.(domain.Halt).Reason != all.Reason {
		t.Fatalf("%+v %v", event, err)
	}
	if err := r.Bots.Sync(ctx, "binance"); err != nil {
		t.Fatal(err)
	}
	rights, err := r.store.Partition(bus.OrderStream("binance")).Rights(ctx)
	i := slices.IndexFunc(rights.Halts, func(h domain.Halt) bool { return h.Bot == "" })
	if err != nil || len(rights.Halts) != 11 || rights.Halts[i].Sequence != seq {
		t.Fatalf("%+v (%v), want sequence %d", rights.Halts, err, seq)
	}
}

// A halt of all exchanges is part of the same condition, leaves the other halts as
// they are, and may be repeated.
func TestAllExchangesAreHalted(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	ctx := bounded(t)
	whole := domain.Halt{Exchange: "binance", State: domain.TradingActive}
	pos, err := r.Bots.Halt(ctx, domain.Halt{Exchange: "binance", Bot: "three", State: domain.TradingHalted, Reason: "slow"})
	if err != nil {
		t.Fatal(err)
	}
	exchanges, err := r.Exchanges(ctx)
	if err != nil {
		t.Fatal(err)
	}
	sync := func() {
		t.Helper()
		for _, exchange := range exchanges {
			if err := r.Bots.Sync(ctx, exchange); err != nil {
				t.Fatal(err)
			}
		}
	}
	popped := r.popTwo("two")
	for range 2 {
		if err := r.Bots.HaltAll(ctx, domain.TradingHalted, "enough"); err != nil {
			t.Fatal(err)
		}
	}
	for i, err := range r.intend(popped...) {
		if !errors.Is(err, domain.ErrConflict) {
			t.Errorf("order %d, popped before the halt: %v", i, err)
		}
		if err := r.Orders.Nack(ctx, popped[i], 0); err != nil {
			t.Fatal(err)
		}
	}
	sync()
	if got, err := r.Orders.PopMany(ctx, "binance", 2, 0); !errors.Is(err, domain.ErrNotFound) {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := r.bus.Commit(ctx, bus.Change{Event: whole, If: whole.Key(), Last: pos.Seq}); !errors.Is(err, domain.ErrConflict) {
		t.Errorf("stored on the condition of what was before the halt: %v", err)
	}
	if got, want := r.halted("binance"), "binance/=halted(enough) binance/three=halted(slow)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if halts, err := r.Bots.Halts(ctx, ""); err != nil || len(halts) != len(exchanges)+1 {
		t.Errorf("%+v (%v), want one of each of %v", halts, err, exchanges)
	}
	// An exchange that is added inherits it, and one that knows better keeps its own.
	if _, err := r.bus.Halt(ctx, domain.Halt{Exchange: "kraken", All: true, State: domain.TradingReduceOnly}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := r.bus.Provision(ctx, bus.Plan{Exchanges: []string{"new"}}); err != nil {
			t.Fatal(err)
		}
	}
	event, seq, _, err := r.bus.Last(ctx, domain.Halt{Exchange: "new", All: true}.Key())
	if err != nil || seq != 1 || event.(domain.Halt).State != domain.TradingHalted || event.(domain.Halt).Reason != "enough" {
		t.Fatalf("%+v at %d (%v)", event, seq, err)
	}
	event, _, _, err = r.bus.Last(ctx, domain.Halt{Exchange: "kraken", All: true}.Key())
	if err != nil || event.(domain.Halt).State != domain.TradingReduceOnly {
		t.Fatalf("%+v %v", event, err)
	}
	// Its end leaves the others.
	if err := r.Bots.HaltAll(ctx, domain.TradingActive, ""); err != nil {
		t.Fatal(err)
	}
	if err := r.bus.Provision(ctx, bus.Plan{Exchanges: []string{"newer"}}); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err = r.bus.Last(ctx, domain.Halt{Exchange: "newer", All: true}.Key()); !errors.Is(err, domain.ErrNotFound) {
		t.Errorf("an exchange that is made after the halt: %v", err)
	}
	sync()
	if ds, err := r.Orders.PopMany(ctx, "binance", 2, 0); err != nil || len(ds) != 2 {
		t.Errorf("%+v %v", ds, err)
	}
	if got, want := r.halted("binance"), "binance/three=halted(slow)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestWatchYieldsClaimsAndEachChange(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	ctx := bounded(t)
	c := granted(t)(r.Bots.Block(ctx, request("one")))
	if err := r.Bots.Sync(ctx, "binance"); err != nil {
		t.Fatal(err)
	}
	var got []string
	var opening domain.Claim
	for claim, err := range r.Bots.Watch(ctx, "binance") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s %s %s %v", claim.Kind, claim.Symbol, claim.Bot, claim.Released))
		switch len(got) {
		case 1:
			opening = granted(t)(r.Bots.MarkOpening(ctx, request("two")))
		case 2:
			c = granted(t)(r.Bots.Renew(ctx, c, 0))
		case 3:
			if !claim.Expires.Equal(c.Expires) {
				t.Errorf("renewed: %+v, want %+v", claim, c)
			}
			err = r.Bots.UnmarkOpening(ctx, opening)
		case 4:
			err = r.Bots.Unblock(ctx, c)
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == 5 {
			break
		}
	}
	want := []string{
		"block BTC/USDT one false", "opening BTC/USDT two false", "block BTC/USDT one false",
		"opening BTC/USDT two true", "block BTC/USDT one true",
	}
	if !slices.Equal(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
}
