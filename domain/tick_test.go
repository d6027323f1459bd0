package domain_test

import (
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
)

func TestPriceIsTheLastTradeElseTheMiddleElseTheOneKnown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ last, bid, ask, want string }{
		{"5", "1", "2", "5"},
		{"0", "1", "2", "1.5"},
		{"0", "0.0000000000000000001", "0.0000000000000000002", "0.0000000000000000001"},
		{"0", "1", "0", "1"},
		{"0", "0", "2", "2"},
		{"0", "0", "0", "0"},
		{"0", "9999999999999999999", "9999999999999999999", "9999999999999999999"},
	} {
		tick := domain.Tick{Last: dec(c.last), Bid: dec(c.bid), Ask: dec(c.ask)}
		if got := tick.Price().String(); got != c.want {
			t.Errorf("last %s, bid %s, ask %s: price %s, want %s", c.last, c.bid, c.ask, got, c.want)
		}
	}
}

func TestAgeIsNeverNegative(t *testing.T) {
	t.Parallel()
	tick := domain.Tick{Received: noon}
	if got := tick.Age(noon.Add(-time.Hour)); got != 0 {
		t.Fatalf("a tick from the future is %v old", got)
	}
	if got := tick.Age(noon.Add(3 * time.Second)); got != 3*time.Second {
		t.Fatalf("age %v, want 3s", got)
	}
}

func TestOlderThanComparesWhatBothKnow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		new, stored domain.TickOrder
		older       bool
	}{
		{"earlier time", domain.TickOrder{TimeNs: 1, VenueSeq: 9}, domain.TickOrder{TimeNs: 2, VenueSeq: 1}, true},
		{"later time", domain.TickOrder{TimeNs: 2, VenueSeq: 1}, domain.TickOrder{TimeNs: 1, VenueSeq: 9}, false},
		{"same time, lower sequence", domain.TickOrder{TimeNs: 1, VenueSeq: 1}, domain.TickOrder{TimeNs: 1, VenueSeq: 2}, true},
		{"same time, higher sequence", domain.TickOrder{TimeNs: 1, VenueSeq: 2}, domain.TickOrder{TimeNs: 1, VenueSeq: 1}, false},
		{"the same", domain.TickOrder{TimeNs: 1, VenueSeq: 1}, domain.TickOrder{TimeNs: 1, VenueSeq: 1}, false},
		{"only sequences", domain.TickOrder{VenueSeq: 1}, domain.TickOrder{VenueSeq: 2}, true},
		{"only the stored has a time", domain.TickOrder{VenueSeq: 1}, domain.TickOrder{TimeNs: 5, VenueSeq: 2}, true},
		{"only the new has a time", domain.TickOrder{TimeNs: 5, VenueSeq: 2}, domain.TickOrder{VenueSeq: 1}, false},
		{"only times", domain.TickOrder{TimeNs: 1}, domain.TickOrder{TimeNs: 2}, true},
		{"nothing in common", domain.TickOrder{TimeNs: 1}, domain.TickOrder{VenueSeq: 2}, false},
		{"nothing known", domain.TickOrder{}, domain.TickOrder{}, false},
		{"nothing known of the stored", domain.TickOrder{TimeNs: 1, VenueSeq: 1}, domain.TickOrder{}, false},
	} {
		if got := c.new.OlderThan(c.stored); got != c.older {
			t.Errorf("%s: %v, want %v", c.name, got, c.older)
		}
	}
}

func TestUnixNanoKeepsTheZeroTime(t *testing.T) {
	t.Parallel()
	if domain.UnixNano(time.Time{}) != 0 || !domain.FromUnixNano(0).IsZero() {
		t.Fatal("the zero time is not kept")
	}
	if got := domain.FromUnixNano(domain.UnixNano(noon.Add(7))); !got.Equal(noon.Add(7)) || got.Location() != time.UTC {
		t.Fatalf("%v became %v", noon.Add(7), got)
	}
}

func TestTickOrderIsItsTimeAndSequence(t *testing.T) {
	t.Parallel()
	got := domain.Tick{Time: noon, VenueSeq: 3}.Order()
	if want := (domain.TickOrder{TimeNs: noon.UnixNano(), VenueSeq: 3}); got != want {
		t.Fatalf("got %v, want %v", got, want)
	}
}

func TestAFeedIsStaleWhenItIsNotLiveOrLate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		state domain.FeedState
		ago   time.Duration
		stale bool
	}{
		{domain.FeedLive, 0, false}, {domain.FeedLive, 3 * time.Second, false}, {domain.FeedLive, 3*time.Second + 1, true},
		{domain.FeedSilent, 0, true}, {domain.FeedStopped, 0, true}, {0, 0, true},
	} {
		f := domain.Feed{State: c.state, Time: noon, Interval: time.Second}
		if got := f.StaleAt(noon.Add(c.ago)); got != c.stale {
			t.Errorf("%v after %v: stale %v, want %v", c.state, c.ago, got, c.stale)
		}
	}
}
