package projector

import (
	"context"
	"testing"
	"time"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// bucket is what a projector is told of the others.
type bucket struct {
	others []domain.Member
	self   domain.Member // as it said last
	err    error
	left   func() // called when it leaves; may be nil
}

func (b *bucket) Beat(_ context.Context, self domain.Member, _ bool) ([]domain.Member, error) {
	if b.err != nil {
		return nil, b.err
	}
	self.Revision = b.self.Revision + 1
	b.self = self
	return append([]domain.Member{self}, b.others...), nil
}

func (b *bucket) Leave(context.Context) error {
	if b.left != nil {
		b.left()
	}
	return nil
}

func (b *bucket) Heard() <-chan struct{} { return nil }

// noLog is a log that is away.
type noLog struct{ Log }

func (noLog) Extent(context.Context, string) (domain.Extent, error) {
	return domain.Extent{}, domain.ErrUnreachable
}

// other is a live member, with an id such that the stream "TICKS_0" is not its
// own, or is.
func other(owns bool) domain.Member {
	for _, id := range names("m", 100, 7) {
		if (owners([]string{"TICKS_0"}, []string{"self", id})["TICKS_0"] == id) == owns {
			return domain.Member{ID: id, Cache: "c", Ready: true, Revision: 1, Shares: []domain.Share{{Stream: "TICKS_0", Held: true}}}
		}
	}
	panic("no such id")
}

// sharer is a projector whose rounds a test makes itself.
type sharer struct {
	*sharing
	t      *testing.T
	bucket *bucket
}

func newSharer(t *testing.T, others ...domain.Member) *sharer {
	t.Helper()
	b := &bucket{others: others}
	store := cachestore.Open(cachestore.Config{Addrs: []string{"127.0.0.1:1"}})
	t.Cleanup(func() { _ = store.Close() })
	p := New(Config{
		TickStreams: []string{"TICKS_0"}, Members: b, Member: domain.Member{ID: "self"}, BeatInterval: time.Hour, Log: testserver.Quiet(),
	}, noLog{}, store)
	s := &sharer{newSharing(p), t, b}
	cache := "c"
	s.cache.Store(&cache)
	t.Cleanup(func() {
		for _, tenure := range s.tenures {
			tenure.end()
			<-tenure.done
		}
	})
	return s
}

func (s *sharer) turn() { s.round(s.t.Context(), func() {}) }

// expect makes a round, and another one when a partition is given up.
func (s *sharer) expect(what string, holds bool) {
	s.t.Helper()
	s.turn()
	if tenure := s.tenures["TICKS_0"]; tenure != nil && tenure.ending {
		<-tenure.done
		s.turn()
	}
	if got := s.p.Stats()[0]; got.Held != holds || s.bucket.self.Holds("TICKS_0") != holds && !s.news {
		s.t.Fatalf("%s: held %v, want %v", what, got.Held, holds)
	}
}

func TestAnOwnerWaitsUntilTheLastOneIsDone(t *testing.T) {
	t.Parallel()
	s := newSharer(t, other(false))
	s.expect("somebody else folds it", false)
	if owner := s.p.Stats()[0].Owner; owner.ID != s.bucket.others[0].ID {
		t.Fatalf("the owner is %+v", owner)
	}
	s.bucket.others[0].Shares[0].Held = false
	s.bucket.others[0].Revision++
	s.expect("it is given up", true)
	if owner := s.p.Stats()[0].Owner; owner.ID != "self" {
		t.Fatalf("the owner is %+v", owner)
	}
}

func TestAnOwnerDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	s := newSharer(t, other(false))
	s.expect("somebody else folds it", false)
	s.wanted["TICKS_0"] = time.Now().Add(-100 * s.p.cfg.BeatInterval)
	s.expect("and does not give it up", true)
}

func TestWhatBelongsToAnotherIsGivenUp(t *testing.T) {
	t.Parallel()
	s := newSharer(t)
	s.expect("alone", true)
	newcomer := other(true)
	newcomer.Shares = nil
	s.bucket.others = []domain.Member{newcomer}
	s.expect("another one comes", false)
}

// Whoever cannot read who the others are goes on with what it has.
func TestWhoeverCannotReachTheOthersGoesOn(t *testing.T) {
	t.Parallel()
	s := newSharer(t)
	s.expect("alone", true)
	s.bucket.err = domain.ErrUnreachable
	s.turn()
	if got := s.p.Stats()[0]; !got.Held || s.p.Sharing().CutOff == 0 {
		t.Fatalf("%+v, %+v", got, s.p.Sharing())
	}
	s.bucket.err = nil
	s.expect("back", true)
	if s.p.Sharing().CutOff != 0 {
		t.Fatalf("%+v", s.p.Sharing())
	}
}

// And whoever never reached them has nothing.
func TestWhoeverCannotJoinHoldsNothing(t *testing.T) {
	t.Parallel()
	s := newSharer(t)
	s.bucket.err = domain.ErrUnreachable
	s.turn()
	if got := s.p.Stats()[0]; got.Held || s.p.Sharing().CutOff == 0 {
		t.Fatalf("%+v, %+v", got, s.p.Sharing())
	}
}

// Whoever was not heard of for too long gives up what others have taken over, and
// gets back what belongs to it only once they have given it back. What nobody
// took over it keeps.
func TestAPausedProjectorNoticesThatItWasTakenFor(t *testing.T) {
	t.Parallel()
	s := newSharer(t)
	s.expect("alone", true)
	s.beaten = time.Now().Add(-2 * s.lapse)
	s.expect("nobody took over", true)
	s.bucket.others = []domain.Member{other(false)} // holds it, although it does not belong to it
	s.beaten = time.Now().Add(-2 * s.lapse)
	s.expect("taken over", false)
	s.bucket.others[0].Shares[0].Held = false
	s.bucket.others[0].Revision++
	s.expect("given back", true)
	s.bucket.others[0].Shares[0].Held = true
	s.bucket.others[0].Revision++
	s.beaten = time.Now().Add(-2 * s.lapse)
	s.expect("again, soon after", false)
	if s.dropouts.ready(time.Now()) {
		t.Fatal("it does not rest")
	}
}

// The others may take over from whoever has left: so it leaves when it has applied
// its last batch, and not before.
func TestWhoeverStopsLeavesWhenItIsDone(t *testing.T) {
	t.Parallel()
	s := newSharer(t)
	ctx, stop := context.WithCancel(t.Context())
	left := false
	s.bucket.left = func() {
		left = true
		for _, stats := range s.p.Stats() {
			if stats.Held {
				t.Errorf("it still folds %s", stats.Stream)
			}
		}
	}
	s.round(ctx, func() {})
	if !s.p.Stats()[0].Held {
		t.Fatal("it folds nothing")
	}
	stop()
	if err := s.run(ctx); err != nil || !left {
		t.Fatalf("left: %v (%v)", left, err)
	}
}
