package ingest

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
)

// maxJump is by how much a trade's number may be above the last one: the
// liveliest market takes a year for as many.
const maxJump = 1_000_000_000

// sequencer hands the trades of one symbol to the log in the order of their
// numbers, each once.
type sequencer struct {
	feed   *Feed
	symbol string

	mu      sync.Mutex
	last    uint64 // number of the newest trade handed to the log; zero: none yet
	lastAt  time.Time
	holed   bool // trades after last are missing
	held    []venue.NumberedTrade
	wakened chan struct{} // one token when a hole has opened
}

// resumeAt makes the log's last trade the one to go on from. A trade whose id
// is not a number leaves the sequencer to begin with the venue's next one.
func (s *sequencer) resumeAt(last domain.Trade) {
	if number, err := strconv.ParseUint(last.ID, 10, 64); err == nil {
		s.last, s.lastAt = number, last.Time
	}
}

func newSequencer(feed *Feed, symbol string) *sequencer {
	return &sequencer{feed: feed, symbol: symbol, wakened: make(chan struct{}, 1)}
}

// take accepts a trade as the venue sent it.
func (s *sequencer) take(t venue.NumberedTrade) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case t.Number == 0:
		// Without numbers neither a repetition nor a hole can be seen here; the
		// projection recognises the repetition by the trade's id.
		if err := s.publish(t.Trade); err != nil {
			s.gap(domain.Gap{FromID: t.ID, ToID: t.ID, Missing: 1, Reason: err.Error()})
		}
	case s.last != 0 && t.Number > s.last+maxJump:
		// Taken for true, it would make every real trade a repetition.
		s.feed.Refused("implausible number", domain.Invalid("trade_id", t.ID, "at most "+strconv.FormatUint(maxJump, 10)+" after "+strconv.FormatUint(s.last, 10)))
	case t.Number <= s.last:
		s.feed.counts.duplicates.Add(1)
	case s.holed:
		s.hold(t)
	case s.last != 0 && t.Number != s.last+1:
		s.feed.counts.holes.Add(1)
		s.feed.log.Info("trades are missing", "symbol", s.symbol, "missing", describe(s.last+1, t.Number-1))
		s.holeAt(t)
	default:
		if !s.advance(t) {
			s.feed.counts.holes.Add(1)
			s.holeAt(t)
		}
	}
}

// advance hands the next trade to the log. It reports false when the log has no
// room; a trade that can never be stored is passed over.
func (s *sequencer) advance(t venue.NumberedTrade) bool {
	if err := s.publish(t.Trade); err != nil {
		return false
	}
	s.last, s.lastAt = t.Number, t.Time
	return true
}

// publish returns an error only when the log has no room.
func (s *sequencer) publish(t domain.Trade) error {
	err := s.feed.events.Publish(t)
	switch {
	case err == nil:
		s.feed.counts.trades.Add(1)
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
		return false
	}
	s.feed.counts.gaps.Add(1)
	s.feed.log.Warn("trades are lost", "symbol", s.symbol, "from", g.FromID, "to", g.ToID, "missing", g.Missing, "reason", g.Reason)
	return true
}

func (s *sequencer) holeAt(t venue.NumberedTrade) {
	s.holed = true
	s.hold(t)
	select {
	case s.wakened <- struct{}{}:
	default:
	}
}

func (s *sequencer) hold(t venue.NumberedTrade) {
	if len(s.held) < s.feed.cfg.MaxHeld {
		s.held = append(s.held, t)
	}
}

// release hands held trades to the log as far as they follow on the last one.
// It reports whether the hole is closed.
func (s *sequencer) release() (closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.SortStableFunc(s.held, func(a, b venue.NumberedTrade) int { return cmp.Compare(a.Number, b.Number) })
	n := 0
	for _, t := range s.held {
		if t.Number <= s.last {
			s.feed.counts.duplicates.Add(1)
		} else if s.last != 0 && t.Number != s.last+1 || !s.advance(t) {
			break
		}
		n++
	}
	s.held = slices.Delete(s.held, 0, n)
	s.holed = len(s.held) > 0
	return !s.holed
}

// since is the venue's time of the newest trade handed to the log.
func (s *sequencer) since() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastAt
}

// missing is the hole before the held trades; none when from is above to.
func (s *sequencer) missing() (from, to uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.held) == 0 || s.last == 0 { // before the first trade of all there is no hole
		return 1, 0
	}
	lowest := slices.MinFunc(s.held, func(a, b venue.NumberedTrade) int { return cmp.Compare(a.Number, b.Number) })
	return s.last + 1, lowest.Number - 1
}
