package gateway_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/coder/websocket"
	"github.com/vmihailenco/msgpack/v5"
)

// Who asks in msgpack is answered so, streams too.
func TestMsgpackIsAnsweredInMsgpack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.visible(r.Ticks.Set(r.ctx, tick("BTC/USDT", "50000.10")))
	s := r.dial("/", secret)
	ask := func(question map[string]any) map[string]any {
		raw, err := msgpack.Marshal(question)
		if err == nil {
			err = s.Write(r.ctx, websocket.MessageBinary, raw)
		}
		if err != nil {
			t.Fatal(err)
		}
		return s.unpacked()
	}
	m := ask(map[string]any{"request_id": 7, "operation": "get_ticker", "params": map[string]any{"exchange": "binance", "symbol": "BTC/USDT"}})
	result, _ := m["result"].(map[string]any)
	if m["success"] != true || result["price"] != "50000.1" || result["timestamp"] != 1700000000.25 {
		t.Errorf("%v", m)
	}
	m = ask(map[string]any{"request_id": "s", "operation": "stream_tickers", "params": map[string]any{"exchange": "binance", "symbols": []string{"BTC/USDT"}}})
	if m["success"] != true {
		t.Fatal(m)
	}
	if m = s.unpacked(); m["type"] != "ticker_update" || m["snapshot"] != true || m["request_id"] != "s" || m["price"] != "50000.1" {
		t.Errorf("%v", m)
	}
	if m = s.unpacked(); m["type"] != "stream_live" {
		t.Errorf("%v", m)
	}
	m = ask(map[string]any{"operation": "set_position", "params": map[string]any{"account": 1001, "symbol": "BTC/USDT", "volume": 0.5, "price": "50000"}})
	for m["type"] != nil { // a tick may become stale in between
		m = s.unpacked()
	}
	if m["success"] != true {
		t.Errorf("%v", m)
	}
	for _, junk := range [][]byte{{0xc1}, {0x93, 1, 2, 3}, {0x81, 0xa1}, {}, bytes.Repeat([]byte{0x91}, 5000)} {
		if err := s.Write(r.ctx, websocket.MessageBinary, junk); err != nil {
			t.Fatal(err)
		}
		m := s.unpacked()
		for m["type"] != nil {
			m = s.unpacked()
		}
		if m["error_code"] != "MALFORMED_MESSAGE" {
			t.Errorf("% x: %v", junk[:min(4, len(junk))], m)
		}
	}
}

func (s *socket) unpacked() (m map[string]any) {
	s.r.tb.Helper()
	kind, data, err := s.Read(s.r.ctx)
	if err == nil && kind == websocket.MessageBinary {
		err = msgpack.Unmarshal(data, &m)
	}
	if err != nil || m == nil {
		s.r.tb.Fatalf("%v: %v % x", err, kind, data)
	}
	return m
}

// FuzzMessages holds the server to answering whatever comes, with JSON.
func FuzzMessages(f *testing.F) {
	for _, seed := range []string{
		`{"request_id":1,"operation":"get_ticker","params":{"exchange":"binance","symbol":"BTC/USDT"}}`,
		`{"operation":"get_candles","params":{"symbol":"A/B","timeframe":"1m","count":1e9,"from":"2026-01-01T00:00:00Z"}}`,
		`{"operation":"push_order","params":{"amount":"1e-5","price":-0,"order_id":5,"expires":1e300}}`,
		`{"operation":"unsubscribe","params":{"stream_key":"x"}}`, `{"operation":"pop_order","params":{"exchange":"binance"}}`, `[`, `{}`, `"`, "\x00",
	} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	r := newRig(f)
	s := r.dial("/", secret)
	f.Fuzz(func(t *testing.T, data []byte, text bool) {
		if len(data) > 60_000 || bytes.Contains(data, []byte("stream")) {
			return // what streams send is no answer
		}
		kind := websocket.MessageBinary
		if text {
			kind = websocket.MessageText
		}
		if err := s.Write(t.Context(), kind, data); err != nil {
			t.Fatal(err)
		}
		got, answer, err := s.Read(t.Context())
		if err != nil || got != kind || text && !json.Valid(answer) {
			t.Fatalf("%v: %v %s", err, got, answer)
		}
	})
}
