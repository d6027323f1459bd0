package venuetest

import (
	"maps"
	"slices"
	"testing"

	"github.com/fullon/fullon/internal/venue"
)

// after is the connection that follows a change of symbols: the same one, or for
// an adapter that cannot change subscriptions, the next.
func (p *peer) after() *peer {
	if p.rig.script.Leaves != nil {
		return p
	}
	return p.rig.peer()
}

// Symbols are subscribed and unsubscribed while others flow, which are not
// disturbed.
func testSymbolsComeAndGo(t *testing.T, s Script) {
	r := newRig(t, s, nil)
	first, second, third := s.Symbols[0], s.Symbols[1], s.Symbols[2]
	r.set(func() { r.refused = []string{third} })
	sink, wanted := NewSink(), venue.NewWanted(first)
	r.streamWanted(sink, wanted)
	p := r.peer()
	p.awaitAsked(first)
	awaitTrade(t, p, sink, first, 1)

	wanted.Set([]string{first, second})
	p = p.after()
	p.awaitAsked(first, second)
	awaitTrade(t, p, sink, first, 2)
	awaitTrade(t, p, sink, second, 1)
	none(t, sink, "refusal", func(e Event) bool { return e.Refused != "" })

	wanted.Set([]string{first, second, third, s.noSymbol()}) // neither can be had
	p = p.after()
	sink.Await(t, "refusal of what cannot be", func(e Event) bool {
		return e.Refused == venue.RefusedSubscription
	})
	sink.Await(t, "refusal by the venue", IsRefused(venue.RefusedSubscription))
	awaitTrade(t, p, sink, first, 3)
	awaitTrade(t, p, sink, second, 2)

	wanted.Set([]string{second})
	p = p.after()
	p.awaitLeft(first)
	p.say(s.Trades(first, tradeNo(4))...) // under way, or the venue does not care
	p.say(s.Quote(first, quoteNo(9), 9, base))
	awaitTrade(t, p, sink, second, 3)
	none(t, sink, "what was unsubscribed", func(e Event) bool {
		return e.Trade != nil && e.Trade.Symbol == first && e.Trade.Number == 4 || e.Tick != nil && e.Tick.Symbol == first && e.Tick.Bid.Equal(quoteNo(9).Bid)
	})

	wanted.Set([]string{second, first})
	p = p.after()
	p.awaitAsked(first)
	awaitTrade(t, p, sink, first, 5)
	awaitTrade(t, p, sink, second, 4)
	none(t, sink, "down", IsDown)
	none(t, sink, "refusal of another kind", func(e Event) bool {
		return e.Refused != "" && e.Refused != venue.RefusedSubscription
	})

	// A connection that comes later has what is wanted by then.
	p.Drop()
	sink.Await(t, "down", IsDown)
	p = r.peer()
	p.awaitAsked(first, second)
	p.await("nothing else", func() bool { return !p.asked[third] })
	awaitTrade(t, p, sink, second, 5)
}

// noSymbol is a name that the adapter refuses and that is no other's spelling.
func (s Script) noSymbol() string { return "B TC/USDT" }

// A full connection is left alone: what has no room there gets another one, which
// ends with its last symbol.
func testMoreConnections(t *testing.T, s Script) {
	if s.OnSide != nil && s.OnSide(s.Trades(s.Symbols[0], tradeNo(1))[0]) {
		t.Skip("trades come over the other endpoint, whose connections the rig does not tell apart; the suite runs for that one, too")
	}
	r := newRig(t, s, func(c *venue.Config) { c.MaxSymbols = 1 })
	sink, wanted := NewSink(), venue.NewWanted(s.Symbols[0])
	r.streamWanted(sink, wanted)
	first := r.peer()
	awaitTrade(t, first, sink, s.Symbols[0], 1)
	wanted.Set(s.Symbols[:])
	others := map[string]*peer{}
	for range 2 {
		p := r.peer()
		var asked []string
		p.await("a symbol", func() bool { asked = slices.Collect(maps.Keys(p.asked)); return len(asked) > 0 })
		others[asked[0]] = p
		awaitTrade(t, p, sink, asked[0], 1)
	}
	wanted.Set([]string{s.Symbols[0], s.Symbols[2]})
	if others[s.Symbols[1]] == nil || others[s.Symbols[2]] == nil {
		t.Fatalf("connections for %v", slices.Collect(maps.Keys(others)))
	}
	others[s.Symbols[1]].awaitGone()
	awaitTrade(t, first, sink, s.Symbols[0], 2)
	awaitTrade(t, others[s.Symbols[2]], sink, s.Symbols[2], 2)
}
