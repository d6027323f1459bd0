package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
)

// errNoChange is what a change says that has nothing to change.
var errNoChange = errors.New("nothing to change")

// change stores what a function makes of the newest state of an order, again if
// another state comes between. make gets a zero Status for an order that is not
// there.
func (o *Orders) change(ctx context.Context, exchange, id string, make func(before domain.Order) (domain.Order, error)) (domain.Order, error) {
	if err := checkOrder(exchange, id); err != nil {
		return domain.Order{}, err
	}
	for {
		now, err := o.newest(ctx, exchange, id)
		if err != nil {
			return domain.Order{}, err
		}
		if now.deleted {
			return domain.Order{}, fmt.Errorf("order %s of %s: %w: it was deleted, and its id stays taken", id, exchange, domain.ErrConflict)
		}
		next, err := make(now.order)
		if errors.Is(err, errNoChange) {
			return now.order, nil
		}
		if err != nil {
			return domain.Order{}, err
		}
		next.First, next.Updated = now.order.First, time.Now()
		if now.order.Status == 0 && next.Created.IsZero() {
			next.Created = next.Updated
		}
		if now.order.Status != 0 {
			next.Created = now.order.Created
			if err := next.Follows(now.order); err != nil {
				return domain.Order{}, fmt.Errorf("order %s of %s: %w: %w", id, exchange, domain.ErrConflict, err)
			}
			if next.SameState(now.order) {
				return now.order, nil
			}
		}
		stored, err := o.store(ctx, next, now.last)
		if !errors.Is(err, domain.ErrConflict) {
			return stored, err
		}
		if ctx.Err() != nil {
			return domain.Order{}, fmt.Errorf("order %s of %s: %w", id, exchange, context.Cause(ctx))
		}
	}
}

// Save stores an order: a new one, or the state of one that is there, in place of
// all that was known of it. The same again is no change and no error. A zero
// Created is now, and is not changed later; Updated is set. An order that is
// saved as new waits for a worker like one that was pushed. The error matches
// domain.ErrConflict, and tells the field, when it may not follow what is there.
func (o *Orders) Save(ctx context.Context, order domain.Order) (domain.Order, error) {
	check := order
	if check.Created.IsZero() {
		check.Created = time.Now()
	}
	if err := check.Validate(); err != nil {
		return domain.Order{}, err
	}
	return o.change(ctx, order.Exchange, order.ID, func(before domain.Order) (domain.Order, error) {
		if before.Status.Final() {
			same := order
			same.Created = before.Created
			if same.SameState(before) {
				return before, errNoChange
			}
		}
		return order, nil
	})
}

// Update changes some fields of an order and loses no change that comes at the
// same time: change gets the newest state, and is called again when another one
// was stored meanwhile. What it sets to the zero value is cleared. Updated is set.
// An error of change is returned as it is, and nothing is stored; nor is it when
// change changes nothing. It returns the order as it is then. The error matches
// also domain.ErrConflict, and tells the field, when the change is not legal: see
// domain.Order.Follows.
func (o *Orders) Update(ctx context.Context, exchange, id string, change func(*domain.Order) error) (domain.Order, error) {
	return o.change(ctx, exchange, id, func(before domain.Order) (domain.Order, error) {
		if before.Status == 0 {
			return before, noOrder(exchange, id)
		}
		next := before
		if err := change(&next); err != nil {
			return before, err
		}
		if next.SameState(before) {
			return before, errNoChange
		}
		return next, nil
	})
}

// Delete forgets a final order; its id stays taken. The error matches also
// domain.ErrConflict for an order that is not final.
func (o *Orders) Delete(ctx context.Context, exchange, id string) (domain.LogPosition, error) {
	if err := checkOrder(exchange, id); err != nil {
		return domain.LogPosition{}, err
	}
	for {
		now, err := o.newest(ctx, exchange, id)
		switch {
		case err != nil:
			return domain.LogPosition{}, err
		case now.deleted:
			return domain.LogPosition{Stream: bus.OrderStream(exchange), Seq: now.last}, nil
		case now.order.Status == 0:
			return domain.LogPosition{}, noOrder(exchange, id)
		case !now.order.Status.Final():
			return domain.LogPosition{}, fmt.Errorf("order %s of %s: %w: it is %s; only a final order can be deleted",
				id, exchange, domain.ErrConflict, now.order.Status)
		}
		pos, err := o.client.log.Commit(ctx, bus.Change{Event: domain.OrderDeleted{Exchange: exchange, ID: id}, Last: now.last})
		if !errors.Is(err, domain.ErrConflict) || ctx.Err() != nil {
			return pos, err
		}
	}
}

// Cancel cancels an order that nobody has sent, and asks whoever has sent one to
// cancel it at the venue: CancelRequested. It returns the order as it is then.
// The error matches also domain.ErrConflict, and names the status, for an order
// that is final; canceling a canceled one is no error.
func (o *Orders) Cancel(ctx context.Context, exchange, id string) (domain.Order, error) {
	return o.Update(ctx, exchange, id, func(order *domain.Order) error {
		switch {
		case order.Status == domain.OrderCanceled:
		case order.Status.Final():
			return fmt.Errorf("order %s of %s: %w: it is %s", id, exchange, domain.ErrConflict, order.Status)
		case order.Status == domain.OrderNew:
			order.Status, order.Dead, order.Reason = domain.OrderCanceled, false, "canceled before it was sent"
		default:
			order.CancelRequested = true
		}
		return nil
	})
}
