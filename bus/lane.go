package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/fullon/fullon/domain"
)

const (
	// chunkSize is how many messages share one fast batch.
	chunkSize = 2048
	// batchFrom is the chunk size from which a batch, with its two round trips,
	// beats single publishes.
	batchFrom = 4
	// ackTimeout is how long an acknowledgement may take before the lane looks
	// for itself what is stored. A lost connection does not end the wait, so
	// this is also what an outage costs beyond its own length; and a batch does
	// not heed a context, so it must fit into the time that a stop may take.
	ackTimeout = 2 * time.Second
)

// lane is the queue of one stream.
type lane struct {
	publisher *OrderedPublisher
	stream    string
	log       *slog.Logger

	mu      sync.Mutex
	queue   []*nats.Msg
	arrived chan struct{}
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
			return fmt.Errorf("%s: %d events were not stored: %w", l.stream, len(l.chunk()), err)
		}
		l.publisher.retries.Add(1)
		l.log.Debug("storing goes on after an error", "error", err, "stored", stored, "of", len(chunk))
		select {
		case <-time.After(wait.NextBackOff()):
		case <-hard.Done():
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

func (l *lane) chunk() []*nats.Msg {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.queue[:min(len(l.queue), chunkSize)]
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

// store publishes the chunk and returns how many of it are known to be stored.
func (l *lane) store(ctx context.Context, chunk []*nats.Msg) (int, error) {
	if len(chunk) >= batchFrom {
		return l.storeBatch(ctx, chunk)
	}
	for i, msg := range chunk {
		if err := l.storeOne(ctx, msg); err != nil {
			return i, err
		}
	}
	return len(chunk), nil
}

func (l *lane) storeOne(ctx context.Context, msg *nats.Msg, opts ...jetstream.PublishOpt) error {
	ctx, cancel := context.WithTimeout(ctx, min(ackTimeout, l.publisher.bus.cfg.Timeout))
	defer cancel()
	// No retries: they could store out of order what was sent in order.
	_, err := l.publisher.bus.js.PublishMsg(ctx, fresh(msg), append(opts, jetstream.WithRetryAttempts(0))...)
	return err
}

func (l *lane) storeBatch(ctx context.Context, chunk []*nats.Msg) (int, error) {
	bus := l.publisher.bus
	batch, err := jetstreamext.NewFastPublisher(bus.js,
		jetstreamext.WithFastPublisherContinueOnGap(false),
		jetstreamext.FastPublishFlowControl{Flow: 200, MaxOutstandingAcks: 4, AckTimeout: min(ackTimeout, bus.cfg.Timeout)})
	if err != nil {
		return 0, err
	}
	last := len(chunk) - 1
	stored := 0
	for _, msg := range chunk[:last] {
		ack, err := batch.AddMsg(fresh(msg))
		if err != nil {
			l.abandon(batch)
			return stored, err
		}
		stored = int(ack.AckSequence)
	}
	ctx, cancel := context.WithTimeout(ctx, bus.cfg.Timeout)
	defer cancel()
	ack, err := batch.CommitMsg(ctx, fresh(chunk[last]))
	if err != nil {
		l.abandon(batch)
		return stored, err
	}
	// A message that did not arrive ends the batch before it, and what is before
	// it is acknowledged as if nothing had followed.
	if ack.BatchSize != uint64(len(chunk)) {
		return stored, fmt.Errorf("%s: %d of %d messages of a batch were stored", l.stream, ack.BatchSize, len(chunk))
	}
	return len(chunk), nil
}

// abandon lets the batch publisher drop its subscription; the log's answer does
// not matter any more.
func (l *lane) abandon(batch jetstreamext.FastPublisher) {
	if batch.IsClosed() {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, _ = batch.Close(ctx)
}

// fresh is a copy that the client library may write its headers and reply into.
func fresh(msg *nats.Msg) *nats.Msg {
	return &nats.Msg{Subject: msg.Subject, Data: msg.Data, Header: nats.Header{}}
}

// reconcile finds out, after an error, how many of the queued events the log
// has: for each subject it reads the last message back and looks for it in the
// queue. It then stores the first event that each subject still lacks on the
// condition that nothing of it was stored since, so that a late arrival of an
// earlier attempt is noticed instead of doubled. It returns how many events are
// stored.
func (l *lane) reconcile(ctx context.Context) (int, error) {
	chunk := l.chunk()
	stored := make([]bool, len(chunk))
	lastSeq := make(map[string]uint64)
	for i := len(chunk) - 1; i >= 0; i-- {
		subject := chunk[i].Subject
		if _, asked := lastSeq[subject]; asked {
			continue
		}
		seq, data, err := l.last(ctx, subject)
		if err != nil {
			return 0, err
		}
		lastSeq[subject] = seq
		// Everything of this subject up to the match is stored. Of several alike
		// the first one counts: the projection recognises what is repeated then,
		// and nothing that stands between them is passed over.
		match := slices.IndexFunc(chunk, func(m *nats.Msg) bool { return m.Subject == subject && bytes.Equal(m.Data, data) })
		for j := 0; j <= match; j++ {
			if chunk[j].Subject == subject {
				stored[j] = true
			}
		}
	}
	var rest, have []*nats.Msg
	lacking := make(map[string]bool)
	for i, msg := range chunk {
		if stored[i] {
			have = append(have, msg)
		} else {
			rest = append(rest, msg)
			lacking[msg.Subject] = true
		}
	}
	maps.DeleteFunc(lastSeq, func(subject string, _ uint64) bool { return !lacking[subject] })
	l.mu.Lock()
	copy(l.queue, append(have, rest...))
	l.mu.Unlock()
	// lastSeq loses each subject whose first event of the rest is stored.
	for i, msg := range rest {
		if len(lastSeq) == 0 {
			return len(have) + i, nil
		}
		var conditions []jetstream.PublishOpt
		if seq, first := lastSeq[msg.Subject]; first {
			conditions = append(conditions, jetstream.WithExpectLastSequencePerSubject(seq))
			delete(lastSeq, msg.Subject)
		}
		if err := l.storeOne(ctx, msg, conditions...); err != nil {
			return len(have) + i, err
		}
	}
	return len(chunk), nil
}

// last reads the newest message of a subject; seq is zero when there is none.
func (l *lane) last(ctx context.Context, subject string) (seq uint64, data []byte, err error) {
	msg, err := l.publisher.bus.last(ctx, Address{l.stream, subject})
	if errors.Is(err, domain.ErrNotFound) {
		return 0, nil, nil
	}
	if err != nil {
		return 0, nil, err
	}
	return msg.Sequence, msg.Data, nil
}
