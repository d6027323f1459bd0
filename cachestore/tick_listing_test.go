package cachestore_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// All ticks are remembered in the order in which they come. Symbols that come,
// go, or take the place of others must show in the next read, sorted, and each
// tick must be its own symbol's; also for readers who share what is remembered.
func TestAllTicksAreOfTheSymbolsThatThereAreNow(t *testing.T) {
	t.Parallel()
	s := testserver.SharedStore(t)
	partitions := []*cachestore.Partition{s.Partition("TICKS_0"), s.Partition("TICKS_1")}
	// Each tick's price is the number in its symbol.
	name := func(n int) string { return fmt.Sprintf("C%d/USDT", n) }
	check := func(ticks []domain.Tick) {
		if !slices.IsSortedFunc(ticks, func(a, b domain.Tick) int { return cmp.Compare(a.Symbol, b.Symbol) }) {
			t.Error("the ticks are not sorted by symbol")
		}
		for _, tick := range ticks {
			number, _, _ := strings.Cut(strings.TrimPrefix(tick.Symbol, "C"), "/")
			if tick.Last.String() != number || tick.Exchange != "binance" || tick.Stale {
				t.Errorf("%s has the price %s (stale: %v)", tick.Symbol, tick.Last, tick.Stale)
			}
		}
	}
	read := func() []domain.Tick {
		ticks, _, err := s.AllTicks(t.Context(), partitions, "binance", noon)
		if err != nil {
			t.Error(err)
		}
		check(ticks)
		return ticks
	}
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					read()
				}
			}
		})
	}
	rng := rand.New(rand.NewPCG(1, 2))
	there := make(map[string]bool)
	checkpoints := make([]domain.Checkpoint, len(partitions))
	for round := range 60 {
		which := round % len(partitions)
		p, b := partitions[which], partitions[which].NewBatch()
		for range 1 + rng.IntN(12) {
			n := 1 + len(partitions)*rng.IntN(150) + which
			if there[name(n)] && rng.IntN(2) == 0 {
				b.DeleteTick("binance", name(n))
				delete(there, name(n))
				continue
			}
			b.PutTicks("binance", []cachestore.TickWrite{{Symbol: name(n), Write: cachestore.Write{Seq: 1, Payload: encode(t, tick(name(n), n))}}})
			there[name(n)] = true
		}
		if round == 30 { // a field that is no symbol
			feed := domain.Feed{Exchange: "binance", State: domain.FeedLive, Time: noon, Interval: 1}
			b.PutFeed("binance", cachestore.Write{Seq: 1, Payload: encode(t, feed)})
		}
		next := at(uint64(round + 1))
		apply(t, p, checkpoints[which], next, b)
		checkpoints[which] = next
		for range 2 { // the second one remembers
			if got := read(); len(got) != len(there) || slices.ContainsFunc(got, func(tick domain.Tick) bool { return !there[tick.Symbol] }) {
				t.Fatalf("round %d: %d ticks, want %d", round, len(got), len(there))
			}
		}
	}
	close(stop)
	readers.Wait()
}
