package client

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/fullon/fullon/domain"
)

// Registration is the handle of a process that registered. It knows what the
// process last said about itself, and says it again when Redis lost it. Its
// methods are safe for concurrent use.
type Registration struct {
	processes *Processes
	turn      chan struct{} // holds a token while a method runs
	process   domain.Process
	stopped   bool
	cleaned   time.Time // by the local clock: when Run last cleaned up
}

func newRegistration(p *Processes, process domain.Process) *Registration {
	return &Registration{processes: p, turn: make(chan struct{}, 1), process: process}
}

// ID of the process.
func (r *Registration) ID() string { return r.process.ID }

// Interval at which the process beats.
func (r *Registration) Interval() time.Duration { return r.process.Interval }

// lock waits for the methods that run, no longer than ctx.
func (r *Registration) lock(ctx context.Context) (unlock func(), err error) {
	select {
	case r.turn <- struct{}{}:
		return func() { <-r.turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Heartbeat is a sign of life. If Redis lost the process, it is registered again
// with what it last said. The error matches domain.ErrInvalid when the process
// was stopped, and domain.ErrUnreachable.
func (r *Registration) Heartbeat(ctx context.Context) error {
	return r.Update(ctx, domain.ProcessChange{})
}

// Update changes what the change names and is a heartbeat. Errors and the rest
// as for Heartbeat; after domain.ErrUnreachable the change may be repeated.
func (r *Registration) Update(ctx context.Context, change domain.ProcessChange) error {
	unlock, err := r.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if r.stopped {
		return domain.Invalid("process", r.ID(), "one that has not stopped")
	}
	err = r.processes.Update(ctx, r.ID(), change)
	if errors.Is(err, domain.ErrNotFound) {
		if _, err = r.processes.Register(ctx, r.process); err == nil {
			err = r.processes.Update(ctx, r.ID(), change)
		}
	}
	if err == nil {
		r.remember(change)
	}
	return err
}

func (r *Registration) remember(change domain.ProcessChange) {
	if change.Status != "" {
		r.process.Status = change.Status
		r.stopped = change.Status == domain.ProcessStopped
	}
	if change.SetsMessage() {
		r.process.Message = change.Message
	}
	if len(change.Params) == 0 {
		return
	}
	params := maps.Clone(r.process.Params)
	if params == nil {
		params = make(map[string]string)
	}
	for name, value := range change.Params {
		if value == "" {
			delete(params, name)
		} else {
			params[name] = value
		}
	}
	r.process.Params = params
}

// Stop says that the process has stopped, for good: later heartbeats change
// nothing, even if this call failed. To stop again is no error, nor is it to
// stop what Redis lost. The error matches domain.ErrUnreachable; it lasts no
// longer than ctx and one request.
func (r *Registration) Stop(ctx context.Context, message string) error {
	unlock, err := r.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	r.stopped = true
	err = r.processes.Stop(ctx, r.ID(), message)
	if errors.Is(err, domain.ErrNotFound) {
		return nil
	}
	return err
}

const (
	// keepDead is for how long it can be seen what became of a process.
	keepDead = 24 * time.Hour
	// cleanEvery is how often a process clears what is older.
	cleanEvery = time.Hour
)

// Run beats at once and then at each interval, until ctx ends, and returns nil
// then: the process has not stopped by that. A heartbeat that fails is made up
// for by the next, and told to failed unless that is nil. The error matches
// domain.ErrInvalid when somebody stopped the process. Processes that have been
// dead for a day are forgotten on the way. It is to be called once.
func (r *Registration) Run(ctx context.Context, failed func(error)) error {
	ticker := time.NewTicker(r.Interval())
	defer ticker.Stop()
	for {
		err := r.Heartbeat(ctx)
		if err == nil && time.Since(r.cleaned) > cleanEvery {
			r.cleaned = time.Now()
			_, err = r.processes.CleanUp(ctx, keepDead)
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, domain.ErrInvalid):
			return err
		case err != nil && failed != nil:
			failed(err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}
