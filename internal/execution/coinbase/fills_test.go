package coinbase_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution/executiontest"
	"github.com/fullon/fullon/internal/execution/papertest"
	"github.com/fullon/fullon/internal/execution/private"
)

func TestAFillThatTheStreamDidNotBringIsMadeUpFor(t *testing.T) {
	t.Parallel()
	newRig(t).MakesUpForFills(t, "/user")
}

// The venue's list of fills may be behind its stream: for a moment, or longer.
func TestAFillThatTheVenueListsLate(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Market("99", "10", "101", "10")
	v := r.Venue(func(c *private.Config) { c.SweepEvery = 10 * time.Millisecond })
	executiontest.Submit(t, v, order("early", domain.Buy, "1", ""))
	r.Inject(papertest.Fault{Path: "fills", Body: `{"fills":[],"cursor":""}`})
	sink, _ := executiontest.Listen(t, v)
	executiontest.Submit(t, v, order("later", domain.Buy, "1", "")) // a later trade comes first
	executiontest.WantFills(t, sink, "later", "1")
	executiontest.WantFills(t, sink, "early", "1")

	asks := r.Venue() // which sweeps once
	sink, _ = executiontest.Listen(t, asks)
	executiontest.WantFills(t, sink, "later", "1")
	r.d.mu.Lock()
	r.d.late = 3
	r.d.mu.Unlock()
	executiontest.Submit(t, asks, order("soon", domain.Buy, "1", ""))
	executiontest.WantStatus(t, sink, "soon", domain.OrderFilled)
	executiontest.WantFills(t, sink, "soon", "1") // which came before the report

	sink, _ = executiontest.Listen(t, r.Venue(func(c *private.Config) { c.SweepEvery = 10 * time.Millisecond }))
	executiontest.WantFills(t, sink, "soon", "1")
	r.Inject(papertest.Fault{Path: "fills", Body: `{"fills":[],"cursor":""}`, Times: 1 << 30})
	executiontest.Submit(t, asks, order("long", domain.Buy, "1", ""))
	executiontest.Eventually(t, "what is missing", func() bool { return strings.Contains(r.Logs.String(), "fills are not listed yet") })
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
	v := r.Venue()
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
	after, _ := executiontest.Listen(t, r.Venue(func(c *private.Config) { c.Since = time.Now().Add(time.Hour) }))
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
	newRig(t).HoldsFillsBack(t)
}
