package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
)

// OrderQueue is how the queue of a symbol is doing.
type OrderQueue struct {
	Symbol  string
	Waiting int    // orders in it, leased ones included
	Head    string // id of the oldest one
	// Of the lease, if there is one: when it ends, by the clock of Redis, of which
	// order it is and who has it. Delayed: nobody has it, it is kept back until then.
	Until   time.Time
	Leased  string
	Worker  string
	Delayed bool
}

// Queue tells how the queues of an exchange are doing, the one with the oldest
// order first. None is an empty result.
func (o *Orders) Queue(ctx context.Context, exchange string) ([]OrderQueue, error) {
	if err := domain.CheckExchange(exchange); err != nil {
		return nil, err
	}
	p := o.client.exchange(exchange)
	var stored []cachestore.OrderQueue
	err := p.settled(ctx, func() (at domain.Checkpoint, err error) {
		stored, at, err = p.OrderQueues(ctx)
		return at, err
	})
	if err != nil {
		return nil, err
	}
	queues := make([]OrderQueue, len(stored))
	for i, q := range stored {
		queues[i] = OrderQueue(q)
	}
	return queues, nil
}

// Sync waits until the queue of an exchange reflects what the log holds now. The
// error matches also context's, when that ends before.
func (o *Orders) Sync(ctx context.Context, exchange string) error {
	return o.client.Bots.Sync(ctx, exchange)
}

// QueueLength is how many orders wait for a worker, leased ones included: in a
// symbol, or in all of an exchange when that is empty.
func (o *Orders) QueueLength(ctx context.Context, exchange, symbol string) (int, error) {
	if err := (OrderFilter{Exchange: exchange, Symbol: symbol}).validate(); err != nil {
		return 0, err
	}
	p := o.client.exchange(exchange)
	n := 0
	err := p.settled(ctx, func() (at domain.Checkpoint, err error) {
		if symbol == "" {
			n, _, _, at, err = p.WaitingOrders(ctx, "")
			return at, err
		}
		n, at, err = p.WaitingOrdersOf(ctx, symbol)
		return at, err
	})
	return n, err
}

// DeadLetters lists the orders of an exchange that were handed out too often
// without success, the oldest first. None is an empty result.
func (o *Orders) DeadLetters(ctx context.Context, exchange string) ([]domain.Order, error) {
	if err := domain.CheckExchange(exchange); err != nil {
		return nil, err
	}
	p := o.client.exchange(exchange)
	var dead []domain.Order
	for bound := uint64(0); ; {
		var page cachestore.OrderPage
		err := p.settled(ctx, func() (at domain.Checkpoint, err error) {
			page, err = p.OrdersUp(ctx, cachestore.DeadOrders, bound, MaxOrders)
			return page.At, err
		})
		if err != nil {
			return nil, err
		}
		dead = append(dead, page.Orders...)
		if bound = page.Bound; bound == 0 {
			return dead, nil
		}
	}
}

// Requeue makes a dead letter an order like the others again, at the place in the
// queue that it had. It returns the order as it is then. The error matches also
// domain.ErrConflict for an order that waits for nobody.
func (o *Orders) Requeue(ctx context.Context, exchange, id string) (domain.Order, error) {
	order, err := o.Update(ctx, exchange, id, func(now *domain.Order) error {
		if !now.Status.Queued() {
			return fmt.Errorf("order %s of %s: %w: it is %s, and no dead letter", id, exchange, domain.ErrConflict, now.Status)
		}
		if now.Dead {
			now.Dead, now.Reason = false, ""
		}
		return nil
	})
	if err != nil {
		return order, err
	}
	return order, o.client.exchange(exchange).ResetTries(ctx, id)
}

// errSent is why an order cannot be dropped.
var errSent = errors.New("it may have been sent, and what became of it is not known")

// Drop cancels a dead letter. It returns the order as it is then. The error
// matches also domain.ErrConflict for an order that is no dead letter, and for one
// that may be at the venue: first find out what became of it.
func (o *Orders) Drop(ctx context.Context, exchange, id string) (domain.Order, error) {
	return o.Update(ctx, exchange, id, func(now *domain.Order) error {
		switch {
		case now.Status == domain.OrderCanceled: // dropped before
		case !now.Dead || !now.Status.Queued():
			return fmt.Errorf("order %s of %s: %w: it is %s, and no dead letter", id, exchange, domain.ErrConflict, now.Status)
		case now.Status == domain.OrderIntent || now.Status == domain.OrderUnknown:
			return fmt.Errorf("order %s of %s: %w: it is %s: %w", id, exchange, domain.ErrConflict, now.Status, errSent)
		default:
			now.Status, now.Dead, now.Reason = domain.OrderCanceled, false, "dropped: "+now.Reason
		}
		return nil
	})
}
