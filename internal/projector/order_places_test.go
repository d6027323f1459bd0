package projector

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
)

// What is written of heads and counts, always only what has changed, adds up to what
// follows from the orders; and a symbol that an order has left is always written,
// because that order may have had the lease.
func TestWhatIsWrittenOfTheQueuesAddsUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var orders []*domain.Order
		places := newOrderPlaces()
		heads, waiting, live := make(map[string]string), make(map[string]int), make(map[string]int)
		left := make(map[string]bool)
		put := func(counts map[string]int, written []cachestore.OrderCount) {
			for _, c := range written {
				if counts[c.Of] == c.N {
					t.Fatalf("%s: %d again", c.Of, c.N)
				}
				if counts[c.Of] = c.N; c.N == 0 {
					delete(counts, c.Of)
				}
			}
		}
		flush := func() {
			places.settle()
			for _, h := range places.heads {
				now := fmt.Sprint(h.First, h.IDs)
				if len(h.IDs) == 0 {
					now = ""
				}
				if heads[h.Symbol] == now && !left[h.Symbol] {
					t.Fatalf("%s: %q again", h.Symbol, now)
				}
				delete(left, h.Symbol)
				if heads[h.Symbol] = now; now == "" {
					delete(heads, h.Symbol)
				}
			}
			if len(left) > 0 {
				t.Fatalf("orders have left %v, and nothing was written", left)
			}
			put(waiting, places.waitCounts)
			put(live, places.liveCounts)
			wantHeads, wantWaiting, wantLive := plainPlaces(orders)
			got, want := fmt.Sprint(heads, waiting, live), fmt.Sprint(wantHeads, wantWaiting, wantLive)
			if got != want {
				t.Fatalf("\n got %s\nwant %s", got, want)
			}
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch step := rapid.IntRange(0, 5).Draw(t, "step"); {
			case step < 2 || len(orders) == 0:
				o := &domain.Order{ID: fmt.Sprint("o", len(orders)), Status: rapid.SampledFrom(domain.OrderStatuses()).Draw(t, "first status")}
				o.Symbol = rapid.SampledFrom([]string{"BTC/USDT", "ETH/USDT"}).Draw(t, "symbol")
				o.Bot = rapid.SampledFrom([]string{"a", "b"}).Draw(t, "bot")
				// One that is repeated for the log may be older than those before it.
				o.First = uint64(rapid.IntRange(1, 100).Draw(t, "first"))
				o.Sequence = o.First
				places.move(nil, o)
				orders = append(orders, o)
			case step < 5:
				o := rapid.SampledFrom(orders).Draw(t, "order")
				if o.Status.Final() {
					continue
				}
				next := *o
				next.Status = rapid.SampledFrom(domain.OrderStatuses()).Draw(t, "status")
				next.Dead = rapid.Bool().Draw(t, "dead")
				next.Sequence++
				places.move(o, &next)
				if o.InQueue() != next.InQueue() {
					left[o.Symbol] = true
				}
				*o = next
			default:
				flush()
			}
		}
		flush()
	})
}

// plainPlaces tells as plainly as possible what must be stored.
func plainPlaces(orders []*domain.Order) (heads map[string]string, waiting, live map[string]int) {
	heads, waiting, live = make(map[string]string), make(map[string]int), make(map[string]int)
	sorted := slices.Clone(orders)
	slices.SortFunc(sorted, func(a, b *domain.Order) int {
		return queuedOrder{a.First, a.ID}.compare(queuedOrder{b.First, b.ID})
	})
	firsts, ids, lines := make(map[string]uint64), make(map[string][]string), make(map[string]map[orderLine]bool)
	for _, o := range sorted {
		if !o.Status.Final() {
			live[cachestore.LiveCountField(o.Bot, o.Symbol)]++
		}
		if !o.InQueue() {
			continue
		}
		if waiting[o.Symbol]++; waiting[o.Symbol] == 1 {
			firsts[o.Symbol], lines[o.Symbol] = o.First, make(map[orderLine]bool)
		}
		if line := lineOf(o); !lines[o.Symbol][line] {
			lines[o.Symbol][line] = true
			ids[o.Symbol] = append(ids[o.Symbol], o.ID)
		}
	}
	for symbol := range ids {
		heads[symbol] = fmt.Sprint(firsts[symbol], ids[symbol])
	}
	return heads, waiting, live
}

func TestOrdersThatAreDoneAreNeverTakenForNew(t *testing.T) {
	t.Parallel()
	d := newOrderDone()
	d.add("a")
	d.add("a") // as another one with the same hash would be
	d.remove("a")
	if !d.may("a") || d.may("b") || d.n != 1 {
		t.Errorf("%+v", d)
	}
	if d.remove("a"); d.may("a") || len(d.hashes) != 0 || d.n != 0 {
		t.Errorf("%+v", d)
	}
}
