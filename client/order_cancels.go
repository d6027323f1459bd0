package client

import (
	"context"
	"iter"
	"time"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/pause"
)

// Resting reads the orders of an exchange that rest at the venue, the one that
// was created last first. Errors as for List.
func (o *Orders) Resting(ctx context.Context, exchange string) ([]domain.Order, error) {
	return o.List(ctx, OrderFilter{Exchange: exchange, Statuses: []domain.OrderStatus{domain.OrderAccepted, domain.OrderPartial}})
}

// cancelPause is the least time between two looks for orders to cancel.
const cancelPause = 50 * time.Millisecond

// repeatCancel is after what time an order that is still to be cancelled is
// yielded again: who had it may have died.
const repeatCancel = 2 * time.Second

// Cancels yields the orders of an exchange that rest at the venue and are to be
// cancelled, as soon as that is asked for, and again for as long as they are
// not. It ends and yields errors as Watch does.
func (o *Orders) Cancels(ctx context.Context, exchange string) iter.Seq2[domain.Order, error] {
	return func(yield func(domain.Order, error) bool) {
		if err := domain.CheckExchange(exchange); err != nil {
			yield(domain.Order{}, err)
			return
		}
		p := o.client.exchange(exchange)
		sub := o.client.changes.subscribe([]*cachestore.Partition{p.Partition})
		defer sub.close()
		yielded := make(map[string]time.Time)
		for {
			timer := time.NewTimer(repeatCancel)
			select {
			case <-ctx.Done():
			case <-o.client.changes.ctx.Done():
			case <-sub.signal:
			case <-timer.C:
			}
			timer.Stop()
			if ctx.Err() != nil || o.client.changes.ctx.Err() != nil {
				return
			}
			_, err := sub.take()
			var page cachestore.OrderPage
			if err == nil {
				err = p.settled(ctx, func() (at domain.Checkpoint, err error) {
					page, err = p.OrdersUp(ctx, cachestore.CancelOrders, 0, MaxOrders)
					return page.At, err
				})
			}
			if err != nil && ctx.Err() == nil && (!yield(domain.Order{}, err) || !temporary(err)) {
				return
			}
			still := make(map[string]time.Time, len(page.Orders))
			for _, order := range page.Orders {
				at, known := yielded[order.ID]
				if !known || time.Since(at) > repeatCancel {
					at = time.Now()
					if !yield(order, nil) {
						return
					}
				}
				still[order.ID] = at
			}
			yielded = still
			pause.For(ctx, cancelPause)
		}
	}
}
