package orderworker

import (
	"context"
	"runtime"
	"sync"

	"github.com/fullon/fullon/domain"
)

// outcome is what became of an order that the venue said yes to.
type outcome struct {
	order *held
	its   *sentOrder
	after *domain.Order
}

// outcomes are those that are to be recorded.
type outcomes struct {
	mu      sync.Mutex
	waiting []outcome
	coming  bool // somebody is about to record what waits
}

// add adds an outcome. It reports whether nobody is about to record it.
func (o *outcomes) add(one outcome) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.waiting = append(o.waiting, one)
	alone := !o.coming
	o.coming = true
	return alone
}

func (o *outcomes) take() []outcome {
	o.mu.Lock()
	defer o.mu.Unlock()
	batch := o.waiting
	o.waiting, o.coming = make([]outcome, 0, len(batch)), false
	return batch
}

// record records the outcome of an order, and is done with it. Outcomes that come
// at the same time go into the log together: the first to come lets all others that
// can run do so before it records its own and theirs. One that is alone waits for
// nobody, and none waits for an answer of the log to another.
func (w *Worker) record(ctx context.Context, one outcome) {
	if !w.outcomes.add(one) {
		return
	}
	if w.stats.inHand.Load() > 1 {
		runtime.Gosched()
	}
	batch := w.outcomes.take()
	orders := make([]*domain.Order, len(batch))
	for i, o := range batch {
		orders[i] = o.after
	}
	done := make([]*held, 0, len(batch))
	for i, err := range w.orders.RecordEach(ctx, orders) {
		if err != nil {
			w.hands.do(func() {
				w.recorded(ctx, orders[i], err)
				w.over(ctx, batch[i].order, batch[i].its)
			})
			continue
		}
		w.recorded(ctx, orders[i], nil)
		if news := w.sent.end(batch[i].its); len(news) > 0 {
			w.hands.do(func() { w.told(ctx, batch[i].order, news) })
			continue
		}
		done = append(done, batch[i].order)
	}
	w.done(done...)
}
