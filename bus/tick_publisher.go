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
	tickAckTimeout   = 5 * time.Second
	tickRetry        = 20 * time.Millisecond
)

// TickPublisher publishes ticks and feeds as fast as the log takes them. While
// the log is slow or away, the latest tick of each market waits and older ones
// are dropped and counted. It is safe for concurrent use.
type TickPublisher struct {
	bus *Bus
	js  jetstream.JetStream

	mu      sync.Mutex
	waiting map[Address]domain.Tick // the latest of each market that could not be sent
	wake    chan struct{}

	conflated atomic.Uint64
	failed    atomic.Uint64
	sent      atomic.Uint64
}

// TickStats counts what a TickPublisher did since it was made.
type TickStats struct {
	Sent      uint64 // handed to the log
	Conflated uint64 // dropped because a newer one of the same market came
	Failed    uint64 // not acknowledged; the market's next tick replaces them
	Waiting   int    // markets whose latest tick waits now
	InFlight  int    // sent and not yet acknowledged
}

// NewTickPublisher makes a publisher; Run must be running for ticks that had
// to wait.
func (b *Bus) NewTickPublisher() (*TickPublisher, error) {
	p := &TickPublisher{bus: b, waiting: make(map[Address]domain.Tick), wake: make(chan struct{}, 1)}
	js, err := jetstream.New(b.nc,
		jetstream.WithPublishAsyncMaxPending(2*maxTicksInFlight),
		jetstream.WithPublishAsyncTimeout(tickAckTimeout),
		jetstream.WithPublishAsyncErrHandler(func(_ jetstream.JetStream, msg *nats.Msg, err error) {
			p.retry(msg)
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
	address, err := p.bus.address(tick.Key())
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, behind := p.waiting[address]; behind {
		p.conflated.Add(1)
		p.waiting[address] = tick
		return nil
	}
	if !p.send(address, tick) {
		p.waiting[address] = tick
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
	if len(p.waiting) > 0 {
		return nil
	}
	for _, address := range p.bus.cfg.Layout.FeedAddresses(feed.Exchange) {
		_, _ = p.js.PublishMsgAsync(&nats.Msg{Subject: address.Subject, Data: data})
	}
	return nil
}

// send reports whether the connection took the tick.
func (p *TickPublisher) send(address Address, tick domain.Tick) bool {
	if !p.bus.nc.IsConnected() || p.js.PublishAsyncPending() >= maxTicksInFlight {
		return false
	}
	data, err := wire.Encode(tick)
	if err != nil {
		return true // not a tick that waiting would mend; Validate let nothing such pass
	}
	if _, err := p.js.PublishMsgAsync(&nats.Msg{Subject: address.Subject, Data: data}); err != nil {
		return false
	}
	p.sent.Add(1)
	return true
}

// retry lets a tick that was not acknowledged wait again, unless its market has
// a newer one.
func (p *TickPublisher) retry(msg *nats.Msg) {
	p.failed.Add(1)
	key, err := ParseSubject(msg.Subject)
	if err != nil || key.Kind != domain.KindTick {
		return // a feed: the next one is due soon
	}
	tick, err := wire.DecodeTick(key, msg.Data)
	if err != nil {
		return
	}
	address, err := p.bus.address(key)
	if err != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	// A newer tick may have been acknowledged since; the projection drops the
	// older one by its time.
	if _, newer := p.waiting[address]; !newer {
		p.waiting[address] = tick
	}
	p.poke()
}

func (p *TickPublisher) poke() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Run sends what had to wait. It blocks until ctx ends, then gives the log up
// to grace to acknowledge what is under way.
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
	for address, tick := range p.waiting {
		if !p.send(address, tick) {
			return
		}
		delete(p.waiting, address)
	}
}

func (p *TickPublisher) drain(grace time.Duration) error {
	deadline := time.NewTimer(grace)
	defer deadline.Stop()
	p.sendWaiting()
	select {
	case <-p.js.PublishAsyncComplete():
	case <-deadline.C:
	}
	if s := p.Stats(); s.Waiting+s.InFlight > 0 {
		return fmt.Errorf("%d ticks were not acknowledged within %v: %w", s.Waiting+s.InFlight, grace, domain.ErrUnreachable)
	}
	return nil
}

// Stats returns the counts so far.
func (p *TickPublisher) Stats() TickStats {
	p.mu.Lock()
	waiting := len(p.waiting)
	p.mu.Unlock()
	return TickStats{
		Sent: p.sent.Load(), Conflated: p.conflated.Load(), Failed: p.failed.Load(),
		Waiting: waiting, InFlight: p.js.PublishAsyncPending(),
	}
}
