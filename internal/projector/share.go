package projector

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/sourcegraph/conc"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/pause"
)

// Members is how a projector knows of those that it shares the partitions with.
type Members interface {
	// Beat stores what self says of itself and returns what each member said
	// last, self included; with news the others look at once.
	Beat(ctx context.Context, self domain.Member, news bool) ([]domain.Member, error)
	// Leave takes this member out, and the others look at once.
	Leave(ctx context.Context) error
	// Heard receives a token when another member has news.
	Heard() <-chan struct{}
}

const (
	// missedBeats is how many heartbeats a member may miss. With what it takes to
	// see the last one and to look again, the partitions of one that died have a
	// new owner after eight intervals at most: 1.6 s by default.
	missedBeats = 6
	// handOver is how many heartbeats an owner waits for the last one to be done.
	handOver = 5
	// identityInterval is how often Redis is asked for its identity.
	identityInterval = time.Second
	// leaveTimeout bounds how long saying good-bye may take.
	leaveTimeout = time.Second
)

// sharing folds those partitions that are this projector's. It is the business
// of one goroutine.
type sharing struct {
	p       *Projector
	members Members // nil: there are no others
	log     *slog.Logger
	lapse   time.Duration

	roster   roster
	dropouts dropouts
	tenures  map[string]*tenure
	group    conc.WaitGroup       // of the tenures
	wanted   map[string]time.Time // partitions that somebody else has yet: since when
	ended    chan struct{}        // holds a token when a tenure has ended
	cache    atomic.Pointer[string]
	known    chan struct{} // holds a token when cache has changed

	beaten time.Time // the last heartbeat that was stored; zero: none yet
	ready  bool      // what that one said
	news   bool      // what the others do not know yet is to be told at once
}

// tenure is the time during which this projector folds a partition.
type tenure struct {
	stop   context.CancelFunc
	ending bool
	done   chan struct{}
}

func newSharing(p *Projector) *sharing {
	lapse := missedBeats * p.cfg.BeatInterval
	return &sharing{
		p: p, members: p.cfg.Members, log: p.cfg.Log, lapse: lapse,
		roster:  roster{self: p.cfg.Member.ID, lapse: lapse, peers: make(map[string]*peer)},
		tenures: make(map[string]*tenure), wanted: make(map[string]time.Time),
		ended: make(chan struct{}, 1), known: make(chan struct{}, 1), news: true,
	}
}

// run takes part until ctx ends or a worker panics; then it gives all partitions
// up and leaves.
func (s *sharing) run(ctx context.Context) error {
	ctx, fail := context.WithCancel(ctx)
	defer fail()
	beat := time.NewTicker(s.p.cfg.BeatInterval)
	defer beat.Stop()
	var heard <-chan struct{}
	if s.members != nil {
		heard = s.members.Heard()
	}
	for ctx.Err() == nil {
		if s.round(ctx, fail) && s.news {
			continue // the others learn it at once
		}
		select {
		case <-ctx.Done():
		case <-beat.C:
		case <-heard:
		case <-s.ended:
		case <-s.known:
		case <-s.p.found:
		}
	}
	for _, t := range s.tenures {
		<-t.done
	}
	s.leave(ctx)
	s.group.Wait() // passes a panic on
	return nil
}

func (s *sharing) leave(ctx context.Context) {
	if s.beaten.IsZero() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	if err := s.members.Leave(ctx); err != nil {
		s.log.Debug("the other projectors are not told that this one stops", "error", err)
	}
}

// round is one heartbeat, and what follows from those of the others. It reports
// whether the others could be reached. Where they cannot, everything stays as it
// is: who folds a partition goes on, which is harmless whatever others do.
func (s *sharing) round(ctx context.Context, fail func()) (reached bool) {
	s.reap()
	if s.members == nil {
		s.news = false
		for _, w := range s.p.known() {
			if s.tenures[w.partition.Stream()] == nil {
				s.take(ctx, w, fail)
			}
		}
		return false
	}
	self, ok := s.self(time.Now())
	if !ok {
		return false
	}
	members, err := s.beat(ctx, self)
	if err != nil {
		if ctx.Err() == nil && !s.p.cutOff.trouble() {
			s.log.Warn("cannot reach the other projectors: goes on with the partitions that it has", "error", err)
		}
		return false
	}
	if s.p.cutOff.well() {
		s.log.Info("reaches the other projectors again")
	}
	s.news, s.ready = false, self.Ready
	now := time.Now()
	lapsed := !s.beaten.IsZero() && now.Sub(s.beaten) > s.lapse
	s.beaten = now
	s.roster.look(now, members)
	s.p.members.Store(int64(len(s.roster.live())))
	if lapsed {
		s.yield(now)
	}
	s.settle(ctx, now, fail)
	return true
}

func (s *sharing) beat(ctx context.Context, self domain.Member) ([]domain.Member, error) {
	ctx, cancel := context.WithTimeout(ctx, s.lapse/2)
	defer cancel()
	return s.members.Beat(ctx, self, s.news)
}

// self is what this projector tells the others. It is no member before it knows
// which Redis it folds into.
func (s *sharing) self(now time.Time) (self domain.Member, ok bool) {
	self = s.p.cfg.Member
	cache := s.cache.Load()
	if cache == nil {
		return self, false
	}
	self.Cache, self.Ready = *cache, s.dropouts.ready(now)
	s.news = s.news || self.Ready != s.ready
	for _, w := range s.p.known() {
		share := domain.Share{
			Stream: w.partition.Stream(), Held: s.tenures[w.partition.Stream()] != nil,
			Rate: w.stats.rate(), Conflicts: w.stats.conflicts.Load(),
		}
		if share.Held || share.Conflicts > 0 {
			self.Shares = append(self.Shares, share)
		}
	}
	return self, true
}

// yield gives up what others have taken over while this projector was not heard:
// it was paused, or cut off from the log.
func (s *sharing) yield(now time.Time) {
	lost := 0
	for stream, t := range s.tenures {
		if s.roster.holder(stream) != nil {
			t.end()
			lost++
		}
	}
	if lost > 0 {
		s.dropouts.note(now)
		s.log.Warn("not heard of for too long: others have taken over", "streams", lost, "rests", s.dropouts.rest)
	}
}

// settle gives up what belongs to others and takes what belongs to this
// projector. A partition that its last owner still folds is waited for, but not
// for ever: that one may be unable to read who the owner is.
func (s *sharing) settle(ctx context.Context, now time.Time, fail func()) {
	workers := s.p.known()
	streams := make([]string, len(workers))
	for i, w := range workers {
		streams[i] = w.partition.Stream()
	}
	owner := owners(streams, s.roster.eligible())
	gained, lost := 0, 0
	for i, w := range workers {
		stream, mine := streams[i], owner[streams[i]] == s.roster.self
		t, holder := s.tenures[stream], s.roster.holder(stream)
		if t == nil {
			w.stats.owner.Store(memberOf(holder))
		}
		if t != nil || !mine {
			delete(s.wanted, stream)
			if t != nil && !mine && !t.ending {
				t.end()
				lost++
			}
			continue
		}
		if holder != nil && s.wanted[stream].IsZero() {
			s.wanted[stream] = now
		}
		if holder == nil || now.Sub(s.wanted[stream]) > handOver*s.p.cfg.BeatInterval {
			s.take(ctx, w, fail)
			gained++
		}
	}
	if gained+lost > 0 {
		s.log.Info("partitions shared", "projectors", len(s.roster.live()), "holds", len(s.tenures)-lost, "gained", gained, "lost", lost)
	}
}

func memberOf(p *peer) *domain.Member {
	if p == nil {
		return nil
	}
	m := p.Member
	return &m
}

// take begins a tenure.
func (s *sharing) take(ctx context.Context, w *worker, fail func()) {
	ctx, stop := context.WithCancel(ctx)
	t := &tenure{stop: stop, done: make(chan struct{})}
	stream := w.partition.Stream()
	delete(s.wanted, stream)
	s.tenures[stream], s.news = t, true
	w.stats.owner.Store(&s.p.cfg.Member)
	w.stats.begin()
	s.group.Go(func() {
		ended := false
		defer func() {
			stop()
			w.stats.end()
			close(t.done)
			offer(s.ended)
			if !ended { // it panics
				fail()
			}
		}()
		w.run(ctx)
		ended = true
	})
}

func (t *tenure) end() {
	t.ending = true
	t.stop()
}

// reap forgets the tenures that have ended: the new owners wait for that.
func (s *sharing) reap() {
	for stream, t := range s.tenures {
		select {
		case <-t.done:
			delete(s.tenures, stream)
			s.news = true
		default:
		}
	}
}

// identify keeps asking Redis which one it is. A wiped one is given back the
// identity that it had.
func (s *sharing) identify(ctx context.Context) error {
	known := ""
	for ctx.Err() == nil {
		cache, err := s.p.store.Identity(ctx, known)
		switch {
		case err != nil:
			s.log.Debug("cannot ask Redis which one it is", "error", err)
		case cache != known:
			known = cache
			s.cache.Store(&cache)
			offer(s.known)
		}
		pause.For(ctx, identityInterval)
	}
	return nil
}

// offer puts a token into a channel that holds one.
func offer(tokens chan struct{}) {
	select {
	case tokens <- struct{}{}:
	default:
	}
}
