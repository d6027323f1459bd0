package binance_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution/binance"
	"github.com/fullon/fullon/internal/execution/executiontest"
	"github.com/fullon/fullon/internal/execution/papertest"
	"github.com/fullon/fullon/internal/execution/private"
)

const contractOrders = "/fapi/v1/order"

func contractSays(status, code int) papertest.Fault {
	return papertest.Fault{Status: status, Body: fmt.Sprintf(`{"code":%d,"msg":"the venue's words"}`, code)}
}

func TestWhatAnAnswerOfFuturesMeans(t *testing.T) {
	t.Parallel()
	r := newContractRig(t)
	state := func(text string) papertest.Fault {
		return papertest.Fault{Body: `{"symbol":"BTCUSDT","orderId":1,"clientOrderId":"ITSELF","status":"NEW","executedQty":"0","cumQuote":"0"` + text + `}`}
	}
	lost := func(name string, f papertest.Fault) papertest.Answer {
		return papertest.Means(name, f, "unanswered", "unanswered", "unanswered")
	}
	no := func(name string, code int) papertest.Answer {
		return papertest.Means(name, contractSays(400, code), "rejected", "rejected", "unanswered")
	}
	limit := func(name string, f papertest.Fault, outcome string) papertest.Answer {
		return papertest.Means(name, f, outcome, outcome, outcome)
	}
	busy, banned := contractSays(429, -1003), contractSays(418, -1003)
	busy.RetryAfter, banned.RetryAfter = 7*time.Second, 2*time.Minute
	r.MeansWhat(t, contractOrders, contractOrders, contractOrders, []papertest.Answer{
		lost("status 500", papertest.Fault{Status: 500}),
		lost("status 502 with a code", contractSays(502, -2019)),
		lost("throttled, or so it says", contractSays(503, -1008)),
		lost("-1000", contractSays(400, -1000)), lost("-1001", contractSays(400, -1001)), lost("-1006", contractSays(400, -1006)),
		lost("-1007", contractSays(408, -1007)), lost("-1016", contractSays(400, -1016)),
		lost("a firewall", papertest.Fault{Status: 403}), lost("a redirect", papertest.Fault{Status: 302}),
		lost("no JSON", papertest.Fault{Body: "<html>"}), lost("half of an answer", papertest.Fault{Body: `{"symbol":"BTCUSDT","orderId":1`}),
		lost("nothing", papertest.Fault{Body: "null"}), lost("an empty answer", papertest.Fault{Body: "{}"}),
		lost("another order", papertest.Fault{Body: `{"symbol":"BTCUSDT","orderId":1,"clientOrderId":"x","status":"NEW","executedQty":"0","cumQuote":"0"}`}),
		lost("another symbol", state(`,"symbol":"ETHUSDT"`)), lost("an unknown status", state(`,"status":"LOST"`)), lost("no number", state(`,"orderId":0`)),
		lost("no size", state(`,"executedQty":"much"`)), lost("no cost", state(`,"cumQuote":""`)),
		limit("-1003", busy, "limited 7s"), limit("a ban", banned, "limited 2m0s"), limit("-1015", contractSays(429, -1015), "limited 0s"),
		no("margin", -2019), no("filter", -1111), no("notional", -4164), no("reduce-only", -2022), no("of this type not reduce-only", -2026),
		no("fill or kill", -5021), no("post-only", -5022), no("stops", -4120), no("hedge mode", -4061), no("liquidation", -2023),
		no("late", -1021), no("late where orders are matched", -5028), no("signature", -1022), no("key", -2015), no("no key", -2008), no("locked", -2017),
		papertest.Means("duplicate", contractSays(400, -4116), "duplicate", "duplicate", "unanswered"),
		papertest.Means("no order", contractSays(400, -2013), "rejected", "not found", "not found"),
		papertest.Means("not canceled", contractSays(400, -2011), "rejected", "not found", "unanswered"),
	})
}

func TestALostAnswerOfFuturesIsFoundByAQuery(t *testing.T) {
	t.Parallel()
	r := newContractRig(t)
	r.LosesAnswers(t, contractOrders, contractOrders, func() int { return r.d.times("POST " + contractOrders) })
}

func TestFuturesRefuseALateOrder(t *testing.T) {
	t.Parallel()
	r := newContractRig(t)
	v := r.Venue()
	if _, err := v.Open(t.Context()); err != nil { // reads the clock
		t.Fatal(err)
	}
	r.Inject(papertest.Fault{Path: contractOrders, Delay: 600 * time.Millisecond})
	o := order("late", domain.Buy, "1", "50")
	if _, err := v.Submit(executiontest.Within(t, 300*time.Millisecond), o); executiontest.Outcome(err) != "unanswered" {
		t.Fatal(err)
	}
	r.Restart() // which waits until the order has arrived
	if report, err := v.Query(t.Context(), o); executiontest.Outcome(err) != "not found" || r.d.times("POST "+contractOrders) != 1 {
		t.Fatalf("it was taken after its deadline: %+v, %v", report, err)
	}
}

func TestAWrongClockOfFuturesIsReadAgain(t *testing.T) {
	t.Parallel()
	r := newContractRig(t)
	v := r.Venue()
	if _, err := v.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.d.with(func() { r.d.ahead = time.Minute })
	o := order("o", domain.Buy, "1", "50")
	_, err := v.Submit(executiontest.Within(t, 5*time.Second), o)
	if executiontest.Outcome(err) != "rejected" || !strings.Contains(err.Error(), "-1021") {
		t.Fatal(err)
	}
	if report, err := v.Submit(executiontest.Within(t, 5*time.Second), o); err != nil || report.Status != domain.OrderAccepted {
		t.Fatalf("%+v, %v", report, err)
	}
	// As where orders are matched.
	before := r.d.times("GET /fapi/v1/time")
	f := contractSays(400, -5028)
	f.Path = contractOrders
	r.Inject(f)
	for _, want := range []string{"rejected", "done"} {
		if _, err := v.Submit(executiontest.Within(t, 5*time.Second), order("p", domain.Buy, "1", "50")); executiontest.Outcome(err) != want {
			t.Fatal(err)
		}
	}
	if n := r.d.times("GET /fapi/v1/time") - before; n != 1 {
		t.Fatalf("the clock was read %d times", n)
	}
}

func TestTheKindsOfOrdersOfFutures(t *testing.T) {
	t.Parallel()
	r := newContractRig(t)
	r.Market("99", "10", "101", "10")
	v := r.Venue()
	executiontest.Submit(t, v, order("all", domain.Buy, "10", ""))
	for reason, change := range map[string]func(*domain.Order){
		"algo orders": func(o *domain.Order) { o.Type, o.StopPrice = domain.StopLimit, dec("95") },
		"with a limit": func(o *domain.Order) {
			o.Type, o.Price, o.TimeInForce = domain.Market, domain.Decimal{}, domain.FillOrKill
		},
		"catalogue": func(o *domain.Order) { o.Symbol = "XMR/USDT:USDT" },
	} {
		o := order("no", domain.Sell, "1", "95")
		change(&o)
		if _, err := v.Submit(t.Context(), o); executiontest.Outcome(err) != "rejected" || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: %v", reason, err)
		}
	}
	if n := r.d.times("POST " + contractOrders); n != 1 {
		t.Fatalf("%d orders were sent", n)
	}
	// Binance would take the id of an order that ended once more.
	again := order("all", domain.Buy, "1", "50")
	again.Attempt = 2
	if _, err := v.Submit(t.Context(), again); executiontest.Outcome(err) != "duplicate" {
		t.Fatal(err)
	}
}

// Both wallets have a BTCUSDT: orders for the market of the other are refused.
func TestAnAccountTradesOneKindOfMarket(t *testing.T) {
	t.Parallel()
	r := newContractRig(t)
	symbols := func(c *private.Config) { c.Symbols = func() map[string]domain.Symbol { return both } }
	v := r.Venue(symbols)
	o := order("o", domain.Buy, "1", "50")
	if _, err := v.Submit(t.Context(), o); executiontest.Outcome(err) != "rejected" || !strings.Contains(err.Error(), "spot market") {
		t.Fatal(err)
	}
	o.Symbol = "BTC/USDT:USDT"
	if report := executiontest.Submit(t, v, o); report.Symbol != o.Symbol {
		t.Fatalf("%+v", report)
	}
	spot := newRig(t).venue(symbols)
	if _, err := spot.Submit(t.Context(), o); executiontest.Outcome(err) != "rejected" || !strings.Contains(err.Error(), "no spot market") {
		t.Fatal(err)
	}
}

// In hedge mode a symbol has two positions, which cannot be told as one.
func TestAnAccountInHedgeModeIsNotTraded(t *testing.T) {
	t.Parallel()
	const clear = "the account is in hedge mode: it must be in one-way mode"
	r := newContractRig(t)
	r.d.with(func() { r.d.hedge = true })
	v := r.Venue()
	if _, err := v.Submit(t.Context(), order("o", domain.Buy, "1", "50")); executiontest.Outcome(err) != "rejected" || !strings.Contains(err.Error(), clear) {
		t.Fatal(err)
	}
	sink := executiontest.NewSink()
	executiontest.Deliver(t, v, sink)
	executiontest.Eventually(t, "the reason", func() bool { return strings.Contains(r.Logs.String(), clear) })
	if sink.Connects() != 0 || r.d.times("POST /fapi/v1/listenKey") != 0 {
		t.Fatal("it was followed")
	}
	// It is when the mode is changed back, and not when there is a position of the other.
	r.d.with(func() { r.d.hedge = false })
	executiontest.Eventually(t, "the connection", func() bool { return sink.Connects() == 1 && r.Listeners() == 1 })
	r.Broadcast(`{"e":"ACCOUNT_UPDATE","T":1,"a":{"P":[{"s":"BTCUSDT","pa":"0","ep":"0","cr":"0","ps":"LONG"}]}}`)
	r.Broadcast(`{"e":"ACCOUNT_UPDATE","T":1,"a":{"P":[{"s":"BTCUSDT","pa":"-1","ep":"100","cr":"0","ps":"SHORT"}]}}`)
	executiontest.Eventually(t, "the reconnect", func() bool { return sink.Connects() == 2 })
	executiontest.Eventually(t, "its positions", func() bool { return r.d.times("GET /fapi/v3/positionRisk") == 2 })
	r.Inject(papertest.Fault{Path: "/positionRisk", Body: `[{"symbol":"BTCUSDT","positionSide":"LONG","positionAmt":"1","entryPrice":"100"}]`})
	r.Disconnect()
	executiontest.Eventually(t, "two reconnects", func() bool { return sink.Connects() == 4 })
	if p := sink.PositionOf("BTC/USDT"); !p.Flat() {
		t.Fatalf("%+v", p)
	}
}

func TestRealMoneyOfFuturesIsTradedOnlyWhereItIsSaid(t *testing.T) {
	t.Parallel()
	base := private.Config{Account: "main", Key: key, Secret: secret, Symbols: func() map[string]domain.Symbol { return contracts }}
	for name, c := range map[string]struct {
		rest, stream string
		real         bool
		field        string
	}{
		"the test network":    {"", "", false, ""},
		"real":                {"", "", true, ""},
		"the real host":       {"https://fapi.binance.com", "", false, "rest_url"},
		"the real stream":     {"", "wss://fstream.binance.com/private/ws", false, "stream_url"},
		"the old test hosts":  {"https://testnet.binancefuture.com", "wss://fstream.binancefuture.com/private/ws", false, ""},
		"a host of one's own": {"http://127.0.0.1:1", "ws://127.0.0.1:1", false, ""},
	} {
		cfg := base
		cfg.RESTURL, cfg.StreamURL, cfg.Real = c.rest, c.stream, c.real
		v, err := binance.NewPerpetuals(cfg)
		var wrong *domain.FieldError
		if errors.As(err, &wrong) != (c.field != "") || wrong != nil && wrong.Field != c.field {
			t.Errorf("%s: %v", name, err)
		}
		if v != nil {
			v.CloseIdle()
		}
	}
}

// No error and no log line holds a key, a secret, a signature or a listen key.
func TestSecretsOfFuturesStaySecret(t *testing.T) {
	t.Parallel()
	r := newContractRig(t)
	r.KeepsSecrets(t, []papertest.Fault{
		{Status: 400, Body: `{"code":-1022,"msg":"The key ` + key + ` with ` + secret + ` is not valid."}`},
		{Status: 500, Body: key}, {Body: key + secret}, {Lose: true}, {Status: 503, Body: `{"code":-1000,"msg":"` + key + `"}`},
		{Path: "/private/ws/" + listenKeys + "0", Status: 503, Body: listenKeys}, {Path: "/private/ws/" + listenKeys + "0", Status: 200, Body: "no WebSocket"},
		{Path: "/listenKey", Body: `{"listenKey":"` + listenKeys + `%zz"}`},
	}, key, secret, listenKeys[:8], "signature=", "X-Mbx-Apikey")
}
