package bus

import (
	"context"

	"github.com/fullon/fullon/domain"
)

// PublishNext is Publish under the condition that the event becomes the very
// next of its stream, behind the one with sequence last: whoever knows all that
// the stream holds up to there knows that nothing came between. The error
// matches domain.ErrConflict when something did, domain.ErrInvalid or
// domain.ErrUnreachable; after the latter the event may have been stored.
func (b *Bus) PublishNext(ctx context.Context, event domain.Event, last uint64) (domain.LogPosition, error) {
	return b.publishIf(ctx, event, condition{of: lastOfStream, last: last})
}
