package okx

import (
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/venuetest"
)

// now is when the frames of these tests arrive.
var now = time.Date(2026, 7, 10, 1, 0, 0, 0, time.UTC)

const (
	bestFrame   = `{"arg":{"channel":"bbo-tbt","instId":"BTC-USDT"},"data":[{"asks":[["68900.2","0.5","0","3"]],"bids":[["68900.1","1.50","0","7"]],"ts":"1783641600123","seqId":1000000000}]}`
	tickerFrame = `{"arg":{"channel":"tickers","instId":"BTC-USDT"},"data":[{"instType":"SPOT","instId":"BTC-USDT","last":"68899","lastSz":"0.1","askPx":"68900.3","askSz":"11","bidPx":"68900","bidSz":"5",` +
		`"open24h":"1","high24h":"1","low24h":"1","volCcy24h":"2222.5","vol24h":"1111.25","sodUtc0":"1","sodUtc8":"1","ts":"1783641600100"}]}`
	tradeFrame = `{"arg":{"channel":"trades-all","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":"1230000000","px":"68900.2","sz":"0.25","side":"sell","ts":"1783641600456","source":"0"}]}`
	barFrame   = `{"arg":{"channel":"candle1m","instId":"BTC-USDT"},"data":[["1783641540000","68900","68950","68850","68920.5","42.15","2900000","2900001","1"]]}`
	ackFrame   = `{"id":"1","event":"subscribe","arg":{"channel":"bbo-tbt","instId":"BTC-USDT"},"connId":"a4d3ae55"}`
	errorFrame = `{"id":"1","event":"error","code":"60018","msg":"Wrong URL or channel:bbo-tbt,instId:BTC-USDT doesn't exist.","connId":"a4d3ae55"}`
)

// Swaps in the frames of these tests: a contract of a hundredth of a bitcoin, one
// of a hundred dollars, and one that the catalogue does not have.
var testSwaps = []string{"BTC/USDT:USDT", "BTC/USD:BTC", "ETH/USDT:USDT"}

// swap puts a frame into the form of a swap.
func swap(frame, name string) string { return strings.ReplaceAll(frame, `"BTC-USDT"`, `"`+name+`"`) }

func testFeed(t testing.TB, sink venue.Sink, symbols ...string) *venue.Feed {
	t.Helper()
	f, err := venue.NewFeed("okx", symbols, VenueSymbol, sink)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func testSizes() *Contracts {
	sizes := &Contracts{}
	sizes.set(map[string]contract{
		"BTC-USDT-SWAP": {size: domain.MustDecimal("0.01")},
		"BTC-USD-SWAP":  {size: domain.MustDecimal("100"), inverse: true},
	})
	return sizes
}

// newTestDecoder makes a decoder of spot or of swaps.
func newTestDecoder(t testing.TB, sink venue.Sink, swaps bool, others ...string) *decoder {
	t.Helper()
	d := newDecoder(testFeed(t, sink, append([]string{"BTC/USDT"}, others...)...), nil)
	if swaps {
		d = newDecoder(testFeed(t, sink, append(testSwaps, others...)...), testSizes())
	}
	return &d
}

func replace(frame, old, with string) string {
	if !strings.Contains(frame, old) {
		panic(old + " is not in " + frame)
	}
	return strings.Replace(frame, old, with, 1)
}

func TestDecode(t *testing.T) {
	t.Parallel()
	const (
		best  = "tick BTC/USDT 0 68900.1/1.5 68900.2/0.5 0 @1783641600123000000"
		trade = "trade BTC/USDT 1230000000=1230000000 sell 0.25 of 68900.2 @1783641600456000000"
	)
	older := replace(tradeFrame, "1230000000", "1229999999")
	older = replace(replace(older, "68900.2", "68890"), "1783641600456", "1783641600400")
	for name, c := range map[string]struct{ frames, want []string }{
		"best bid and ask": {[]string{bestFrame, bestFrame}, []string{best}},
		"an older best":    {[]string{bestFrame, replace(replace(bestFrame, "68900.1", "1"), "600123", "600122")}, []string{best}},
		"numbers that begin anew": {
			[]string{bestFrame, replace(replace(replace(bestFrame, "68900.1", "68900"), "600123", "600133"), "1000000000", "7")},
			[]string{best, "tick BTC/USDT 0 68900/1.5 68900.2/0.5 0 @1783641600133000000"},
		},
		"an empty side":    {[]string{replace(bestFrame, `["68900.2","0.5","0","3"]`, "")}, []string{"tick BTC/USDT 0 68900.1/1.5 0/0 0 @1783641600123000000"}},
		"a ticker alone":   {[]string{tickerFrame}, []string{"tick BTC/USDT 68899 68900/5 68900.3/11 1111.25 @0"}},
		"a ticker of none": {[]string{strings.NewReplacer("68899", "", `"68900.3"`, `""`, `"11"`, `""`, `"bidPx":"68900",`, "").Replace(tickerFrame)}, nil},
		// It is of 23 ms before the best bid and ask.
		"a ticker that is late": {[]string{bestFrame, tickerFrame}, []string{best, "tick BTC/USDT 68899 68900.1/1.5 68900.2/0.5 1111.25 @1783641600123000000"}},
		"a ticker after a trade": {[]string{tradeFrame, replace(tickerFrame, "600100", "600500")}, []string{
			"tick BTC/USDT 68900.2 0/0 0/0 0 @1783641600456000000", trade, "tick BTC/USDT 68900.2 68900/5 68900.3/11 1111.25 @1783641600456000000",
		}},
		"a late trade": {[]string{tradeFrame, older}, []string{
			"tick BTC/USDT 68900.2 0/0 0/0 0 @1783641600456000000", trade, "trade BTC/USDT 1229999999=1229999999 sell 0.25 of 68890 @1783641600400000000",
		}},
		"a bar":          {[]string{barFrame}, []string{"bar BTC/USDT 1m @1783641540000000000 68900 68950 68850 68920.5 42.15 of 0"}},
		"an open bar":    {[]string{replace(barFrame, `"1"]]`, `"0"]]`)}, nil},
		"a day in UTC":   {[]string{replace(barFrame, "candle1m", "candle1Dutc")}, []string{"bar BTC/USDT 1d @1783641540000000000 68900 68950 68850 68920.5 42.15 of 0"}},
		"nothing at all": {[]string{`{"arg":{"channel":"trades-all","instId":"BTC-USDT"},"data":[]}`}, nil},
	} {
		if name == "a day in UTC" {
			c.frames[0] = replace(c.frames[0], "1783641540000", "1783555200000")
			c.want[0] = strings.Replace(c.want[0], "1783641540", "1783555200", 1)
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sink := venuetest.NewSink()
			d := newTestDecoder(t, sink, false)
			for _, frame := range c.frames {
				d.decode([]byte(frame), now)
			}
			venuetest.Same(t, "events", venuetest.Described(sink.Events(), ""), c.want)
		})
	}
}

func TestContractsBecomeBaseUnits(t *testing.T) {
	t.Parallel()
	const linear, inverse = "BTC-USDT-SWAP", "BTC-USD-SWAP"
	at := func(frame, price string) string { return strings.ReplaceAll(frame, "68900.2", price) }
	for name, c := range map[string]struct {
		frame string
		want  []string
	}{
		"linear trade": {swap(tradeFrame, linear), []string{
			"tick BTC/USDT:USDT 68900.2 0/0 0/0 0 @1783641600456000000", "trade BTC/USDT:USDT 1230000000=1230000000 sell 0.0025 of 68900.2 @1783641600456000000",
		}},
		"inverse trade": {swap(at(tradeFrame, "50000"), inverse), []string{
			"tick BTC/USD:BTC 50000 0/0 0/0 0 @1783641600456000000", "trade BTC/USD:BTC 1230000000=1230000000 sell 0.0005 of 50000 @1783641600456000000",
		}},
		"inverse trade without an end": {swap(replace(at(tradeFrame, "30000"), `"0.25"`, `"1"`), inverse), []string{
			"tick BTC/USD:BTC 30000 0/0 0/0 0 @1783641600456000000", "trade BTC/USD:BTC 1230000000=1230000000 sell 0.0033333333333333333 of 30000 @1783641600456000000",
		}},
		"linear best":    {swap(bestFrame, linear), []string{"tick BTC/USDT:USDT 0 68900.1/0.015 68900.2/0.005 0 @1783641600123000000"}},
		"inverse best":   {swap(replace(at(bestFrame, "50000"), "68900.1", "40000"), inverse), []string{"tick BTC/USD:BTC 0 40000/0.00375 50000/0.001 0 @1783641600123000000"}},
		"linear ticker":  {swap(tickerFrame, linear), []string{"tick BTC/USDT:USDT 68899 68900/0.05 68900.3/0.11 2222.5 @0"}},
		"inverse ticker": {swap(replace(replace(tickerFrame, "68900.3", "55000"), `"68900"`, `"50000"`), inverse), []string{"tick BTC/USD:BTC 68899 50000/0.01 55000/0.02 2222.5 @0"}},
		"bar":            {swap(replace(barFrame, "2900000", "0.4215"), linear), []string{"bar BTC/USDT:USDT 1m @1783641540000000000 68900 68950 68850 68920.5 0.4215 of 0"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sink := venuetest.NewSink()
			newTestDecoder(t, sink, true).decode([]byte(c.frame), now)
			venuetest.Same(t, "events", venuetest.Described(sink.Events(), ""), c.want)
		})
	}
}

// A swap whose contract is not known gives nothing at all, and all that it has once
// it is known.
func TestNothingOfAnUnknownContract(t *testing.T) {
	t.Parallel()
	const unknown = "ETH-USDT-SWAP"
	sink := venuetest.NewSink()
	d := newTestDecoder(t, sink, true)
	frames := []string{swap(tradeFrame, unknown), swap(bestFrame, unknown), swap(tickerFrame, unknown), swap(barFrame, unknown)}
	for _, frame := range frames {
		d.decode([]byte(frame), now)
	}
	events := sink.Events()
	if len(events) != len(frames) {
		t.Errorf("%d events, want %d", len(events), len(frames))
	}
	for _, e := range events {
		if e.Refused != venue.RefusedSymbol || e.Err != errNoContract { //nolint:errorlint // it is handed on as it is
			t.Errorf("got %+v", e)
		}
	}
	d.sizes.set(map[string]contract{unknown: {size: domain.MustDecimal("0.1")}})
	d.decode([]byte(frames[0]), now)
	if got := venuetest.Described(sink.Events(), "trade"); len(got) != 1 || !strings.Contains(got[0], "sell 0.025 of") {
		t.Errorf("once it is known: %q", got)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	second := `},{"tradeId":"7","px":"1","sz":"1","side":"up","ts":"1783641600456"}]}`
	for name, c := range map[string]struct{ frame, kind string }{
		"no object":             {`[1]`, "malformed"},
		"not JSON":              {`ping`, "malformed"},
		"event no text":         {`{"event":1}`, "malformed"},
		"argument no object":    {`{"arg":1,"data":[]}`, "malformed"},
		"channel no text":       {`{"arg":{"channel":1},"data":[]}`, "malformed"},
		"no data":               {`{"arg":{"channel":"trades-all","instId":"BTC-USDT"}}`, "malformed"},
		"data no list":          {`{"arg":{"channel":"trades-all","instId":"BTC-USDT"},"data":{}}`, "malformed"},
		"trade no object":       {`{"arg":{"channel":"trades-all","instId":"BTC-USDT"},"data":[1]}`, "malformed"},
		"bar no list":           {`{"arg":{"channel":"candle1m","instId":"BTC-USDT"},"data":[{}]}`, "malformed"},
		"status no object":      {`{"arg":{"channel":"status"},"data":[1]}`, "malformed"},
		"state no text":         {`{"arg":{"channel":"status"},"data":[{"state":1}]}`, "malformed"},
		"instrument missing":    {replace(tradeFrame, `,"instId"`, `,"z"`), "malformed"},
		"side unknown":          {replace(tradeFrame, `"sell"`, `"SELL"`), "malformed"},
		"price a number":        {replace(tradeFrame, `"68900.2"`, `68900.2`), "malformed"},
		"price negative":        {replace(tradeFrame, `"68900.2"`, `"-1"`), "malformed"},
		"price zero":            {replace(tradeFrame, `"68900.2"`, `"0"`), "trade"},
		"size zero":             {replace(tradeFrame, `"0.25"`, `"0"`), "trade"},
		"id a number":           {replace(tradeFrame, `"1230000000"`, `1230000000`), "malformed"},
		"id negative":           {replace(tradeFrame, `"1230000000"`, `"-1"`), "malformed"},
		"id zero":               {replace(tradeFrame, `"1230000000"`, `"0"`), "malformed"},
		"time a number":         {replace(tradeFrame, `"1783641600456"`, `1783641600456`), "malformed"},
		"time ahead":            {replace(tradeFrame, `1783641600456`, `1893641600456`), "malformed"},
		"second element wrong":  {replace(tradeFrame, `}]}`, second), "malformed"},
		"best without a time":   {replace(bestFrame, `"ts"`, `"z"`), "malformed"},
		"best without a side":   {replace(bestFrame, `"asks"`, `"z"`), "malformed"},
		"best without a size":   {replace(bestFrame, `["68900.2","0.5","0","3"]`, `["68900.2"]`), "malformed"},
		"best of numbers":       {replace(bestFrame, `["68900.2","0.5","0","3"]`, `[68900.2,0.5]`), "malformed"},
		"ticker size missing":   {replace(tickerFrame, `"bidSz"`, `"z"`), "malformed"},
		"ticker volume bad":     {replace(tickerFrame, `"1111.25"`, `"much"`), "malformed"},
		"bar too short":         {replace(barFrame, `,"2900001","1"`, ``), "malformed"},
		"bar of numbers":        {replace(barFrame, `"68900"`, `68900`), "malformed"},
		"bar of another kind":   {replace(barFrame, `"1"]]`, `"2"]]`), "malformed"},
		"bar ahead":             {replace(barFrame, `1783641540000`, `1893641540000`), "malformed"},
		"bar that cannot be":    {replace(barFrame, `"68950"`, `"1"`), "candle"},
		"book":                  {`{"arg":{"channel":"books","instId":"BTC-USDT"},"data":[]}`, "unknown kind"},
		"joined trades":         {replace(tradeFrame, `trades-all`, `trades`), "unknown kind"},
		"a day in Hong Kong":    {replace(barFrame, `candle1m`, `candle1D`), "unknown kind"},
		"empty":                 {`{}`, "unknown kind"},
		"another event":         {`{"event":"login","code":"0"}`, "unknown kind"},
		"trade of another":      {replace(tradeFrame, `"instId":"BTC-USDT"}`, `"instId":"XRP-USDT"}`), "unknown symbol"},
		"a swap at a spot feed": {swap(tradeFrame, "BTC-USDT-SWAP"), "unknown symbol"},
		"maintenance":           {`{"arg":{"channel":"status"},"data":[{"title":"x","state":"scheduled"}]}`, "maintenance"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sink := venuetest.NewSink()
			d := newTestDecoder(t, sink, false)
			d.decode([]byte(c.frame), now)
			events := sink.Events()
			if len(events) != 1 || events[0].Refused != c.kind || events[0].Err == nil {
				t.Fatalf("got %+v, want one refusal as %q", events, c.kind)
			}
			d.decode([]byte(tradeFrame), now) // it goes on
			sink.Await(t, "trade", venuetest.IsTrade)
		})
	}
	sink := venuetest.NewSink()
	newTestDecoder(t, sink, true).decode([]byte(swap(replace(tradeFrame, "68900.2", "0"), "BTC-USD-SWAP")), now)
	if e := sink.Events(); len(e) != 1 || e[0].Refused != "malformed" {
		t.Errorf("an inverse swap without a price: %+v", e)
	}
}

func TestVenueSymbol(t *testing.T) {
	t.Parallel()
	for symbol, want := range map[string]string{
		"BTC/USDT": "BTC-USDT", "BTC/USD": "BTC-USD", "1INCH/USDC": "1INCH-USDC",
		"BTC/USDT:USDT": "BTC-USDT-SWAP", "BTC/USDC:USDC": "BTC-USDC-SWAP", "BTC/USD:BTC": "BTC-USD-SWAP",
		"BTC/USD:USD": "", "BTC/USDT:BTC": "", "BTC/USDT:USDC": "", "BTC/USD_UM:USD_UM": "", "btc/USDT": "", "BTC-A/USDT": "",
	} {
		if got, err := VenueSymbol(symbol); got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %s, %v", symbol, got, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, frame := range []string{
		bestFrame, tickerFrame, tradeFrame, barFrame, ackFrame, errorFrame, "pong", ``, `[[[[`,
		swap(bestFrame, "BTC-USD-SWAP"), swap(tickerFrame, "BTC-USD-SWAP"), swap(tradeFrame, "BTC-USD-SWAP"), swap(tradeFrame, "BTC-USDT-SWAP"), swap(barFrame, "BTC-USDT-SWAP"),
		`{"event":"notice","code":"64008","msg":"soon"}`, `{"arg":{"channel":"status"},"data":[{"title":"x","state":"ongoing"}]}`,
		`{"event":"error","code":"60014","msg":"too many"}`, `{"arg":{"channel":"candle1m","instId":"BTC-USDT"},"data":[[]]}`,
	} {
		f.Add([]byte(frame), []byte(bestFrame))
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		for _, d := range []*dialect{
			newDialect(testFeed(t, venuetest.Checking{TB: t}, "BTC/USDT"), publicEndpoint, []string{"BTC-USDT"}, nil, time.Minute),
			newDialect(testFeed(t, venuetest.Checking{TB: t}, testSwaps...), businessEndpoint, []string{"BTC-USDT-SWAP"}, testSizes(), time.Minute),
		} {
			d.Opening()
			d.Handle(first, now)
			d.Handle(second, now)
		}
	})
}

// The frames differ in their numbers, so that no update is the same as before.
func BenchmarkDecode(b *testing.B) {
	for name, c := range map[string]struct {
		frame, number string
		swaps         bool
	}{
		"best":          {strings.Replace(bestFrame, "1.50", "4000000000", 1), "4000000000", false},
		"ticker":        {strings.Replace(tickerFrame, "1111.25", "4000000000", 1), "4000000000", false},
		"trade":         {tradeFrame, "1230000000", false},
		"linear trade":  {swap(tradeFrame, "BTC-USDT-SWAP"), "1230000000", true},
		"inverse trade": {swap(tradeFrame, "BTC-USD-SWAP"), "1230000000", true},
		"bar":           {strings.Replace(barFrame, "42.15", "5000000000", 1), "5000000000", false},
		"unknown":       {`{"arg":{"channel":"books","instId":"BTC-USDT"},"data":[{"asks":[],"bids":[],"seqId":1000000000}]}`, "1000000000", false},
	} {
		b.Run(name, func(b *testing.B) {
			d := newTestDecoder(b, venuetest.Nothing{}, c.swaps)
			venuetest.BenchmarkFrame(b, c.frame, c.number, func(frame []byte) { d.decode(frame, now) })
		})
	}
}
