package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
)

// VenueErrors is what went wrong with each venue: a list in Redis that keeps the
// newest cachestore.VenueErrorCap. It is for people and for alarms; nothing
// depends on it, and it is not in the log.
//
// Errors match domain.ErrInvalid for what the caller passed,
// domain.ErrUnreachable, or domain.ErrUnknown for what is stored and cannot be
// read; others are named.
type VenueErrors struct {
	store  *cachestore.VenueErrors
	closed <-chan struct{}
}

// NewVenueErrors is a client's VenueErrors for who needs nothing else. The
// caller keeps the connection.
func NewVenueErrors(store *cachestore.Store) *VenueErrors {
	return &VenueErrors{store: store.VenueErrors()}
}

// Push adds what went wrong with a venue. Credentials that are recognised as
// such are taken out (domain.Redact), a text that is too long is cut. After
// domain.ErrUnreachable it may or may not have been added.
func (v *VenueErrors) Push(ctx context.Context, exchange, text string) error {
	report := domain.VenueError{Exchange: exchange, Text: domain.Shorten(domain.Redact(text), domain.MaxTextBytes)}
	if err := report.Validate(); err != nil {
		return err
	}
	return v.store.Push(ctx, report)
}

// MaxPopWait bounds Pop.
const MaxPopWait = time.Hour

// Pop takes the oldest error of a venue out of the list and waits for one for at
// most timeout; zero does not wait. Of several callers each error goes to one. It
// holds one connection to Redis while it waits. The error matches also
// domain.ErrNotFound when there was none in time. An answer that is lost on its
// way from Redis takes its error with it.
func (v *VenueErrors) Pop(ctx context.Context, exchange string, timeout time.Duration) (domain.VenueError, error) {
	if err := domain.CheckExchange(exchange); err != nil {
		return domain.VenueError{}, err
	}
	if timeout < 0 || timeout > MaxPopWait {
		return domain.VenueError{}, domain.Invalid("timeout", timeout.String(), "0 to 1h")
	}
	deadline := time.Now().Add(timeout)
	for {
		if err := ctx.Err(); err != nil {
			return domain.VenueError{}, fmt.Errorf("errors of %s: %w", exchange, err)
		}
		report, err := v.store.Pop(ctx, exchange)
		left := time.Until(deadline)
		if !errors.Is(err, domain.ErrNotFound) || left <= 0 {
			return report, err
		}
		select {
		case <-v.closed:
			return domain.VenueError{}, fmt.Errorf("errors of %s: %w: the client was closed", exchange, domain.ErrUnreachable)
		default:
		}
		// Waiting takes nothing away, so giving up in between loses nothing.
		if err := v.store.Wait(ctx, exchange, min(left, waitSlice)); err != nil {
			return domain.VenueError{}, err
		}
	}
}

// List reads the newest limit errors of a venue, at most
// cachestore.VenueErrorCap, oldest first, and takes nothing away. None is an
// empty result.
func (v *VenueErrors) List(ctx context.Context, exchange string, limit int) ([]domain.VenueError, error) {
	if err := domain.CheckExchange(exchange); err != nil {
		return nil, err
	}
	if err := checkLimit(limit, cachestore.VenueErrorCap); err != nil {
		return nil, err
	}
	return v.store.List(ctx, exchange, limit)
}
