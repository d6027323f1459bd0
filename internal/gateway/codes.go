package gateway

import (
	"context"
	"errors"

	"github.com/fullon/fullon/domain"
)

// The codes of errors. Those of things that are not there, such as
// TICKER_NOT_FOUND, are with their operations.
const (
	CodeMalformed        = "MALFORMED_MESSAGE"   // no message could be read
	CodeInvalidOperation = "INVALID_OPERATION"   // there is no such operation
	CodeInvalidParams    = "INVALID_PARAMS"      // the text names the parameter and what is allowed
	CodeNotFound         = "NOT_FOUND"           // what was asked for is not there
	CodeConflict         = "CONFLICT"            // somebody else was faster, or has it
	CodeStale            = "STALE"               // there is a value, but it is too old
	CodeFull             = "QUEUE_FULL"          // try again later
	CodeUnavailable      = "CACHE_UNAVAILABLE"   // a server did not answer: nothing is known
	CodeRebuilding       = "CACHE_REBUILDING"    // Redis is being folded anew: try again
	CodeUnknown          = "CACHE_ERROR"         // what is stored cannot be read
	CodeTimeout          = "TIMEOUT"             // no answer in time; a write may have been done
	CodeUnauthorized     = "UNAUTHORIZED"        // no token, or one that does not hold
	CodeExpired          = "TOKEN_EXPIRED"       // authenticate again
	CodeForbidden        = "FORBIDDEN"           // the token does not allow it
	CodeRateLimited      = "RATE_LIMITED"        // too many requests
	CodeTooMany          = "TOO_MANY_STREAMS"    // unsubscribe from others first
	CodeDuplicate        = "DUPLICATE_STREAM"    // the connection has a stream of that request id
	CodeMissed           = "MISSED"              // a stream could not deliver everything; the text says what
	CodeShuttingDown     = "SERVICE_UNAVAILABLE" // the server stops
	CodeInternal         = "INTERNAL_ERROR"
)

// failure is an error of the protocol.
type failure struct {
	code string
	text string
}

func (f *failure) Error() string { return f.text }

// fail makes a *failure.
func fail(code, text string) error { return &failure{code, text} }

// codeOf is the code of an error.
func codeOf(err error) string {
	var f *failure
	switch {
	case errors.As(err, &f):
		return f.code
	case errors.Is(err, domain.ErrInvalid):
		return CodeInvalidParams
	case errors.Is(err, domain.ErrNotFound):
		return CodeNotFound
	case errors.Is(err, domain.ErrConflict):
		return CodeConflict
	case errors.Is(err, domain.ErrStale):
		return CodeStale
	case errors.Is(err, domain.ErrFull):
		return CodeFull
	case errors.Is(err, domain.ErrLagged):
		return CodeMissed
	case errors.Is(err, domain.ErrUnreachable):
		return CodeUnavailable
	case errors.Is(err, domain.ErrRebuilding):
		return CodeRebuilding
	case errors.Is(err, domain.ErrUnknown):
		return CodeUnknown
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return CodeTimeout
	}
	return CodeInternal
}

// textOf is what is told of an error: no secrets, and nothing of what is not
// meant for clients.
func textOf(err error) string {
	if codeOf(err) == CodeInternal {
		return "internal error; the server's log has it"
	}
	return domain.Shorten(domain.Redact(err.Error()), domain.MaxTextBytes)
}

// notFound gives an error of something that is not there its own code.
func notFound(err error, code string) error {
	if errors.Is(err, domain.ErrNotFound) {
		return fail(code, textOf(err))
	}
	return err
}

type troubleView struct {
	Code  string `json:"error_code"`
	Error string `json:"error"`
}
