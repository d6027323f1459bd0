package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/fullon/fullon/domain"
)

const (
	// chunkSize is how many messages share one batch; a server takes no more.
	chunkSize = 1000
	// batchFrom is the chunk size from which a batch is considered.
	batchFrom = 4
	// ackTimeout is how long an acknowledgement may take before the lane looks
	// for itself what is stored. A lost connection does not end the wait, so
	// this is also what an outage costs beyond its own length, and it must fit
	// into the time that a stop may take.
	ackTimeout = 2 * time.Second
)

// market is what a lane knows of a market's trades. All that it stores about the
// market, trade or not, is on the condition that the market's newest trade is the
// one that it knows of, so that nobody stores anything in between unnoticed.
// Somebody else's trade ends it; a new one begins with what the log has then.
type market struct {
	exchange, symbol string
	subject          string      // of its trades
	over             atomic.Bool // what waits of it is not stored any more

	// Used by the lane alone.
	known bool   // otherwise it is read before the first event is stored
	last  uint64 // sequence of the newest trade; zero: there is none
}

// queued is an event that waits.
type queued struct {
	msg    outgoing
	market *market
}

// lane is the queue of one stream.
type lane struct {
	publisher *OrderedPublisher
	stream    string
	log       *slog.Logger

	mu      sync.Mutex
	queue   []queued
	ended   bool // markets are over of which something may wait
	arrived chan struct{}

	// How long a single publish took lately, and a batch. Without a cluster a
	// batch costs the server a file of its own.
	single, batch time.Duration
}

// run stores chunk after chunk until ctx ended and the queue is empty, or hard
// ended.
func (l *lane) run(ctx, hard context.Context) error {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval = 20 * time.Millisecond
	wait.MaxInterval = time.Second
	for {
		chunk := l.chunk()
		if len(chunk) == 0 {
			select {
			case <-l.arrived:
				continue
			case <-ctx.Done():
				if len(l.chunk()) == 0 {
					return nil
				}
				continue
			}
		}
		stored, err := l.store(hard, chunk)
		l.drop(stored)
		if err == nil {
			wait.Reset()
			continue
		}
		if hard.Err() != nil {
			if cause := context.Cause(hard); errors.Is(cause, domain.ErrMismatch) {
				err = cause
			}
			return fmt.Errorf("%s: %d events were not stored: %w", l.stream, l.waiting(), err)
		}
		l.publisher.retries.Add(1)
		l.log.Debug("storing goes on after an error", "error", err, "stored", stored, "of", len(chunk))
		if !isConflict(err) { // that is an answer: there is nothing to wait for
			select {
			case <-time.After(wait.NextBackOff()):
			case <-hard.Done():
			}
		}
		for hard.Err() == nil {
			stored, err := l.reconcile(hard)
			l.drop(stored)
			if err == nil {
				break
			}
			select {
			case <-time.After(wait.NextBackOff()):
			case <-hard.Done():
			}
		}
	}
}

// chunk is what is to be stored next. Only the lane calls it.
func (l *lane) chunk() []queued {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		l.ended = false
		l.queue = slices.DeleteFunc(l.queue, func(q queued) bool { return q.market.over.Load() })
	}
	return l.queue[:min(len(l.queue), chunkSize)]
}

// waiting is how many events are not stored yet.
func (l *lane) waiting() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue)
}

// drop forgets the first n events: the log has them.
func (l *lane) drop(n int) {
	if n == 0 {
		return
	}
	l.publisher.acked.Add(uint64(n))
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.queue[:n])
	l.queue = l.queue[n:]
}

// end lets nothing more of a market be stored that waits already. It reports
// false for one that had ended before.
func (l *lane) end(m *market) bool {
	if m.over.Swap(true) {
		return false
	}
	l.mu.Lock()
	l.ended = true
	l.mu.Unlock()
	return true
}

// store publishes the chunk and returns how many of it are known to be stored.
func (l *lane) store(ctx context.Context, chunk []queued) (int, error) {
	if err := l.know(ctx, chunk); err != nil {
		return 0, err
	}
	began := time.Now()
	if len(chunk) >= batchFrom && l.single*time.Duration(len(chunk)) > l.batch {
		stored, err := l.storeBatch(ctx, chunk)
		l.batch = time.Since(began)
		return stored, err
	}
	for i, q := range chunk {
		if err := l.storeOne(ctx, q); err != nil {
			return i, err
		}
	}
	l.single = time.Since(began) / time.Duration(len(chunk))
	return len(chunk), nil
}

// know finds out where the trades of markets end of which nothing was stored yet.
func (l *lane) know(ctx context.Context, chunk []queued) error {
	for _, q := range chunk {
		if q.market.known {
			continue
		}
		seq, _, err := l.last(ctx, q.market.subject)
		if err != nil {
			return err
		}
		q.market.known, q.market.last = true, seq
	}
	return nil
}

// storeOne stores an event on the market's condition. It is not sent again: what is
// could be stored out of the order in which it was sent.
func (l *lane) storeOne(ctx context.Context, q queued) error {
	req := newRequest(q.conditional())
	defer req.release()
	ack, err := l.publisher.bus.requester.ask(ctx, req, l.deadline())
	if err == nil {
		q.stored(ack.seq)
	}
	return err
}

// deadline is that of an acknowledgement which is asked for now.
func (l *lane) deadline() time.Time {
	return time.Now().Add(min(ackTimeout, l.publisher.bus.cfg.Timeout))
}

// storeBatch stores all of the chunk or nothing: a process that is halted in the
// middle and goes on when another has taken over must not store the rest. The
// first event of each market carries its condition; the others follow on it.
func (l *lane) storeBatch(ctx context.Context, chunk []queued) (int, error) {
	batch := l.publisher.bus.requester.newAtomicBatch(l.deadline())
	defer batch.end()
	begun := make(map[*market]bool)
	for i, q := range chunk {
		m := q.msg
		if !begun[q.market] {
			begun[q.market] = true
			m = q.conditional()
		}
		var err error
		switch i {
		case 0:
			err = batch.begin(ctx, m)
		case len(chunk) - 1:
			if err = batch.commit(m); err != nil {
				break
			}
			var last uint64
			if last, err = batch.committed(ctx); err == nil {
				for j, q := range chunk {
					q.stored(last - uint64(i-j))
				}
			}
		default:
			err = batch.add(m)
		}
		if err != nil {
			return 0, err
		}
	}
	return len(chunk), nil
}

// stored notes at which sequence the event is.
func (q queued) stored(seq uint64) {
	if q.msg.Subject == q.market.subject {
		q.market.last = seq
	}
}

// conditional is the message on the condition that the market's newest trade is the
// one that is known.
func (q queued) conditional() outgoing {
	m := q.msg
	m.condition = condition{of: lastOfSubject, last: q.market.last}
	if m.Subject != q.market.subject {
		m.condition.subject = q.market.subject
	}
	return m
}

// reconcile finds out, after an error, how many of the queued events the log
// has: for each subject it reads the last message back and looks for it in the
// queue. A market whose newest trade is neither the one that is known nor one of
// the queue is over: somebody else stores its trades. The rest is stored one by
// one, each on the condition of its market, so that a late arrival of an earlier
// attempt is noticed instead of doubled. It returns how many events are stored.
func (l *lane) reconcile(ctx context.Context) (int, error) {
	chunk := l.chunk()
	if err := l.know(ctx, chunk); err != nil {
		return 0, err
	}
	stored := make([]bool, len(chunk))
	looked := make(map[string]bool)
	newest := make(map[*market]uint64) // known only when all are: what was found is lost with an error
	look := func(subject string, m *market) error {
		if looked[subject] {
			return nil
		}
		looked[subject] = true
		seq, data, err := l.last(ctx, subject)
		if err != nil || subject == m.subject && seq == m.last { // nothing came since
			return err
		}
		// Everything of this subject up to the match is stored. Of several alike
		// the first one counts: the projection recognises what is repeated then,
		// and nothing that stands between them is passed over.
		match := slices.IndexFunc(chunk, func(q queued) bool { return q.msg.Subject == subject && bytes.Equal(q.msg.data, data) })
		for j := 0; j <= match; j++ {
			if chunk[j].msg.Subject == subject {
				stored[j] = true
			}
		}
		if subject == m.subject {
			// A market without trades is one whose last has aged out of the log.
			if seq != 0 && match < 0 {
				l.lose(m)
			}
			newest[m] = seq
		}
		return nil
	}
	for _, q := range chunk {
		for _, subject := range [...]string{q.market.subject, q.msg.Subject} {
			if err := look(subject, q.market); err != nil {
				return 0, err
			}
		}
	}
	for m, seq := range newest {
		m.last = seq
	}
	var rest, have []queued
	for i, q := range chunk {
		if stored[i] {
			have = append(have, q)
		} else {
			rest = append(rest, q)
		}
	}
	l.mu.Lock()
	copy(l.queue, append(have, rest...))
	l.mu.Unlock()
	for i, q := range rest {
		if q.market.over.Load() {
			return len(have) + i, nil // the next chunk leaves it out
		}
		if err := l.storeOne(ctx, q); err != nil {
			return len(have) + i, err
		}
	}
	return len(chunk), nil
}

// lose ends a market of which somebody else stores trades, and tells.
func (l *lane) lose(m *market) {
	if !l.end(m) {
		return // the caller has resumed it meanwhile
	}
	l.publisher.conflicts.Add(1)
	l.log.Debug("somebody else stores trades of this market", "exchange", m.exchange, "symbol", m.symbol)
	if told := l.publisher.onConflict; told != nil {
		told(m.exchange, m.symbol)
	}
}

// last reads the newest message of a subject; seq is zero when there is none.
func (l *lane) last(ctx context.Context, subject string) (seq uint64, data []byte, err error) {
	msg, err := l.publisher.bus.last(ctx, Address{l.stream, subject})
	if errors.Is(err, errNoMessage) {
		return 0, nil, nil
	}
	if err != nil {
		return 0, nil, err
	}
	return msg.Sequence, msg.Data, nil
}
