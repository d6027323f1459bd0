package orderworker

import (
	"context"
	"errors"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/pause"
)

// cancel takes orders out of the venue's book that their makers want to be
// cancelled. Several workers may do that for the same order: the second finds
// it gone.
func (w *Worker) cancel(ctx context.Context) error {
	for ctx.Err() == nil {
		for order, err := range w.orders.Cancels(ctx, w.cfg.Exchange) {
			if err != nil {
				w.log.Debug("waiting for orders to cancel", "error", err)
				continue
			}
			w.cancelOne(ctx, order)
		}
		pause.For(ctx, time.Second)
	}
	return nil
}

func (w *Worker) cancelOne(ctx context.Context, o domain.Order) {
	venue, err := w.venue(o.Account)
	if err != nil {
		return // another worker's
	}
	asking, done := context.WithTimeout(ctx, w.cfg.Timeout)
	report, err := venue.Cancel(asking, o)
	done()
	w.stats.canceled.Add(1)
	switch {
	case err == nil:
		_, err = w.orders.Update(ctx, o.Exchange, o.ID, func(now *domain.Order) error {
			after := applied(*now, report)
			if after.Status == now.Status {
				return errUnchanged
			}
			*now = after
			return nil
		})
	case errors.Is(err, execution.ErrRejected):
		// Asked again it would say no again.
		_, err = w.orders.Update(ctx, o.Exchange, o.ID, func(now *domain.Order) error {
			now.CancelRequested, now.Reason = false, abbreviate("not cancelled: "+err.Error())
			return nil
		})
	}
	if err != nil && !errors.Is(err, errUnchanged) {
		w.log.Warn("order not cancelled yet", "order", o.ID, "error", err)
	}
}
