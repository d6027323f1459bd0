package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/pause"
)

// Holding runs a function while a block or an opening mark is held: it renews
// the claim at once, and again each third of the time that it is to last (zero:
// DefaultClaim), until the function returns. When the claim is lost, or could
// not be renewed in time, the function's context ends; context.Cause tells why,
// and Holding returns that beside the function's own error. It blocks until the
// function has returned, and gives nothing back.
//
// The function may learn of a loss late, if the process was paused: what it does
// in the name of the claim must be stored on the condition of the claim.
func (b *Bots) Holding(ctx context.Context, claim domain.Claim, last time.Duration, do func(context.Context) error) error {
	last, err := claimLength(last)
	if err != nil {
		return err
	}
	begun := time.Now()
	if claim, err = b.renew(ctx, claim.Kind, claim, last); err != nil {
		return err
	}
	held, cancel := context.WithCancelCause(ctx)
	var renewing sync.WaitGroup
	var lost error
	renewing.Go(func() {
		if lost = b.keep(held, claim, last, begun); lost != nil {
			cancel(lost)
		}
	})
	defer renewing.Wait() // also if the function panics
	defer cancel(nil)
	err = do(held)
	cancel(nil)
	renewing.Wait()
	switch {
	case lost == nil, err != nil && errors.Is(err, lost):
		return err
	case err == nil, errors.Is(err, context.Canceled) && ctx.Err() == nil:
		return lost
	}
	return errors.Join(lost, err)
}

// keep renews a claim until ctx ends (nil) or the claim is lost. renewed is when
// the last renewal that went well was asked for, so that the claim lasts at least
// until last later.
func (b *Bots) keep(ctx context.Context, claim domain.Claim, last time.Duration, renewed time.Time) error {
	next := renewed.Add(last / 3)
	for {
		pause.For(ctx, time.Until(next))
		if ctx.Err() != nil {
			return nil
		}
		begun := time.Now()
		bounded, cancel := context.WithDeadline(ctx, renewed.Add(last))
		again, err := b.renew(bounded, claim.Kind, claim, last)
		cancel()
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			claim, renewed, next = again, begun, begun.Add(last/3)
		case errors.Is(err, domain.ErrConflict), errors.Is(err, domain.ErrInvalid):
			return err
		case time.Since(renewed) >= last:
			return fmt.Errorf("%s of %s %s was not renewed in time: %w", claim.Kind, claim.Exchange, claim.Symbol, err)
		default:
			next = time.Now().Add(min(last/10, time.Second))
		}
	}
}
