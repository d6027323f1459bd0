package client_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
	"github.com/fullon/fullon/internal/wire"
)

// logged shows what the log has of orders from a sequence on.
func (r *rig) logged(from uint64, show func(seq uint64, event domain.Event)) {
	r.tb.Helper()
	extent, err := r.bus.Extent(r.tb.Context(), "ORDERS_BINANCE")
	if err != nil {
		r.tb.Fatal(err)
	}
	reader := r.bus.NewReader("ORDERS_BINANCE", from)
	defer reader.Close()
	records := make([]domain.Record, 100)
	for from <= extent.Last {
		n, err := reader.Read(r.tb.Context(), records, patience)
		if err != nil {
			r.tb.Fatal(err)
		}
		for _, rec := range records[:n] {
			from = rec.Seq + 1
			event, err := wire.Decode(rec.Key, rec.Data)
			if err != nil {
				r.tb.Fatal(err)
			}
			show(rec.Seq, event)
		}
	}
}

// fencesBy lists the fences of a worker that the log has from a sequence on: the
// sequences by symbol, those of the whole exchange by the empty one.
func (r *rig) fencesBy(worker string, from uint64) map[string][]uint64 {
	r.tb.Helper()
	fences := make(map[string][]uint64)
	r.logged(from, func(seq uint64, event domain.Event) {
		if fence, ok := event.(domain.Fence); ok && fence.Worker == worker {
			fences[fence.Symbol] = append(fences[fence.Symbol], seq)
		}
	})
	return fences
}

// However a grant and many intents meet: who may send has what says so from before
// the grant of another bot, and behind the intent.
func TestNoneOfManyOrdersIsSentBehindAGrant(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 10_000)
	for round := range 20 {
		popped := r.popMany(round, 12, "two")
		var claim domain.Claim
		var refused error
		var granting sync.WaitGroup
		granting.Go(func() {
			claim, refused = r.Bots.Block(t.Context(), client.BlockRequest{Exchange: "binance", Symbol: "C5/USDT", Bot: "one", For: time.Minute})
		})
		worker := fmt.Sprintf("w%d", round)
		intended, errs := r.Orders.Intend(t.Context(), worker, time.Now().Add(time.Minute), popped)
		granting.Wait()
		if refused != nil {
			t.Fatal(refused)
		}
		for i, o := range intended {
			if errs[i] != nil {
				if o.Symbol != claim.Symbol || !errors.Is(errs[i], domain.ErrConflict) {
					t.Fatalf("round %d: order of %s: %v", round, o.Symbol, errs[i])
				}
				continue
			}
			fences := r.fencesBy(worker, o.Sequence)
			says := fences[o.Symbol]
			if len(says) == 0 {
				says = fences[""]
			}
			if len(says) == 0 || o.Symbol == claim.Symbol && slices.Max(says) > claim.Sequence {
				t.Fatalf("round %d: the intent of %s is at %d, its fences at %v, the grant of %s at %d",
					round, o.Symbol, o.Sequence, fences, claim.Symbol, claim.Sequence)
			}
		}
		if err := r.Bots.Unblock(t.Context(), claim); err != nil {
			t.Fatal(err)
		}
		for i, d := range popped {
			_, err := r.Orders.Update(t.Context(), "binance", d.ID, func(o *domain.Order) error {
				if back := errs[i] != nil && o.Attempt == 1; back && o.Status != domain.OrderNotFound {
					return fmt.Errorf("order %s is %s: %w", o.ID, o.Status, domain.ErrInvalid)
				}
				o.Status = domain.OrderCanceled
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Orders.Sync(t.Context(), "binance"); err != nil {
			t.Fatal(err)
		}
	}
}

// However the renewal of a block that had expired and many intents meet: who may send
// has what says so of its own market from before the renewal.
func TestNoneOfManyOrdersIsSentBehindTheRenewalOfALapsedBlock(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 10_000)
	var lapsed []domain.Claim
	for i := range 12 {
		request := briefly("one")
		request.Symbol = fmt.Sprintf("C%d/USDT", i)
		lapsed = append(lapsed, granted(t)(r.Bots.Block(t.Context(), request)))
	}
	for _, claim := range lapsed {
		r.expired(claim)
	}
	popped := r.popMany(0, len(lapsed), "two")
	first := lapsed[slices.IndexFunc(lapsed, func(c domain.Claim) bool { return c.Symbol == popped[0].Symbol })]
	var renewing sync.WaitGroup
	renewing.Go(func() {
		if _, err := r.Bots.Renew(t.Context(), first, time.Minute); err != nil {
			t.Error(err)
		}
	})
	intended, errs := r.Orders.Intend(t.Context(), "w", time.Now().Add(time.Minute), popped)
	renewing.Wait()
	var renewed uint64
	r.logged(1, func(seq uint64, event domain.Event) {
		if renewal, ok := event.(domain.ClaimRenewal); ok && renewal.Symbol == first.Symbol {
			renewed = seq
		}
	})
	if renewed == 0 {
		t.Fatal("the log has no renewal")
	}
	for i, o := range intended {
		its := o.Symbol == first.Symbol
		if its && errors.Is(errs[i], domain.ErrConflict) {
			continue
		}
		if errs[i] != nil {
			t.Fatalf("order of %s: %v", o.Symbol, errs[i])
		}
		if says := r.fencesBy("w", o.Sequence)[o.Symbol]; len(says) == 0 || its && slices.Max(says) > renewed {
			t.Errorf("the intent of %s is at %d, its fences at %v, the renewal of %s at %d", o.Symbol, o.Sequence, says, first.Symbol, renewed)
		}
	}
}
