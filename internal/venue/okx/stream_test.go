package okx_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/okx"
	"github.com/fullon/fullon/internal/venue/venuetest"
)

var start = time.Now().UTC().Truncate(time.Second).Add(-time.Hour)

// exchange is a venue whose answers of REST the test changes.
type exchange struct {
	*venuetest.Server
	rest    atomic.Pointer[http.Handler]
	calls   chan string // what was asked for
	adapter *okx.Adapter
}

func newExchange(t *testing.T, rest http.Handler) *exchange {
	t.Helper()
	x := &exchange{Server: venuetest.NewServer(t), calls: make(chan string, 10_000)}
	x.answer(rest)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x.calls <- r.URL.RequestURI()
		(*x.rest.Load()).ServeHTTP(w, r)
	}))
	t.Cleanup(web.Close)
	var err error
	x.adapter, err = okx.New(venue.Config{
		WSURL: x.URL, RESTURL: web.URL, RESTBackoff: time.Microsecond, RESTWeight: 1_000_000, RESTMaxWait: time.Millisecond,
		Connection: venue.Care{DialInterval: time.Nanosecond, SendInterval: time.Microsecond, BackoffInitial: time.Millisecond, BackoffMax: 2 * time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.adapter.Close)
	return x
}

func (x *exchange) answer(h http.Handler) { x.rest.Store(&h) }

// stream follows the symbols until the end of the test.
func (x *exchange) stream(t *testing.T, sink venue.Sink, symbols ...string) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- x.adapter.Stream(ctx, venue.NewWanted(symbols...), sink) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Stream: %v", err)
		}
	})
}

// pair waits for the two connections of a group of symbols.
func (x *exchange) pair(t *testing.T) map[string]*venuetest.Conn {
	t.Helper()
	conns := map[string]*venuetest.Conn{}
	for range 2 {
		c := x.Accept(t)
		conns[c.Path] = c
	}
	if conns[publicPath] == nil || conns[businessPath] == nil {
		t.Fatalf("connected to %v", conns)
	}
	return conns
}

func says(status int, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

func swapBook(symbols ...string) http.Handler {
	var b venuetest.Book
	for _, name := range symbols {
		base, quote, settle, _ := domain.SplitSymbol(name)
		b.Symbols = append(b.Symbols, domain.Symbol{
			Name: name, Base: base, Quote: quote, Settle: settle, TickSize: domain.MustDecimal("0.1"), LotSize: domain.MustDecimal("0.1"),
			MinVolume: domain.MustDecimal("0.1"), Trading: true,
		})
	}
	return restOf(b)
}

// Without the catalogue nothing of a swap is followed, whatever is wrong with it,
// and spot symbols are; the venue is asked until it answers.
func TestSwapsWaitForTheCatalogue(t *testing.T) {
	t.Parallel()
	for name, rest := range map[string]http.Handler{
		"broken":         says(http.StatusInternalServerError, "broken"),
		"no document":    says(http.StatusOK, "<html>"),
		"empty":          says(http.StatusOK, `{"code":"0","msg":"","data":[]}`),
		"nothing of use": says(http.StatusOK, `{"code":"0","msg":"","data":[{"instId":"BTC-USDT-SWAP","settleCcy":"USDT","ctType":"linear","ctValCcy":"BTC","ctVal":"0","ctMult":"1","tickSz":"1","lotSz":"1","minSz":"1"}]}`),
		"busy":           says(http.StatusOK, `{"code":"50013","msg":"Systems are busy","data":[]}`),
		"refused":        says(http.StatusForbidden, ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newExchange(t, rest)
			sink := venuetest.NewSink()
			x.stream(t, sink, "BTC/USDT", "BTC/USDT:USDT")
			s := script()
			spot := x.pair(t)
			trade := venuetest.Trade{Number: 7, Side: domain.Buy, Price: "100", Volume: "0.5", Time: start}
			spot[businessPath].Text(s.Trades("BTC/USDT:USDT", trade)[0]) // even if it came there
			spot[businessPath].Text(s.Trades("BTC/USDT", trade)[0])
			sink.Await(t, "refusal", venuetest.IsRefused(venue.RefusedSymbol))
			if got := sink.Await(t, "trade", venuetest.IsTrade).Trade; got.Symbol != "BTC/USDT" {
				t.Errorf("got %+v", got)
			}
			for range 6 { // it is asked again and again
				select {
				case <-x.calls:
				case <-time.After(venuetest.Patience):
					t.Fatal("the catalogue is not asked for again")
				}
			}
			x.answer(swapBook("BTC/USDT:USDT"))
			swaps := x.pair(t)
			swaps[businessPath].Text(s.Trades("BTC/USDT:USDT", trade)[0])
			got := sink.Await(t, "trade", venuetest.IsTrade).Trade
			if got.Symbol != "BTC/USDT:USDT" || !got.Volume.Equal(domain.MustDecimal("0.5")) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// A rate limit on the catalogue is not answered with more requests.
func TestSwapsWaitForTheRateLimit(t *testing.T) {
	t.Parallel()
	x := newExchange(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		_, _ = io.WriteString(w, `{"code":"50011","msg":"Too Many Requests","data":[]}`)
	}))
	x.stream(t, venuetest.NewSink(), "BTC/USDT", "BTC/USDT:USDT")
	x.pair(t)
	for range 10 {
		_, err := x.adapter.TradesFrom(t.Context(), "BTC/USDT:USDT", 1, start, 10)
		if limited, ok := errors.AsType[*venue.LimitedError](err); !ok || limited.Wait < 59*time.Minute {
			t.Errorf("trades of a swap without its contract: %v", err)
		}
	}
	if n := len(x.calls); n > 2 { // the stream's may be on its way at the same time
		t.Errorf("%d requests", n)
	}
}

// What the catalogue says of a contract later counts from then on; a swap that is
// not in it costs that swap alone.
func TestTheCatalogueChangesContracts(t *testing.T) {
	t.Parallel()
	x := newExchange(t, swapBook("BTC/USDT:USDT"))
	sink := venuetest.NewSink()
	x.stream(t, sink, "BTC/USDT:USDT", "ETH/USDT:USDT")
	s := script()
	conns := x.pair(t)
	number := uint64(0)
	say := func(symbol string) {
		number++
		conns[businessPath].Text(s.Trades(symbol, venuetest.Trade{Number: number, Side: domain.Buy, Price: "100", Volume: "6", Time: start.Add(time.Duration(number) * time.Second)})[0])
	}
	want := func(symbol, volume string) {
		t.Helper()
		if got := sink.Await(t, "trade", venuetest.IsTrade).Trade; got.Symbol != symbol || got.Volume.String() != volume {
			t.Errorf("got %s of %s, want %s of %s", got.Volume, got.Symbol, volume, symbol)
		}
	}
	say("ETH/USDT:USDT")
	sink.Await(t, "refusal", venuetest.IsRefused(venue.RefusedSymbol))
	say("BTC/USDT:USDT")
	want("BTC/USDT:USDT", "6")
	entry := `{"instId":"%s-USDT-SWAP","settleCcy":"USDT","ctType":"linear","ctValCcy":"%s","ctVal":"%s","ctMult":"1","tickSz":"1","lotSz":"1","minSz":"1","state":"live"}`
	list := []string{fmt.Sprintf(entry, "BTC", "BTC", "0.004"), fmt.Sprintf(entry, "ETH", "ETH", "1")}
	x.answer(says(http.StatusOK, `{"code":"0","msg":"","data":[`+strings.Join(list, ",")+`]}`))
	if symbols, err := x.adapter.Symbols(t.Context()); err != nil || len(symbols) != 2 {
		t.Fatalf("got %v, %v", symbols, err)
	}
	say("BTC/USDT:USDT")
	want("BTC/USDT:USDT", "12")
	say("ETH/USDT:USDT")
	want("ETH/USDT:USDT", "3000")
	// A list without swaps takes nothing back.
	x.answer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("instType") == "SPOT" {
			swapBook("BTC/USDT").ServeHTTP(w, r)
			return
		}
		_, _ = io.WriteString(w, `{"code":"0","msg":"","data":[]}`)
	}))
	if symbols, err := x.adapter.Symbols(t.Context()); err != nil || len(symbols) != 1 {
		t.Fatalf("got %v, %v", symbols, err)
	}
	say("BTC/USDT:USDT")
	want("BTC/USDT:USDT", "12")
}

// The two endpoints make one tick.
func TestEndpointsShareTheTick(t *testing.T) {
	t.Parallel()
	x := newExchange(t, swapBook("BTC/USDT"))
	sink := venuetest.NewSink()
	x.stream(t, sink, "BTC/USDT")
	conns := x.pair(t)
	s := script()
	one := domain.MustDecimal("1")
	conns[publicPath].Text(s.Quote("BTC/USDT", venue.Quote{Bid: one, BidSize: one, Ask: one, AskSize: one}, 1, start))
	sink.Await(t, "quote", venuetest.IsTick)
	conns[businessPath].Text(s.Trades("BTC/USDT", venuetest.Trade{Number: 1, Side: domain.Buy, Price: "2", Volume: "1", Time: start})[0])
	sink.Await(t, "last", func(e venuetest.Event) bool {
		return e.Tick != nil && e.Tick.Last.String() == "2" && e.Tick.Bid.Equal(one)
	})
	conns[businessPath].Drop()
	sink.Await(t, "down", venuetest.IsDown)
	if c := x.Accept(t); c.Path != businessPath { // alone
		t.Errorf("connected to %s", c.Path)
	}
}

// Connections are spaced, those of spot and of swaps together.
func TestConnectionsAreSpaced(t *testing.T) {
	t.Parallel()
	server := venuetest.NewServer(t)
	web := httptest.NewServer(swapBook("BTC/USDT:USDT"))
	t.Cleanup(web.Close)
	const interval = 50 * time.Millisecond
	a, err := okx.New(venue.Config{WSURL: server.URL, RESTURL: web.URL, MaxSymbols: 1, Connection: venue.Care{DialInterval: interval}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	begin := time.Now()
	go func() {
		done <- a.Stream(ctx, venue.NewWanted("BTC/USDT", "ETH/USDT", "BTC/USDT:USDT"), venuetest.NewSink())
	}()
	for range 6 {
		server.Accept(t)
	}
	took := time.Since(begin)
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if took < 5*interval { // no faster, however slow the machine
		t.Errorf("six connections within %s", took)
	}
}
