package client

import (
	"cmp"
	"context"
	"slices"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
)

// MaxOrders bounds one List.
const MaxOrders = 100_000

// OrderFilter says which orders; empty fields do not matter.
type OrderFilter struct {
	Exchange string // required
	Symbol   string
	Bot      string
	Account  string
	Statuses []domain.OrderStatus
	// Limit is how many at most, the newest ones; zero: MaxOrders. Watch does not
	// look at it.
	Limit int
}

// validate tells what is wrong with the filter. The error is a
// *domain.FieldError.
func (f OrderFilter) validate() error {
	if err := domain.CheckExchange(f.Exchange); err != nil {
		return err
	}
	for _, c := range [...]struct {
		value string
		check func(string) error
	}{{f.Symbol, domain.CheckSymbol}, {f.Bot, domain.CheckBot}, {f.Account, domain.CheckAccount}} {
		if c.value == "" {
			continue
		}
		if err := c.check(c.value); err != nil {
			return err
		}
	}
	for _, s := range f.Statuses {
		if _, err := domain.ParseOrderStatus(s.String()); err != nil {
			return err
		}
	}
	if f.Limit != 0 {
		return checkLimit(f.Limit, MaxOrders)
	}
	return nil
}

// Matches tells whether the filter is for an order.
func (f OrderFilter) Matches(o domain.Order) bool {
	return o.Exchange == f.Exchange && (f.Symbol == "" || f.Symbol == o.Symbol) && (f.Bot == "" || f.Bot == o.Bot) &&
		(f.Account == "" || f.Account == o.Account) && (len(f.Statuses) == 0 || slices.Contains(f.Statuses, o.Status))
}

// indexes are those that have every order that the filter is for.
func (f OrderFilter) indexes() []cachestore.OrderIndex {
	indexes := []cachestore.OrderIndex{cachestore.NewestOrders}
	if f.Symbol != "" {
		indexes = append(indexes, cachestore.OrdersOfSymbol(f.Symbol))
	}
	if f.Bot != "" {
		indexes = append(indexes, cachestore.OrdersOfBot(f.Bot))
	}
	final := func(s domain.OrderStatus) bool { return s.Final() }
	if len(f.Statuses) > 0 && !slices.ContainsFunc(f.Statuses, final) {
		indexes = append(indexes, cachestore.LiveOrders)
	} else if len(f.Statuses) > 0 && !slices.ContainsFunc(f.Statuses, func(s domain.OrderStatus) bool { return !final(s) }) {
		indexes = append(indexes, cachestore.DoneOrders)
	}
	return indexes
}

// List reads the orders that a filter is for, the one that was created last
// first. It reads the smallest index that has them all, in pieces; an order that
// changes meanwhile is there as it was or as it is. None is an empty result.
func (o *Orders) List(ctx context.Context, filter OrderFilter) ([]domain.Order, error) {
	if err := filter.validate(); err != nil {
		return nil, err
	}
	limit := cmp.Or(filter.Limit, MaxOrders)
	p := o.client.exchange(filter.Exchange)
	index, err := smallest(ctx, p, filter.indexes())
	if err != nil {
		return nil, err
	}
	found := make(map[string]domain.Order)
	for bound := uint64(0); ; {
		var page cachestore.OrderPage
		err := p.settled(ctx, func() (at domain.Checkpoint, err error) {
			page, err = p.OrdersDown(ctx, index, bound, max(100, limit))
			return page.At, err
		})
		if err != nil {
			return nil, err
		}
		for _, order := range page.Orders {
			if filter.Matches(order) {
				found[order.ID] = order
			}
		}
		bound = page.Bound
		// Whatever follows was created before the bound, in every index: no order
		// is older than the sequence that it was created with.
		if bound == 0 || (len(found) >= limit && nthNewest(found, limit) >= bound) {
			break
		}
	}
	orders := make([]domain.Order, 0, len(found))
	for _, order := range found {
		orders = append(orders, order)
	}
	slices.SortFunc(orders, newestFirst)
	return orders[:min(limit, len(orders))], nil
}

func newestFirst(a, b domain.Order) int { return cmp.Compare(b.First, a.First) }

// nthNewest is the sequence that the nth order was created with, counted from
// the one that was created last.
func nthNewest(orders map[string]domain.Order, n int) uint64 {
	firsts := make([]uint64, 0, len(orders))
	for _, order := range orders {
		firsts = append(firsts, order.First)
	}
	slices.Sort(firsts)
	return firsts[len(firsts)-n]
}

// smallest is the index with the fewest orders.
func smallest(ctx context.Context, p *settledPartition, indexes []cachestore.OrderIndex) (cachestore.OrderIndex, error) {
	if len(indexes) == 1 {
		return indexes[0], nil
	}
	var counts []int
	err := p.settled(ctx, func() (at domain.Checkpoint, err error) {
		counts, at, err = p.CountOrders(ctx, indexes...)
		return at, err
	})
	if err != nil {
		return "", err
	}
	least := 0
	for i, n := range counts {
		if n < counts[least] {
			least = i
		}
	}
	return indexes[least], nil
}
