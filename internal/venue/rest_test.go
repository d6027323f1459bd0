package venue_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
)

// restServer answers the nth request with the nth handler, and all after the
// last one with the last.
func restServer(t *testing.T, cfg venue.RESTConfig, answers ...http.HandlerFunc) (*venue.REST, *atomic.Int64) {
	t.Helper()
	var calls atomic.Int64
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := int(calls.Add(1))
		answers[min(n, len(answers))-1](w, r)
	}))
	t.Cleanup(web.Close)
	cfg.BaseURL = web.URL
	cfg.BackoffInitial, cfg.BackoffMax = time.Microsecond, time.Microsecond
	rest, err := venue.NewREST(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(rest.CloseIdle)
	return rest, &calls
}

func status(code int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		_, _ = w.Write([]byte("what the venue says"))
	}
}

func truncated(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "100")
	_, _ = w.Write([]byte("half of"))
}

func reset(w http.ResponseWriter, _ *http.Request) {
	panic(http.ErrAbortHandler) // drops the connection without an answer
}

func TestRESTRetriesWhatPasses(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]http.HandlerFunc{
		"500":            status(500),
		"503":            status(503),
		"truncated body": truncated,
		"reset":          reset,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rest, calls := restServer(t, venue.RESTConfig{}, first, status(200))
			body, err := rest.Get(context.Background(), "/x", nil, 1)
			if err != nil || string(body) != "what the venue says" || calls.Load() != 2 {
				t.Errorf("got %q, %v after %d requests", body, err, calls.Load())
			}
		})
	}
}

func TestRESTGivesUp(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		calls  int64
		text   string
	}{
		"5xx for ever":       {status(502), 3, "GET /x: status 502"},
		"truncated for ever": {truncated, 3, "unexpected EOF"},
		"not found":          {status(404), 1, "GET /x: status 404"},
		"redirect":           {status(302, "Location", "/elsewhere"), 1, "GET /x: status 302"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rest, calls := restServer(t, venue.RESTConfig{Tries: 3}, c.answer)
			_, err := rest.Get(context.Background(), "/x", nil, 1)
			if err == nil || !strings.Contains(err.Error(), c.text) || calls.Load() != c.calls {
				t.Errorf("error %v after %d requests, want %q after %d", err, calls.Load(), c.text, c.calls)
			}
		})
	}
}

func TestRESTWaitsForShortRetryAfter(t *testing.T) {
	t.Parallel()
	rest, calls := restServer(t, venue.RESTConfig{}, status(429, "Retry-After", "1"), status(200))
	if _, err := rest.Get(context.Background(), "/x", nil, 1); err != nil || calls.Load() != 2 {
		t.Errorf("error %v after %d requests", err, calls.Load())
	}
}

// A long wait is the caller's to decide upon, and no request is made meanwhile.
func TestRESTReturnsLongRetryAfter(t *testing.T) {
	t.Parallel()
	inAnHour := time.Now().UTC().Add(time.Hour).Format(http.TimeFormat)
	for name, answer := range map[string]struct {
		handler http.HandlerFunc
		status  int
		atLeast time.Duration
	}{
		"429 in seconds":    {status(429, "Retry-After", "3600"), 429, 59 * time.Minute},
		"418 as a date":     {status(418, "Retry-After", inAnHour), 418, 59 * time.Minute},
		"418 without":       {status(418), 418, time.Minute},
		"418 with nonsense": {status(418, "Retry-After", "soon"), 418, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rest, calls := restServer(t, venue.RESTConfig{}, answer.handler)
			for range 2 {
				_, err := rest.Get(context.Background(), "/x", nil, 1)
				limited, ok := errors.AsType[*venue.LimitedError](err)
				if !ok || limited.Status != answer.status || limited.Wait < answer.atLeast {
					t.Errorf("error %v", err)
				}
			}
			if calls.Load() != 1 {
				t.Errorf("%d requests, want 1", calls.Load())
			}
		})
	}
}

func TestRESTRespectsTheContextsDeadline(t *testing.T) {
	t.Parallel()
	rest, _ := restServer(t, venue.RESTConfig{}, status(429, "Retry-After", "20"))
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if _, err := rest.Get(ctx, "/x", nil, 1); err == nil || ctx.Err() != nil {
		t.Errorf("error %v; it must not wait for what the deadline forbids", err)
	}
	// Nor for its own limit, once the budget is spent.
	rest, calls := restServer(t, venue.RESTConfig{WeightPerMinute: 6, Burst: 1}, status(200))
	_, _ = rest.Get(ctx, "/x", nil, 1)
	_, err := rest.Get(ctx, "/x", nil, 1)
	if !errors.Is(err, venue.ErrNoBudget) || calls.Load() != 1 {
		t.Errorf("error %v after %d requests", err, calls.Load())
	}
	stopped, stop := context.WithCancel(context.Background())
	stop()
	if _, err := rest.Get(stopped, "/x", nil, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the context's", err)
	}
}

func TestRESTBoundsTheBody(t *testing.T) {
	t.Parallel()
	for size, fits := range map[int]bool{64: true, 65: false} {
		rest, calls := restServer(t, venue.RESTConfig{MaxBodyBytes: 64}, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(make([]byte, size))
		})
		_, err := rest.Get(context.Background(), "/x", nil, 1)
		if fits != (err == nil) || (err != nil && !errors.Is(err, venue.ErrBodyTooLarge)) || calls.Load() != 1 {
			t.Errorf("%d bytes: error %v after %d requests", size, err, calls.Load())
		}
	}
}

// What is secret is in the header and the query, and in no error.
func TestRESTErrorsHoldNoCredentials(t *testing.T) {
	t.Parallel()
	query := url.Values{"signature": {"hush"}}
	echo := func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Key") != "hush" || r.URL.Query().Get("signature") != "hush" {
			t.Errorf("the request came without its key: %v", r)
		}
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte("hush"))
	}
	for _, answer := range []http.HandlerFunc{echo, reset, truncated, status(429, "Retry-After", "3600")} {
		rest, _ := restServer(t, venue.RESTConfig{Tries: 1, Header: http.Header{"X-Key": {"hush"}}}, answer)
		_, err := rest.Get(context.Background(), "/x", query, 1)
		if err == nil || strings.Contains(err.Error(), "hush") || !strings.HasPrefix(err.Error(), "GET /x: ") {
			t.Errorf("error %v", err)
		}
	}
}

func TestNewRESTChecksItsSettings(t *testing.T) {
	t.Parallel()
	for i, cfg := range []venue.RESTConfig{
		{},
		{BaseURL: "ftp://venue.test"},
		{BaseURL: "https://user:hush@venue.test"},
		{BaseURL: "https://venue.test", Timeout: -1},
		{BaseURL: "https://venue.test", Tries: -1},
		{BaseURL: "https://venue.test", MaxBodyBytes: -1},
		{BaseURL: "https://venue.test", BackoffInitial: time.Hour},
		{BaseURL: "https://venue.test", WeightPerMinute: 10, Burst: 11},
	} {
		_, err := venue.NewREST(cfg)
		if !errors.Is(err, domain.ErrInvalid) || strings.Contains(err.Error(), "hush") {
			t.Errorf("case %s: error %v, want a field error", strconv.Itoa(i), err)
		}
	}
}
