package okx_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/execution/executiontest"
	"github.com/fullon/fullon/internal/execution/okx"
	"github.com/fullon/fullon/internal/execution/papertest"
	"github.com/fullon/fullon/internal/execution/private"
)

const placing = "POST /api/v5/trade/order"

func (r *rig) times(request string) int {
	r.d.mu.Lock()
	defer r.d.mu.Unlock()
	return r.d.asked[request]
}

func (r *rig) lastBody() string {
	r.d.mu.Lock()
	defer r.d.mu.Unlock()
	return r.d.bodies[len(r.d.bodies)-1]
}

func TestWhatAnAnswerMeans(t *testing.T) {
	t.Parallel()
	r := newRig(t, spot)
	says := func(code string) papertest.Fault {
		return papertest.Fault{Body: `{"code":"` + code + `","msg":"words","data":[]}`}
	}
	order1 := func(code string) papertest.Fault {
		return papertest.Fault{Body: `{"code":"1","msg":"All operations failed","data":[{"ordId":"","sCode":"` + code + `","sMsg":"words"}]}`}
	}
	state := func(text string) papertest.Fault {
		return papertest.Fault{Body: `{"code":"0","msg":"","data":[{` + text + `}]}`}
	}
	r.MeansWhat(t, "/trade/order", "/cancel-order", "/trade/order", []papertest.Answer{
		papertest.Means("status 500", papertest.Fault{Status: 500}, "unanswered", "unanswered", "unanswered"),
		papertest.Means("status 503 with a no", papertest.Fault{Status: 503, Body: `{"code":"51008","msg":"no","data":[]}`}, "unanswered", "unanswered", "unanswered"),
		papertest.Means("a firewall", papertest.Fault{Status: 403, Body: "<html>"}, "unanswered", "unanswered", "unanswered"),
		papertest.Means("a redirect", papertest.Fault{Status: 302}, "unanswered", "unanswered", "unanswered"),
		papertest.Means("no JSON", papertest.Fault{Body: "<html>"}, "unanswered", "unanswered", "unanswered"),
		papertest.Means("half of an answer", papertest.Fault{Body: `{"code":"0","msg":"","data":[{"ordId":"3`}, "unanswered", "unanswered", "unanswered"),
		papertest.Means("null", papertest.Fault{Body: "null"}, "unanswered", "unanswered", "unanswered"),
		papertest.Means("no code", papertest.Fault{Body: `{"data":[{"ordId":"1"}]}`}, "unanswered", "unanswered", "unanswered"),
		papertest.Means("no list", papertest.Fault{Body: `{"code":"0","msg":""}`}, "unanswered", "unanswered", "unanswered"),
		papertest.Means("another form", papertest.Fault{Body: `{"code":"0","msg":"","data":{}}`}, "unanswered", "unanswered", "unanswered"),
		papertest.Means("nothing listed", says("0"), "unanswered", "not found", "unanswered"),
		papertest.Means("no number", state(`"ordId":"","sCode":"0"`), "unanswered", "not found", "unanswered"),
		papertest.Means("an unknown state", state(`"ordId":"1","clOrdId":"ITSELF","instId":"BTC-USDT","state":"lost","uTime":"1"`), "done", "not found", "unanswered"),
		papertest.Means("another order", state(`"ordId":"1","clOrdId":"x","instId":"BTC-USDT","state":"live","uTime":"1"`), "done", "not found", "unanswered"),
		papertest.Means("no size", state(`"ordId":"1","clOrdId":"ITSELF","instId":"BTC-USDT","state":"live","uTime":"1","accFillSz":"much"`), "done", "not found", "unanswered"),
		papertest.Means("status 429", papertest.Fault{Status: 429, RetryAfter: 3 * time.Second}, "limited 3s", "limited 3s", "limited 3s"),
		papertest.Means("requests", papertest.Fault{Status: 429, Body: `{"code":"50011","msg":"Requests too frequent"}`}, "limited 0s", "limited 0s", "limited 0s"),
		papertest.Means("orders", order1("50061"), "limited 0s", "limited 0s", "limited 0s"),
		papertest.Means("busy", papertest.Fault{Status: 429, Body: `{"code":"50013","msg":"Systems are busy"}`}, "unanswered", "unanswered", "unanswered"),
		papertest.Means("unavailable", says("50001"), "unanswered", "unanswered", "unanswered"),
		papertest.Means("no answer in time", says("50004"), "unanswered", "unanswered", "unanswered"),
		papertest.Means("system", order1("50026"), "unanswered", "unanswered", "unanswered"),
		papertest.Means("timed out", order1("51149"), "unanswered", "unanswered", "unanswered"),
		papertest.Means("being canceled", order1("51410"), "unanswered", "unanswered", "unanswered"),
		papertest.Means("failed, and nothing else", says("1"), "unanswered", "unanswered", "unanswered"),
		papertest.Means("late", order1("50036"), "rejected", "rejected", "unanswered"),
		papertest.Means("funds", order1("51008"), "rejected", "rejected", "unanswered"),
		papertest.Means("parameter", papertest.Fault{Status: 400, Body: `{"code":"51000","msg":"Parameter sz error","data":[]}`}, "rejected", "rejected", "unanswered"),
		papertest.Means("duplicate", order1("51016"), "duplicate", "duplicate", "unanswered"),
		papertest.Means("key", papertest.Fault{Status: 401, Body: `{"code":"50111","msg":"Invalid OK-ACCESS-KEY"}`}, "rejected", "rejected", "unanswered"),
		papertest.Means("clock", papertest.Fault{Status: 401, Body: `{"code":"50102","msg":"Timestamp request expired"}`}, "rejected", "rejected", "unanswered"),
		papertest.Means("no such order", says("51603"), "rejected", "not found", "not found"),
		papertest.Means("it ended", order1("51402"), "rejected", "not found", "unanswered"),
	})
}

// Placing tells only the order's number; what the venue took is never told as if
// nobody knew.
func TestATakenOrderIsTakenWhateverElseFails(t *testing.T) {
	t.Parallel()
	r := newRig(t, spot)
	r.Market("99", "10", "101", "10")
	v := r.Venue()
	r.Inject(papertest.Fault{Path: "/trade/order", Delay: 1}) // lets the order itself through
	r.Inject(papertest.Fault{Path: "/trade/order", Status: 503})
	o := order("taken", domain.Buy, "1", "")
	report := executiontest.Submit(t, v, o)
	if report.Status != domain.OrderAccepted || report.VenueOrderID == "" || report.ID != "taken" || report.Symbol != "BTC/USDT" {
		t.Fatalf("%+v", report)
	}
	if now, err := v.Query(t.Context(), o); err != nil || now.Status != domain.OrderFilled || now.VenueOrderID != report.VenueOrderID {
		t.Fatalf("%+v, %v", now, err)
	}
}

// A post-only order that would not rest is taken by the venue, and canceled.
func TestAPostOnlyOrderThatTheVenueTakesAndCancelsIsRejected(t *testing.T) {
	t.Parallel()
	r := newRig(t, spot)
	v := r.Venue()
	o := order("o", domain.Buy, "1", "50")
	o.TimeInForce = domain.PostOnly
	r.Inject(papertest.Fault{Path: "/trade/order", Body: `{"code":"0","msg":"","data":[{"ordId":"7","sCode":"0","sMsg":""}]}`})
	r.Inject(papertest.Fault{Path: "/trade/order", Body: `{"code":"0","msg":"","data":[{"instId":"BTC-USDT","ordId":"7","clOrdId":"o","side":"buy","ordType":"post_only",` +
		`"state":"canceled","accFillSz":"0","avgPx":"","uTime":"1767225600000","cancelSource":"31","cancelSourceReason":"The post-only order will take liquidity in taker orders"}]}`})
	if _, err := v.Submit(t.Context(), o); executiontest.Outcome(err) != "rejected" || !strings.Contains(err.Error(), "post-only") {
		t.Fatal(err)
	}
}

func TestALostAnswerIsFoundByAQuery(t *testing.T) {
	t.Parallel()
	r := newRig(t, spot)
	r.LosesAnswers(t, "/trade/order", "/cancel-order", func() int { return r.times(placing) })
}

// The venue answers a cancel before it has done it.
func TestACancelIsWaitedFor(t *testing.T) {
	t.Parallel()
	r := newRig(t, spot)
	v := r.Venue()
	lag := func(n int) {
		r.d.mu.Lock()
		defer r.d.mu.Unlock()
		r.d.lag = n
	}
	soon, late := order("soon", domain.Buy, "1", "50"), order("late", domain.Buy, "1", "50")
	executiontest.Submit(t, v, soon)
	executiontest.Submit(t, v, late)
	lag(3)
	if report, err := v.Cancel(t.Context(), soon); err != nil || report.Status != domain.OrderCanceled {
		t.Fatalf("%+v, %v", report, err)
	}
	lag(1 << 30)
	if _, err := v.Cancel(t.Context(), late); executiontest.Outcome(err) != "unanswered" {
		t.Fatal(err)
	}
	lag(0)
	if report, err := v.Cancel(t.Context(), late); err != nil || report.Status != domain.OrderCanceled {
		t.Fatalf("%+v, %v", report, err)
	}
}

// An order that is on its way for longer than its deadline is not taken.
func TestTheVenueRefusesALateOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t, spot)
	v := r.Venue()
	o := order("late", domain.Buy, "1", "50")
	if _, err := v.Query(t.Context(), o); executiontest.Outcome(err) != "not found" { // which reads the clock
		t.Fatal(err)
	}
	r.Inject(papertest.Fault{Path: "/trade/order", Delay: 800 * time.Millisecond})
	if _, err := v.Submit(executiontest.Within(t, 400*time.Millisecond), o); executiontest.Outcome(err) != "unanswered" {
		t.Fatal(err)
	}
	executiontest.Eventually(t, "the order to arrive", func() bool {
		r.d.mu.Lock()
		defer r.d.mu.Unlock()
		return r.d.done[placing] == 1
	})
	if report, err := v.Query(t.Context(), o); executiontest.Outcome(err) != "not found" {
		t.Fatalf("it was taken after its deadline: %+v, %v", report, err)
	}
}

// Our clock need not be right.
func TestTheVenuesClockCounts(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{-3 * time.Minute, 3 * time.Minute} {
		r := newRig(t, spot)
		r.d.ahead = ahead
		v := r.Venue()
		if report := executiontest.Submit(t, v, order("o", domain.Buy, "1", "50")); report.Status != domain.OrderAccepted {
			t.Fatalf("%+v", report)
		}
		if _, stop := executiontest.Listen(t, v); stop != nil { // its login has a time, too
			stop()
		}
	}
	// It is read again when the venue says that it is not right.
	r := newRig(t, spot)
	v := r.Venue()
	executiontest.Submit(t, v, order("o", domain.Buy, "1", "50"))
	r.d.mu.Lock()
	r.d.ahead = time.Hour
	r.d.mu.Unlock()
	if _, err := v.Submit(t.Context(), order("p", domain.Buy, "1", "50")); executiontest.Outcome(err) != "rejected" {
		t.Fatal(err)
	}
	executiontest.Submit(t, v, order("q", domain.Buy, "1", "50"))
}

func TestTheVenuesOwnLimits(t *testing.T) {
	t.Parallel()
	r := newRig(t, spot)
	r.Market("99", "10", "101", "10")
	v := r.Venue()
	long := order("a-name-with-more-than-thirty-two-x", domain.Buy, "1", "50")
	if _, err := v.Submit(t.Context(), long); executiontest.Outcome(err) != "rejected" {
		t.Fatal(err)
	}
	for _, do := range []func(context.Context, domain.Order) (execution.Report, error){v.Query, v.Cancel} {
		if _, err := do(t.Context(), long); executiontest.Outcome(err) != "not found" {
			t.Fatal(err)
		}
	}
	whole, stop := order("whole", domain.Buy, "1", ""), order("stop", domain.Sell, "1", "")
	whole.TimeInForce, stop.Type, stop.StopPrice = domain.FillOrKill, domain.Stop, dec("90")
	for _, o := range []domain.Order{whole, stop} {
		if _, err := v.Submit(t.Context(), o); executiontest.Outcome(err) != "rejected" {
			t.Fatalf("%s: %v", o.ID, err)
		}
	}
	if n := r.times(placing); n != 0 {
		t.Fatalf("%d orders were sent", n)
	}
}

func TestMoreOrdersThanAPage(t *testing.T) {
	t.Parallel()
	r := newRig(t, spot)
	v := r.Venue()
	for i := range 205 {
		executiontest.Submit(t, v, order(fmt.Sprintf("o-%03d", i), domain.Buy, "0.1", "50"))
	}
	open, err := v.Open(t.Context())
	if err != nil || len(open) != 205 {
		t.Fatalf("%d orders, %v", len(open), err)
	}
	for i, o := range open {
		if o.ID != fmt.Sprintf("o-%03d", i) {
			t.Fatalf("%d is %s", i, o.ID)
		}
	}
}

func TestRealMoneyIsTradedOnlyWhereItIsSaid(t *testing.T) {
	t.Parallel()
	base := private.Config{Account: "main", Key: key, Secret: secret, Passphrase: passphrase, Symbols: func() map[string]domain.Symbol { return spot }}
	for field, changes := range map[string][]func(*private.Config){
		"stream_url": {
			func(c *private.Config) { c.StreamURL = "wss://ws.okx.com:8443/ws/v5/private" },
			func(c *private.Config) { c.StreamURL = "wss://wsaws.okx.com:8443/ws/v5/private" },
		},
		"passphrase": {func(c *private.Config) { c.Passphrase = "" }},
		"margin":     {func(c *private.Config) { c.Margin = "both" }},
		"":           {func(*private.Config) {}, func(c *private.Config) { c.Real = true }, func(c *private.Config) { c.Margin = okx.Isolated }},
	} {
		for _, change := range changes {
			c := base
			change(&c)
			_, err := okx.New(c)
			var wrong *domain.FieldError
			if errors.As(err, &wrong) != (field != "") || wrong != nil && wrong.Field != field {
				t.Errorf("%s: %v", field, err)
			}
		}
	}
	// A real account says so with each request, by what it leaves out.
	r := newRig(t, spot)
	if _, err := r.Venue(func(c *private.Config) { c.Real = true }).Open(t.Context()); err == nil || !strings.Contains(err.Error(), "50101") {
		t.Fatal(err)
	}
}

// No error and no log line holds a key, a secret, a passphrase or a signature.
func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	r := newRig(t, spot)
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
		{Body: `{"code":"51000","msg":"The key ` + key + ` with ` + secret + ` and ` + passphrase + ` is not valid"}`},
		{Body: `{"code":"` + key + `","msg":"` + secret + `"}`}, {Status: 500, Body: key}, {Body: passphrase + secret}, {Lose: true},
	} {
		f.Times = 1 << 30
		r.Inject(f)
		all()
		before := sink.Connects()
		r.Broadcast(`{"event":"error","code":"` + key + `","msg":"` + secret + passphrase + `"}`)
		r.Heal()
		r.Disconnect()
		executiontest.Eventually(t, "the reconnect", func() bool { return sink.Connects() > before && r.Listeners() == 1 })
	}
	r.Stop()
	all()
	stop()
	said = append(said, r.Logs.String())
	if !strings.Contains(r.Logs.String(), "account stream ended") {
		t.Fatal("nothing was logged")
	}
	for _, text := range said {
		for _, hidden := range []string{key, key[:10], secret, passphrase, "sign"} {
			if strings.Contains(text, hidden) {
				t.Fatalf("%q is in %q", hidden, text)
			}
		}
	}
}
