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

// Play sends frames over a real socket to the venue's adapter, which follows the
// symbols and is as it is outside of tests, and returns the events they gave.
// The script's Stamp numbers them.
func Play(t *testing.T, s Script, symbols, frames []string) []Event {
	t.Helper()
	r := newRig(t, s, nil)
	r.rest.answer(s.REST(r.book(nil, symbols...)))
	sink, last := NewSink(), s.stranger()
	r.stream(sink, append([]string{last}, symbols...)...)
	p := r.peer()
	p.awaitAsked(symbols...)
	p.say(frames...)
	// What another symbol tells then is the end, of both endpoints if there are two.
	p.say(append(s.Trades(last, tradeNo(1)), s.Quote(last, quoteNo(1), 1, base))...)
	traded, quoted := false, false
	sink.Await(t, "the end", func(e Event) bool {
		traded = traded || e.Trade != nil && e.Trade.Symbol == last
		quoted = quoted || e.Tick != nil && e.Tick.Symbol == last && !e.Tick.Bid.IsZero()
		return traded && quoted
	})
	var events []Event
	for _, e := range sink.Events() {
		if !(e.Trade != nil && e.Trade.Symbol == last) && !(e.Tick != nil && e.Tick.Symbol == last) {
			events = append(events, e)
		}
	}
	return events
}
