package venue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/fullon/fullon/domain"
)

// RESTConfig says how a venue's REST interface is called. The zero value of a
// field takes its default.
type RESTConfig struct {
	// BaseURL is the scheme and host, without a path: https://api.venue.com.
	BaseURL string
	// Header is sent with every request: an API key, where a venue wants one.
	// It appears in no error and no log line.
	Header http.Header
	// Timeout bounds one attempt, from the dial to the last byte. Default 10s.
	Timeout time.Duration
	// WeightPerMinute is the budget of request weights that we allow
	// ourselves. Default 1200. Burst is how much of it may be spent at once;
	// default a sixth of it.
	WeightPerMinute int
	Burst           int
	// Tries bounds the attempts of one call. Default 4.
	Tries int
	// MaxWait is the longest Retry-After that a call waits for itself; for a
	// longer one it returns a *LimitedError. Default 30s.
	MaxWait time.Duration
	// BackoffInitial and BackoffMax bound the wait between attempts. Defaults
	// 200ms and 5s.
	BackoffInitial time.Duration
	BackoffMax     time.Duration
	// MaxBodyBytes bounds a response. Default 32 MiB.
	MaxBodyBytes int64
	// Check looks at the body of an answer of status 2xx, for venues that refuse
	// in there: an error that matches ErrLimited holds requests back like status
	// 429, one that matches ErrBusy is tried again like status 5xx; it must
	// return no other. Default: the status says it.
	Check func(body []byte) error
	// Logger takes a line for each attempt that failed; nil: none.
	Logger *slog.Logger
}

// WithDefaults returns the settings with every zero field filled in.
func (c RESTConfig) WithDefaults() RESTConfig {
	set := func(field *time.Duration, value time.Duration) {
		if *field == 0 {
			*field = value
		}
	}
	set(&c.Timeout, 10*time.Second)
	set(&c.MaxWait, 30*time.Second)
	set(&c.BackoffInitial, 200*time.Millisecond)
	set(&c.BackoffMax, 5*time.Second)
	if c.WeightPerMinute == 0 {
		c.WeightPerMinute = 1200
	}
	if c.Burst == 0 {
		c.Burst = max(1, c.WeightPerMinute/6)
	}
	if c.Tries == 0 {
		c.Tries = 4
	}
	if c.MaxBodyBytes == 0 {
		c.MaxBodyBytes = 32 << 20
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c RESTConfig) validate() error {
	u, err := url.Parse(c.BaseURL)
	switch {
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil:
		return domain.Invalid("base_url", "", "an http:// or https:// address without a user")
	case c.Timeout < 0 || c.MaxWait < 0 || c.BackoffInitial < 0:
		return domain.Invalid("timeout", c.Timeout.String(), "more than zero")
	case c.BackoffMax < c.BackoffInitial:
		return domain.Invalid("backoff_max", c.BackoffMax.String(), "no less than backoff_initial")
	case c.WeightPerMinute < 0 || c.Burst < 0 || c.Burst > c.WeightPerMinute:
		return domain.Invalid("burst", strconv.Itoa(c.Burst), "zero to weight_per_minute")
	case c.Tries < 0:
		return domain.Invalid("tries", strconv.Itoa(c.Tries), "at least 1")
	case c.MaxBodyBytes < 0:
		return domain.Invalid("max_body_bytes", "", "more than zero")
	}
	return nil
}

// REST calls a venue's REST interface within its limits. It is safe for
// concurrent use.
type REST struct {
	cfg       RESTConfig
	base      string
	transport *http.Transport
	client    *http.Client
	limiter   *rate.Limiter

	mu     sync.Mutex
	paused time.Time // the venue wants no request before
	status int       // with which it said so
}

// NewREST makes a REST client. The error is a *domain.FieldError.
func NewREST(cfg RESTConfig) (*REST, error) {
	cfg = cfg.WithDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	transport := NewTransport(cfg.Timeout)
	return &REST{
		cfg:       cfg,
		base:      strings.TrimSuffix(cfg.BaseURL, "/"),
		transport: transport,
		client: &http.Client{
			Transport: transport,
			Timeout:   cfg.Timeout,
			// A redirect would carry the header, and with it a key, elsewhere.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		limiter: rate.NewLimiter(rate.Limit(float64(cfg.WeightPerMinute)/60), cfg.Burst),
	}, nil
}

// CloseIdle closes the connections that no request uses.
func (r *REST) CloseIdle() { r.transport.CloseIdleConnections() }

// Get fetches path, which begins with a slash. weight is what the venue
// charges for the request, at most RESTConfig.Burst. It blocks for the rate
// limit and for retries of what may pass: network errors, truncated bodies,
// statuses 5xx, and limits (429, 418) whose Retry-After is short.
//
// Errors: a *LimitedError (with the wait the venue asked for), a *StatusError
// (any other status; redirects are not followed), ErrBusy, ErrBodyTooLarge,
// ErrNoBudget, the context's, or the network's.
func (r *REST) Get(ctx context.Context, path string, query url.Values, weight int) ([]byte, error) {
	wait := exponential(r.cfg.BackoffInitial, r.cfg.BackoffMax)
	for try := 1; ; try++ {
		body, err := r.attempt(ctx, path, query, weight)
		if err == nil || ctx.Err() != nil || try >= r.cfg.Tries || !passing(err) {
			return body, err
		}
		if limited, ok := errors.AsType[*LimitedError](err); ok {
			// The next attempt waits for it, or gives up right there.
			if limited.Wait > r.cfg.MaxWait {
				return nil, err
			}
			continue
		}
		delay := wait.NextBackOff()
		r.cfg.Logger.WarnContext(ctx, "request failed", "error", err, "try", try, "wait", delay)
		if sleep(ctx, delay) != nil {
			return nil, err
		}
	}
}

// attempt is one request, limits awaited.
func (r *REST) attempt(ctx context.Context, path string, query url.Values, weight int) ([]byte, error) {
	if err := r.await(ctx, path); err != nil {
		return nil, err
	}
	if err := r.limiter.WaitN(ctx, weight); err != nil {
		if ctx.Err() == nil { // it would outlast the deadline, or never fit
			err = ErrNoBudget
		}
		return nil, fmt.Errorf("GET %s: wait for the rate limit: %w", path, err)
	}
	address := r.base + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("GET %s: %w", path, WithoutURL(err))
	}
	for name, values := range r.cfg.Header {
		req.Header[name] = values
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("GET %s: %w", path, WithoutURL(err))
	}
	defer func() { _ = resp.Body.Close() }()
	return r.read(resp, path)
}

// read takes the answer apart.
func (r *REST) read(resp *http.Response, path string) ([]byte, error) {
	switch code := resp.StatusCode; {
	case code == http.StatusTooManyRequests || code == http.StatusTeapot:
		wait := r.pause(resp)
		return nil, &LimitedError{Method: http.MethodGet, Path: path, Status: code, Wait: wait}
	case code < 200 || code > 299:
		// Without the body the status still tells what matters.
		body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
		return nil, &StatusError{Method: http.MethodGet, Path: path, Status: code, Body: body}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, r.cfg.MaxBodyBytes+1))
	if err != nil {
		return nil, fmt.Errorf("GET %s: status %d: read the body: %w", path, resp.StatusCode, WithoutURL(err))
	}
	if int64(len(body)) > r.cfg.MaxBodyBytes {
		return nil, fmt.Errorf("GET %s: status %d: %w", path, resp.StatusCode, ErrBodyTooLarge)
	}
	if r.cfg.Check == nil {
		return body, nil
	}
	if err := r.cfg.Check(body); errors.Is(err, ErrLimited) {
		return nil, &LimitedError{Method: http.MethodGet, Path: path, Status: resp.StatusCode, Wait: r.pause(resp)}
	} else if err != nil {
		return nil, fmt.Errorf("GET %s: %w", path, err)
	}
	return body, nil
}

// GetJSON is Get for a JSON document, which is decoded into the value that into
// points to. An answer that cannot be decoded is an error that matches
// domain.ErrInvalid.
func (r *REST) GetJSON(ctx context.Context, path string, query url.Values, weight int, into any) error {
	body, err := r.Get(ctx, path, query, weight)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("GET %s: %w: %w", path, domain.ErrInvalid, err)
	}
	return nil
}

// pause holds all requests back for as long as the venue asks.
func (r *REST) pause(resp *http.Response) time.Duration {
	now := time.Now()
	wait := RetryAfter(resp, now)
	if wait == 0 {
		wait = defaultPause
		if resp.StatusCode == http.StatusTeapot {
			wait = defaultBan
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if until := now.Add(wait); until.After(r.paused) {
		r.paused, r.status = until, resp.StatusCode
	}
	return wait
}

// await waits while the venue wants no requests; it gives up at once if that
// takes longer than MaxWait or than the context has left.
func (r *REST) await(ctx context.Context, path string) error {
	r.mu.Lock()
	wait, status := time.Until(r.paused), r.status
	r.mu.Unlock()
	if wait <= 0 {
		return ctx.Err()
	}
	deadline, bounded := ctx.Deadline()
	if wait > r.cfg.MaxWait || (bounded && time.Until(deadline) < wait) {
		return &LimitedError{Method: http.MethodGet, Path: path, Status: status, Wait: wait}
	}
	return sleep(ctx, wait)
}
