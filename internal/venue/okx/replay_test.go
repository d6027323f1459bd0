package okx_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/fullon/fullon/internal/replay"
	"github.com/fullon/fullon/internal/venue/venuetest"
)

// recording is what a recording tells of an instrument.
type recording struct {
	wantTrades []string
	wantTicks  []string // of the quotes alone
	market     market
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
	venuetest.Each(t, venuetest.Recording(t, "okx/cryptofeed/okx.ws.1.0.ndjson.gz"), func(line venuetest.Line) {
		m := decodeMessage(t, line.Raw)
		if line.Dir != "recv" || m.Arg.InstID != name {
			return
		}
		before := r.market.String()
		switch m.Arg.Channel {
		case "trades":
			for _, data := range m.Data {
				v := decodeInto[fill](t, data)
				r.wantTrades = append(r.wantTrades, fmt.Sprintf("trade %s %s=%s %s %s of %s @%s", symbol, v.TradeID, v.TradeID, v.Side,
					e.base(v.Sz, v.Px), short(rat(v.Px)), nanos(v.TS)))
			}
		case "tickers":
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
// compared of one endpoint alone.
func TestRecordingIsPlayed(t *testing.T) {
	t.Parallel()
	_, entries := catalogue2022(t)
	files := venuetest.Recordings(t, "okx")
	catalogue, both := files[0], files[1]
	var quotes []venuetest.Line
	venuetest.Each(t, venuetest.Recording(t, "okx/cryptofeed/okx.ws.1.0.ndjson.gz"), func(line venuetest.Line) {
		if line.Dir == "recv" && decodeMessage(t, line.Raw).Arg.Channel != "trades" {
			quotes = append(quotes, line)
		}
	})
	future := func(stream string) bool { return strings.HasSuffix(stream, "-220527") }
	play := func(file string, kinds map[string]int) []venuetest.Event {
		events := venuetest.Replay(t, script().New, replay.Config{Venue: "okx", Files: []string{catalogue, file}}, future, venuetest.Count(kinds))
		for _, e := range events {
			if e.Refused != "" {
				t.Errorf("refused as %s: %v", e.Refused, e.Err)
			}
		}
		return events
	}
	spot, swap := recorded(t, "BTC-USDT", entries["BTC-USDT"]), recorded(t, "UNI-USD-SWAP", entries["UNI-USD-SWAP"])
	ticks := len(spot.wantTicks) + len(swap.wantTicks)
	of := map[string]recording{"BTC/USDT": spot, "UNI/USD:UNI": swap}
	events := play(venuetest.WriteRecording(t, "wss://ws.okx.com:8443/ws/v5/public", quotes), map[string]int{"tick": ticks})
	for symbol, r := range of {
		venuetest.Same(t, "ticks of "+symbol, venuetest.Described(events, "tick "+symbol+" "), r.wantTicks)
	}
	// Each trade makes a tick too, unless it changes nothing.
	events = play(both, map[string]int{"trade": len(spot.wantTrades) + len(swap.wantTrades), "tick": ticks})
	for symbol, r := range of {
		venuetest.Same(t, "trades of "+symbol, venuetest.Described(events, "trade "+symbol+" "), r.wantTrades)
	}
	t.Logf("%d trades, %d ticks of quotes", len(spot.wantTrades)+len(swap.wantTrades), ticks)
	if len(spot.wantTrades) != 69 || len(swap.wantTrades) != 1 || len(spot.wantTicks) != 95 || len(swap.wantTicks) != 50 {
		t.Errorf("%d and %d trades, %d and %d ticks were played", len(spot.wantTrades), len(swap.wantTrades), len(spot.wantTicks), len(swap.wantTicks))
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
