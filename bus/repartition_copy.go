package bus

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/pause"
)

const (
	// maxCopyHeader is what a copy may have that its original had not.
	maxCopyHeader = 1 << 10
	// copiesUnderWay is how many copies may wait for their acknowledgement.
	copiesUnderWay = 4096
	// copyNotice is after how many messages a copy says how far it is.
	copyNotice = 10_000
	// copyPatience is how long a copy may not come further before it gives up.
	copyPatience = time.Minute
)

// copyAll copies the sealed streams until the next generation has all of it. After
// an error it begins anew, and leaves out what is there.
func (b *Bus) copyAll(ctx context.Context, m Move, sources []sealed, first uint64, report func(RepartitionStep)) error {
	js, err := jetstream.New(b.nc, jetstream.WithPublishAsyncMaxPending(2*copiesUnderWay), jetstream.WithPublishAsyncTimeout(b.cfg.Timeout))
	if err != nil {
		return fmt.Errorf("JetStream: %w", err)
	}
	var reached uint64
	for progress := time.Now(); ; {
		c := &copying{bus: b, js: js, move: m, first: first, report: report, routes: make(map[string]route)}
		err := c.run(ctx, sources)
		if err == nil {
			err = b.unchanged(ctx, sources)
		}
		if err == nil || ctx.Err() != nil {
			return err
		}
		there, failed := c.there(ctx)
		if failed == nil && there > reached {
			reached, progress = there, time.Now()
		}
		if time.Since(progress) > copyPatience {
			return err
		}
		b.cfg.Log.Debug("copying begins anew", "error", err)
		pause.For(ctx, time.Second)
	}
}

// unchanged makes sure that the sealed streams have nothing new: a server that has
// not heard of the seal and leads one could store something there. Copied next, it
// comes last, as it was stored last. The error matches domain.ErrConflict.
func (b *Bus) unchanged(ctx context.Context, sources []sealed) error {
	var changed error
	for i, s := range sources {
		now, err := b.look(ctx, s.stream)
		if err != nil {
			return err
		}
		if now.last != s.last {
			changed = fmt.Errorf("stream %s: %w: it has got messages since it was sealed", s.stream, domain.ErrConflict)
			sources[i].last = now.last
		}
	}
	return changed
}

// copying is one pass over all that there is to copy.
type copying struct {
	bus    *Bus
	js     jetstream.JetStream
	move   Move
	first  uint64
	report func(RepartitionStep)

	routes map[string]route
	heads  []*source
	into   []*target
	sent   []sentCopy
	done   uint64 // originals that were passed
	total  uint64
}

// route is where the messages of a subject go.
type route struct {
	into    []int // numbers of partitions
	kind    string
	subject string // what follows the partition
}

// target is a stream of the next generation.
type target struct {
	partition
	has  uint64          // sequence of the last message that it had when the pass began
	next uint64          // sequence that the next one has there
	ids  map[string]bool // message ids that were given to the server
}

func (c *copying) run(ctx context.Context, sources []sealed) error {
	for _, p := range c.move.next().partitions() {
		info, err := c.bus.streamInfo(ctx, p.stream())
		if err != nil {
			return err
		}
		c.into = append(c.into, &target{partition: p, has: info.State.LastSeq, next: c.first, ids: make(map[string]bool)})
	}
	defer func() {
		for _, s := range c.heads {
			s.close()
		}
	}()
	for _, s := range sources {
		c.total += s.last - s.first + 1
		head := &source{sealed: s, bus: c.bus, next: s.first}
		c.heads = append(c.heads, head)
		if err := head.advance(ctx); err != nil {
			return err
		}
	}
	c.say()
	for {
		s := c.oldest()
		if s == nil {
			break
		}
		if err := c.pass(ctx, s); err != nil {
			return err
		}
		if c.done++; c.done%copyNotice == 0 {
			c.say()
		}
		if err := s.advance(ctx); err != nil {
			return err
		}
	}
	for len(c.sent) > 0 {
		if err := c.settle(ctx); err != nil {
			return err
		}
	}
	for _, t := range c.into {
		if t.has >= t.next {
			return fmt.Errorf("stream %s has more than was copied: %w", t.stream(), domain.ErrConflict)
		}
	}
	c.say()
	return nil
}

// there is how many messages the new streams have.
func (c *copying) there(ctx context.Context) (n uint64, err error) {
	for _, p := range c.move.next().partitions() {
		info, err := c.bus.streamInfo(ctx, p.stream())
		if err != nil {
			return 0, err
		}
		n += info.State.LastSeq + 1 - c.first
	}
	return n, nil
}

func (c *copying) say() {
	c.report(RepartitionStep{Kind: c.move.Kind, Doing: "copy", Done: c.done, Total: c.total})
}

// oldest is the stream whose next message was stored first; each stream's own
// order is kept whatever its clock did.
func (c *copying) oldest() *source {
	var oldest *source
	for _, s := range c.heads {
		if s.head != nil && (oldest == nil || s.time.Before(oldest.time)) {
			oldest = s
		}
	}
	return oldest
}

// pass stores the head of a stream where it belongs.
func (c *copying) pass(ctx context.Context, s *source) error {
	r := c.routeOf(s)
	for _, number := range r.into {
		t := c.into[number]
		seq := t.next
		t.next++
		header := s.header(t)
		if seq <= t.has {
			continue
		}
		header.Set(jetstream.ExpectedLastSeqHeader, strconv.FormatUint(seq-1, 10))
		msg := &nats.Msg{Subject: r.kind + "." + t.token() + r.subject, Data: s.head.Data(), Header: header}
		if len(c.sent) >= copiesUnderWay {
			if err := c.settle(ctx); err != nil {
				return err
			}
		}
		ack, err := c.js.PublishMsgAsync(msg, jetstream.WithRetryAttempts(0))
		if err != nil {
			return c.bus.unreachable("copy to "+t.stream(), err)
		}
		c.sent = append(c.sent, sentCopy{msg.Subject, ack, seq})
	}
	return nil
}

// sentCopy is a copy that waits for its acknowledgement, and its place.
type sentCopy struct {
	subject string
	ack     jetstream.PubAckFuture
	seq     uint64
}

// settle waits for the oldest acknowledgement; the client library gives up after
// the configured timeout, and when the connection is lost.
func (c *copying) settle(ctx context.Context) error {
	sent := c.sent[0]
	c.sent = c.sent[1:]
	select {
	case ack := <-sent.ack.Ok():
		if ack.Sequence != sent.seq {
			return fmt.Errorf("copy %s: %w: stored as %d, not as %d", sent.subject, domain.ErrConflict, ack.Sequence, sent.seq)
		}
		return nil
	case err := <-sent.ack.Err():
		return c.bus.refused(ctx, time.Now().Add(c.bus.cfg.Timeout), "publish "+sent.subject, "", err)
	case <-ctx.Done():
		return fmt.Errorf("publish %s: %w", sent.subject, ctx.Err())
	}
}

// routeOf is where the head of a stream goes. What nobody can read is kept, too:
// it was refused before, and will be again.
func (c *copying) routeOf(s *source) route {
	subject := s.head.Subject()
	if r, known := c.routes[subject]; known {
		return r
	}
	tokens := withoutGeneration(strings.Split(subject, "."))
	for len(tokens) < 3 {
		tokens = append(tokens, "")
	}
	r := route{kind: tokens[0], subject: "." + strings.Join(tokens[2:], ".")}
	switch {
	case domain.Kind(r.kind) == domain.KindFeed && s.index == 0:
		// A sign of life is in every partition alike; that of the first one goes
		// into each.
		for i := range c.into {
			r.into = append(r.into, i)
		}
	case domain.Kind(r.kind) == domain.KindFeed:
	case c.move.kind.prefix == accountStreamPrefix:
		r.into = []int{Partition(c.move.To, tokens[2])}
	default:
		r.into = []int{Partition(c.move.To, tokens[2:min(4, len(tokens))]...)}
	}
	if len(c.routes) >= 100_000 {
		clear(c.routes)
	}
	c.routes[subject] = r
	return r
}

// source reads a sealed stream.
type source struct {
	sealed
	bus  *Bus
	next uint64 // sequence to read
	it   jetstream.MessagesContext
	head jetstream.Msg // nil: there is no more
	time time.Time     // of the head
}

// sourcePatience is how long a stream that has a message may not deliver it.
const sourcePatience = 5 * time.Second

// advance reads the next message. The error matches domain.ErrUnreachable.
func (s *source) advance(ctx context.Context) error {
	s.head = nil
	for tries := 0; s.next <= s.last; {
		if err := s.open(ctx); err != nil {
			return err
		}
		msg, err := s.it.Next(jetstream.NextMaxWait(sourcePatience))
		if err != nil {
			if s.close(); tries == 3 || ctx.Err() != nil {
				return s.bus.unreachable("stream "+s.stream, err)
			}
			tries++
			continue
		}
		at, ok := placeOf(msg.Reply()[len(origin(msg.Reply())):])
		switch {
		case !ok:
			return fmt.Errorf("reply subject %q: %w", msg.Reply(), domain.ErrUnknown)
		case at.seq < s.next:
			continue // a consumer that was made anew may repeat
		case at.seq > s.next && tries == 0:
			s.close() // only a hole that another consumer shows again is one of the stream's
			tries++
			continue
		}
		s.head, s.time, s.next = msg, at.at, at.seq+1
		return nil
	}
	return nil
}

func (s *source) open(ctx context.Context) error {
	if s.it != nil {
		return nil
	}
	err := s.bus.ask(ctx, func(ctx context.Context) error {
		consumer, err := s.bus.js.OrderedConsumer(ctx, s.stream, jetstream.OrderedConsumerConfig{
			DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: s.next,
			MaxResetAttempts: 1, // else Next tries for as long as the log is away, whatever its own bound and ctx say
		})
		if err != nil {
			return err
		}
		s.it, err = consumer.Messages(jetstream.PullMaxMessages(readAhead))
		return err
	})
	if err != nil {
		return s.bus.unreachable("consumer of "+s.stream, err)
	}
	return nil
}

func (s *source) close() {
	if s.it != nil {
		s.it.Stop()
		s.it = nil
	}
}

// header is the head's own, without what was a condition for storing it. The ids
// of the last messages stay, so that a producer that stores one of them again,
// because it has not heard that it is stored, is recognised as before.
func (s *source) header(t *target) nats.Header {
	header := make(nats.Header, 2)
	for name, values := range s.head.Headers() {
		if !strings.HasPrefix(name, "Nats-") {
			header[name] = values
		}
	}
	if id := s.head.Headers().Get(jetstream.MsgIDHeader); id != "" && s.recent() && !t.ids[id] {
		t.ids[id] = true
		header.Set(jetstream.MsgIDHeader, id)
	}
	return header
}

// recent reports whether the head was stored within the last window in which the
// stream recognised repetitions.
func (s *source) recent() bool { return s.newest.Sub(s.time) <= s.cfg.Duplicates }
