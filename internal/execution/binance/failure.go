package binance

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/adshao/go-binance/v2/common"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
)

// The venue's codes that mean something of their own here.
const (
	codeTooMany    = -1003 // requests
	codeTooOrders  = -1015 // orders
	codeClosing    = -1016 // the service shuts down
	codeTime       = -1021 // the request is outside of its window
	codeSignature  = -1022
	codeEngine     = -1010 // the matching engine's error
	codeRejected   = -2010
	codeCancel     = -2011 // cancel rejected: nothing rests under that id, or something else
	codeNoOrder    = -2013
	codeKeyForm    = -2014
	codeKey        = -2015
	codeArchived   = -2026 // ended without a fill long ago
	duplicateOrder = "Duplicate order sent."
)

// failure is why a request has no answer that can be used.
type failure struct {
	what       string
	status     int // of the answer; zero: there was none
	code       int // the venue's; zero: it gave none
	message    string
	retryAfter time.Duration
	cause      error // where the venue said nothing
}

// failed reads the error that the library made of an answer, or of none.
func (v *Venue) failed(what string, err error, a *answer) *failure {
	f := &failure{what: what, status: a.status, retryAfter: a.retryAfter}
	var refusal *common.APIError
	switch {
	case !errors.As(err, &refusal):
		f.cause = withoutURL(err)
	case refusal.Code != 0:
		f.code, f.message = int(refusal.Code), domain.Shorten(v.scrub(refusal.Message), domain.MaxReasonBytes-64)
	}
	if f.code == codeTime {
		v.clock.distrust()
	}
	return f
}

// Error never holds what was sent, nor a body that is not the venue's own form.
func (f *failure) Error() string {
	switch {
	case f.cause != nil:
		return f.what + ": " + f.cause.Error()
	case f.code != 0:
		return fmt.Sprintf("%s: status %d, code %d: %s", f.what, f.status, f.code, f.message)
	}
	return fmt.Sprintf("%s: status %d", f.what, f.status)
}

func (f *failure) Unwrap() error { return f.cause }

// limited tells whether the venue refused for its limits, which it says before
// it does anything.
func (f *failure) limited() bool {
	return f.status == http.StatusTooManyRequests || f.status == http.StatusTeapot || f.clear() && (f.code == codeTooMany || f.code == codeTooOrders)
}

// clear tells whether the venue said no in its own words. A status 5xx is none,
// whatever its body says; nor are the codes for troubles of its servers.
func (f *failure) clear() bool {
	if f.status < 400 || f.status >= 500 || f.code == 0 || f.code == codeClosing {
		return false
	}
	trouble := f.code <= -1000 && f.code > -1010 && f.code != -1002 && f.code != codeTooMany
	return !trouble
}

// unanswered is the error for what is not known.
func (f *failure) unanswered() error {
	if f.limited() {
		return &execution.RateLimited{RetryAfter: f.retryAfter}
	}
	return fmt.Errorf("%w: %w", execution.ErrUnanswered, f)
}

// refused is the error of what was to change something.
func (f *failure) refused() error {
	if f.limited() || !f.clear() {
		return f.unanswered()
	}
	return &execution.Rejected{
		Reason:    fmt.Sprintf("%s (code %d)", f.message, f.code),
		Duplicate: (f.code == codeRejected || f.code == codeEngine) && f.message == duplicateOrder,
	}
}

// is tells whether the venue clearly said a code.
func (f *failure) is(codes ...int) bool {
	for _, code := range codes {
		if f.clear() && f.code == code {
			return true
		}
	}
	return false
}

// nonsense is the error of an answer that says nothing that can be believed.
func nonsense(what, wrong string) error {
	return fmt.Errorf("%w: %s: %s", execution.ErrUnanswered, what, wrong)
}
