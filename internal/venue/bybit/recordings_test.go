package bybit

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue/venuetest"
)

// short is a number in its shortest form; 0 for none.
func short(text string) string {
	if text == "" {
		return "0"
	}
	return domain.MustDecimal(text).String()
}

// expected computes in the plainest way what one frame alone gives. Of trades
// only these, not the ticks that they make.
func expected(raw string) (events []string) {
	var frame struct {
		Topic, Type string
		TS          int64
		Data        json.RawMessage
	}
	if json.Unmarshal([]byte(raw), &frame) != nil {
		return nil
	}
	name := frame.Topic[strings.LastIndex(frame.Topic, ".")+1:]
	symbol := strings.TrimSuffix(strings.TrimSuffix(name, "USDT"), "USDC")
	symbol += "/" + strings.TrimPrefix(name, symbol)
	at := frame.TS * 1e6
	switch {
	case frame.Type != "snapshot":
	case frame.Topic == "orderbook.1."+name:
		var book struct{ B, A [][]string }
		_ = json.Unmarshal(frame.Data, &book)
		events = append(events, fmt.Sprintf("tick %s 0 %s/%s %s/%s 0 @%d", symbol,
			short(book.B[0][0]), short(book.B[0][1]), short(book.A[0][0]), short(book.A[0][1]), at))
	case frame.Topic == "tickers."+name && !strings.Contains(name, "-"): // no option
		var ticker map[string]string
		_ = json.Unmarshal(frame.Data, &ticker)
		events = append(events, fmt.Sprintf("tick %s %s %s/%s %s/%s %s @%d", symbol, short(ticker["lastPrice"]), short(ticker["bid1Price"]),
			short(ticker["bid1Size"]), short(ticker["ask1Price"]), short(ticker["ask1Size"]), short(ticker["volume24h"]), at))
	case frame.Topic == "publicTrade."+name:
		var trades []map[string]any
		_ = json.Unmarshal(frame.Data, &trades)
		for _, t := range trades {
			events = append(events, fmt.Sprintf("trade %s 0=%s %s %s of %s @%d", symbol, t["i"], strings.ToLower(t["S"].(string)),
				short(t["v"].(string)), short(t["p"].(string)), int64(t["T"].(float64))*1e6))
		}
	}
	return events
}

// alone decodes frames without what came before.
func alone(t *testing.T, frames ...string) (events []venuetest.Event) {
	t.Helper()
	sink := venuetest.NewSink()
	d := newTestDecoder(t, sink, "BTC/USDC")
	for _, raw := range frames {
		d.decode([]byte(raw), time.Now())
	}
	return sink.Events()
}

// kept leaves out the ticks that trades make.
func kept(events []venuetest.Event, want []string) []string {
	if len(want) > 0 && strings.HasPrefix(want[0], "trade") {
		return venuetest.Described(events, "trade")
	}
	return venuetest.Described(events, "")
}

// The recorded public trade is under a topic that the venue had before version 5,
// and the recorded bar is open: both tell nothing as they are.
func TestRecordedFrames(t *testing.T) {
	t.Parallel()
	told := 0
	var open string
	var books []string
	venuetest.Each(t, venuetest.Recording(t, "bybit/nautilus/ws.ndjson"), func(line venuetest.Line) {
		want := expected(line.Raw)
		switch line.File {
		case "ws_public_trade.json":
			line.Raw = strings.Replace(line.Raw, "trade.linear.", "publicTrade.", 1)
			if want = expected(line.Raw); want == nil {
				t.Fatal(line.Raw)
			}
		case "ws_kline.json":
			open = line.Raw
		case "ws_orderbook_snapshot.json", "ws_orderbook_delta.json":
			books = append([]string{line.Raw}, books...) // the snapshot stands behind the delta
		}
		venuetest.Same(t, line.File, kept(alone(t, line.Raw), want), want)
		told += len(want)
	})
	if told < 3 {
		t.Errorf("the frames told %d events", told)
	}
	venuetest.Same(t, "bars", venuetest.Described(alone(t, strings.Replace(open, `"confirm": false`, `"confirm": true`, 1)), ""),
		[]string{"bar BTC/USDT 5m @1672324800000000000 16649.5 16677 16608 16677 2.081 of 0"})
	// The recorded book has two levels, which the venue does not send of this topic:
	// the best ask is taken back, and what is behind it is not kept.
	venuetest.Same(t, "books", venuetest.Described(alone(t, books...), ""), []string{
		"tick BTC/USDT 0 27450/0.5 27451/0.75 0 @1709891679000000000", "tick BTC/USDT 0 27450/0.4 0/0 0 @1709891679500000000",
	})
}

// The results of another project for the same frames, one after the other; trades
// and books apart, because the trades are later than the books before them. Their
// first ones are of the interface before version 5, which has "params"; it is
// refused. So are books of 50 levels, which are not read here.
func TestRecordedPairs(t *testing.T) {
	t.Parallel()
	sink := venuetest.NewSink()
	ofTrades, others := newTestDecoder(t, sink, "BTC/USDC"), newTestDecoder(t, sink, "BTC/USDC")
	compared, refused := 0, 0
	venuetest.Each(t, venuetest.Recording(t, "bybit/tardis-node/bybit-spot.pairs.ndjson"), func(pair venuetest.Pair) {
		seen := len(sink.Events())
		if strings.Contains(pair.Raw, "publicTrade") {
			ofTrades.decode([]byte(pair.Raw), time.Now())
		} else {
			others.decode([]byte(pair.Raw), time.Now())
		}
		events := sink.Events()[seen:]
		if strings.Contains(pair.Raw, `"params"`) || strings.Contains(pair.Raw, "orderbook.50.") {
			if len(events) != 1 || events[0].Refused != "unknown kind" {
				t.Errorf("%s: got %+v", pair.Case, events)
			}
			refused++
			return
		}
		var trades, quotes []string
		for _, e := range pair.Expected {
			compared++
			at := e.Timestamp.UnixNano()
			switch e.Type {
			case "trade":
				trades = append(trades, fmt.Sprintf("trade %s/%s 0=%s %s %s of %s @%d", e.Symbol[:3], e.Symbol[3:], e.ID, e.Side, e.Amount, e.Price, at))
			case "book_ticker":
				quotes = append(quotes, fmt.Sprintf("tick %s/%s 0 %s/%s %s/%s 0 @%d", e.Symbol[:3], e.Symbol[3:], e.BidPrice, e.BidAmount, e.AskPrice, e.AskAmount, at))
			default:
				t.Errorf("%s: %s", pair.Case, e.Type)
			}
		}
		venuetest.Same(t, pair.Case, venuetest.Described(events, "trade"), trades)
		if len(trades) == 0 {
			venuetest.Same(t, pair.Case, venuetest.Described(events, "tick"), quotes)
		}
	})
	if compared != 7 || refused != 7 {
		t.Errorf("%d results were compared, %d frames refused", compared, refused)
	}
}
