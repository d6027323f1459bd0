package client

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"time"

	"github.com/fullon/fullon/domain"
)

// NewOrderID makes a client order id: 26 digits and letters that begin with the
// time, so that ids sort as they were made, and go on with 80 random bits.
func NewOrderID() string {
	var raw [16]byte
	ms := uint64(time.Now().UnixMilli())
	for i := range 6 {
		raw[i] = byte(ms >> (8 * (5 - i)))
	}
	_, _ = rand.Read(raw[6:]) // never fails
	return base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(raw[:])
}

// Push puts an order into the queue of its exchange. Of the order it takes ID,
// Exchange and OrderTerms; an empty ID is made, see NewOrderID, and without
// Expires it expires after OrderLimits.MaxAge.
//
// It blocks until the log acknowledged, and returns the order as it is there.
// Whoever wants to be sure after domain.ErrUnreachable makes the id first, and
// pushes the same again: an order with the same id and terms is returned as it is
// by now, and none is made. Other terms for an id that is taken are an error that
// matches domain.ErrConflict and tells the field. The error matches also
// domain.ErrFull when OrderLimits.MaxQueue orders wait, and domain.ErrUnknown
// when Redis is being folded anew, so that this cannot be told.
func (o *Orders) Push(ctx context.Context, order domain.Order) (domain.Order, domain.LogPosition, error) {
	stored, err := o.push(ctx, order)
	if err != nil {
		return domain.Order{}, domain.LogPosition{}, err
	}
	return stored, o.PositionOf(stored), nil
}

func (o *Orders) push(ctx context.Context, order domain.Order) (domain.Order, error) {
	if order.Status != 0 && order.Status != domain.OrderNew {
		return domain.Order{}, domain.Invalid("status", order.Status.String(), "new, for an order that is pushed")
	}
	now := time.Now()
	wants := order.OrderTerms
	order = domain.Order{
		ID: order.ID, Exchange: order.Exchange, OrderTerms: wants, Status: domain.OrderNew, Created: now, Updated: now,
	}
	if order.ID == "" {
		order.ID = NewOrderID()
	}
	if wants.Expires.IsZero() {
		order.Expires = now.Add(o.limits.MaxAge)
	}
	if err := order.Validate(); err != nil {
		return domain.Order{}, err
	}
	p := o.client.exchange(order.Exchange)
	var waiting int
	var present domain.Order
	var found bool
	err := p.settled(ctx, func() (at domain.Checkpoint, err error) {
		waiting, present, found, at, err = p.WaitingOrders(ctx, order.ID)
		return at, err
	})
	switch {
	case err != nil:
		return domain.Order{}, err
	case found: // perhaps the log does not know it any more
		return pushedBefore(present, order, wants)
	case waiting < o.limits.MaxQueue:
		stored, err := o.store(ctx, order, 0)
		if !errors.Is(err, domain.ErrConflict) {
			return stored, err
		}
	}
	// The id is taken, or the queue is full: perhaps of this very order.
	there, err := o.newest(ctx, order.Exchange, order.ID)
	switch {
	case err != nil:
		return domain.Order{}, err
	case there.deleted:
		return domain.Order{}, fmt.Errorf("order %s of %s: %w: it was deleted, and its id stays taken", order.ID, order.Exchange, domain.ErrConflict)
	case there.order.Status != 0:
		return pushedBefore(there.order, order, wants)
	}
	return domain.Order{}, fmt.Errorf("queue of %s: %w: %d orders wait", order.Exchange, domain.ErrFull, waiting)
}

// pushedBefore is the order that is there, if it is the one that is pushed.
func pushedBefore(there, order domain.Order, wants domain.OrderTerms) (domain.Order, error) {
	if wants.Expires.IsZero() {
		order.Expires = there.Expires
	}
	if err := order.Differs(there.OrderTerms); err != nil {
		return domain.Order{}, fmt.Errorf("order %s of %s: %w: %w", order.ID, order.Exchange, domain.ErrConflict, err)
	}
	return there, nil
}
