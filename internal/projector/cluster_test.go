package projector_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// A master of a Redis Cluster that is killed and comes back empty, while events
// come in, is folded anew, and then readers see all of them.
func TestAMasterThatComesBackEmptyIsFoldedAnewUnderLoad(t *testing.T) {
	t.Parallel()
	c := testserver.NewRedisCluster(t)
	r := newRig(t, c.Store(t))
	const symbols, keep = 8, 500
	p, _ := r.project(r.store, keep)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	// Each market's trades have the ids 0, 1, 2…; its tick the number of the last.
	symbol := func(i int) string { return fmt.Sprintf("C%d/USDT", i) }
	published := 0
	publish := func(rounds int) {
		for range rounds {
			at := time.Duration(published) * time.Second
			for i := range symbols {
				r.publish(tick(symbol(i), fmt.Sprint(published+1), at, uint64(published+1)), trade(symbol(i), published, "100", "1", at))
			}
			published++
		}
	}
	publish(20)
	r.caughtUp(r.store)
	rebuilds := func() (n uint64) {
		for _, s := range p.Stats() {
			n += s.Rebuilds
		}
		return n
	}
	before := rebuilds()

	rdb := c.Client(t)
	lost := 0
	for _, node := range c.Nodes {
		on := 0
		for _, stream := range append(small.TickStreams(), small.TradeStreams()...) {
			master, err := rdb.MasterForKey(ctx, r.store.Prefix()+"{"+stream+"}:checkpoint")
			if err != nil {
				t.Fatal(err)
			}
			if master.Options().Addr == node.Addr {
				on++
			}
		}
		if on == 0 {
			continue
		}
		lost += on
		node.Kill()
		publish(10)
		node.Start()
		publish(10)
		c.Serving()
	}
	r.caughtUp(r.store)
	if n := rebuilds() - before; n < uint64(lost) {
		t.Errorf("%d partitions were folded anew, %d lost what they had", n, lost)
	}
	for i := range symbols {
		got, err := r.client.Ticks.Get(ctx, "binance", symbol(i))
		if err != nil || got.Last.String() != fmt.Sprint(published) {
			t.Errorf("%s: tick %v (%v), want %d", symbol(i), got.Last, err, published)
		}
		trades, err := r.client.Trades.List(ctx, "binance", symbol(i), keep)
		if err != nil || len(trades) != published {
			t.Errorf("%s: %d trades (%v), want %d", symbol(i), len(trades), err, published)
		}
		for n, tr := range trades {
			if tr.ID != fmt.Sprint(n) {
				t.Errorf("%s: trade %d is %s", symbol(i), n, tr.ID)
				break
			}
		}
		bars, err := r.client.Candles.Between(ctx, "binance", symbol(i), domain.Timeframe("1d"), epoch.Add(-24*time.Hour), epoch.Add(24*time.Hour))
		if err != nil || len(bars) != 1 || bars[0].Trades != uint64(published) {
			t.Errorf("%s: candles %+v (%v), want one of %d trades", symbol(i), bars, err, published)
		}
	}
}
