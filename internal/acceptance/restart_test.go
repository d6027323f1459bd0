package acceptance

import (
	"testing"

	"github.com/fullon/fullon/internal/replay"
	"github.com/fullon/fullon/internal/testserver"
)

func TestRestartedProcessesGoOnWhereTheyWere(t *testing.T) {
	t.Parallel()
	rec := recorded(t, btc).excerpt(t, 12_000)
	r, _ := newRig(t)
	redis := testserver.NewRedis(t)
	projector := r.projector(redis)
	venue := r.play(replay.Config{}, rec)
	ingest := r.ingest(venue.WSURL(), venue.RESTURL(), rec)
	for i, share := range []float64{0.1, 0.25, 0.4, 0.55, 0.7, 0.85} {
		r.played(venue, share)
		if i%3 == 2 {
			ingest.kill() // without a chance to store what it had
		} else {
			ingest.stop()
		}
		ingest = r.ingest(venue.WSURL(), venue.RESTURL(), rec)
		if i%2 == 0 {
			projector.stop()
			projector = r.projector(redis)
		}
	}
	r.finished(venue)
	r.stored(rec)
	ingest.stop()
	r.caughtUp(projector, redis)
	r.cached(r.reader(redis), rec, cap10k)
	projector.stop()
	same(t, contentOf(t, redis), r.undisturbed())
}

// A process that is told to end while its servers are away ends in time, too.
func TestProcessesEndWhileTheirServersAreAway(t *testing.T) {
	t.Parallel()
	rec := recorded(t, btc).excerpt(t, 3_000)
	r, n := newRig(t)
	redis := testserver.NewRedis(t)
	first, second, third := r.projector(redis), r.projector(redis), r.projector(redis)
	venue := r.play(replay.Config{}, rec)
	ingest := r.ingest(venue.WSURL(), venue.RESTURL(), rec)
	r.finished(venue)
	r.stored(rec)
	r.caughtUp(first, redis)
	eventually(t, "an empty queue", func() string {
		if ingest.metric("publish_waiting") != 0 {
			return "events wait"
		}
		return ""
	})
	redis.Pause()
	third.says(503, "Redis is unreachable")
	third.stop()
	redis.Resume()
	redis.Kill()
	first.says(503, "Redis is unreachable")
	first.stop()
	n.Stop()
	second.says(503, "the log is unreachable")
	second.stop()
	ingest.says(503, "the log is unreachable")
	// Its last signs of life were not stored, which it may say, but not hang on.
	if code := ingest.terminate(); code != 0 && code != 1 {
		t.Errorf("exit code %d", code)
	}
}
