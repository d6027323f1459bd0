package binance_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/execution/executiontest"
	"github.com/fullon/fullon/internal/sim"
)

func TestWhatAnAnswerMeans(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(cfg *sim.Config) { cfg.WeightLimit = 1 << 30 })
	v := r.venue()
	refusal := func(status, code int, message string) sim.Fault {
		return sim.Fault{Status: status, Code: code, Message: message}
	}
	limit := refusal(http.StatusTooManyRequests, -1003, "Too much request weight used.")
	limit.RetryAfter = 7 * time.Second
	ban := refusal(http.StatusTeapot, -1003, "Way too much request weight used; IP banned until 1.")
	ban.RetryAfter = 2 * time.Minute
	var o domain.Order
	for i, c := range []struct {
		name                  string
		fault                 sim.Fault
		submit, cancel, query string
	}{
		{"status 500", sim.Fault{Status: 500}, "unanswered", "unanswered", "unanswered"},
		{"status 502 with a code", refusal(502, -2010, "Account has insufficient balance for requested action."), "unanswered", "unanswered", "unanswered"},
		{"status 503, busy", refusal(503, -1008, "Server is currently overloaded."), "unanswered", "unanswered", "unanswered"},
		{"-1000", refusal(400, -1000, "An unknown error occurred."), "unanswered", "unanswered", "unanswered"},
		{"-1001", refusal(400, -1001, "Internal error."), "unanswered", "unanswered", "unanswered"},
		{"-1006", refusal(400, -1006, "Execution status unknown."), "unanswered", "unanswered", "unanswered"},
		{"-1007", refusal(408, -1007, "Send status unknown; execution status unknown."), "unanswered", "unanswered", "unanswered"},
		{"-1016", refusal(400, -1016, "This service is no longer available."), "unanswered", "unanswered", "unanswered"},
		{"a firewall", sim.Fault{Status: 403}, "unanswered", "unanswered", "unanswered"},
		{"a redirect", sim.Fault{Status: 302}, "unanswered", "unanswered", "unanswered"},
		{"no JSON", sim.Fault{Body: "<html>"}, "unanswered", "unanswered", "unanswered"},
		{"half of an answer", sim.Fault{Body: `{"symbol":"BTCUSDT","orderId":1`}, "unanswered", "unanswered", "unanswered"},
		{"nothing", sim.Fault{Body: "null"}, "unanswered", "unanswered", "unanswered"},
		{"an empty answer", sim.Fault{Body: "{}"}, "unanswered", "unanswered", "unanswered"},
		{"another order", sim.Fault{Body: `{"symbol":"BTCUSDT","orderId":1,"clientOrderId":"x","origClientOrderId":"x","status":"NEW","executedQty":"0","cummulativeQuoteQty":"0"}`}, "unanswered", "unanswered", "unanswered"},
		{"an unknown status", sim.Fault{Body: `{"symbol":"BTCUSDT","orderId":1,"clientOrderId":"ITSELF","origClientOrderId":"ITSELF","status":"LOST","executedQty":"0","cummulativeQuoteQty":"0"}`}, "unanswered", "unanswered", "unanswered"},
		{"-1003", limit, "limited 7s", "limited 7s", "limited 7s"},
		{"a ban", ban, "limited 2m0s", "limited 2m0s", "limited 2m0s"},
		{"-1015", refusal(429, -1015, "Too many new orders."), "limited 0s", "limited 0s", "limited 0s"},
		{"funds", refusal(400, -2010, "Account has insufficient balance for requested action."), "rejected", "rejected", "unanswered"},
		{"duplicate", refusal(400, -2010, "Duplicate order sent."), "duplicate", "duplicate", "unanswered"},
		{"filter", refusal(400, -1013, "Filter failure: LOT_SIZE"), "rejected", "rejected", "unanswered"},
		{"signature", refusal(400, -1022, "Signature for this request is not valid."), "rejected", "rejected", "unanswered"},
		{"key", refusal(401, -2015, "Invalid API-key, IP, or permissions for action."), "rejected", "rejected", "unanswered"},
		{"no order", refusal(400, -2013, "Order does not exist."), "rejected", "not found", "not found"},
		{"not canceled", refusal(400, -2011, "Unknown order sent."), "rejected", "not found", "unanswered"},
		{"archived", refusal(400, -2026, "Order was canceled or expired and has been archived."), "rejected", "rejected", "done"},
	} {
		for n, call := range []struct {
			method, want string
			do           func() error
		}{
			{http.MethodPost, c.submit, func() error { _, err := v.Submit(t.Context(), o); return err }},
			{http.MethodDelete, c.cancel, func() error { _, err := v.Cancel(t.Context(), o); return err }},
			{http.MethodGet, c.query, func() error { _, err := v.Query(t.Context(), o); return err }},
		} {
			o = order(fmt.Sprintf("o-%d-%d", i, n), domain.Buy, "1", "50")
			f := c.fault
			f.Method, f.Path, f.Body = call.method, "/api/v3/order", strings.ReplaceAll(f.Body, "ITSELF", o.ID)
			r.x.Inject(f)
			err := call.do()
			if got := executiontest.Outcome(err); got != call.want {
				t.Errorf("%s %s: %s, want %s: %v", call.method, c.name, got, call.want, err)
			}
			r.x.Heal()
			// What a fault's Body stood for was done.
			if open, err := v.Open(t.Context()); err != nil {
				t.Fatal(err)
			} else if len(open) > 0 {
				if _, err := v.Cancel(t.Context(), o); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

func TestALostAnswerIsFoundByAQuery(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.market("99", "10", "101", "10")
	v := r.venue()
	r.x.Inject(sim.Fault{Method: http.MethodPost, Lose: true})
	o := order("lost", domain.Buy, "1", "50")
	if _, err := v.Submit(t.Context(), o); executiontest.Outcome(err) != "unanswered" {
		t.Fatal(err)
	}
	if report, err := v.Query(t.Context(), o); err != nil || report.Status != domain.OrderAccepted {
		t.Fatalf("%+v, %v", report, err)
	}
	r.x.Inject(sim.Fault{Method: http.MethodDelete, Lose: true})
	if _, err := v.Cancel(t.Context(), o); executiontest.Outcome(err) != "unanswered" {
		t.Fatal(err)
	}
	if report, err := v.Cancel(t.Context(), o); err != nil || report.Status != domain.OrderCanceled {
		t.Fatalf("%+v, %v", report, err)
	}
}

func TestAnAnswerThatDoesNotComeInTime(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.venue()
	if _, err := v.Open(t.Context()); err != nil { // reads the clock
		t.Fatal(err)
	}
	r.x.Inject(sim.Fault{Method: http.MethodPost, Late: time.Second})
	o := order("slow", domain.Buy, "1", "50")
	if _, err := v.Submit(executiontest.Within(t, 300*time.Millisecond), o); executiontest.Outcome(err) != "unanswered" {
		t.Fatal(err)
	}
	if report, err := v.Query(t.Context(), o); err != nil || report.Status != domain.OrderAccepted {
		t.Fatalf("%+v, %v", report, err)
	}
}

// An order that is on its way for longer than its deadline is not taken.
func TestTheVenueRefusesALateOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.venue()
	if _, err := v.Open(t.Context()); err != nil { // reads the clock
		t.Fatal(err)
	}
	r.x.Inject(sim.Fault{Method: http.MethodPost, Delay: 600 * time.Millisecond})
	o := order("late", domain.Buy, "1", "50")
	if _, err := v.Submit(executiontest.Within(t, 300*time.Millisecond), o); executiontest.Outcome(err) != "unanswered" {
		t.Fatal(err)
	}
	r.restart() // which waits until the order has arrived
	if report, err := v.Query(t.Context(), o); executiontest.Outcome(err) != "not found" {
		t.Fatalf("it was taken after its deadline: %+v, %v", report, err)
	}
}

func TestAWrongClockIsReadAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.venue()
	if _, err := v.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.clock.set(time.Minute)
	o := order("o", domain.Buy, "1", "50")
	_, err := v.Submit(executiontest.Within(t, 5*time.Second), o)
	if executiontest.Outcome(err) != "rejected" || !strings.Contains(err.Error(), "-1021") {
		t.Fatal(err)
	}
	report, err := v.Submit(executiontest.Within(t, 5*time.Second), o)
	if err != nil || report.Status != domain.OrderAccepted {
		t.Fatalf("%+v, %v", report, err)
	}
}

func TestRateLimits(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(cfg *sim.Config) { cfg.OrderLimit, cfg.WeightLimit = 2, 100 })
	v := r.venue()
	var err error
	for i := 0; err == nil && i < 10; i++ {
		_, err = v.Submit(t.Context(), order("o-"+string(rune('a'+i)), domain.Buy, "1", "50"))
	}
	if executiontest.Outcome(err) != "limited 0s" {
		t.Fatal(err)
	}
	if open, err := v.Open(t.Context()); err != nil || len(open) < 2 {
		t.Fatalf("%+v, %v", open, err)
	}
	_, err = v.Open(t.Context())
	var limited *execution.RateLimited
	if !errors.As(err, &limited) || limited.RetryAfter <= 0 || limited.RetryAfter > time.Minute {
		t.Fatal(err)
	}
}

func TestTheVenuesOwnKindsOfOrders(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.market("99", "10", "101", "10")
	v := r.venue()
	// What the book does not give a market order at once is expired.
	report, err := v.Submit(t.Context(), order("all", domain.Buy, "12", ""))
	if err != nil || report.Status != domain.OrderExpired || !report.Filled.Equal(dec("10")) || !report.AveragePrice.Equal(dec("101")) {
		t.Fatalf("%+v, %v", report, err)
	}
	stop := order("stop", domain.Sell, "1", "")
	stop.Type, stop.StopPrice = domain.Stop, dec("105")
	if _, err := v.Submit(t.Context(), stop); executiontest.Outcome(err) != "rejected" || !strings.Contains(err.Error(), "trigger immediately") {
		t.Fatal(err)
	}
	whole := order("whole", domain.Buy, "1", "")
	whole.TimeInForce = domain.FillOrKill
	if _, err := v.Submit(t.Context(), whole); executiontest.Outcome(err) != "rejected" {
		t.Fatal(err)
	}
	elsewhere := order("elsewhere", domain.Buy, "1", "50")
	elsewhere.Symbol = "XMR/USDT"
	if _, err := v.Submit(t.Context(), elsewhere); executiontest.Outcome(err) != "rejected" || !strings.Contains(err.Error(), "catalogue") {
		t.Fatal(err)
	}
	fine := order("fine", domain.Buy, "1.000001", "50.000000001")
	if _, err := v.Submit(t.Context(), fine); executiontest.Outcome(err) != "rejected" {
		t.Fatal(err)
	}
	// Binance would take the id of an order that ended once more.
	again := order("all", domain.Buy, "1", "50")
	again.Attempt = 2
	if _, err := v.Submit(t.Context(), again); executiontest.Outcome(err) != "duplicate" {
		t.Fatal(err)
	}
}
