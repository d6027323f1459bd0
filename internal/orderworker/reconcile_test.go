package orderworker_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/pause"
)

// What a venue says of a position is held against the fills that it delivered:
// one that has lost track is noticed, and one that has not is left alone.
func TestAVenueThatLosesTrackIsNoticed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.work(r.line(), &limiter{})
	trade := func(ids ...string) {
		for i, id := range ids {
			o := order(id, "BTC/USDT")
			if i%3 == 2 {
				o.Side, o.Price = domain.Sell, dec("99")
			}
			r.push(o)
			r.becomes(id, domain.OrderFilled)
		}
	}
	trade("1", "2", "3", "4", "5")
	// Long enough for a false alarm: it would be said before the one that is none.
	r.paper.Misstate(account, "BTC/USDT", dec("0.5"))
	trade("6")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		all, err := r.Accounts.Differences(ctx, account)
		var got []string
		for _, d := range all {
			got = append(got, fmt.Sprintf("%s %s %s", d.Subject(), d.Counted, d.Said))
		}
		if len(got) > 0 && strings.Join(got, ", ") != "BTC/USDT 4 4.5" {
			t.Fatalf("noticed: %v", got)
		}
		if len(got) > 0 {
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("nothing was noticed (%v)", err)
		}
		pause.For(ctx, 50*time.Millisecond)
	}
}
