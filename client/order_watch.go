package client

import (
	"context"
	"iter"

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
	ahead   map[string]uint64 // id to the sequence of those that the snapshot had already from behind seen
}

// next is what comes next, and whether there is more.
func (w *orderWatch) next(ctx context.Context) ([]domain.Order, bool, error) {
	if !w.begun {
		orders, err := w.snapshot(ctx)
		return orders, err == nil, err
	}
	var page cachestore.OrderPage
	err := w.p.settled(ctx, func() (at domain.Checkpoint, err error) {
		page, err = w.p.OrdersUp(ctx, cachestore.NewestOrders, w.seen, 500)
		return page.At, err
	})
	if err != nil {
		return nil, false, err
	}
	if page.At.Created != w.created { // another log: its sequences mean something else
		w.begun = false
		return nil, true, nil
	}
	var changed []domain.Order
	for _, order := range page.Orders {
		w.seen = order.Sequence
		if ahead, ok := w.ahead[order.ID]; ok {
			delete(w.ahead, order.ID)
			if order.Sequence <= ahead {
				continue
			}
		}
		if w.filter.Matches(order) {
			changed = append(changed, order)
		}
	}
	return changed, page.Bound != 0, nil
}

// snapshot reads what there is. The checkpoint is read before, so that no change
// is missed; what the snapshot has from behind it is not yielded twice.
func (w *orderWatch) snapshot(ctx context.Context) ([]domain.Order, error) {
	var at domain.Checkpoint
	err := w.p.settled(ctx, func() (domain.Checkpoint, error) {
		var err error
		at, err = w.p.Checkpoint(ctx)
		return at, err
	})
	if err != nil {
		return nil, err
	}
	orders, err := w.orders.List(ctx, w.filter)
	if err != nil {
		return nil, err
	}
	w.begun, w.created, w.seen, w.ahead = true, at.Created, at.Seq, make(map[string]uint64)
	for _, order := range orders {
		if order.Sequence > at.Seq {
			w.ahead[order.ID] = order.Sequence
		}
	}
	for i, j := 0, len(orders)-1; i < j; i, j = i+1, j-1 {
		orders[i], orders[j] = orders[j], orders[i]
	}
	return orders, nil
}
