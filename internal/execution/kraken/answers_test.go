package kraken_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/execution/executiontest"
	"github.com/fullon/fullon/internal/execution/kraken"
	"github.com/fullon/fullon/internal/execution/papertest"
	"github.com/fullon/fullon/internal/execution/private"
)

func (r *rig) times(method string) int {
	r.d.mu.Lock()
	defer r.d.mu.Unlock()
	return r.d.asked[method]
}

func TestWhatAnAnswerMeans(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	says := func(text string) papertest.Fault { return papertest.Fault{Body: `{"error":["` + text + `"]}`} }
	throttled := "EService:Throttled: " + strconv.FormatInt(time.Now().Add(630*time.Second).Unix(), 10)
	r.MeansWhat(t, "AddOrder", "CancelOrder", "OpenOrders", []papertest.Answer{
		papertest.Means("status 500", papertest.Fault{Status: 500}, "unanswered", "unanswered", "unanswered"),
		papertest.Means("status 520 with an error", papertest.Fault{Status: 520, Body: `{"error":["EOrder:Insufficient funds"]}`}, "unanswered", "unanswered", "unanswered"),
		papertest.Means("a firewall", papertest.Fault{Status: 403, Body: "<html>"}, "unanswered", "unanswered", "unanswered"),
		papertest.Means("a redirect", papertest.Fault{Status: 302}, "unanswered", "unanswered", "unanswered"),
		papertest.Means("no JSON", papertest.Fault{Body: "<html>"}, "unanswered", "unanswered", "unanswered"),
		papertest.Means("half of an answer", papertest.Fault{Body: `{"error":[],"result":{"txid":["O`}, "unanswered", "unanswered", "unanswered"),
		papertest.Means("null", papertest.Fault{Body: "null"}, "unanswered", "unanswered", "unanswered"),
		papertest.Means("neither", papertest.Fault{Body: "{}"}, "unanswered", "unanswered", "unanswered"),
		papertest.Means("no result", papertest.Fault{Body: `{"error":[]}`}, "unanswered", "unanswered", "unanswered"),
		papertest.Means("another form", papertest.Fault{Body: `{"error":[],"result":[1]}`}, "unanswered", "unanswered", "unanswered"),
		papertest.Means("no number", papertest.Fault{Body: `{"error":[],"result":{"txid":[]}}`}, "unanswered", "not found", "not found"),
		papertest.Means("an unknown status", papertest.Fault{Body: `{"error":[],"result":{"open":{"O1":{"cl_ord_id":"ITSELF","status":"lost","opentm":1.5,"vol_exec":"0","cost":"0","descr":{"pair":"XBTUSDT"}}}}}`}, "unanswered", "not found", "unanswered"),
		papertest.Means("another order", papertest.Fault{Body: `{"error":[],"result":{"open":{"O1":{"cl_ord_id":"x","status":"open","opentm":1.5,"vol_exec":"0","cost":"0","descr":{"pair":"XBTUSDT"}}}}}`}, "unanswered", "not found", "unanswered"),
		papertest.Means("status 429", papertest.Fault{Status: 429, RetryAfter: 3 * time.Minute}, "limited 3m0s", "limited 3m0s", "limited 3m0s"),
		papertest.Means("requests", says("EAPI:Rate limit exceeded"), "limited 0s", "limited 0s", "limited 0s"),
		papertest.Means("orders", says("EOrder:Rate limit exceeded"), "limited 0s", "limited 0s", "limited 0s"),
		papertest.Means("lockout", says("EGeneral:Temporary lockout"), "limited 0s", "limited 0s", "limited 0s"),
		papertest.Means("throttled", says(throttled), "limited 10m", "limited 10m", "limited 10m"),
		papertest.Means("deadline", says("EService:Deadline elapsed"), "unanswered", "unanswered", "unanswered"),
		papertest.Means("busy", says("EService:Busy"), "unanswered", "unanswered", "unanswered"),
		papertest.Means("unavailable", says("EService:Unavailable"), "unanswered", "unanswered", "unanswered"),
		papertest.Means("internal", says("EGeneral:Internal error"), "unanswered", "unanswered", "unanswered"),
		papertest.Means("market", says("EService:Market in cancel_only mode"), "rejected", "rejected", "unanswered"),
		papertest.Means("funds", says("EOrder:Insufficient funds"), "rejected", "rejected", "unanswered"),
		papertest.Means("minimum", says("EOrder:Order minimum not met"), "rejected", "rejected", "unanswered"),
		papertest.Means("duplicate", says("EOrder:Duplicate client order id"), "duplicate", "duplicate", "unanswered"),
		papertest.Means("key", says("EAPI:Invalid key"), "rejected", "rejected", "unanswered"),
		papertest.Means("permission", says("EGeneral:Permission denied"), "rejected", "rejected", "unanswered"),
		papertest.Means("unknown order", says("EOrder:Unknown order"), "rejected", "not found", "unanswered"),
	})
}

// AddOrder tells only the order's number; what the venue took is never told as
// if nobody knew.
func TestATakenOrderIsTakenWhateverElseFails(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Market("99", "10", "101", "10")
	v := r.Venue()
	r.Inject(papertest.Fault{Path: "QueryOrders", Status: 503})
	o := order("taken", domain.Buy, "1", "")
	report := executiontest.Submit(t, v, o)
	if report.Status != domain.OrderAccepted || report.VenueOrderID == "" || report.ID != "taken" || report.Symbol != "BTC/USDT" {
		t.Fatalf("%+v", report)
	}
	if now, err := v.Query(t.Context(), o); err != nil || now.Status != domain.OrderFilled || now.VenueOrderID != report.VenueOrderID {
		t.Fatalf("%+v, %v", now, err)
	}
}

func TestALostAnswerIsFoundByAQuery(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.LosesAnswers(t, "AddOrder", "CancelOrder", func() int { return r.times("AddOrder") })
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
			r.Inject(papertest.Fault{Path: "AddOrder", Lose: true})
		}
		_, _ = v.Submit(t.Context(), o)
		executiontest.WantStatus(t, sink, o.ID, domain.OrderFilled)
		sent := r.times("AddOrder")
		r.Inject(papertest.Fault{Path: "ClosedOrders", Body: `{"error":[],"result":{"closed":{},"count":0}}`, Times: 2})
		if report, err := v.Query(t.Context(), o); executiontest.Outcome(err) != "unanswered" {
			t.Fatalf("heard of %s: %+v, %v", heard, report, err)
		}
		o.Attempt = 2
		if _, err := v.Submit(t.Context(), o); executiontest.Outcome(err) != "duplicate" || r.times("AddOrder") != sent {
			t.Fatalf("heard of %s: %v", heard, err)
		}
	}
}

// An order that is on its way for longer than its deadline is not taken.
func TestTheVenueRefusesALateOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.Venue()
	_, stop := executiontest.Listen(t, v) // which makes the clock exact
	stop()
	r.Inject(papertest.Fault{Path: "AddOrder", Delay: 2500 * time.Millisecond})
	o := order("late", domain.Buy, "1", "50")
	if _, err := v.Submit(executiontest.Within(t, 2200*time.Millisecond), o); executiontest.Outcome(err) != "unanswered" {
		t.Fatal(err)
	}
	r.Restart() // which waits until the order has arrived
	if report, err := v.Query(t.Context(), o); executiontest.Outcome(err) != "not found" {
		t.Fatalf("it was taken after its deadline: %+v, %v", report, err)
	}
}

// Kraken takes no deadline that is nearer than two seconds, and REST tells its
// time in whole seconds only.
func TestAnOrderWithTooLittleTimeIsNotSent(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.Venue()
	for _, left := range []time.Duration{1900 * time.Millisecond, 2900 * time.Millisecond} {
		if _, err := v.Submit(executiontest.Within(t, left), order("soon", domain.Buy, "1", "50")); executiontest.Outcome(err) != "unanswered" || !strings.Contains(err.Error(), "not sent") {
			t.Fatalf("with %s left: %v", left, err)
		}
	}
	if n := r.times("AddOrder"); n != 0 {
		t.Fatalf("%d orders were sent", n)
	}
	_, stop := executiontest.Listen(t, v) // which makes the clock exact
	defer stop()
	executiontest.Submit(t, v, order("exact", domain.Buy, "1", "50"))
	if _, err := v.Submit(executiontest.Within(t, 2900*time.Millisecond), order("in-time", domain.Buy, "1", "50")); err != nil {
		t.Fatal(err)
	}
}

// Our clock need not be right.
func TestTheVenuesClockCounts(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{-3 * time.Minute, 3 * time.Minute} {
		r := newRig(t)
		r.d.ahead = ahead
		v := r.Venue()
		report := executiontest.Submit(t, v, order("o", domain.Buy, "1", "50"))
		if off := time.Until(report.Time) - ahead; report.Status != domain.OrderAccepted || off.Abs() > time.Minute {
			t.Fatalf("%+v, %s off", report, off)
		}
	}
}

// One that overtakes another would have it refused.
func TestOneRequestIsUnderWayAtATime(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.d.linger = 20 * time.Millisecond
	v := r.Venue()
	var group sync.WaitGroup
	for range 5 {
		group.Go(func() {
			if _, err := v.Open(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if r.d.crowded.Load() {
		t.Fatal("several were under way at a time")
	}
}

func TestAnotherProcessMayUseTheKey(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var group sync.WaitGroup
	for range 2 {
		v := r.Venue()
		group.Go(func() {
			for range 20 {
				if _, err := v.Open(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	// What is refused for its nonce was not looked at.
	v := r.Venue()
	refused := papertest.Fault{Path: "AddOrder", Body: `{"error":["EAPI:Invalid nonce"]}`, Times: 7}
	r.Inject(refused)
	executiontest.Submit(t, v, order("o", domain.Buy, "1", "50"))
	refused.Times = 8
	r.Inject(refused)
	if _, err := v.Submit(t.Context(), order("p", domain.Buy, "1", "50")); executiontest.Outcome(err) != "unanswered" {
		t.Fatal(err)
	}
}

func TestTheVenuesOwnLimits(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Market("99", "10", "101", "10")
	v := r.Venue()
	long := order("a-text-of-more-than-18", domain.Buy, "1", "50")
	if _, err := v.Submit(t.Context(), long); executiontest.Outcome(err) != "rejected" {
		t.Fatal(err)
	}
	for _, do := range []func(context.Context, domain.Order) (execution.Report, error){v.Query, v.Cancel} {
		if _, err := do(t.Context(), long); executiontest.Outcome(err) != "not found" {
			t.Fatal(err)
		}
	}
	whole := order("whole", domain.Buy, "1", "")
	whole.TimeInForce = domain.FillOrKill
	if _, err := v.Submit(t.Context(), whole); executiontest.Outcome(err) != "rejected" {
		t.Fatal(err)
	}
	// An id as client.NewOrderID makes it goes there and comes back.
	o := order("0DU9QMO9G4RJQ5V2K8D6C1T7NO", domain.Buy, "1", "50")
	sink, _ := executiontest.Listen(t, v)
	if report := executiontest.Submit(t, v, o); report.ID != o.ID {
		t.Fatalf("%+v", report)
	}
	if open, err := v.Open(t.Context()); err != nil || len(open) != 1 || open[0].ID != o.ID {
		t.Fatalf("%+v, %v", open, err)
	}
	executiontest.Eventually(t, "its report", func() bool { return len(sink.Reports(o.ID)) == 1 })
}

func TestRealMoneyIsTradedOnlyWhereItIsSaid(t *testing.T) {
	t.Parallel()
	base := private.Config{Account: "main", Key: key, Secret: secret, Symbols: func() map[string]domain.Symbol { return catalogue }}
	for field, change := range map[string]func(*private.Config){
		"real":     func(*private.Config) {},
		"rest_url": func(c *private.Config) { c.RESTURL, c.StreamURL = "https://api.kraken.com", "ws://localhost" },
		"stream_url": func(c *private.Config) {
			c.RESTURL, c.StreamURL = "http://localhost", "wss://beta-ws-auth.kraken.com/v2"
		},
		"secret": func(c *private.Config) { c.Real, c.Secret = true, "no base64" },
		"":       func(c *private.Config) { c.Real = true },
	} {
		c := base
		change(&c)
		_, err := kraken.New(c)
		var wrong *domain.FieldError
		if errors.As(err, &wrong) != (field != "") || wrong != nil && wrong.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// No error and no log line holds a key, a secret, a token or a signature.
func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	newRig(t).KeepsSecrets(t, []papertest.Fault{
		{Body: `{"error":["EOrder:The key ` + key + ` with ` + secret + ` is not valid"]}`}, {Status: 500, Body: key}, {Body: key + secret}, {Lose: true},
	}, key, secret, "token-", "nonce=", "Api-Sign")
}
