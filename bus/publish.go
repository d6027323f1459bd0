package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

// Publish validates an event, stores it and returns its position. It blocks
// until the log acknowledged. The error matches domain.ErrInvalid,
// domain.ErrNotFound for an exchange that the deployment has no orders for,
// domain.ErrMismatch for a deployment that was repartitioned since Bind, or
// domain.ErrUnreachable; after the latter the event may have been stored.
func (b *Bus) Publish(ctx context.Context, event domain.Event) (domain.LogPosition, error) {
	return b.publishIf(ctx, event)
}

// publishIf stores an event if the conditions hold; the error matches
// domain.ErrConflict when they do not.
func (b *Bus) publishIf(ctx context.Context, event domain.Event, conditions ...jetstream.PublishOpt) (domain.LogPosition, error) {
	msg, stream, err := b.message(event)
	if err != nil {
		return domain.LogPosition{}, err
	}
	return b.send(ctx, msg, stream, conditions...)
}

func (b *Bus) send(ctx context.Context, msg *nats.Msg, stream string, conditions ...jetstream.PublishOpt) (domain.LogPosition, error) {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.Timeout)
	defer cancel()
	ack, err := b.js.PublishMsg(ctx, msg, conditions...)
	if err != nil {
		return domain.LogPosition{}, b.refused(ctx, "publish "+msg.Subject, stream, err)
	}
	return domain.LogPosition{Stream: stream, Seq: ack.Sequence}, nil
}

// codeWrongLastSequenceConstant is the server's answer in a cluster when another
// message about the subject of the condition is being stored.
const codeWrongLastSequenceConstant jetstream.ErrorCode = 10164

// isConflict reports whether a condition for storing a message did not hold.
func isConflict(err error) bool {
	var refused *jetstream.APIError
	return errors.As(err, &refused) &&
		(refused.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || refused.ErrorCode == codeWrongLastSequenceConstant)
}

// refused sorts what may be wrong with a publication.
func (b *Bus) refused(ctx context.Context, what, stream string, err error) error {
	switch {
	case isConflict(err):
		return errors.Join(domain.ErrConflict, err)
	case errors.Is(err, jetstream.ErrNoStreamResponse), errors.Is(err, nats.ErrNoResponders), errors.Is(err, jetstream.ErrStreamNotFound):
		// The stream is not there, or nobody leads it now.
		info, missing := b.streamInfo(ctx, stream)
		if missing == nil {
			missing = b.Layout().check(info) // it may take nothing any more
		} else if errors.Is(missing, domain.ErrUnreachable) {
			missing = nil
		}
		if missing != nil {
			return missing
		}
	}
	return b.unreachable(what, err)
}

func (b *Bus) message(event domain.Event) (msg *nats.Msg, stream string, err error) {
	if err := event.Validate(); err != nil {
		return nil, "", err
	}
	address, err := b.address(event.Key())
	if err != nil {
		return nil, "", err
	}
	data, err := wire.Encode(event)
	if err != nil {
		return nil, "", fmt.Errorf("publish %s: %w", address.Subject, err)
	}
	// A batch publisher panics on a nil header.
	return &nats.Msg{Subject: address.Subject, Data: data, Header: nats.Header{}}, address.Stream, nil
}

// address is Layout.Address, remembered for each market where it takes longer to
// find out than to look up.
func (b *Bus) address(key domain.Key) (Address, error) {
	if isExchangeKind(key.Kind) {
		return exchangeAddress(key), nil
	}
	placing := b.placing.Load()
	if known, ok := placing.addresses.Load(key); ok {
		return known.(Address), nil
	}
	address, err := placing.layout.Address(key)
	if err == nil {
		placing.addresses.Store(key, address)
	}
	return address, err
}
