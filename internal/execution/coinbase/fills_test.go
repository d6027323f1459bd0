package coinbase_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution/executiontest"
	"github.com/fullon/fullon/internal/execution/papertest"
	"github.com/fullon/fullon/internal/execution/private"
)

func TestAFillThatTheStreamDidNotBringIsMadeUpFor(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Market("99", "10", "101", "10")
	v := r.venue()
	sink, _ := executiontest.Listen(t, v)
	o := order("o", domain.Buy, "10", "100")
	executiontest.Submit(t, v, o)
	r.Market("99", "10", "100", "4")
	executiontest.WantFills(t, sink, "o", "4")
	// Cut, and no way to come back for a while.
	r.Inject(papertest.Fault{Path: "/user", Status: 503, Times: 1 << 30})
	r.Disconnect()
	executiontest.Eventually(t, "the end of the stream", func() bool { return r.Listeners() == 0 })
	r.Market("99", "10", "100", "3")
	r.Heal()
	executiontest.WantFills(t, sink, "o", "7")
	r.Market("99", "10", "100", "30")
	executiontest.WantFills(t, sink, "o", "10")
	for _, f := range sink.Fills("") {
		if f.ClientOrderID != "o" || f.Side != domain.Buy || f.FeeCurrency != "USDT" || !f.Fee.IsPos() || !f.Maker {
			t.Fatalf("%+v", f)
		}
	}
}

// The venue's list of fills may be behind its stream: for a moment, or longer.
func TestAFillThatTheVenueListsLate(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Market("99", "10", "101", "10")
	v := r.venue(func(c *private.Config) { c.SweepEvery = 10 * time.Millisecond })
	executiontest.Submit(t, v, order("early", domain.Buy, "1", ""))
	r.Inject(papertest.Fault{Path: "fills", Body: `{"fills":[],"cursor":""}`})
	sink, _ := executiontest.Listen(t, v)
	executiontest.Submit(t, v, order("later", domain.Buy, "1", "")) // a later trade comes first
	executiontest.WantFills(t, sink, "later", "1")
	executiontest.WantFills(t, sink, "early", "1")

	asks := r.venue() // which sweeps once
	sink, _ = executiontest.Listen(t, asks)
	executiontest.WantFills(t, sink, "later", "1")
	r.d.mu.Lock()
	r.d.late = 3
	r.d.mu.Unlock()
	executiontest.Submit(t, asks, order("soon", domain.Buy, "1", ""))
	executiontest.WantStatus(t, sink, "soon", domain.OrderFilled)
	executiontest.WantFills(t, sink, "soon", "1") // which came before the report

	sink, _ = executiontest.Listen(t, r.venue(func(c *private.Config) { c.SweepEvery = 10 * time.Millisecond }))
	executiontest.WantFills(t, sink, "soon", "1")
	r.Inject(papertest.Fault{Path: "fills", Body: `{"fills":[],"cursor":""}`, Times: 1 << 30})
	executiontest.Submit(t, asks, order("long", domain.Buy, "1", ""))
	executiontest.Eventually(t, "what is missing", func() bool { return strings.Contains(r.logs.String(), "fills are not listed yet") })
	executiontest.WantStatus(t, sink, "long", domain.OrderFilled) // whatever the list says
	if fills := sink.Fills("long"); len(fills) > 0 {
		t.Fatalf("%+v", fills)
	}
	r.Heal()
	executiontest.WantFills(t, sink, "long", "1")
}

// More than a page, at about the same time.
func TestFillsBeyondAPage(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Market("99", "10", "101", "10")
	v := r.venue()
	executiontest.Submit(t, v, order("many", domain.Buy, "170", "100"))
	for range 170 {
		r.Market("99", "10", "100", "1")
	}
	// The venue has enough of being asked.
	r.Inject(papertest.Fault{Path: "fills", Status: http.StatusTooManyRequests})
	sink, _ := executiontest.Listen(t, v)
	executiontest.WantFills(t, sink, "many", "170")
	if sink.Connects() != 1 {
		t.Fatal("the stream was interrupted")
	}
	// From a time on, only those after it.
	after, _ := executiontest.Listen(t, r.venue(func(c *private.Config) { c.Since = time.Now().Add(time.Hour) }))
	executiontest.Eventually(t, "the balances", func() bool { return after.BalanceOf("USDT").Total.IsPos() })
	executiontest.Submit(t, v, order("rests", domain.Buy, "1", "50"))
	executiontest.WantStatus(t, after, "rests", domain.OrderAccepted)
	if fills := after.Fills(""); len(fills) > 0 {
		t.Fatalf("%d fills of before came", len(fills))
	}
}

// A fill in a symbol that is listed anew waits for the catalogue.
func TestAFillIsHeldBackUntilItsSymbolIsKnown(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Market("99", "10", "101", "10")
	var known atomic.Bool
	v := r.venue(func(c *private.Config) {
		c.SweepEvery = 10 * time.Millisecond
		c.Symbols = func() map[string]domain.Symbol {
			if known.Load() {
				return catalogue
			}
			return nil
		}
	})
	sink, _ := executiontest.Listen(t, v)
	executiontest.Submit(t, r.venue(), order("o", domain.Buy, "1", ""))
	executiontest.Eventually(t, "the fill", func() bool { return strings.Contains(r.logs.String(), "fill held back") })
	if fills := sink.Fills(""); len(fills) > 0 {
		t.Fatalf("%+v", fills)
	}
	known.Store(true)
	executiontest.WantFills(t, sink, "o", "1")
}
