package okx_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/fullon/fullon/internal/venue/venuetest"
)

// recording is what a recording has of an instrument, in the form of today.
type recording struct {
	trades, quotes []string // frames of the two endpoints
	all            []string // both, in the order of the recording
	wantTrades     []string
	wantTicks      []string // of the quotes alone
	last           string   // price of the last trade
	market         market
}

// market merges in the plainest way.
type market struct {
	last, bid, bidSize, ask, askSize, volume string
	at                                       string // ms of the newest best bid and ask
}

func (m *market) String() string {
	at := "0"
	if m.at != "" {
		at = nanos(m.at)
	}
	return fmt.Sprintf("%s %s/%s %s/%s %s @%s", short(rat(m.last)), short(rat(m.bid)), zero(m.bidSize), short(rat(m.ask)), zero(m.askSize), short(rat(m.volume)), at)
}

func zero(text string) string { return cmp.Or(text, "0") }

// levels are the sides of a book, by price.
type levels struct{ bids, asks map[string]string }

// take applies an update and returns the best of both sides, price and size.
func (l *levels) take(action string, b best) (bid, ask []string) {
	if action == "snapshot" {
		l.bids, l.asks = map[string]string{}, map[string]string{}
	}
	for side, list := range map[*map[string]string][][]string{&l.bids: b.Bids, &l.asks: b.Asks} {
		for _, v := range list {
			if (*side)[v[0]] = v[1]; rat(v[1]).Sign() == 0 {
				delete(*side, v[0])
			}
		}
	}
	byPrice := func(x, y string) int { return rat(x).Cmp(rat(y)) }
	highest := slices.MaxFunc(slices.Collect(maps.Keys(l.bids)), byPrice)
	lowest := slices.MinFunc(slices.Collect(maps.Keys(l.asks)), byPrice)
	return []string{highest, l.bids[highest]}, []string{lowest, l.asks[lowest]}
}

// recorded reads the recording of 2022. It has the channel trades as it was before
// it joined trades, which is what trades-all has been since, and books, of which
// the best bid and ask are what bbo-tbt has.
func recorded(t *testing.T, name string, e entry) (r recording) {
	t.Helper()
	symbol, book, quoted := unified(name), levels{}, ""
	tick := func(before string) {
		if r.market.String() != before {
			r.wantTicks = append(r.wantTicks, fmt.Sprintf("tick %s %s", symbol, &r.market))
		}
	}
	quote := func(frame string) {
		r.quotes = append(r.quotes, frame)
		r.all = append(r.all, frame)
	}
	venuetest.Each(t, venuetest.Recording(t, "okx/cryptofeed/okx.ws.1.0.ndjson.gz"), func(line venuetest.Line) {
		m := decodeMessage(t, line.Raw)
		if line.Dir != "recv" || m.Arg.InstID != name {
			return
		}
		before := r.market.String()
		switch m.Arg.Channel {
		case "trades":
			frame := strings.Replace(line.Raw, `"trades"`, `"trades-all"`, 1)
			r.trades = append(r.trades, frame)
			r.all = append(r.all, frame)
			for _, data := range m.Data {
				v := decodeInto[fill](t, data)
				r.last = v.Px
				r.wantTrades = append(r.wantTrades, fmt.Sprintf("trade %s %s=%s %s %s of %s @%s", symbol, v.TradeID, v.TradeID, v.Side,
					e.base(v.Sz, v.Px), short(rat(v.Px)), nanos(v.TS)))
			}
		case "tickers":
			quote(line.Raw)
			for _, data := range m.Data {
				v := decodeInto[ticker](t, data)
				r.market.volume = v.Vol24h
				if e.InstType == "SWAP" {
					r.market.volume = v.VolCcy24h
				}
				r.market.last = cmp.Or(r.market.last, v.Last)
				if r.market.at == "" {
					r.market.bid, r.market.bidSize = v.BidPx, e.base(v.BidSz, v.BidPx)
					r.market.ask, r.market.askSize = v.AskPx, e.base(v.AskSz, v.AskPx)
				}
			}
		case "books":
			for _, data := range m.Data {
				v := decodeInto[best](t, data)
				bid, ask := book.take(m.Action, v)
				state := fmt.Sprint(bid, ask)
				if state == quoted {
					return
				}
				quoted = state
				sides, _ := json.Marshal(map[string]any{"bids": [][]string{append(bid, "0", "1")}, "asks": [][]string{append(ask, "0", "1")}, "ts": v.TS})
				quote(fmt.Sprintf(`{"arg":{"channel":"bbo-tbt","instId":%q},"data":[%s]}`, name, sides))
				r.market.bid, r.market.bidSize = bid[0], e.base(bid[1], bid[0])
				r.market.ask, r.market.askSize = ask[0], e.base(ask[1], ask[0])
				r.market.at = v.TS
			}
		}
		if m.Data != nil && m.Arg.Channel != "trades" {
			tick(before)
		}
	})
	return r
}

// A recording of the exchange over sockets, of a spot symbol and of an inverse swap.
// What two connections tell comes in no order between them, so that ticks are
// compared of one endpoint, and of both only where they end.
func TestRecordingOverSockets(t *testing.T) {
	t.Parallel()
	bodies, entries := catalogue2022(t)
	ofRecording := func(s venuetest.Script) venuetest.Script {
		s.REST = func(b venuetest.Book) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body := bodies[r.URL.Query().Get("instType")]
				for _, symbol := range b.Symbols { // what ends the play is not among the recorded ones
					if strings.HasPrefix(symbol.Name, "NOBODY") {
						one, _ := json.Marshal(listing(symbol))
						body = strings.Replace(body, `"data":[`, `"data":[`+string(one)+`,`, 1)
					}
				}
				_, _ = w.Write([]byte(body))
			})
		}
		return s
	}
	for name, c := range map[string]struct {
		script        venuetest.Script
		trades, ticks int
	}{
		"BTC-USDT":     {script(), 69, 95},
		"UNI-USD-SWAP": {ofSwaps(script()), 1, 50},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, s, symbol := recorded(t, name, entries[name]), ofRecording(c.script), unified(name)
			play := func(frames []string) []venuetest.Event {
				events := venuetest.Play(t, s, []string{symbol}, frames)
				for _, e := range events {
					if e.Refused != "" {
						t.Errorf("refused as %s: %v", e.Refused, e.Err)
					}
				}
				return events
			}
			venuetest.Same(t, "trades", venuetest.Described(play(r.trades), "trade"), r.wantTrades)
			venuetest.Same(t, "ticks", venuetest.Described(play(r.quotes), "tick"), r.wantTicks)
			events := play(r.all)
			venuetest.Same(t, "trades", venuetest.Described(events, "trade"), r.wantTrades)
			ticks := venuetest.Described(events, "tick")
			r.market.last = r.last
			end := fmt.Sprintf("tick %s %s", symbol, &r.market)
			got, _, _ := strings.Cut(ticks[len(ticks)-1], " @")
			want, _, _ := strings.Cut(end, " @")
			if got != want {
				t.Errorf("the last tick\n got %s\nwant %s", got, want)
			}
			t.Logf("%d trades, %d ticks of quotes", len(r.wantTrades), len(r.wantTicks))
			if len(r.wantTrades) != c.trades || len(r.wantTicks) != c.ticks {
				t.Errorf("%d trades and %d ticks were played", len(r.wantTrades), len(r.wantTicks))
			}
		})
	}
}

// The ids of trades count the trades of an instrument, which is what holes are seen
// by.
func TestRecordedTradesAreNumberedWithoutHoles(t *testing.T) {
	t.Parallel()
	newest, pairs := map[string]uint64{}, 0
	venuetest.Each(t, venuetest.Recording(t, "okx/cryptofeed/okx.ws.1.0.ndjson.gz"), func(line venuetest.Line) {
		m := decodeMessage(t, line.Raw)
		if line.Dir != "recv" || m.Arg.Channel != "trades" {
			return
		}
		for _, data := range m.Data {
			var number uint64
			if _, err := fmt.Sscan(decodeInto[fill](t, data).TradeID, &number); err != nil {
				t.Fatal(err)
			}
			if before := newest[m.Arg.InstID]; before != 0 {
				if pairs++; number != before+1 {
					t.Errorf("%s: %d after %d", m.Arg.InstID, number, before)
				}
			}
			newest[m.Arg.InstID] = number
		}
	})
	if pairs != 71 {
		t.Errorf("%d trades followed another, want 71", pairs)
	}
}
