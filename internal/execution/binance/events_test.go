package binance_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/execution/executiontest"
	"github.com/fullon/fullon/internal/execution/private"
	"github.com/fullon/fullon/internal/sim"
)

func TestAFillThatTheStreamDidNotBringIsMadeUpFor(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.market("99", "10", "101", "10")
	v := r.venue()
	sink, _ := executiontest.Listen(t, v)
	executiontest.Submit(t, v, order("o", domain.Buy, "10", "100"))
	r.market("99", "10", "100", "4")
	executiontest.WantFills(t, sink, "o", "4")

	// Cut in the middle, and no way to come back for a while.
	r.x.Inject(sim.Fault{Path: "/api/v3/account", Status: 503, Times: 1 << 30})
	before := sink.Connects()
	r.x.Drop()
	executiontest.Eventually(t, "the reconnect", func() bool { return sink.Connects() > before })
	r.market("99", "10", "100", "3")
	r.x.Drop() // what may have heard of it is cut
	r.x.Heal()
	executiontest.WantFills(t, sink, "o", "7")
	r.market("99", "10", "100", "30")
	executiontest.WantFills(t, sink, "o", "10")
	// What became of the order may have been told by none of the streams.
	if report, err := v.Query(t.Context(), order("o", domain.Buy, "10", "100")); err != nil || report.Status != domain.OrderFilled {
		t.Fatalf("%+v, %v", report, err)
	}
}

// The venue's list of trades may be behind when it is asked.
func TestAFillThatTheVenueListsLate(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.market("99", "10", "101", "10")
	v := r.venue(func(c *private.Config) { c.SweepEvery = 10 * time.Millisecond })
	executiontest.Submit(t, v, order("early", domain.Buy, "1", ""))
	r.x.Inject(sim.Fault{Path: "/api/v3/myTrades", Body: "[]"})
	sink, _ := executiontest.Listen(t, v)
	executiontest.Submit(t, v, order("later", domain.Buy, "1", "")) // a later trade comes first
	executiontest.WantFills(t, sink, "later", "1")
	executiontest.WantFills(t, sink, "early", "1")
}

func TestFillsBeyondAPage(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(cfg *sim.Config) { cfg.Symbols[0].MinNotional = "0.001" })
	r.market("99", "10", "101", "10")
	v := r.venue()
	executiontest.Submit(t, v, order("many", domain.Buy, "1100", "100"))
	for range 1100 {
		r.market("99", "10", "100", "1")
	}
	sink, _ := executiontest.Listen(t, v)
	executiontest.WantFills(t, sink, "many", "1100")
	// From a time on, only those after it.
	after, _ := executiontest.Listen(t, r.venue(func(c *private.Config) { c.Since = time.Now().Add(time.Hour) }))
	executiontest.Eventually(t, "the balances", func() bool { return after.BalanceOf("USDT").Total.IsPos() })
	executiontest.Submit(t, v, order("rests", domain.Buy, "1", "50"))
	executiontest.Eventually(t, "the report", func() bool { return len(after.Reports("rests")) == 1 })
	if fills := after.Fills(""); len(fills) > 0 {
		t.Fatalf("%d fills of before came", len(fills))
	}
}

func TestTheVenueIsKilledAndComesBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.market("99", "10", "101", "10")
	v := r.venue()
	sink, _ := executiontest.Listen(t, v)
	o := order("o", domain.Buy, "5", "100")
	executiontest.Submit(t, v, o)
	r.stop()
	if _, err := v.Query(t.Context(), o); executiontest.Outcome(err) != "unanswered" {
		t.Fatal(err)
	}
	before := sink.Connects()
	r.open()
	executiontest.Eventually(t, "the reconnect", func() bool { return sink.Connects() > before })
	r.market("99", "10", "100", "2")
	executiontest.WantFills(t, sink, "o", "2")
	report, err := v.Cancel(t.Context(), o)
	if err != nil || report.Status != domain.OrderCanceled || !report.Filled.Equal(dec("2")) {
		t.Fatalf("%+v, %v", report, err)
	}
}

func TestAnEndedStreamIsBegunAnew(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.venue()
	sink, _ := executiontest.Listen(t, v)
	if n := r.x.Terminate("main"); n != 1 {
		t.Fatalf("%d streams", n)
	}
	executiontest.Eventually(t, "the reconnect", func() bool { return sink.Connects() > 1 && r.x.Listeners("main") == 1 })
}

func TestADepositIsABalance(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	sink, _ := executiontest.Listen(t, r.venue())
	executiontest.Eventually(t, "the balances", func() bool { return sink.BalanceOf("BTC").Total.Equal(dec("100")) })
	if err := r.x.Transfer("main", "BTC", "2.5"); err != nil {
		t.Fatal(err)
	}
	executiontest.Eventually(t, "the deposit", func() bool { return sink.BalanceOf("BTC").Total.Equal(dec("102.5")) })
	if err := r.x.Transfer("main", "BTC", "-102.5"); err != nil {
		t.Fatal(err)
	}
	executiontest.Eventually(t, "nothing", func() bool { return sink.BalanceOf("BTC").Total.IsZero() })
}

// wary is a sink that remembers whether a balance ever was a certain one.
type wary struct {
	*executiontest.Sink
	met atomic.Bool
}

func (w *wary) Balance(b domain.Balance) {
	if b.Total.Equal(dec("5")) {
		w.met.Store(true)
	}
	w.Sink.Balance(b)
}

func TestBalancesDoNotGoBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	sink := &wary{Sink: executiontest.NewSink()}
	executiontest.Deliver(t, r.venue(), sink)
	transfer := func(total string) {
		t.Helper()
		if err := r.x.Transfer("main", "BTC", "1"); err != nil {
			t.Fatal(err)
		}
		executiontest.Eventually(t, "the balance", func() bool { return sink.BalanceOf("BTC").Total.Equal(dec(total)) })
	}
	executiontest.Eventually(t, "the stream", func() bool { return r.x.Listeners("main") == 1 && sink.BalanceOf("BTC").Total.IsPos() })
	transfer("101")
	// The venue's memory may be behind its stream.
	r.x.Inject(sim.Fault{Path: "/api/v3/account", Body: `{"updateTime":1000,"balances":[{"asset":"BTC","free":"5","locked":"0"}]}`})
	transfer("102")
	if sink.met.Load() {
		t.Fatal("a balance of long ago came after a newer one")
	}
}

// held is a sink whose first report waits.
type held struct {
	*executiontest.Sink
	wait <-chan struct{}
}

func (h held) Order(r execution.Report) {
	<-h.wait
	h.Sink.Order(r)
}

func TestASlowSinkIsDisconnectedAndLosesNoFill(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.market("99", "10", "101", "10")
	v := r.venue(func(c *private.Config) { c.Queue = 2 })
	wait := make(chan struct{})
	sink := held{executiontest.NewSink(), wait}
	executiontest.Deliver(t, v, sink)
	executiontest.Eventually(t, "the balances", func() bool { return sink.BalanceOf("USDT").Total.IsPos() })
	executiontest.Submit(t, v, order("o", domain.Buy, "10", "100"))
	for range 10 {
		r.market("99", "10", "100", "1")
	}
	executiontest.Eventually(t, "the disconnect", func() bool { return r.x.Listeners("main") == 0 })
	close(wait)
	executiontest.Eventually(t, "the reconnect", func() bool { return sink.Connects() > 1 })
	executiontest.WantFills(t, sink.Sink, "o", "10")
}

func TestRunEndsForAKeyThatNeverWorks(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for name, change := range map[string]func(*private.Config){
		"key":    func(c *private.Config) { c.Key = "anotherKeyAnotherKeyAnotherKey" },
		"form":   func(c *private.Config) { c.Key = "-" },
		"secret": func(c *private.Config) { c.Secret = "anotherSecretAnotherSecret" },
	} {
		if err := r.venue(change).Run(t.Context(), executiontest.NewSink()); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	// One that worked once is tried again.
	v := r.venue()
	sink, _ := executiontest.Listen(t, v)
	executiontest.Eventually(t, "the balances", func() bool { return sink.BalanceOf("USDT").Total.IsPos() })
	before := sink.Connects()
	r.x.Inject(sim.Fault{Method: http.MethodGet, Path: "/api/v3/account", Status: 401, Code: -2015, Message: "Invalid API-key, IP, or permissions for action.", Times: 3})
	r.x.Drop()
	executiontest.Eventually(t, "the reconnects", func() bool { return sink.Connects() > before+3 })
	if err := v.Run(t.Context(), sink); err == nil || errors.Is(err, context.Canceled) {
		t.Fatalf("a second Run: %v", err)
	}
}
