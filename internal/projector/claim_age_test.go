package projector_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
)

// The rights to trade outlive the messages that they came with, with their
// tokens, and so do the sequences that conditions name, also those of what was
// given back.
func TestRightsToTradeOutliveTheLog(t *testing.T) {
	t.Parallel()
	r := newClaimRig(t, 3*time.Second)
	second := r.start()
	defer second()
	ctx := t.Context()
	b := r.client.Bots
	granted := func(c domain.Claim, err error) domain.Claim {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	request := client.BlockRequest{Exchange: "binance", Symbol: "BTC/USDT", Bot: "one", Account: "1001", Exposed: true, For: time.Hour}
	held := granted(b.Block(ctx, request))
	held = granted(b.Renew(ctx, held, 2*time.Hour)) // a renewal ages, too
	opening := granted(b.MarkOpening(ctx, request))
	request.Symbol = "ETH/USDT"
	freed := granted(b.Block(ctx, request))
	if err := b.Unblock(ctx, freed); err != nil {
		t.Fatal(err)
	}
	halt := domain.Halt{Exchange: "binance", Bot: "two", State: domain.TradingReduceOnly, Reason: "why", Time: epoch}
	last, err := b.Halt(ctx, halt)
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(time.Minute)
	for {
		extent, err := r.bus.Extent(ctx, last.Stream)
		if err == nil && extent.First > last.Seq {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the log still has what was written: %+v (%v)", extent, err)
		}
		_, _ = r.store.Partition(last.Stream).Wait(ctx, extent.Last, 100*time.Millisecond)
	}
	r.wipe()
	r.seen()

	blocks, err := patiently(func(ctx context.Context) ([]domain.Claim, error) { return b.Blocks(ctx, "binance") })
	if err != nil || len(blocks) != 1 {
		t.Fatalf("%+v %v", blocks, err)
	}
	got := blocks[0]
	moved := got.Sequence
	if got.Sequence = held.Sequence; got != held || moved <= last.Seq {
		t.Errorf("the block is %+v, at %d, was %+v", got, moved, held)
	}
	if mark, is, err := b.IsOpening(ctx, "binance", "BTC/USDT"); err != nil || !is || mark.Token() != opening.Token() {
		t.Errorf("the opening mark is %+v %v (%v)", mark, is, err)
	}
	halts, err := b.Halts(ctx, "binance")
	if err != nil || len(halts) != 1 || halts[0].Reason != "why" || !halts[0].Time.Equal(epoch) {
		t.Errorf("the halts are %+v (%v)", halts, err)
	}
	// It is still the same one, so nobody else gets it and its bot may go on.
	request.Symbol = "BTC/USDT"
	request.Bot = "two"
	if c, err := b.Block(ctx, request); !errors.Is(err, domain.ErrConflict) {
		t.Errorf("%+v %v", c, err)
	}
	if err := b.UnmarkOpening(ctx, opening); err != nil {
		t.Error(err)
	}
	if c := granted(b.Renew(ctx, held, time.Hour)); c.Token() != held.Token() {
		t.Errorf("%+v", c)
	}
	r.conditionsHold()
}

// conditionsHold fails unless each sequence in Redis is what the log says is the
// newest: else nothing could be stored on the condition of it. Projectors may
// store something again at any time.
func (r *claimRig) conditionsHold() {
	r.tb.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		r.seen()
		rights, err := r.store.Partition(claimStream).Rights(r.tb.Context())
		if err != nil {
			r.tb.Fatal(err)
		}
		keys := make(map[domain.Key]uint64)
		for _, c := range rights.Claims {
			keys[c.Key()] = c.Sequence
		}
		for _, h := range rights.Halts {
			keys[h.Key()] = h.Sequence
		}
		if len(keys) != 5 { // the block, two that were given back, the bot's halt and the exchange's
			r.tb.Fatalf("%+v", rights)
		}
		wrong := ""
		for key, seq := range keys {
			if _, last, _, err := r.bus.Last(r.tb.Context(), key); err != nil || last != seq {
				wrong = bus.OrderStream(key.Exchange) + " " + string(key.Kind) + " " + key.Symbol + key.Bot
			}
		}
		if wrong == "" {
			return
		}
		if time.Now().After(deadline) {
			r.tb.Fatalf("the log has another newest message of %s than Redis: %+v", wrong, rights)
		}
	}
}
