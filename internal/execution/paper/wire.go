package paper

import (
	"net/http"
	"time"

	"github.com/fullon/fullon/internal/execution"
)

// What Server and Client say to each other, over HTTP with JSON bodies:
//
//	POST   /v1/{exchange}/{account}/orders       a domain.Order, its Deadline set → a report
//	GET    /v1/{exchange}/{account}/orders       → a list of reports
//	GET    /v1/{exchange}/{account}/orders/{id}  → a report
//	DELETE /v1/{exchange}/{account}/orders/{id}  → a report
//	GET    /v1/{exchange}/{account}/events?epoch=E&after=N  → lines, for ever
//
// A status other than 200 comes with a refusal; one without says nothing. The
// first line of events names the epoch, a line without a change only says that
// the server is there.

const (
	// maxBody bounds a request, maxLine an event.
	maxBody = 64 << 10
	maxLine = 1 << 20
)

// refusal is the body of a clear no.
type refusal struct {
	Code       string        `json:"code"` // rejected, not_found or rate_limited
	Reason     string        `json:"reason,omitempty"`
	Duplicate  bool          `json:"duplicate,omitempty"`
	RetryAfter time.Duration `json:"retry_after_ns,omitempty"`
}

const (
	codeRejected    = "rejected"
	codeNotFound    = "not_found"
	codeRateLimited = "rate_limited"
)

var statusOf = map[string]int{
	codeRejected: http.StatusUnprocessableEntity, codeNotFound: http.StatusNotFound, codeRateLimited: http.StatusTooManyRequests,
}

// line is one event.
type line struct {
	Epoch  string  `json:"epoch,omitempty"`
	Change *change `json:"change,omitempty"`
}

// reports is the answer that lists orders.
type reports struct {
	Orders []execution.Report `json:"orders"`
}
