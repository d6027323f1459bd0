package client

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"math"
	"slices"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
)

// Watch yields the orders that a filter is for, as they are, the oldest first,
// and from then on each one that changed and that the filter is for then. It
// yields the newest state of an order, never an older one than before; states
// that were replaced before they could be yielded are skipped. That an order was
// forgotten is not told.
//
// The iteration ends when ctx ends or the client is closed. An error that
// matches domain.ErrUnreachable or domain.ErrUnknown (also: Redis is being
// folded anew) is yielded and the iteration goes on; any other ends it.
func (o *Orders) Watch(ctx context.Context, filter OrderFilter) iter.Seq2[domain.Order, error] {
	filter.Limit = 0
	return func(yield func(domain.Order, error) bool) {
		if err := filter.validate(); err != nil {
			yield(domain.Order{}, err)
			return
		}
		p := o.client.exchange(filter.Exchange)
		w := orderWatch{orders: o, p: p, filter: filter}
		watch(ctx, o.client, p.Partition, yield, func() ([]domain.Order, bool, error) { return w.next(ctx) })
	}
}

// orderWatch is how far a Watch has come.
type orderWatch struct {
	orders *Orders
	p      *settledPartition
	filter OrderFilter

	begun   bool              // the snapshot was yielded
	created int64             // the stream that seen belongs to; zero: nothing was folded yet
	seen    uint64            // changes up to here were yielded
	ahead   map[string]uint64 // id to the sequence of those that were yielded already from behind seen
}

// next is what comes next, and whether there is more.
func (w *orderWatch) next(ctx context.Context) ([]domain.Order, bool, error) {
	if !w.begun {
		orders, err := w.snapshot(ctx)
		return orders, err == nil, err
	}
	var page cachestore.OrderPage
	err := w.p.settled(ctx, func() (at domain.Checkpoint, err error) {
		page, err = w.p.ChangedOrders(ctx, w.seen, 500)
		return page.At, err
	})
	switch {
	case errors.Is(err, domain.ErrLagged):
		orders, err := w.snapshot(ctx)
		return orders, err == nil, err
	case err != nil:
		return nil, false, err
	case page.At.Created != w.created: // another log: its sequences mean something else
		w.begun = false
		return nil, true, nil
	}
	changed := slices.DeleteFunc(page.Orders, func(order domain.Order) bool {
		return order.Sequence <= w.ahead[order.ID] || !w.filter.Matches(order)
	})
	if w.seen = page.Bound; w.seen == 0 {
		w.seen = page.At.Seq
		clear(w.ahead) // nothing is
	}
	return changed, page.Bound != 0, nil
}

// snapshot reads what there is, or what of it is news. What it has from behind its
// checkpoint is not yielded twice.
func (w *orderWatch) snapshot(ctx context.Context) ([]domain.Order, error) {
	orders, at, err := w.orders.list(ctx, w.filter, math.MaxInt)
	if err != nil {
		return nil, err
	}
	if w.begun && w.created == at.Created {
		// It fell behind: the rest, too, comes in the order in which it changed.
		orders = slices.DeleteFunc(orders, func(order domain.Order) bool {
			return order.Sequence <= max(w.seen, w.ahead[order.ID]) || order.Sequence > at.Seq
		})
		slices.SortFunc(orders, func(a, b domain.Order) int { return cmp.Compare(a.Sequence, b.Sequence) })
		w.seen = at.Seq
		return orders, nil
	}
	w.begun, w.created, w.seen, w.ahead = true, at.Created, at.Seq, make(map[string]uint64)
	for _, order := range orders {
		if order.Sequence > at.Seq {
			w.ahead[order.ID] = order.Sequence
		}
	}
	slices.Reverse(orders)
	return orders, nil
}
