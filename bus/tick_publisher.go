package bus

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

const (
	// maxTicksInFlight is how many ticks may be under way before newer ones
	// replace older ones of the same market.
	maxTicksInFlight = 8192
	tickRetry        = 20 * time.Millisecond

	// Up to tickAskAlways ticks of a market under way the log is asked to
	// acknowledge each one, of those beyond one in tickAskEvery.
	tickAskAlways = 8
	tickAskEvery  = 16
)

// TickPublisher publishes ticks and feeds as fast as the log takes them. While
// the log is slow or away, the latest tick of each market waits and older ones
// are dropped and counted. It is safe for concurrent use.
//
// Acknowledgements are for the latest tick of a market: nobody needs one that a
// newer one has followed. So of many under way at once only some are asked for,
// each of which ends the wait for those before it. Where none is to come for the
// latest, it is sent again: the log may have it twice, one behind the other.
type TickPublisher struct {
	bus *Bus
	js  jetstream.JetStream

	mu      sync.Mutex
	waiting map[string]*nats.Msg // by subject: the latest of each market that could not be sent
	courses map[string]*course   // by subject
	wake    chan struct{}

	// What is under way has a lock of its own, under which no other is taken:
	// the client library calls back with its lock held, and takes that lock when
	// it is given a message.
	sentMu   sync.Mutex
	awaited  map[*nats.Msg]asked // whose acknowledgements are to come; the library's own count leaves out what it is about to report
	underWay int                 // ticks and feeds
	unsure   []*course           // of which nothing is awaited although the latest was not acknowledged

	conflated atomic.Uint64
	failed    atomic.Uint64
	sent      atomic.Uint64
}

// course is what is under way of the ticks of one market. They are numbered from 1
// in the order in which they are sent.
type course struct {
	latest *nats.Msg // that was sent; under TickPublisher.mu

	// Under TickPublisher.sentMu.
	sent    uint64 // number of the latest
	asked   uint64 // number of the latest whose acknowledgement was asked for
	settled uint64 // up to which nothing is under way
	awaited int    // acknowledgements to come
	failed  bool   // the last of them did not come
	unsure  bool   // it is in TickPublisher.unsure
}

// asked is a message whose acknowledgement is to come.
type asked struct {
	course *course // nil: a feed
	number uint64
}

// TickStats counts what a TickPublisher did since it was made.
type TickStats struct {
	Sent      uint64 // handed to the log
	Conflated uint64 // dropped because a newer one of the same market came
	Failed    uint64 // acknowledgements that did not come; the latest tick of each market is sent again
	Waiting   int    // markets whose latest tick waits now
	InFlight  int    // ticks and feeds of which it is not yet known that the log has them, or newer ones
}

// NewTickPublisher makes a publisher; Run must be running for ticks that had
// to wait.
func (b *Bus) NewTickPublisher() (*TickPublisher, error) {
	p := &TickPublisher{
		bus: b, waiting: make(map[string]*nats.Msg), courses: make(map[string]*course), awaited: make(map[*nats.Msg]asked),
		wake: make(chan struct{}, 1),
	}
	js, err := jetstream.New(b.nc,
		jetstream.WithPublishAsyncMaxPending(2*maxTicksInFlight),
		jetstream.WithPublishAsyncTimeout(b.cfg.Timeout),
		jetstream.WithPublishAsyncErrHandler(func(_ jetstream.JetStream, msg *nats.Msg, err error) {
			p.failed.Add(1)
			p.settle(msg, false)
		}),
		jetstream.WithPublishAsyncAckHandler(func(_ jetstream.JetStream, msg *nats.Msg, _ *jetstream.PubAck) {
			p.settle(msg, true)
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
		return nil
	}
	p.sent.Add(1)
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
		msg := &nats.Msg{Subject: address.Subject, Data: data}
		p.sentMu.Lock()
		p.awaited[msg] = asked{}
		p.underWay++
		p.sentMu.Unlock()
		if _, err := p.js.PublishMsgAsync(msg); err != nil {
			p.settle(msg, false)
		}
	}
	return nil
}

// send reports whether the connection took the tick.
func (p *TickPublisher) send(msg *nats.Msg) bool {
	if !p.bus.nc.IsConnected() {
		return false
	}
	c := p.courses[msg.Subject]
	if c == nil {
		c = &course{}
		p.courses[msg.Subject] = c
	}
	p.sentMu.Lock()
	if p.underWay >= maxTicksInFlight {
		p.sentMu.Unlock()
		return false
	}
	p.underWay++
	c.sent++
	before := c.asked
	ask := c.awaited == 0 || c.sent-c.settled <= tickAskAlways || c.sent-c.asked >= tickAskEvery
	if ask {
		c.asked = c.sent
		c.awaited++
		p.awaited[msg] = asked{c, c.sent}
	}
	p.sentMu.Unlock()
	var err error
	if ask {
		_, err = p.js.PublishMsgAsync(msg)
	} else {
		err = p.bus.nc.PublishMsg(msg)
	}
	if err == nil {
		c.latest = msg
		return true
	}
	p.sentMu.Lock()
	defer p.sentMu.Unlock()
	p.underWay--
	c.sent--
	if ask {
		c.asked = before
		c.awaited--
		delete(p.awaited, msg)
		p.look(c)
	}
	return false
}

// settle notes that a message was acknowledged, or that it will not be. The client
// library may call it in any order, and with its own lock held.
func (p *TickPublisher) settle(msg *nats.Msg, acked bool) {
	p.sentMu.Lock()
	defer p.sentMu.Unlock()
	its, known := p.awaited[msg]
	if !known {
		return
	}
	delete(p.awaited, msg)
	if c := its.course; c != nil {
		c.awaited--
		c.failed = !acked
		if acked {
			p.settleTo(c, its.number)
		}
		p.look(c)
	} else {
		p.underWay--
	}
	if p.underWay == 0 {
		p.poke()
	}
}

// settleTo ends the wait for the ticks up to a number; sentMu is held.
func (p *TickPublisher) settleTo(c *course, number uint64) {
	if number > c.settled {
		p.underWay -= int(number - c.settled)
		c.settled = number
	}
}

// look sees whether the latest tick must be sent again; sentMu is held.
func (p *TickPublisher) look(c *course) {
	if c.awaited == 0 && c.settled < c.sent && !c.unsure {
		c.unsure = true
		p.unsure = append(p.unsure, c)
		if c.failed {
			p.poke()
		}
	}
}

// takeLost lets the ticks that were lost wait again, but only the latest of each
// market: an older one would follow newer ones in the log. What may as well have
// arrived stays unsure. Lost feeds are forgotten, the next one is due soon.
func (p *TickPublisher) takeLost() {
	p.sentMu.Lock()
	defer p.sentMu.Unlock()
	p.unsure = slices.DeleteFunc(p.unsure, func(c *course) bool {
		if c.awaited == 0 && c.settled < c.sent {
			if !c.failed {
				return false
			}
			p.settleTo(c, c.sent)
			if _, newer := p.waiting[c.latest.Subject]; !newer {
				p.waiting[c.latest.Subject] = c.latest
			}
		}
		c.unsure = false
		return true
	})
}

// takeUnsure returns the markets whose latest tick is to be sent again because
// nobody knows of it. The wait for it is over.
func (p *TickPublisher) takeUnsure() []*course {
	p.sentMu.Lock()
	defer p.sentMu.Unlock()
	unsure := p.unsure
	p.unsure = nil
	for _, c := range unsure {
		c.unsure = false
		p.settleTo(c, c.sent)
	}
	return unsure
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
	retry := time.NewTicker(tickRetry)
	defer retry.Stop()
	for {
		select {
		case <-ctx.Done():
			return p.drain(grace)
		case <-p.wake:
			p.sendWaiting()
		case <-retry.C: // the next tick of a lively market comes before, and makes sure
			p.sendUnsure()
			p.sendWaiting()
		}
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
		p.sent.Add(1)
		delete(p.waiting, subject)
	}
}

// sendUnsure sends the latest tick of each market again of which nobody knows
// whether the log has it.
func (p *TickPublisher) sendUnsure() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.takeLost()
	for _, c := range p.takeUnsure() {
		if _, newer := p.waiting[c.latest.Subject]; !newer && !p.send(c.latest) {
			p.waiting[c.latest.Subject] = c.latest
		}
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
		p.sendUnsure()
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
	inFlight := p.underWay
	p.sentMu.Unlock()
	return TickStats{
		Sent: p.sent.Load(), Conflated: p.conflated.Load(), Failed: p.failed.Load(),
		Waiting: len(p.waiting), InFlight: inFlight,
	}
}
