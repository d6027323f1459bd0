package ingest

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/pause"
	"github.com/fullon/fullon/internal/venue"
)

// maxJump is by how much a trade's number may be above the last one: the
// liveliest market takes a year for as many.
const maxJump = 1_000_000_000

// sequencer hands the trades of one symbol to the log in the order of their
// numbers, each once; where they have none, in the venue's order, each id once.
type sequencer struct {
	feed   *Feed
	symbol string
	tick   known

	presence sync.RWMutex // held while a tick is handed to the log
	left     bool         // the symbol is no longer followed

	mu      sync.Mutex
	last    uint64 // number of the newest trade handed to the log; zero: none yet
	lastAt  time.Time
	seen    uint64 // the highest number that the venue sent and that was taken
	tail    tail   // in place of these, where trades have no numbers
	stale   bool   // somebody else stores trades: the log is to be read again
	holed   bool   // trades after last are missing, or the log has no room
	held    []venue.NumberedTrade
	wakened chan struct{} // one token when a hole has opened
}

// resume learns from the log where the symbol's trades ended, however long the log
// is away, and goes on from there. A log that cannot be read leaves the sequencer to
// begin with the venue's next trade.
func (s *sequencer) resume(ctx context.Context) {
	f := s.feed
	for ctx.Err() == nil {
		last, err := f.history.LastTrade(ctx, f.Exchange(), s.symbol)
		switch {
		case errors.Is(err, domain.ErrUnreachable):
			f.log.Warn("waiting for the log", "error", err)
			pause.For(ctx, time.Second)
			continue
		case ctx.Err() != nil:
			return
		case err != nil && !errors.Is(err, domain.ErrNotFound):
			f.log.Warn("the log's last trade cannot be read; going on with the venue's next", "symbol", s.symbol, "error", err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if err := f.events.Resume(f.Exchange(), s.symbol, last.Sequence); err != nil {
			f.Refused("symbol", err)
		}
		s.stale, s.last = false, 0
		if number, err := strconv.ParseUint(last.ID, 10, 64); err == nil {
			s.last, s.lastAt = number, last.Time
		}
		s.tail.resume(last)
		if t := s.tail.newest; len(s.held) == 0 && t.ID != "" && !t.Time.Before(last.Time) {
			s.hold(t) // what was handed over and dropped ends with it
		}
		return
	}
}

// leave ends the symbol: what still comes is dropped, and its tick is removed.
func (s *sequencer) leave() {
	s.presence.Lock()
	defer s.presence.Unlock()
	s.left = true
	if err := s.feed.ticks.Delete(s.feed.Exchange(), s.symbol); err != nil {
		s.feed.Refused("tick", err)
	}
}

// conflict notes that somebody else has stored trades of the symbol. What was
// handed to the log since is dropped there.
func (s *sequencer) conflict() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.feed.counts.conflicts.Add(1)
	s.outdated()
}

// outdated has the log read again; the lock is held.
func (s *sequencer) outdated() {
	s.stale, s.holed = true, true
	s.wake()
}

// isStale tells whether the log must be read before anything is handed to it.
func (s *sequencer) isStale() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stale
}

func newSequencer(feed *Feed, symbol string) *sequencer {
	return &sequencer{feed: feed, symbol: symbol, wakened: make(chan struct{}, 1)}
}

// take accepts a trade as the venue sent it.
func (s *sequencer) take(t venue.NumberedTrade) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.last != 0 && t.Number > s.last+maxJump:
		// Taken for true, it would make every real trade a repetition.
		s.feed.Refused("implausible number", domain.Invalid("trade_id", t.ID, "at most "+strconv.FormatUint(maxJump, 10)+" after "+strconv.FormatUint(s.last, 10)))
	case s.repeats(t):
		s.feed.counts.duplicates.Add(1)
		return
	case s.holed:
		s.hold(t)
	case !s.follows(t) && t.Number == 0:
		s.hold(t) // what is missing, if anything, is to be asked for
		s.wake()
	case !s.follows(t):
		s.feed.counts.holes.Add(1)
		s.feed.log.Info("trades are missing", "symbol", s.symbol, "missing", describe(s.last+1, t.Number-1))
		s.holeAt(t)
	default:
		if !s.advance(t) {
			s.feed.counts.holes.Add(1)
			s.holeAt(t)
		}
	}
	if t.Number == 0 {
		s.tail.newest = t
	}
}

// repeats tells whether the trade was handed on before; the lock is held.
func (s *sequencer) repeats(t venue.NumberedTrade) bool {
	if t.Number == 0 {
		return s.tail.repeats(t)
	}
	return t.Number <= s.last
}

// follows tells whether no trade is missing before this one; the lock is held.
func (s *sequencer) follows(t venue.NumberedTrade) bool {
	if t.Number == 0 {
		return s.tail.follows(t)
	}
	return s.last == 0 || t.Number == s.last+1
}

// advance hands the next trade to the log. It reports false when the log has no
// room; a trade that can never be stored is passed over.
func (s *sequencer) advance(t venue.NumberedTrade) bool {
	if err := s.publish(t.Trade); err != nil {
		return false
	}
	if t.Number == 0 {
		s.tail.passed(t)
		return true
	}
	s.last, s.lastAt = t.Number, t.Time
	s.seen = max(s.seen, t.Number)
	return true
}

// publish returns an error only when the log has no room, or when somebody else
// stores the symbol's trades.
func (s *sequencer) publish(t domain.Trade) error {
	err := s.feed.events.Publish(t)
	switch {
	case err == nil:
		s.feed.counts.trades.Add(1)
	case errors.Is(err, domain.ErrConflict):
		s.outdated()
	case !errors.Is(err, domain.ErrFull):
		s.feed.Refused("trade", err)
		return nil
	}
	return err
}

// gap reports whether the log had room for the event.
func (s *sequencer) gap(g domain.Gap) bool {
	g.Exchange, g.Symbol = s.feed.Exchange(), s.symbol
	if g.Time.IsZero() {
		g.Time = time.Now()
	}
	g.Reason = g.Reason[:min(len(g.Reason), domain.MaxReasonBytes)]
	if err := s.feed.events.Publish(g); err != nil {
		if errors.Is(err, domain.ErrConflict) {
			s.outdated()
		}
		return false
	}
	s.feed.counts.gaps.Add(1)
	s.feed.log.Warn("trades are lost", "symbol", s.symbol, "from", g.FromID, "to", g.ToID, "missing", g.Missing, "reason", g.Reason)
	return true
}

func (s *sequencer) holeAt(t venue.NumberedTrade) {
	s.holed = true
	s.hold(t)
	s.wake()
}

func (s *sequencer) wake() {
	select {
	case s.wakened <- struct{}{}:
	default:
	}
}

func (s *sequencer) hold(t venue.NumberedTrade) {
	switch {
	case len(s.held) < s.feed.cfg.MaxHeld && !s.tail.cut:
		s.held = append(s.held, t)
		s.seen = max(s.seen, t.Number)
	case t.Number == 0: // what comes next would seem to follow on what is held
		s.tail.cut = true
	}
	if t.Number == 0 {
		s.tail.wait(t.Line)
	}
}

// release hands held trades to the log as far as they follow on the last one.
// It reports whether the hole is closed.
func (s *sequencer) release() (closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.SortStableFunc(s.held, func(a, b venue.NumberedTrade) int { return cmp.Compare(a.Number, b.Number) })
	room := true
	for before := -1; room && len(s.held) != before; { // one that goes may be what an earlier one waits for
		before = len(s.held)
		s.tail.waiting = s.tail.waiting[:0]
		s.held = slices.DeleteFunc(s.held, func(t venue.NumberedTrade) bool {
			if room && s.repeats(t) {
				s.feed.counts.duplicates.Add(1)
				return true
			}
			if room && s.follows(t) {
				if room = s.advance(t); room {
					return true
				}
			}
			if t.Number == 0 {
				s.tail.wait(t.Line)
			}
			return false
		})
	}
	if len(s.held) == 0 && s.tail.cut {
		s.tail.cut, s.tail.lines = false, [2]uint64{}
		s.hold(s.tail.newest)
	}
	s.holed = s.stale || !room || len(s.held) > 0 && s.held[0].Number != 0 || s.last != 0 && s.last < s.seen
	return !s.holed && len(s.held) == 0
}

// since is the venue's time of the newest trade handed to the log.
func (s *sequencer) since() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastAt
}

// missing is the hole before the held trades, or of trades that were handed to the
// log and dropped there; none when from is above to.
func (s *sequencer) missing() (from, to uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == 0 { // before the first trade of all there is no hole
		return 1, 0
	}
	to = s.seen
	for _, t := range s.held {
		if t.Number != 0 {
			to = min(to, t.Number-1)
		}
	}
	return s.last + 1, to
}
