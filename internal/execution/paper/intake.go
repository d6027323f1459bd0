package paper

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
)

const (
	// maxTogether is how many orders are decided on together at most.
	maxTogether = 512
	// sharedPatience bounds a read of ticks for several orders. One that takes so
	// long waits for a part of the cache, and the others are not to wait with it.
	sharedPatience = 250 * time.Millisecond
)

// intake takes orders of callers who know nothing of each other together: those
// that come while others are decided on and stored share the next read of the
// ticks, the next record of the journal, and one waking of each caller. A lone
// order is taken at once.
type intake struct {
	take func(batch []*submission)

	mu      sync.Mutex
	waiting []*submission
	taking  bool // there is a goroutine that takes them
	closed  bool
	group   sync.WaitGroup

	// Of the goroutine that takes them, to be used again.
	symbols []string
	places  map[string]int // in symbols
}

// submission is an order on its way to being decided on.
type submission struct {
	ctx    context.Context
	order  domain.Order
	report execution.Report
	err    error
	alone  bool          // its tick could not be read together with others
	done   chan struct{} // has room for one, so it can be used again
}

var submissions = sync.Pool{New: func() any { return &submission{done: make(chan struct{}, 1)} }}

// submit decides on an order and stores what it changed.
func (x *Exchange) submit(ctx context.Context, order *domain.Order) (report execution.Report, err error) {
	s := submissions.Get().(*submission)
	s.ctx, s.order = ctx, *order
	if !x.intake.add(s) {
		return report, fmt.Errorf("%w: %w", execution.ErrUnanswered, errClosed)
	}
	select {
	case <-s.done:
	case <-ctx.Done():
		return report, gone(ctx) // the submission is not ours any more
	}
	if s.alone {
		report, err = x.submitAlone(ctx, order)
	} else {
		report, err = s.report, s.err
	}
	s.ctx, s.report, s.err, s.alone = nil, execution.Report{}, nil, false
	submissions.Put(s)
	return report, err
}

// submitAlone is submit with a read of its own, for as long as the caller waits.
func (x *Exchange) submitAlone(ctx context.Context, order *domain.Order) (execution.Report, error) {
	tick, missing := x.tick(ctx, order.Symbol)
	if ctx.Err() != nil { // which says nothing about the tick
		return execution.Report{}, gone(ctx)
	}
	return x.decide(func(e *engine, now time.Time) ([]change, execution.Report, error) {
		return e.place(nil, order, &tick, missing, now)
	})
}

func gone(ctx context.Context) error {
	return fmt.Errorf("%w: %w", execution.ErrUnanswered, ctx.Err())
}

// add queues a submission, and sees to it that it is taken. It returns false once
// the intake is closed.
func (in *intake) add(s *submission) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return false
	}
	in.waiting = append(in.waiting, s)
	if !in.taking {
		in.taking = true
		// Not in the caller's goroutine: he waits no longer than he wants.
		in.group.Go(func() {
			for batch := in.next(nil); len(batch) > 0; batch = in.next(batch) {
				in.take(batch)
			}
		})
	}
	return true
}

// next is what waits; the batch before it is used again.
func (in *intake) next(before []*submission) []*submission {
	in.mu.Lock()
	defer in.mu.Unlock()
	clear(before)
	batch, rest := in.waiting, []*submission(nil)
	if len(batch) > maxTogether {
		batch, rest = batch[:maxTogether:maxTogether], batch[maxTogether:]
	}
	in.waiting = before[:0]
	in.waiting = append(in.waiting, rest...)
	in.taking = len(batch) > 0
	return batch
}

// close lets what waits be taken, and nothing after it.
func (in *intake) close() {
	in.mu.Lock()
	in.closed = true
	in.mu.Unlock()
	in.group.Wait()
}

// take decides on orders and stores what they changed, then answers them all.
func (x *Exchange) take(batch []*submission) {
	x.place(batch)
	err := x.flush()
	for _, s := range batch {
		if err != nil && !s.alone {
			s.report, s.err = execution.Report{}, fmt.Errorf("%w: %w", execution.ErrUnanswered, err)
		}
		s.done <- struct{}{}
	}
}

// place decides on orders.
func (x *Exchange) place(batch []*submission) {
	ticks, err := x.ticksOf(batch)
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, s := range batch {
		switch {
		case s.ctx.Err() != nil:
			s.err = gone(s.ctx)
		case err != nil:
			s.alone = true
		default:
			tick, missing := &ticks[x.intake.places[s.order.Symbol]], ""
			if tick.Symbol == "" {
				missing = noTick
			}
			x.pending, s.report, s.err = x.engine.place(x.pending, &s.order, tick, missing, x.cfg.Now())
		}
	}
}

// ticksOf reads the newest ticks of the symbols of orders, each in its place.
func (x *Exchange) ticksOf(batch []*submission) ([]domain.Tick, error) {
	in := &x.intake
	in.symbols = in.symbols[:0]
	clear(in.places)
	for _, s := range batch {
		if _, known := in.places[s.order.Symbol]; !known {
			in.places[s.order.Symbol] = len(in.symbols)
			in.symbols = append(in.symbols, s.order.Symbol)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), sharedPatience)
	defer cancel()
	return x.cfg.Ticks.GetEach(ctx, x.cfg.Exchange, in.symbols)
}
