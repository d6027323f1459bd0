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
	last *domain.Trade // of an earlier run
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

// TradesAt implements ingest.History.
func (*ledger) TradesAt(_ context.Context, last domain.Trade) ([]domain.Trade, error) {
	return []domain.Trade{last}, nil
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

// ids are what the venue calls the trades of these numbers.
func (s Script) ids(from, to uint64) (ids []string) {
	for n := from; n <= to; n++ {
		id, _ := s.id(n)
		ids = append(ids, id)
	}
	return ids
}

// Repeated snapshots, trades out of order and the replay after a reconnect come
// down to each trade once, in order.
func testEachTradeOnce(t *testing.T, s Script) {
	r, l, symbol := newRig(t, s, nil), newLedger(), s.Symbols[0]
	r.rest.answer(s.REST(r.book(map[string][]Trade{symbol: tradesNo(1, 20)})))
	before := domain.Trade{Exchange: r.adapter.Exchange(), Symbol: symbol, ID: s.ids(2, 2)[0], Time: tradeNo(2).Time}
	l.last = &before
	r.ingest(l)
	p := r.peer()
	snapshot := s.Trades(symbol, tradesNo(1, 5)...)
	p.say(append(snapshot, snapshot...)...)
	l.await(t, s.ids(3, 5)...)
	order := []uint64{7, 6, 8}
	if s.TradeID != nil { // nothing else tells the order
		order = []uint64{6, 7, 6, 8}
	}
	for _, n := range order {
		p.say(s.Trades(symbol, tradeNo(n))...)
	}
	l.await(t, s.ids(3, 8)...)
	p.Reset()
	p = r.peer()
	p.say(s.Trades(symbol, tradesNo(5, 9)...)...)
	p.say(s.Trades(symbol, tradeNo(10))...)
	l.await(t, s.ids(3, 10)...)
}

// A reconnect that missed trades, and REST that fails at first.
func testHoleFilled(t *testing.T, s Script) {
	r, l, symbol := newRig(t, s, nil), newLedger(), s.Symbols[0]
	has, later := uint64(2000), uint64(1501) // more than a page of any venue
	if s.TradeID != nil {
		has, later = 60, 60 // all that such a venue has
	}
	r.rest.answer(s.REST(r.book(map[string][]Trade{symbol: tradesNo(1, has)})))
	r.ingest(l)
	p := r.peer()
	p.say(s.Trades(symbol, tradesNo(1, 3)...)...)
	l.await(t, s.ids(1, 3)...)
	r.rest.status(2, http.StatusBadGateway, nil, "")
	p.Reset()
	p = r.peer()
	p.say(s.Trades(symbol, tradeNo(later))...)
	l.await(t, s.ids(1, later)...)
	p.say(s.Trades(symbol, tradesNo(later, later+1)...)...)
	l.await(t, s.ids(1, later+1)...)
}

// A process that begins where an earlier one stopped.
func testHoleSinceLastRun(t *testing.T, s Script) {
	r, l, symbol := newRig(t, s, nil), newLedger(), s.Symbols[0]
	r.rest.answer(s.REST(r.book(map[string][]Trade{symbol: tradesNo(1, 20)})))
	l.last = &domain.Trade{Exchange: r.adapter.Exchange(), Symbol: symbol, ID: s.ids(2, 2)[0], Time: tradeNo(2).Time}
	r.ingest(l)
	r.peer().say(s.Trades(symbol, tradesNo(8, 9)...)...)
	l.await(t, s.ids(3, 9)...)
}

// A frame that cannot be read may have had trades, on a connection that goes on.
func testFrameLost(t *testing.T, s Script) {
	r, l, symbol := newRig(t, s, nil), newLedger(), s.Symbols[0]
	r.rest.answer(s.REST(r.book(map[string][]Trade{symbol: tradesNo(1, 20)})))
	r.ingest(l)
	p := r.peer()
	p.say(s.Trades(symbol, tradesNo(1, 3)...)...)
	l.await(t, s.ids(1, 3)...)
	for _, frame := range s.Trades(symbol, tradeNo(4)) {
		p.say(frame[:len(frame)-2])
	}
	p.say(s.Trades(symbol, tradeNo(5))...)
	l.await(t, s.ids(1, 5)...)
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
			l.await(t, s.ids(1, 3)...)
			if c.fail != 0 {
				r.rest.status(-1, c.fail, nil, "")
			}
			p.Reset()
			p = r.peer()
			p.say(s.Trades(symbol, tradesNo(10, 11)...)...)
			gap := c.gap
			if s.TradeID != nil {
				gap = "gap -" // which ones are missing cannot be told
			}
			want := append(s.ids(1, 3), gap)
			if c.gap == "gap 4-7" {
				want = append(want, s.ids(8, 9)...)
			}
			l.await(t, append(want, s.ids(10, 11)...)...)
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
