package bus

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fullon/fullon/domain"
)

// maxUnderWay is how many messages of PublishAll may wait for their
// acknowledgement, of all calls together. It is well below what the client
// library puts up with.
const maxUnderWay = 1024

// PublishAll stores events of one stream as fast as the log takes them, and
// returns the position of the last one when all are acknowledged. All of them
// are validated before the first is sent. It is for events about different
// things: one that is lost does not hold back those behind it.
//
// It gives up at the first error, which matches those of Publish; then any of
// the events may have been stored, so publish all of them again. No event is the
// zero position.
func (b *Bus) PublishAll(ctx context.Context, events []domain.Event) (domain.LogPosition, error) {
	var last domain.LogPosition
	for i, event := range events {
		if err := event.Validate(); err != nil {
			return domain.LogPosition{}, err
		}
		address, err := b.address(event.Key())
		if err != nil {
			return domain.LogPosition{}, err
		}
		if i > 0 && address.Stream != last.Stream {
			return domain.LogPosition{}, domain.Invalid("event", address.Subject, "an event of the stream of the others, "+last.Stream)
		}
		last.Stream = address.Stream
	}
	var waiting []sentMessage
	defer func() {
		for range waiting {
			<-b.underWay
		}
	}()
	// settle waits for the oldest acknowledgement.
	settle := func() error {
		seq, err := b.acknowledged(ctx, waiting[0], last.Stream)
		last.Seq = max(last.Seq, seq)
		waiting = waiting[1:]
		<-b.underWay
		return err
	}
	for _, event := range events {
		msg, _, err := b.message(event)
		if err != nil {
			return domain.LogPosition{}, err
		}
		for reserved := false; !reserved; {
			select {
			case b.underWay <- struct{}{}:
				reserved = true
				continue
			default:
			}
			if len(waiting) > 0 {
				if err := settle(); err != nil {
					return domain.LogPosition{}, err
				}
				continue
			}
			select {
			case b.underWay <- struct{}{}: // other calls have all of them
				reserved = true
			case <-ctx.Done():
				return domain.LogPosition{}, fmt.Errorf("publish %s: %w", msg.Subject, ctx.Err())
			}
		}
		// No retries: they could store out of order what was sent in order.
		ack, err := b.js.PublishMsgAsync(msg, jetstream.WithRetryAttempts(0))
		if err != nil {
			<-b.underWay
			return domain.LogPosition{}, b.refused(ctx, "publish "+msg.Subject, last.Stream, err)
		}
		waiting = append(waiting, sentMessage{msg.Subject, ack})
	}
	for len(waiting) > 0 {
		if err := settle(); err != nil {
			return domain.LogPosition{}, err
		}
	}
	return last, nil
}

// sentMessage is a message that waits for its acknowledgement.
type sentMessage struct {
	subject string
	ack     jetstream.PubAckFuture
}

// acknowledged waits for an acknowledgement; the client library gives up after
// the configured timeout, and when the connection is lost.
func (b *Bus) acknowledged(ctx context.Context, msg sentMessage, stream string) (uint64, error) {
	select {
	case ack := <-msg.ack.Ok():
		return ack.Sequence, nil
	case err := <-msg.ack.Err():
		return 0, b.refused(ctx, "publish "+msg.subject, stream, err)
	case <-ctx.Done():
		return 0, fmt.Errorf("publish %s: %w", msg.subject, ctx.Err())
	}
}
