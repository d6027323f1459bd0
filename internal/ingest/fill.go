package ingest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/pause"
	"github.com/fullon/fullon/internal/venue"
)

const (
	// fillPage is how many trades are fetched at once.
	fillPage = 1000
	// roomWait is how long to wait before a full log is tried again.
	roomWait = 50 * time.Millisecond
)

var errBehind = errors.New("it gives no trades from there on, although later ones were heard")

// fillHoles mends the symbol's holes one after the other until ctx ends.
func (s *sequencer) fillHoles(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wakened:
		}
		for ctx.Err() == nil {
			if s.isStale() {
				s.resume(ctx)
			}
			if s.release() {
				break
			}
			if s.isStale() {
				continue
			}
			if first, ok := s.doubtful(); ok {
				s.reach(ctx, first)
				continue
			}
			from, to := s.missing()
			if from > to {
				pause.For(ctx, roomWait) // nothing is missing but room in the log
				continue
			}
			s.fill(ctx, from, to)
		}
	}
}

// fill fetches the trades from…to, or records what cannot be fetched as a gap.
func (s *sequencer) fill(ctx context.Context, from, to uint64) {
	if most := uint64(s.feed.cfg.MaxFill); to-from+1 > most {
		s.lose(ctx, to-most, "more trades are missing than may be fetched at once")
		from = to - most + 1
	}
	deadline, wait := s.patience()
	for from <= to && ctx.Err() == nil && !s.isStale() {
		limit := int(min(fillPage, to-from+1))
		trades, err := s.feed.adapter.TradesFrom(ctx, s.symbol, from, s.since(), limit)
		if err == nil && len(trades) == 0 {
			// A later one was heard, so that REST must be behind the stream.
			err = errBehind
		}
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && time.Now().After(deadline):
			s.lose(ctx, to, fmt.Sprintf("the venue did not give them: %v", err))
			return
		case err != nil:
			s.feed.log.Debug("missing trades not fetched yet", "symbol", s.symbol, "error", err)
			pause.For(ctx, wait.NextBackOff())
			continue
		}
		before := from
		for _, t := range trades {
			if t.Number < from || t.Number > to {
				continue
			}
			if t.Number > from {
				s.lose(ctx, t.Number-1, "the venue no longer has them")
			}
			if !s.insert(ctx, t) {
				return
			}
			from = t.Number + 1
		}
		if from == before {
			// Nothing of the hole is there, and what follows was held already.
			s.lose(ctx, to, "the venue no longer has them")
			return
		}
		wait.Reset()
	}
}

// patience is how long a hole is tried to be filled, and the waits in between.
func (s *sequencer) patience() (deadline time.Time, wait *backoff.ExponentialBackOff) {
	wait = backoff.NewExponentialBackOff()
	wait.InitialInterval = 100 * time.Millisecond
	wait.MaxInterval = 10 * time.Second
	return time.Now().Add(s.feed.cfg.FillTimeout), wait
}

// insert hands a fetched trade to the log, waiting for room, unless it is there.
func (s *sequencer) insert(ctx context.Context, t venue.NumberedTrade) bool {
	for ctx.Err() == nil {
		s.mu.Lock()
		stale := s.stale
		known := !stale && s.repeats(t)
		done := known || !stale && s.advance(t)
		stale = s.stale
		s.mu.Unlock()
		if done {
			if !known {
				s.feed.counts.filled.Add(1)
			}
			return true
		}
		if stale {
			return false
		}
		pause.For(ctx, roomWait)
	}
	return false
}

// lose records that the trades after the last one and up to to are gone.
func (s *sequencer) lose(ctx context.Context, to uint64, reason string) {
	s.record(ctx, func() domain.Gap {
		from := s.last + 1
		return domain.Gap{FromID: strconv.FormatUint(from, 10), ToID: strconv.FormatUint(to, 10), Missing: to - from + 1, Reason: reason}
	}, func() { s.last = to })
}

// record stores a gap, waiting for room, and does then what follows from that. Both
// functions are called with the lock held.
func (s *sequencer) record(ctx context.Context, gap func() domain.Gap, then func()) {
	for ctx.Err() == nil {
		s.mu.Lock()
		done := s.stale
		if !done && s.gap(gap()) {
			then()
			done = true
		}
		done = done || s.stale
		s.mu.Unlock()
		if done {
			return
		}
		pause.For(ctx, roomWait)
	}
}
