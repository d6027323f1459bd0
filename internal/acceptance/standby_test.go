package acceptance

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/pause"
	"github.com/fullon/fullon/internal/replay"
	"github.com/fullon/fullon/internal/testserver"
)

// road is a way to a server that can be cut.
type road struct {
	listener net.Listener
	to       string

	mu    sync.Mutex
	cut   bool
	conns []net.Conn
	group sync.WaitGroup
}

func newRoad(t testing.TB, url string) *road {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &road{listener: listener, to: strings.TrimPrefix(url, "nats://")}
	r.group.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			r.join(conn)
		}
	})
	t.Cleanup(func() { _ = listener.Close(); r.set(true); r.group.Wait() })
	return r
}

func (r *road) url() string { return "nats://" + r.listener.Addr().String() }

func (r *road) join(from net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	to, err := net.Dial("tcp", r.to)
	if err != nil || r.cut {
		_ = from.Close()
		if to != nil {
			_ = to.Close()
		}
		return
	}
	r.conns = append(r.conns, from, to)
	for _, pair := range [][2]net.Conn{{from, to}, {to, from}} {
		r.group.Go(func() {
			_, _ = io.Copy(pair[0], pair[1])
			_, _ = pair[0].Close(), pair[1].Close()
		})
	}
}

// set cuts the road, or opens it again.
func (r *road) set(cut bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut = cut
	if cut {
		for _, conn := range r.conns {
			_ = conn.Close()
		}
		r.conns = nil
	}
}

// becomes waits until an ingest is active, or stands by.
func (p *process) becomes(active bool) {
	p.t.Helper()
	want := 0
	if active {
		want = 1
	}
	eventually(p.t, fmt.Sprintf("ingest_active %d of %s %d", want, p.name, p.cmd.Process.Pid), func() string {
		if got := p.metric("ingest_active"); got != want {
			return fmt.Sprint(got)
		}
		if health := p.metric("ingest_feed_state"); active && health != 1 {
			return "its feed is not live"
		}
		return ""
	})
}

// takenOver waits until an ingest is active and says how long that took.
func (p *process) takenOver(how string) {
	p.t.Helper()
	since := time.Now()
	p.becomes(true)
	p.t.Logf("%s: taken over in %v", how, time.Since(since).Round(time.Millisecond))
}

// Two processes follow one venue. Whatever befalls the active one, the log holds
// every trade once and in order, and the ticks that readers see do not go back.
func TestAnIngestStandsByAndTakesOver(t *testing.T) {
	t.Parallel()
	rec := recorded(t, btc)
	r, n := newRig(t)
	redis := testserver.NewRedis(t)
	projector := r.projector(redis)
	ticks := watchTicks(t, r.reader(redis), rec.symbol)
	venue := r.play(replay.Config{Speed: 16}, rec)
	start := func() *process { return r.ingest(venue.WSURL(), venue.RESTURL(), rec) }

	// Both at once: it does not matter which.
	active, standby := start(), start()
	eventually(t, "one of two is active", func() string {
		if active.metric("ingest_active")+standby.metric("ingest_active") != 1 {
			return "none, or both"
		}
		return ""
	})
	if standby.metric("ingest_active") == 1 {
		active, standby = standby, active
	}
	active.becomes(true)
	standby.says(200, "")
	r.played(venue, 0.1)

	active.kill()
	standby.takenOver("killed")
	active, standby = standby, start()
	standby.becomes(false)
	r.played(venue, 0.25)

	active.signal(syscall.SIGSTOP)
	standby.takenOver("halted")
	r.played(venue, 0.4)
	active.signal(syscall.SIGCONT)
	active.becomes(false)
	active, standby = standby, active
	r.played(venue, 0.5)

	active.stop()
	standby.takenOver("stopped")
	// The next one reaches the log by a road of its own.
	active, way := standby, newRoad(t, n.URL)
	direct := r.url
	r.url = way.url()
	standby = start()
	r.url = direct
	standby.becomes(false)
	r.played(venue, 0.65)
	active.stop()
	standby.takenOver("stopped")
	active, standby = standby, start()
	standby.becomes(false)
	r.played(venue, 0.75)

	way.set(true)
	standby.takenOver("cut off from the log")
	r.played(venue, 0.85)
	way.set(false)
	active.becomes(false)

	r.finished(venue)
	r.stored(rec)
	r.caughtUp(projector, redis)
	r.cached(r.reader(redis), rec, cap10k)
	ticks.check(t)
	for _, p := range []*process{active, standby, projector} {
		p.stop()
	}
}

// tickWatch looks again and again at a market's tick.
type tickWatch struct {
	end   context.CancelFunc
	done  chan struct{}
	looks int
	back  string // what went back
}

func watchTicks(t testing.TB, c *client.Client, symbol string) *tickWatch {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	w := &tickWatch{end: cancel, done: make(chan struct{})}
	go func() {
		defer close(w.done)
		var last domain.Tick
		for ctx.Err() == nil {
			tick, err := c.Ticks.Get(ctx, exchange, symbol)
			if err == nil {
				if tick.Time.Before(last.Time) || tick.Time.Equal(last.Time) && tick.VenueSeq < last.VenueSeq {
					w.back = fmt.Sprintf("%+v after %+v", tick, last)
				}
				last = tick
				w.looks++
			}
			pause.For(ctx, 200*time.Microsecond)
		}
	}()
	t.Cleanup(func() { cancel(); <-w.done })
	return w
}

func (w *tickWatch) check(t testing.TB) {
	t.Helper()
	w.end()
	<-w.done
	if w.back != "" || w.looks < 1000 {
		t.Fatalf("%d looks at the tick; it went back: %s", w.looks, w.back)
	}
}
