package bus_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// Each change is stored by itself, in its place, whatever is wrong with others.
func TestEachChangeIsStoredByItself(t *testing.T) {
	t.Parallel()
	b := testserver.NewNATS(t).Bus(t, one)
	halt := func(bot string) domain.Halt {
		return domain.Halt{Exchange: "binance", Bot: bot, State: domain.TradingHalted}
	}
	var changes []bus.Change
	for i := range 3000 { // more than may be under way
		changes = append(changes, bus.Change{Event: halt(fmt.Sprintf("bot-%d", i))})
	}
	changes[7].Last = 12                                // there is none
	changes[9].Event = domain.Halt{Exchange: "binance"} // no state
	changes[11].Event = domain.Halt{Exchange: "nobody-provisioned-this", State: domain.TradingHalted}
	changes[13].Event = halt("bot-12") // which was stored just before
	changes[15] = bus.Change{Event: halt("bot-14"), Free: true}
	changes[17].If = domain.Key{Kind: domain.KindHalt, Exchange: "kraken"} // of another stream
	stored := b.StoreEach(t.Context(), changes)
	want := map[int]error{7: domain.ErrConflict, 9: domain.ErrInvalid, 11: domain.ErrNotFound, 13: domain.ErrConflict, 17: domain.ErrInvalid}
	last := uint64(0)
	for i, s := range stored {
		if !errors.Is(s.Err, want[i]) || (s.Seq == 0) != (want[i] != nil) {
			t.Fatalf("change %d: %+v", i, s)
		}
		if s.Seq != 0 {
			if s.Seq != last+1 {
				t.Fatalf("change %d is at %d, behind %d", i, s.Seq, last)
			}
			last = s.Seq
		}
	}
	if none := b.StoreEach(t.Context(), nil); len(none) != 0 {
		t.Fatal(none)
	}
}
