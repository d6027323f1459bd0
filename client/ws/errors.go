package ws

import (
	"errors"
	"fmt"
	"strings"

	"github.com/fullon/fullon/domain"
)

// ErrDenied says that there is no token, or that it does not hold, or does not
// allow what was asked for.
var ErrDenied = errors.New("denied")

// The codes that have no counterpart in package domain; asyncapi.yaml and the
// quick start have the others.
const (
	CodeUnauthorized = "UNAUTHORIZED"
	CodeExpired      = "TOKEN_EXPIRED"
	CodeForbidden    = "FORBIDDEN"
	CodeRateLimited  = "RATE_LIMITED"
	CodeInternal     = "INTERNAL_ERROR"
)

// Error is an error that the server told.
type Error struct {
	Operation string // that was asked for; empty: the connection
	Code      string // of the protocol: TICKER_NOT_FOUND
	Text      string // for people
}

func (e *Error) Error() string {
	if e.Operation == "" {
		return e.Code + ": " + e.Text
	}
	return e.Operation + ": " + e.Code + ": " + e.Text
}

// kinds are what codes match. Those that end in _NOT_FOUND match
// domain.ErrNotFound.
var kinds = map[string]error{
	"MALFORMED_MESSAGE": domain.ErrInvalid, "INVALID_OPERATION": domain.ErrInvalid, "INVALID_PARAMS": domain.ErrInvalid,
	"NOT_FOUND": domain.ErrNotFound, "CONFLICT": domain.ErrConflict, "BLOCKED": domain.ErrConflict, "DUPLICATE_STREAM": domain.ErrConflict,
	"STALE": domain.ErrStale, "QUEUE_FULL": domain.ErrFull, CodeRateLimited: domain.ErrFull, "TOO_MANY_STREAMS": domain.ErrFull,
	"MISSED": domain.ErrLagged, "CACHE_UNAVAILABLE": domain.ErrUnreachable, "SERVICE_UNAVAILABLE": domain.ErrUnreachable,
	codeTimeout: domain.ErrUnreachable, "CACHE_ERROR": domain.ErrUnknown, "CACHE_REBUILDING": domain.ErrRebuilding,
	CodeUnauthorized: ErrDenied, CodeExpired: ErrDenied, CodeForbidden: ErrDenied,
}

const codeTimeout = "TIMEOUT"

// Is makes an Error match the error of package domain, or of this one, that its
// code stands for.
func (e *Error) Is(target error) bool {
	kind := kinds[e.Code]
	if kind == nil && strings.HasSuffix(e.Code, "_NOT_FOUND") {
		kind = domain.ErrNotFound
	}
	return kind != nil && errors.Is(kind, target)
}

// MissedError says what a stream that was resumed could not tell. It matches
// domain.ErrLagged.
type MissedError struct {
	After  uint64 // the last sequence that was yielded
	Before uint64 // the first one that the server still has
}

func (e *MissedError) Error() string {
	return fmt.Sprintf("%v: what the log had between %d and %d is no longer kept", domain.ErrLagged, e.After, e.Before)
}

// Is makes every MissedError match domain.ErrLagged.
func (e *MissedError) Is(target error) bool { return target == domain.ErrLagged }

// fatal tells whether to try again is of no use.
func fatal(err error) bool { return errors.Is(err, domain.ErrInvalid) || errors.Is(err, ErrDenied) }

var errClosed = fmt.Errorf("%w: the client is closed", domain.ErrUnreachable)
