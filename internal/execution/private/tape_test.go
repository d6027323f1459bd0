package private

import (
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
)

func placed(id string, place int64) Fill { return Fill{Fill: domain.Fill{ID: id}, Place: place} }

func TestATapeOfNumbersKnowsWhatWasDelivered(t *testing.T) {
	t.Parallel()
	tape := newDelivered(0).tape("BTC")
	tape.add(placed("7", 7)) // by an event, before the list told what came before it
	for place, want := range map[int64]bool{5: false, 7: true, 8: false} {
		if got := tape.has(placed(string(rune('0'+place)), place)); got != want {
			t.Errorf("%d: %v", place, got)
		}
	}
	tape.through(8)
	if !tape.has(placed("5", 5)) || !tape.has(placed("7", 7)) || tape.has(placed("8", 8)) || tape.from() != 8 || len(tape.some) != 0 {
		t.Fatalf("%+v", tape)
	}
	tape.through(3)
	if tape.from() != 8 {
		t.Fatal("it went back")
	}
}

// Times repeat, and a list by time may tell of an older fill later.
func TestATapeOfTimesLooksBack(t *testing.T) {
	t.Parallel()
	tape := newDelivered(100).tape("")
	tape.add(placed("a", 1000))
	tape.through(1000)
	if tape.from() != 900 || !tape.has(placed("a", 1000)) || tape.has(placed("b", 1000)) || tape.has(placed("c", 950)) {
		t.Fatalf("%+v", tape)
	}
	tape.through(1200)
	if len(tape.some) != 0 || !tape.has(placed("a", 1000)) {
		t.Fatalf("%+v", tape)
	}
}

func TestABalanceThatIsOlderIsNoNews(t *testing.T) {
	t.Parallel()
	d := newDelivered(0)
	at := func(s int64) domain.Balance { return domain.Balance{Currency: "BTC", Time: time.Unix(s, 0)} }
	for i, c := range []struct {
		b    domain.Balance
		news bool
	}{{at(10), true}, {at(9), false}, {domain.Balance{Currency: "BTC"}, true}, {at(10), true}, {at(11), true}, {at(10), false}, {domain.Balance{Currency: "ETH", Time: time.Unix(1, 0)}, true}} {
		if d.news(c.b) != c.news {
			t.Errorf("%d: %+v", i, c.b)
		}
	}
}
