package gateway_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/gateway"
	"github.com/fullon/fullon/internal/testserver"
)

// These are the defects of the Python server, by their numbers.

func trade(id int) domain.Trade {
	return domain.Trade{
		Exchange: "binance", Symbol: "BTC/USDT", ID: fmt.Sprint(id), Side: domain.Buy, Price: dec("50000"), Volume: dec("0.1"), Time: time.Unix(1_700_000_000+int64(id), 0),
	}
}

// pushTrades stores trades numbered from..to.
func (r *rig) pushTrades(from, to int) {
	r.tb.Helper()
	var pos domain.LogPosition
	var err error
	for id := from; id <= to && err == nil; id++ {
		pos, err = r.Trades.Push(r.ctx, trade(id))
	}
	r.visible(pos, err)
}

func TestW1ReadingTradesTakesNothingAway(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.pushTrades(1, 5)
	s := r.dial("/ws/trades/c1", "")
	for range 2 {
		m := s.ask(`{"action":"get_trades","request_id":1,"params":{"exchange":"binance","symbol":"BTC/USDT"}}`)
		if trades, _ := m.object("result")["trades"].([]any); len(trades) != 5 {
			t.Errorf("%d trades of 5: %v", len(trades), m)
		}
	}
}

func TestW2TimesOfAnyFormAreRead(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.dial("/", secret)
	for i, at := range []string{`1700000001`, `1700000001.25`, `"1700000001"`, `"2023-11-14T22:13:21Z"`} {
		m := s.ask(fmt.Sprintf(`{"operation":"push_trade","params":{"exchange":"binance","symbol":"BTC/USDT","trade_id":%d,"side":"sell","price":"1.5","volume":2e-05,"time":%s}}`, i, at))
		if m["success"] != true {
			t.Errorf("%s: %v", at, m)
		}
	}
	m := s.ask(`{"operation":"push_trade","params":{"exchange":"binance","symbol":"BTC/USDT","trade_id":9,"side":"sell","price":1,"volume":1,"time":"soon"}}`)
	if m["error_code"] != gateway.CodeInvalidParams || !strings.Contains(m.text("error"), "soon") {
		t.Errorf("a time that is none: %v", m)
	}
}

func TestW3AndW5EveryTradeReachesEverySubscriber(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var subscribers []*socket
	for i := range 3 {
		s := r.dial(fmt.Sprintf("/ws/trades/c%d", i), "")
		s.ask(`{"action":"stream_trade_updates","request_id":"t","params":{"exchange":"binance","symbol":"BTC/USDT"}}`)
		subscribers = append(subscribers, s)
	}
	r.pushTrades(1, 20)
	for i, s := range subscribers {
		for id := 1; id <= 20; id++ {
			if got := s.until("trade_update").object("result")["trade_id"]; got != fmt.Sprint(id) {
				t.Fatalf("subscriber %d got trade %v, want %d", i, got, id)
			}
		}
	}
}

func TestW4ATradeStreamWithoutASymbolIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	m := r.dial("/ws/trades/c", "").ask(`{"action":"stream_trade_updates","request_id":"t","params":{"exchange":"binance"}}`)
	if m["success"] != false || m["error_code"] != gateway.CodeInvalidParams || !strings.Contains(m.text("error"), "symbol") {
		t.Error(m)
	}
}

func TestW6AndW7TickersArePushedWhenTheyChangeAndOnlyThen(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.dial("/ws/tickers/c", "")
	s.ask(`{"action":"stream_tickers","request_id":1,"params":{"exchange":"binance","symbols":["BTC/USDT"]}}`)
	at := time.Unix(1_700_000_000, 0)
	for price := 1; price <= 3; price++ {
		tick := tick("BTC/USDT", fmt.Sprint(price))
		tick.Time = at.Add(time.Duration(price) * time.Second)
		r.visible(r.Ticks.Set(r.ctx, tick))
		// Whatever comes is of this price, once more at most, when it becomes stale.
		for got := ""; got != fmt.Sprint(price); {
			got = s.until("ticker_update").object("result").text("price")
		}
	}
}

func TestW8SubscribersShareWhatIsWatched(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.visible(r.Ticks.Set(r.ctx, tick("BTC/USDT", "1")))
	for i := range 20 {
		s := r.dial(fmt.Sprintf("/ws/tickers/c%d", i), "")
		s.ask(`{"action":"stream_tickers","request_id":1,"params":{"exchange":"binance","symbols":["BTC/USDT"]}}`)
	}
	if stats := r.server.Stats(); stats.Feeds != 1 || stats.Streams != 20 {
		t.Errorf("%d feeds for %d streams", stats.Feeds, stats.Streams)
	}
}

func TestW9TheQueueLengthIsThatOfTheQueue(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.dial("/ws/orders/c", "")
	for i := range 2 {
		_, pos, err := r.Orders.Push(r.ctx, domain.Order{Exchange: "binance", ID: fmt.Sprint("o", i), OrderTerms: domain.OrderTerms{
			Account: "1001", Bot: "b", Symbol: "BTC/USDT", Side: domain.Buy, Type: domain.Market, Volume: dec("1"),
		}})
		r.visible(pos, err)
	}
	m := s.ask(`{"action":"get_queue_length","request_id":1,"params":{"exchange":"binance"}}`)
	if m.object("result").text("queue_length") != "2" {
		t.Error(m)
	}
	m = s.ask(`{"action":"get_order_status","request_id":2,"params":{"exchange":"binance","order_id":"o1"}}`)
	if result := m.object("result"); result.text("price") != "null" || result["status"] != "new" || result.text("amount") != "1" {
		t.Errorf("an order without a price: %v", m)
	}
}

func TestW10BalancesHaveWhatIsFree(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	w := r.dial("/", secret)
	m := w.ask(`{"operation":"set_user_balances","params":{"user_id":1001,"balances":{"BTC":{"total":1.5,"free":1.2,"used":0.3},"USDT":{"total":10000,"free":8500,"used":1500}}}}`)
	if m["success"] != true {
		t.Fatal(m)
	}
	r.visible(r.Accounts.SetBalance(r.ctx, domain.Balance{Account: "1001", Currency: "EUR"}))
	m = r.dial("/ws/accounts/c", "").ask(`{"action":"get_balance","request_id":1,"params":{"user_id":1001,"currency":"BTC"}}`)
	result := m.object("result")
	if result.text("available_balance") != "1.2" || result.text("reserved_balance") != "0.3" || result.text("total_balance") != "1.5" {
		t.Error(m)
	}
}

func TestW11PositionsAreThoseOfTheAccountAndValuedWithTicks(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.visible(r.Ticks.Set(r.ctx, tick("BTC/USDT", "51000")))
	r.visible(r.Accounts.SetPosition(r.ctx, domain.Position{Account: "1001", Symbol: "BTC/USDT", Volume: dec("0.5"), Price: dec("50000")}))
	r.visible(r.Accounts.SetPosition(r.ctx, domain.Position{Account: "1002", Symbol: "ETH/USDT", Volume: dec("-2"), Price: dec("3000")}))
	s := r.dial("/ws/accounts/c", "")
	m := s.ask(`{"action":"get_positions","request_id":1,"params":{"user_id":1001}}`)
	positions, _ := m.object("result")["positions"].([]any)
	if len(positions) != 1 {
		t.Fatal(m)
	}
	held := message(positions[0].(map[string]any))
	if held["side"] != "long" || held.text("size") != "0.5" || held.text("entry_price") != "50000" || held.text("mark_price") != "51000" ||
		held.text("pnl") != "500" || held.text("pnl_percent") != "2" {
		t.Error(m)
	}
	m = s.ask(`{"action":"get_positions","request_id":1,"params":{"user_id":1003}}`)
	if m["success"] != false || m["error_code"] != "POSITIONS_NOT_FOUND" {
		t.Errorf("of an account that nothing is known of: %v", m)
	}
}

func TestW12ProcessesHaveAllTheirFields(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	w := r.dial("/", secret)
	m := w.ask(`{"operation":"register_process","params":{"process_type":"bot","component":"grid","host":"h","pid":7,"interval":60}}`)
	id := m.object("result")["process_id"]
	s := r.dial("/ws/process/c", "")
	for _, params := range []string{`{}`, `{"process_type":"bot"}`, `{"component":"grid","since_minutes":5}`} {
		m := s.ask(`{"action":"get_active_processes","request_id":1,"params":` + params + `}`)
		list, _ := m.object("result")["processes"].([]any)
		found := false
		for _, p := range list {
			p := message(p.(map[string]any))
			found = found || p["process_id"] == id && p["name"] == "grid" && p["status"] == "running" && p.text("pid") == "7" && p["last_seen"] != nil
		}
		if !found {
			t.Errorf("%s: %v", params, m)
		}
	}
}

func TestW13WhatIsNotKnownIsNull(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.visible(r.Ticks.Set(r.ctx, domain.Tick{Exchange: "binance", Symbol: "BTC/USDT", Last: dec("1")}))
	m := r.dial("/ws/tickers/c", "").ask(`{"action":"get_ticker","request_id":1,"params":{"exchange":"binance","symbol":"BTC/USDT"}}`)
	result := m.object("result")
	if m["success"] != true || result.text("price") != "1" || result.text("bid") != "null" || result.text("ask") != "null" || result.text("volume") != "null" || result.text("timestamp") == "null" {
		t.Error(m)
	}
}

func TestW14TheSameRequestIDTwiceIsOneStreamAndAnError(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.dial("/ws/tickers/c", "")
	begin := `{"action":"stream_tickers","request_id":"r","params":{"exchange":"binance"}}`
	if m := s.ask(begin); m["success"] != true || m["stream_key"] != "c:r" {
		t.Fatal(m)
	}
	if m := s.ask(begin); m["success"] != false || m["error_code"] != gateway.CodeDuplicate {
		t.Error(m)
	}
	plain := r.dial("/", "")
	plain.ask(`{"operation":"stream_tickers","request_id":"r","params":{"exchange":"binance"}}`)
	plain.until("stream_live")
	if m := plain.ask(`{"operation":"unsubscribe","request_id":"u","params":{"stream_key":"r"}}`); m["success"] != true {
		t.Error(m)
	}
	if m := plain.ask(`{"operation":"stream_tickers","request_id":"r","params":{"exchange":"binance"}}`); m["success"] != true {
		t.Errorf("after unsubscribe: %v", m)
	}
	_ = s.Close(websocket.StatusNormalClosure, "")
	_ = plain.Close(websocket.StatusNormalClosure, "")
	for r.server.Stats().Feeds > 0 { // nothing goes on behind them
		if r.ctx.Err() != nil {
			t.Fatal("feeds are left")
		}
		time.Sleep(time.Millisecond)
	}
}

func TestW15BadMessagesAreAnsweredAndTheConnectionLives(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.visible(r.Ticks.Set(r.ctx, tick("BTC/USDT", "1")))
	for _, c := range []struct{ message, code, says string }{
		{`5`, gateway.CodeMalformed, "object"},
		{`null`, gateway.CodeMalformed, "object"},
		{`[]`, gateway.CodeMalformed, "object"},
		{`{"a`, gateway.CodeMalformed, ""},
		{``, gateway.CodeMalformed, ""},
		{"{\"request_id\":\"\xff\"}", gateway.CodeMalformed, "UTF-8"},
		{strings.Repeat(`[`, 20_000), gateway.CodeMalformed, ""},
		{`{"operation":5}`, gateway.CodeInvalidOperation, "text"},
		{`{"request_id":1}`, gateway.CodeInvalidOperation, "required"},
		{`{"operation":"nonsense"}`, gateway.CodeInvalidOperation, "nonsense"},
		{`{"operation":"get_ticker"}`, gateway.CodeInvalidParams, "exchange"},
		{`{"operation":"get_ticker","params":[]}`, gateway.CodeInvalidParams, ""},
		{`{"operation":"get_ticker","params":"x"}`, gateway.CodeInvalidParams, ""},
		{`{"operation":"get_ticker","params":{"exchange":"binance","symbol":5}}`, gateway.CodeInvalidParams, "symbol"},
		{`{"operation":"get_ticker","params":{"exchange":"binance","symbol":"BTC"}}`, gateway.CodeInvalidParams, "BTC"},
		{`{"operation":"get_ticker","params":{"exchange":"binance","symbol":"BTC/USDT","colour":"red"}}`, gateway.CodeInvalidParams, "colour"},
		{`{"operation":"get_candles","params":{"exchange":"binance","symbol":"BTC/USDT","timeframe":"1m","count":"x"}}`, gateway.CodeInvalidParams, "count"},
		{`{"operation":"get_candles","params":{"exchange":"binance","symbol":"BTC/USDT","timeframe":"7m"}}`, gateway.CodeInvalidParams, "7m"},
		{`{"operation":"stream_tickers","params":{"exchange":"binance","max_rate":-1}}`, gateway.CodeInvalidParams, "max_rate"},
		{`{"operation":"push_order","params":{"exchange":"binance","account":"1","bot":"b","symbol":"BTC/USDT","side":"up","amount":1}}`, gateway.CodeUnauthorized, "write:orders"},
		{`{"request_id":"` + strings.Repeat("x", 300) + `","operation":"ping"}`, gateway.CodeInvalidParams, "request_id"},
	} {
		s := r.dial("/", "")
		m := s.ask(c.message)
		if m["success"] != false || m["error_code"] != c.code || !strings.Contains(m.text("error"), c.says) {
			t.Errorf("%.80s: %v", c.message, m)
		}
		if m := s.ask(`{"request_id":7,"operation":"ping"}`); m["success"] != true || m.text("request_id") != "7" {
			t.Errorf("%.80s: the connection did not live: %v", c.message, m)
		}
	}
}

func TestW16ASlowClientIsCutAndNobodyElseNotices(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(cfg *gateway.Config) { cfg.Limits.MaxQueued = 500 })
	slow, fast := r.dial("/", ""), r.dial("/", "")
	// A long request id makes messages that fill the sockets soon.
	slow.ask(`{"request_id":"` + strings.Repeat("s", 250) + `","operation":"stream_trades","params":{"exchange":"binance","symbol":"BTC/USDT"}}`)
	fast.ask(`{"request_id":1,"operation":"stream_trades","params":{"exchange":"binance","symbol":"BTC/USDT"}}`)
	pushed := 0
	for r.server.Stats().Slow == 0 && pushed < 100_000 {
		r.pushTrades(pushed+1, pushed+500)
		for id := pushed + 1; id <= pushed+500; id++ {
			if m := fast.until("trade_update"); m["trade_id"] != fmt.Sprint(id) {
				t.Fatalf("want trade %d: %v", id, m)
			}
		}
		pushed += 500
	}
	if n := r.server.Stats().Slow; n != 1 {
		t.Errorf("%d clients were cut as slow after %d trades", n, pushed)
	}
}

func TestW17AStreamIsResumedBehindASequenceOrSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.pushTrades(1, 10)
	s := r.dial("/", "")
	s.ask(`{"request_id":1,"operation":"stream_trades","params":{"exchange":"binance","symbol":"BTC/USDT","last":10}}`)
	var fifth string
	for id := 1; id <= 5; id++ {
		m := s.until("trade_update")
		if m["snapshot"] != true || m["trade_id"] != fmt.Sprint(id) {
			t.Fatal(m)
		}
		fifth = m.text("sequence")
	}
	_ = s.CloseNow()
	r.pushTrades(11, 12)
	s = r.dial("/", "")
	s.ask(`{"request_id":1,"operation":"stream_trades","params":{"exchange":"binance","symbol":"BTC/USDT","resume":` + fifth + `}}`)
	r.pushTrades(13, 14)
	for id := 6; id <= 14; id++ {
		if m := s.until("trade_update"); m["trade_id"] != fmt.Sprint(id) {
			t.Fatalf("want trade %d: %v", id, m)
		}
	}
}

func TestW18AndW19AnOutageIsToldAndIsNotTakenForNotFound(t *testing.T) {
	t.Parallel()
	redis := testserver.NewRedis(t)
	r := newRigOn(t, redis.Store(t))
	r.visible(r.Ticks.Set(r.ctx, tick("BTC/USDT", "1")))
	s, p := r.dial("/", ""), r.dial("/ws/tickers/c", "")
	if m := s.ask(`{"request_id":1,"operation":"stream_orders","params":{"exchange":"nowhere"}}`); m["success"] != false || m["error_code"] != gateway.CodeNotFound {
		t.Errorf("a stream of what is not there: %v", m)
	}
	ask := func(symbol string) message {
		return p.ask(`{"action":"get_ticker","request_id":1,"params":{"exchange":"binance","symbol":"` + symbol + `"}}`)
	}
	if m := ask("ETH/USDT"); m["success"] != false || m["error_code"] != "TICKER_NOT_FOUND" {
		t.Error(m)
	}
	s.ask(`{"request_id":2,"operation":"stream_tickers","params":{"exchange":"binance"}}`)
	s.until("stream_live")
	redis.Kill()
	if m := s.until("stream_error"); m["error_code"] != gateway.CodeUnavailable || m.text("request_id") != "2" {
		t.Error(m)
	}
	if m := ask("ETH/USDT"); m["success"] != false || m["error_code"] != gateway.CodeUnavailable {
		t.Error(m)
	}
	redis.Start()
	s.until("stream_live")
	for m := ask("BTC/USDT"); m["success"] != true; m = ask("BTC/USDT") { // it is folded anew
		if m["error_code"] == "TICKER_NOT_FOUND" {
			t.Fatal(m)
		}
	}
}

func TestW20HealthAsksTheServers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	m := r.dial("/", "").ask(`{"operation":"health_check"}`)
	result := m.object("result")
	cache, log := message(result["cache"].(map[string]any)), message(result["log"].(map[string]any))
	if cache["status"] != "healthy" || cache["latency_ms"] == nil || log["status"] != "healthy" || log["latency_ms"] == nil {
		t.Error(m)
	}
}
