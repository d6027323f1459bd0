package bybit_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution/bybit"
	"github.com/fullon/fullon/internal/execution/executiontest"
	"github.com/fullon/fullon/internal/execution/papertest"
	"github.com/fullon/fullon/internal/execution/private"
)

func (r *rig) times(path string) int {
	r.d.mu.Lock()
	defer r.d.mu.Unlock()
	return r.d.asked[path]
}

func says(code int) papertest.Fault {
	return papertest.Fault{Body: fmt.Sprintf(`{"retCode":%d,"retMsg":"the venue's words","result":{},"time":1}`, code)}
}

func TestWhatAnAnswerMeans(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.Venue()
	state := func(id, status string) papertest.Fault {
		return papertest.Fault{Body: `{"retCode":0,"result":{"list":[{"symbol":"BTCUSDT","orderId":"7","orderLinkId":"` + id + `","orderStatus":"` + status +
			`","cumExecQty":"0","createdTime":"1700000000000","updatedTime":"1700000000000"}]}}`}
	}
	const lost = "unanswered"
	for i, c := range []struct {
		name                  string
		fault                 papertest.Fault
		submit, cancel, query string
	}{
		{"status 500", papertest.Fault{Status: 500}, lost, lost, lost},
		{"status 502 with a code", papertest.Fault{Status: 502, Body: `{"retCode":170131,"retMsg":"Balance insufficient"}`}, lost, lost, lost},
		{"status 404", papertest.Fault{Status: 404}, lost, lost, lost},
		{"a redirect", papertest.Fault{Status: 302}, lost, lost, lost},
		{"no JSON", papertest.Fault{Body: "<html>"}, lost, lost, lost},
		{"half of an answer", papertest.Fault{Body: `{"retCode":0,"result":{"orderId":"1`}, lost, lost, lost},
		{"null", papertest.Fault{Body: "null"}, lost, lost, lost},
		{"neither", papertest.Fault{Body: "{}"}, lost, lost, lost},
		{"no result", papertest.Fault{Body: `{"retCode":0}`}, lost, lost, lost},
		{"another form", papertest.Fault{Body: `{"retCode":0,"result":[1]}`}, lost, lost, lost},
		{"no number", papertest.Fault{Body: `{"retCode":0,"result":{"orderLinkId":"ITSELF"}}`}, lost, lost, "not found"},
		{"an unknown status", state("ITSELF", "Lost"), lost, lost, lost},
		{"another order", state("x", "New"), lost, lost, lost},
		{"status 429", papertest.Fault{Status: 429, RetryAfter: 3 * time.Minute}, "limited 3m0s", "limited 3m0s", "limited 3m0s"},
		{"status 403", papertest.Fault{Status: 403, Body: "<html>"}, "limited 10m0s", "limited 10m0s", "limited 10m0s"},
		{"status 401", papertest.Fault{Status: 401}, "rejected", "rejected", lost},
		{"too many visits", says(10006), "limited 0s", "limited 0s", "limited 0s"},
		{"of the address", says(10018), "limited 0s", "limited 0s", "limited 0s"},
		{"of the system", says(10429), "limited 0s", "limited 0s", "limited 0s"},
		{"too many orders", says(170005), "limited 0s", "limited 0s", "limited 0s"},
		{"timeout", says(10000), lost, lost, lost},
		{"internal", says(10016), lost, lost, lost},
		{"timeout of spot", says(170007), lost, lost, lost},
		{"timeout of an order", says(170146), lost, lost, lost},
		{"late", says(10002), "rejected", "rejected", lost},
		{"key", says(10003), "rejected", "rejected", lost},
		{"signature", says(10004), "rejected", "rejected", lost},
		{"permission", says(10005), "rejected", "rejected", lost},
		{"params", says(10001), "rejected", "rejected", lost},
		{"funds", says(170131), "rejected", "rejected", lost},
		{"margin", says(110007), "rejected", "rejected", lost},
		{"duplicate of spot", says(170141), "duplicate", "duplicate", lost},
		{"duplicate", says(110072), "duplicate", "duplicate", lost},
		{"no order", says(110001), "rejected", "not found", lost},
		{"no order of spot", says(170213), "rejected", "not found", lost},
	} {
		for n, call := range []struct {
			path, want string
			do         func(o domain.Order) error
		}{
			{"/order/create", c.submit, func(o domain.Order) error { _, err := v.Submit(t.Context(), o); return err }},
			{"/order/cancel", c.cancel, func(o domain.Order) error { _, err := v.Cancel(t.Context(), o); return err }},
			{"/order/realtime", c.query, func(o domain.Order) error { _, err := v.Query(t.Context(), o); return err }},
		} {
			o := order(fmt.Sprintf("o-%d-%d", i, n), domain.Buy, "1", "50")
			f := c.fault
			f.Path, f.Body = call.path, strings.ReplaceAll(f.Body, "ITSELF", o.ID)
			want := call.want
			if n == 0 && strings.Contains(f.Body, `"orderStatus"`) {
				want = lost // a list is no number of an order
			}
			r.Inject(f)
			if err := call.do(o); executiontest.Outcome(err) != want {
				t.Errorf("%s %s: %s, want %s: %v", call.path, c.name, executiontest.Outcome(err), want, err)
			}
			r.Heal()
		}
	}
	if open, err := v.Open(t.Context()); err != nil || len(open) != 0 {
		t.Fatalf("%+v, %v", open, err)
	}
}

// The answer is that an order is taken, before anything becomes of it.
func TestATakenOrderMayYetFail(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Market("99", "10", "101", "10")
	v := r.Venue()
	state := func(status, text string) papertest.Fault {
		return papertest.Fault{Path: "/order/realtime", Body: `{"retCode":0,"result":{"list":[{"symbol":"BTCUSDT","orderId":"7","orderLinkId":"o","timeInForce":"GTC",` +
			`"orderStatus":"` + status + `","createdTime":"1700000000000","updatedTime":"1700000000000",` + text + `}]}}`}
	}
	for n, c := range []struct {
		state papertest.Fault
		want  string
	}{
		{state("Rejected", `"cumExecQty":"0","rejectReason":"EC_PerCancelRequest","cancelType":"UNKNOWN"`), "rejected: EC_PerCancelRequest"},
		{state("Rejected", `"cumExecQty":"0","rejectReason":"EC_NoError"`), "rejected: the venue gives no reason"},
		{state("Cancelled", `"cumExecQty":"0","rejectReason":"EC_PostOnlyWillTakeLiquidity"`), "rejected: EC_PostOnlyWillTakeLiquidity"},
		{state("Rejected", `"cumExecQty":"0.5","cumExecValue":"50","rejectReason":"EC_NoEnoughQtyToFill"`), "canceled 0.5 at 100 EC_NoEnoughQtyToFill"},
		{state("Cancelled", `"cumExecQty":"0","cancelType":"CancelByAdmin"`), "canceled 0 at 0 CancelByAdmin"},
		{state("Created", `"cumExecQty":"0"`), "accepted 0 at 0 "},
		{state("Lost", `"cumExecQty":"0"`), "accepted 0 at 0 "}, // it was taken, whatever is told of it
		{papertest.Fault{Path: "/order/realtime", Status: 503}, "accepted 0 at 0 "},
	} {
		r.Inject(papertest.Fault{Path: "/order/create", Body: `{"retCode":0,"result":{"orderId":"7","orderLinkId":"o"}}`})
		r.Inject(c.state)
		report, err := v.Submit(t.Context(), order("o", domain.Buy, "1", "100"))
		got := fmt.Sprintf("%s %s at %s %s", report.Status, report.Filled, report.AveragePrice, report.Reason)
		if err != nil {
			got = err.Error()
		} else if report.VenueOrderID != "7" || report.Symbol != "BTC/USDT" || report.ID != "o" {
			t.Errorf("%d: %+v", n, report)
		}
		if got != c.want {
			t.Errorf("%d: %s, want %s", n, got, c.want)
		}
		r.Heal()
	}
}

// A cancel is done some time after it is answered.
func TestACancelIsWaitedFor(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.Venue()
	o := order("o", domain.Buy, "1", "50")
	executiontest.Submit(t, v, o)
	stillOpen := papertest.Fault{Path: "/order/realtime", Body: `{"retCode":0,"result":{"list":[{"symbol":"BTCUSDT","orderId":"7","orderLinkId":"o","orderStatus":"New",` +
		`"cumExecQty":"0","createdTime":"1700000000000","updatedTime":"1700000000000"}]}}`, Times: 2}
	r.Inject(stillOpen)
	if report, err := v.Cancel(t.Context(), o); err != nil || report.Status != domain.OrderCanceled || report.Reason != "CancelByUser" {
		t.Fatalf("%+v, %v", report, err)
	}
	o.ID = "never"
	executiontest.Submit(t, v, o)
	stillOpen.Times, stillOpen.Body = 1<<30, strings.ReplaceAll(stillOpen.Body, `"o"`, `"never"`)
	r.Inject(stillOpen)
	if _, err := v.Cancel(t.Context(), o); executiontest.Outcome(err) != "unanswered" {
		t.Fatal(err)
	}
	// Nor is one that the lists do not have an order that never was.
	r.Heal()
	o.ID = "listed-late"
	executiontest.Submit(t, r.Venue(), o) // by another, so that v knows nothing of it
	for _, path := range []string{"/order/realtime", "/order/history"} {
		r.Inject(papertest.Fault{Path: path, Body: `{"retCode":0,"result":{"list":[]}}`, Times: 1 << 30})
	}
	if _, err := v.Cancel(t.Context(), o); executiontest.Outcome(err) != "unanswered" {
		t.Fatal(err)
	}
}

func TestALostAnswerIsFoundByAQuery(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.LosesAnswers(t, "/order/create", "/order/cancel", func() int { return r.times("/v5/order/create") })
}

// After a restart of the venue's servers what ended is in the history alone.
func TestAnOrderThatEndedIsFoundInTheHistory(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Market("99", "10", "101", "10")
	v := r.Venue()
	o := order("o", domain.Buy, "1", "")
	executiontest.Submit(t, v, o)
	r.Inject(papertest.Fault{Path: "/order/realtime", Body: `{"retCode":0,"result":{"list":[]}}`, Times: 2})
	if report, err := v.Query(t.Context(), o); err != nil || report.Status != domain.OrderFilled || r.times("/v5/order/history") != 1 {
		t.Fatalf("%+v, %v", report, err)
	}
}

// An order that is on its way for longer than its deadline is not taken.
func TestTheVenueRefusesALateOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.Venue()
	if _, err := v.Open(t.Context()); err != nil { // reads the clock
		t.Fatal(err)
	}
	r.Inject(papertest.Fault{Path: "/order/create", Delay: 600 * time.Millisecond})
	o := order("late", domain.Buy, "1", "50")
	if _, err := v.Submit(executiontest.Within(t, 300*time.Millisecond), o); executiontest.Outcome(err) != "unanswered" {
		t.Fatal(err)
	}
	executiontest.Eventually(t, "the order's arrival", func() bool {
		r.d.mu.Lock()
		defer r.d.mu.Unlock()
		return r.d.done["/v5/order/create"] == 1
	})
	if report, err := v.Query(t.Context(), o); executiontest.Outcome(err) != "not found" {
		t.Fatalf("it was taken after its deadline: %+v, %v", report, err)
	}
}

// Our clock need not be right, and is read again where the venue says so.
func TestTheVenuesClockCounts(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{-3 * time.Minute, 3 * time.Minute} {
		r := newRig(t)
		r.d.ahead = ahead
		sink, _ := executiontest.Listen(t, r.Venue())
		v := r.Venue() // one that reads the clock for nothing but orders
		executiontest.Submit(t, v, order("o", domain.Buy, "1", "50"))
		executiontest.WantStatus(t, sink, "o", domain.OrderAccepted)
		r.d.mu.Lock()
		r.d.ahead *= 2
		r.d.mu.Unlock()
		if _, err := v.Submit(t.Context(), order("p", domain.Buy, "1", "50")); executiontest.Outcome(err) != "rejected" || !strings.Contains(err.Error(), "10002") {
			t.Fatal(err)
		}
		executiontest.Submit(t, v, order("p", domain.Buy, "1", "50"))
		executiontest.WantStatus(t, sink, "p", domain.OrderAccepted)
	}
}

func TestTheVenuesOwnLimits(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Market("99", "10", "101", "10")
	v := r.Venue()
	for name, change := range map[string]func(o *domain.Order){
		"a stop at a spot market": func(o *domain.Order) { o.Type, o.StopPrice, o.Side = domain.Stop, dec("90"), domain.Sell },
		"a limited one":           func(o *domain.Order) { o.Type, o.StopPrice, o.Price = domain.StopLimit, dec("110"), dec("111") },
		"a market order to be killed": func(o *domain.Order) {
			o.TimeInForce = domain.FillOrKill
		},
		"a symbol that is not listed": func(o *domain.Order) { o.Symbol = "XMR/USDT" },
	} {
		o := order("o", domain.Buy, "1", "")
		change(&o)
		if _, err := v.Submit(t.Context(), o); executiontest.Outcome(err) != "rejected" || r.times("/v5/order/create") != 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	// One whose way the price has gone already would wait for ever.
	r.d.category = "linear"
	v = r.Venue()
	for _, id := range []string{"0DU9QMO9G4RJQ5V2K8D6C1T7NO", "6d1b345e-2821-40e2-ad83-4ecb18a06876"} {
		if report := executiontest.Submit(t, v, order(id, domain.Buy, "1", "50")); report.ID != id {
			t.Fatalf("%+v", report)
		}
	}
}

// The venue's name of a spot market and a perpetual is the same.
func TestTheSameSymbolAtTwoMarkets(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.d.category = "linear"
	v := r.Venue(func(c *private.Config) { c.Symbols = func() map[string]domain.Symbol { return catalogue } })
	o := order("o", domain.Buy, "1", "50")
	if _, err := v.Submit(t.Context(), o); executiontest.Outcome(err) != "rejected" { // the dialect has the perpetual
		t.Fatal(err)
	}
	o.Symbol = "BTC/USDT:USDT"
	if report := executiontest.Submit(t, v, o); report.Symbol != o.Symbol {
		t.Fatalf("%+v", report)
	}
	if open, err := v.Open(t.Context()); err != nil || len(open) != 1 || open[0].Symbol != o.Symbol {
		t.Fatalf("%+v, %v", open, err)
	}
}

func TestRealMoneyIsTradedOnlyWhereItIsSaid(t *testing.T) {
	t.Parallel()
	base := private.Config{Account: "main", Key: key, Secret: secret, Symbols: func() map[string]domain.Symbol { return catalogue }}
	const local = "http://localhost"
	for name, c := range map[string]struct {
		rest, stream string
		real         bool
		field        string
	}{
		"the test network":       {"", "", false, ""},
		"real":                   {"", "", true, ""},
		"the real host":          {"https://api.bybit.com", "", false, "rest_url"},
		"one in another country": {"https://api.bybit-tr.com", "", false, "rest_url"},
		"its other name":         {"https://API.bytick.com.", "", false, "rest_url"},
		"the real stream":        {local, "wss://stream.bybit.eu/v5/private", false, "stream_url"},
		"the demo":               {"https://api-demo.bybit.com", "wss://stream-demo.bybit.com/v5/private", false, ""},
		"a host of one's own":    {"http://bybit:8080", "ws://127.0.0.1:1", false, ""},
	} {
		cfg := base
		cfg.RESTURL, cfg.StreamURL, cfg.Real = c.rest, c.stream, c.real
		v, err := bybit.New(cfg)
		var wrong *domain.FieldError
		if errors.As(err, &wrong) != (c.field != "") || wrong != nil && wrong.Field != c.field {
			t.Errorf("%s: %v", name, err)
		}
		if v != nil {
			v.CloseIdle()
		}
	}
}

// No error and no log line holds a key, a secret or a signature.
func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	newRig(t).KeepsSecrets(t, []papertest.Fault{
		{Body: `{"retCode":10001,"retMsg":"The key ` + key + ` with ` + secret + ` is not valid"}`}, {Status: 500, Body: key}, {Body: key + secret}, {Lose: true},
	}, key, secret, "orderLinkId=", "X-Bapi")
}
