package venuetest

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
)

func testSettings(t *testing.T, s Script) {
	for name, cfg := range map[string]venue.Config{
		"exchange":       {Exchange: "No Name"},
		"ws scheme":      {WSURL: "https://venue.test"},
		"ws path":        {WSURL: "wss://venue.test/path"},
		"rest scheme":    {RESTURL: "venue.test"},
		"ack timeout":    {AckTimeout: -1},
		"few symbols":    {MaxSymbols: -1},
		"many symbols":   {MaxSymbols: 1 << 20},
		"small budget":   {RESTWeight: 1},
		"rest timeout":   {RESTTimeout: -1},
		"dial timeout":   {Connection: venue.Care{DialTimeout: -1}},
		"tiny frames":    {Connection: venue.Care{MaxFrameBytes: 1}},
		"short silence":  {Connection: venue.Care{SilenceTimeout: 1}},
		"spread of life": {Connection: venue.Care{Lifetime: 1, LifetimeSpread: 2}},
	} {
		if _, err := s.New(cfg); !errors.Is(err, domain.ErrInvalid) {
			t.Errorf("%s: error %v, want a field error", name, err)
		}
	}
	adapter, err := s.New(venue.Config{Exchange: "elsewhere", Connection: venue.Care{Lifetime: -1}})
	if err != nil || adapter.Exchange() != "elsewhere" {
		t.Fatalf("got %v, %v", adapter, err)
	}
	for _, symbol := range append([]string{"", "BTC", "/", "BTC/", "B TC/USDT"}, s.NoSymbols...) {
		if err := adapter.Stream(t.Context(), venue.NewWanted(symbol), NewSink()); !errors.Is(err, domain.ErrInvalid) {
			t.Errorf("%q: error %v, want a field error", symbol, err)
		}
		if _, err := adapter.TradesFrom(t.Context(), symbol, 1, base, 10); !errors.Is(err, domain.ErrInvalid) {
			t.Errorf("trades of %q: error %v, want a field error", symbol, err)
		}
	}
	if err := adapter.Stream(t.Context(), venue.NewWanted(), NewSink()); !errors.Is(err, domain.ErrInvalid) {
		t.Errorf("no symbols: error %v", err)
	}
	if _, err := adapter.TradesFrom(t.Context(), s.Symbols[0], 1, base, 0); !errors.Is(err, domain.ErrInvalid) {
		t.Errorf("limit 0: error %v", err)
	}
}

func quoteNo(n uint64) venue.Quote {
	size := domain.MustDecimal("1.5")
	return venue.Quote{
		Bid: domain.MustDecimal("99").Add64(n), BidSize: size, Ask: domain.MustDecimal("99.5").Add64(n), AskSize: size,
	}
}

func testDelivers(t *testing.T, s Script) {
	r := newRig(t, s, nil)
	sink := r.follow()
	p := r.peer()
	if p.Path != s.Path {
		t.Errorf("connected to %s, want %s", p.Path, s.Path)
	}
	sink.Await(t, "up", IsUp)
	p.awaitAsked(s.Symbols[:]...)
	for i, symbol := range s.Symbols {
		q := quoteNo(uint64(i) + 1)
		p.say(s.Quote(symbol, q, uint64(i)+1, base))
		got := *sink.Await(t, "quote", IsTick).Tick
		if got.Symbol != symbol || got.Exchange != r.adapter.Exchange() || got.Received.IsZero() ||
			!got.Bid.Equal(q.Bid) || !got.BidSize.Equal(q.BidSize) || !got.Ask.Equal(q.Ask) || !got.AskSize.Equal(q.AskSize) {
			t.Errorf("got %+v, want %+v of %s", got, q, symbol)
		}
		trades := tradesNo(7, 8)
		p.say(s.Trades(symbol, trades...)...)
		for _, want := range trades {
			if got := *sink.Await(t, "trade", IsTrade).Trade; !s.same(want, got, symbol) {
				t.Errorf("got %+v, want %+v", got, want)
			}
		}
		bar := domain.Candle{
			Exchange: r.adapter.Exchange(), Symbol: symbol, Timeframe: s.Timeframe, Time: s.Timeframe.Start(base),
			Open: domain.MustDecimal("10.5"), High: domain.MustDecimal("12"), Low: domain.MustDecimal("9"), Close: domain.MustDecimal("11"),
			Volume: domain.MustDecimal("55.5"), Trades: 42, Source: domain.FromVenue, Closed: true,
		}
		p.say(s.Bar(bar)...)
		candle := *sink.Await(t, "candle", func(e Event) bool { return e.Candle != nil }).Candle
		if candle.Trades == 0 { // not every venue tells
			bar.Trades = 0
		}
		if candle != bar {
			t.Errorf("got %+v, want %+v", candle, bar)
		}
	}
	none(t, sink, "refusal", func(e Event) bool { return e.Refused != "" })
}

// none fails the test for an event that fits.
func none(t *testing.T, sink *Sink, what string, fits func(Event) bool) {
	t.Helper()
	for _, e := range sink.Events() {
		if fits(e) {
			t.Errorf("%s: %+v %v", what, e, e.Err)
		}
	}
}

// awaitTrade sends a trade and waits until it is there. A connection that has no
// trades gets a quote as well, so that it delivers something.
func awaitTrade(t *testing.T, p *peer, sink *Sink, symbol string, number uint64) {
	t.Helper()
	s := p.rig.script
	frames := s.Trades(symbol, tradeNo(number))
	if s.OnSide != nil && s.OnSide(frames[0]) {
		p.say(s.Quote(symbol, quoteNo(number), number, tradeNo(number).Time))
	}
	p.say(frames...)
	sink.Await(t, "trade", func(e Event) bool { return e.Trade != nil && s.same(tradeNo(number), *e.Trade, symbol) })
}

func testRefusedSymbol(t *testing.T, s Script) {
	r := newRig(t, s, nil)
	bad := s.Symbols[1]
	r.refused = []string{bad}
	sink := r.follow()
	p := r.peer()
	e := sink.Await(t, "refusal", IsRefused(venue.RefusedSubscription))
	if !errors.Is(e.Err, venue.ErrSubscription) || !strings.Contains(e.Err.Error(), bad) {
		t.Errorf("refused with %v", e.Err)
	}
	awaitTrade(t, p, sink, s.Symbols[0], 1)
	awaitTrade(t, p, sink, s.Symbols[2], 1)
	none(t, sink, "down", IsDown)
	none(t, sink, "refusal of another", func(e Event) bool {
		return e.Refused != "" && (e.Refused != venue.RefusedSubscription || !strings.Contains(e.Err.Error(), bad))
	})
}

func testNothingAcknowledged(t *testing.T, s Script) {
	r := newRig(t, s, func(c *venue.Config) { c.AckTimeout, c.Connection.PingInterval = time.Millisecond, 20*time.Millisecond })
	r.mute = true
	sink := r.follow()
	r.peer()
	if e := sink.Await(t, "down", IsDown); !strings.Contains(e.Reason, "does not answer a subscription") {
		t.Errorf("reason %q", e.Reason)
	}
	r.set(func() { r.mute = false })
	sink.Await(t, "up", IsUp)
}

// The venue's own kind of ping is sent, and what it answers is understood.
func testPings(t *testing.T, s Script) {
	r := newRig(t, s, func(c *venue.Config) { c.Connection.PingInterval = 200 * time.Millisecond })
	sink := r.follow()
	p := r.peer()
	if s.Ping != nil {
		p.await("ping", func() bool { return p.pinged })
	}
	awaitTrade(t, p, sink, s.Symbols[0], 1)
	none(t, sink, "refusal", func(e Event) bool { return e.Refused != "" })
}

// Each way to lose a connection ends in a new one that is subscribed again, and
// what was known stays known.
func testLostConnections(t *testing.T, s Script) {
	for name, c := range map[string]struct {
		care   func(*venue.Care)
		lose   func(*peer)
		reason string // what is told, as far as it is sure
	}{
		"close with a code":              {lose: func(p *peer) { p.Close(1008, "too many requests") }},
		"close without a code":           {lose: func(p *peer) { p.Drop() }},
		"reset in the middle of a frame": {lose: func(p *peer) { p.Reset() }},
		"oversized frame":                {lose: func(p *peer) { p.Flood(4 << 20) }, reason: venue.ErrOversized.Error()},
		"ping timeout": {
			care: func(c *venue.Care) { c.SilenceTimeout, c.PingInterval = 40*time.Millisecond, 20*time.Millisecond },
			lose: func(*peer) {}, reason: venue.ErrSilent.Error(),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, s, func(cfg *venue.Config) {
				if c.care != nil {
					c.care(&cfg.Connection)
				}
			})
			r.deaf = c.care != nil
			sink := r.follow()
			p := r.peer()
			sink.Await(t, "up", IsUp)
			if !r.deaf {
				p.say(s.Quote(s.Symbols[0], quoteNo(1), 1, base))
				sink.Await(t, "tick", IsTick)
			}
			c.lose(p)
			if e := sink.Await(t, "down", IsDown); !strings.Contains(e.Reason, c.reason) {
				t.Errorf("reason %q, want one with %q", e.Reason, c.reason)
			}
			if r.deaf {
				r.peer()
				return
			}
			p = r.peer()
			p.awaitAsked(s.Symbols[:]...)
			awaitTrade(t, p, sink, s.Symbols[2], 2)
			p.say(s.Trades(s.Symbols[0], tradeNo(3))...)
			e := sink.Await(t, "tick", func(e Event) bool { return e.Tick != nil && e.Tick.Symbol == s.Symbols[0] })
			if !e.Tick.Bid.Equal(quoteNo(1).Bid) || e.Tick.Last.IsZero() {
				t.Errorf("after the reconnect: %+v", *e.Tick)
			}
		})
	}
}

func testSeveralConnections(t *testing.T, s Script) {
	r := newRig(t, s, func(c *venue.Config) { c.MaxSymbols = 1 })
	sink := r.follow()
	seen := map[string]bool{}
	for range s.Symbols {
		p := r.peer()
		var asked []string
		p.await("a symbol", func() bool { asked = slices.Collect(maps.Keys(p.asked)); return len(asked) > 0 })
		for _, symbol := range asked {
			seen[symbol] = true
			awaitTrade(t, p, sink, symbol, 5)
		}
	}
	for _, symbol := range s.Symbols {
		if !seen[symbol] {
			t.Errorf("%s was not subscribed", symbol)
		}
	}
}

// More symbols than one request takes are asked for in several.
func testBatches(t *testing.T, s Script) {
	r := newRig(t, s, nil)
	symbols := append([]string{}, s.Symbols[:]...)
	_, quote, settle, _ := domain.SplitSymbol(s.Symbols[0])
	for i := range s.Batch + 1 {
		symbols = append(symbols, domain.SymbolName("A"+strings.Repeat("B", i%8)+strings.Repeat("C", i/8), quote, settle))
	}
	r.rest.answer(s.REST(r.book(nil, symbols...)))
	sink := NewSink()
	r.stream(sink, symbols...)
	p := r.peer()
	p.awaitAsked(symbols...)
	if most := p.most(); most > s.Batch {
		t.Errorf("%d symbols in one request, want at most %d", most, s.Batch)
	}
	awaitTrade(t, p, sink, symbols[len(symbols)-1], 1)
	none(t, sink, "refusal", func(e Event) bool { return e.Refused != "" })
}

// The old connection is closed only once the new one is subscribed and
// delivers; both are heard until then, and no loss is told.
func testReplacement(t *testing.T, s Script) {
	r := newRig(t, s, func(c *venue.Config) {
		c.Connection.Lifetime, c.Connection.LifetimeSpread = 100*time.Millisecond, 10*time.Millisecond
	})
	sink := r.follow()
	first := r.peer()
	awaitTrade(t, first, sink, s.Symbols[0], 1)
	r.set(func() { r.mute = true })
	second := r.peer()
	second.awaitAsked(s.Symbols[:]...)
	awaitTrade(t, second, sink, s.Symbols[0], 1) // data, but not yet acknowledged
	awaitTrade(t, first, sink, s.Symbols[0], 2)  // so this one is still there
	r.set(func() { r.mute = false })
	second.settle()
	first.awaitGone()
	awaitTrade(t, second, sink, s.Symbols[0], 3)
	none(t, sink, "down", IsDown)
}
