package private

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/fullon/fullon/internal/venue"
)

const maxBody = 16 << 20 // bytes of an answer

// Request is what is asked of a venue.
type Request struct {
	Method string
	Path   string // begins with a slash
	Query  string // behind the path, without the question mark
	Body   string
	Header http.Header // a signature is added; nil: none
	// Sign signs the request: it is of now, and the venue must not do it after
	// until, both in the venue's time. An error says that it cannot be signed so,
	// and it is not sent. Nil: it is not signed, and does not need the clock.
	Sign func(r *Request, now, until time.Time) error
}

// what names a request in errors: without its parameters.
func (r Request) what() string { return r.Method + " " + r.Path }

// Answer is what a venue says.
type Answer struct {
	What       string // that was asked: method and path
	Status     int
	RetryAfter time.Duration // zero: it does not say
	Body       []byte
}

// Failure makes a failure of an answer. reason is the venue's own words, see
// Account.Scrub.
func (a Answer) Failure(kind Kind, reason string) *Failure {
	return &Failure{What: a.What, Kind: kind, Status: a.Status, Reason: reason, RetryAfter: a.RetryAfter}
}

// Do sends a request, once, and reads what is answered, whatever its status. It
// is good until ctx's deadline or for Config.Timeout, whichever is shorter, and
// is not sent after that. The error is a *Failure.
func (a *Account) Do(ctx context.Context, r Request) (Answer, error) {
	what := r.what()
	ctx, cancel := context.WithTimeout(ctx, a.Cfg.Timeout)
	defer cancel()
	if r.Sign != nil {
		if err := a.sign(ctx, &r); err != nil {
			return Answer{}, err
		}
	}
	address := strings.TrimSuffix(a.Cfg.RESTURL, "/") + r.Path
	if r.Query != "" {
		address += "?" + r.Query
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, address, strings.NewReader(r.Body))
	if err != nil {
		return Answer{}, &Failure{What: what, Cause: venue.WithoutURL(err)}
	}
	req.Header.Set("User-Agent", "fullon")
	for name, values := range r.Header {
		req.Header[name] = values
	}
	// A paused process may be later than its context has noticed.
	if deadline, _ := ctx.Deadline(); !time.Now().Before(deadline) {
		return Answer{}, &Failure{What: what, Cause: context.DeadlineExceeded}
	}
	resp, err := a.http.Do(req)
	if err != nil {
		return Answer{}, &Failure{What: what, Cause: venue.WithoutURL(err)}
	}
	defer func() { _ = resp.Body.Close() }()
	answer := Answer{What: what, Status: resp.StatusCode, RetryAfter: venue.RetryAfter(resp, time.Now())}
	if answer.Body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody)); err != nil {
		return Answer{}, &Failure{What: what, Status: resp.StatusCode, Cause: fmt.Errorf("read the body: %w", venue.WithoutURL(err))}
	}
	return answer, nil
}

// sign signs a request for the time that ctx has left. What is signed says when
// it ends, so that a process that is paused after this sends nothing that is
// good for longer.
func (a *Account) sign(ctx context.Context, r *Request) error {
	if err := a.tellTime(ctx); err != nil {
		return err
	}
	r.Header = r.Header.Clone()
	if r.Header == nil {
		r.Header = make(http.Header)
	}
	deadline, _ := ctx.Deadline()
	now, _ := a.Clock.At(time.Now())
	until, _ := a.Clock.At(deadline)
	if err := r.Sign(r, now, until); err != nil {
		return &Failure{What: r.what(), Cause: err}
	}
	return nil
}
