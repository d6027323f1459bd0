package client

import (
	"cmp"
	"context"
	"maps"
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

// indexes are those that each have every order that the filter is for; none: it
// takes more than one.
func (f OrderFilter) indexes() []cachestore.OrderIndex {
	var indexes []cachestore.OrderIndex
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
	orders, _, err := o.list(ctx, filter, cmp.Or(filter.Limit, MaxOrders))
	return orders, err
}

// list is List of at most limit orders. Whatever changed up to the checkpoint is in
// them; some may be from behind it.
func (o *Orders) list(ctx context.Context, filter OrderFilter, limit int) ([]domain.Order, domain.Checkpoint, error) {
	p := o.client.exchange(filter.Exchange)
	indexes, err := smallest(ctx, p, filter.indexes())
	if err != nil {
		return nil, domain.Checkpoint{}, err
	}
	for {
		found := ordersFound{filter: filter, limit: limit, orders: make(map[string]domain.Order)}
		for _, index := range indexes {
			if err := found.read(ctx, p, index); err != nil {
				return nil, domain.Checkpoint{}, err
			}
		}
		if !found.torn {
			orders := slices.SortedFunc(maps.Values(found.orders), newestFirst)
			return orders[:min(limit, len(orders))], found.at, nil
		}
	}
}

// ordersFound are those that a filter is for, of what was read until now.
type ordersFound struct {
	filter OrderFilter
	limit  int
	orders map[string]domain.Order // by id

	begun bool              // a page was read
	at    domain.Checkpoint // of the first page
	torn  bool              // a later page is of another log, whose sequences mean something else
}

// read adds the orders of an index, as far as they can be among the limit that were
// created last.
func (f *ordersFound) read(ctx context.Context, p *settledPartition, index cachestore.OrderIndex) error {
	for bound := uint64(0); !f.torn; {
		var page cachestore.OrderPage
		err := p.settled(ctx, func() (at domain.Checkpoint, err error) {
			page, err = p.OrdersDown(ctx, index, bound, max(100, f.limit))
			return page.At, err
		})
		if err != nil {
			return err
		}
		if !f.begun {
			f.begun, f.at = true, page.At
		}
		f.torn = page.At.Created != f.at.Created
		for _, order := range page.Orders {
			if f.filter.Matches(order) {
				f.orders[order.ID] = order
			}
		}
		bound = page.Bound
		// Whatever follows was created before the bound, in every index: no order
		// is older than the sequence that it was created with.
		if bound == 0 || (len(f.orders) >= f.limit && nthNewest(f.orders, f.limit) >= bound) {
			return nil
		}
	}
	return nil
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

// smallest is that of the indexes which has the fewest orders. Where there is none
// to choose from, it is those that together have all, in the order in which they
// are to be read: an order that ends meanwhile goes from the first to the second,
// so that who finds it missing in the one finds it in the other.
func smallest(ctx context.Context, p *settledPartition, indexes []cachestore.OrderIndex) ([]cachestore.OrderIndex, error) {
	switch len(indexes) {
	case 0:
		return []cachestore.OrderIndex{cachestore.LiveOrders, cachestore.DoneOrders}, nil
	case 1:
		return indexes, nil
	}
	var counts []int
	err := p.settled(ctx, func() (at domain.Checkpoint, err error) {
		counts, at, err = p.CountOrders(ctx, indexes...)
		return at, err
	})
	if err != nil {
		return nil, err
	}
	least := 0
	for i, n := range counts {
		if n < counts[least] {
			least = i
		}
	}
	return indexes[least : least+1], nil
}
