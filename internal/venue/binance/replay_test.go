package binance_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/venuetest"
)

// short is a number in its shortest form.
func short(text string) string {
	if text == "" {
		return "0"
	}
	return domain.MustDecimal(text).String()
}

// futuresMarket computes what frames of one perpetual tell, in the plainest way.
type futuresMarket struct {
	symbol, last, bid, bidSize, ask, askSize, volume string
	sequence, latest, tradedAt, summedAt             int64 // times in ms
	tick                                             string
	events                                           []string
}

type plain map[string]any

func (p plain) text(key string) string { text, _ := p[key].(string); return text }

func (p plain) number(key string) (n int64) {
	text, _ := p[key].(json.Number)
	n, _ = text.Int64()
	return n
}

func decodePlain(t *testing.T, raw string) plain {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(raw))
	decoder.UseNumber()
	var p plain
	if err := decoder.Decode(&p); err != nil {
		t.Fatal(err)
	}
	if data, wrapped := p["data"].(map[string]any); wrapped {
		return data
	}
	return p
}

// take reports whether the frame is of a kind that is read.
func (m *futuresMarket) take(p plain) bool {
	const msPerNano = 1_000_000
	switch sent := p.number("E"); p.text("e") {
	case "aggTrade":
		side := map[any]string{true: "sell", false: "buy"}[p["m"]]
		m.latest = max(m.latest, sent, p.number("T"))
		if p.number("T") >= m.tradedAt {
			m.last, m.tradedAt = p.text("p"), p.number("T")
			m.tell()
		}
		m.events = append(m.events, fmt.Sprintf("trade %s %d=%[2]d %s %s of %s @%d", m.symbol, p.number("a"), side,
			short(p.text("q")), short(p.text("p")), p.number("T")*msPerNano))
	case "bookTicker":
		m.latest = max(m.latest, sent)
		if p.number("u") > m.sequence {
			m.sequence, m.latest = p.number("u"), max(m.latest, p.number("T"))
			m.bid, m.bidSize, m.ask, m.askSize = p.text("b"), p.text("B"), p.text("a"), p.text("A")
			m.tell()
		}
	case "24hrTicker":
		if sent < m.summedAt {
			return true
		}
		m.summedAt, m.latest, m.volume = sent, max(m.latest, sent), p.text("v")
		if sent > m.tradedAt || m.last == "" {
			m.last = p.text("c")
		}
		m.tell()
	case "kline":
		m.latest = max(m.latest, sent)
		if bar := plain(p["k"].(map[string]any)); bar["x"] == true {
			m.events = append(m.events, fmt.Sprintf("bar %s %s @%d %s %s %s %s %s of %d", m.symbol, bar.text("i"), bar.number("t")*msPerNano,
				short(bar.text("o")), short(bar.text("h")), short(bar.text("l")), short(bar.text("c")), short(bar.text("v")), bar.number("n")))
		}
	default:
		return false
	}
	return true
}

// tell notes the tick, if it is another than before.
func (m *futuresMarket) tell() {
	state := fmt.Sprintf("tick %s %s %s/%s %s/%s %s @%d", m.symbol, short(m.last), short(m.bid), short(m.bidSize), short(m.ask), short(m.askSize),
		short(m.volume), m.latest*1_000_000)
	if full := fmt.Sprint(state, m.sequence); full != m.tick {
		m.tick = full
		m.events = append(m.events, state)
	}
}

// Every recorded frame of futures, over sockets. No symbol has frames of both
// endpoints, so that their order is sure.
func TestRecordedFramesOfPerpetuals(t *testing.T) {
	t.Parallel()
	markets := map[string]*futuresMarket{"BTCUSDT": {symbol: "BTC/USDT:USDT"}, "BNBUSDT": {symbol: "BNB/USDT:USDT"}}
	var frames []string
	unread := 0
	venuetest.Each(t, venuetest.Recording(t, "binance/nautilus/ws.ndjson"), func(line venuetest.Line) {
		if !strings.Contains(line.File, "futures") {
			return
		}
		frames = append(frames, line.Raw)
		p := decodePlain(t, line.Raw)
		m := markets[p.text("s")]
		if m == nil || !m.take(p) {
			unread++
		}
	})
	events := venuetest.Play(t, perpetuals(), []string{"BTC/USDT:USDT", "BNB/USDT:USDT"}, frames)
	read := 0
	for name, m := range markets {
		var got []string
		for _, e := range events {
			if text := venuetest.Describe(e); strings.Contains(text, " "+m.symbol+" ") {
				got = append(got, text)
			}
		}
		venuetest.Same(t, name, got, m.events)
		read += len(got)
	}
	refused := 0
	for _, e := range events {
		if e.Refused == "" {
			continue
		}
		if refused++; e.Refused != venue.RefusedKind {
			t.Errorf("refused as %s: %v", e.Refused, e.Err)
		}
	}
	t.Logf("%d frames, %d events, %d frames of other kinds", len(frames), read, refused)
	if refused != unread || read != 5 {
		t.Errorf("%d refused, want %d; %d events", refused, unread, read)
	}
}

// A recording of spot in the form of perpetuals: each trade comes once and whole,
// and the last quote is the recorded one.
func TestRecordedTradesInTheFormOfPerpetuals(t *testing.T) {
	t.Parallel()
	const symbol, trades, quotes = "BTC/USDT:USDT", 9757, 28040
	var frames, want []string
	market := futuresMarket{symbol: symbol}
	venuetest.Each(t, venuetest.Recording(t, "binance/hftbacktest/spot_btcusdt_20240808.ndjson.gz"), func(line venuetest.Line) {
		p := decodePlain(t, line.Raw)
		switch {
		case line.Dir != "recv":
			return
		case p.text("e") == "trade":
			p["e"], p["a"] = "aggTrade", p["t"]
		case p.text("e") == "" && p["u"] != nil:
			// The clock of the recording runs behind the venue's by more than a message takes.
			p["e"], p["T"], p["E"] = "bookTicker", line.Received/1_000_000, line.Received/1_000_000
		default:
			return
		}
		frame, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, string(frame))
		market.take(decodePlain(t, string(frame)))
	})
	for _, text := range market.events {
		if strings.HasPrefix(text, "trade") {
			want = append(want, text)
		}
	}
	events := venuetest.Play(t, perpetuals(), []string{symbol}, frames)
	venuetest.Same(t, "trades", venuetest.Described(events, "trade"), want)
	ticks := venuetest.Described(events, "tick")
	got, _, _ := strings.Cut(ticks[len(ticks)-1], " @")
	end, _, _ := strings.Cut(market.tick, " @")
	if got != end {
		t.Errorf("the last tick\n got %s\nwant %s", got, end)
	}
	t.Logf("%d trades, %d ticks", len(want), len(ticks))
	if len(want) != trades || len(frames) != trades+quotes {
		t.Errorf("%d trades and %d frames were played", len(want), len(frames))
	}
}
