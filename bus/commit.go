package bus

import (
	"context"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

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
}

// Commit stores all changes, next to each other, or none of them. It returns the
// position of the last one. Only the streams of orders take more than one
// change. The error matches domain.ErrConflict when a condition does not hold,
// domain.ErrInvalid, domain.ErrNotFound or domain.ErrUnreachable; after the
// latter they may have been stored.
func (b *Bus) Commit(ctx context.Context, changes ...Change) (domain.LogPosition, error) {
	msgs := make([]*nats.Msg, len(changes))
	stream := ""
	for i, change := range changes {
		msg, its, err := b.message(change.Event)
		if err != nil {
			return domain.LogPosition{}, err
		}
		if i > 0 && its != stream {
			return domain.LogPosition{}, domain.Invalid("change", msg.Subject, "a change in the stream of the others, "+stream)
		}
		stream = its
		if change.If != (domain.Key{}) {
			address, err := b.address(change.If)
			if err != nil {
				return domain.LogPosition{}, err
			}
			if address.Stream != stream {
				return domain.LogPosition{}, domain.Invalid("condition", address.Subject, "a subject of the stream "+stream)
			}
			msg.Header.Set(jetstream.ExpectedLastSubjSeqSubjHeader, address.Subject)
		}
		msg.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(change.Last, 10))
		msgs[i] = msg
	}
	switch len(msgs) {
	case 0:
		return domain.LogPosition{}, domain.Invalid("changes", "0", "at least one")
	case 1:
		return b.send(ctx, msgs[0], stream)
	}
	ctx, cancel := context.WithTimeout(ctx, b.cfg.Timeout)
	defer cancel()
	// Without an acknowledgement of the first message it is one round trip; what
	// is wrong with it, the commit tells.
	ack, err := jetstreamext.PublishMsgBatch(ctx, b.js, msgs, jetstreamext.BatchFlowControl{AckTimeout: b.cfg.Timeout})
	if err != nil {
		return domain.LogPosition{}, b.refused(ctx, "commit "+msgs[0].Subject, stream, err)
	}
	return domain.LogPosition{Stream: stream, Seq: ack.Sequence}, nil
}
