package papertest

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/execution/executiontest"
	"github.com/fullon/fullon/internal/execution/private"
)

// Answer is something that a venue answers, and what it means.
type Answer struct {
	name                  string
	fault                 Fault
	submit, cancel, query string
}

// Means says what becomes of an order, of a cancel and of a query that are
// answered so, in the words of executiontest.Outcome or how they begin. ITSELF in
// the Body is the id of the order.
func Means(name string, answer Fault, submit, cancel, query string) Answer {
	return Answer{name, answer, submit, cancel, query}
}

// MeansWhat holds the adapter to what answers mean, which are given to the
// requests whose paths end so. Nothing is done by any of them.
func (r *Rig) MeansWhat(t *testing.T, submit, cancel, query string, answers []Answer) {
	t.Helper()
	v := r.Venue()
	for i, a := range answers {
		for n, call := range []struct {
			path, want string
			do         func(context.Context, domain.Order) (execution.Report, error)
		}{{submit, a.submit, v.Submit}, {cancel, a.cancel, v.Cancel}, {query, a.query, v.Query}} {
			o := r.Order(fmt.Sprintf("o%dx%d", i, n), domain.Buy, "1", "50")
			f := a.fault
			f.Path, f.Body = call.path, strings.ReplaceAll(f.Body, "ITSELF", o.ID)
			r.Inject(f)
			if _, err := call.do(t.Context(), o); !strings.HasPrefix(executiontest.Outcome(err), call.want) {
				t.Errorf("%s %d %s: %s, want %s: %v", call.path, n, a.name, executiontest.Outcome(err), call.want, err)
			}
			r.Heal()
		}
	}
	if open, err := v.Open(t.Context()); err != nil || len(open) != 0 {
		t.Fatalf("%+v, %v", open, err)
	}
}

// LosesAnswers lets answers get lost to the requests whose paths end so: what was
// done is found, and not done again. sent is how many orders arrived.
func (r *Rig) LosesAnswers(t *testing.T, submit, cancel string, sent func() int) {
	t.Helper()
	v := r.Venue()
	o := r.Order("lost", domain.Buy, "1", "50")
	r.Inject(Fault{Path: submit, Lose: true})
	if _, err := v.Submit(t.Context(), o); executiontest.Outcome(err) != "unanswered" {
		t.Fatal(err)
	}
	if report, err := v.Query(t.Context(), o); err != nil || report.Status != domain.OrderAccepted {
		t.Fatalf("%+v, %v", report, err)
	}
	again := o
	again.Attempt = 2
	if _, err := v.Submit(t.Context(), again); executiontest.Outcome(err) != "duplicate" || sent() != 1 {
		t.Fatalf("%v, sent %d times", err, sent())
	}
	r.Inject(Fault{Path: cancel, Lose: true})
	if _, err := v.Cancel(t.Context(), o); executiontest.Outcome(err) != "unanswered" {
		t.Fatal(err)
	}
	if report, err := v.Cancel(t.Context(), o); err != nil || report.Status != domain.OrderCanceled {
		t.Fatalf("%+v, %v", report, err)
	}
}

// FillsInParts lets an order be taken, filled in part, and filled, and returns what
// it did that with.
func (r *Rig) FillsInParts(t *testing.T) (*private.Venue, *executiontest.Sink) {
	t.Helper()
	r.Market("99", "10", "101", "10")
	v := r.Venue()
	sink, _ := executiontest.Listen(t, v)
	executiontest.Submit(t, v, r.Order("o", domain.Buy, "10", "100"))
	executiontest.WantStatus(t, sink, "o", domain.OrderAccepted)
	r.Market("99", "10", "100", "4")
	executiontest.WantStatus(t, sink, "o", domain.OrderPartial)
	r.Market("99", "10", "100", "30")
	executiontest.WantStatus(t, sink, "o", domain.OrderFilled)
	executiontest.WantFills(t, sink, "o", "10")
	end := sink.Last("o")
	if !end.Filled.Equal(domain.MustDecimal("10")) || !end.AveragePrice.Equal(domain.MustDecimal("100")) || end.Symbol != executiontest.Symbol || end.Time.IsZero() {
		t.Fatalf("%+v", end)
	}
	for _, f := range sink.Fills("o") {
		if !f.Fee.Equal(f.Cost().Mul(domain.MustDecimal("0.001"))) || f.FeeCurrency != "USDT" || !f.Maker || f.OrderID != end.VenueOrderID {
			t.Fatalf("%+v", f)
		}
	}
	return v, sink
}

// EndsOrders goes on where FillsInParts ended: an order is canceled with a part of
// it filled, which gets the venue's reason for that, one is not filled at once, and
// one is rejected, which never was an order.
func (r *Rig) EndsOrders(t *testing.T, v *private.Venue, sink *executiontest.Sink, reason string) {
	t.Helper()
	c := r.Order("c", domain.Buy, "10", "98")
	executiontest.Submit(t, v, c)
	r.Market("97", "10", "98", "1")
	report, err := v.Cancel(t.Context(), c)
	if err != nil || report.Status != domain.OrderCanceled || !report.Filled.Equal(domain.MustDecimal("1")) || report.Reason != reason {
		t.Fatalf("%+v, %v", report, err)
	}
	executiontest.WantStatus(t, sink, "c", domain.OrderCanceled)
	now := r.Order("now", domain.Buy, "5", "90")
	now.TimeInForce = domain.ImmediateOrCancel
	executiontest.Submit(t, v, now)
	executiontest.WantStatus(t, sink, "now", domain.OrderExpired)
	if _, err := v.Submit(t.Context(), r.Order("dear", domain.Buy, "1000000", "98")); executiontest.Outcome(err) != "rejected" {
		t.Fatal(err)
	}
	if reports := sink.Reports("dear"); len(reports) > 0 {
		t.Fatalf("%+v", reports)
	}
}

// ComesBack kills the exchange under an adapter that follows it.
func (r *Rig) ComesBack(t *testing.T) {
	t.Helper()
	r.Market("99", "10", "101", "10")
	v := r.Venue()
	sink, _ := executiontest.Listen(t, v)
	o := r.Order("o", domain.Buy, "5", "100")
	executiontest.Submit(t, v, o)
	r.Stop()
	if _, err := v.Query(t.Context(), o); executiontest.Outcome(err) != "unanswered" {
		t.Fatal(err)
	}
	before := sink.Connects()
	r.Start()
	executiontest.Eventually(t, "the reconnect", func() bool { return sink.Connects() > before })
	r.Market("99", "10", "100", "2")
	executiontest.WantFills(t, sink, "o", "2")
}

// MakesUpForFills cuts the stream and keeps it from coming back, by an error at
// the path that it needs, while an order is filled.
func (r *Rig) MakesUpForFills(t *testing.T, path string) *executiontest.Sink {
	t.Helper()
	r.Market("99", "10", "101", "10")
	v := r.Venue()
	sink, _ := executiontest.Listen(t, v)
	executiontest.Submit(t, v, r.Order("o", domain.Buy, "10", "100"))
	r.Market("99", "10", "100", "4")
	executiontest.WantFills(t, sink, "o", "4")
	r.Inject(Fault{Path: path, Status: 503, Times: 1 << 30})
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
	return sink
}

// ListsLate lets the list of fills be behind its stream: a later fill comes
// first. empty are lists without any.
func (r *Rig) ListsLate(t *testing.T, empty ...Fault) {
	t.Helper()
	r.Market("99", "10", "101", "10")
	v := r.Venue(func(c *private.Config) { c.SweepEvery = 10 * time.Millisecond })
	executiontest.Submit(t, v, r.Order("early", domain.Buy, "1", ""))
	for _, f := range empty {
		r.Inject(f)
	}
	sink, _ := executiontest.Listen(t, v)
	executiontest.Submit(t, v, r.Order("later", domain.Buy, "1", ""))
	executiontest.WantFills(t, sink, "later", "1")
	executiontest.WantFills(t, sink, "early", "1")
}

// HoldsFillsBack fills orders, one before the adapter listens and one after, in a
// symbol that it does not know yet.
func (r *Rig) HoldsFillsBack(t *testing.T) {
	t.Helper()
	r.Market("99", "10", "101", "10")
	var known atomic.Bool
	v := r.Venue(func(c *private.Config) {
		symbols := c.Symbols
		c.SweepEvery = 10 * time.Millisecond
		c.Symbols = func() map[string]domain.Symbol {
			if known.Load() {
				return symbols()
			}
			return nil
		}
	})
	executiontest.Submit(t, r.Venue(), r.Order("listed", domain.Buy, "1", ""))
	sink, _ := executiontest.Listen(t, v)
	executiontest.Submit(t, r.Venue(), r.Order("o", domain.Buy, "1", ""))
	executiontest.Eventually(t, "the fill", func() bool { return strings.Contains(r.Logs.String(), "fill held back") })
	if fills := sink.Fills(""); len(fills) > 0 {
		t.Fatalf("%+v", fills)
	}
	known.Store(true)
	executiontest.WantFills(t, sink, "listed", "1")
	executiontest.WantFills(t, sink, "o", "1")
}

// RefusesKeys follows the account with keys that are not its own, then with one
// that deny refuses for a while after it worked.
func (r *Rig) RefusesKeys(t *testing.T, wrong map[string]func(*private.Config), deny func()) {
	t.Helper()
	for name, change := range wrong {
		if err := r.Venue(change).Run(t.Context(), executiontest.NewSink()); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	v := r.Venue()
	sink, _ := executiontest.Listen(t, v)
	deny()
	r.Disconnect()
	executiontest.Eventually(t, "the reconnect", func() bool { return sink.Connects() > 1 })
	if err := v.Run(t.Context(), sink); err == nil {
		t.Fatal("a second Run")
	}
}

// EndsFor sends frames that make no sense, each of which ends the connection, and
// nothing of which is told.
func (r *Rig) EndsFor(t *testing.T, sink *executiontest.Sink, frames []string) {
	t.Helper()
	for n, frame := range frames {
		executiontest.Eventually(t, "the stream", func() bool { return r.Listeners() == 1 })
		before := sink.Connects()
		r.Broadcast(frame)
		executiontest.Eventually(t, fmt.Sprintf("the reconnect after frame %d", n), func() bool { return sink.Connects() > before })
	}
	if fills := sink.Fills(""); len(fills) > 0 {
		t.Fatalf("%+v", fills)
	}
}

// KeepsSecrets lets all that can go wrong go wrong, by faults with which no request
// may succeed but those that have a path, and looks for what is hidden in all
// errors and all that is logged.
func (r *Rig) KeepsSecrets(t *testing.T, faults []Fault, hidden ...string) {
	t.Helper()
	v := r.Venue()
	sink, stop := executiontest.Listen(t, v)
	var said []string
	all := func(path string) {
		o := r.Order("o", domain.Buy, "1", "50")
		for _, do := range []func(context.Context, domain.Order) (execution.Report, error){v.Submit, v.Cancel, v.Query} {
			_, err := do(t.Context(), o)
			switch {
			case err != nil:
				said = append(said, err.Error(), fmt.Sprintf("%+v", err))
			case path == "":
				t.Fatal("no error")
			}
		}
	}
	const ended = "account stream ended"
	for _, f := range faults {
		f.Times = 1 << 30
		r.Inject(f)
		ends := strings.Count(r.Logs.String(), ended)
		r.Disconnect()
		all(f.Path)
		executiontest.Eventually(t, "the stream to meet it, too", func() bool { return strings.Count(r.Logs.String(), ended) > ends+1 })
		r.Heal()
		before := sink.Connects()
		r.Disconnect()
		executiontest.Eventually(t, "the reconnect", func() bool { return sink.Connects() > before })
	}
	r.Stop()
	all("")
	stop()
	said = append(said, r.Logs.String())
	for _, text := range said {
		for _, secret := range hidden {
			if strings.Contains(text, secret) {
				t.Fatalf("%q is in %q", secret, text)
			}
		}
	}
}
