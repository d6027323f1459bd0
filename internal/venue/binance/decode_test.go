package binance

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/venuetest"
)

// now is when the frames of these tests arrive.
var now = time.UnixMilli(1_700_000_100_000)

const (
	bookFrame  = `{"u":501,"s":"BTCUSDT","b":"100.10","B":"2","a":"100.20","A":"3.5"}`
	tradeFrame = `{"e":"trade","E":1700000000009,"s":"BTCUSDT","t":77,"p":"100.15","q":"0.25","T":1700000000007,"m":true,"M":true}`
	aggFrame   = `{"e":"aggTrade","E":1700000000009,"s":"BTCUSDT","a":33,"p":"100.15","q":"0.25","f":1,"l":2,"T":1700000000007,"m":false,"M":true}`
	dayFrame   = `{"e":"24hrTicker","E":1700000000010,"s":"BTCUSDT","p":"-1.5","P":"-1","c":"99","b":"98","B":"1","a":"101","A":"2","v":"1234.5","x":"97"}`
	// These two as futures have them.
	timedBookFrame  = `{"e":"bookTicker","u":501,"E":1700000000009,"T":1700000000007,"s":"BTCUSDT","b":"100.10","B":"2","a":"100.20","A":"3.5","st":1,"ps":"BTCUSDT"}`
	futuresDayFrame = `{"e":"24hrTicker","E":1700000000010,"s":"BTCUSDT","p":"-1.5","P":"-1","w":"98","c":"99","Q":"1","o":"97","h":"99","l":"96","v":"1234.5","q":"1","O":1,"C":2,"F":1,"L":2,"n":2}`

	klineFrame = `{"e":"kline","E":1700000040002,"s":"BTCUSDT","k":{"t":1699999980000,"T":1700000039999,"s":"BTCUSDT","i":"1m",` +
		`"o":"10","c":"11","h":"12","l":"9","v":"55.5","n":42,"x":true,"q":"1","V":"1","Q":"1","B":"0"}}`
)

func combined(stream, data string) string { return `{"stream":"` + stream + `","data":` + data + `}` }

// newTestDecoder decodes for BTC/USDT and ETH/USDT.
func newTestDecoder(t testing.TB, cfg Config) (*decoder, *venuetest.Sink) {
	t.Helper()
	sink := venuetest.NewSink()
	return newDecoder(t, cfg, sink, "BTC/USDT", "ETH/USDT"), sink
}

func newDecoder(t testing.TB, cfg Config, sink venue.Sink, symbols ...string) *decoder {
	t.Helper()
	if cfg.Exchange == "" {
		cfg.Exchange = own.Exchange
	}
	if cfg.Trades == "" {
		cfg.Trades = RawTrades
	}
	f, err := venue.NewFeed(cfg.Exchange, symbols, VenueSymbol, sink)
	if err != nil {
		t.Fatal(err)
	}
	return &decoder{feed: f, trades: cfg.Trades}
}

func dec(text string) domain.Decimal { return domain.MustDecimal(text) }

func ms(n int64) time.Time { return time.UnixMilli(n).UTC() }

func TestDecodeTrade(t *testing.T) {
	t.Parallel()
	want := venue.NumberedTrade{Number: 77, Trade: domain.Trade{
		Exchange: "binance", Symbol: "BTC/USDT", ID: "77", Side: domain.Sell,
		Price: dec("100.15"), Volume: dec("0.25"), Time: ms(1_700_000_000_007), Received: now,
	}}
	for name, frame := range map[string]string{"raw": tradeFrame, "combined": combined("btcusdt@trade", tradeFrame)} {
		d, sink := newTestDecoder(t, Config{})
		if got := d.decode([]byte(frame), now); got != messageData {
			t.Errorf("%s: decode = %d", name, got)
		}
		if e := sink.Await(t, "trade", venuetest.IsTrade); *e.Trade != want {
			t.Errorf("%s: got %+v, want %+v", name, *e.Trade, want)
		}
	}
	// A buyer who was not the maker took.
	d, sink := newTestDecoder(t, Config{})
	d.decode([]byte(strings.Replace(tradeFrame, `"m":true`, `"m":false`, 1)), now)
	if e := sink.Await(t, "trade", venuetest.IsTrade); e.Trade.Side != domain.Buy {
		t.Errorf("side %v, want buy", e.Trade.Side)
	}
}

func TestDecodeAggregateTrade(t *testing.T) {
	t.Parallel()
	d, sink := newTestDecoder(t, Config{Trades: AggregateTrades})
	d.decode([]byte(aggFrame), now)
	e := sink.Await(t, "trade", venuetest.IsTrade)
	if e.Trade.ID != "33" || e.Trade.Number != 33 || e.Trade.Side != domain.Buy {
		t.Errorf("got %+v", *e.Trade)
	}
	// The kinds are numbered apart, so only the configured one may pass.
	d.decode([]byte(tradeFrame), now)
	sink.Await(t, "refusal", venuetest.IsRefused("unknown kind"))
}

func TestDecodeHandsDuplicatesOn(t *testing.T) {
	t.Parallel()
	d, sink := newTestDecoder(t, Config{})
	for range 3 {
		d.decode([]byte(tradeFrame), now)
	}
	trades, ticks := 0, 0
	for _, e := range sink.Events() {
		if e.Trade != nil {
			trades++
		}
		if e.Tick != nil {
			ticks++
		}
	}
	if trades != 3 || ticks != 1 {
		t.Errorf("%d trades and %d ticks, want 3 and 1", trades, ticks)
	}
}

func TestDecodeCandle(t *testing.T) {
	t.Parallel()
	d, sink := newTestDecoder(t, Config{})
	d.decode([]byte(strings.Replace(klineFrame, `"x":true`, `"x":false`, 1)), now)
	if events := sink.Events(); len(events) != 0 {
		t.Errorf("an open bar gave %+v", events)
	}
	d.decode([]byte(klineFrame), now)
	e := sink.Await(t, "candle", func(e venuetest.Event) bool { return e.Candle != nil })
	want := domain.Candle{
		Exchange: "binance", Symbol: "BTC/USDT", Timeframe: "1m", Time: ms(1_699_999_980_000),
		Open: dec("10"), High: dec("12"), Low: dec("9"), Close: dec("11"), Volume: dec("55.5"),
		Trades: 42, Source: domain.FromVenue, Closed: true,
	}
	if *e.Candle != want {
		t.Errorf("got %+v, want %+v", *e.Candle, want)
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
	digits := strings.Repeat("9", 40)
	for name, c := range map[string]struct{ frame, kind string }{
		"empty":                {``, "malformed"},
		"not JSON":             {`hello`, "malformed"},
		"half":                 {tradeFrame[:40], "malformed"},
		"trailing garbage":     {tradeFrame + `}`, "malformed"},
		"two values":           {tradeFrame + tradeFrame, "malformed"},
		"no object":            {`[1,2]`, "malformed"},
		"a string":             {`"trade"`, "malformed"},
		"deep":                 {strings.Repeat(`[`, 5000) + strings.Repeat(`]`, 5000), "malformed"},
		"deep objects":         {strings.Repeat(`{"e":`, 5000) + `1` + strings.Repeat(`}`, 5000), "malformed"},
		"long":                 {`{"e":"` + strings.Repeat("x", 100_000) + `"}`, "malformed"},
		"NaN, unread member":   {replace(tradeFrame, `"M":true`, `"M":NaN`), "malformed"},
		"lenient number":       {replace(tradeFrame, `"M":true`, `"M":1-2`), "malformed"},
		"stream no string":     {`{"stream":1,"data":` + tradeFrame + `}`, "malformed"},
		"data no object":       {combined("btcusdt@trade", `[]`), "malformed"},
		"data missing":         {`{"stream":"btcusdt@trade"}`, "malformed"},
		"kind no string":       {replace(tradeFrame, `"trade"`, `1`), "malformed"},
		"symbol no string":     {replace(tradeFrame, `"BTCUSDT"`, `null`), "malformed"},
		"symbol missing":       {replace(tradeFrame, `"s":`, `"z":`), "malformed"},
		"price a number":       {replace(tradeFrame, `"100.15"`, `100.15`), "malformed"},
		"price missing":        {replace(tradeFrame, `"p":`, `"z":`), "malformed"},
		"price NaN":            {replace(tradeFrame, `"100.15"`, `"NaN"`), "malformed"},
		"price bare NaN":       {replace(tradeFrame, `"100.15"`, `NaN`), "malformed"},
		"price infinite":       {replace(tradeFrame, `"100.15"`, `"Infinity"`), "malformed"},
		"price exponent":       {replace(tradeFrame, `"100.15"`, `"1e5"`), "malformed"},
		"price empty":          {replace(tradeFrame, `"100.15"`, `""`), "malformed"},
		"price of 40 digits":   {replace(tradeFrame, `"100.15"`, `"`+digits+`"`), "malformed"},
		"price negative":       {replace(tradeFrame, `"100.15"`, `"-100.15"`), "malformed"},
		"size negative":        {replace(tradeFrame, `"0.25"`, `"-0.25"`), "malformed"},
		"price zero":           {replace(tradeFrame, `"100.15"`, `"0.00"`), "trade"},
		"size zero":            {replace(tradeFrame, `"0.25"`, `"0"`), "trade"},
		"id text":              {replace(tradeFrame, `77`, `"77"`), "malformed"},
		"id zero":              {replace(tradeFrame, `77`, `0`), "malformed"},
		"id negative":          {replace(tradeFrame, `77`, `-77`), "malformed"},
		"id fraction":          {replace(tradeFrame, `77`, `7.7`), "malformed"},
		"id exponent":          {replace(tradeFrame, `77`, `7e7`), "malformed"},
		"id of 40 digits":      {replace(tradeFrame, `77`, digits), "malformed"},
		"id past 63 bits":      {replace(tradeFrame, `77`, `9223372036854775808`), "malformed"},
		"time text":            {replace(tradeFrame, `1700000000007`, `"1700000000007"`), "malformed"},
		"time zero":            {replace(tradeFrame, `1700000000007`, `0`), "malformed"},
		"time far ahead":       {replace(tradeFrame, `1700000000007`, `1800000000000`), "malformed"},
		"sent far ahead":       {replace(tradeFrame, `1700000000009`, `1800000000000`), "malformed"},
		"maker a number":       {replace(tradeFrame, `"m":true`, `"m":1`), "malformed"},
		"maker missing":        {replace(tradeFrame, `"m":true`, `"z":true`), "malformed"},
		"book seq zero":        {replace(bookFrame, `501`, `0`), "malformed"},
		"book size negative":   {replace(bookFrame, `"2"`, `"-2"`), "malformed"},
		"book bid missing":     {replace(bookFrame, `"b":`, `"z":`), "malformed"},
		"timed book T missing": {replace(timedBookFrame, `"T":`, `"z":`), "malformed"},
		"timed book E missing": {replace(timedBookFrame, `"E":`, `"z":`), "malformed"},
		"timed book T ahead":   {replace(timedBookFrame, `1700000000007`, `1800000000000`), "malformed"},
		"timed book seq zero":  {replace(timedBookFrame, `501`, `0`), "malformed"},
		"timed book bid gone":  {replace(timedBookFrame, `"b":`, `"z":`), "malformed"},
		"timed book, another":  {replace(timedBookFrame, `BTCUSDT`, `XRPUSDT`), "unknown symbol"},
		"day, half a quote":    {replace(dayFrame, `"B":"1"`, `"z":"1"`), "malformed"},
		"day volume negative":  {replace(dayFrame, `"1234.5"`, `"-1"`), "malformed"},
		"day time missing":     {replace(dayFrame, `"E":`, `"z":`), "malformed"},
		"bar missing":          {replace(klineFrame, `"k":`, `"z":`), "malformed"},
		"bar a list":           {`{"e":"kline","E":1700000040002,"s":"BTCUSDT","k":[]}`, "malformed"},
		"bar closed text":      {replace(klineFrame, `"x":true`, `"x":"true"`), "malformed"},
		"bar open negative":    {replace(klineFrame, `"o":"10"`, `"o":"-10"`), "malformed"},
		"bar trades negative":  {replace(klineFrame, `"n":42`, `"n":-42`), "malformed"},
		"bar misaligned":       {replace(klineFrame, `1699999980000`, `1699999980001`), "candle"},
		"bar high below low":   {replace(klineFrame, `"h":"12"`, `"h":"8"`), "candle"},
		"bar of 3 minutes":     {replace(klineFrame, `"1m"`, `"3m"`), "unknown kind"},
		"depth":                {`{"e":"depthUpdate","E":1,"s":"BTCUSDT","U":1,"u":2,"b":[],"a":[]}`, "unknown kind"},
		"depth snapshot":       {`{"lastUpdateId":1,"bids":[],"asks":[]}`, "unknown kind"},
		"empty object":         {`{}`, "unknown kind"},
		"trade of another":     {replace(tradeFrame, `BTCUSDT`, `XRPUSDT`), "unknown symbol"},
		"book of another":      {replace(bookFrame, `BTCUSDT`, `XRPUSDT`), "unknown symbol"},
		"day of another":       {replace(dayFrame, `BTCUSDT`, `btcusdt`), "unknown symbol"},
		"bar of another":       {replace(klineFrame, `BTCUSDT`, `XRPUSDT`), "unknown symbol"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, sink := newTestDecoder(t, Config{})
			d.decode([]byte(c.frame), now)
			events := sink.Events()
			if len(events) != 1 || events[0].Refused != c.kind || events[0].Err == nil {
				t.Fatalf("got %+v, want one refusal as %q", events, c.kind)
			}
			if len(events[0].Err.Error()) > 500 {
				t.Errorf("the error is %d bytes long", len(events[0].Err.Error()))
			}
			// The decoder goes on.
			d.decode([]byte(bookFrame), now)
			sink.Await(t, "tick", venuetest.IsTick)
		})
	}
}

// The error of a refused number must not change with the next frame.
func TestDecodeErrorsKeepTheirText(t *testing.T) {
	t.Parallel()
	d, sink := newTestDecoder(t, Config{})
	d.decode([]byte(strings.Replace(tradeFrame, `"100.15"`, `"1e5"`, 1)), now)
	d.decode([]byte(strings.Repeat("x", len(tradeFrame))), now)
	e := sink.Await(t, "refusal", venuetest.IsRefused("malformed"))
	field, ok := errors.AsType[*domain.FieldError](e.Err)
	if !ok || field.Value != "1e5" {
		t.Errorf("error %v", e.Err)
	}
}

func TestDecodeReadsEscapes(t *testing.T) {
	t.Parallel()
	d, sink := newTestDecoder(t, Config{})
	d.decode([]byte(strings.Replace(tradeFrame, `"BTCUSDT"`, `"\u0042TCUSDT"`, 1)), now)
	sink.Await(t, "trade", venuetest.IsTrade)
}

func TestSecretDoesNotShow(t *testing.T) {
	t.Parallel()
	cfg := Config{APIKey: "hush"}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(format, cfg); strings.Contains(text, "hush") {
			t.Errorf("%s shows the key: %s", format, text)
		}
	}
}
