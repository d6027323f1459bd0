package coinbase

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/venuetest"
)

// now is when the frames of these tests arrive.
var now = time.Date(2026, 7, 10, 1, 0, 0, 0, time.UTC)

const (
	tickerFrame = `{"channel":"ticker","client_id":"","timestamp":"2026-07-10T00:00:03.000000Z","sequence_num":0,"events":[{"type":"update","tickers":[` +
		`{"type":"ticker","product_id":"BTC-USD","price":"68900.50","volume_24_h":"15328.12345678","low_24_h":"1","best_bid":"68900.00",` +
		`"best_bid_quantity":"1.50000000","best_ask":"68901.00","best_ask_quantity":"0.50000000"}]}]}`
	tradeFrame = `{"channel":"market_trades","client_id":"","timestamp":"2026-07-10T00:00:02.789012Z","sequence_num":0,"events":[{"type":"update","trades":[` +
		`{"trade_id":"1995098700","product_id":"BTC-USD","price":"68900.50","size":"0.00150000","side":"BUY","time":"2026-07-10T00:00:02.789012Z"}]}]}`
	barFrame = `{"channel":"candles","client_id":"","timestamp":"2026-07-10T00:05:05Z","sequence_num":0,"events":[{"type":"update","candles":[` +
		`{"start":"1783641600","high":"68950.00","low":"68850.00","open":"68900.00","close":"68920.50","volume":"42.15000000","product_id":"BTC-USD"}]}]}`
	listFrame = `{"channel":"subscriptions","client_id":"","timestamp":"2026-07-10T00:00:00Z","sequence_num":0,"events":[{"subscriptions":` +
		`{"ticker":["BTC-USD","ETH-USD"],"market_trades":["BTC-USD","ETH-USD"],"candles":["BTC-USD","ETH-USD"],"status":["BTC-USD","ETH-USD"]}}]}`
)

func newTestDecoder(t testing.TB, sink venue.Sink, symbols ...string) *decoder {
	t.Helper()
	f, err := venue.NewFeed("coinbase", append(symbols, "BTC/USD", "ETH/USD"), VenueSymbol, sink)
	if err != nil {
		t.Fatal(err)
	}
	d := newDecoder(f)
	return &d
}

func newTestDialect(t testing.TB, sink venue.Sink) *dialect {
	t.Helper()
	f, err := venue.NewFeed("coinbase", []string{"BTC/USD", "ETH/USD"}, VenueSymbol, sink)
	if err != nil {
		t.Fatal(err)
	}
	d := newDialect(f, f.Names(), time.Minute)
	d.Opening()
	return d
}

func TestDecode(t *testing.T) {
	t.Parallel()
	const (
		tick  = "tick BTC/USD 68900.5 68900/1.5 68901/0.5 15328.12345678 @1783641603000000000"
		trade = "trade BTC/USD 1995098700=1995098700 sell 0.0015 of 68900.5 @1783641602789012000"
	)
	for name, c := range map[string]struct{ frames, want []string }{
		"ticker":                     {[]string{tickerFrame, tickerFrame}, []string{tick}},
		"a ticker without a book":    {[]string{strings.NewReplacer(`"68900.00"`, `""`, `"best_ask":"68901.00",`, ``).Replace(tickerFrame)}, []string{"tick BTC/USD 68900.5 0/0 0/0 15328.12345678 @1783641603000000000"}},
		"the side is turned round":   {[]string{tradeFrame}, []string{"tick BTC/USD 68900.5 0/0 0/0 0 @1783641602789012000", trade}},
		"a trade does not take back": {[]string{tickerFrame, strings.Replace(tradeFrame, "68900.50", "1.00", 1)}, []string{tick, strings.Replace(trade, "68900.5", "1", 1)}},
		"bars within one message": {
			[]string{barFrame, strings.NewReplacer(`"candles":[`, `"candles":[{"start":"1783641900","high":"1","low":"1","open":"1","close":"1","volume":"1","product_id":"BTC-USD"},`, "68920.50", "68921.00").Replace(barFrame)},
			[]string{"bar BTC/USD 5m @1783641600000000000 68900 68950 68850 68921 42.15 of 0"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sink := venuetest.NewSink()
			d := newTestDecoder(t, sink)
			for _, frame := range c.frames {
				d.decode([]byte(frame), now)
			}
			venuetest.Same(t, "events", venuetest.Described(sink.Events(), ""), c.want)
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
	for name, c := range map[string]struct{ frame, kind string }{
		"no object":           {`[1]`, "malformed"},
		"channel no text":     {`{"channel":1}`, "malformed"},
		"no events":           {`{"channel":"market_trades"}`, "malformed"},
		"event no object":     {`{"channel":"market_trades","events":[1]}`, "malformed"},
		"trades no list":      {`{"channel":"market_trades","events":[{"trades":{}}]}`, "malformed"},
		"trade no object":     {`{"channel":"market_trades","events":[{"trades":[1]}]}`, "malformed"},
		"product missing":     {replace(tradeFrame, `"product_id"`, `"z"`), "malformed"},
		"side unknown":        {replace(tradeFrame, `"BUY"`, `"buy"`), "malformed"},
		"price a number":      {replace(tradeFrame, `"68900.50"`, `68900.50`), "malformed"},
		"price negative":      {replace(tradeFrame, `"68900.50"`, `"-1"`), "malformed"},
		"price exponent":      {replace(tradeFrame, `"68900.50"`, `"1e5"`), "malformed"},
		"price zero":          {replace(tradeFrame, `"68900.50"`, `"0"`), "trade"},
		"id a number":         {replace(tradeFrame, `"1995098700"`, `1995098700`), "malformed"},
		"id a UUID":           {replace(tradeFrame, `"1995098700"`, `"0a"`), "malformed"},
		"time ahead":          {replace(tradeFrame, `"time":"2026`, `"time":"2027`), "malformed"},
		"ticker without time": {replace(tickerFrame, `"timestamp"`, `"z"`), "malformed"},
		"ticker size bad":     {replace(tickerFrame, `"1.50000000"`, `"many"`), "malformed"},
		"bar start a number":  {replace(barFrame, `"1783641600"`, `1783641600`), "malformed"},
		"bar start ahead":     {replace(barFrame, `"1783641600"`, `"1993641600"`), "malformed"},
		"level 2":             {`{"channel":"l2_data","events":[]}`, "unknown kind"},
		"empty":               {`{}`, "unknown kind"},
		"another type":        {`{"type":"snapshot"}`, "unknown kind"},
		"trade of another":    {replace(tradeFrame, `BTC-USD`, `XRP-USD`), "unknown symbol"},
		"number a text":       {replace(tradeFrame, `"sequence_num":0`, `"sequence_num":7`), "sequence"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sink := venuetest.NewSink()
			d := newTestDecoder(t, sink)
			d.decode([]byte(c.frame), now)
			var refused []string
			for _, e := range sink.Events() {
				if e.Refused != "" {
					refused = append(refused, e.Refused)
				}
			}
			if len(refused) != 1 || refused[0] != c.kind {
				t.Fatalf("got %q, want one refusal as %q", refused, c.kind)
			}
			d.decode([]byte(tradeFrame), now) // it goes on
			sink.Await(t, "trade", venuetest.IsTrade)
		})
	}
}

// A message that was lost has the connection replaced, but not again and again.
func TestLostMessageRenewsTheConnection(t *testing.T) {
	t.Parallel()
	numbered := func(n int) []byte {
		return []byte(strings.Replace(tickerFrame, `"sequence_num":0`, fmt.Sprintf(`"sequence_num":%d`, n), 1))
	}
	sink := venuetest.NewSink()
	d := newTestDialect(t, sink)
	for i, c := range []struct {
		number int
		after  time.Duration
		renew  bool
	}{
		{0, 0, false},
		{1, time.Second, false},
		{3, time.Second, false}, // too young
		{4, time.Hour, false},
		{6, time.Hour, true},
		{5, time.Hour, false}, // late
		{7, time.Hour, false},
	} {
		if out := d.Handle(numbered(c.number), d.opened.Add(c.after)); out.Renew != c.renew {
			t.Errorf("message %d: renew %v", i, out.Renew)
		}
	}
	holes := 0
	for _, e := range sink.Events() {
		if e.Refused == venue.RefusedSequence {
			holes++
		}
	}
	if holes != 2 {
		t.Errorf("%d holes were told, want 2", holes)
	}
}

// The venue lists what is subscribed; what it leaves out is given up in the end.
func TestSubscriptionsAreListed(t *testing.T) {
	t.Parallel()
	sink := venuetest.NewSink()
	d := newTestDialect(t, sink)
	start := time.Now()
	d.Handle([]byte(tradeFrame), start)
	later := start.Add(2 * time.Minute)
	if _, err := d.Keepalive(later); err == nil {
		t.Error("a venue that answers nothing is waited for")
	}
	partly := strings.Replace(listFrame, `"candles":["BTC-USD","ETH-USD"]`, `"candles":["BTC-USD"]`, 1)
	if out := d.Handle([]byte(partly), start); out.Delivering || out.Send != nil {
		t.Errorf("partly listed: %+v", out)
	}
	if frames, err := d.Keepalive(later); err != nil || frames != nil {
		t.Errorf("got %s, %v", frames, err)
	}
	e := sink.Await(t, "refusal", venuetest.IsRefused(venue.RefusedSubscription))
	if !errors.Is(e.Err, venue.ErrSubscription) || !strings.Contains(e.Err.Error(), "ETH/USD") {
		t.Errorf("refused with %v", e.Err)
	}
	if out := d.Handle([]byte(listFrame), later); !out.Delivering {
		t.Errorf("all is settled: %+v", out)
	}
	d.Handle([]byte(`{"type":"error","message":"authentication failure"}`), later)
	if e := sink.Await(t, "refusal", venuetest.IsRefused(venue.RefusedSubscription)); !errors.Is(e.Err, venue.ErrUnasked) {
		t.Errorf("refused with %v", e.Err)
	}
}

func TestAliasesAreNotFollowed(t *testing.T) {
	t.Parallel()
	for symbol, want := range map[string]string{"USDT/USDC": "USDT-USDC", "EURC/USDC": "EURC-USDC", "BTC/USDT": "BTC-USDT", "00/USD": "00-USD"} {
		if got, err := VenueSymbol(symbol); got != want || err != nil {
			t.Errorf("%s: %s, %v", symbol, got, err)
		}
	}
	if _, err := VenueSymbol("ETH/USDC"); err == nil {
		t.Error("ETH/USDC is followed under the name of ETH/USD")
	}
}

func FuzzDecode(f *testing.F) {
	for _, frame := range []string{
		tickerFrame, tradeFrame, barFrame, listFrame, `{"channel":"heartbeats","sequence_num":9}`, `{"type":"error","message":"no"}`,
		`{"channel":"status","events":[{"products":[{"id":"BTC-USD","status":"offline"}]}]}`, `{"channel":"subscriptions","events":[{"subscriptions":{"ticker":1}}]}`, ``,
	} {
		f.Add([]byte(frame), []byte(tickerFrame))
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		d := newTestDialect(t, venuetest.Checking{TB: t})
		d.Handle(first, now)
		d.Handle(second, now)
	})
}

// The frames differ in their numbers, so that no update is the same as before.
func BenchmarkDecode(b *testing.B) {
	for name, c := range map[string]struct{ frame, number string }{
		"ticker":  {strings.Replace(tickerFrame, "15328.12345678", "4000000000", 1), "4000000000"},
		"trade":   {tradeFrame, "1995098700"},
		"bar":     {strings.Replace(barFrame, "42.15000000", "5000000000", 1), "5000000000"},
		"unknown": {`{"channel":"l2_data","timestamp":"2026-07-10T00:00:02.789012Z","events":[{"type":"update","x":1000000000}]}`, "1000000000"},
	} {
		b.Run(name, func(b *testing.B) {
			d := newTestDecoder(b, venuetest.Nothing{})
			venuetest.BenchmarkFrame(b, c.frame, c.number, func(frame []byte) { d.decode(frame, now) })
		})
	}
}
