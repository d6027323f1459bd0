package venuetest

import (
	"fmt"
	"testing"

	"github.com/fullon/fullon/domain"
)

// Describe is what an event tells, as text, to compare with a computation that
// knows nothing of the adapter: numbers in their shortest form, times as unix
// nanoseconds, without when it was received. Empty for connections and refusals.
func Describe(e Event) string {
	switch {
	case e.Tick != nil:
		t := e.Tick
		return fmt.Sprintf("tick %s %s %s/%s %s/%s %s @%d", t.Symbol, t.Last, t.Bid, t.BidSize, t.Ask, t.AskSize, t.Volume, domain.UnixNano(t.Time))
	case e.Trade != nil:
		t := e.Trade
		return fmt.Sprintf("trade %s %d=%s %s %s of %s @%d", t.Symbol, t.Number, t.ID, t.Side, t.Volume, t.Price, t.Time.UnixNano())
	case e.Candle != nil:
		c := e.Candle
		return fmt.Sprintf("bar %s %s @%d %s %s %s %s %s of %d", c.Symbol, c.Timeframe, c.Time.UnixNano(), c.Open, c.High, c.Low, c.Close, c.Volume, c.Trades)
	}
	return ""
}

// Described are the events of one kind ("tick", "trade" or "bar") among many;
// of all for an empty kind.
func Described(events []Event, kind string) (texts []string) {
	for _, e := range events {
		if text := Describe(e); text != "" && (len(text) > len(kind) && text[:len(kind)] == kind) {
			texts = append(texts, text)
		}
	}
	return texts
}

// Same fails the test where two lists differ.
func Same(t *testing.T, what string, got, want []string) {
	t.Helper()
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("%s %d:\n got %s\nwant %s", what, i, got[i], want[i])
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d of %s, want %d", len(got), what, len(want))
	}
}

// lastNumber is that of the trade that ends what is played.
const lastNumber = 1 << 40

// Play sends frames over a real socket to the venue's adapter, which follows the
// symbols and is as it is outside of tests, and returns the events they gave.
// The script's Stamp numbers them.
func Play(t *testing.T, s Script, symbols, frames []string) []Event {
	t.Helper()
	r := newRig(t, s, nil)
	sink := NewSink()
	r.stream(sink, symbols...)
	p := r.peer()
	p.awaitAsked(symbols...)
	p.say(frames...)
	end := tradeNo(1)
	end.Number = lastNumber
	p.say(s.Trades(symbols[0], end)...)
	lastID, _ := s.id(lastNumber)
	isEnd := func(e Event) bool { return e.Trade != nil && e.Trade.ID == lastID }
	sink.Await(t, "the end", isEnd)
	var events []Event
	for _, e := range sink.Events() {
		if !isEnd(e) && !(e.Tick != nil && e.Tick.Time.Equal(end.Time)) { // nor the tick that it makes
			events = append(events, e)
		}
	}
	return events
}
