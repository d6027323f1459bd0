package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/pause"
	"github.com/fullon/fullon/internal/venue"
)

// doubtful is the first held trade without a number before which others may be
// missing.
func (s *sequencer) doubtful() (first venue.NumberedTrade, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.IndexFunc(s.held, func(t venue.NumberedTrade) bool { return t.Number == 0 && !s.tail.follows(t) })
	if at < 0 {
		return first, false
	}
	return s.held[at], true
}

// isDoubtful tells whether that is still the trade, after passing on what follows.
func (s *sequencer) isDoubtful(first venue.NumberedTrade) bool {
	s.release()
	now, ok := s.doubtful()
	return ok && now.ID == first.ID
}

// reach asks for the venue's newest trades until they go from the last one that is
// known to first, with which a connection began, and hands on those in between. What
// the venue does not give is recorded as a gap.
func (s *sequencer) reach(ctx context.Context, first venue.NumberedTrade) {
	s.recall(ctx)
	deadline, wait := s.patience()
	for s.isDoubtful(first) && ctx.Err() == nil && !s.isStale() {
		s.mu.Lock()
		last := s.tail.last
		s.mu.Unlock()
		trades, err := s.feed.adapter.TradesFrom(ctx, s.symbol, 0, time.Time{}, fillPage)
		if err == nil {
			if s.mend(ctx, last, first, trades) {
				return
			}
			err = errBehind
		}
		if ctx.Err() == nil && time.Now().After(deadline) {
			s.loseBefore(ctx, first, fmt.Sprintf("the venue did not give them: %v", err))
			return
		}
		s.feed.log.Debug("whether trades are missing is not known yet", "symbol", s.symbol, "error", err)
		pause.For(ctx, wait.NextBackOff())
	}
}

// mend hands on what the venue's newest trades have between the last one known and
// the first of a connection, and reports whether they go as far as to that.
func (s *sequencer) mend(ctx context.Context, last domain.Trade, first venue.NumberedTrade, trades []venue.NumberedTrade) (reached bool) {
	missing, lost, reached := s.compare(last, first, trades)
	if lost || len(missing) > 0 {
		s.feed.counts.holes.Add(1)
		s.feed.log.Info("trades were missing", "symbol", s.symbol, "after", last.ID, "fetched", len(missing), "all", !lost)
	}
	if lost {
		next := first
		if len(missing) > 0 {
			next = missing[0]
		}
		s.loseBefore(ctx, next, "the venue no longer has them")
	}
	for _, t := range missing {
		if !s.insert(ctx, t) {
			return false
		}
	}
	if reached {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.tail.join(first.Line)
	}
	return reached
}

// compare finds what of the venue's newest trades is missing before the first one of
// a connection; lost tells that there was more, which these trades no longer have,
// reached that they go as far as to the first one. Their order tells, but within one
// time, in which the venue's two ways may differ: there the ids alone tell. What turns
// out to be older than the last one is remembered as known.
func (s *sequencer) compare(last domain.Trade, first venue.NumberedTrade, trades []venue.NumberedTrade) (missing []venue.NumberedTrade, lost, reached bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := idsOf(s.held)
	listed := idsOf(trades)
	meet := slices.ContainsFunc(trades, func(t venue.NumberedTrade) bool { return held[t.ID] })
	at := slices.IndexFunc(trades, func(t venue.NumberedTrade) bool { return t.ID == last.ID })
	joins, later := false, false // whether one is known, and one is later than the last
	for i, t := range trades {
		later = later || t.Time.After(last.Time)
		reached = reached || held[t.ID] || !meet && t.Time.After(first.Time)
		switch {
		case s.tail.ids.has(t.ID):
			joins = true
		case at < 0 && t.Time.Before(last.Time), i < at && !t.Time.Equal(last.Time):
			s.tail.ids.add(t.ID)
		case !held[t.ID] && (!reached || t.Time.Equal(first.Time)):
			missing = append(missing, t)
		}
	}
	// A connection may begin so far back that the venue no longer lists it.
	old := last.Time
	if at >= 0 {
		old = trades[0].Time
	}
	for _, t := range s.held {
		if len(trades) > 0 && !listed[t.ID] && t.Time.Before(old) {
			s.tail.ids.add(t.ID)
		}
	}
	return missing, !joins && (later || reached) && !s.tail.ids.has(first.ID), reached
}

func idsOf(trades []venue.NumberedTrade) map[string]bool {
	ids := make(map[string]bool, len(trades))
	for _, t := range trades {
		ids[t.ID] = true
	}
	return ids
}

// loseBefore records that the trades between the last one and next are gone. How many
// these are, and which, nobody knows.
func (s *sequencer) loseBefore(ctx context.Context, next venue.NumberedTrade, reason string) {
	s.record(ctx, func() domain.Gap {
		return domain.Gap{Reason: fmt.Sprintf("between %s and %s: %s", s.tail.last.ID, next.ID, reason)}
	}, func() { s.tail.join(next.Line) })
}

// recall learns from the log which other trades it has of the time of its last one, so
// that they are known when the venue gives them again. A log that is away is waited for.
func (s *sequencer) recall(ctx context.Context) {
	s.mu.Lock()
	last := s.tail.resumed
	s.mu.Unlock()
	if last.ID == "" {
		return
	}
	trades, err := s.feed.history.TradesAt(ctx, last)
	for errors.Is(err, domain.ErrUnreachable) && ctx.Err() == nil {
		pause.For(ctx, time.Second)
		trades, err = s.feed.history.TradesAt(ctx, last)
	}
	if err != nil && ctx.Err() == nil {
		s.feed.log.Warn("the log's last trades cannot be read; some may be stored again", "symbol", s.symbol, "error", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range trades {
		s.tail.ids.add(t.ID)
	}
	s.tail.resumed = domain.Trade{}
}
