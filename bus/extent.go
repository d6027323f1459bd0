package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fullon/fullon/domain"
)

// Extent asks what a stream holds. The error matches domain.ErrNotFound,
// domain.ErrUnreachable, or domain.ErrMismatch when the deployment has other
// partition counts by now.
func (b *Bus) Extent(ctx context.Context, stream string) (domain.Extent, error) {
	info, err := b.streamInfo(ctx, stream)
	if err != nil {
		return domain.Extent{}, err
	}
	if err := b.Layout().check(info); err != nil {
		return domain.Extent{}, err
	}
	s := info.State
	first, since := s.FirstSeq, s.FirstTime
	if s.Msgs == 0 {
		first, since = s.LastSeq+1, time.Time{}
	}
	return domain.Extent{
		Created: info.Created.UnixNano(), Begin: max(1, info.Config.FirstSeq), First: first, Since: since, Last: s.LastSeq, Bytes: s.Bytes, Keeps: info.Config.MaxAge, Now: info.TimeStamp,
		MaxMessages: uint64(max(0, info.Config.MaxMsgs)), MaxBytes: uint64(max(0, info.Config.MaxBytes)), //nolint:gosec // not negative
	}, nil
}

// TimeOf tells when a stream stored the message with a sequence, unix ns. The
// error matches domain.ErrNotFound when the stream does not hold it.
func (b *Bus) TimeOf(ctx context.Context, stream string, seq uint64) (int64, error) {
	msg, err := b.stored(ctx, stream, func(ctx context.Context, s jetstream.Stream) (*jetstream.RawStreamMsg, error) {
		return s.GetMsg(ctx, seq)
	})
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, fmt.Errorf("%s sequence %d: %w", stream, seq, domain.ErrNotFound)
	}
	if err != nil {
		return 0, b.unreachable("stream "+stream, err)
	}
	return msg.Time.UnixNano(), nil
}
