package acceptance

import (
	"testing"

	"github.com/fullon/fullon/internal/replay"
	"github.com/fullon/fullon/internal/testserver"
)

func TestARecordingArrivesInTheLogAndInRedis(t *testing.T) {
	t.Parallel()
	rec := recorded(t, btc)
	r, _ := newRig(t)
	redis := testserver.NewRedis(t)
	const keep = 5000
	projector := r.projector(redis, "FULLON_TRADE_CAP=5000")
	venue := r.play(replay.Config{}, rec)
	if venue.Frames() != rec.frames {
		t.Fatalf("%d frames are played, recorded are %d", venue.Frames(), rec.frames)
	}
	ingest := r.ingest(venue.WSURL(), venue.RESTURL(), rec)
	r.finished(venue)
	r.stored(rec)
	r.caughtUp(projector, redis)
	r.cached(r.reader(redis), rec, keep)
	projector.says(200, "")
	ingest.says(200, "")
	for _, name := range []string{"ingest_gaps_total", "ingest_refused_total", "ingest_holes_total", "ingest_duplicates_total"} {
		if n := ingest.metric(name); n != 0 {
			t.Errorf("%s is %d", name, n)
		}
	}
	if n := ingest.metric("ingest_trades_total"); n != len(rec.trades) {
		t.Errorf("%d trades counted", n)
	}
	ingest.stop()
	projector.stop()
}
