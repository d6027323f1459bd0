package venuetest

import (
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
)

// frames are one of each kind of data.
func (s Script) frames() []string {
	symbol := s.Symbols[0]
	bar := domain.Candle{
		Symbol: symbol, Timeframe: s.Timeframe, Time: s.Timeframe.Start(base),
		Open: domain.MustDecimal("1"), High: domain.MustDecimal("1"), Low: domain.MustDecimal("1"), Close: domain.MustDecimal("1"),
	}
	return append(append(s.Bar(bar), s.Trades(symbol, tradesNo(1, 2)...)...), s.Quote(symbol, quoteNo(1), 1, base))
}

// A frame that was cut anywhere is refused as a whole, and the connection stays.
func testTruncatedFrames(t *testing.T, s Script) {
	r := newRig(t, s, nil)
	sink := r.follow()
	p := r.peer()
	sent := 0
	for _, frame := range s.frames() {
		for n := 0; n < len(frame); n += 1 + len(frame)/40 {
			p.Text(frame[:n]) // without a number: it cannot be read
			sent++
		}
	}
	for range sent {
		sink.Await(t, "refusal", IsRefused(venue.RefusedMalformed))
	}
	p.Binary([]byte{1, 2, 3})
	sink.Await(t, "refusal", IsRefused("binary"))
	for _, e := range sink.Events() {
		if e.Tick != nil || e.Trade != nil || e.Candle != nil || e.Down {
			t.Errorf("after truncated frames: %+v", e)
		}
	}
	awaitTrade(t, p, sink, s.Symbols[0], 3)
}

// What is not known is refused or passed over, and changes nothing.
func testUnknownKinds(t *testing.T, s Script) {
	r := newRig(t, s, nil)
	sink := r.follow()
	p := r.peer()
	p.say(s.Unknown...)
	p.say(s.Trades(s.stranger(), tradeNo(9))...)
	sink.Await(t, "refusal", IsRefused(venue.RefusedSymbol))
	awaitTrade(t, p, sink, s.Symbols[0], 1)
	trades := 0
	for _, e := range sink.Events() {
		if e.Trade != nil {
			trades++
		}
		if e.Candle != nil || e.Down {
			t.Errorf("after unknown frames: %+v", e)
		}
	}
	if trades != 1 {
		t.Errorf("%d trades, want 1", trades)
	}
}

// stranger is a symbol in the venue's form that the suite does not subscribe.
func (s Script) stranger() string {
	_, quote, settle, _ := domain.SplitSymbol(s.Symbols[0])
	return domain.SymbolName("NOBODY", quote, settle)
}

// A venue in maintenance is followed on, and people are told.
func testMaintenance(t *testing.T, s Script) {
	for _, frame := range s.Maintenance {
		r := newRig(t, s, nil)
		sink := r.follow()
		p := r.peer()
		p.say(frame)
		sink.Await(t, "maintenance", IsRefused(venue.RefusedMaintenance))
		awaitTrade(t, p, sink, s.Symbols[0], 2)
		none(t, sink, "down", IsDown)
	}
}

// A connection that the venue is about to close is replaced without a loss.
func testLeaving(t *testing.T, s Script) {
	for _, frame := range s.Leaving {
		r := newRig(t, s, nil)
		sink := r.follow()
		p := r.peer()
		awaitTrade(t, p, sink, s.Symbols[0], 1)
		p.say(frame)
		next := r.peer()
		next.awaitAsked(s.Symbols[:]...)
		awaitTrade(t, next, sink, s.Symbols[0], 2)
		p.awaitGone()
		none(t, sink, "down", IsDown)
	}
}

// A symbol that goes away while it is followed does not disturb the others, nor
// does the venue's refusal to subscribe it again.
func testDelisted(t *testing.T, s Script) {
	r := newRig(t, s, nil)
	sink := r.follow()
	p := r.peer()
	gone := s.Symbols[0]
	awaitTrade(t, p, sink, gone, 1)
	if s.Delisted != nil {
		p.say(s.Delisted(gone)...)
	}
	awaitTrade(t, p, sink, s.Symbols[1], 1)
	none(t, sink, "down", IsDown)
	r.set(func() { r.refused = []string{gone} })
	p.Close(1012, "restart")
	sink.Await(t, "down", IsDown)
	p = r.peer()
	sink.Await(t, "refusal", IsRefused(venue.RefusedSubscription))
	awaitTrade(t, p, sink, s.Symbols[2], 1)
}

// The venue's clock may be ahead of ours or behind: its times are kept as they
// are. A time of another day is refused, because nothing would be newer.
func testClockSkew(t *testing.T, s Script) {
	r := newRig(t, s, nil)
	sink := r.follow()
	p := r.peer()
	number := uint64(0)
	say := func(at time.Time) Trade {
		number++
		trade := tradeNo(number)
		trade.Time = at
		p.say(s.Trades(s.Symbols[0], trade)...)
		return trade
	}
	for _, skew := range []time.Duration{-30 * time.Minute, 1300 * time.Millisecond, time.Hour} {
		want := say(time.Now().UTC().Truncate(time.Second).Add(skew))
		got := *sink.Await(t, "tick", IsTick).Tick
		if !got.Time.Equal(want.Time) || !got.Last.Equal(domain.MustDecimal(want.Price)) {
			t.Errorf("clock %s ahead: got %+v, want %+v", skew, got, want)
		}
		if got := *sink.Await(t, "trade", IsTrade).Trade; !s.same(want, got, s.Symbols[0]) {
			t.Errorf("clock %s ahead: got %+v, want %+v", skew, got, want)
		}
	}
	say(time.Now().Add(72 * time.Hour))
	sink.Await(t, "refusal", IsRefused(venue.RefusedMalformed))
	say(time.Now().UTC().Truncate(time.Second).Add(2 * time.Hour))
	sink.Await(t, "trade", IsTrade)
	none(t, sink, "tick of another day", func(e Event) bool { return e.Tick != nil && e.Tick.Time.After(time.Now().Add(3*time.Hour)) })
}
