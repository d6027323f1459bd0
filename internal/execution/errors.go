package execution

import (
	"errors"
	"fmt"
	"time"
)

// The errors that callers tell apart, besides domain.ErrNotFound. Compare with
// errors.Is; see Venue for what each means where.
var (
	// ErrRejected: the venue said no. Nothing rests.
	ErrRejected = errors.New("rejected")
	// ErrUnanswered: no answer, or none that is a clear yes or no. What was
	// asked for may have been done, or may yet be done until its deadline.
	ErrUnanswered = errors.New("unanswered")
	// ErrRateLimited: refused for the venue's limits. Nothing was done.
	ErrRateLimited = errors.New("rate limited")
)

// Rejected is a venue's no. It matches ErrRejected.
type Rejected struct {
	Reason string // fit for domain.Order.Reason
	// Duplicate says that the id is taken: an order of that id is at the venue,
	// so the no is about this message and says nothing of the order.
	Duplicate bool
}

func (e *Rejected) Error() string { return "rejected: " + e.Reason }

// Is makes every Rejected match ErrRejected.
func (e *Rejected) Is(target error) bool { return target == ErrRejected }

// RateLimited is a venue's not now. It matches ErrRateLimited.
type RateLimited struct {
	RetryAfter time.Duration // from when the answer came; zero: the venue did not say
}

func (e *RateLimited) Error() string {
	return fmt.Sprintf("rate limited for %s", e.RetryAfter.Round(time.Millisecond))
}

// Is makes every RateLimited match ErrRateLimited.
func (e *RateLimited) Is(target error) bool { return target == ErrRateLimited }
