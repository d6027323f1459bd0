package venuetest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/ingest"
	"github.com/fullon/fullon/internal/venue"
)

// ledger is a log in memory: what ingest stored of one symbol, as text.
type ledger struct {
	mu   sync.Mutex
	kept []string
	more chan struct{}
	last *domain.Trade   // of an earlier run
	byID map[string]bool // trades that were stored, whose repetitions are not kept; nil: all are
}

func newLedger() *ledger { return &ledger{more: make(chan struct{}, 1)} }

func (l *ledger) Publish(e domain.Event) error {
	text := ""
	switch e := e.(type) {
	case domain.Trade:
		text = e.ID
	case domain.Gap:
		text = fmt.Sprintf("gap %s-%s", e.FromID, e.ToID)
	default:
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byID != nil {
		if l.byID[text] {
			return nil
		}
		l.byID[text] = true
	}
	l.kept = append(l.kept, text)
	select {
	case l.more <- struct{}{}:
	default:
	}
	return nil
}

// Resume implements ingest.EventLog.
func (*ledger) Resume(string, string, uint64) error { return nil }

func (l *ledger) LastTrade(context.Context, string, string) (domain.Trade, error) {
	if l.last == nil {
		return domain.Trade{}, domain.ErrNotFound
	}
	return *l.last, nil
}

// LastTick implements ingest.History.
func (*ledger) LastTick(context.Context, string, string) (domain.Tick, error) {
	return domain.Tick{}, domain.ErrNotFound
}

// await waits until exactly that was stored, in that order.
func (l *ledger) await(t *testing.T, want ...string) {
	t.Helper()
	timeout := time.After(Patience)
	for {
		l.mu.Lock()
		got := fmt.Sprint(l.kept)
		n := len(l.kept)
		l.mu.Unlock()
		if n >= len(want) && got == fmt.Sprint(want) {
			return
		}
		select {
		case <-l.more:
		case <-timeout:
			t.Fatalf("stored %s, want %v", got, want)
		}
		if n > len(want) {
			t.Fatalf("stored %s, want %v", got, want)
		}
	}
}

type noTicks struct{}

func (noTicks) Publish(domain.Tick) error     { return nil }
func (noTicks) Delete(string, string) error   { return nil }
func (noTicks) PublishFeed(domain.Feed) error { return nil }

// ingest brings the first symbol's trades into a ledger.
func (r *rig) ingest(l *ledger) {
	feed := ingest.New(ingest.Config{
		Symbols: r.script.Symbols[:1], FillTimeout: 300 * time.Millisecond, Log: slog.New(slog.DiscardHandler),
	}, r.adapter, noTicks{}, l, l)
	r.run(feed.Run)
}

func numbers(from, to uint64) (ids []string) {
	for n := from; n <= to; n++ {
		ids = append(ids, fmt.Sprint(n))
	}
	return ids
}

// Repeated snapshots, trades out of order and the replay after a reconnect come
// down to each trade once, in order.
func testEachTradeOnce(t *testing.T, s Script) {
	r, l, symbol := newRig(t, s, nil), newLedger(), s.Symbols[0]
	r.rest.answer(s.REST(r.book(map[string][]Trade{symbol: tradesNo(1, 20)})))
	before := domain.Trade{Exchange: r.adapter.Exchange(), Symbol: symbol, ID: "2", Time: tradeNo(2).Time}
	l.last = &before
	r.ingest(l)
	p := r.peer()
	snapshot := s.Trades(symbol, tradesNo(1, 5)...)
	p.say(append(snapshot, snapshot...)...)
	l.await(t, numbers(3, 5)...)
	for _, n := range []uint64{7, 6, 8} {
		p.say(s.Trades(symbol, tradeNo(n))...)
	}
	l.await(t, numbers(3, 8)...)
	p.Reset()
	p = r.peer()
	p.say(s.Trades(symbol, tradesNo(5, 9)...)...)
	p.say(s.Trades(symbol, tradeNo(10))...)
	l.await(t, numbers(3, 10)...)
}

// Without numbers the repetitions reach the log, each with the id of the trade
// that it repeats; whoever reads the log knows them by it.
func testEachTradeOnceByID(t *testing.T, s Script) {
	r, l, symbol := newRig(t, s, nil), newLedger(), s.Symbols[0]
	l.byID = map[string]bool{}
	ids := func(from, to uint64) (list []string) {
		for n := from; n <= to; n++ {
			list = append(list, s.TradeID(n))
		}
		return list
	}
	r.ingest(l)
	p := r.peer()
	snapshot := s.Trades(symbol, tradesNo(1, 5)...)
	p.say(append(snapshot, snapshot...)...)
	p.say(s.Trades(symbol, tradeNo(6))...)
	l.await(t, ids(1, 6)...)
	p.Reset()
	p = r.peer()
	p.say(s.Trades(symbol, tradesNo(5, 7)...)...)
	p.say(s.Trades(symbol, tradeNo(8))...)
	l.await(t, ids(1, 8)...)
}

func testHoleFilled(t *testing.T, s Script) {
	r, l, symbol := newRig(t, s, nil), newLedger(), s.Symbols[0]
	r.rest.answer(s.REST(r.book(map[string][]Trade{symbol: tradesNo(1, 2000)})))
	r.ingest(l)
	p := r.peer()
	p.say(s.Trades(symbol, tradesNo(1, 3)...)...)
	l.await(t, numbers(1, 3)...)
	r.rest.status(2, http.StatusBadGateway, nil, "")
	p.Reset()
	p = r.peer()
	p.say(s.Trades(symbol, tradeNo(1501))...) // more than a page of any venue
	l.await(t, numbers(1, 1501)...)
}

// What the venue no longer has, and what it does not give for whatever reason,
// becomes a gap, and what follows goes on.
func testHoleNotFillable(t *testing.T, s Script) {
	for name, c := range map[string]struct {
		book []Trade
		fail int
		gap  string
	}{
		"only later ones":     {tradesNo(8, 20), 0, "gap 4-7"},
		"none of the hole":    {tradesNo(10, 20), 0, "gap 4-9"},
		"nothing at all":      {nil, 0, "gap 4-9"},
		"the venue is broken": {tradesNo(1, 20), http.StatusInternalServerError, "gap 4-9"},
		"the venue is closed": {tradesNo(1, 20), http.StatusForbidden, "gap 4-9"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, l, symbol := newRig(t, s, nil), newLedger(), s.Symbols[0]
			r.rest.answer(s.REST(r.book(map[string][]Trade{symbol: c.book})))
			r.ingest(l)
			p := r.peer()
			p.say(s.Trades(symbol, tradesNo(1, 3)...)...)
			l.await(t, numbers(1, 3)...)
			if c.fail != 0 {
				r.rest.status(-1, c.fail, nil, "")
			}
			p.say(s.Trades(symbol, tradesNo(10, 11)...)...)
			want := append(numbers(1, 3), c.gap)
			if c.gap == "gap 4-7" {
				want = append(want, "8", "9")
			}
			l.await(t, append(want, "10", "11")...)
		})
	}
}

// A venue that says for how long it wants no requests gets none.
func testLimits(t *testing.T, s Script) {
	type refusal struct {
		status int
		body   string
	}
	refusals := []refusal{{http.StatusTooManyRequests, "{}"}, {http.StatusTeapot, "{}"}}
	for _, body := range s.Limited {
		refusals = append(refusals, refusal{http.StatusOK, body})
	}
	for _, c := range refusals {
		r := newRig(t, s, func(c *venue.Config) { c.RESTMaxWait = time.Millisecond })
		r.rest.status(-1, c.status, http.Header{"Retry-After": {"3600"}}, c.body)
		for range 2 {
			_, err := r.adapter.TradesFrom(t.Context(), s.Symbols[0], 1, base, 10)
			limited, ok := errors.AsType[*venue.LimitedError](err)
			if !ok || limited.Status != c.status || limited.Wait < 59*time.Minute {
				t.Errorf("status %d: error %v", c.status, err)
			}
		}
		if _, err := r.adapter.Symbols(t.Context()); err == nil {
			t.Errorf("status %d: the catalogue was asked for nevertheless", c.status)
		}
		if n := r.rest.called(); n != 1 {
			t.Errorf("status %d: %d requests, want 1", c.status, n)
		}
	}
}

func testFaults(t *testing.T, s Script) {
	symbol := s.Symbols[0]
	r := newRig(t, s, nil)
	r.rest.answer(s.REST(r.book(map[string][]Trade{symbol: tradesNo(1, 20)})))
	r.rest.status(2, http.StatusServiceUnavailable, nil, "")
	trades, err := r.adapter.TradesFrom(t.Context(), symbol, 5, tradeNo(4).Time.Add(time.Millisecond), 10)
	if err != nil || len(trades) != 10 {
		t.Fatalf("after two failures: %d trades, %v", len(trades), err)
	}
	for i, got := range trades {
		if want := tradeNo(uint64(i) + 5); !s.same(want, got, symbol) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	if trades, err := r.adapter.TradesFrom(t.Context(), symbol, 21, tradeNo(20).Time.Add(time.Millisecond), 10); err != nil || len(trades) != 0 {
		t.Errorf("past the end: %v, %v", trades, err)
	}
	r.rest.status(-1, http.StatusInternalServerError, nil, "broken")
	if _, err := r.adapter.TradesFrom(t.Context(), symbol, 5, base, 10); err == nil {
		t.Error("no error for status 500")
	} else if status, ok := errors.AsType[*venue.StatusError](err); !ok || status.Status != http.StatusInternalServerError {
		t.Errorf("error %v", err)
	}
	for _, body := range []string{"", "<html>", "[", `"x"`, "{", `{"x":`} {
		r.rest.answer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }))
		if _, err := r.adapter.TradesFrom(t.Context(), symbol, 5, base, 10); !errors.Is(err, domain.ErrInvalid) {
			t.Errorf("trades from %q: error %v", body, err)
		}
		if _, err := r.adapter.Symbols(t.Context()); !errors.Is(err, domain.ErrInvalid) {
			t.Errorf("catalogue from %q: error %v", body, err)
		}
	}
}

func testCatalogue(t *testing.T, s Script) {
	r := newRig(t, s, nil)
	want := r.listed(s.Symbols[:])
	want[1].Trading = false
	r.rest.answer(s.REST(Book{Symbols: want}))
	got, err := r.adapter.Symbols(t.Context())
	if err != nil || len(got) != len(want) {
		t.Fatalf("got %+v, %v", got, err)
	}
	byName := map[string]domain.Symbol{}
	for _, g := range got {
		byName[g.Name] = g
		if err := g.Validate(); err != nil {
			t.Errorf("%+v: %v", g, err)
		}
	}
	for _, w := range want {
		g := byName[w.Name]
		if g.MinNotional.IsZero() { // not every venue has one
			w.MinNotional = g.MinNotional
		}
		if w.VenueSymbol = g.VenueSymbol; w.VenueSymbol == "" || !g.Same(w) {
			t.Errorf("got %+v, want %+v", g, w)
		}
	}
	r.rest.answer(s.REST(Book{}))
	if _, err := r.adapter.Symbols(t.Context()); !errors.Is(err, domain.ErrInvalid) {
		t.Errorf("empty catalogue: error %v", err)
	}
}
