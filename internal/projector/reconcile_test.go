package projector_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

// A venue that says other than the fills make is noticed once, however many
// projectors look, also by one that begins after it was said, and what was
// noticed is still known when Redis was wiped.
func TestADifferenceIsNoticedOnce(t *testing.T) {
	t.Parallel()
	r := newCrashRig(t, 0)
	again := func(after time.Duration) {
		r.stop()
		r.reconcileAfter = after
		r.stop = r.start()
	}
	again(100 * time.Millisecond)
	second := r.start()
	stream := r.trade("right", "1", 1, "3")
	r.trade("wrong", "1", 1, "4")
	const first = "wrong BTC/USDT: 3, not 4"
	// Whatever there was to say of the other account would have been said by now.
	r.differ(first)
	r.wipe()
	r.differ(first)

	again(time.Hour)
	second()
	r.trade("wrong", "2", 2, "5")
	r.settle()
	r.differ(first)
	again(100 * time.Millisecond)
	r.differ("wrong BTC/USDT: 6, not 5")
	if n := r.differences(stream); n != 2 {
		t.Errorf("the log has %d differences, want 2", n)
	}
}

// trade says what an account held, that it has bought 2, and what it holds.
func (r *crashRig) trade(account, id string, at int, holds string) (stream string) {
	r.tb.Helper()
	when := epoch.Add(time.Duration(at) * time.Minute)
	fill := fillOf(account, id)
	fill.Side, fill.Volume, fill.FeeCurrency, fill.Time = domain.Buy, domain.MustDecimal("2"), "USDT", when
	events := []domain.Event{fill, domain.Position{Account: account, Symbol: "BTC/USDT", Volume: domain.MustDecimal(holds), Time: when}}
	if id == "1" {
		events = append([]domain.Event{domain.Position{Account: account, Symbol: "BTC/USDT", Volume: domain.MustDecimal("1"), Time: epoch}}, events...)
	}
	for _, ev := range events {
		pos, err := r.bus.Publish(r.tb.Context(), ev)
		if err != nil {
			r.tb.Fatal(err)
		}
		stream = pos.Stream
	}
	return stream
}

// differ waits until readers see this, and nothing else.
func (r *crashRig) differ(want string) {
	r.tb.Helper()
	ctx, cancel := context.WithTimeout(r.tb.Context(), time.Minute)
	defer cancel()
	p := r.store.Partition("ACCOUNTS_0")
	for {
		got := ""
		all, err := r.client.Accounts.Differences(ctx, "")
		for _, d := range all {
			got += fmt.Sprintf("%s %s: %s, not %s", d.Account, d.Subject(), d.Counted, d.Said)
		}
		if err == nil && got == want {
			return
		}
		if ctx.Err() != nil {
			r.tb.Fatalf("%q (%v), want %q", got, err, want)
		}
		at, _ := p.Checkpoint(ctx)
		_, _ = p.Wait(ctx, at.Seq, 50*time.Millisecond)
	}
}

// differences counts those that a stream holds.
func (r *crashRig) differences(stream string) (n int) {
	r.tb.Helper()
	extent, err := r.bus.Extent(r.tb.Context(), stream)
	if err != nil {
		r.tb.Fatal(err)
	}
	reader := r.bus.NewReader(stream, extent.First)
	defer reader.Close()
	records := make([]domain.Record, 100)
	for next := extent.First; next <= extent.Last; {
		got, err := reader.Read(r.tb.Context(), records, time.Second)
		if err != nil {
			r.tb.Fatal(err)
		}
		for _, rec := range records[:got] {
			next = rec.Seq + 1
			if rec.Key.Kind != domain.KindDifference {
				continue
			}
			n++
			if _, err := wire.Decode(rec.Key, rec.Data); err != nil {
				r.tb.Error(err)
			}
		}
	}
	return n
}
