package domain

import (
	"errors"
	"fmt"
)

// The errors that callers tell apart. Compare with errors.Is.
var (
	// ErrNotFound: the thing was looked for where it would be, and is not there.
	ErrNotFound = errors.New("not found")
	// ErrUnreachable: the log or Redis did not answer, so nothing is known.
	ErrUnreachable = errors.New("unreachable")
	// ErrStale: a value is there, but older than it may be.
	ErrStale = errors.New("stale")
	// ErrUnknown: what is stored cannot be read, so it must not be acted upon.
	ErrUnknown = errors.New("unknown")
	// ErrRebuilding: Redis is being folded anew, or does not reflect yet what it
	// did before, so what it holds is no answer; try again later. It matches
	// ErrUnknown.
	ErrRebuilding = fmt.Errorf("%w: being rebuilt", ErrUnknown)
	// ErrInvalid: the caller's input breaks a rule; see FieldError.
	ErrInvalid = errors.New("invalid")
	// ErrFull: a bounded buffer has no room; try again later or fill the hole.
	ErrFull = errors.New("buffer full")
	// ErrLagged: a watcher fell behind what is retained and missed something.
	ErrLagged = errors.New("lagged")
	// ErrMismatch: a deployment's stored settings differ from this process's.
	ErrMismatch = errors.New("configuration mismatch")
	// ErrConflict: somebody else wrote first, so that nothing was written.
	ErrConflict = errors.New("conflict")
	// ErrHistoryLost: the log no longer holds what a projection still needs.
	ErrHistoryLost = errors.New("history lost")
)

// FieldError tells which field of an input is wrong, what it was and what is
// allowed. It matches ErrInvalid.
type FieldError struct {
	Field   string
	Value   string
	Allowed string
}

// Invalid makes a *FieldError.
func Invalid(field, value, allowed string) error {
	return &FieldError{Field: field, Value: abbreviate(value), Allowed: allowed}
}

func (e *FieldError) Error() string {
	return fmt.Sprintf("%s: %q is not allowed: want %s", e.Field, e.Value, e.Allowed)
}

// Is makes every FieldError match ErrInvalid.
func (e *FieldError) Is(target error) bool { return target == ErrInvalid }
