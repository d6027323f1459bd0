package client

import (
	"context"
	"fmt"
	"time"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
)

func (d OrderDelivery) lease() cachestore.OrderLease {
	return cachestore.OrderLease{Symbol: d.Symbol, ID: d.ID, Token: d.token, Epoch: d.at.Epoch}
}

// Ack says that an order was dealt with: it is handed out no more. If the log
// still has it as one that waits for a worker, whoever popped it has acted
// outside of the log, and it is recorded as accepted, by way of an intent; any
// other state stays as it is. It counts even if the lease has ended meanwhile.
// After domain.ErrUnreachable acknowledge again; doing it twice does no harm. It
// returns the order as it is then.
func (o *Orders) Ack(ctx context.Context, d OrderDelivery) (domain.Order, error) {
	for {
		order, err := o.Update(ctx, d.Exchange, d.ID, func(now *domain.Order) error {
			switch {
			case now.Status == domain.OrderNew:
				now.Status, now.Attempt, now.Worker, now.Token = domain.OrderIntent, now.Attempt+1, o.worker, d.BlockToken
			case now.Status.Queued():
				now.Status, now.Dead = domain.OrderAccepted, false
			}
			return nil
		})
		if err != nil {
			return order, err
		}
		if !order.Status.Queued() {
			// The projector takes it out of the queue; until then the lease keeps it
			// from being handed out. If this fails it may come once more, as it may
			// anyway, and whoever gets it finds that the log has it as dealt with.
			_, _ = o.client.exchange(d.Exchange).MoveOrderLease(ctx, d.lease(), cachestore.KeepLease, ackGrace)
			return order, nil
		}
	}
}

// Nack gives an order back. It is the first of its symbol to be handed out again,
// after a delay of up to MaxLease. The error matches also domain.ErrConflict when
// the lease has ended before.
func (o *Orders) Nack(ctx context.Context, d OrderDelivery, delay time.Duration) error {
	if delay < 0 || delay > MaxLease {
		return domain.Invalid("delay", delay.String(), "0 to 24h")
	}
	return o.move(ctx, d, cachestore.ReturnLease, delay)
}

// Defer is Nack for an order that could not be dealt with for reasons that are
// not its own, such as an outage: it does not count as a try, so that however long
// that lasts it makes no dead letter.
func (o *Orders) Defer(ctx context.Context, d OrderDelivery, delay time.Duration) error {
	if delay < 0 || delay > MaxLease {
		return domain.Invalid("delay", delay.String(), "0 to 24h")
	}
	return o.move(ctx, d, cachestore.DeferLease, delay)
}

// Extend lets the lease end lease from now on, 1 ms to MaxLease. The error
// matches also domain.ErrConflict when it has ended before: somebody else may
// have the order. The lease of an order that waits no more does not end.
func (o *Orders) Extend(ctx context.Context, d OrderDelivery, lease time.Duration) error {
	if err := checkLease(lease); err != nil {
		return err
	}
	return o.move(ctx, d, cachestore.ExtendLease, lease)
}

func (o *Orders) move(ctx context.Context, d OrderDelivery, move cachestore.LeaseMove, by time.Duration) error {
	if err := checkOrder(d.Exchange, d.ID); err != nil {
		return err
	}
	held, err := o.client.exchange(d.Exchange).MoveOrderLease(ctx, d.lease(), move, by)
	switch {
	case err == nil && held && by == 0:
		// The log does not tell; this process at least can have the order at once.
		o.client.changes.nudge(o.client.exchange(d.Exchange).Stream())
	case err == nil && !held:
		err = fmt.Errorf("order %s of %s: %w: the lease has ended", d.ID, d.Exchange, domain.ErrConflict)
	}
	return err
}
