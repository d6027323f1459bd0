package kraken

import (
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/venuetest"
)

// now is when the frames of these tests arrive.
var now = time.Date(2026, 7, 10, 1, 0, 0, 0, time.UTC)

const (
	tickerFrame = `{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":99.9,"bid_qty":1.20000000,"ask":100.1,"ask_qty":2.3,` +
		`"last":100.0,"volume":4182.59447976,"vwap":64223.4,"low":1,"high":2,"change":4213.8,"change_pct":6.84,"timestamp":"2026-07-10T00:00:02.123456Z"}]}`
	tradeFrame = `{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy","price":100.1,"qty":0.25,"ord_type":"limit",` +
		`"trade_id":1230000000,"timestamp":"2026-07-10T00:00:00.123456Z"}]}`
	barFrame = `{"channel":"ohlc","type":"update","timestamp":"2026-07-10T00:01:00.1Z","data":[{"symbol":"BTC/USD","open":10,"high":12,"low":9,` +
		`"close":11,"trades":42,"volume":55.5,"vwap":10.5,"interval_begin":"2026-07-10T00:01:00.000000000Z","interval":1,"timestamp":"2026-07-10T00:02:00.000000Z"}]}`
	ackFrame = `{"method":"subscribe","req_id":1,"result":{"channel":"ticker","event_trigger":"bbo","snapshot":true,"symbol":"BTC/USD"},"success":true}`
)

func newTestDecoder(t testing.TB, sink venue.Sink, symbols ...string) *decoder {
	t.Helper()
	f, err := venue.NewFeed("kraken", append(symbols, "BTC/USD", "ETH/USD"), VenueSymbol, sink)
	if err != nil {
		t.Fatal(err)
	}
	d := newDecoder(f)
	return &d
}

func decoded(t *testing.T, frames ...string) (texts []string) {
	t.Helper()
	sink := venuetest.NewSink()
	d := newTestDecoder(t, sink)
	for _, frame := range frames {
		d.decode([]byte(frame), now)
	}
	return venuetest.Described(sink.Events(), "")
}

func TestDecode(t *testing.T) {
	t.Parallel()
	laterBar := strings.ReplaceAll(barFrame, "00:01:00.000000000Z", "00:03:00.000000000Z")
	for name, c := range map[string]struct{ frames, want []string }{
		"ticker": {[]string{tickerFrame}, []string{"tick BTC/USD 100 99.9/1.2 100.1/2.3 4182.59447976 @1783641602123456000"}},
		"an older ticker is ignored": {
			[]string{tickerFrame, strings.NewReplacer("02.12", "01.12", "99.9", "98").Replace(tickerFrame)},
			[]string{"tick BTC/USD 100 99.9/1.2 100.1/2.3 4182.59447976 @1783641602123456000"},
		},
		"trade": {[]string{tradeFrame}, []string{
			"tick BTC/USD 100.1 0/0 0/0 0 @1783641600123456000",
			"trade BTC/USD 1230000000=1230000000 buy 0.25 of 100.1 @1783641600123456000",
		}},
		"a ticker older than the last trade leaves last": {
			[]string{strings.Replace(tradeFrame, "00:00:00.12", "00:00:05.12", 1), tickerFrame},
			[]string{
				"tick BTC/USD 100.1 0/0 0/0 0 @1783641605123456000",
				"trade BTC/USD 1230000000=1230000000 buy 0.25 of 100.1 @1783641605123456000",
				"tick BTC/USD 100.1 99.9/1.2 100.1/2.3 4182.59447976 @1783641605123456000",
			},
		},
		"an open bar is not told": {[]string{barFrame, barFrame}, nil},
		"a bar is final when a later one begins": {
			[]string{barFrame, strings.Replace(barFrame, `"close":11`, `"close":12`, 1), laterBar, laterBar},
			[]string{"bar BTC/USD 1m @1783641660000000000 10 12 9 12 55.5 of 42"},
		},
		"a bar that is corrected is told again": {
			[]string{laterBar, barFrame},
			[]string{"bar BTC/USD 1m @1783641660000000000 10 12 9 11 55.5 of 42"},
		},
		"bars of other lengths are apart": {
			[]string{barFrame, strings.NewReplacer(`"interval":1`, `"interval":60`, "00:01:00.000000000Z", "01:00:00.000000000Z").Replace(barFrame)}, nil,
		},
		"a market that has nothing tells nothing": {
			[]string{`{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":0,"bid_qty":0,"ask":0,"ask_qty":0,"timestamp":"1970-01-01T00:00:00.000000Z"}]}`}, nil,
		},
		"numbers with exponents": {
			[]string{strings.NewReplacer("100.1", "1e-7", "0.25", "2.5E2").Replace(tradeFrame)},
			[]string{
				"tick BTC/USD 0.0000001 0/0 0/0 0 @1783641600123456000",
				"trade BTC/USD 1230000000=1230000000 buy 250 of 0.0000001 @1783641600123456000",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			venuetest.Same(t, "events", decoded(t, c.frames...), c.want)
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	replace := func(frame, old, with string) string {
		if !strings.Contains(frame, old) {
			panic(old + " is not in " + frame)
		}
		return strings.Replace(frame, old, with, 1)
	}
	second := `},{"symbol":"ETH/USD","side":"up","price":1,"qty":1,"trade_id":1,"timestamp":"2026-07-10T00:00:00Z"}]}`
	for name, c := range map[string]struct{ frame, kind string }{
		"no object":              {`[1]`, "malformed"},
		"channel no text":        {`{"channel":1}`, "malformed"},
		"method no text":         {`{"method":1}`, "malformed"},
		"no data":                {`{"channel":"trade","type":"update"}`, "malformed"},
		"data no list":           {`{"channel":"trade","data":{}}`, "malformed"},
		"element no object":      {`{"channel":"trade","data":[1]}`, "malformed"},
		"symbol missing":         {replace(tradeFrame, `"symbol"`, `"z"`), "malformed"},
		"side of another kind":   {replace(tradeFrame, `"buy"`, `"hold"`), "malformed"},
		"price as text":          {replace(tradeFrame, `100.1`, `"100.1"`), "malformed"},
		"price negative":         {replace(tradeFrame, `100.1`, `-100.1`), "malformed"},
		"price zero":             {replace(tradeFrame, `100.1`, `0`), "trade"},
		"size zero":              {replace(tradeFrame, `0.25`, `0.00`), "trade"},
		"id zero":                {replace(tradeFrame, `1230000000`, `0`), "malformed"},
		"id as text":             {replace(tradeFrame, `1230000000`, `"1"`), "malformed"},
		"time no time":           {replace(tradeFrame, `2026-07-10T00:00:00.123456Z`, `1783555200`), "malformed"},
		"time ahead":             {replace(tradeFrame, `2026-07-10`, `2027-07-10`), "malformed"},
		"second element wrong":   {replace(tradeFrame, `}]}`, second), "malformed"},
		"bid missing":            {replace(tickerFrame, `"bid":`, `"z":`), "malformed"},
		"ask of exponent":        {replace(tickerFrame, `"ask":100.1`, `"ask":1e50`), "malformed"},
		"last as text":           {replace(tickerFrame, `"last":100.0`, `"last":"100.0"`), "malformed"},
		"bar of 3 minutes":       {replace(barFrame, `"interval":1`, `"interval":3`), "unknown kind"},
		"bar without a begin":    {replace(barFrame, `"interval_begin"`, `"z"`), "malformed"},
		"book":                   {`{"channel":"book","data":[]}`, "unknown kind"},
		"empty":                  {`{}`, "unknown kind"},
		"another's answer":       {`{"method":"add_order"}`, "unknown kind"},
		"trade of another":       {replace(tradeFrame, `BTC/USD`, `XRP/USD`), "unknown symbol"},
		"version 1":              {`[170,[["0.01","2.5","1561939201.58","s","l",""]],"trade","LTC/XBT"]`, "malformed"},
		"status of another kind": {`{"channel":"status","data":[{"system":"maintenance"}]}`, "maintenance"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sink := venuetest.NewSink()
			d := newTestDecoder(t, sink)
			d.decode([]byte(c.frame), now)
			events := sink.Events()
			if len(events) != 1 || events[0].Refused != c.kind || events[0].Err == nil {
				t.Fatalf("got %+v, want one refusal as %q", events, c.kind)
			}
			d.decode([]byte(tradeFrame), now) // it goes on
			sink.Await(t, "trade", venuetest.IsTrade)
		})
	}
}

func TestOddAnswersAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ frame, kind string }{
		{strings.Replace(ackFrame, `"req_id":1`, `"req_id":99`, 1), "subscription"},
		{strings.Replace(ackFrame, `BTC/USD`, `XRP/USD`, 1), "subscription"},
		{strings.Replace(ackFrame, `"req_id":1,`, ``, 1), "malformed"},
		{strings.Replace(ackFrame, `true}`, `"yes"}`, 1), "malformed"},
		{strings.Replace(ackFrame, `"result":{`, `"result":1,"z":{`, 1), "malformed"},
		{`{"method":"subscribe","req_id":1,"success":false}`, "malformed"},
	} {
		sink := venuetest.NewSink()
		f, _ := venue.NewFeed("kraken", []string{"BTC/USD"}, VenueSymbol, sink)
		d := newDialect(f, f.Names(), time.Minute)
		d.Opening()
		d.Handle([]byte(c.frame), now)
		if e := sink.Events(); len(e) != 1 || e[0].Refused != c.kind {
			t.Errorf("%s: got %+v, want a refusal as %q", c.frame, e, c.kind)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, frame := range []string{
		tickerFrame, tradeFrame, barFrame, ackFrame, `{"channel":"heartbeat"}`, `{"method":"pong"}`,
		`{"error":"no","method":"subscribe","req_id":2,"success":false,"symbol":"BTC/USD"}`,
		`{"channel":"status","data":[{"system":"maintenance"}]}`, `{"channel":"trade","data":[[]]}`, `[[[[`, ``,
	} {
		f.Add([]byte(frame), []byte(tickerFrame))
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		feed, err := venue.NewFeed("kraken", []string{"BTC/USD"}, VenueSymbol, venuetest.Checking{TB: t})
		if err != nil {
			t.Fatal(err)
		}
		d := newDialect(feed, feed.Names(), time.Minute)
		d.Opening()
		d.Handle(first, now)
		d.Handle(second, now)
	})
}

// The frames differ in their numbers, so that no update is the same as before.
func BenchmarkDecode(b *testing.B) {
	for name, c := range map[string]struct{ frame, number string }{
		"ticker":  {strings.Replace(tickerFrame, "4182.59447976", "4000000000", 1), "4000000000"},
		"trade":   {tradeFrame, "1230000000"},
		"bar":     {strings.Replace(barFrame, "55.5", "5000000000", 1), "5000000000"},
		"unknown": {`{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[],"asks":[],"checksum":1000000000}]}`, "1000000000"},
	} {
		b.Run(name, func(b *testing.B) {
			venuetest.BenchmarkFrame(b, c.frame, c.number, newTestDecoder(b, venuetest.Nothing{}).decodeAny)
		})
	}
}

func (d *decoder) decodeAny(frame []byte) { d.decode(frame, now) }
