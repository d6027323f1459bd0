package private

import (
	"errors"
	"fmt"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
)

// Kind says what a venue's answer means.
type Kind uint8

// The kinds of failures.
const (
	Unclear   Kind = iota // no answer, or none that is a clear yes or no
	Refused               // no
	Duplicate             // no: the client order id is taken
	NotFound              // no: the venue does not know the order
	NotOpen               // no: there is nothing to cancel
	Denied                // no: the key, or its signature
	Limited               // not now: for the venue's limits; nothing was done
)

// Failure is why a request has no answer that can be used.
type Failure struct {
	What       string // that was asked: method and path
	Kind       Kind
	Status     int    // of the answer; zero: there was none
	Reason     string // the venue's words; see Account.Scrub
	RetryAfter time.Duration
	Cause      error // where the venue said nothing
}

// Error never holds what was sent, nor a body that is not the venue's own form.
func (f *Failure) Error() string {
	switch {
	case f.Cause != nil:
		return f.What + ": " + f.Cause.Error()
	case f.Reason != "":
		return fmt.Sprintf("%s: status %d: %s", f.What, f.Status, f.Reason)
	}
	return fmt.Sprintf("%s: status %d", f.What, f.Status)
}

func (f *Failure) Unwrap() error { return f.Cause }

// Is tells whether an error is a failure of one of the kinds.
func Is(err error, kinds ...Kind) bool {
	f, ok := errors.AsType[*Failure](err)
	for _, kind := range kinds {
		if ok && f.Kind == kind {
			return true
		}
	}
	return false
}

// Nonsense is the error of an answer that says nothing that can be believed.
func Nonsense(what, wrong string) error { return &Failure{What: what, Cause: errors.New(wrong)} }

// unanswered is the error of what is not known.
func unanswered(err error) error {
	if f, ok := errors.AsType[*Failure](err); ok && f.Kind == Limited {
		return &execution.RateLimited{RetryAfter: f.RetryAfter}
	}
	return fmt.Errorf("%w: %w", execution.ErrUnanswered, err)
}

// refused is the error of what was to change something.
func refused(err error) error {
	f, ok := errors.AsType[*Failure](err)
	if !ok || f.Kind == Unclear || f.Kind == Limited {
		return unanswered(err)
	}
	return &execution.Rejected{Reason: domain.Shorten(f.Reason, domain.MaxReasonBytes), Duplicate: f.Kind == Duplicate}
}
