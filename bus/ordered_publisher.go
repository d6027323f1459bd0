package bus

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/sourcegraph/conc/pool"

	"github.com/fullon/fullon/domain"
)

// OrderedPublisher stores trades, candles and gaps in the order in which they
// were given, each once, through outages of the log: after an error it reads
// back what was stored and goes on behind it. It is safe for concurrent use;
// the events of one market must come from one goroutine at a time, and from
// one publisher.
type OrderedPublisher struct {
	bus      *Bus
	capacity int
	lanes    map[string]*lane
	acked    atomic.Uint64
	retries  atomic.Uint64
}

// OrderedStats counts what an OrderedPublisher did since it was made.
type OrderedStats struct {
	Acked   uint64 // stored by the log
	Retries uint64 // times that storing went wrong and was taken up again
	Waiting int    // events not yet acknowledged
}

// NewOrderedPublisher makes a publisher that holds at most capacity events per
// stream that the log has not acknowledged. Run must be running.
func (b *Bus) NewOrderedPublisher(capacity int) *OrderedPublisher {
	p := &OrderedPublisher{bus: b, capacity: capacity, lanes: make(map[string]*lane)}
	for _, stream := range b.Layout().TradeStreams() {
		p.lanes[stream] = &lane{
			publisher: p, stream: stream, log: b.cfg.Log.With("stream", stream), arrived: make(chan struct{}, 1),
		}
	}
	return p
}

// Publish validates an event and queues it. It does not block. The error
// matches domain.ErrInvalid, or domain.ErrFull when the stream's queue is full:
// then the event was not taken, and the caller has a hole to fill.
func (p *OrderedPublisher) Publish(event domain.Event) error {
	msg, stream, err := p.bus.message(event)
	if err != nil {
		return err
	}
	l, ok := p.lanes[stream]
	if !ok {
		return domain.Invalid("kind", string(event.Key().Kind), "trade, candle or gap")
	}
	l.mu.Lock()
	if len(l.queue) >= p.capacity {
		l.mu.Unlock()
		return fmt.Errorf("%s: %d events wait for the log: %w", stream, p.capacity, domain.ErrFull)
	}
	l.queue = append(l.queue, msg)
	l.mu.Unlock()
	select {
	case l.arrived <- struct{}{}:
	default:
	}
	return nil
}

// Run stores what is queued. It blocks until ctx ends, then gives the log up to
// grace to take the rest; what is left then is an error.
func (p *OrderedPublisher) Run(ctx context.Context, grace time.Duration) error {
	// The lanes' own context ends grace after ctx, so that a lane that is in
	// the middle of a chunk can finish it.
	lanes, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	defer stop()
	group := pool.New().WithErrors()
	for _, l := range p.lanes {
		group.Go(func() error { return l.run(ctx, lanes) })
	}
	return group.Wait()
}

// Stats returns the counts so far.
func (p *OrderedPublisher) Stats() OrderedStats {
	s := OrderedStats{Acked: p.acked.Load(), Retries: p.retries.Load()}
	for _, l := range p.lanes {
		l.mu.Lock()
		s.Waiting += len(l.queue)
		l.mu.Unlock()
	}
	return s
}
