package wire

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/fullon/fullon/domain"
)

var orderKey = domain.Key{Kind: domain.KindOrder, Exchange: "kraken", OrderID: "0b1f7a52-6c4a-4f37-a1d0-3d4a1f2b9c55"}

// usualOrders are of the form that is read without a decoder.
func usualOrders(t testing.TB) [][]byte {
	t.Helper()
	d, at := domain.MustDecimal, time.Unix(1_700_000_000, 123)
	o := domain.Order{
		ID: orderKey.OrderID, Exchange: "kraken", Status: domain.OrderNew, Created: at, Updated: at,
		OrderTerms: domain.OrderTerms{
			Account: "1001", Bot: "grid-7", Symbol: "BTC/USDT", Side: domain.Buy, Type: domain.StopLimit,
			Volume: d("0.05"), Price: d("50500.5"), StopPrice: d("50400"),
		},
	}
	full := o
	full.Status, full.Reason, full.CancelRequested, full.Dead, full.ReduceOnly = domain.OrderPartial, strings.Repeat("why ", 20), true, true, true
	full.VenueOrderID, full.VenueTime, full.Filled, full.AveragePrice = strings.Repeat("P", 40), at, d("0.01"), d("50499.123456")
	full.Attempt, full.Worker, full.Deadline, full.Token, full.First, full.Expires = 3, "worker-1", at, 1<<40, 70_000, at
	return [][]byte{encoded(t, o), encoded(t, full)}
}

func TestTheUsualFormOfAnOrderIsWhatTheEncoderWrites(t *testing.T) {
	t.Parallel()
	var names Names
	for _, data := range usualOrders(t) {
		if !usualOrder(new(domain.Order), data, &names) {
			t.Errorf("%x is left to the decoder", data)
		}
	}
}

// An order that is read without a decoder is what the decoder reads, and whatever
// is refused is refused with the same words.
func FuzzReadOrder(f *testing.F) {
	for _, data := range usualOrders(f) {
		f.Add(data)
		f.Add(append(slices.Clone(data), 0xc3))
		for i := range data { // each element in another form
			changed := slices.Clone(data)
			changed[i] ^= 0x0f
			f.Add(changed)
			changed = slices.Clone(data)
			changed[i] ^= 0xc0
			f.Add(changed)
			f.Add(data[:i])
		}
		for i := range data { // times that are none
			if i+9 <= len(data) && data[i] == wideNumber {
				changed := slices.Clone(data)
				changed[i+1] = 0xff
				f.Add(changed)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) == 0 {
			return
		}
		var got domain.Order
		var names Names
		err := ReadOrder(&got, orderKey, data, &names)
		want, wantErr := Decode(orderKey, data)
		if (err == nil) != (wantErr == nil) || (err != nil && err.Error() != wantErr.Error()) {
			t.Fatalf("%x: %v, want %v", data, err, wantErr)
		}
		if err == nil && !reflect.DeepEqual(got, want) {
			t.Fatalf("%x: %+v, want %+v", data, got, want)
		}
	})
}

func TestNamesKeepsOneCopyOfEach(t *testing.T) {
	t.Parallel()
	var names Names
	buf := []byte("grid")
	first := names.keep(buf)
	copy(buf, "mesh")
	if other := names.keep(buf); first != "grid" || other != "mesh" {
		t.Fatalf("%q %q", first, other)
	}
	copy(buf, "grid")
	if again := names.keep(buf); again != first || unsafe.StringData(again) != unsafe.StringData(first) {
		t.Errorf("%q is another copy", again)
	}
	for i := range 3 * mostNames {
		names.keep([]byte{byte(i), byte(i >> 8), byte(i >> 16), 'x'})
	}
	if len(names.known) > mostNames {
		t.Errorf("%d names are kept", len(names.known))
	}
}
