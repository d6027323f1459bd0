package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fullon/fullon/domain"
)

const (
	// readAhead is how many messages a reader holds that were not read yet.
	readAhead = 8192
	// watchdogInterval is how long a reader may be without messages before it
	// asks the stream whether there are any.
	watchdogInterval = 2 * time.Second
)

// Reader delivers the messages of one stream in order and without holes, but
// those that the catalogue has by design. It is for one goroutine.
//
// In a dense stream a hole shows in the sequences. In the catalogue's it would
// not: there the numbers count that each consumer gives to what it delivers.
// They have no holes, so one in them is a message that was lost on its way.
type Reader struct {
	bus    *Bus
	stream string
	sparse bool // sequences may be missing
	log    *slog.Logger

	mu      sync.Mutex
	arrived chan struct{} // holds one token while ready may have something
	room    *sync.Cond
	ready   []message
	serial  int // of the consumer that may deliver; odd while there is none

	next     uint64 // sequence that the next message must have
	consumer jetstream.ConsumeContext
	keys     map[string]domain.Key // by subject, but those of orders
	orders   string                // what the subjects of orders begin with; empty: not known yet
	exchange string                // whose those are
	created  int64                 // when the stream was created; zero: not asked yet
	verified string                // origin of the consumer that was found to read that stream
	serials  uint64                // how many of that consumer's messages were seen
	hole     uint64                // sequence that a consumer skipped although the stream may have it
	taken    []message             // arrived but not yet returned
	returned int                   // how many of taken were
	timer    *time.Timer
	progress time.Time // when the last message arrived or the watchdog last looked
}

type message struct {
	subject, reply string
	data           []byte
}

// NewReader makes a reader whose first message is the one with sequence from.
// Nothing is read before the first Read. Close it.
func (b *Bus) NewReader(stream string, from uint64) *Reader {
	r := &Reader{
		bus: b, stream: stream, sparse: stream == CatalogueStream, log: b.cfg.Log.With("stream", stream), next: max(1, from),
		arrived: make(chan struct{}, 1), serial: 1, keys: make(map[string]domain.Key),
		timer: time.NewTimer(time.Hour), progress: time.Now(),
	}
	r.room = sync.NewCond(&r.mu)
	return r
}

// Close stops reading.
func (r *Reader) Close() {
	r.timer.Stop()
	r.stop()
}

// Read fills dst with one record or more, as many as have arrived and fit. It
// blocks until there is one, or returns 0 after having waited for about wait. It
// outlives a log that is away for as long as ctx lasts. The error matches
// domain.ErrHistoryLost when the stream no longer holds the next message or was
// created anew, and ctx's error when that ended.
func (r *Reader) Read(ctx context.Context, dst []domain.Record, wait time.Duration) (int, error) {
	deadline := time.Now().Add(wait)
	for {
		if r.returned == len(r.taken) {
			r.take()
		}
		n, err := r.fill(dst)
		switch {
		case n > 0:
			r.progress = time.Now()
			return n, nil
		case errors.Is(err, errLostOnTheWay):
			r.log.Debug("consumer made anew", "error", err)
			r.stop()
		case errors.Is(err, errSkipped) && r.hole != r.next:
			// The client library makes consumers anew by itself, and for a
			// moment two of them may deliver. Only a hole that a fresh consumer
			// shows again is one of the stream's.
			r.log.Debug("consumer made anew", "error", err)
			r.hole = r.next
			r.stop()
		case errors.Is(err, errUnverified):
			err = r.verify(ctx)
			if err == nil {
				continue
			}
			if ctx.Err() != nil || errors.Is(err, domain.ErrHistoryLost) {
				return 0, err
			}
		case err != nil:
			return 0, err
		}
		if r.consumer == nil {
			if err := r.start(ctx); err != nil {
				if ctx.Err() != nil || errors.Is(err, domain.ErrHistoryLost) {
					return 0, err
				}
				r.log.Warn("cannot read the log yet", "error", err)
			}
		}
		left := time.Until(deadline)
		if left <= 0 {
			return 0, r.watchdog(ctx)
		}
		r.timer.Reset(left)
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-r.arrived:
		case <-r.timer.C:
		}
	}
}

var (
	// errSkipped: the consumer skipped a message.
	errSkipped = fmt.Errorf("%w: message gone", domain.ErrHistoryLost)
	// errLostOnTheWay: the consumer delivered a message that did not arrive; the
	// stream has it still, or something newer in its place.
	errLostOnTheWay = errors.New("message lost between stream and reader")
	// errUnverified: the consumer may read another stream than before.
	errUnverified = errors.New("consumer not verified yet")
)

// verify makes sure that the stream is still the one that reading began with.
// A consumer that the client library has made anew could read one of the same
// name, whose sequences mean something else.
func (r *Reader) verify(ctx context.Context) error {
	extent, err := r.bus.Extent(ctx, r.stream)
	if err != nil {
		return err
	}
	if err := r.sameStream(extent); err != nil {
		return err
	}
	r.verified, r.serials = origin(r.taken[r.returned].reply), 0
	return nil
}

// take swaps what has arrived for an empty slice and lets the consumer go on.
func (r *Reader) take() {
	r.mu.Lock()
	r.taken, r.ready = r.ready, r.taken[:0]
	r.mu.Unlock()
	r.returned = 0
	r.room.Signal()
}

func (r *Reader) fill(dst []domain.Record) (int, error) {
	n := 0
	for ; n < len(dst) && r.returned < len(r.taken); r.returned++ {
		rec, serial, err := r.record(r.taken[r.returned])
		if err == nil && r.sparse && serial != r.serials+1 {
			err = fmt.Errorf("%s: %w: number %d of a consumer follows its %d", r.stream, errLostOnTheWay, serial, r.serials)
		}
		if err == nil {
			r.serials = serial
		}
		if err == nil && rec.Seq < r.next {
			continue // a consumer that was made anew may repeat
		}
		if err == nil && rec.Seq > r.next && !r.sparse {
			err = fmt.Errorf("%s: %w: sequence %d is missing, the next is %d", r.stream, errSkipped, r.next, rec.Seq)
		}
		if err != nil && n > 0 {
			break // deliver what is whole, report the error next time
		}
		if err != nil {
			return 0, err
		}
		r.next = rec.Seq + 1
		dst[n] = rec
		n++
	}
	return n, nil
}

// record reads a message and its number among those of its consumer.
func (r *Reader) record(msg message) (rec domain.Record, serial uint64, err error) {
	text, ok := strings.CutPrefix(msg.reply, r.verified)
	if !ok || r.verified == "" {
		if origin(msg.reply) == "" {
			return rec, 0, fmt.Errorf("reply subject %q: %w", msg.reply, domain.ErrUnknown)
		}
		return rec, 0, errUnverified
	}
	at, ok := placeOf(text)
	if !ok {
		return rec, 0, fmt.Errorf("reply subject %q: %w", msg.reply, domain.ErrUnknown)
	}
	return domain.Record{Key: r.key(msg.subject), Subject: msg.subject, Seq: at.seq, Time: at.at, Data: msg.data}, at.serial, nil
}

// key is what ParseSubject says; the zero key tells the reader's user that the
// subject is none of ours. Markets and accounts come again and again, and are
// remembered. Orders are ever new ones, but their subjects differ only in the id.
func (r *Reader) key(subject string) domain.Key {
	if id, ok := strings.CutPrefix(subject, r.orders); ok && r.orders != "" && domain.CheckOrderID(id) == nil {
		return domain.Key{Kind: domain.KindOrder, Exchange: r.exchange, OrderID: id}
	}
	key, known := r.keys[subject]
	if known {
		return key
	}
	key, _ = ParseSubject(subject)
	if key.Kind == domain.KindOrder {
		r.orders, r.exchange = strings.TrimSuffix(subject, key.OrderID), key.Exchange
		return key
	}
	if len(r.keys) >= 100_000 {
		clear(r.keys)
	}
	r.keys[subject] = key
	return key
}

// start makes a consumer that begins at the next sequence.
func (r *Reader) start(ctx context.Context) error {
	extent, err := r.bus.Extent(ctx, r.stream)
	if err != nil {
		return err
	}
	if err := r.sameStream(extent); err != nil {
		return err
	}
	if extent.First > r.next && !r.sparse {
		return fmt.Errorf("%s: %w: sequence %d is gone, the first is %d", r.stream, domain.ErrHistoryLost, r.next, extent.First)
	}
	// One that is made twice because the first answer was lost is removed by the
	// log after a while.
	var consumer jetstream.Consumer
	err = r.bus.ask(ctx, func(ctx context.Context) (err error) {
		consumer, err = r.bus.js.OrderedConsumer(ctx, r.stream, jetstream.OrderedConsumerConfig{
			DeliverPolicy: jetstream.DeliverByStartSequencePolicy,
			OptStartSeq:   r.next,
		})
		return err
	})
	if err != nil {
		return r.bus.unreachable("consumer of "+r.stream, err)
	}
	r.created = extent.Created
	r.mu.Lock()
	r.serial++
	serial := r.serial
	r.mu.Unlock()
	r.consumer, err = consumer.Consume(func(msg jetstream.Msg) { r.arrive(serial, msg) },
		jetstream.PullMaxMessages(2*readAhead),
		jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) {
			r.log.Debug("consumer", "error", err)
		}))
	if err != nil {
		r.stop()
		return r.bus.unreachable("consumer of "+r.stream, err)
	}
	return nil
}

// arrive takes one message and blocks while the reader is too far ahead. A
// consumer may still deliver for a moment after it was stopped.
func (r *Reader) arrive(serial int, msg jetstream.Msg) {
	raw := message{subject: msg.Subject(), reply: msg.Reply(), data: msg.Data()}
	r.mu.Lock()
	for len(r.ready) >= readAhead && serial == r.serial {
		r.room.Wait()
	}
	if serial == r.serial {
		r.ready = append(r.ready, raw)
	}
	r.mu.Unlock()
	select {
	case r.arrived <- struct{}{}:
	default:
	}
}

// stop ends the consumer and forgets what it delivered ahead.
func (r *Reader) stop() {
	r.mu.Lock()
	r.serial |= 1
	r.ready = nil
	r.mu.Unlock()
	r.room.Broadcast()
	if r.consumer != nil {
		// Not waited for: while the log does not answer, the library may be at
		// making the consumer anew, and lets nobody in until it has given up. What
		// this one still delivers is of an older serial.
		go r.consumer.Stop()
		r.consumer = nil
	}
	r.taken, r.returned = nil, 0
}

// watchdog makes a new consumer when the stream has messages and this one did
// not deliver any: a consumer can look alive and be dead.
func (r *Reader) watchdog(ctx context.Context) error {
	if time.Since(r.progress) < watchdogInterval {
		return nil
	}
	r.progress = time.Now()
	extent, err := r.bus.Extent(ctx, r.stream)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return nil // the log is away: the connection's own retries go on
	}
	if err := r.sameStream(extent); err != nil {
		return err
	}
	if extent.Last+1 < r.next {
		return fmt.Errorf("%s: %w: the stream ends at %d, expected at least %d", r.stream, domain.ErrHistoryLost, extent.Last, r.next-1)
	}
	r.mu.Lock()
	arrived := len(r.ready) > 0
	r.mu.Unlock()
	if extent.Last < r.next || arrived {
		return nil
	}
	r.log.Warn("consumer made anew: no progress", "next", r.next, "last", extent.Last)
	r.stop()
	return nil
}

// sameStream notices a stream that was deleted and created anew: its sequences
// mean something else.
func (r *Reader) sameStream(extent domain.Extent) error {
	if r.created != 0 && extent.Created != r.created {
		return fmt.Errorf("%s: %w: the stream was created anew", r.stream, domain.ErrHistoryLost)
	}
	return nil
}
