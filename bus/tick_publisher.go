package bus

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

const (
	// maxTicksInFlight is how many ticks may wait for their acknowledgement
	// before newer ones replace older ones of the same market.
	maxTicksInFlight = 8192
	tickRetry        = 20 * time.Millisecond
)

// TickPublisher publishes ticks and feeds as fast as the log takes them. While
// the log is slow or away, the latest tick of each market waits and older ones
// are dropped and counted. It is safe for concurrent use.
type TickPublisher struct {
	bus *Bus
	js  jetstream.JetStream

	mu      sync.Mutex
	waiting map[string]*nats.Msg // by subject: the latest of each market that could not be sent
	latest  map[string]*nats.Msg // by subject: the latest that was sent
	wake    chan struct{}

	// What is under way has a lock of its own, under which no other is taken:
	// the client library calls back with its lock held, and takes that lock when
	// it is given a message.
	sentMu  sync.Mutex
	unacked map[*nats.Msg]struct{} // sent; the library's own count leaves out what it is about to report
	lost    []*nats.Msg            // sent, but the log did not acknowledge

	conflated atomic.Uint64
	failed    atomic.Uint64
	sent      atomic.Uint64
}

// TickStats counts what a TickPublisher did since it was made.
type TickStats struct {
	Sent      uint64 // handed to the log
	Conflated uint64 // dropped because a newer one of the same market came
	Failed    uint64 // not acknowledged; the latest of each market is sent again
	Waiting   int    // markets whose latest tick waits now
	InFlight  int    // ticks and feeds sent and not yet acknowledged
}

// NewTickPublisher makes a publisher; Run must be running for ticks that had
// to wait.
func (b *Bus) NewTickPublisher() (*TickPublisher, error) {
	p := &TickPublisher{
		bus: b, waiting: make(map[string]*nats.Msg), latest: make(map[string]*nats.Msg), unacked: make(map[*nats.Msg]struct{}),
		wake: make(chan struct{}, 1),
	}
	js, err := jetstream.New(b.nc,
		jetstream.WithPublishAsyncMaxPending(2*maxTicksInFlight),
		jetstream.WithPublishAsyncTimeout(b.cfg.Timeout),
		jetstream.WithPublishAsyncErrHandler(func(_ jetstream.JetStream, msg *nats.Msg, err error) {
			p.lose(msg)
		}),
		jetstream.WithPublishAsyncAckHandler(func(_ jetstream.JetStream, msg *nats.Msg, _ *jetstream.PubAck) {
			p.settle(msg)
		}))
	if err != nil {
		return nil, fmt.Errorf("JetStream: %w", err)
	}
	p.js = js
	return p, nil
}

// Publish validates a tick and sends it or lets it wait. It does not block. The
// error matches domain.ErrInvalid.
func (p *TickPublisher) Publish(tick domain.Tick) error {
	if err := tick.Validate(); err != nil {
		return err
	}
	data, err := wire.Encode(tick)
	if err != nil {
		return err
	}
	return p.publish(tick.Key(), data)
}

// Delete removes a market's tick, behind those that were published before. It does
// not block. The error matches domain.ErrInvalid.
func (p *TickPublisher) Delete(exchange, symbol string) error {
	deleted := domain.TickDeleted{Exchange: exchange, Symbol: symbol}
	if err := deleted.Validate(); err != nil {
		return err
	}
	data, err := wire.Encode(deleted)
	if err != nil {
		return err
	}
	return p.publish(deleted.Key(), data)
}

func (p *TickPublisher) publish(key domain.Key, data []byte) error {
	address, err := p.bus.address(key)
	if err != nil {
		return err
	}
	msg := &nats.Msg{Subject: address.Subject, Data: data}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, behind := p.waiting[msg.Subject]; behind {
		p.conflated.Add(1)
		p.waiting[msg.Subject] = msg
		return nil
	}
	if !p.send(msg) {
		p.waiting[msg.Subject] = msg
		p.poke()
	}
	return nil
}

// PublishFeed sends a feed's sign of life to every partition of ticks. While
// ticks wait it sends nothing: a feed vouches for the ticks before it. It does
// not block. The error matches domain.ErrInvalid.
func (p *TickPublisher) PublishFeed(feed domain.Feed) error {
	if err := feed.Validate(); err != nil {
		return err
	}
	data, err := wire.Encode(feed)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.takeLost()
	if len(p.waiting) > 0 {
		return nil
	}
	for _, address := range p.bus.Layout().FeedAddresses(feed.Exchange) {
		_ = p.handOver(&nats.Msg{Subject: address.Subject, Data: data})
	}
	return nil
}

// send reports whether the connection took the tick.
func (p *TickPublisher) send(msg *nats.Msg) bool {
	if !p.bus.nc.IsConnected() || p.js.PublishAsyncPending() >= maxTicksInFlight {
		return false
	}
	if err := p.handOver(msg); err != nil {
		return false
	}
	p.latest[msg.Subject] = msg
	p.sent.Add(1)
	return true
}

func (p *TickPublisher) handOver(msg *nats.Msg) error {
	p.sentMu.Lock()
	p.unacked[msg] = struct{}{}
	p.sentMu.Unlock()
	_, err := p.js.PublishMsgAsync(msg)
	if err != nil {
		p.settle(msg)
	}
	return err
}

// settle notes that nothing more is to come of a message.
func (p *TickPublisher) settle(msg *nats.Msg) {
	p.sentMu.Lock()
	delete(p.unacked, msg)
	idle := len(p.unacked) == 0
	p.sentMu.Unlock()
	if idle {
		p.poke()
	}
}

// lose notes a message that was not acknowledged. The client library may call
// it in any order, and with its own lock held.
func (p *TickPublisher) lose(msg *nats.Msg) {
	p.failed.Add(1)
	p.sentMu.Lock()
	delete(p.unacked, msg)
	p.lost = append(p.lost, msg)
	p.sentMu.Unlock()
	p.poke()
}

// takeLost lets the ticks that were lost wait again, but only the latest of
// each market: an older one would follow newer ones in the log. Lost feeds are
// forgotten, the next one is due soon.
func (p *TickPublisher) takeLost() {
	p.sentMu.Lock()
	lost := p.lost
	p.lost = nil
	p.sentMu.Unlock()
	for _, msg := range lost {
		if _, newer := p.waiting[msg.Subject]; !newer && p.latest[msg.Subject] == msg {
			p.waiting[msg.Subject] = msg
		}
	}
}

func (p *TickPublisher) poke() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Run sends what had to wait. It blocks until ctx ends, then gives the log up
// to grace to acknowledge what is under way. What is left is an error, which
// matches domain.ErrUnreachable; or domain.ErrMismatch, and comes at once, where
// the deployment is repartitioned: nothing more can be stored in its streams then.
func (p *TickPublisher) Run(ctx context.Context, grace time.Duration) error {
	retry := time.NewTimer(tickRetry)
	defer retry.Stop()
	for {
		select {
		case <-ctx.Done():
			return p.drain(grace)
		case <-p.wake:
		case <-retry.C:
		}
		p.sendWaiting()
		retry.Reset(tickRetry)
	}
}

func (p *TickPublisher) sendWaiting() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.takeLost()
	for subject, msg := range p.waiting {
		if !p.send(msg) {
			return
		}
		delete(p.waiting, subject)
	}
}

func (p *TickPublisher) drain(grace time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(context.Background(), grace, fmt.Errorf("for %v: %w", grace, domain.ErrUnreachable))
	defer cancel()
	within, giveUp := context.WithCancelCause(ctx)
	go func() { giveUp(p.bus.closed(ctx, p.bus.Layout().ticks())) }()
	retry := time.NewTicker(tickRetry)
	defer retry.Stop()
	for {
		p.sendWaiting()
		s := p.Stats()
		if s.Waiting+s.InFlight == 0 {
			return nil
		}
		select {
		case <-p.wake:
		case <-retry.C:
		case <-within.Done():
			return fmt.Errorf("%d ticks were not acknowledged: %w", s.Waiting+s.InFlight, context.Cause(within))
		}
	}
}

// Stats returns the counts so far.
func (p *TickPublisher) Stats() TickStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sentMu.Lock()
	inFlight := len(p.unacked) + len(p.lost)
	p.sentMu.Unlock()
	return TickStats{
		Sent: p.sent.Load(), Conflated: p.conflated.Load(), Failed: p.failed.Load(),
		Waiting: len(p.waiting), InFlight: inFlight,
	}
}
