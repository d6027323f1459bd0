package bus

import (
	"context"

	"github.com/fullon/fullon/domain"
)

// PublishAll stores events of one stream as fast as the log takes them, and
// returns the position of the last one when all are acknowledged. All of them
// are validated before the first is sent. It is for events about different
// things: one that is lost does not hold back those behind it.
//
// It gives up at the first error, which matches those of Publish; then any of
// the events may have been stored, so publish all of them again. No event is the
// zero position.
func (b *Bus) PublishAll(ctx context.Context, events []domain.Event) (domain.LogPosition, error) {
	if len(events) == 0 {
		return domain.LogPosition{}, nil
	}
	messages := make([]outgoing, len(events))
	for i, event := range events {
		m, err := b.message(event)
		if err != nil {
			return domain.LogPosition{}, err
		}
		if i > 0 && m.Stream != messages[0].Stream {
			return domain.LogPosition{}, domain.Invalid("event", m.Subject, "an event of the stream of the others, "+messages[0].Stream)
		}
		messages[i] = m
	}
	last := domain.LogPosition{Stream: messages[0].Stream}
	s := sending{bus: b, settled: func(_ int, seq uint64, err error) error {
		last.Seq = max(last.Seq, seq)
		return err
	}}
	defer s.abandon()
	for i, m := range messages {
		if err := s.post(ctx, i, m); err != nil {
			return domain.LogPosition{}, err
		}
	}
	if err := s.settleAll(ctx); err != nil {
		return domain.LogPosition{}, err
	}
	return last, nil
}
