package venue_test

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
	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/venuetest"
)

// plain is a dialect whose frames are commands.
type plain struct {
	frames    chan<- string
	keepalive error
}

func (p plain) Opening() [][]byte { return [][]byte{[]byte("subscribe a"), []byte("subscribe b")} }

func (p plain) Handle(frame []byte, _ time.Time) (out venue.Outcome) {
	text := string(frame)
	p.frames <- text
	switch text {
	case "data":
		out.Delivering = true
	case "ask":
		out.Send = [][]byte{[]byte("answer")}
	case "leaving":
		out.Renew = true
	}
	return out
}

func (p plain) Keepalive(time.Time) ([][]byte, error) { return nil, p.keepalive }

// quick reconnects at once and never gives up a connection by itself.
func quick() venue.Care {
	return venue.Care{
		SilenceTimeout: time.Hour, DataTimeout: time.Hour, PingInterval: time.Minute,
		SendInterval:   time.Microsecond,
		BackoffInitial: time.Millisecond, BackoffMax: 2 * time.Millisecond,
	}
}

type fixture struct {
	server *venuetest.Server
	sink   *venuetest.Sink
	frames chan string
	stop   func()
}

// start runs a session until the end of the test.
func start(t *testing.T, care venue.Care, keepalive error) fixture {
	t.Helper()
	f := fixture{server: venuetest.NewServer(t), sink: venuetest.NewSink(), frames: make(chan string, 1024)}
	f.stop = run(t, f.server.URL, care, f.sink, plain{f.frames, keepalive})
	return f
}

func run(t *testing.T, url string, care venue.Care, sink venue.Watcher, dialect venue.Dialect) (stop func()) {
	t.Helper()
	s, err := venue.NewSession(venue.SessionConfig{
		URL: url, Watcher: sink, Care: care,
		Dialect: func() venue.Dialect { return dialect },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { s.Run(ctx); done <- nil }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(venuetest.Patience):
			t.Error("Run does not end with its context")
		}
	}
	t.Cleanup(stop)
	return stop
}

func (f fixture) accept(t *testing.T) *venuetest.Conn {
	t.Helper()
	c := f.server.Accept(t)
	for _, want := range []string{"subscribe a", "subscribe b"} {
		if got := c.Read(); got != want {
			t.Fatalf("the client sent %q, want %q", got, want)
		}
	}
	return c
}

func (f fixture) await(t *testing.T, want string) {
	t.Helper()
	select {
	case got := <-f.frames:
		if got != want {
			t.Fatalf("frame %q, want %q", got, want)
		}
	case <-time.After(venuetest.Patience):
		t.Fatalf("frame %q did not come", want)
	}
}

func TestSessionSubscribesAndAnswers(t *testing.T) {
	t.Parallel()
	f := start(t, quick(), nil)
	c := f.accept(t)
	f.sink.Await(t, "up", venuetest.IsUp)
	c.Text("ask")
	if got := c.Read(); got != "answer" {
		t.Errorf("the client answered %q", got)
	}
	f.await(t, "ask")
	f.stop()
	down := f.sink.Await(t, "down", venuetest.IsDown)
	if down.Reason != "stopped" {
		t.Errorf("reason %q", down.Reason)
	}
	if f.sink.HeardCount() != 1 {
		t.Errorf("heard %d messages, want 1", f.sink.HeardCount())
	}
}

func TestSessionAnswersPings(t *testing.T) {
	t.Parallel()
	f := start(t, quick(), nil)
	c := f.accept(t)
	go c.AwaitEnd() // reads the pong
	if err := c.Ping(); err != nil {
		t.Error(err)
	}
}

// Each way to lose a connection ends in a new one that is subscribed again.
func TestSessionReconnects(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]struct {
		care     func(*venue.Care)
		breaking func(*venuetest.Conn)
		reason   string
	}{
		"close with a code": {
			breaking: func(c *venuetest.Conn) { c.Close(1008, "too many requests") },
			reason:   "too many requests",
		},
		"reset in the middle of a frame": {
			breaking: (*venuetest.Conn).Reset,
			reason:   "read",
		},
		"oversized frame": {
			breaking: func(c *venuetest.Conn) { c.Flood(10 << 20) },
			reason:   venue.ErrOversized.Error(),
		},
		"silence": {
			care: func(c *venue.Care) { c.SilenceTimeout, c.PingInterval = 20*time.Millisecond, 10*time.Millisecond },
			// It does not read either, so it answers no ping.
			breaking: func(*venuetest.Conn) {},
			reason:   "nothing heard",
		},
		"pongs but no data": {
			care: func(c *venue.Care) {
				c.SilenceTimeout, c.DataTimeout, c.PingInterval = time.Hour, 50*time.Millisecond, 5*time.Millisecond
			},
			breaking: func(c *venuetest.Conn) { go c.AwaitEnd() },
			reason:   "no message",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			care := quick()
			if fault.care != nil {
				fault.care(&care)
			}
			f := start(t, care, nil)
			accept := f.accept
			if fault.care != nil { // such a connection may end before it is read from
				accept = func(t *testing.T) *venuetest.Conn { return f.server.Accept(t) }
			}
			c := accept(t)
			f.sink.Await(t, "up", venuetest.IsUp)
			fault.breaking(c)
			down := f.sink.Await(t, "down", venuetest.IsDown)
			if !strings.Contains(down.Reason, fault.reason) {
				t.Errorf("reason %q, want one with %q", down.Reason, fault.reason)
			}
			accept(t)
			f.sink.Await(t, "up again", venuetest.IsUp)
		})
	}
}

func TestSessionCountsOversizedFrames(t *testing.T) {
	t.Parallel()
	f := start(t, quick(), nil)
	f.accept(t).Flood(10 << 20)
	e := f.sink.Await(t, "refusal", venuetest.IsRefused("oversized"))
	if !errors.Is(e.Err, venue.ErrOversized) {
		t.Errorf("refused with %v", e.Err)
	}
	f.accept(t).Text("data")
	f.await(t, "data")
}

func TestSessionKeepsConnectionAfterBinaryFrame(t *testing.T) {
	t.Parallel()
	f := start(t, quick(), nil)
	c := f.accept(t)
	c.Binary([]byte{1, 2, 3})
	f.sink.Await(t, "refusal", venuetest.IsRefused("binary"))
	c.Text("data")
	f.await(t, "data")
	for _, e := range f.sink.Events() {
		if e.Down {
			t.Errorf("the connection was lost: %s", e.Reason)
		}
	}
}

func TestSessionEndsConnectionThatTheDialectGivesUp(t *testing.T) {
	t.Parallel()
	care := quick()
	care.PingInterval = time.Millisecond
	f := start(t, care, errors.New("nobody acknowledges"))
	f.server.Accept(t)
	if e := f.sink.Await(t, "down", venuetest.IsDown); !strings.Contains(e.Reason, "nobody acknowledges") {
		t.Errorf("reason %q", e.Reason)
	}
}

// The old connection is closed only once the new one delivers, and the watcher
// sees no loss.
func TestSessionMakesBeforeItBreaks(t *testing.T) {
	t.Parallel()
	for name, renew := range map[string]func(*venue.Care, *venuetest.Conn){
		"by schedule": nil,
		"because the venue leaves": func(_ *venue.Care, c *venuetest.Conn) {
			c.Text("leaving")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			care := quick()
			if renew == nil {
				care.Lifetime, care.LifetimeSpread = 50*time.Millisecond, 10*time.Millisecond
			}
			f := start(t, care, nil)
			first := f.accept(t)
			f.sink.Await(t, "up", venuetest.IsUp)
			if renew != nil {
				renew(&care, first)
				f.await(t, "leaving")
			}
			second := f.accept(t)
			// The second is subscribed, but silent: the first must still be heard.
			first.Text("from the first")
			f.await(t, "from the first")
			second.Text("data")
			f.await(t, "data")
			first.AwaitEnd()
			second.Text("from the second")
			f.await(t, "from the second")
			f.stop()
			var ups, downs int
			for _, e := range f.sink.Events() {
				if e.Up {
					ups++
				}
				if e.Down {
					downs++
				}
			}
			if ups != 1 || downs != 1 {
				t.Errorf("%d times up and %d times down, want 1 and 1", ups, downs)
			}
		})
	}
}

func TestSessionKeepsOldConnectionWhenReplacementFails(t *testing.T) {
	t.Parallel()
	care := quick()
	care.HandoverTimeout = 10 * time.Millisecond
	f := start(t, care, nil)
	first := f.accept(t)
	first.Text("leaving")
	f.await(t, "leaving")
	f.server.Accept(t).AwaitEnd()                 // silent: given up
	f.server.Accept(t).Close(1011, "not for you") // refused
	first.Text("still here")
	f.await(t, "still here")
	for _, e := range f.sink.Events() {
		if e.Down {
			t.Errorf("down: %s", e.Reason)
		}
	}
}

func TestSessionSwitchesWhenOldConnectionDiesDuringHandover(t *testing.T) {
	t.Parallel()
	f := start(t, quick(), nil)
	first := f.accept(t)
	f.sink.Await(t, "up", venuetest.IsUp)
	first.Text("leaving")
	second := f.accept(t)
	first.Reset()
	f.sink.Await(t, "down", venuetest.IsDown)
	f.sink.Await(t, "up again", venuetest.IsUp)
	f.await(t, "leaving")
	second.Text("data")
	f.await(t, "data")
}

// A venue that refuses the handshake is asked again.
func TestSessionRetriesRefusedHandshake(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	again := make(chan struct{})
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) == 3 {
			close(again)
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(web.Close)
	sink := venuetest.NewSink()
	stop := run(t, strings.Replace(web.URL, "http", "ws", 1), quick(), sink, plain{})
	select {
	case <-again:
	case <-time.After(venuetest.Patience):
		t.Error("no third attempt")
	}
	stop()
	if events := sink.Events(); len(events) != 0 {
		t.Errorf("the watcher was told of %+v", events)
	}
}

func TestNewSessionChecksItsSettings(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]venue.SessionConfig{
		"no url":           {},
		"http":             {URL: "http://venue.test"},
		"negative timeout": {URL: "ws://venue.test", Care: venue.Care{DialTimeout: -1}},
		"negative life":    {URL: "ws://venue.test", Care: venue.Care{Lifetime: -1}},
		"negative space":   {URL: "ws://venue.test", Care: venue.Care{DialInterval: -1}},
		"spread":           {URL: "ws://venue.test", Care: venue.Care{Lifetime: 1, LifetimeSpread: 2}},
		"backoff":          {URL: "ws://venue.test", Care: venue.Care{BackoffInitial: time.Hour}},
		"silence":          {URL: "ws://venue.test", Care: venue.Care{PingInterval: time.Minute}},
		"tiny frames":      {URL: "ws://venue.test", Care: venue.Care{MaxFrameBytes: 1}},
	} {
		if _, err := venue.NewSession(cfg); !errors.Is(err, domain.ErrInvalid) {
			t.Errorf("%s: error %v, want a field error", name, err)
		}
	}
}
