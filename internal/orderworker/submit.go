package orderworker

import (
	"context"
	"errors"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
)

// submit sends an order that is at INTENT by this worker, once and while sending
// lasts, which has the INTENT's deadline. What became of it is recorded then: by
// somebody else, if it is a clear yes, together with that of other orders.
func (w *Worker) submit(ctx, sending context.Context, d *held, o *domain.Order) {
	if ctx.Err() != nil || !time.Now().Before(o.Deadline) {
		// Nobody else sends in the name of this INTENT, so it was not sent.
		w.outcome(ctx, *o, missing(*o, "not sent before its deadline"))
		w.giveBack(ctx, d, 0)
		w.done(d)
		return
	}
	venue, err := w.venue(o.Account)
	if err != nil {
		w.outcome(ctx, *o, missing(*o, err.Error()))
		w.giveBack(ctx, d, retryAfter)
		w.done(d)
		return
	}
	its := w.sent.begin(o.ID)
	report, err := venue.Submit(sending, *o)
	w.stats.submitted.Add(1)
	if after := applied(*o, report); err == nil && !same(o, after) {
		*o = after
		w.record(ctx, outcome{d, its, o})
		return
	}
	if err != nil {
		w.refused(ctx, d, *o, err)
	}
	w.over(ctx, d, its)
}

// over ends the sending of an order of which is recorded what became of it.
func (w *Worker) over(ctx context.Context, d *held, its *sentOrder) { w.told(ctx, d, w.sent.end(its)) }

// told looks at what the venue said of an order while it was sent, and is done
// with the order.
func (w *Worker) told(ctx context.Context, d *held, news []execution.Report) {
	for _, report := range news {
		w.feeds[d.Account].apply(ctx, report)
	}
	w.done(d)
}

// refused sees to an order that the venue did not say yes to.
func (w *Worker) refused(ctx context.Context, d *held, o domain.Order, err error) {
	no, rejected := errors.AsType[*execution.Rejected](err)
	later, limited := errors.AsType[*execution.RateLimited](err)
	switch {
	case rejected && no.Duplicate:
		w.ask(ctx, d, o)
	case rejected:
		after := o
		after.Status, after.Reason = domain.OrderRejected, abbreviate(no.Reason)
		w.stats.rejected.Add(1)
		w.outcome(ctx, o, after)
	case limited:
		w.log.Warn("the venue wants less", "order", o.ID, "error", err)
		w.outcome(ctx, o, missing(o, later.Error()))
		w.giveBack(ctx, d, max(later.RetryAfter, 100*time.Millisecond))
	default:
		w.stats.unanswered.Add(1)
		w.log.Warn("the venue did not answer", "order", o.ID, "error", err)
		unknown := o
		unknown.Status, unknown.Reason = domain.OrderUnknown, abbreviate(err.Error())
		w.outcome(ctx, o, unknown)
		w.giveBack(ctx, d, w.untilSure(o))
	}
}

// resolve finds out what became of an order that somebody was about to send.
func (w *Worker) resolve(ctx context.Context, d *held) {
	w.ask(ctx, d, d.Order)
}

// ask asks the venue for an order and records what it says. That it does not
// know the order is believed once it can no longer arrive.
func (w *Worker) ask(ctx context.Context, d *held, o domain.Order) {
	venue, err := w.venue(o.Account)
	if err != nil {
		// Another worker may have the account; if none has, nobody can ever tell.
		w.log.Warn("order not asked for", "order", o.ID, "error", err)
		if err := w.orders.Nack(ctx, *d.OrderDelivery, time.Second<<min(d.Tries, 4)); err != nil {
			w.log.Debug("lease left to end", "order", d.ID, "error", err)
		}
		return
	}
	sure := w.untilSure(o) <= 0 // before the question, not after the answer
	asking, cancel := context.WithTimeout(ctx, w.cfg.Timeout)
	report, err := venue.Query(asking, o)
	cancel()
	w.stats.queried.Add(1)
	switch {
	case err == nil:
		w.outcome(ctx, o, applied(o, report))
	case errors.Is(err, domain.ErrNotFound) && sure:
		w.outcome(ctx, o, missing(o, "the venue does not know it"))
		w.giveBack(ctx, d, 0)
	case errors.Is(err, domain.ErrNotFound):
		w.giveBack(ctx, d, w.untilSure(o))
	default:
		if o.Status == domain.OrderIntent {
			unknown := o
			unknown.Status, unknown.Reason = domain.OrderUnknown, abbreviate(err.Error())
			w.outcome(ctx, o, unknown)
		}
		w.giveBack(ctx, d, retryAfter)
	}
}

// untilSure is how long it takes until an order that the venue does not know
// cannot arrive there any more.
func (w *Worker) untilSure(o domain.Order) time.Duration {
	return time.Until(o.Deadline.Add(w.cfg.Margin))
}

func missing(o domain.Order, reason string) domain.Order {
	o.Status, o.Reason = domain.OrderNotFound, abbreviate(reason)
	return o
}

// applied is an order as a report says that it is; where the report is older
// than what is known, as it was.
func applied(o domain.Order, r execution.Report) domain.Order {
	if !o.Status.CanBecome(r.Status) || r.Filled.LessThan(o.Filled) {
		return o
	}
	o.Status, o.Filled, o.Reason, o.Dead = r.Status, r.Filled, abbreviate(r.Reason), false
	if !r.AveragePrice.IsZero() {
		o.AveragePrice = r.AveragePrice
	}
	if r.VenueOrderID != "" {
		o.VenueOrderID = r.VenueOrderID
	}
	if !r.Time.IsZero() {
		o.VenueTime = r.Time
	}
	return o
}
