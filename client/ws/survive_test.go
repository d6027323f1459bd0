package ws_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/fullon/fullon/client/ws"
	"github.com/fullon/fullon/domain"
)

func trade(n int) domain.Trade {
	return domain.Trade{
		Exchange: "binance", Symbol: btc, ID: fmt.Sprint(n), Side: domain.Buy, Price: dec("50000"), Volume: dec("0.01"), Time: noon.Add(time.Duration(n) * time.Millisecond),
	}
}

// Every trade comes once and in order, although the connection is broken again and
// again, while trades are made.
func TestAWatchSurvivesBrokenConnectionsWithoutLosingOrDoublingATrade(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.dial("")
	const all, breaks = 2000, 8
	pushed := make(chan error, 1)
	go func() {
		for n := range all {
			if _, err := r.direct.Trades.Push(r.ctx, trade(n)); err != nil {
				pushed <- err
				return
			}
		}
		pushed <- nil
	}()
	next, broken := 0, 0
	for got, err := range c.Trades.Watch(r.ctx, "binance", btc, 1000) {
		if err != nil {
			if !errors.Is(err, domain.ErrUnreachable) {
				t.Fatal(err)
			}
			broken++
			continue
		}
		if got.ID != fmt.Sprint(next) {
			t.Fatalf("after %d broken connections: trade %s instead of %d", broken, got.ID, next)
		}
		next++
		if next%(all/breaks) == all/breaks/2 {
			r.proxy.kill(false)
		}
		if next == all {
			break
		}
	}
	if err := <-pushed; err != nil {
		t.Fatal(err)
	}
	if next != all || broken == 0 {
		t.Errorf("%d trades of %d, %d broken connections", next, all, broken)
	}
}

// What is traded while the gateway is away in a market in which nothing was traded
// before, or of which nothing was asked for, is not lost either. A server of the
// test's own says exactly when it breaks.
func TestAWatchThatHasYieldedNothingMissesNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		snapshot, params, again string
	}{
		{"", `"resume":1,`, `{"type":"stream_missed","request_id":%s,"after":1,"before":8}`},
		{`{"type":"trade_update","request_id":%s,"snapshot":true,"sequence":7,` + aTrade, `"resume":7,`,
			`{"type":"trade_update","request_id":%s,"sequence":7,` + aTrade}, // again
	} {
		var mu sync.Mutex
		var asked []string
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			socket, err := websocket.Accept(w, r, nil)
			if err != nil {
				t.Error(err)
				return
			}
			_, question, err := socket.Read(r.Context())
			if err != nil {
				return // the client was closed
			}
			var id struct {
				RequestID json.RawMessage `json:"request_id"`
			}
			if err := json.Unmarshal(question, &id); err != nil {
				t.Error(err)
			}
			mu.Lock()
			asked = append(asked, string(question))
			times := len(asked)
			mu.Unlock()
			says := []string{`{"request_id":%s,"success":true,"result":{}}`, c.snapshot, `{"type":"stream_live","request_id":%s}`}
			if times == 2 {
				says = []string{says[0], c.again, `{"type":"trade_update","request_id":%s,"snapshot":true,"sequence":8,` + aTrade, says[2]}
			}
			for _, message := range says {
				if message != "" {
					_ = socket.Write(r.Context(), websocket.MessageText, fmt.Appendf(nil, message, id.RequestID))
				}
			}
			_ = socket.Close(websocket.StatusGoingAway, "the server stops")
		}))
		client, err := ws.Dial(t.Context(), "ws"+strings.TrimPrefix(web.URL, "http"), ws.Config{})
		if err != nil {
			t.Fatal(err)
		}
		for got, err := range client.Trades.Watch(t.Context(), "binance", btc, 0) {
			if err == nil {
				if got.Sequence != 8 {
					t.Errorf("yielded %+v", got)
				}
				break
			}
			if !errors.Is(err, domain.ErrUnreachable) {
				t.Error(err)
			}
		}
		client.Close()
		web.Close()
		mu.Lock()
		if len(asked) < 2 || !strings.Contains(asked[1], c.params) {
			t.Errorf("asked %q", asked)
		}
		mu.Unlock()
	}
}

const aTrade = `"exchange":"binance","symbol":"BTC/USDT","side":"buy","volume":1,"price":2,"timestamp":1700000000.25,"trade_id":"8"}`

func TestPositionsThatWereDeletedMeanwhileAreToldFlat(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	position := func(symbol string) domain.Position {
		return domain.Position{Account: "1001", Symbol: symbol, Volume: dec("1"), Time: noon}
	}
	r.visible(r.direct.Accounts.SetPosition(r.ctx, position(btc)))
	r.visible(r.direct.Accounts.SetPosition(r.ctx, position("ETH/USDT")))
	c := r.dial("")
	held := map[string]bool{}
	for p, err := range c.Accounts.WatchPositions(r.ctx, "1001") {
		switch {
		case errors.Is(err, domain.ErrUnreachable):
			r.visible(r.direct.Accounts.DeletePosition(r.ctx, "1001", btc))
			r.proxy.mend()
			continue
		case err != nil:
			t.Fatal(err)
		}
		known := len(held)
		held[p.Symbol] = !p.Flat()
		if p.Flat() {
			if p.Symbol != btc || p.Account != "1001" {
				t.Errorf("flat: %+v", p)
			}
			break
		}
		if known == 1 && len(held) == 2 {
			r.proxy.kill(true)
		}
	}
}

// Orders that ended while nobody was connected are told.
func TestOrdersThatEndedMeanwhileAreTold(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	push := func(id string) {
		_, _, err := r.direct.Orders.Push(r.ctx, domain.Order{ID: id, Exchange: "kraken", OrderTerms: domain.OrderTerms{
			Account: "1001", Bot: "grid", Symbol: btc, Side: domain.Buy, Type: domain.Market, Volume: dec("1"),
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	push("o-1")
	c := r.dial("")
	var told []string
	for o, err := range c.Orders.Watch(r.ctx, ws.OrderFilter{Exchange: "kraken"}) {
		switch {
		case errors.Is(err, domain.ErrUnreachable):
			if _, err := r.direct.Orders.Update(r.ctx, "kraken", "o-1", func(o *domain.Order) error {
				o.Status = domain.OrderCanceled
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			push("o-2")
			r.proxy.mend()
			continue
		case err != nil:
			t.Fatal(err)
		}
		if told = append(told, o.ID+" "+o.Status.String()); len(told) == 1 {
			r.proxy.kill(true)
		}
		if len(told) == 3 {
			break
		}
	}
	if got := strings.Join(told, ", "); got != "o-1 new, o-1 canceled, o-2 new" {
		t.Error(got)
	}
}

// An iteration that is slow gets all, although no more than Buffer wait for it.
func TestASlowIterationGetsAll(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c, err := ws.Dial(r.ctx, r.url, ws.Config{Buffer: 8})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	const all = 500
	next := 0
	r.visible(r.direct.Trades.Push(r.ctx, trade(0)))
	for got, err := range c.Trades.Watch(r.ctx, "binance", btc, 10) {
		if err != nil || got.ID != fmt.Sprint(next) {
			t.Fatalf("trade %s instead of %d: %v", got.ID, next, err)
		}
		if next == 0 {
			for n := 1; n < all; n++ {
				if _, err := r.direct.Trades.Push(r.ctx, trade(n)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if next++; next == all {
			break
		}
	}
}

func TestErrorsAreTyped(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var told *ws.Error
	_, err := ws.Dial(r.ctx, r.url, ws.Config{Token: "of nobody, but long enough"})
	if !errors.Is(err, ws.ErrDenied) || !errors.As(err, &told) || told.Code != ws.CodeUnauthorized {
		t.Errorf("wrong token: %v", err)
	}
	if _, err := ws.Dial(r.ctx, "http://127.0.0.1:1", ws.Config{}); !errors.Is(err, domain.ErrInvalid) {
		t.Errorf("wrong URL: %v", err)
	}
	if _, err := ws.Dial(r.ctx, "ws://127.0.0.1:1", ws.Config{}); !errors.Is(err, domain.ErrUnreachable) {
		t.Errorf("nobody there: %v", err)
	}
	if _, err := ws.Dial(r.ctx, r.url+"/nowhere", ws.Config{}); !errors.Is(err, domain.ErrUnreachable) || !strings.Contains(err.Error(), "404") {
		t.Errorf("wrong path: %v", err)
	}
	c := r.dial("")
	for name, c := range map[string]struct {
		err  error
		want error
		code string
	}{
		"write without a token": {call(r.ctx, c, "set_ticker", `{"exchange":"binance","symbol":"BTC/USDT","last":1}`), ws.ErrDenied, ws.CodeUnauthorized},
		"no such operation":     {call(r.ctx, c, "fly", ""), domain.ErrInvalid, "INVALID_OPERATION"},
		"wrong params":          {call(r.ctx, c, "get_ticker", `{"exchange":"BINANCE!","symbol":"BTC/USDT"}`), domain.ErrInvalid, "INVALID_PARAMS"},
		"not there":             {call(r.ctx, c, "get_any_ticker", `{"symbol":"BTC/USDT"}`), domain.ErrNotFound, "TICKER_NOT_FOUND"},
	} {
		told = nil
		if !errors.Is(c.err, c.want) || !errors.As(c.err, &told) || told.Code != c.code {
			t.Errorf("%s: %v", name, c.err)
		}
	}
	if _, err := r.dial(readOnly).Ticks.Set(r.ctx, domain.Tick{Exchange: "binance", Symbol: btc, Last: dec("1")}); !errors.Is(err, ws.ErrDenied) {
		t.Errorf("a token that does not allow it: %v", err)
	}
	for _, err := range c.Ticks.Watch(r.ctx, "BINANCE!") { // it ends
		if !errors.Is(err, domain.ErrInvalid) {
			t.Errorf("watch of what cannot be: %v", err)
		}
	}
	r.proxy.kill(true)
	short, cancel := context.WithCancel(r.ctx)
	cancel()
	if _, err := c.Ping(short); !errors.Is(err, context.Canceled) && !errors.Is(err, domain.ErrUnreachable) {
		t.Errorf("a context that has ended: %v", err)
	}
}

type raw string

func (r raw) MarshalJSON() ([]byte, error) { return []byte(r), nil }

func call(ctx context.Context, c *ws.Client, operation, params string) error {
	if params == "" {
		return c.Call(ctx, operation, nil, nil)
	}
	return c.Call(ctx, operation, raw(params), nil)
}

func TestRequestsFailWhileTheGatewayIsAway(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c, err := ws.Dial(r.ctx, r.url, ws.Config{Timeout: 200 * time.Millisecond, MaxPause: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	r.proxy.kill(true)
	for range 2 { // the first may be under way when the connection breaks
		if _, err := c.Ping(r.ctx); !errors.Is(err, domain.ErrUnreachable) {
			t.Fatalf("away: %v", err)
		}
	}
	r.proxy.mend()
	for {
		if _, err = c.Ping(r.ctx); err == nil {
			break
		}
		if !errors.Is(err, domain.ErrUnreachable) {
			t.Fatal(err)
		}
	}
}

func TestCloseEndsEverything(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.dial("")
	ended, waiting := make(chan struct{}), make(chan error, 1)
	begun := make(chan struct{})
	r.visible(r.direct.Ticks.Set(r.ctx, domain.Tick{Exchange: "binance", Symbol: btc, Last: dec("1")}))
	go func() {
		defer close(ended)
		first := true
		for range c.Ticks.Watch(r.ctx, "binance") {
			if first {
				close(begun)
				first = false
			}
		}
	}()
	<-begun
	go func() { waiting <- c.Wait(r.ctx, domain.LogPosition{Stream: small.TickStreams()[0], Seq: 1 << 40}) }()
	c.Close()
	<-ended
	if err := <-waiting; !errors.Is(err, domain.ErrUnreachable) {
		t.Errorf("a request that waits: %v", err)
	}
	if _, err := c.Ping(r.ctx); !errors.Is(err, domain.ErrUnreachable) {
		t.Errorf("a request after it: %v", err)
	}
	c.Close() // again does no harm
}
