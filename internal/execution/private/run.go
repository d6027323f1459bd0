package private

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/sourcegraph/conc/pool"

	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/pause"
)

// Run delivers what happens to the account: see execution.Venue. It returns an
// error when the venue refuses the key, or its signature, before it was ever
// connected; later it goes on trying.
func (v *Venue) Run(ctx context.Context, sink execution.Sink) error {
	cfg := v.account.Cfg
	if !v.running.TryLock() {
		return fmt.Errorf("%s: Run was called twice at a time", cfg.Exchange)
	}
	defer v.running.Unlock()
	for _, name := range cfg.Watch {
		if symbol, known := v.account.Symbols.Find(name); known {
			v.watch(symbol.VenueSymbol)
		}
	}
	wait := v.backoff()
	for connected := false; ; {
		begun := time.Now()
		accepted, ready, err := v.session(ctx, sink)
		if ctx.Err() != nil {
			return nil
		}
		connected = connected || accepted
		if Is(err, Denied) && !connected {
			return fmt.Errorf("%s: account %s: %w", cfg.Exchange, cfg.Account, err)
		}
		if ready && time.Since(begun) > cfg.BackoffMax {
			wait.Reset()
		}
		delay := max(wait.NextBackOff(), retryAfter(err))
		cfg.Logger.WarnContext(ctx, "account stream ended", "account", cfg.Account, "error", err, "wait", delay)
		pause.For(ctx, delay)
	}
}

func (v *Venue) backoff() *backoff.ExponentialBackOff {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval, wait.Multiplier = v.account.Cfg.BackoffInitial, v.account.Cfg.BackoffMax, 2
	return wait
}

// retryAfter is how long a venue wants to be left alone.
func retryAfter(err error) time.Duration {
	if f, ok := errors.AsType[*Failure](err); ok && f.Kind == Limited {
		return f.RetryAfter
	}
	return 0
}

// session is one connection. accepted: it was connected; ready: it has delivered
// what was to be made up for.
func (v *Venue) session(ctx context.Context, sink execution.Sink) (accepted, ready bool, err error) {
	c, err := v.connect(ctx)
	if err != nil {
		return false, false, err
	}
	defer c.Close()
	v.account.Cfg.Logger.InfoContext(ctx, "account stream connected", "account", v.account.Cfg.Account, "real", v.account.Cfg.Real)
	group := pool.New().WithContext(ctx).WithCancelOnError().WithFirstError()
	group.Go(func(ctx context.Context) error {
		select {
		case <-c.Done():
			return c.Err()
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	group.Go(func(ctx context.Context) error {
		d := &Delivery{v: v, sink: sink}
		sink.Connected()
		if err := d.books(ctx); err != nil {
			return err
		}
		if err := d.sweep(ctx); err != nil {
			return err
		}
		ready = true
		return d.follow(ctx, c)
	})
	err = group.Wait()
	return true, ready, err
}

// follow delivers events until ctx ends or one cannot be understood. Now and
// then it asks for fills that no event brought: the venue's list may lag behind
// its stream, so what was asked for at the connect may have missed some that
// came just before it.
func (d *Delivery) follow(ctx context.Context, c *connection) error {
	cfg := d.v.account.Cfg
	sweep := time.NewTicker(cfg.SweepEvery)
	defer sweep.Stop()
	var recount <-chan time.Time // set while the books are stale
	var renew <-chan time.Time   // set for a stream that is to be renewed
	keyed, isKeyed := c.stream.(Keyed)
	if isKeyed {
		ticker := time.NewTicker(cfg.RenewEvery)
		defer ticker.Stop()
		renew = ticker.C
	}
	for {
		if d.stale && recount == nil {
			recount = time.After(cfg.BooksEvery)
		}
		var failed error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case event := <-c.events:
			if err := c.stream.Tell(ctx, event, d); err != nil {
				return err
			}
		case <-recount:
			if recount, failed = nil, d.books(ctx); failed != nil {
				d.stale = true
			}
		case <-sweep.C:
			failed = d.sweep(ctx)
		case <-renew:
			if failed = keyed.Renew(ctx); Is(failed, NotFound) {
				return failed
			}
		}
		if failed != nil && ctx.Err() == nil {
			// The stream goes on, and what failed is tried again.
			cfg.Logger.WarnContext(ctx, "what the account has was not asked for, or its stream not renewed", "account", cfg.Account, "error", failed)
		}
	}
}
