package bus

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sourcegraph/conc/pool"

	"github.com/fullon/fullon/domain"
)

// OrderedPublisher stores trades, candles and gaps in the order in which they
// were given, each once, through outages of the log: after an error it reads
// back what was stored and goes on behind it. It is safe for concurrent use;
// the events of one market must come from one goroutine at a time.
//
// Two publishers may have the same market: what one stores is on the condition
// that the other has stored no trade since. The one that comes too late stores
// nothing more of the market until Resume.
type OrderedPublisher struct {
	bus        *Bus
	capacity   int
	lanes      map[string]*lane
	onConflict func(exchange, symbol string)
	acked      atomic.Uint64
	retries    atomic.Uint64
	conflicts  atomic.Uint64

	mu      sync.RWMutex
	markets map[marketName]*market
}

type marketName struct{ exchange, symbol string }

// OrderedStats counts what an OrderedPublisher did since it was made.
type OrderedStats struct {
	Acked   uint64 // stored by the log
	Retries uint64 // times that storing went wrong and was taken up again
	// Conflicts is how often somebody else had stored a trade of the same market.
	Conflicts uint64
	Waiting   int // events not yet acknowledged
}

// NewOrderedPublisher makes a publisher that holds at most capacity events per
// stream that the log has not acknowledged. Run must be running.
func (b *Bus) NewOrderedPublisher(capacity int) *OrderedPublisher {
	p := &OrderedPublisher{bus: b, capacity: capacity, lanes: make(map[string]*lane), markets: make(map[marketName]*market)}
	for _, stream := range b.Layout().TradeStreams() {
		p.lanes[stream] = &lane{
			publisher: p, stream: stream, log: b.cfg.Log.With("stream", stream), arrived: make(chan struct{}, 1),
		}
	}
	return p
}

// OnConflict sets what is told that somebody else stores the trades of a market;
// what of it waited is dropped. It must not block, and may call Resume only from
// another goroutine. To be called before Run.
func (p *OrderedPublisher) OnConflict(told func(exchange, symbol string)) { p.onConflict = told }

// Resume says that the caller knows the log's trades of a market up to the one
// with sequence last; zero: there is none. What it publishes from now on is
// stored if no trade came after that one; what still waits is dropped. A market
// that was never resumed goes on behind whatever the log has at its first event.
func (p *OrderedPublisher) Resume(exchange, symbol string, last uint64) error {
	m, stream, err := p.newMarket(exchange, symbol)
	if err != nil {
		return err
	}
	m.known, m.last = true, last
	name := marketName{exchange, symbol}
	p.mu.Lock()
	before := p.markets[name]
	p.markets[name] = m
	p.mu.Unlock()
	if before != nil {
		p.lanes[stream].end(before)
	}
	return nil
}

func (p *OrderedPublisher) newMarket(exchange, symbol string) (*market, string, error) {
	address, err := p.bus.address(domain.Key{Kind: domain.KindTrade, Exchange: exchange, Symbol: symbol})
	return &market{exchange: exchange, symbol: symbol, subject: address.Subject}, address.Stream, err
}

// market is the one of an event.
func (p *OrderedPublisher) market(key domain.Key) (*market, error) {
	name := marketName{key.Exchange, key.Symbol}
	p.mu.RLock()
	m := p.markets[name]
	p.mu.RUnlock()
	if m != nil {
		return m, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if m = p.markets[name]; m != nil {
		return m, nil
	}
	m, _, err := p.newMarket(key.Exchange, key.Symbol)
	if err == nil {
		p.markets[name] = m
	}
	return m, err
}

// Publish validates an event and queues it. It does not block. The error
// matches domain.ErrInvalid; domain.ErrFull when the stream's queue is full:
// then the event was not taken, and the caller has a hole to fill; or
// domain.ErrConflict when somebody else stores the market's trades, until Resume.
func (p *OrderedPublisher) Publish(event domain.Event) error {
	msg, err := p.bus.message(event)
	if err != nil {
		return err
	}
	l, ok := p.lanes[msg.Stream]
	if !ok {
		return domain.Invalid("kind", string(event.Key().Kind), "trade, candle or gap")
	}
	m, err := p.market(event.Key())
	if err != nil {
		return err
	}
	l.mu.Lock()
	if m.over.Load() {
		l.mu.Unlock()
		return fmt.Errorf("%s: somebody else stores the trades: %w", m.subject, domain.ErrConflict)
	}
	if len(l.queue) >= p.capacity {
		l.mu.Unlock()
		return fmt.Errorf("%s: %d events wait for the log: %w", msg.Stream, p.capacity, domain.ErrFull)
	}
	l.queue = append(l.queue, queued{msg, m})
	l.mu.Unlock()
	select {
	case l.arrived <- struct{}{}:
	default:
	}
	return nil
}

// Run stores what is queued. It blocks until ctx ends, then gives the log up to
// grace to take the rest; what is left then is an error. It matches
// domain.ErrMismatch, and comes at once, where the deployment is repartitioned:
// nothing more can be stored in its streams then.
func (p *OrderedPublisher) Run(ctx context.Context, grace time.Duration) error {
	// The lanes' own context ends grace after ctx, so that a lane that is in
	// the middle of a chunk can finish it.
	lanes, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	stop := context.AfterFunc(ctx, func() {
		within, end := context.WithTimeout(lanes, grace)
		defer end()
		cancel(p.bus.closed(within, p.bus.Layout().trades()))
	})
	defer stop()
	group := pool.New().WithErrors()
	for _, l := range p.lanes {
		group.Go(func() error { return l.run(ctx, lanes) })
	}
	return group.Wait()
}

// Stats returns the counts so far.
func (p *OrderedPublisher) Stats() OrderedStats {
	s := OrderedStats{Acked: p.acked.Load(), Retries: p.retries.Load(), Conflicts: p.conflicts.Load()}
	for _, l := range p.lanes {
		s.Waiting += l.waiting()
	}
	return s
}
