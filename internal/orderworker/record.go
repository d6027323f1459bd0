package orderworker

import (
	"context"
	"errors"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/pause"
)

// retryOutcome is how long the recording of an outcome that is known is tried
// again: past it the order is found at INTENT by somebody else, who asks.
const retryOutcome = 30 * time.Second

// outcome records what became of an order, of which before is what is known. If
// it is known otherwise by now, what the venue said is put on top of that.
func (w *Worker) outcome(ctx context.Context, before, after domain.Order) {
	if same(&before, after) {
		return
	}
	w.recorded(ctx, &after, w.orders.RecordEach(ctx, []*domain.Order{&after})[0])
}

// recorded goes on with the recording of an outcome, of which the first try gave
// err.
func (w *Worker) recorded(ctx context.Context, after *domain.Order, err error) {
	if err == nil {
		w.sent.know(after)
	}
	// The first conflict says that the order is known otherwise by now. Update
	// looks what it has become, so a conflict of that will not go away.
	end, definite := time.Now().Add(retryOutcome), domain.ErrInvalid
	for err != nil {
		if errors.Is(err, definite) || errors.Is(err, domain.ErrInvalid) || ctx.Err() != nil || time.Now().After(end) {
			w.log.Error("outcome of an order not recorded", "order", after.ID, "status", after.Status, "error", err)
			return
		}
		if !errors.Is(err, domain.ErrConflict) {
			pause.For(ctx, 100*time.Millisecond)
		}
		definite = domain.ErrConflict
		_, err = w.orders.Update(ctx, after.Exchange, after.ID, func(now *domain.Order) error { return onTop(now, *after) })
	}
	if after.Status.Final() || after.Status.Resting() {
		w.stats.settled.Add(1)
	}
}

// same tells whether the venue said nothing new of an order.
func same(before *domain.Order, after domain.Order) bool {
	return after.Status == before.Status && after.Filled.Equal(before.Filled) && after.VenueOrderID == before.VenueOrderID
}

// onTop puts an outcome on top of what an order has become meanwhile. Where that
// has gone further, it stays as it is.
func onTop(now *domain.Order, outcome domain.Order) error {
	ahead := outcome.Attempt < now.Attempt || // another attempt is under way
		!now.Status.CanBecome(outcome.Status) || outcome.Filled.LessThan(now.Filled)
	if ahead {
		return nil
	}
	now.Status, now.Reason, now.Filled, now.AveragePrice = outcome.Status, outcome.Reason, outcome.Filled, outcome.AveragePrice
	now.VenueOrderID, now.VenueTime = outcome.VenueOrderID, outcome.VenueTime
	now.Dead = now.Dead && now.Status.Queued()
	return nil
}
