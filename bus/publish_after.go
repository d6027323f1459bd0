package bus

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

// PublishAfter is Publish under the condition that the newest message of the
// event's subject is the one with sequence last; zero: that there is none. The
// error matches domain.ErrConflict when it is another one, domain.ErrInvalid or
// domain.ErrUnreachable; after the latter the event may have been stored.
func (b *Bus) PublishAfter(ctx context.Context, event domain.Event, last uint64) (domain.LogPosition, error) {
	return b.publishIf(ctx, event, jetstream.WithExpectLastSequencePerSubject(last))
}

func (b *Bus) publishIf(ctx context.Context, event domain.Event, condition jetstream.PublishOpt) (domain.LogPosition, error) {
	msg, stream, err := b.message(event)
	if err != nil {
		return domain.LogPosition{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, b.cfg.Timeout)
	defer cancel()
	ack, err := b.js.PublishMsg(ctx, msg, condition)
	var refused *jetstream.APIError
	if errors.As(err, &refused) && refused.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence {
		return domain.LogPosition{}, errors.Join(domain.ErrConflict, err)
	}
	if err != nil {
		return domain.LogPosition{}, unreachable("publish "+msg.Subject, err)
	}
	return domain.LogPosition{Stream: stream, Seq: ack.Sequence}, nil
}

// LastTick reads the newest message about a market's tick from the log, which
// need not be the newest tick; a deletion is the zero Tick with a Sequence. The
// error matches domain.ErrNotFound, domain.ErrUnreachable or wire.ErrMalformed.
func (b *Bus) LastTick(ctx context.Context, exchange, symbol string) (domain.Tick, error) {
	key := domain.Key{Kind: domain.KindTick, Exchange: exchange, Symbol: symbol}
	address, err := b.address(key)
	if err != nil {
		return domain.Tick{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, b.cfg.Timeout)
	defer cancel()
	msg, err := b.last(ctx, address)
	if err != nil {
		return domain.Tick{}, err
	}
	if len(msg.Data) == 0 {
		return domain.Tick{Sequence: msg.Sequence}, nil
	}
	tick, err := wire.DecodeTick(key, msg.Data)
	tick.Sequence = msg.Sequence
	return tick, err
}
