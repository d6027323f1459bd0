package client_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

func fill(id int) domain.Fill {
	return domain.Fill{
		Account: "1001", Exchange: "kraken", Symbol: "BTC/USDT", ID: strconv.Itoa(id), OrderID: "O-" + strconv.Itoa(id), ClientOrderID: "bot-7",
		Side: domain.Sell, Price: dec("50500"), Volume: dec("0.05"), Fee: dec("-0.0001"), FeeCurrency: "BTC", Maker: true,
		Time: noon.Add(time.Duration(id) * time.Second),
	}
}

func (r *rig) pushFills(from, to int) {
	r.tb.Helper()
	for i := from; i <= to; i++ {
		r.visible(r.Fills.Push(context.Background(), fill(i)))
	}
}

func wantFill(t *testing.T, r *rig, lease time.Duration, id string) client.Delivery {
	t.Helper()
	d, err := r.Fills.Pop(t.Context(), "1001", "kraken", lease, patience)
	if err != nil || d.ID != id {
		t.Fatalf("popped %q (%v), want %s", d.ID, err, id)
	}
	return d
}

func wantNoFill(t *testing.T, r *rig) {
	t.Helper()
	if d, err := r.Fills.Pop(t.Context(), "1001", "kraken", time.Hour, 0); !errors.Is(err, domain.ErrNotFound) {
		t.Fatalf("popped %q (%v), want nothing", d.ID, err)
	}
}

func TestD7AFillWhoseHolderDiedIsHandedOutAgainBeforeLaterOnes(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	r.pushFills(1, 1)
	died := wantFill(t, r, time.Millisecond, "1")
	second := wantFill(t, r, time.Millisecond, "1") // its lease has ended
	if second.Fill != died.Fill || second.Until.Before(died.Until) || second.Price.String() != "50500" || second.First != second.Sequence {
		t.Fatalf("%+v, before %+v", second, died)
	}
	first := wantFill(t, r, time.Hour, "1")
	r.pushFills(2, 3)
	wantFill(t, r, time.Hour, "2")
	if err := r.Fills.Nack(t.Context(), died); !errors.Is(err, domain.ErrConflict) {
		t.Fatalf("who lost the lease gave it back: %v", err)
	}
	if err := r.Fills.Extend(t.Context(), died, time.Hour); !errors.Is(err, domain.ErrConflict) {
		t.Fatalf("who lost the lease extended it: %v", err)
	}
	if err := r.Fills.Extend(t.Context(), first, 2*time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := r.Fills.Nack(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	wantFill(t, r, time.Hour, "1")
	wantFill(t, r, time.Hour, "3")
	wantNoFill(t, r)
	s, err := r.Fills.Status(t.Context(), "1001")
	if err != nil || len(s) != 1 || s[0] != (client.FillStatus{Account: "1001", Exchange: "kraken", Kept: 3, Leased: 3, Last: fill(3).Time}) {
		t.Fatalf("%+v %v", s, err)
	}
}

func TestD7AnAcknowledgedFillNeverComesBack(t *testing.T) {
	t.Parallel()
	server := testserver.NewRedis(t)
	r := newRig(t, server.Store(t), 100)
	r.pushFills(1, 3)
	d := wantFill(t, r, time.Hour, "1")
	late := wantFill(t, r, time.Millisecond, "2") // acknowledged after its lease has ended
	pos, err := r.Fills.Ack(t.Context(), d)
	r.visible(pos, err)
	r.visible(r.Fills.Ack(t.Context(), d)) // twice does no harm
	r.visible(r.Fills.Ack(t.Context(), late))
	// Pushed again by a connector that came back.
	r.visible(r.Fills.Push(t.Context(), fill(1)))
	last := wantFill(t, r, time.Hour, "3")
	wantNoFill(t, r)
	if err := server.Client(t).FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	// Folded anew, the leases are gone and the acknowledgements are not.
	for {
		d, err := r.Fills.Pop(t.Context(), "1001", "kraken", time.Hour, time.Minute)
		if errors.Is(err, domain.ErrUnreachable) {
			continue
		}
		if err != nil || d.ID != last.ID {
			t.Fatalf("popped %q (%v)", d.ID, err)
		}
		break
	}
	wantNoFill(t, r)
	if fills, err := r.Fills.List(t.Context(), "1001", "kraken", 10); err != nil || len(fills) != 3 {
		t.Fatalf("%d fills (%v): reading takes nothing away", len(fills), err)
	}
}

func TestD8WaitingForAFillLosesNone(t *testing.T) {
	t.Parallel()
	const poppers, fills = 8, 60
	r := newRig(t, testserver.SharedStore(t), 100)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var mu sync.Mutex
	seen := make(map[string]int)
	var group sync.WaitGroup
	for i := range poppers {
		group.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				// Some of those who wait give up again and again.
				timeout := time.Minute
				if i%2 == 0 && n%2 == 0 {
					timeout = time.Millisecond
				}
				d, err := r.Fills.Pop(ctx, "1001", "kraken", time.Hour, timeout)
				if errors.Is(err, domain.ErrNotFound) || errors.Is(err, domain.ErrUnknown) || errors.Is(err, context.Canceled) {
					continue
				}
				if err == nil {
					_, err = r.Fills.Ack(ctx, d)
				}
				if err != nil {
					if ctx.Err() == nil {
						t.Error(err)
					}
					return
				}
				mu.Lock()
				seen[d.ID]++
				done := len(seen) == fills
				mu.Unlock()
				if done {
					cancel()
				}
			}
		})
	}
	for i := range fills {
		if _, err := r.Fills.Push(context.Background(), fill(i)); err != nil {
			t.Error(err)
		}
	}
	group.Wait()
	if len(seen) != fills {
		t.Fatalf("%d of %d fills were popped", len(seen), fills)
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("fill %s was popped %d times, with leases of an hour", id, n)
		}
	}
}

func TestD16AFillThatIsPushedAgainIsThereOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 5)
	for range 3 {
		r.pushFills(1, 3)
	}
	again := fill(2)
	again.First = 99 // what a reader got
	r.visible(r.Fills.Push(t.Context(), again))
	other := fill(1)
	other.Exchange = "okx"
	r.visible(r.Fills.Push(t.Context(), other))
	for _, id := range []string{"1", "2", "3"} {
		wantFill(t, r, time.Hour, id)
	}
	wantNoFill(t, r)
	s, err := r.Fills.Status(t.Context(), "1001")
	if err != nil || len(s) != 2 || s[0].Kept != 3 || s[1].Exchange != "okx" || s[1].Waiting != 1 {
		t.Fatalf("%+v %v", s, err)
	}
}

// D17: what nobody pops does not grow for ever, and what had to go is counted.
func TestD17TheQueueOfFillsIsBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 5)
	r.pushFills(1, 8)
	s, err := r.Fills.Status(t.Context(), "1001")
	if err != nil || len(s) != 1 || s[0].Kept != 5 || s[0].Waiting != 5 || s[0].Dropped != 3 {
		t.Fatalf("%+v %v", s, err)
	}
	wantFill(t, r, time.Hour, "4")
	fills, err := r.Fills.List(t.Context(), "1001", "kraken", 2)
	if err != nil || len(fills) != 2 || fills[0].ID != "7" || fmt.Sprint(fills[1].Fee) != "-0.0001" {
		t.Fatalf("%+v %v", fills, err)
	}
}
