package cachestore_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// What has changed since a sequence is told exactly, whatever the pages are: each
// order as it is, in the order of the changes, as far back as it is kept; and of
// what was before it is said that it is not known.
func TestWhichOrdersChangedIsToldAsFarBackAsItIsKept(t *testing.T) {
	t.Parallel()
	const keep = 60
	p := testserver.SharedStore(t).Partition("ORDERS_KRAKEN")
	random := rand.New(rand.NewPCG(1, 2))
	orders := make(map[string]cachestore.OrderPlace)
	b, now, lagged := p.NewBatch(), domain.Checkpoint{}, 0
	for range 600 {
		next := at(now.Seq + 1 + random.Uint64N(8))
		b.Reset()
		b.PutOrders(someChanges(t, random, orders, now.Seq, next.Seq), keep)
		apply(t, p, now, next, b)
		now = next
		since := random.Uint64N(now.Seq + 1)
		if random.IntN(4) > 0 { // mostly what may be known
			since = now.Seq - random.Uint64N(min(now.Seq, keep)+1)
		}
		got, err := changedSince(t, p, since, 1+random.IntN(6))
		if errors.Is(err, domain.ErrLagged) && since+keep < now.Seq {
			lagged++
			continue
		}
		var want []string
		for id, o := range orders {
			if o.Seq > since {
				want = append(want, id)
			}
		}
		slices.SortFunc(want, func(a, b string) int { return cmp.Compare(orders[a].Seq, orders[b].Seq) })
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("since %d of %d: %q (%v), want %q", since, now.Seq, got, err, want)
		}
	}
	if lagged == 0 {
		t.Error("everything was kept")
	}
}

// changedSince reads the ids of the orders that changed, n of them at once.
func changedSince(t *testing.T, p *cachestore.Partition, since uint64, n int) (ids []string, err error) {
	for {
		page, err := p.ChangedOrders(t.Context(), since, n)
		if err != nil {
			return nil, err
		}
		for _, o := range page.Orders {
			ids = append(ids, o.ID)
		}
		if since = page.Bound; since == 0 {
			return ids, nil
		}
	}
}

// someChanges sets an order with each message, or forgets one.
func someChanges(t *testing.T, random *rand.Rand, orders map[string]cachestore.OrderPlace, from, to uint64) []cachestore.OrderChange {
	before := maps.Clone(orders)
	changed := make(map[string][]byte)
	for seq := from + 1; seq <= to; seq++ {
		id := fmt.Sprint("order-", random.IntN(12))
		o := domain.Order{ID: id, Exchange: "kraken", Status: domain.OrderNew, Created: noon, OrderTerms: domain.OrderTerms{
			Account: "1001", Bot: "grid", Symbol: "BTC/USDT", Side: domain.Buy, Type: domain.Market, Volume: domain.MustDecimal("1"),
		}}
		if orders[id].Seq > 0 && random.IntN(5) == 0 {
			delete(orders, id)
			changed[id] = nil
			continue
		}
		orders[id] = cachestore.OrderPlace{Bot: o.Bot, Symbol: o.Symbol, First: cmp.Or(orders[id].First, seq), Seq: seq}
		changed[id] = encode(t, o)
	}
	var changes []cachestore.OrderChange
	for id, payload := range changed {
		if c := (cachestore.OrderChange{ID: id, Was: before[id], Is: orders[id], Payload: payload}); c.Was != c.Is {
			changes = append(changes, c)
		}
	}
	return changes
}
