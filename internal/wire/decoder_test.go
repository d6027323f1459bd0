package wire

import (
	"bytes"
	"testing"

	"github.com/tinylib/msgp/msgp"
	"pgregory.net/rapid"

	"github.com/fullon/fullon/domain"
)

// What is read in place is what msgp reads, and ends where msgp ends; what msgp
// refuses is refused.
func FuzzElements(f *testing.F) {
	for _, seed := range [][]byte{
		nil, {0x00}, {0x7f}, {0xe0}, {0xcc, 200}, {0xcf, 0, 0, 0, 0, 0, 0, 1, 2, 3}, {0xcf, 0x80, 0, 0, 0, 0, 0, 0, 0}, {0xcf, 1},
		{0xd3, 0xff, 0, 0, 0, 0, 0, 0, 0}, {0xa0}, {0xa2, 'a'}, {0xa2, 'a', 'b', 'c'}, {0xbf}, {0xd9, 1, 'a'}, {0x93, 1}, {0xc3},
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		same(t, data, (*decoder).int, msgp.ReadInt64Bytes, func(a, b int64) bool { return a == b })
		same(t, data, (*decoder).uint, msgp.ReadUint64Bytes, func(a, b uint64) bool { return a == b })
		same(t, data, (*decoder).bytes, msgp.ReadStringZC, bytes.Equal)
	})
}

func same[T any](t *testing.T, data []byte, ours func(*decoder, string) T, theirs func([]byte) (T, []byte, error), equal func(a, b T) bool) {
	t.Helper()
	d := decoder{data: data}
	got := ours(&d, "element")
	want, rest, err := theirs(data)
	switch {
	case (err == nil) != (d.err == nil):
		t.Fatalf("%x: %v, want %v", data, d.err, err)
	case err == nil && (!equal(got, want) || len(data)-d.at != len(rest)):
		t.Fatalf("%x: %v and %d more, want %v and %d", data, got, len(data)-d.at, want, len(rest))
	}
}

// Texts that share memory are what they were, whatever becomes of the payload
// and however many more there are.
func TestTextsKeepWhatTheyWereGiven(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(rapid.StringN(0, -1, 700), 0, 60).Draw(t, "texts")
		var texts Texts
		got := make([]string, len(want))
		for i, text := range want {
			buffer := []byte(text)
			got[i] = texts.keep(buffer)
			clear(buffer)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("text %d is %q, want %q", i, got[i], want[i])
			}
		}
	})
}

// A list's values are the same as if each were decoded on its own.
func TestValuesThatShareTextsAreTheSame(t *testing.T) {
	// Not parallel: it uses a generator that another test uses.
	rapid.Check(t, func(t *rapid.T) {
		var texts Texts
		for _, event := range rapid.SliceOfN(events, 1, 20).Draw(t, "events") {
			data, err := Encode(event)
			if err != nil {
				t.Fatal(err)
			}
			switch event := event.(type) {
			case domain.Trade:
				want, _ := DecodeTrade(event.Key(), data)
				got := domain.Trade{Exchange: event.Exchange, Symbol: event.Symbol}
				if err := ReadTrade(&got, data, &texts); err != nil || got != want {
					t.Fatalf("%+v (%v), want %+v", got, err, want)
				}
			case domain.Fill:
				want, _ := DecodeFill(event.Key(), data)
				got := domain.Fill{Account: event.Account, Exchange: event.Exchange, Symbol: event.Symbol}
				if err := ReadFill(&got, data, &texts); err != nil || got != want {
					t.Fatalf("%+v (%v), want %+v", got, err, want)
				}
			}
		}
	})
}
