package binance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/sourcegraph/conc/pool"

	"github.com/fullon/fullon/internal/execution"
)

// Run delivers what happens to the account: see execution.Venue. It returns an
// error when the venue refuses the key, or its signature, before it was ever
// connected; later it goes on trying.
func (v *Venue) Run(ctx context.Context, sink execution.Sink) error {
	if !v.running.TryLock() {
		return errors.New("binance: Run was called twice at a time")
	}
	defer v.running.Unlock()
	for _, name := range v.cfg.Watch {
		if symbol, known := v.symbols.byName(name); known {
			v.watch(symbol.VenueSymbol)
		}
	}
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval, wait.Multiplier = v.cfg.BackoffInitial, v.cfg.BackoffMax, 2
	for connected := false; ; {
		begun := time.Now()
		accepted, ready, err := v.session(ctx, sink)
		if ctx.Err() != nil {
			return nil
		}
		connected = connected || accepted
		var f *failure
		if errors.As(err, &f) && f.is(codeKeyForm, codeKey, codeSignature) && !connected {
			return fmt.Errorf("binance: account %s: %w", v.cfg.Account, f)
		}
		if ready && time.Since(begun) > v.cfg.BackoffMax {
			wait.Reset()
		}
		delay := wait.NextBackOff()
		if f != nil && f.limited() {
			delay = max(delay, f.retryAfter)
		}
		v.cfg.Logger.WarnContext(ctx, "account stream ended", "account", v.cfg.Account, "error", err, "wait", delay)
		if !sleep(ctx, delay) {
			return nil
		}
	}
}

// sleep waits; false: ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// session is one connection. accepted: it was connected; ready: it has delivered
// what was to be made up for.
func (v *Venue) session(ctx context.Context, sink execution.Sink) (accepted, ready bool, err error) {
	s, err := v.connect(ctx)
	if err != nil {
		return false, false, err
	}
	defer func() { _ = s.ws.CloseNow() }()
	v.cfg.Logger.InfoContext(ctx, "account stream connected", "account", v.cfg.Account, "real", v.cfg.Real)
	group := pool.New().WithContext(ctx).WithCancelOnError().WithFirstError()
	group.Go(func(ctx context.Context) error { return s.run(ctx, v.cfg.PingEvery, v.cfg.Timeout) })
	group.Go(func(ctx context.Context) error {
		d := delivery{v: v, sink: sink}
		sink.Connected()
		if err := d.balances(ctx); err != nil {
			return err
		}
		if err := d.sweep(ctx); err != nil {
			return err
		}
		ready = true
		return d.follow(ctx, s)
	})
	err = group.Wait()
	return true, ready, err
}
