package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
)

// Processes is who runs in the deployment. Processes die without saying so, and
// what they say may die with them: it is kept in Redis alone, and each registers
// itself again when Redis lost it.
//
// What they store can be read by all. Credentials that are recognised as such
// are taken out of messages and parameters (domain.Redact), and parameters with
// the name of a secret are refused.
//
// Errors match domain.ErrInvalid for what the caller passed,
// domain.ErrUnreachable, or domain.ErrUnknown for what is stored and cannot be
// read; others are named.
type Processes struct {
	store  *cachestore.Processes
	closed <-chan struct{}
}

// NewProcesses is a client's Processes for who needs nothing else. The caller
// keeps the connection.
func NewProcesses(store *cachestore.Store) *Processes { return &Processes{store: store.Processes()} }

// WithClock is the same processes by another clock than Redis's, for tests and
// for simulated time: all users of a deployment must agree on one.
func (p *Processes) WithClock(clock func() time.Time) *Processes {
	return &Processes{store: p.store.WithClock(clock), closed: p.closed}
}

// NewProcessID makes a random id.
func NewProcessID() string { return strings.ToLower(rand.Text()) }

// Register makes a process known and returns its handle. An empty ID becomes a
// new one, an empty Host and a zero PID this process's, a zero Interval
// domain.DefaultProcessInterval, an empty Status starting.
//
// Registering again with the same ID changes nothing that is stored: a caller
// that brings its ID may repeat this until it goes well.
func (p *Processes) Register(ctx context.Context, process domain.Process) (*Registration, error) {
	if process.ID == "" {
		process.ID = NewProcessID()
	}
	if process.Host == "" {
		process.Host, _ = os.Hostname()
	}
	if process.PID == 0 {
		process.PID = os.Getpid()
	}
	if process.Interval == 0 {
		process.Interval = domain.DefaultProcessInterval
	}
	if process.Status == "" {
		process.Status = domain.ProcessStarting
	}
	process.Message, process.Params = cleanMessage(process.Message), cleanParams(process.Params)
	if process.Status == domain.ProcessStopped {
		return nil, domain.Invalid("status", string(process.Status), "a process that has not stopped")
	}
	if err := process.Validate(); err != nil {
		return nil, err
	}
	if err := p.store.Register(ctx, process); err != nil {
		return nil, err
	}
	return newRegistration(p, process), nil
}

// Heartbeat is a sign of life of a process. The error matches also
// domain.ErrNotFound for one that is not registered, and domain.ErrInvalid for
// one that has stopped, which stays so.
func (p *Processes) Heartbeat(ctx context.Context, id string) error {
	return p.Update(ctx, id, domain.ProcessChange{})
}

// Update changes what the change names and nothing else, and is a heartbeat:
// concurrent updates of different things lose none. A message that is too long
// is cut. Errors as for Heartbeat.
func (p *Processes) Update(ctx context.Context, id string, change domain.ProcessChange) error {
	if err := domain.CheckProcessID(id); err != nil {
		return err
	}
	change.Message, change.Params = cleanMessage(change.Message), cleanParams(change.Params)
	if err := change.Validate(); err != nil {
		return err
	}
	return p.store.Update(ctx, id, change)
}

// Stop says that a process has stopped. To stop one that has stopped changes
// nothing and is no error; other processes of its component are not touched. The
// error matches also domain.ErrNotFound.
func (p *Processes) Stop(ctx context.Context, id, message string) error {
	if err := domain.CheckProcessID(id); err != nil {
		return err
	}
	err := p.store.Update(ctx, id, domain.ProcessChange{Status: domain.ProcessStopped, Message: cleanMessage(message)})
	if errors.Is(err, domain.ErrInvalid) {
		return nil // it had stopped
	}
	return err
}

// Remove forgets a process, whatever it does; one that still runs registers
// itself again. The error matches also domain.ErrNotFound.
func (p *Processes) Remove(ctx context.Context, id string) error {
	if err := domain.CheckProcessID(id); err != nil {
		return err
	}
	return p.store.Remove(ctx, id)
}

// Get reads a process, also one that has stopped. The error matches also
// domain.ErrNotFound.
func (p *Processes) Get(ctx context.Context, id string) (domain.Process, error) {
	if err := domain.CheckProcessID(id); err != nil {
		return domain.Process{}, err
	}
	return p.store.Get(ctx, id)
}

// ProcessFilter chooses processes; the zero value takes all that have not
// stopped, whatever their health.
type ProcessFilter struct {
	Type      domain.ProcessType // empty: all
	Component string             // empty: all
	Since     time.Duration      // only those with a heartbeat within it; zero: all
	Stopped   bool               // also those that have stopped
}

func (f ProcessFilter) takes(p domain.Process) bool {
	return (f.Type == "" || p.Type == f.Type) && (f.Component == "" || p.Component == f.Component) &&
		(f.Since == 0 || p.Age <= f.Since) && (f.Stopped || p.Status != domain.ProcessStopped)
}

// Active reads the processes that the filter takes, in the order of their
// registration. None is an empty result. Since narrows the list and has no part
// in Health, so a process that is stale or dead is shown as that.
func (p *Processes) Active(ctx context.Context, filter ProcessFilter) ([]domain.Process, error) {
	if filter.Type != "" {
		if _, err := domain.ParseProcessType(string(filter.Type)); err != nil {
			return nil, err
		}
	}
	if filter.Since < 0 {
		return nil, domain.Invalid("since", filter.Since.String(), "zero or more")
	}
	all, _, err := p.store.List(ctx)
	return slices.DeleteFunc(all, func(process domain.Process) bool { return !filter.takes(process) }), err
}

// Component reads the process that stands for a component: of those that are not
// dead the one that was registered last, else the last of all. The error matches
// also domain.ErrNotFound for a component that never registered a process that
// is still kept.
func (p *Processes) Component(ctx context.Context, component string) (domain.Process, error) {
	all, _, err := p.store.List(ctx)
	if err != nil {
		return domain.Process{}, err
	}
	var found domain.Process
	for _, process := range all {
		if process.Component != component {
			continue
		}
		if found.ID == "" || process.Health != domain.ProcessDead || found.Health == domain.ProcessDead {
			found = process
		}
	}
	if found.ID == "" {
		return found, fmt.Errorf("component %s: %w", domain.Shorten(component, domain.MaxNameBytes), domain.ErrNotFound)
	}
	return found, nil
}

// SystemHealth sums up all processes, each judged by its own interval.
func (p *Processes) SystemHealth(ctx context.Context) (domain.SystemHealth, error) {
	all, now, err := p.store.List(ctx)
	if err != nil {
		return domain.SystemHealth{}, err
	}
	return domain.SumUp(all, now), nil
}

// CleanUp forgets the processes that have stopped or are dead, and gave their
// last sign of life at least age ago; it returns how many. One that beats
// meanwhile stays.
func (p *Processes) CleanUp(ctx context.Context, age time.Duration) (int, error) {
	if age < 0 {
		return 0, domain.Invalid("age", age.String(), "zero or more")
	}
	return p.store.CleanUp(ctx, age)
}

// Metrics counts the processes that are kept.
func (p *Processes) Metrics(ctx context.Context) (domain.ProcessMetrics, error) {
	return p.store.Metrics(ctx)
}

func cleanMessage(text string) string {
	return domain.Shorten(domain.Redact(text), domain.MaxProcessMessageBytes)
}

// cleanParams leaves the caller's map as it is.
func cleanParams(params map[string]string) map[string]string {
	if len(params) == 0 {
		return nil
	}
	out := make(map[string]string, len(params))
	for name, value := range params {
		out[name] = domain.Redact(value)
	}
	return out
}
