package wire

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/fullon/fullon/domain"
)

// usualPayloads are of the form that is read without a decoder.
func usualPayloads(t testing.TB) (trades, fills [][]byte) {
	t.Helper()
	d := domain.MustDecimal
	at := time.Unix(1_700_000_000, 123)
	uuid := "0b1f7a52-6c4a-4f37-a1d0-3d4a1f2b9c55"
	for i, id := range []string{"7", "12345678901", uuid} {
		trade := domain.Trade{ID: id, Time: at, Received: at.Add(time.Second), Side: domain.Buy, Price: d("64123.45"), Volume: d("0.00125")}
		fill := domain.Fill{
			ID: id, Time: at, Symbol: "BTC/USDT", Side: domain.Sell, Price: d("64123.45"), Volume: d("0.00125"), Fee: d("-0.1"),
			FeeCurrency: "USDT", Maker: true, First: []uint64{0, 200, 70_000}[i],
		}
		if i > 0 {
			fill.OrderID, fill.ClientOrderID, fill.First = "99", uuid, uint64(1)<<(20*i)
		}
		trades, fills = append(trades, encoded(t, trade)), append(fills, encoded(t, fill))
	}
	return trades, fills
}

func encoded(t testing.TB, event domain.Event) []byte {
	t.Helper()
	data, err := Encode(event)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestWhatTheEncoderWritesIsOfTheUsualForm(t *testing.T) {
	t.Parallel()
	trades, fills := usualPayloads(t)
	for _, data := range trades {
		if !usualTrade(new(domain.Trade), data, nil) {
			t.Errorf("trade %x is left to the decoder", data)
		}
	}
	for _, data := range fills {
		if !usualFill(new(domain.Fill), data, nil) {
			t.Errorf("fill %x is left to the decoder", data)
		}
	}
}

// What is read without a decoder is what the decoder reads, and nothing that the
// decoder refuses is taken.
func FuzzUsual(f *testing.F) {
	trades, fills := usualPayloads(f)
	for _, data := range slices.Concat(trades, fills) {
		f.Add(data)
		f.Add(append(data, 0xc3))
		for i := range data { // each element in another form
			changed := slices.Clone(data)
			changed[i] ^= 0x0f
			f.Add(changed)
			f.Add(data[:i])
		}
	}
	const ns = 1_700_000_000_000_000_000
	for _, odd := range [][]any{
		{1, "7", ns, "BTC/USDT", 1, "-1", "1", "0", "", false, "", "", 0},
		{1, "7", ns, "BTC/USDT", 300, "1", "1", "-0", "", false, "", "", 0},
		{1, "7", 1, "BTC/USDT", 1, "1", "1", "0", "", false, "", "", 0},
		{1, "7", -1, "BTC/USDT", 1, "1", "1", "0", "", false, "", "", 0},
		{1, "7", uint64(1) << 63, "BTC/USDT", 1, "1", "1", "0", "", false, "", "", uint64(1) << 63},
		{1, "7", ns, "BTC/USDT", 1, "1", "1", "1e5", "", 1, "", "", 0},
		{2, "7", ns, ns, 1, "1", "1"},
		{1, "7", ns, ns, 300, "1", "1"},
		{1, "7", ns, ns, 1, "1", "-1"},
	} {
		var buf bytes.Buffer
		enc := msgpack.NewEncoder(&buf)
		enc.UseCompactInts(true)
		if err := enc.Encode(odd); err != nil {
			f.Fatal(err)
		}
		f.Add(buf.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var trade, wantTrade domain.Trade
		if usualTrade(&trade, data, new(Texts)) {
			if err := readTrade(&wantTrade, data, nil); err != nil || trade != wantTrade {
				t.Fatalf("%x: %+v, want %+v (%v)", data, trade, wantTrade, err)
			}
		}
		for _, likely := range []string{"", "BTC/USDT"} {
			fill, wantFill := domain.Fill{Symbol: likely}, domain.Fill{}
			if usualFill(&fill, data, new(Texts)) {
				if err := readFill(&wantFill, data, nil); err != nil || fill != wantFill {
					t.Fatalf("%x: %+v, want %+v (%v)", data, fill, wantFill, err)
				}
			}
		}
	})
}

// The sequence of a stamped value has each form that numbers have.
func TestStampsOfAnySequenceAreTakenApart(t *testing.T) {
	t.Parallel()
	for _, seq := range []uint64{0, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000, 0xffffffff, 0x100000000, 1<<64 - 1} {
		value := Stamp(nil, seq, []byte("payload"))
		got, payload, err := Unstamp(value)
		if err != nil || got != seq || string(payload) != "payload" {
			t.Errorf("%d: %d %q %v", seq, got, payload, err)
		}
		for n := range len(value) - len("payload") {
			if _, _, err := Unstamp(value[:n]); err == nil {
				t.Errorf("%d: %d bytes of it were taken", seq, n)
			}
		}
	}
}

func BenchmarkReadFills(b *testing.B) {
	_, payloads := usualPayloads(b)
	var f domain.Fill
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		f = domain.Fill{Symbol: "BTC/USDT", FeeCurrency: "USDT"}
		var texts Texts
		if err := ReadFill(&f, payloads[i%len(payloads)], &texts); err != nil {
			b.Fatal(err)
		}
	}
}
