package ingest_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/ingest"
	"github.com/fullon/fullon/internal/venue"
)

// lettered is a trade of a venue without numbers: a at one second, b at the next. A
// second letter makes another trade of the same time.
func lettered(id string) domain.Trade {
	t := numbered(0).Trade
	t.ID, t.Time = id, t.Time.Add(time.Duration(id[0]-'a')*time.Second)
	return t
}

func allLettered(ids []string) (trades []domain.Trade) {
	for _, id := range ids {
		trades = append(trades, lettered(id))
	}
	return trades
}

// on hands trades over that came by a connection.
func (r *rig) on(line uint64, ids ...string) {
	for _, t := range allLettered(ids) {
		r.feed.Trade(venue.NumberedTrade{Trade: t, Line: line})
	}
	synctest.Wait()
}

// lists says which trades REST has.
func (r *rig) lists(ids ...string) { r.set(func() { r.rest, r.listed = nil, allLettered(ids) }) }

// newest is what REST has of a venue without numbers; the lock is held.
func (r *rig) newest(since time.Time, limit int) (trades []venue.NumberedTrade) {
	for _, t := range r.listed {
		if !t.Time.Before(since) && len(trades) < limit {
			trades = append(trades, venue.NumberedTrade{Trade: t})
		}
	}
	return trades
}

// expectCounts compares what was filled and what became a gap, and how often REST was asked.
func (r *rig) expectCounts(filled, gaps uint64, asked int) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.feed.Stats(); s.Filled != filled || s.Gaps != gaps || len(r.asked) != asked {
		r.t.Errorf("asked %d times, %+v", len(r.asked), s)
	}
}

func TestAReconnectWithoutNumbersYieldsEachTradeOnce(t *testing.T) {
	inBubble(t, ingest.Config{}, nil, func(r *rig) {
		r.on(1, "a", "b", "b", "a")
		r.expect("a", "b")
		r.lists("a", "b", "c", "d", "e", "f", "g")
		r.on(2, "e", "f") // c and d came while nothing was connected
		r.expect("c", "d", "e", "f")
		r.on(2, "f", "g", "h")
		r.expect("g", "h")
		r.expectCounts(2, 0, 1)
		if s := r.feed.Stats(); s.Duplicates != 3 || s.Holes != 1 || s.Trades != 8 {
			t.Errorf("%+v", s)
		}
	})
}

func TestAReconnectThatMissedNothingIsNoHole(t *testing.T) {
	inBubble(t, ingest.Config{}, nil, func(r *rig) {
		r.on(1, "a", "b")
		r.lists("a", "b", "c")
		r.on(2, "c", "d")
		r.expect("a", "b", "c", "d")
		if s := r.feed.Stats(); s.Holes != 0 || s.Filled != 0 || s.Duplicates != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestAConnectionThatRepeatsWhatIsKnownNeedsNoREST(t *testing.T) {
	inBubble(t, ingest.Config{}, func(r *rig) { r.rest = errAway }, func(r *rig) {
		r.on(1, "a", "b", "c")
		r.on(2, "b", "c", "d")
		r.expect("a", "b", "c", "d")
		r.expectCounts(0, 0, 0)
	})
}

// A connection is replaced: both bring the same for a while, now one ahead, now the
// other, and either may be the one that is closed.
func TestConnectionsThatOverlapYieldEachTradeOnce(t *testing.T) {
	inBubble(t, ingest.Config{}, func(r *rig) { r.rest = errAway }, func(r *rig) {
		r.on(1, "a", "b")
		r.on(2, "b", "c", "d")
		r.on(1, "c", "d", "e")
		r.on(2, "e", "f")
		r.on(1, "f", "g") // the new one was given up
		r.expect("a", "b", "c", "d", "e", "f", "g")
		r.on(3, "i") // ahead of the old one, which still is to bring h
		r.on(1, "h", "i", "j")
		r.on(3, "j", "k")
		r.pass(time.Minute)
		r.expect("h", "i", "j", "k")
		r.expectCounts(0, 0, len(r.asked))
	})
}

func TestAFeedWithoutNumbersGoesOnBehindTheLogsLastTrade(t *testing.T) {
	inBubble(t, ingest.Config{}, func(r *rig) {
		r.lastErr, r.last = nil, lettered("c")
		r.listed = allLettered([]string{"b", "c", "d", "e"})
	}, func(r *rig) {
		r.on(1, "a", "b", "a", "b") // a snapshot of older ones is no hole
		r.expect()
		r.on(2, "e", "f")
		r.expect("d", "e", "f")
		r.expectCounts(1, 0, 2)
	})
}

// REST no longer has the log's last trade, c, and a connection began before it.
func TestAnOldSnapshotIsNoGap(t *testing.T) {
	inBubble(t, ingest.Config{}, func(r *rig) {
		r.lastErr, r.last = nil, lettered("c")
		r.listed = allLettered([]string{"d", "e"})
	}, func(r *rig) {
		r.on(1, "a", "b", "c", "d", "e", "f")
		r.expect("d", "e", "f")
		r.expectCounts(0, 0, 1)
	})
}

// The venue's clock went back while nothing was connected: c and d are older by it
// than f, which came before them.
func TestAClockThatWentBackHidesNoTrades(t *testing.T) {
	inBubble(t, ingest.Config{}, nil, func(r *rig) {
		r.on(1, "e", "f")
		r.lists("e", "f", "c", "d", "g")
		r.on(2, "d", "g")
		r.expect("e", "f", "c", "d", "g")
	})
}

// The log has ca, cb and c of one time, the last of them c; REST has them in another
// order, and one more of that time.
func TestTradesOfTheLastOnesTimeAreKnownByTheirIDs(t *testing.T) {
	inBubble(t, ingest.Config{}, func(r *rig) {
		r.lastErr, r.last, r.alike = nil, lettered("c"), allLettered([]string{"ca", "cb"})
		r.listed = allLettered([]string{"b", "cx", "c", "cb", "ca", "d"})
	}, func(r *rig) {
		r.on(1, "d", "e")
		r.expect("cx", "d", "e")
		r.expectCounts(1, 0, 1)
	})
}

// A connection that begins among the trades of the log's last one's time.
func TestAConnectionThatBeginsWithinTheLastOnesTime(t *testing.T) {
	inBubble(t, ingest.Config{}, func(r *rig) {
		r.lastErr, r.last, r.alike = nil, lettered("c"), allLettered([]string{"ca", "cb"})
		r.rest = errAway
	}, func(r *rig) {
		r.on(1, "cb", "c", "d", "e")
		r.expect("d", "e")
		r.expectCounts(0, 0, 0)
	})
}

func TestMoreThanRESTHasIsAGap(t *testing.T) {
	inBubble(t, ingest.Config{}, nil, func(r *rig) {
		r.on(1, "a", "b")
		r.lists("d", "e", "f")
		r.on(2, "f", "g")
		r.expect("a", "b", "gap - of 0", "d", "e", "f", "g")
		r.on(2, "h")
		r.expect("h")
		r.expectCounts(2, 1, 1)
	})
}

// So many came since that REST no longer has the one with which the connection began.
func TestRESTThatBeginsBehindTheConnectionIsAGap(t *testing.T) {
	inBubble(t, ingest.Config{}, func(r *rig) { r.rest = errAway }, func(r *rig) {
		r.on(1, "a")
		r.on(2, "c", "d", "e", "f")
		r.lists("e", "f", "g")
		r.pass(time.Minute)
		r.expect("a", "gap - of 0", "c", "d", "e", "f")
		r.on(2, "g")
		r.expect("g")
	})
}

func TestRESTThatIsBehindIsAskedAgain(t *testing.T) {
	inBubble(t, ingest.Config{}, nil, func(r *rig) {
		r.on(1, "a", "b")
		r.lists("a", "b", "c")
		r.on(2, "e")
		r.expect("a", "b", "c")
		r.lists("a", "b", "c", "d", "e")
		r.pass(time.Minute)
		r.expect("d", "e")
		r.expectCounts(2, 0, 2)
	})
}

func TestWithoutNumbersWhatRESTDoesNotGiveInTimeIsAGap(t *testing.T) {
	for name, prepare := range map[string]func(*rig){
		"error": func(r *rig) { r.rest = errAway },
		"empty": func(*rig) {},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, ingest.Config{FillTimeout: time.Minute}, prepare, func(r *rig) {
				r.on(1, "a")
				r.on(2, "c", "d")
				r.on(3, "f") // lost again before it could be mended
				r.pass(50 * time.Second)
				r.expect("a")
				r.pass(30 * time.Second)
				r.expect("gap - of 0", "c", "d")
				r.lists("c", "d", "e", "f")
				r.pass(time.Minute)
				r.expect("e", "f")
				r.on(3, "g")
				r.expect("g")
			})
		})
	}
}

func TestWithoutNumbersAFullLogIsFilledUpAfterwards(t *testing.T) {
	inBubble(t, ingest.Config{MaxHeld: 2}, nil, func(r *rig) {
		r.set(func() { r.room = 2 })
		r.on(1, "a", "b", "c", "d", "e", "f") // e and f have no place
		r.lists("a", "b", "c", "d", "e", "f")
		r.pass(time.Hour)
		r.expect("a", "b")
		r.set(func() { r.room = 3 })
		r.pass(time.Minute)
		r.expect("c", "d", "e")
		r.set(func() { r.room = 1 << 30 })
		r.pass(time.Minute)
		r.on(1, "g")
		r.expect("f", "g")
		r.expectCounts(1, 0, len(r.asked))
	})
}

// Another process stored b and c. What this one had handed over of them was dropped,
// and so was d, which is fetched again without another trade coming.
func TestWithoutNumbersTheFeedGoesOnBehindTheLogsLastTradeAfterAConflict(t *testing.T) {
	inBubble(t, ingest.Config{}, nil, func(r *rig) {
		r.on(1, "a", "b", "c", "d", "e")
		r.expect("a", "b", "c", "d", "e")
		r.set(func() { r.last = lettered("c"); r.last.Sequence = 77 })
		r.lists("a", "b", "c", "d", "e")
		r.feed.Conflict(symbol)
		r.pass(time.Second)
		r.expect("d", "e")
		r.on(1, "f")
		r.expect("f")
		if s := r.feed.Stats(); s.Conflicts != 1 || s.Gaps != 0 || fmt.Sprint(r.resumed) != "[0 77]" {
			t.Errorf("%+v, resumed at %v", s, r.resumed)
		}
	})
}
