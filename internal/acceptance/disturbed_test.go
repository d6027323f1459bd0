package acceptance

import (
	"testing"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/internal/replay"
	"github.com/fullon/fullon/internal/testserver"
)

const cap10k = 10_000 // trades of a market that Redis keeps by default

func TestProjectorsKilledAndRedisWipedLeaveTheSameContent(t *testing.T) {
	t.Parallel()
	b, e := recorded(t, btc), recorded(t, eth)
	r, _ := newRig(t)
	redis := testserver.NewRedis(t)
	wipe := func() {
		if err := redis.Client(t).FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
	}
	stream := r.bus.Layout().TradeStreamOf(exchange, b.symbol)
	moments := watch(t, redis, stream, b.symbol)
	projector := r.projector(redis)
	projector.url() // it runs
	venue := r.play(replay.Config{Faults: []replay.Fault{
		{After: 9_000, Kind: replay.Cut, Lose: 700},
		{After: 40_000, Kind: replay.Close, Lose: 1_500},
	}}, b, e)
	ingest := r.ingest(venue.WSURL(), venue.RESTURL(), b, e)
	for i, share := range []float64{0.1, 0.25, 0.4, 0.55, 0.7, 0.85} {
		r.played(venue, share)
		if i%3 == 1 {
			wipe()
		}
		projector.kill()
		projector = r.projector(redis)
	}
	r.finished(venue)
	seqs := r.stored(b)
	r.stored(e)
	if holes, filled := ingest.metric("ingest_holes_total"), ingest.metric("ingest_filled_total"); holes == 0 || filled == 0 {
		t.Errorf("%d holes, %d trades filled: nothing was fetched over REST", holes, filled)
	}
	ingest.stop()
	// Once more in the middle of what follows a wipe.
	wipe()
	r.beyond(redis, stream, 0)
	projector.kill()
	projector = r.projector(redis)
	r.caughtUp(projector, redis)
	c := r.reader(redis)
	r.cached(c, b, cap10k)
	r.cached(c, e, cap10k)
	projector.stop()
	same(t, contentOf(t, redis), r.undisturbed())
	moments.check(t, seqs, cap10k)
}

// beyond waits until Redis reflects a stream beyond a sequence.
func (r *rig) beyond(redis *testserver.Redis, stream string, seq uint64) {
	r.t.Helper()
	store, err := cachestore.Connect(r.t.Context(), cachestore.Config{Addrs: []string{redis.Addr}})
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	eventually(r.t, "projection of "+stream, func() string {
		at, err := store.Partition(stream).Checkpoint(r.t.Context())
		switch {
		case err != nil:
			return err.Error()
		case at.Seq <= seq:
			return "nothing yet"
		}
		return ""
	})
}
