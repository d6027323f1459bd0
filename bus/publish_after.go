package bus

import (
	"context"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fullon/fullon/domain"
)

// PublishAfter is Publish under the condition that the newest message of the
// event's subject is the one with sequence last; zero: that there is none. The
// error matches domain.ErrConflict when it is another one, domain.ErrInvalid or
// domain.ErrUnreachable; after the latter the event may have been stored.
func (b *Bus) PublishAfter(ctx context.Context, event domain.Event, last uint64) (domain.LogPosition, error) {
	return b.publishIf(ctx, event, jetstream.WithExpectLastSequencePerSubject(last))
}
