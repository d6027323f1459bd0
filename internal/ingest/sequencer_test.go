package ingest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/ingest"
)

func TestRepeatedTradesAreDropped(t *testing.T) {
	inBubble(t, ingest.Config{}, nil, func(r *rig) {
		r.send(7, 8, 8, 7, 9, 8, 10)
		r.expect("7", "8", "9", "10")
		if s := r.feed.Stats(); s.Duplicates != 3 || s.Trades != 4 {
			t.Errorf("%+v", s)
		}
	})
}

func TestAnAbsurdNumberDoesNotMakeRealTradesRepetitions(t *testing.T) {
	inBubble(t, ingest.Config{}, nil, func(r *rig) {
		r.send(7, 8, 1e15, 9)
		r.expect("7", "8", "9")
		if s := r.feed.Stats(); s.Refused["implausible number"] != 1 || s.Gaps != 0 || s.Duplicates != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestAHoleIsFilledInOrderWhileLaterTradesWait(t *testing.T) {
	inBubble(t, ingest.Config{}, func(r *rig) { r.rest = errAway }, func(r *rig) {
		r.send(1, 5, 6, 6, 9, 8) // 7 is missing, too
		r.expect("1")
		r.set(func() { r.rest, r.has = nil, []uint64{1, 2, 3, 4, 5, 6, 7, 8, 9} })
		r.pass(time.Minute)
		r.expect("2", "3", "4", "5", "6", "7", "8", "9")
		r.send(10)
		r.expect("10")
		if s := r.feed.Stats(); s.Filled != 4 || s.Gaps != 0 || s.Trades != 10 {
			t.Errorf("%+v", s)
		}
	})
}

func TestWhatTheVenueNoLongerHasBecomesOneGap(t *testing.T) {
	inBubble(t, ingest.Config{}, func(r *rig) { r.has = []uint64{5, 6} }, func(r *rig) {
		r.send(1, 5)
		r.expect("1", "gap 2-4 of 3", "5")
		r.send(6)
		r.expect("6")
	})
}

func TestAPartOfAHoleThatIsGoneBecomesAGap(t *testing.T) {
	inBubble(t, ingest.Config{}, func(r *rig) { r.has = []uint64{3, 4, 6, 8, 9} }, func(r *rig) {
		r.send(1, 9)
		r.expect("1", "gap 2-2 of 1", "3", "4", "gap 5-5 of 1", "6", "gap 7-7 of 1", "8", "9")
	})
}

// The stream can be ahead of REST: a trade that has been heard is not gone
// because REST does not have it yet.
func TestATradeThatRESTDoesNotHaveYetIsNoGap(t *testing.T) {
	inBubble(t, ingest.Config{}, func(r *rig) { r.has = []uint64{1, 2} }, func(r *rig) {
		r.send(1, 5)
		r.expect("1", "2")
		r.set(func() { r.has = []uint64{1, 2, 3, 4} })
		r.pass(time.Minute)
		r.expect("3", "4", "5")
	})
}

func TestAHoleThatCannotBeFilledInTimeBecomesAGap(t *testing.T) {
	for name, prepare := range map[string]func(*rig){
		"error": func(r *rig) { r.rest = errAway },
		"empty": func(*rig) {},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, ingest.Config{FillTimeout: time.Minute}, prepare, func(r *rig) {
				r.send(1, 5, 6)
				r.pass(50 * time.Second)
				r.expect("1")
				r.pass(30 * time.Second)
				r.expect("gap 2-4 of 3", "5", "6")
				r.send(7)
				r.expect("7")
			})
		})
	}
}

func TestAHoleIsFetchedUpToALimit(t *testing.T) {
	inBubble(t, ingest.Config{MaxFill: 1500}, func(r *rig) {
		for n := uint64(1); n <= 5000; n++ {
			r.has = append(r.has, n)
		}
	}, func(r *rig) {
		r.send(1, 5000)
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.events) != 1503 || r.events[1] != "gap 2-3499 of 3498" || r.events[2] != "3500" || r.events[1502] != "5000" {
			t.Errorf("%d events: %.100q", len(r.events), r.events)
		}
		if got := fmt.Sprint(r.asked); got != "[3500+1000 4500+500]" {
			t.Errorf("asked for %s", got)
		}
	})
}

func TestWhatCannotBeHeldIsTheNextHole(t *testing.T) {
	inBubble(t, ingest.Config{MaxHeld: 2}, func(r *rig) { r.rest = errAway }, func(r *rig) {
		r.send(1, 3, 4, 5, 6) // 5 and 6 have no place
		r.set(func() { r.rest, r.has = nil, []uint64{1, 2, 3, 4, 5, 6, 7} })
		r.pass(time.Minute)
		r.expect("1", "2", "3", "4")
		r.send(7)
		r.expect("5", "6", "7")
	})
}

func TestAFullLogIsFilledUpAfterwards(t *testing.T) {
	inBubble(t, ingest.Config{MaxHeld: 2}, func(r *rig) { r.has = []uint64{1, 2, 3, 4, 5, 6, 7} }, func(r *rig) {
		r.set(func() { r.room = 2 })
		r.send(1, 2, 3, 4, 5, 6)
		r.pass(time.Hour) // however long
		r.expect("1", "2")
		r.set(func() { r.room = 1 })
		r.pass(time.Minute)
		r.expect("3")
		r.set(func() { r.room = 1 << 30 })
		r.pass(time.Minute)
		r.expect("4")
		r.send(7)
		r.expect("5", "6", "7")
		if s := r.feed.Stats(); s.Gaps != 0 || s.Filled != 2 {
			t.Errorf("%+v", s)
		}
	})
}

// Before the first trade of a market there is no hole.
func TestAFullLogAtTheFirstTradeIsNoHole(t *testing.T) {
	inBubble(t, ingest.Config{}, func(r *rig) { r.room = 0 }, func(r *rig) {
		r.send(1000, 1001)
		r.pass(time.Minute)
		r.set(func() { r.room = 1 << 30 })
		r.pass(time.Minute)
		r.expect("1000", "1001")
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.asked) > 0 {
			t.Errorf("asked for %v", r.asked)
		}
	})
}

func TestAGapWaitsForRoomToo(t *testing.T) {
	inBubble(t, ingest.Config{}, func(r *rig) { r.has, r.room = []uint64{9}, 1 }, func(r *rig) {
		r.send(1, 9)
		r.pass(time.Minute)
		r.expect("1")
		r.set(func() { r.room = 1 << 30 })
		r.pass(time.Minute)
		r.expect("gap 2-8 of 7", "9")
	})
}

func TestAFeedGoesOnBehindTheLogsLastTrade(t *testing.T) {
	inBubble(t, ingest.Config{}, func(r *rig) {
		r.last, r.lastErr = numbered(40).Trade, []error{domain.ErrUnreachable, domain.ErrUnreachable}
		r.has = []uint64{38, 39, 40, 41, 42, 43}
	}, func(r *rig) {
		r.pass(time.Minute) // the log is away at first
		r.send(39, 40, 43)
		r.expect("41", "42", "43")
	})
}

func TestALastTradeThatCannotBeReadIsNoReasonNotToGoOn(t *testing.T) {
	inBubble(t, ingest.Config{}, func(r *rig) { r.lastErr = []error{errAway} }, func(r *rig) {
		r.send(9, 10)
		r.expect("9", "10")
	})
}

func TestATradeThatCannotBeStoredIsCountedAndPassedOver(t *testing.T) {
	inBubble(t, ingest.Config{}, nil, func(r *rig) {
		r.send(1)
		bad := numbered(2)
		bad.Price = domain.MustDecimal("-1")
		r.feed.Trade(bad)
		stranger := numbered(3)
		stranger.Symbol = "DOGE/USDT"
		r.feed.Trade(stranger)
		r.send(3)
		r.expect("1", "3")
		if s := r.feed.Stats(); fmt.Sprint(s.Refused) != "map[trade:1 unknown symbol:1]" {
			t.Errorf("refused: %v", s.Refused)
		}
	})
}

func TestTradesWithoutNumbersPassAsTheyCome(t *testing.T) {
	inBubble(t, ingest.Config{}, nil, func(r *rig) {
		for _, id := range []string{"a", "c", "b"} {
			trade := numbered(0)
			trade.ID = id
			r.feed.Trade(trade)
		}
		r.expect("a", "c", "b")
	})
}

// Another process stored 2 to 4, and what this one had handed over of 2 and 3 was
// dropped; 5, which it had handed over, too, is fetched again.
func TestAfterAConflictTheFeedGoesOnBehindTheLogsLastTrade(t *testing.T) {
	inBubble(t, ingest.Config{}, func(r *rig) { r.has = []uint64{1, 2, 3, 4, 5, 6} }, func(r *rig) {
		r.send(1, 2, 3, 4, 5)
		r.expect("1", "2", "3", "4", "5")
		r.set(func() { r.last = numbered(4).Trade; r.last.Sequence = 77 })
		r.feed.Conflict(symbol)
		r.pass(time.Second)
		r.expect("5")
		r.send(6)
		r.expect("6")
		if s := r.feed.Stats(); s.Conflicts != 1 || s.Gaps != 0 || fmt.Sprint(r.resumed) != "[0 77]" {
			t.Errorf("%+v, resumed at %v", s, r.resumed)
		}
	})
}

func TestAConflictIsAlsoNoticedWhenSomethingIsHandedOver(t *testing.T) {
	inBubble(t, ingest.Config{}, func(r *rig) { r.has = []uint64{1, 2, 3, 4, 5, 6} }, func(r *rig) {
		r.send(1)
		r.expect("1")
		r.set(func() { r.last, r.broken = numbered(3).Trade, domain.ErrConflict })
		r.send(2, 3, 4, 5)
		r.pass(time.Second)
		r.expect("4", "5")
	})
}

func TestTradesWithoutNumbersWaitWhileAConflictIsMended(t *testing.T) {
	inBubble(t, ingest.Config{}, nil, func(r *rig) {
		r.set(func() { r.broken = domain.ErrConflict })
		for _, id := range []string{"a", "c", "b"} {
			trade := numbered(0)
			trade.ID = id
			r.feed.Trade(trade)
		}
		r.pass(time.Second)
		r.expect("a", "c", "b")
	})
}

func TestATickIsCompletedFromTheLogsLastOne(t *testing.T) {
	one, two := domain.MustDecimal("1"), domain.MustDecimal("2")
	at := time.Unix(1_700_000_000, 0)
	inBubble(t, ingest.Config{}, func(r *rig) {
		r.lastTick = domain.Tick{Exchange: "test", Symbol: symbol, Last: one, Volume: two, Bid: one, Ask: two, Time: at, VenueSeq: 10}
	}, func(r *rig) {
		quote := domain.Tick{Exchange: "test", Symbol: symbol, Bid: one, Ask: two, VenueSeq: 9}
		r.feed.Tick(quote) // older than the log's
		quote.VenueSeq = 11
		r.feed.Tick(quote)
		later := quote
		later.VenueSeq, later.Last, later.Time = 12, two, at.Add(1)
		r.feed.Tick(later)
		later.VenueSeq, later.Last = 1, domain.Decimal{} // the venue's business from now on
		r.feed.Tick(later)
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.ticks) != 3 {
			t.Fatalf("%d ticks: %+v", len(r.ticks), r.ticks)
		}
		if got := r.ticks[0]; got.Last != one || got.Volume != two || !got.Time.Equal(at) || got.VenueSeq != 11 {
			t.Errorf("got %+v", got)
		}
		if got := r.ticks[1]; got.Last != two || !got.Time.Equal(at.Add(1)) {
			t.Errorf("got %+v", got)
		}
	})
}
