// Package clock lets servers that follow the time of day be driven by a test:
// what needs the time takes a Clock.
package clock

import (
	"context"
	"sync"
	"time"
)

// Clock tells the time and waits for it. Implementations are safe for
// concurrent use.
type Clock interface {
	// Now is the current time.
	Now() time.Time
	// Wait blocks until Now is at or after until, or until ctx ends; then it
	// returns ctx's error.
	Wait(ctx context.Context, until time.Time) error
}

// System is the machine's clock.
func System() Clock { return system{} }

type system struct{}

func (system) Now() time.Time { return time.Now() }

func (system) Wait(ctx context.Context, until time.Time) error {
	d := time.Until(until)
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Manual is a Clock that moves only when it is told to.
type Manual struct {
	mu    sync.Mutex
	now   time.Time
	moved chan struct{} // closed and replaced by each Advance
}

// NewManual makes a clock that stands at start.
func NewManual(start time.Time) *Manual {
	return &Manual{now: start, moved: make(chan struct{})}
}

// Now implements Clock.
func (m *Manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// Advance moves the clock forward by d, zero or more, and wakes whoever waited
// for a time that has come. It does not wait for what they do then.
func (m *Manual) Advance(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = m.now.Add(max(0, d))
	close(m.moved)
	m.moved = make(chan struct{})
}

// Wait implements Clock.
func (m *Manual) Wait(ctx context.Context, until time.Time) error {
	for {
		m.mu.Lock()
		due, moved := !m.now.Before(until), m.moved
		m.mu.Unlock()
		if due {
			return ctx.Err()
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
