package bybit

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/venuetest"
)

// now is when the frames of these tests arrive.
var now = time.Date(2026, 7, 10, 1, 0, 0, 0, time.UTC)

const (
	bookFrame   = `{"topic":"orderbook.1.BTCUSDT","ts":1783641602123,"type":"snapshot","data":{"s":"BTCUSDT","b":[["99.9","1.2"]],"a":[["100.1","2.3"]],"u":7,"seq":70},"cts":1783641602100}`
	bookChange  = `{"topic":"orderbook.1.BTCUSDT","ts":1783641602223,"type":"delta","data":{"s":"BTCUSDT","b":[["99.9","0"],["99.8","4"]],"a":[],"u":8,"seq":71},"cts":1783641602200}`
	spotTicker  = `{"topic":"tickers.BTCUSDT","ts":1783641602000,"type":"snapshot","cs":12,"data":{"symbol":"BTCUSDT","lastPrice":"100.0","highPrice24h":"1","volume24h":"4182.59447976","usdIndexPrice":""}}`
	swapTicker  = `{"topic":"tickers.BTCUSDT","type":"snapshot","data":{"symbol":"BTCUSDT","lastPrice":"17216.00","volume24h":"91705.276","bid1Price":"17215.50","bid1Size":"84.489","ask1Price":"17216.00","ask1Size":"83.020","preOpenPrice":""},"cs":24987956059,"ts":1783641601000}`
	swapChange  = `{"topic":"tickers.BTCUSDT","type":"delta","data":{"symbol":"BTCUSDT","bid1Size":"5"},"cs":24987956060,"ts":1783641601100}`
	tradesFrame = `{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1783641600126,"data":[{"T":1783641600123,"s":"BTCUSDT","S":"Buy","v":"0.25","p":"100.10","L":"PlusTick","i":"20f43950-d8dd-5b31-9112-000000000001","BT":false,"seq":1783284617}]}`
	klineFrame  = `{"topic":"kline.5.BTCUSDT","data":[{"start":1783641600000,"end":1783641899999,"interval":"5","open":"10","close":"11","high":"12","low":"9","volume":"55.5","turnover":"600","confirm":true,"timestamp":1783641900010}],"ts":1783641900010,"type":"snapshot"}`
	ackFrame    = `{"success":true,"ret_msg":"","conn_id":"cejreaspqfm9se7usbrg-2xh","req_id":"1","op":"subscribe"}`
)

func newTestDecoder(t testing.TB, sink venue.Sink, symbols ...string) *decoder {
	t.Helper()
	f, err := venue.NewFeed("bybit", append(symbols, "BTC/USDT", "ETH/USDT"), VenueSymbol, sink)
	if err != nil {
		t.Fatal(err)
	}
	d := newDecoder(f)
	return &d
}

func TestDecode(t *testing.T) {
	t.Parallel()
	const (
		book   = "tick BTC/USDT 0 99.9/1.2 100.1/2.3 0 @1783641602123000000"
		ticker = "tick BTC/USDT 17216 17215.5/84.489 17216/83.02 91705.276 @1783641601000000000"
		bar    = "bar BTC/USDT 5m @1783641600000000000 10 12 9 11 55.5 of 0"
	)
	for name, c := range map[string]struct{ frames, want []string }{
		"book": {[]string{bookFrame, bookFrame}, []string{book}},
		"a change of the book": {[]string{bookFrame, bookChange}, []string{
			book, "tick BTC/USDT 0 99.8/4 100.1/2.3 0 @1783641602223000000",
		}},
		"a price that is not taken back": {[]string{bookFrame, strings.Replace(bookChange, `["99.9","0"],`, "", 1)}, []string{
			book, "tick BTC/USDT 0 99.8/4 100.1/2.3 0 @1783641602223000000",
		}},
		"a price that is taken back later": {[]string{bookFrame, strings.Replace(bookChange, `["99.9","0"],["99.8","4"]`, `["99.8","4"],["99.9","0"]`, 1)}, []string{
			book, "tick BTC/USDT 0 99.8/4 100.1/2.3 0 @1783641602223000000",
		}},
		"an empty side": {[]string{bookFrame, strings.Replace(bookChange, `,["99.8","4"]`, "", 1)}, []string{
			book, "tick BTC/USDT 0 0/0 100.1/2.3 0 @1783641602223000000",
		}},
		"a price that was not the best": {[]string{bookFrame, strings.NewReplacer(`"99.9"`, `"99.7"`, `,["99.8","4"]`, "").Replace(bookChange)}, []string{
			book, "tick BTC/USDT 0 99.9/1.2 100.1/2.3 0 @1783641602223000000",
		}},
		"the best of several levels": {
			[]string{strings.NewReplacer(`[["99.9","1.2"]]`, `[["98","1"],["99.9","1.2"]]`, `[["100.1","2.3"]]`, `[["101","1"],["100.1","2.3"]]`).Replace(bookFrame)},
			[]string{book},
		},
		"a snapshot forgets": {[]string{bookFrame, strings.NewReplacer(`[["99.9","1.2"]]`, `[]`, `02123`, `02124`).Replace(bookFrame)}, []string{
			book, "tick BTC/USDT 0 0/0 100.1/2.3 0 @1783641602124000000",
		}},
		"an older book is ignored":      {[]string{bookFrame, strings.NewReplacer("02123", "02122", "99.9", "98").Replace(bookFrame)}, []string{book}},
		"a book after a service's rest": {[]string{strings.Replace(bookFrame, `"u":7`, `"u":9000`, 1), strings.NewReplacer(`"u":7,"seq":70`, `"u":1,"seq":1`, "99.9", "98", "02123", "02124").Replace(bookFrame)}, []string{book, "tick BTC/USDT 0 98/1.2 100.1/2.3 0 @1783641602124000000"}},
		"spot ticker":                   {[]string{spotTicker}, []string{"tick BTC/USDT 100 0/0 0/0 4182.59447976 @1783641602000000000"}},
		"linear ticker":                 {[]string{swapTicker}, []string{ticker}},
		"a change of the linear ticker": {[]string{swapTicker, swapChange}, []string{
			ticker, "tick BTC/USDT 17216 17215.5/5 17216/83.02 91705.276 @1783641601100000000",
		}},
		"the book beats the ticker": {[]string{bookFrame, swapTicker, swapChange}, []string{
			book, "tick BTC/USDT 17216 99.9/1.2 100.1/2.3 91705.276 @1783641602123000000",
		}},
		// They come by different ways.
		"a ticker that is ahead does not hold a book back": {
			[]string{bookFrame, strings.Replace(spotTicker, "02000", "09000", 1), bookChange}, []string{
				book, "tick BTC/USDT 100 99.9/1.2 100.1/2.3 4182.59447976 @1783641609000000000",
				"tick BTC/USDT 100 99.8/4 100.1/2.3 4182.59447976 @1783641609000000000",
			},
		},
		"trade": {[]string{tradesFrame}, []string{
			"tick BTC/USDT 100.1 0/0 0/0 0 @1783641600123000000",
			"trade BTC/USDT 0=20f43950-d8dd-5b31-9112-000000000001 buy 0.25 of 100.1 @1783641600123000000",
		}},
		"bar":             {[]string{klineFrame}, []string{bar}},
		"a bar of a day":  {[]string{strings.NewReplacer("kline.5", "kline.D", `"interval":"5"`, `"interval":"D"`, "1783641600000", "1783641600000").Replace(klineFrame)}, []string{strings.Replace(bar, "5m", "1d", 1)}},
		"an open bar":     {[]string{strings.Replace(klineFrame, "true", "false", 1)}, nil},
		"a pong":          {[]string{`{"success":true,"ret_msg":"pong","op":"ping"}`, `{"req_id":"","op":"pong","args":["1675418560633"]}`}, nil},
		"an empty market": {[]string{`{"topic":"orderbook.1.BTCUSDT","ts":1783641602123,"type":"snapshot","data":{"b":[],"a":[]}}`}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sink := venuetest.NewSink()
			d := newTestDecoder(t, sink)
			for _, frame := range c.frames {
				d.decode([]byte(frame), now)
			}
			for _, e := range sink.Events() {
				if e.Refused != "" {
					t.Errorf("refused as %s: %v", e.Refused, e.Err)
				}
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
		"no object":                 {`[1]`, "malformed"},
		"topic no text":             {`{"topic":1}`, "malformed"},
		"op no text":                {`{"op":1}`, "malformed"},
		"no data":                   {replace(tradesFrame, `"data"`, `"z"`), "malformed"},
		"data no list":              {`{"topic":"publicTrade.BTCUSDT","data":{}}`, "malformed"},
		"trade no object":           {`{"topic":"publicTrade.BTCUSDT","data":[1]}`, "malformed"},
		"side unknown":              {replace(tradesFrame, `"Buy"`, `"buy"`), "malformed"},
		"price a number":            {replace(tradesFrame, `"100.10"`, `100.10`), "malformed"},
		"price negative":            {replace(tradesFrame, `"100.10"`, `"-1"`), "malformed"},
		"price exponent":            {replace(tradesFrame, `"100.10"`, `"1e5"`), "malformed"},
		"price zero":                {replace(tradesFrame, `"100.10"`, `"0"`), "trade"},
		"size zero":                 {replace(tradesFrame, `"0.25"`, `"0.00"`), "trade"},
		"id a number":               {replace(tradesFrame, `"20f43950-d8dd-5b31-9112-000000000001"`, `7`), "malformed"},
		"id empty":                  {replace(tradesFrame, `"20f43950-d8dd-5b31-9112-000000000001"`, `""`), "trade"},
		"time a text":               {replace(tradesFrame, `"T":1783641600123`, `"T":"1783641600123"`), "malformed"},
		"time ahead":                {replace(tradesFrame, `"T":1783641600123`, `"T":1793641600123`), "malformed"},
		"second trade wrong":        {replace(tradesFrame, `}]}`, `},{"T":1783641600123,"S":"Buy","v":"1","p":"x","i":"a"}]}`), "malformed"},
		"book of no type":           {replace(bookFrame, `"snapshot"`, `"whole"`), "malformed"},
		"book without a time":       {replace(bookFrame, `"ts"`, `"z"`), "malformed"},
		"book without bids":         {replace(bookFrame, `"b"`, `"z"`), "malformed"},
		"level no list":             {replace(bookFrame, `["99.9","1.2"]`, `"99.9"`), "malformed"},
		"level short":               {replace(bookFrame, `["99.9","1.2"]`, `["99.9"]`), "malformed"},
		"level of numbers":          {replace(bookFrame, `["99.9","1.2"]`, `[99.9,1.2]`), "malformed"},
		"size negative":             {replace(bookFrame, `"1.2"`, `"-1.2"`), "malformed"},
		"change without a book":     {bookChange, "sequence"},
		"change without a ticker":   {swapChange, "sequence"},
		"last price a number":       {replace(spotTicker, `"100.0"`, `100.0`), "malformed"},
		"volume no number":          {replace(swapTicker, `"91705.276"`, `"many"`), "malformed"},
		"bar of no length":          {replace(klineFrame, `"interval"`, `"z"`), "malformed"},
		"bar of three minutes":      {replace(klineFrame, `"interval":"5"`, `"interval":"3"`), "unknown kind"},
		"bar of an unknown finish":  {replace(klineFrame, `true`, `"yes"`), "malformed"},
		"bar below its own low":     {replace(klineFrame, `"low":"9"`, `"low":"13"`), "candle"},
		"deeper book":               {replace(bookFrame, `orderbook.1.`, `orderbook.50.`), "unknown kind"},
		"empty":                     {`{}`, "unknown kind"},
		"another operation":         {`{"op":"auth","success":true}`, "unknown kind"},
		"a topic without a symbol":  {replace(tradesFrame, `.BTCUSDT`, ``), "unknown symbol"},
		"trade of another":          {replace(tradesFrame, `publicTrade.BTCUSDT`, `publicTrade.XRPUSDT`), "unknown symbol"},
		"trade of the topic before": {replace(tradesFrame, `publicTrade.`, `trade.linear.`), "unknown kind"},
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
			d.decode([]byte(tradesFrame), now) // it goes on
			sink.Await(t, "trade", venuetest.IsTrade)
		})
	}
}

// A change that is refused changes nothing of what the connection knows.
func TestARefusedChangeIsForgotten(t *testing.T) {
	t.Parallel()
	sink := venuetest.NewSink()
	d := newTestDecoder(t, sink)
	for _, frame := range []string{
		bookFrame, swapTicker,
		strings.Replace(bookChange, `"a":[]`, `"a":[["x","1"]]`, 1), strings.Replace(swapChange, `"5"`, `"5","ask1Size":"x"`, 1),
		strings.Replace(bookChange, `["99.9","0"],["99.8","4"]`, ``, 1), strings.Replace(swapChange, `"bid1Size":"5"`, `"volume24h":"8"`, 1),
	} {
		d.decode([]byte(frame), now)
	}
	events := venuetest.Described(sink.Events(), "")
	if got, want := events[len(events)-1], "tick BTC/USDT 17216 99.9/1.2 100.1/2.3 8 @1783641602223000000"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func newTestDialect(t testing.TB, sink venue.Sink, symbols ...string) *dialect {
	t.Helper()
	f, err := venue.NewFeed("bybit", symbols, VenueSymbol, sink)
	if err != nil {
		t.Fatal(err)
	}
	d := newDialect(f, f.Names(), time.Minute)
	d.Opening()
	return d
}

func TestOddAnswersAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ frame, kind string }{
		{strings.Replace(ackFrame, `"req_id":"1"`, `"req_id":"99"`, 1), "subscription"},
		{strings.Replace(ackFrame, `"req_id":"1"`, `"req_id":1`, 1), "malformed"},
		{strings.Replace(ackFrame, `true`, `"yes"`, 1), "malformed"},
		{`{"op":"subscribe","req_id":"1","success":false}`, "malformed"},
		{`{"op":"subscribe","req_id":"one","success":false,"ret_msg":""}`, "malformed"},
	} {
		sink := venuetest.NewSink()
		newTestDialect(t, sink, "BTC/USDT").Handle([]byte(c.frame), now)
		if e := sink.Events(); len(e) != 1 || e[0].Refused != c.kind {
			t.Errorf("%s: got %+v, want a refusal as %q", c.frame, e, c.kind)
		}
	}
}

// A request that is refused as a whole is asked for again topic by topic, and
// what was granted nevertheless is no refusal then.
func TestRefusedRequests(t *testing.T) {
	t.Parallel()
	sink := venuetest.NewSink()
	d := newTestDialect(t, sink, "BTC/USDT", "ETH/USDT")
	// Without an id, as the venue does for what it cannot read: the oldest.
	refusal := `{"success":false,"ret_msg":"error:already subscribed,topic:orderbook.1.BTCUSDT","conn_id":"x","op":"subscribe"}`
	out := d.Handle([]byte(refusal), now)
	if len(out.Send) != 2 || !strings.Contains(string(out.Send[0]), `"args":["orderbook.1.BTCUSDT"]`) {
		t.Fatalf("asked for %s", out.Send)
	}
	first := uint64(len(topics)) + 1
	d.Handle([]byte(strings.Replace(refusal, `"op"`, `"req_id":"11","op"`, 1)), now)
	if d.requests.Left(first) != 0 || d.requests.Left(first+1) != 1 || len(sink.Events()) != 0 {
		t.Errorf("after the first: %+v", sink.Events())
	}
	d.Handle([]byte(`{"success":false,"ret_msg":"Invalid symbol :[orderbook.1.ETHUSDT]","req_id":"12","op":"subscribe"}`), now)
	e := sink.Await(t, "refusal", venuetest.IsRefused(venue.RefusedSubscription))
	if !errors.Is(e.Err, venue.ErrSubscription) || !strings.Contains(e.Err.Error(), "ETH/USDT") {
		t.Errorf("refused with %v", e.Err)
	}
}

func TestSpelling(t *testing.T) {
	t.Parallel()
	for symbol, want := range map[string]string{
		"BTC/USDT": "BTCUSDT", "BTC/USDT:USDT": "BTCUSDT", "BTC/USDC": "BTCUSDC", "BTC/USDC:USDC": "BTCPERP", "1000PEPE/USDT:USDT": "1000PEPEUSDT",
		"ETH/BTC": "ETHBTC", "ETH/EUR": "ETHEUR",
	} {
		if got, err := VenueSymbol(symbol); got != want || err != nil {
			t.Errorf("%s: %s, %v", symbol, got, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, frame := range []string{
		bookFrame, bookChange, spotTicker, swapTicker, swapChange, tradesFrame, klineFrame, ackFrame, `{"op":"ping","success":true}`,
		`{"success":false,"ret_msg":"no","op":"subscribe"}`, `{"topic":"kline..","data":[{}]}`, `{"topic":"publicTrade.BTCUSDT","data":[[]]}`, `[[[[`, ``,
	} {
		f.Add([]byte(frame), []byte(bookChange))
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		d := newTestDialect(t, venuetest.Checking{TB: t}, "BTC/USDT")
		d.Handle(first, now)
		d.Handle(second, now)
	})
}

// The frames differ in their numbers, so that no update is the same as before.
func BenchmarkDecode(b *testing.B) {
	for name, c := range map[string]struct{ frame, number string }{
		"book":    {strings.Replace(bookFrame, `"1.2"`, `"1000000000"`, 1), "1000000000"},
		"change":  {strings.Replace(bookChange, `"4"`, `"1000000000"`, 1), "1000000000"},
		"ticker":  {strings.Replace(swapTicker, "91705.276", "4000000000", 1), "4000000000"},
		"trade":   {tradesFrame, "000000000001"},
		"bar":     {strings.Replace(klineFrame, "55.5", "5000000000", 1), "5000000000"},
		"unknown": {`{"topic":"orderbook.50.BTCUSDT","type":"delta","ts":1783641602223,"data":{"s":"BTCUSDT","b":[],"a":[],"u":1000000000}}`, "1000000000"},
	} {
		b.Run(name, func(b *testing.B) {
			d := newTestDecoder(b, venuetest.Nothing{})
			d.decode([]byte(bookFrame), now)
			venuetest.BenchmarkFrame(b, c.frame, c.number, func(frame []byte) { d.decode(frame, now) })
		})
	}
}
