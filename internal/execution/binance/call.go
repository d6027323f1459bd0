package binance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	api "github.com/adshao/go-binance/v2"
)

const (
	maxWindow = 60_000   // ms, the longest that the venue lets a request be good for
	maxBody   = 16 << 20 // bytes of an answer
	// slack is what the signing of a request may take. Signing that takes longer
	// is begun anew.
	slack = 5 * time.Millisecond
	// signings bounds how often that happens.
	signings = 5
)

// answer is what the library does not say of a response.
type answer struct {
	latest     int64 // by the venue's clock, unix ms: until when the request may be good; zero: it is not signed
	status     int   // zero: there was no answer
	retryAfter time.Duration
}

type answerKey struct{}

// errPaused says that a request was not sent, because it would have been good
// for longer than its deadline.
var errPaused = errors.New("signing took too long")

// transport notes the status and Retry-After of an answer, and bounds it. It
// sends no request that is good for longer than it may be: the library dates a
// request itself, so a process that was paused before that would date it late.
type transport struct{ *http.Transport }

func newTransport(timeout time.Duration) transport {
	return transport{&http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: timeout, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout: timeout,
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: 8,
		IdleConnTimeout:     time.Minute,
	}}
}

func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	a, _ := req.Context().Value(answerKey{}).(*answer)
	if a == nil {
		return t.Transport.RoundTrip(req) // the stream's
	}
	if a.latest != 0 && goodUntil(req.URL.Query()) > a.latest {
		return nil, errPaused
	}
	resp, err := t.Transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	a.status = resp.StatusCode
	if n, err := strconv.ParseUint(resp.Header.Get("Retry-After"), 10, 31); err == nil {
		a.retryAfter = time.Duration(n) * time.Second
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, maxBody), resp.Body}
	return resp, nil
}

// goodUntil is the end of a request's window, unix ms.
func goodUntil(query url.Values) int64 {
	made, err := strconv.ParseInt(query.Get("timestamp"), 10, 64)
	window, errWindow := strconv.ParseInt(query.Get("recvWindow"), 10, 64)
	if err != nil || errWindow != nil {
		return 1<<63 - 1 // it would be good for as long as the venue likes
	}
	return made + window
}

// client makes a client for one request: the library's keeps counters that are
// not safe for concurrent use, and the clock's offset.
func (v *Venue) client(offset int64) *api.Client {
	return &api.Client{
		APIKey: v.cfg.Key, SecretKey: v.cfg.Secret, BaseURL: v.cfg.RESTURL, UserAgent: "fullon",
		HTTPClient: v.http, Logger: v.silent, TimeOffset: offset,
	}
}

// ask sends one signed request, which is good until ctx's deadline or for
// Config.Timeout, whichever is shorter. What it sends again was never sent.
func ask[T any](ctx context.Context, v *Venue, what string, do func(context.Context, *api.Client, api.RequestOption) (T, error)) (T, *failure) {
	var none T
	ctx, cancel := context.WithTimeout(ctx, v.cfg.Timeout)
	defer cancel()
	if f := v.tellTime(ctx); f != nil {
		return none, f
	}
	deadline, _ := ctx.Deadline()
	for range signings {
		if err := ctx.Err(); err != nil {
			return none, &failure{what: what, cause: err}
		}
		now := time.Now()
		a := &answer{latest: v.clock.at(deadline)}
		window := min(maxWindow, (deadline.Sub(now) - slack).Milliseconds())
		if window <= 0 {
			return none, &failure{what: what, cause: context.DeadlineExceeded}
		}
		got, err := do(context.WithValue(ctx, answerKey{}, a), v.client(now.UnixMilli()-v.clock.at(now)), api.WithRecvWindow(window))
		switch {
		case err == nil:
			return got, nil
		case !errors.Is(err, errPaused):
			return none, v.failed(what, err, a)
		}
	}
	return none, &failure{what: what, cause: errPaused}
}

// tellTime reads the venue's clock where the last reading is too old. One
// caller does it for all who wait.
func (v *Venue) tellTime(ctx context.Context) *failure {
	const what = "read the venue's clock"
	if v.clock.fresh(v.cfg.ClockEvery) {
		return nil
	}
	select {
	case v.reading <- struct{}{}:
		defer func() { <-v.reading }()
	case <-ctx.Done():
		return &failure{what: what, cause: ctx.Err()}
	}
	if v.clock.fresh(v.cfg.ClockEvery) {
		return nil
	}
	f := v.readClock(ctx, what)
	if f != nil && !f.limited() {
		// The venue's no to this is none to what it was asked for.
		return &failure{what: what, cause: errors.New(f.Error())}
	}
	return f
}

func (v *Venue) readClock(ctx context.Context, what string) *failure {
	a := &answer{}
	venue, err := v.client(0).NewServerTimeService().Do(context.WithValue(ctx, answerKey{}, a))
	if err != nil {
		return v.failed(what, err, a)
	}
	if venue <= 0 {
		return &failure{what: what, cause: fmt.Errorf("%d is no time", venue)}
	}
	v.clock.set(time.Now(), venue) // dated when it came: never ahead of the venue
	return nil
}

// withoutURL takes the address out of a network error: its query holds the
// signature.
func withoutURL(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// scrub takes the key and the secret out of a text of the venue's.
func (v *Venue) scrub(text string) string {
	return strings.NewReplacer(v.cfg.Key, "xxxxx", v.cfg.Secret, "xxxxx").Replace(text)
}
