package private

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
)

// bare is an API of which only the clock is there.
type bare struct {
	API
	time func(context.Context) (time.Time, time.Duration, error)
}

func (b bare) Time(ctx context.Context) (time.Time, time.Duration, error) { return b.time(ctx) }

func settings(restURL string) Config {
	return Config{
		Exchange: "venue", Account: "main", Key: "thePublicKey", Secret: "theSecret", Passphrase: "thePhrase",
		RESTURL: restURL, StreamURL: "ws://localhost/stream", Symbols: func() map[string]domain.Symbol { return nil },
	}
}

// serve makes an account at a server, whose clock is offset from ours.
func serve(t *testing.T, offset time.Duration, handler http.HandlerFunc) *Account {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	v, err := New(settings(server.URL), Own{}, func(*Account) (API, error) {
		return bare{time: func(context.Context) (time.Time, time.Duration, error) {
			return time.Now().Add(offset), 0, nil
		}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.CloseIdle)
	return v.account
}

func TestARequestIsSignedForTheTimeThatIsLeftByTheVenuesClock(t *testing.T) {
	t.Parallel()
	const offset = -90 * time.Second
	a := serve(t, offset, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Signature") != "signed" || r.URL.RawQuery != "a=1&signed" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	deadline := time.Now().Add(3 * time.Second)
	ctx, cancel := context.WithDeadline(t.Context(), deadline)
	defer cancel()
	var now, until time.Time
	r := Request{Method: http.MethodGet, Path: "/x", Query: "a=1", Sign: func(r *Request, from, to time.Time) error {
		now, until = from, to
		r.Query += "&signed"
		r.Header.Set("Signature", "signed")
		return nil
	}}
	answer, err := a.Do(ctx, r)
	if err != nil || answer.Status != http.StatusOK || answer.What != "GET /x" {
		t.Fatalf("%+v, %v", answer, err)
	}
	if r.Query != "a=1" || r.Header != nil {
		t.Fatalf("the caller's request was changed: %+v", r)
	}
	if late := until.Sub(deadline.Add(offset)); late > 0 || late < -time.Second {
		t.Fatalf("it is good until %s after the deadline", late)
	}
	if ahead := now.Sub(time.Now().Add(offset)); ahead > 0 || ahead < -3*time.Second {
		t.Fatalf("it is dated %s ahead", ahead)
	}
}

func TestNothingIsSentThatCannotBeSigned(t *testing.T) {
	t.Parallel()
	var got atomic.Int64
	a := serve(t, 0, func(http.ResponseWriter, *http.Request) { got.Add(1) })
	sign := func(*Request, time.Time, time.Time) error { return nil }
	past, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	for name, do := range map[string]func() error{
		"deadline": func() error {
			_, err := a.Do(past, Request{Method: http.MethodPost, Path: "/x", Sign: sign})
			return err
		},
		"paused until after the deadline": func() error {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			_, err := a.Do(ctx, Request{Method: http.MethodPost, Path: "/x", Sign: func(*Request, time.Time, time.Time) error {
				<-ctx.Done()
				return nil
			}})
			return err
		},
		"refused": func() error {
			_, err := a.Do(t.Context(), Request{Method: http.MethodPost, Path: "/x", Sign: func(*Request, time.Time, time.Time) error {
				return errors.New("the window is too short")
			}})
			return err
		},
	} {
		if err := do(); !Is(err, Unclear) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got.Load() != 0 {
		t.Fatalf("%d requests were sent", got.Load())
	}
}

func TestAnAnswerTellsWhenToComeBack(t *testing.T) {
	t.Parallel()
	a := serve(t, 0, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = w.Write([]byte("enough"))
	})
	answer, err := a.Do(t.Context(), Request{Method: http.MethodGet, Path: "/x"})
	if err != nil || answer.Status != http.StatusTooManyRequests || answer.RetryAfter != 7*time.Second || string(answer.Body) != "enough" {
		t.Fatalf("%+v, %v", answer, err)
	}
}

func TestSecretsAreTakenOutOfWhatAVenueSays(t *testing.T) {
	t.Parallel()
	a := serve(t, 0, nil)
	said := a.Scrub("key thePublicKey, secret theSecret, phrase thePhrase")
	for _, hidden := range []string{"thePublicKey", "theSecret", "thePhrase"} {
		if strings.Contains(said, hidden) {
			t.Errorf("%q is in %q", hidden, said)
		}
	}
	if long := a.Scrub(strings.Repeat("x", 2000)); len(long) > domain.MaxReasonBytes {
		t.Errorf("%d bytes", len(long))
	}
}

// The reading is dated when it came, so our idea of the venue's time is never
// ahead of it; and of two readings the one that took longer does not count.
func TestTheVenuesClockIsNotRunAheadOf(t *testing.T) {
	t.Parallel()
	c := &Clock{every: time.Minute}
	if c.Fresh() {
		t.Fatal("there was no reading yet")
	}
	begin := time.Now()
	venue := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	c.Take(begin, venue, time.Second)
	at := func(d time.Duration) time.Duration {
		now, _ := c.At(begin.Add(d))
		return now.Sub(venue)
	}
	if at(time.Second) != time.Second {
		t.Fatalf("after a second it is %s later", at(time.Second))
	}
	c.Take(begin.Add(time.Second), venue.Add(900*time.Millisecond), 0)
	if _, within := c.At(begin); at(time.Second) != time.Second || within != time.Second {
		t.Fatal("a worse reading was taken")
	}
	c.Take(begin.Add(time.Second), venue.Add(1700*time.Millisecond), 0)
	if _, within := c.At(begin); at(time.Second) != 1700*time.Millisecond || within != 0 {
		t.Fatal("a better reading was not taken")
	}
	c.Distrust()
	if c.Fresh() || at(time.Second) != 1700*time.Millisecond {
		t.Fatal("a reading that may be wrong is still the best there is, and to be taken again")
	}
	c.Take(begin, venue, 0)
	if at(0) != 0 {
		t.Fatal("after a reading that was wrong the next one was not taken")
	}
	old := &Clock{every: time.Nanosecond}
	old.Take(begin.Add(-time.Second), venue.Add(time.Hour), 0)
	old.Take(begin, venue, 0)
	if now, _ := old.At(begin); !now.Equal(venue) {
		t.Fatal("a reading that is too old still counts")
	}
}
