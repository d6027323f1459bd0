package gateway_test

import (
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
)

func dec(text string) domain.Decimal { return domain.MustDecimal(text) }

func tick(symbol, price string) domain.Tick {
	return domain.Tick{
		Exchange: "binance", Symbol: symbol, Last: dec(price), Bid: dec(price), Volume: dec("100"), Time: time.Unix(1_700_000_000, 250_000_000),
	}
}

// What the quick start shows: a request for a ticker, word for word.
func TestATickerIsAnsweredAsTheQuickStartHasIt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.visible(r.Ticks.Set(r.ctx, tick("BTC/USDT", "50000.10")))
	for _, path := range []string{"/", "/ws", ""} {
		s := r.dial(path, "")
		m := s.ask(`{"request_id": "req_001", "operation": "get_ticker", "params": {"exchange": "binance", "symbol": "BTC/USDT"}}`)
		result := m.object("result")
		if m["request_id"] != "req_001" || m["success"] != true || result["symbol"] != "BTC/USDT" || result["exchange"] != "binance" ||
			result.text("price") != "50000.1" || result.text("timestamp") != "1700000000.25" {
			t.Errorf("%q: %v", path, m)
		}
		m = s.ask(`{"request_id": "req_002", "operation": "get_ticker", "params": {"exchange": "binance", "symbol": "ETH/USDT"}}`)
		if result := m.object("result"); m["success"] != true || result.text("price") != "null" || result.text("timestamp") != "null" {
			t.Errorf("of a market without a tick: %v", m)
		}
	}
}

func TestTickersAreStreamedAsTheQuickStartHasIt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.visible(r.Ticks.Set(r.ctx, tick("BTC/USDT", "50000")))
	s := r.dial("/", "")
	s.send(`{"request_id": "s1", "operation": "stream_tickers", "params": {"exchange": "binance", "symbols": ["BTC/USDT"]}}`)
	if m := s.next(); m["success"] != true || m["request_id"] != "s1" {
		t.Fatalf("confirmation: %v", m)
	}
	m := s.next()
	if m["type"] != "ticker_update" || m["exchange"] != "binance" || m["symbol"] != "BTC/USDT" || m.text("price") != "50000" ||
		m.text("volume") != "100" || m.text("timestamp") != "1700000000.25" || m["snapshot"] != true || m["request_id"] != "s1" {
		t.Errorf("snapshot: %v", m)
	}
	if m := s.next(); m["type"] != "stream_live" {
		t.Errorf("end of the snapshot: %v", m)
	}
	next := tick("BTC/USDT", "50001")
	next.Time = next.Time.Add(time.Second)
	r.visible(r.Ticks.Set(r.ctx, tick("ETH/USDT", "1")))
	r.visible(r.Ticks.Set(r.ctx, next))
	for m = s.next(); m.text("price") != "50001"; m = s.next() { // a tick may become stale in between
		if m["symbol"] != "BTC/USDT" {
			t.Errorf("not asked for: %v", m)
		}
	}
	if m["type"] != "ticker_update" || m["snapshot"] != nil || m["sequence"] == nil {
		t.Errorf("update: %v", m)
	}
}
