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
// until the log acknowledged. The error matches domain.ErrInvalid or
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
	ctx, cancel := context.WithTimeout(ctx, b.cfg.Timeout)
	defer cancel()
	ack, err := b.js.PublishMsg(ctx, msg, conditions...)
	var refused *jetstream.APIError
	if errors.As(err, &refused) && refused.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence {
		return domain.LogPosition{}, errors.Join(domain.ErrConflict, err)
	}
	if err != nil {
		return domain.LogPosition{}, unreachable("publish "+msg.Subject, err)
	}
	return domain.LogPosition{Stream: stream, Seq: ack.Sequence}, nil
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

// address is Layout.Address, remembered for each market.
func (b *Bus) address(key domain.Key) (Address, error) {
	if known, ok := b.addresses.Load(key); ok {
		return known.(Address), nil
	}
	address, err := b.cfg.Layout.Address(key)
	if err == nil {
		b.addresses.Store(key, address)
	}
	return address, err
}
