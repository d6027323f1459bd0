package wire

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/vmihailenco/msgpack/v5"
	"pgregory.net/rapid"

	"github.com/fullon/fullon/domain"
)

var market = domain.Key{Kind: domain.KindTick, Exchange: "binance", Symbol: "BTC/USDT"}

func sampleTick() domain.Tick {
	return domain.Tick{
		Exchange: "binance", Symbol: "BTC/USDT",
		Last: domain.MustDecimal("61837.63"), Bid: domain.MustDecimal("61837.62"), BidSize: domain.MustDecimal("3.78826"),
		Ask: domain.MustDecimal("61837.64"), AskSize: domain.MustDecimal("1.54698"), Volume: domain.MustDecimal("35124.00009"),
		Time: time.Unix(1723161255, 343e6).UTC(), Received: time.Unix(1723161254, 87e6).UTC(), VenueSeq: 50093239212,
	}
}

func decimals(positive bool) *rapid.Generator[domain.Decimal] {
	return rapid.Custom(func(t *rapid.T) domain.Decimal {
		text := rapid.StringMatching(`(0|[1-9][0-9]{0,18})(\.[0-9]{1,19})?`).Draw(t, "decimal")
		d := domain.MustDecimal(text)
		if positive && d.IsZero() {
			return domain.MustDecimal("0.00000001")
		}
		return d
	})
}

var moments = rapid.Custom(func(t *rapid.T) time.Time {
	return domain.FromUnixNano(rapid.Int64Range(1, 1<<62).Draw(t, "ns"))
})

// events draws valid events of every kind.
var events = rapid.Custom(func(t *rapid.T) domain.Event {
	const exchange, symbol = "kraken", "ETH/EUR"
	switch rapid.IntRange(0, 10).Draw(t, "kind") {
	case 5, 6, 7, 8, 9, 10:
		return accountEvents.Draw(t, "account event")
	case 0:
		return domain.Tick{
			Exchange: exchange, Symbol: symbol,
			Last: decimals(true).Draw(t, "last"), Bid: decimals(false).Draw(t, "bid"), BidSize: decimals(false).Draw(t, "bid_size"),
			Ask: decimals(false).Draw(t, "ask"), AskSize: decimals(false).Draw(t, "ask_size"), Volume: decimals(false).Draw(t, "volume"),
			Time: moments.Draw(t, "time"), Received: moments.Draw(t, "received"), VenueSeq: rapid.Uint64().Draw(t, "seq"),
		}
	case 1:
		return domain.Feed{
			Exchange: exchange, State: domain.FeedState(rapid.IntRange(1, 3).Draw(t, "state")), Time: moments.Draw(t, "time"),
			Interval: time.Duration(rapid.IntRange(1, 3600_000).Draw(t, "ms")) * time.Millisecond, Heard: moments.Draw(t, "heard"),
		}
	case 2:
		return domain.Trade{
			Exchange: exchange, Symbol: symbol, ID: rapid.StringMatching(`[!-~]{1,64}`).Draw(t, "id"),
			Side: domain.Side(rapid.IntRange(1, 2).Draw(t, "side")), Price: decimals(true).Draw(t, "price"),
			Volume: decimals(true).Draw(t, "volume"), Time: moments.Draw(t, "time"), Received: moments.Draw(t, "received"),
		}
	case 3:
		tf := rapid.SampledFrom(domain.Timeframes).Draw(t, "timeframe")
		low, high := decimals(true).Draw(t, "low"), decimals(true).Draw(t, "high")
		if high.LessThan(low) {
			low, high = high, low
		}
		return domain.Candle{
			Exchange: exchange, Symbol: symbol, Timeframe: tf,
			Time: tf.Start(time.Unix(rapid.Int64Range(86400, 1<<33).Draw(t, "s"), 0)), Open: low, High: high, Low: low, Close: high,
			Volume: decimals(false).Draw(t, "volume"), Trades: rapid.Uint64().Draw(t, "trades"),
			Source: domain.CandleSource(rapid.IntRange(1, 2).Draw(t, "source")), Closed: rapid.Bool().Draw(t, "closed"),
		}
	}
	return domain.Gap{
		Exchange: exchange, Symbol: symbol, FromID: "17", ToID: rapid.StringMatching(`[0-9]{0,15}`).Draw(t, "to"),
		Missing: rapid.Uint64().Draw(t, "missing"), Reason: rapid.StringMatching(`[a-z ]{0,40}`).Draw(t, "reason"), Time: moments.Draw(t, "time"),
	}
})

func TestEveryEventSurvivesTheRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := events.Draw(t, "event")
		data, err := Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(want.Key(), data)
		if err != nil {
			t.Fatalf("%+v: %v", want, err)
		}
		again, err := Encode(got)
		if err != nil || !bytes.Equal(again, data) {
			t.Fatalf("encoded %x, decoded and encoded again %x (%v)", data, again, err)
		}
	})
}

// A producer with another msgpack library writes what we read, and reads what
// we write: our arrays are plain msgpack.
func TestPayloadsArePlainMsgpack(t *testing.T) {
	t.Parallel()
	ours, err := Encode(sampleTick())
	if err != nil {
		t.Fatal(err)
	}
	var generic []any
	if err := msgpack.Unmarshal(ours, &generic); err != nil {
		t.Fatal(err)
	}
	if len(generic) != 10 || generic[4] != "61837.63" {
		t.Fatalf("read %v", generic)
	}
	theirs, err := msgpack.Marshal(append(generic, "an element of a newer producer"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(market, theirs)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Encode(got); err != nil || !bytes.Equal(again, ours) {
		t.Fatalf("got %+v (%v)", got, err)
	}
}

func TestMalformedPayloadsNameTheField(t *testing.T) {
	t.Parallel()
	row := func(change func(a []any) any) []byte {
		a := []any{1, int64(1), uint64(2), int64(3), "1", "1", "1", "1", "1", "1"}
		data, err := msgpack.Marshal(change(a))
		if err != nil {
			panic(err)
		}
		return data
	}
	set := func(i int, v any) []byte { return row(func(a []any) any { a[i] = v; return a }) }
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"garbage":        {[]byte("hello"), "payload"},
		"map":            {row(func([]any) any { return map[string]int{"a": 1} }), "payload"},
		"future version": {set(0, 2), "version 2"},
		"too short":      {row(func(a []any) any { return a[:9] }), "9 elements"},
		"cut":            {row(func(a []any) any { return a })[:12], "venue_seq"},
		"float price":    {set(4, 1.5), "last"},
		"NaN":            {set(5, "NaN"), "bid"},
		"exponent":       {set(5, "1e5"), "bid"},
		"negative":       {set(6, "-1"), "bid_size"},
		"forty digits":   {set(7, strings.Repeat("9", 40)), "ask"},
		"negative time":  {set(1, -5), "time"},
		"text for time":  {set(1, "now"), "time"},
		"nothing known":  {row(func(a []any) any { a[4], a[5], a[7] = "0", "0.00", "0"; return a }), "at least one"},
	} {
		_, scanErr := ScanTick(c.data)
		_, decodeErr := Decode(market, c.data)
		for _, err := range []error{scanErr, decodeErr} {
			if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: got %v, want ErrMalformed naming %q", name, err, c.want)
			}
		}
	}
}

func TestStamp(t *testing.T) {
	t.Parallel()
	payload, _ := Encode(sampleTick())
	value := Stamp(nil, 1<<40, payload)
	var generic []any
	if err := msgpack.Unmarshal(value, &generic); err != nil || len(generic) != 2 {
		t.Fatalf("a stamped value is an array of two: %v %v", generic, err)
	}
	seq, got, err := Unstamp(value)
	if err != nil || seq != 1<<40 || !bytes.Equal(got, payload) {
		t.Fatalf("got %d %x %v", seq, got, err)
	}
	if _, _, err := Unstamp(payload); !errors.Is(err, ErrMalformed) {
		t.Fatalf("an unstamped payload gave %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	tick, _ := Encode(sampleTick())
	f.Add(tick, "tick")
	for _, kind := range []string{"feed", "trade", "candle", "gap"} {
		f.Add([]byte{0x97, 1, 0xa1, '1', 1, 1, 1, 0xa1, '1', 0xa1, '1'}, kind)
	}
	seedAccounts(f)
	f.Fuzz(func(t *testing.T, data []byte, kind string) {
		key := domain.Key{Kind: domain.Kind(kind), Exchange: "binance", Symbol: "BTC/USDT", Timeframe: "1m", Account: "1001", Currency: "BTC"}
		event, err := Decode(key, data)
		if key.Kind == domain.KindTick && len(data) > 0 {
			if _, scanErr := ScanTick(data); (scanErr == nil) != (err == nil) {
				t.Fatalf("scan says %v, decode says %v", scanErr, err)
			}
		}
		if err != nil {
			return
		}
		again, err := Encode(event)
		if err != nil {
			t.Fatal(err)
		}
		second, err := Decode(key, again)
		if err != nil {
			t.Fatal(err)
		}
		if third, err := Encode(second); err != nil || !bytes.Equal(third, again) {
			t.Fatalf("%+v became %+v (%v)", event, second, err)
		}
	})
}

func BenchmarkEncodeTick(b *testing.B) {
	b.ReportAllocs()
	tick := sampleTick()
	for b.Loop() {
		if _, err := Encode(tick); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkScanTick(b *testing.B) {
	data, _ := Encode(sampleTick())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ScanTick(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeTick(b *testing.B) {
	data, _ := Encode(sampleTick())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeTick(market, data); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGenericDecode is the floor that ScanTick is held against: the same
// elements read with the reader-based decoder.
func BenchmarkGenericDecode(b *testing.B) {
	data, _ := Encode(sampleTick())
	dec := msgpack.NewDecoder(nil)
	r := bytes.NewReader(nil)
	b.ReportAllocs()
	for b.Loop() {
		r.Reset(data)
		dec.Reset(r)
		n, err := dec.DecodeArrayLen()
		if err != nil {
			b.Fatal(err)
		}
		for i := range n {
			if i < 4 {
				_, err = dec.DecodeInt64()
			} else {
				_, err = dec.DecodeString()
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}
