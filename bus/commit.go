package bus

import (
	"context"
	"time"

	"github.com/fullon/fullon/domain"
)

// Change is an event that is to be stored only under a condition: that the
// newest message about If is the one with sequence Last; zero: that there is
// none.
type Change struct {
	domain.Event
	// If is what the condition is about; the zero Key: what the event is about.
	// It must be in the event's stream, and no earlier change of the same Commit
	// may be about it.
	If   domain.Key
	Last uint64
	// Free says that there is no condition.
	Free bool
}

// Commit stores all changes, next to each other, or none of them. It returns the
// position of the last one. Only the streams of orders take more than one
// change. The error matches domain.ErrConflict when a condition does not hold,
// domain.ErrInvalid, domain.ErrNotFound or domain.ErrUnreachable; after the
// latter they may have been stored.
func (b *Bus) Commit(ctx context.Context, changes ...Change) (domain.LogPosition, error) {
	switch len(changes) {
	case 0:
		return domain.LogPosition{}, domain.Invalid("changes", "0", "at least one")
	case 1:
		m, err := b.conditional(changes[0])
		if err != nil {
			return domain.LogPosition{}, err
		}
		return b.send(ctx, m)
	}
	messages := make([]outgoing, len(changes))
	for i, change := range changes {
		m, err := b.conditional(change)
		if err != nil {
			return domain.LogPosition{}, err
		}
		if i > 0 && m.Stream != messages[0].Stream {
			return domain.LogPosition{}, domain.Invalid("change", m.Subject, "a change in the stream of the others, "+messages[0].Stream)
		}
		messages[i] = m
	}
	deadline := time.Now().Add(b.cfg.Timeout)
	seq, err := b.commit(ctx, messages, deadline)
	if err != nil {
		return domain.LogPosition{}, b.refused(ctx, deadline, "commit "+messages[0].Subject, messages[0].Stream, err)
	}
	return domain.LogPosition{Stream: messages[0].Stream, Seq: seq}, nil
}

// conditional is the message of a change.
func (b *Bus) conditional(change Change) (outgoing, error) {
	m, err := b.message(change.Event)
	if err != nil {
		return outgoing{}, err
	}
	if change.Free {
		return m, nil
	}
	m.condition = condition{of: lastOfSubject, last: change.Last}
	if change.If == (domain.Key{}) {
		return m, nil
	}
	address, err := b.address(change.If)
	if err != nil {
		return outgoing{}, err
	}
	if address.Stream != m.Stream {
		return outgoing{}, domain.Invalid("condition", address.Subject, "a subject of the stream "+m.Stream)
	}
	m.condition.subject = address.Subject
	return m, nil
}

// commit stores messages in one batch, with one round trip: nothing is waited for
// before the end. A server lets far more messages wait than a batch may have, but
// few batches of a stream, so no two go out at the same time.
func (b *Bus) commit(ctx context.Context, messages []outgoing, deadline time.Time) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	batch := b.requester.newAtomicBatch(deadline)
	defer batch.end()
	send := func() error {
		b.requester.batching.Lock()
		defer b.requester.batching.Unlock()
		last := len(messages) - 1
		for _, m := range messages[:last] {
			if err := batch.add(m); err != nil {
				return err
			}
		}
		return batch.commit(messages[last])
	}
	if err := send(); err != nil {
		return 0, err
	}
	return batch.committed(ctx)
}
