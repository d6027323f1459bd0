package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

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
	return b.publishIf(ctx, event, condition{})
}

// publishIf stores an event if the condition holds; the error matches
// domain.ErrConflict when it does not.
func (b *Bus) publishIf(ctx context.Context, event domain.Event, c condition) (domain.LogPosition, error) {
	m, err := b.message(event)
	if err != nil {
		return domain.LogPosition{}, err
	}
	m.condition = c
	return b.send(ctx, m)
}

// Nobody leads a stream for a moment when its leader changes.
const (
	leaderRetries = 2
	leaderWait    = 250 * time.Millisecond
)

func (b *Bus) send(ctx context.Context, m outgoing) (domain.LogPosition, error) {
	deadline := time.Now().Add(b.cfg.Timeout)
	req := newRequest(m)
	defer req.release()
	answer, err := b.requester.ask(ctx, req, deadline)
	for n := 0; n < leaderRetries && errors.Is(err, jetstream.ErrNoStreamResponse); n++ {
		select {
		case <-ctx.Done():
		case <-time.After(min(leaderWait, time.Until(deadline))):
		}
		answer, err = b.requester.ask(ctx, req, deadline)
	}
	if err != nil {
		return domain.LogPosition{}, b.refused(ctx, deadline, "publish "+m.Subject, m.Stream, err)
	}
	return domain.LogPosition{Stream: m.Stream, Seq: answer.seq}, nil
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

// refused sorts what may be wrong with a publication that had until deadline.
func (b *Bus) refused(ctx context.Context, deadline time.Time, what, stream string, err error) error {
	switch {
	case isConflict(err):
		return errors.Join(domain.ErrConflict, err)
	case errors.Is(err, jetstream.ErrNoStreamResponse), errors.Is(err, jetstream.ErrStreamNotFound):
		// The stream is not there, or nobody leads it now.
		ctx, cancel := context.WithDeadline(ctx, deadline)
		defer cancel()
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

// message validates an event and encodes it.
func (b *Bus) message(event domain.Event) (outgoing, error) {
	if err := event.Validate(); err != nil {
		return outgoing{}, err
	}
	address, err := b.address(event.Key())
	if err != nil {
		return outgoing{}, err
	}
	data, err := wire.Encode(event)
	if err != nil {
		return outgoing{}, fmt.Errorf("publish %s: %w", address.Subject, err)
	}
	return outgoing{Address: address, data: data}, nil
}

// address is Layout.Address, remembered for each market where it takes longer to
// find out than to look up.
func (b *Bus) address(key domain.Key) (Address, error) {
	switch {
	case key.Kind == domain.KindOrder:
		return b.orderRoute(key.Exchange).address(key.OrderID), nil
	case isExchangeKind(key.Kind):
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

func (b *Bus) orderRoute(exchange string) orderRoute {
	if known, ok := b.orders.Load(exchange); ok {
		return known.(orderRoute)
	}
	route := newOrderRoute(exchange)
	b.orders.Store(exchange, route)
	return route
}
