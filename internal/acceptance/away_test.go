package acceptance

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/fullon/fullon/internal/replay"
	"github.com/fullon/fullon/internal/testserver"
)

// outage keeps a server away until the processes have said so and a share of
// the recording has been played meanwhile; with FULLON_AWAY at least so long.
func (r *rig) outage(venue *replay.Server, problem string, processes ...*process) {
	r.t.Helper()
	from := float64(venue.Progress().Played) / float64(venue.Frames())
	long := time.After(awayFor(r.t))
	for _, p := range processes {
		p.says(503, problem)
	}
	r.played(venue, min(1, from+0.08))
	<-long
}

// awayFor is how long servers stay away at least.
func awayFor(t testing.TB) time.Duration {
	t.Helper()
	text := os.Getenv("FULLON_AWAY")
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("FULLON_AWAY: %v", err)
	}
	return d
}

// pace plays an excerpt so slowly that it outlasts so many outages.
func pace(t testing.TB, outages int) replay.Config {
	t.Helper()
	const recorded = 60 * time.Second // at least, of what the tests play
	need := time.Duration(outages+1) * (2*time.Second + awayFor(t))
	return replay.Config{Speed: float64(recorded) / float64(need)}
}

func TestRedisAwayLosesNothing(t *testing.T) {
	t.Parallel()
	rec := recorded(t, btc).excerpt(t, 12_000)
	r, _ := newRig(t)
	redis := testserver.NewRedis(t)
	projector := r.projector(redis)
	projector.says(200, "")
	venue := r.play(pace(t, 3), rec)
	ingest := r.ingest(venue.WSURL(), venue.RESTURL(), rec)
	for _, o := range []struct {
		away, back func()
	}{
		{redis.Kill, redis.Start}, {redis.Pause, redis.Resume}, {redis.Kill, redis.Start},
	} {
		r.played(venue, float64(venue.Progress().Played)/float64(venue.Frames())+0.05)
		o.away()
		r.outage(venue, "Redis is unreachable", projector)
		ingest.says(200, "") // it is none of its business
		o.back()
		projector.says(200, "")
	}
	r.finished(venue)
	r.stored(rec)
	ingest.stop()
	r.caughtUp(projector, redis)
	r.cached(r.reader(redis), rec, cap10k)
	projector.says(200, "")
	projector.stop()
	same(t, contentOf(t, redis), r.undisturbed())
}

func TestTheLogAwayLosesNothing(t *testing.T) {
	t.Parallel()
	for name, kill := range map[string]bool{"stopped": false, "killed": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rec := recorded(t, btc).excerpt(t, 12_000)
			var r *rig
			var away, back func()
			if kill {
				n, b := newNATSProcess(t)
				r, away, back = &rig{t: t, bus: b, url: n.url()}, n.kill, n.start
			} else {
				own, n := newRig(t)
				r, away, back = own, n.Stop, n.Start
			}
			redis := testserver.NewRedis(t)
			projector := r.projector(redis)
			projector.says(200, "")
			const outages = 4
			venue := r.play(pace(t, outages), rec)
			ingest := r.ingest(venue.WSURL(), venue.RESTURL(), rec)
			for range outages {
				r.played(venue, float64(venue.Progress().Played)/float64(venue.Frames())+0.03)
				away()
				r.outage(venue, "the log is unreachable", ingest, projector)
				back()
				ingest.says(200, "")
				projector.says(200, "")
			}
			r.finished(venue)
			r.stored(rec)
			if n := ingest.metric("publish_events_retries_total"); n == 0 {
				t.Error("the publisher noticed nothing")
			}
			ingest.stop()
			r.caughtUp(projector, redis)
			r.cached(r.reader(redis), rec, cap10k)
			if n := projector.metric("projector_history_lost_total"); n != 0 {
				t.Errorf("a log that was away was taken for lost history %d times", n)
			}
			projector.stop()
			same(t, contentOf(t, redis), r.undisturbed())
		})
	}
}

// What was queued while the log was away is sent in batches. A log that dies in
// the middle of one has stored a part of it that it never acknowledged.
func TestALogKilledInTheMiddleOfABacklogHoldsEachTradeOnce(t *testing.T) {
	t.Parallel()
	rec := recorded(t, btc).excerpt(t, 30_000, "@trade")
	n, b := newNATSProcess(t)
	r := &rig{t: t, bus: b, url: n.url()}
	venue := r.play(replay.Config{}, rec)
	ingest := r.ingest(venue.WSURL(), venue.RESTURL(), rec)
	r.played(venue, 0.01)
	n.kill()
	r.finished(venue)
	eventually(t, "the queue", func() string {
		if got := ingest.metric("ingest_trades_total"); got < len(rec.trades) {
			return fmt.Sprintf("%d trades of %d", got, len(rec.trades))
		}
		return ""
	})
	deaths := 0
	for ; deaths < 4 && ingest.metric("publish_waiting", `kind="events"`) > 2000; deaths++ {
		acked := ingest.metric("publish_events_acked_total")
		n.start()
		eventually(t, "a sign of storing", func() string {
			if ingest.metric("publish_events_acked_total") == acked {
				return "none"
			}
			return ""
		})
		n.kill()
	}
	if deaths < 2 {
		t.Errorf("the log died only %d times before everything was stored", deaths)
	}
	n.start()
	r.stored(rec)
	ingest.stop()
}
