package venue

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	// defaultPause and defaultBan are taken where a venue refuses for its
	// limits (429) or bans (418) without saying for how long.
	defaultPause = 10 * time.Second
	defaultBan   = 2 * time.Minute
	// maxErrorBody bounds what is kept of the body of an error.
	maxErrorBody = 4096
)

var (
	// ErrBodyTooLarge says that a response was longer than RESTConfig.MaxBodyBytes.
	ErrBodyTooLarge = errors.New("response longer than the limit")
	// ErrNoBudget says that our own rate limit has no room for the request before the
	// context's deadline.
	ErrNoBudget = errors.New("no room in the rate limit")
	// ErrLimited says, for RESTConfig.Check, that the venue refuses for its rate
	// limits.
	ErrLimited = errors.New("rate limited")
	// ErrBusy says that the venue cannot answer at the moment.
	ErrBusy = errors.New("the venue is busy or down")
	// ErrRefused says that the venue did not accept a REST request; its code and
	// message are in the text.
	ErrRefused = errors.New("refused by the venue")
)

// LimitedError says that the venue refuses requests for its rate limits.
type LimitedError struct {
	Method string
	Path   string        // without the query
	Status int           // 429, 418 for a ban, or 200 for a venue that says it in the body
	Wait   time.Duration // how long to hold back, from now
}

func (e *LimitedError) Error() string {
	return fmt.Sprintf("%s %s: status %d: rate limited for %s", e.Method, e.Path, e.Status, e.Wait.Round(time.Millisecond))
}

// StatusError is an answer with another status than 2xx. Its text leaves the
// body out, which may repeat what was sent.
type StatusError struct {
	Method string
	Path   string // without the query
	Status int
	Body   []byte // its beginning
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%s %s: status %d", e.Method, e.Path, e.Status)
}

// passing tells whether another attempt may succeed.
func passing(err error) bool {
	if status, ok := errors.AsType[*StatusError](err); ok {
		return status.Status >= 500 || status.Status == http.StatusRequestTimeout
	}
	return !errors.Is(err, ErrBodyTooLarge) && !errors.Is(err, ErrNoBudget)
}

// WithoutURL takes the address out of a network error: the query of a signed
// request holds its signature.
func WithoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// RetryAfter reads the header of that name, in seconds or as a date; zero if
// there is none that makes sense.
func RetryAfter(resp *http.Response, now time.Time) time.Duration {
	text := resp.Header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// sleep waits for d or until ctx ends, whose error it then returns.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
