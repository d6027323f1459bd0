package coinbase_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/execution/coinbase"
	"github.com/fullon/fullon/internal/execution/executiontest"
	"github.com/fullon/fullon/internal/execution/papertest"
	"github.com/fullon/fullon/internal/execution/private"
)

func (r *rig) times(resource string) int {
	r.d.mu.Lock()
	defer r.d.mu.Unlock()
	return r.d.asked[resource]
}

func TestWhatAnAnswerMeans(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.Venue()
	known := order("known", domain.Buy, "1", "50") // which rests
	number := executiontest.Submit(t, v, known).VenueOrderID
	says := func(status int, code string) papertest.Fault {
		return papertest.Fault{Status: status, Body: object{"error": code, "message": "words", "error_details": ""}.String()}
	}
	why := func(code string) papertest.Fault { return papertest.Fault{Body: failed(code, "words").String()} }
	cancels := func(number, code string) papertest.Fault {
		return papertest.Fault{Body: object{"results": []object{{"success": false, "failure_reason": code, "order_id": number}}}.String()}
	}
	state := func(status, id, number, filled string) papertest.Fault {
		return papertest.Fault{Body: object{"order": object{
			"order_id": number, "client_order_id": id, "product_id": "BTC-USDT", "status": status, "filled_size": filled, "created_time": "2026-01-01T00:00:00Z",
		}}.String()}
	}
	const create, cancel, query, list = "brokerage/orders", "batch_cancel", "historical/NUMBER", "historical/batch"
	all := []string{create, cancel, query, list}
	for i, c := range []struct {
		name  string
		fault papertest.Fault
		paths []string
		want  string
	}{
		{"status 500", papertest.Fault{Status: 500}, all, "unanswered"},
		{"status 503 with a no", says(503, "INSUFFICIENT_FUND"), all, "unanswered"},
		{"a firewall", papertest.Fault{Status: 403, Body: "<html>"}, all, "unanswered"},
		{"a redirect", papertest.Fault{Status: 302}, all, "unanswered"},
		{"a timeout", says(408, "TIMEOUT"), all, "unanswered"},
		{"a bad request without a reason", papertest.Fault{Status: 400}, all, "unanswered"},
		{"a reason that says nothing", says(400, "unknown"), all, "unanswered"},
		{"no JSON", papertest.Fault{Body: "<html>"}, all, "unanswered"},
		{"half of an answer", papertest.Fault{Body: `{"success":true,"success_response":{"order_id":"1`}, all, "unanswered"},
		{"null", papertest.Fault{Body: "null"}, all, "unanswered"},
		{"nothing", papertest.Fault{Body: "{}"}, all, "unanswered"},
		{"another form", papertest.Fault{Body: `[1]`}, all, "unanswered"},
		{"limits", papertest.Fault{Status: 429, RetryAfter: 3 * time.Minute}, all, "limited 3m0s"},
		{"limits, in words", says(400, "RATE_LIMIT_EXCEEDED"), all, "limited 0s"},
		{"a bad request", says(400, "INVALID_ARGUMENT"), []string{create, cancel}, "rejected"},
		{"a bad question", says(400, "INVALID_ARGUMENT"), []string{query, list}, "unanswered"},
		{"permission", says(403, "PERMISSION_DENIED"), []string{create, cancel}, "rejected"},
		{"permission to ask", says(403, "PERMISSION_DENIED"), []string{query, list}, "unanswered"},
		{"no such list", says(404, "NOT_FOUND"), []string{list}, "unanswered"},

		{"funds", why("INSUFFICIENT_FUND"), []string{create}, "rejected"},
		{"precision", why("INVALID_SIZE_PRECISION"), []string{create}, "rejected"},
		{"duplicate", why("DUPLICATE_CLIENT_ORDER_ID"), []string{create}, "duplicate"},
		{"no reason", why("UNKNOWN_FAILURE_REASON"), []string{create}, "unanswered"},
		{"no without a reason", papertest.Fault{Body: `{"success":false}`}, []string{create}, "unanswered"},
		{"yes without a number", papertest.Fault{Body: `{"success":true,"success_response":{"client_order_id":"ITSELF"}}`}, []string{create}, "unanswered"},
		{"yes to another", papertest.Fault{Body: `{"success":true,"success_response":{"order_id":"1","client_order_id":"x"}}`}, []string{create}, "unanswered"},
		{"a reason of the preview", papertest.Fault{Body: `{"success":false,"error_response":{"error":"UNKNOWN_FAILURE_REASON","preview_failure_reason":"PREVIEW_INSUFFICIENT_FUND"}}`}, []string{create}, "rejected"},

		{"it rests, and is not canceled", cancels(number, "COMMANDER_REJECTED_CANCEL_ORDER"), []string{cancel}, "rejected"},
		{"an order that it does not know, and has", cancels(number, "UNKNOWN_CANCEL_ORDER"), []string{cancel}, "rejected"},
		{"no reason", cancels(number, "UNKNOWN_CANCEL_FAILURE_REASON"), []string{cancel}, "unanswered"},
		{"another order", cancels("another", "COMMANDER_REJECTED_CANCEL_ORDER"), []string{cancel}, "unanswered"},
		{"no order", papertest.Fault{Body: `{"results":[]}`}, []string{cancel}, "unanswered"},

		{"an unknown status", state("LOST", "known", number, "0"), []string{query}, "unanswered"},
		{"no number filled", state("OPEN", "known", number, "x"), []string{query}, "unanswered"},
		{"another number", state("OPEN", "known", "another", "0"), []string{query}, "unanswered"},
		{"another id", state("OPEN", "another", number, "0"), []string{query}, "unanswered"},
		{"an empty list", papertest.Fault{Body: `{"orders":[],"has_next":false,"cursor":""}`}, []string{list}, "not found"},
		{"a list that does not go on", papertest.Fault{Body: `{"orders":[],"has_next":true,"cursor":"7"}`, Times: 2}, []string{list}, "unanswered"},
		{"a list without its next page", papertest.Fault{Body: `{"orders":[],"has_next":true,"cursor":""}`}, []string{list}, "unanswered"},
	} {
		for _, path := range c.paths {
			o := order(fmt.Sprintf("o-%d", i), domain.Buy, "1", "50")
			f := c.fault
			f.Path, f.Body = strings.ReplaceAll(path, "NUMBER", number), strings.ReplaceAll(f.Body, "ITSELF", o.ID)
			r.Inject(f)
			var err error
			switch path {
			case create:
				_, err = v.Submit(t.Context(), o)
			case cancel:
				_, err = v.Cancel(t.Context(), known)
			case query:
				_, err = v.Query(t.Context(), known)
			case list:
				_, err = v.Query(t.Context(), o)
			}
			if executiontest.Outcome(err) != c.want {
				t.Errorf("%s %s: %s, want %s: %v", path, c.name, executiontest.Outcome(err), c.want, err)
			}
			r.Heal()
		}
	}
	if open, err := v.Open(t.Context()); err != nil || len(open) != 1 || r.times("orders") != 1 {
		t.Fatalf("%+v, %v", open, err)
	}
}

// The answer tells only the order's number; what the venue took is never told as
// if nobody knew.
func TestATakenOrderIsTakenWhateverElseFails(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Market("99", "10", "101", "10")
	v := r.Venue()
	r.Inject(papertest.Fault{Path: base + "orders/historical/", Status: 503})
	o := order("taken", domain.Buy, "1", "")
	report := executiontest.Submit(t, v, o)
	if report.Status != domain.OrderAccepted || report.VenueOrderID == "" || report.ID != "taken" || report.Symbol != "BTC/USDT" {
		t.Fatalf("%+v", report)
	}
	if now, err := v.Query(t.Context(), o); err != nil || now.Status != domain.OrderFilled || now.VenueOrderID != report.VenueOrderID {
		t.Fatalf("%+v, %v", now, err)
	}
}

func TestALostAnswerIsAskedFor(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.d.page = 7
	v := r.Venue()
	// Orders of before, so that there is more than a page to look through.
	for n := range 20 {
		executiontest.Submit(t, v, order(fmt.Sprintf("before-%d", n), domain.Buy, "1", "50"))
	}
	o := order("lost", domain.Buy, "1", "50")
	r.Inject(papertest.Fault{Path: "brokerage/orders", Lose: true})
	if _, err := v.Submit(t.Context(), o); executiontest.Outcome(err) != "unanswered" {
		t.Fatal(err)
	}
	sent := r.times("orders")
	for _, who := range []*private.Venue{v, r.Venue()} {
		if report, err := who.Query(t.Context(), o); err != nil || report.Status != domain.OrderAccepted || report.ID != o.ID {
			t.Fatalf("%+v, %v", report, err)
		}
		again := o
		again.Attempt = 2
		if _, err := who.Submit(t.Context(), again); executiontest.Outcome(err) != "duplicate" || r.times("orders") != sent {
			t.Fatalf("%v, sent %d times", err, r.times("orders"))
		}
	}
	if report, err := r.Venue().Query(t.Context(), order("before-0", domain.Buy, "1", "50")); err != nil || report.ID != "before-0" {
		t.Fatalf("beyond a page: %+v, %v", report, err)
	}
	r.Inject(papertest.Fault{Path: "batch_cancel", Lose: true})
	if _, err := v.Cancel(t.Context(), o); executiontest.Outcome(err) != "unanswered" {
		t.Fatal(err)
	}
	if report, err := r.Venue().Cancel(t.Context(), o); err != nil || report.Status != domain.OrderCanceled {
		t.Fatalf("%+v, %v", report, err)
	}
}

// Of an id that is taken the venue makes no other order, and does not say so.
func TestAnOrderThatWasThereIsADuplicate(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.Venue()
	o := order("once", domain.Buy, "1", "50")
	number := executiontest.Submit(t, v, o).VenueOrderID
	if _, err := v.Submit(t.Context(), o); executiontest.Outcome(err) != "duplicate" || r.times("orders") != 1 {
		t.Fatalf("sent twice by one: %v", err)
	}
	r.d.mu.Lock()
	r.d.made[number] = r.d.made[number].Add(-2 * time.Second)
	r.d.mu.Unlock()
	if _, err := r.Venue().Submit(t.Context(), o); executiontest.Outcome(err) != "duplicate" || r.times("orders") != 2 {
		t.Fatalf("sent by another: %v", err)
	}
	if open, err := v.Open(t.Context()); err != nil || len(open) != 1 {
		t.Fatalf("%+v, %v", open, err)
	}
}

// The venue's lists may lag: an order that it took is not one that never was.
func TestAnOrderThatIsInNoListIsNotSentAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Market("99", "10", "101", "10")
	v := r.Venue()
	sink, _ := executiontest.Listen(t, v)
	for _, heard := range []string{"by its answer", "on the stream"} {
		o := order(heard[:2], domain.Buy, "1", "")
		if heard == "on the stream" {
			r.Inject(papertest.Fault{Path: "brokerage/orders", Lose: true})
		}
		_, _ = v.Submit(t.Context(), o)
		executiontest.WantStatus(t, sink, o.ID, domain.OrderFilled)
		sent := r.times("orders")
		number := sink.Reports(o.ID)[0].VenueOrderID
		r.Inject(papertest.Fault{Path: "historical/" + number, Status: 404, Body: `{"error":"NOT_FOUND"}`, Times: 2})
		r.Inject(papertest.Fault{Path: "historical/batch", Body: `{"orders":[],"has_next":false,"cursor":""}`, Times: 2})
		if report, err := v.Query(t.Context(), o); executiontest.Outcome(err) != "unanswered" {
			t.Fatalf("heard of %s: %+v, %v", heard, report, err)
		}
		o.Attempt = 2
		if _, err := v.Submit(t.Context(), o); executiontest.Outcome(err) != "duplicate" || r.times("orders") != sent {
			t.Fatalf("heard of %s: %v", heard, err)
		}
		r.Heal()
	}
}

// A cancel is told when it is done: the venue says before that it will.
func TestACancelIsWaitedFor(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.Venue()
	for _, c := range []struct {
		slow int
		want string
	}{{3, "done"}, {1 << 30, "unanswered"}} {
		o := order(c.want, domain.Buy, "1", "50")
		executiontest.Submit(t, v, o)
		r.d.mu.Lock()
		r.d.slow = c.slow
		r.d.mu.Unlock()
		if report, err := v.Cancel(t.Context(), o); executiontest.Outcome(err) != c.want || err == nil && report.Status != domain.OrderCanceled {
			t.Fatalf("%+v, %v", report, err)
		}
	}
}

// An order that is on its way for longer than its deadline is not taken.
func TestTheVenueRefusesALateOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.Venue()
	r.Inject(papertest.Fault{Path: "brokerage/orders", Delay: 2600 * time.Millisecond})
	o := order("late", domain.Buy, "1", "50")
	if _, err := v.Submit(executiontest.Within(t, 2500*time.Millisecond), o); executiontest.Outcome(err) != "unanswered" {
		t.Fatal(err)
	}
	r.Restart() // which waits until the order has arrived
	if report, err := v.Query(t.Context(), o); executiontest.Outcome(err) != "not found" || r.times("orders") != 0 {
		t.Fatalf("it was taken after its deadline: %+v, %v", report, err)
	}
}

// A token ends at a whole second.
func TestAnOrderWithTooLittleTimeIsNotSent(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.Venue()
	if _, err := v.Submit(executiontest.Within(t, 990*time.Millisecond), order("soon", domain.Buy, "1", "50")); executiontest.Outcome(err) != "unanswered" || !strings.Contains(err.Error(), "not sent") {
		t.Fatal(err)
	}
	if n := r.times("orders"); n != 0 {
		t.Fatalf("%d orders were sent", n)
	}
	if _, err := v.Query(executiontest.Within(t, 990*time.Millisecond), order("soon", domain.Buy, "1", "50")); executiontest.Outcome(err) != "not found" {
		t.Fatalf("it was not asked: %v", err)
	}
	executiontest.Submit(t, v, order("in-time", domain.Buy, "1", "50"))
}

// Our clock need not be right.
func TestTheVenuesClockCounts(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{-3 * time.Minute, 3 * time.Minute} {
		r := newRig(t)
		r.d.ahead = ahead
		v := r.Venue()
		o := order("o", domain.Buy, "1", "50")
		report := executiontest.Submit(t, v, o)
		if off := time.Until(report.Time) - ahead; report.Status != domain.OrderAccepted || off.Abs() > time.Minute {
			t.Fatalf("%+v, %s off", report, off)
		}
		if found, err := r.Venue().Query(t.Context(), o); err != nil || found.VenueOrderID != report.VenueOrderID {
			t.Fatalf("%+v, %v", found, err)
		}
	}
}

func TestTheVenuesOwnLimits(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Market("99", "10", "101", "10")
	v := r.Venue()
	stop := order("stop", domain.Sell, "1", "")
	stop.Type, stop.StopPrice = domain.Stop, dec("95")
	if _, err := v.Submit(t.Context(), stop); executiontest.Outcome(err) != "rejected" {
		t.Fatal(err)
	}
	stop.Type, stop.Price, stop.TimeInForce = domain.StopLimit, dec("94"), domain.FillOrKill
	if _, err := v.Submit(t.Context(), stop); executiontest.Outcome(err) != "rejected" {
		t.Fatal(err)
	}
	whole := order("whole", domain.Buy, "1", "")
	whole.TimeInForce = domain.FillOrKill
	if report := executiontest.Submit(t, v, whole); report.Status != domain.OrderFilled {
		t.Fatalf("%+v", report)
	}
	if n := r.times("orders"); n != 1 {
		t.Fatalf("%d orders were sent", n)
	}
}

func TestRealMoneyIsTradedOnlyWhereItIsSaid(t *testing.T) {
	t.Parallel()
	plain := private.Config{Account: "main", Key: key, Secret: secret, Symbols: func() map[string]domain.Symbol { return catalogue }}
	for name, c := range map[string]struct {
		field  string
		change func(*private.Config)
	}{
		"nothing said":       {"real", func(*private.Config) {}},
		"the sandbox's REST": {"real", func(c *private.Config) { c.RESTURL = "https://api-sandbox.coinbase.com" }},
		"a real REST":        {"rest_url", func(c *private.Config) { c.RESTURL, c.StreamURL = "https://api.coinbase.com", "ws://localhost" }},
		"a real stream": {"stream_url", func(c *private.Config) {
			c.RESTURL, c.StreamURL = "http://localhost", "wss://advanced-trade-ws-user.coinbase.com"
		}},
		"the sandbox":       {"", func(c *private.Config) { c.RESTURL, c.StreamURL = "https://api-sandbox.coinbase.com", "ws://localhost" }},
		"no key":            {"secret", func(c *private.Config) { c.Real, c.Secret = true, "no PEM" }},
		"a key on one line": {"", func(c *private.Config) { c.Real, c.Secret = true, strings.ReplaceAll(secret, "\n", `\n`) }},
		"real":              {"", func(c *private.Config) { c.Real = true }},
	} {
		cfg := plain
		c.change(&cfg)
		_, err := coinbase.New(cfg)
		var wrong *domain.FieldError
		if errors.As(err, &wrong) != (c.field != "") || wrong != nil && wrong.Field != c.field {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// No error and no log line holds a key, a secret, a token or a signature.
func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.Venue()
	sink, stop := executiontest.Listen(t, v)
	var said []string
	all := func() {
		o := order("o", domain.Buy, "1", "50")
		for _, do := range []func(context.Context, domain.Order) (execution.Report, error){v.Submit, v.Cancel, v.Query} {
			_, err := do(t.Context(), o)
			if err == nil {
				t.Fatal("no error")
			}
			said = append(said, err.Error(), fmt.Sprintf("%+v", err))
		}
	}
	for _, f := range []papertest.Fault{
		{Status: 400, Body: object{"error": "INVALID_KEY", "message": "the key " + key + " with " + secret + " is not valid"}.String()},
		{Status: http.StatusUnauthorized, Body: key}, {Status: 500, Body: key}, {Body: key + secret}, {Lose: true},
	} {
		f.Times = 1 << 30
		f.Path = base // so that orders that are taken are not found either
		r.Inject(f)
		r.Disconnect() // the stream meets it, too
		all()
		r.Heal()
		before := sink.Connects()
		r.Disconnect()
		executiontest.Eventually(t, "the reconnect", func() bool { return sink.Connects() > before })
	}
	r.Stop()
	all()
	stop()
	said = append(said, r.Logs.String())
	if !strings.Contains(r.Logs.String(), "account stream ended") {
		t.Fatal("nothing was logged")
	}
	line := strings.Split(secret, "\n")[1]
	for _, text := range said {
		for _, hidden := range []string{key, secret, line, "Bearer", "eyJ"} {
			if strings.Contains(text, hidden) {
				t.Fatalf("%q is in %q", hidden, text)
			}
		}
	}
}
