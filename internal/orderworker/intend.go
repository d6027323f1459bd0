package orderworker

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
)

// intendAtOnce bounds how many INTENTs are stored together.
const intendAtOnce = 128

// send brings orders that are not at the venue on their way there.
func (w *Worker) send(ctx context.Context, batch []*held) {
	for part := range slices.Chunk(w.gate(ctx, batch), intendAtOnce) {
		w.intend(ctx, part)
	}
}

// intend stores the INTENTs of orders together, and sends each on its own.
func (w *Worker) intend(ctx context.Context, batch []*held) {
	deliveries := make([]client.OrderDelivery, len(batch))
	for i, d := range batch {
		deliveries[i] = *d.OrderDelivery
	}
	deadline := time.Now().Add(w.cfg.Timeout)
	orders, errs := w.orders.Intend(ctx, w.cfg.ID, deadline, deliveries)
	sending := until(ctx, deadline, len(batch))
	for i, d := range batch {
		w.hands.do(func() {
			defer sending.leave()
			if errs[i] != nil {
				w.notIntended(ctx, d, errs[i])
				w.done(d)
				return
			}
			w.submit(ctx, sending.Context, d, &orders[i])
		})
	}
}

// shared is a context with a deadline for several orders: a timer for each would
// cost more.
type shared struct {
	context.Context
	cancel context.CancelFunc
	left   atomic.Int64
}

func until(ctx context.Context, deadline time.Time, orders int) *shared {
	s := new(shared)
	s.Context, s.cancel = context.WithDeadline(ctx, deadline)
	s.left.Store(int64(orders))
	return s
}

// leave says that one of the orders needs it no more.
func (s *shared) leave() {
	if s.left.Add(-1) == 0 {
		s.cancel()
	}
}

// notIntended sees to an order whose INTENT was not stored, or may have been.
func (w *Worker) notIntended(ctx context.Context, d *held, err error) {
	delay := time.Duration(0)
	switch {
	case errors.Is(err, domain.ErrConflict):
		w.stats.conflicts.Add(1)
	default:
		// It may have been stored: whoever pops the order next sees what it is.
		w.log.Warn("order not sent", "order", d.ID, "error", err)
		delay = retryAfter
	}
	w.giveBack(ctx, d, delay)
}
