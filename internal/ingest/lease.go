package ingest

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/pause"
)

// Leases is where it is written who follows a venue.
type Leases interface {
	// Holder tells who follows a venue; the error matches domain.ErrNotFound when
	// nobody does.
	Holder(ctx context.Context, exchange string) (domain.Holder, error)
	// Hold says that self does, if the last word about it has this revision; zero:
	// there is none. It returns the next revision. The error matches
	// domain.ErrConflict when somebody has said something since.
	Hold(ctx context.Context, exchange string, self domain.Holder, revision uint64) (uint64, error)
	// Release says that nobody does, under the same condition.
	Release(ctx context.Context, exchange string, revision uint64) error
}

// LeaseConfig says how a lease is held.
type LeaseConfig struct {
	// Interval between two words of the holder. Default 500 ms.
	Interval time.Duration
	// Look is the interval between two looks of those that stand by, and with it
	// how soon a lease that was given back is taken. Default 200 ms.
	Look time.Duration
	// Lapse is how long the holder may say nothing until another takes over.
	// Default 2.5 s.
	Lapse time.Duration
	// Log takes what an operator should know. Default: slog.Default.
	Log *slog.Logger
}

func (c LeaseConfig) withDefaults() LeaseConfig {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&c.Interval, 500*time.Millisecond)
	set(&c.Look, 200*time.Millisecond)
	set(&c.Lapse, 2500*time.Millisecond)
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}

// Lease is this process's part in who follows a venue. Of the processes that
// could, one holds the lease and the others stand by: the next one takes it when
// it is given back, or when its holder has said nothing for the lapse, measured
// by the clock of who waits.
//
// The lease spares the venue and the log double work; that no trade is doubled
// does not rest on it. A holder that cannot reach the log keeps the lease until it
// learns that another has it, so that an outage of the log changes no hands.
type Lease struct {
	cfg      LeaseConfig
	exchange string
	self     domain.Holder
	leases   Leases
	log      *slog.Logger
	doubted  chan struct{} // holds a token when the lease may be lost

	// What was seen of another holder; used by Run alone.
	revision uint64 // of the last word, ours or another's
	changed  time.Time

	mu      sync.Mutex
	holder  domain.Holder   // as last seen; ID empty: nobody
	tenure  context.Context // nil: not held
	end     context.CancelFunc
	arrived chan struct{} // closed when the lease is held, then replaced
}

// NewLease makes a lease. It does no input or output.
func NewLease(cfg LeaseConfig, exchange string, self domain.Holder, leases Leases) *Lease {
	cfg = cfg.withDefaults()
	return &Lease{
		cfg: cfg, exchange: exchange, self: self, leases: leases, log: cfg.Log.With("exchange", exchange),
		doubted: make(chan struct{}, 1), arrived: make(chan struct{}),
	}
}

// Holder is who follows the venue, as last seen; active tells whether it is this
// process. A Holder without an ID is nobody.
func (l *Lease) Holder() (holder domain.Holder, active bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.holder, l.tenure != nil
}

// Await blocks until this process holds the lease and returns a context that ends
// when it no longer does, or with ctx. It returns ctx's error when that ends first.
func (l *Lease) Await(ctx context.Context) (context.Context, error) {
	for {
		l.mu.Lock()
		tenure, arrived := l.tenure, l.arrived
		l.mu.Unlock()
		if tenure != nil {
			held, cancel := context.WithCancel(ctx)
			context.AfterFunc(tenure, cancel)
			return held, ctx.Err()
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Doubt makes the holder look at once whether it still is. It does not block.
func (l *Lease) Doubt() {
	select {
	case l.doubted <- struct{}{}:
	default:
	}
}

// Run takes part until ctx ends, then gives the lease back and returns nil. Whoever
// publishes under the lease must have ended before.
func (l *Lease) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		wait := l.cfg.Look
		if _, active := l.Holder(); active {
			l.renew(ctx)
			wait = l.cfg.Interval
		} else if l.look(ctx) {
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-l.doubted:
		case <-timer.C:
		}
		timer.Stop()
	}
	l.giveBack(ctx)
	return nil
}

// renew says again that this process follows the venue.
func (l *Lease) renew(ctx context.Context) {
	revision, err := l.leases.Hold(ctx, l.exchange, l.self, l.revision)
	switch {
	case err == nil:
		l.revision = revision
		return
	case !errors.Is(err, domain.ErrConflict):
		l.log.Debug("the lease cannot be renewed", "error", err)
		return
	}
	now, err := l.leases.Holder(ctx, l.exchange)
	switch {
	case err == nil && now.ID == l.self.ID: // stored, but the answer was lost
		l.revision = now.Revision
	case err == nil || errors.Is(err, domain.ErrNotFound):
		l.lose(now)
	default:
		l.Doubt()
		pause.For(ctx, l.cfg.Look)
	}
}

// look sees whether the lease can be had, and takes it; then it reports true.
func (l *Lease) look(ctx context.Context) bool {
	now, err := l.leases.Holder(ctx, l.exchange)
	vacant := errors.Is(err, domain.ErrNotFound)
	switch {
	case vacant:
		now = domain.Holder{}
	case err != nil:
		l.changed = time.Now() // who could not say anything meanwhile is not silent
		l.log.Debug("who follows the venue cannot be seen", "error", err)
		return false
	case now.Revision != l.revision && l.revision == 0: // the first look
		l.revision, l.changed = now.Revision, time.Now().Add(-now.Age)
	case now.Revision != l.revision:
		l.revision, l.changed = now.Revision, time.Now()
	}
	l.mu.Lock()
	if l.holder.ID != now.ID && !vacant {
		l.log.Info("standing by: another process follows the venue", "holder", now.Name())
	}
	l.holder = now
	l.mu.Unlock()
	if !vacant && now.ID != l.self.ID && time.Since(l.changed) <= l.cfg.Lapse {
		return false
	}
	self := l.self
	self.Since = time.Now()
	revision, err := l.leases.Hold(ctx, l.exchange, self, now.Revision)
	if err != nil {
		if !errors.Is(err, domain.ErrConflict) {
			l.log.Debug("the lease cannot be taken", "error", err)
		}
		return false
	}
	if vacant {
		l.log.Info("following the venue")
	} else {
		l.log.Warn("following the venue: its holder was silent", "holder", now.Name(), "silent_for", time.Since(l.changed).Round(time.Millisecond))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.self, l.revision, l.holder = self, revision, self
	l.tenure, l.end = context.WithCancel(context.Background())
	close(l.arrived)
	l.arrived = make(chan struct{})
	return true
}

// lose ends the tenure: somebody else has the lease.
func (l *Lease) lose(to domain.Holder) {
	l.log.Warn("standing by: another process has taken over", "holder", to.Name())
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end()
	l.tenure, l.holder, l.revision, l.changed = nil, to, to.Revision, time.Now()
}

// giveBack ends the tenure, if there is one, and lets another take over at once.
func (l *Lease) giveBack(ctx context.Context) {
	l.mu.Lock()
	held := l.tenure != nil
	if held {
		l.end()
		l.tenure = nil
	}
	l.mu.Unlock()
	if !held {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.cfg.Interval)
	defer cancel()
	if err := l.leases.Release(ctx, l.exchange, l.revision); err != nil {
		l.log.Debug("the lease is not given back; it lapses", "error", err)
	}
}
