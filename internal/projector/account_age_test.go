package projector_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
)

// What does not change for longer than the log keeps a message is still there
// after Redis was wiped, and several projectors do not repeat each other.
func TestWhatIsStillValidOutlivesTheLog(t *testing.T) {
	t.Parallel()
	const keeps = 3 * time.Second
	r := newCrashRig(t, keeps)
	second := r.start()
	defer second()
	ctx := t.Context()
	a, f := r.client.Accounts, r.client.Fills
	write := func(_ domain.LogPosition, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	write(a.SetBalance(ctx, domain.Balance{Account: "old", Currency: "BTC", Total: domain.MustDecimal("1.5"), Time: epoch}))
	write(a.SetBalance(ctx, domain.Balance{Account: "old", Currency: "USDT", Total: domain.MustDecimal("-7")}))
	write(a.ReplacePositions(ctx, "old", []domain.Position{
		{Symbol: "BTC/USDT", Volume: domain.MustDecimal("0.5")}, {Symbol: "ETH/USDT", Volume: domain.MustDecimal("-2")},
	}, epoch.Add(time.Second)))
	write(a.DeletePosition(ctx, "old", "ETH/USDT"))
	write(a.ReplacePositions(ctx, "flat", nil, epoch))
	for _, id := range []string{"1", "2", "3"} {
		write(f.Push(ctx, fillOf("old", id)))
	}
	r.settle()
	d, err := f.Pop(ctx, "old", "kraken", time.Hour, 0)
	if err != nil || d.ID != "1" {
		t.Fatalf("%+v %v", d, err)
	}
	last, err := f.Ack(ctx, d)
	write(last, err)

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
	// The epoch that the client knows is gone, and it does not take the word of
	// the next one before that has caught up.
	want := "BTC=1.5 USDT=-7 BTC/USDT=0.5"
	if got := r.seen("old"); got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
	b, err := patiently(func(ctx context.Context) (domain.Balance, error) { return a.Balance(ctx, "old", "BTC") })
	if err != nil || !b.Time.Equal(epoch) {
		t.Fatalf("stored again, a balance has another time: %+v (%v)", b, err)
	}
	if got := r.seen("flat"); got != "" {
		t.Fatalf("a flat account: %q", got)
	}
	for _, want := range []string{"2", "3"} {
		d, err := patiently(func(ctx context.Context) (client.Delivery, error) {
			return f.Pop(ctx, "old", "kraken", time.Hour, 0)
		})
		if err != nil || d.ID != want {
			t.Fatalf("popped %q (%v), want %s", d.ID, err, want)
		}
	}
	if d, err := f.Pop(ctx, "old", "kraken", time.Hour, 0); !errors.Is(err, domain.ErrNotFound) {
		t.Fatalf("an acknowledged fill came back: %+v (%v)", d, err)
	}
	r.noStorm(last.Stream, keeps)
}

// noStorm makes sure that nothing was stored again before it was old.
func (r *crashRig) noStorm(stream string, keeps time.Duration) {
	r.tb.Helper()
	extent, err := r.bus.Extent(r.tb.Context(), stream)
	if err != nil || extent.Last < extent.First {
		r.tb.Fatalf("%+v %v", extent, err)
	}
	reader := r.bus.NewReader(stream, extent.First)
	defer reader.Close()
	records := make([]domain.Record, 100)
	stored := make(map[string]time.Time)
	for seq := extent.First; seq <= extent.Last; {
		n, err := reader.Read(r.tb.Context(), records, time.Second)
		if err != nil {
			r.tb.Fatal(err)
		}
		for _, rec := range records[:n] {
			seq = rec.Seq + 1
			what := rec.Subject
			if rec.Key.Kind == domain.KindFill {
				what += string(rec.Data[:4]) // the id is in the payload
			}
			if before, ok := stored[what]; ok && rec.Time.Sub(before) < keeps/4 {
				r.tb.Errorf("%s was stored again after %v", rec.Subject, rec.Time.Sub(before))
			}
			stored[what] = rec.Time
		}
	}
}
