package kraken_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution/executiontest"
	"github.com/fullon/fullon/internal/execution/papertest"
	"github.com/fullon/fullon/internal/execution/private"
)

func TestTheLifeOfAnOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v, sink := r.FillsInParts(t)
	r.EndsOrders(t, v, sink, "User requested")
}

// Frames that the paper venue has no occasion for.
func TestAnOrderIsAmendedAndExpires(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.Venue()
	sink, _ := executiontest.Listen(t, v)
	number := executiontest.Submit(t, v, order("o", domain.Buy, "10", "50")).VenueOrderID
	executiontest.WantStatus(t, sink, "o", domain.OrderAccepted)
	update := func(text string) {
		r.Broadcast(`{"channel":"executions","type":"update","sequence":9,"data":[{"order_id":"` + number + `",` + text + `}]}`)
	}
	update(`"exec_type":"trade","exec_id":"T1","order_status":"partially_filled","last_qty":2.50000000,"last_price":50.0,"liquidity_ind":"m",` +
		`"timestamp":"2026-01-01T00:00:00.000001Z","fees":[{"asset":"USDT","qty":-0.0125},{"asset":"KFEE","qty":1}]`)
	executiontest.WantStatus(t, sink, "o", domain.OrderPartial)
	if fills := sink.Fills("o"); len(fills) != 1 || !fills[0].Fee.Equal(dec("-0.0125")) || fills[0].FeeCurrency != "USDT" || fills[0].Side != domain.Buy {
		t.Fatalf("%+v", fills)
	}
	reports := len(sink.Reports("o"))
	update(`"exec_type":"amended","order_status":"partially_filled","order_qty":5.00000000,"limit_price":51,"reason":"User requested","amended":true,"timestamp":"2026-01-01T00:00:01Z"`)
	executiontest.Eventually(t, "the report", func() bool { return len(sink.Reports("o")) > reports })
	if now := sink.Reports("o")[reports]; now.Status != domain.OrderPartial || !now.Filled.Equal(dec("2.5")) || !now.AveragePrice.Equal(dec("50")) {
		t.Fatalf("%+v", now)
	}
	update(`"exec_type":"expired","order_status":"expired","cum_qty":2.50000000,"cum_cost":125.0,"reason":"Order expired","timestamp":"2026-01-01T00:00:02Z"`)
	executiontest.WantStatus(t, sink, "o", domain.OrderExpired)
	if now := sink.Reports("o")[reports+1]; now.ID != "o" || now.Symbol != "BTC/USDT" || !now.Filled.Equal(dec("2.5")) || now.Reason != "Order expired" {
		t.Fatalf("%+v", now)
	}
	if sink.Connects() != 1 {
		t.Fatal("the stream was interrupted")
	}
}

// An update about an order of which this connection was told nothing.
func TestWhatTheStreamLeavesOutIsAskedFor(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.Venue()
	executiontest.Submit(t, v, order("o", domain.Sell, "3", "150"))
	sink, _ := executiontest.Listen(t, v)
	r.d.elsewhere("OTHER1-AAAAA-BBBBBB", map[string]any{
		"cl_ord_id": "there", "status": "open", "opentm": 1767225600.5, "vol_exec": "1", "cost": "150", "descr": map[string]string{"pair": "XBTUSDT", "type": "sell"},
	})
	r.Broadcast(`{"channel":"executions","type":"update","data":[{"order_id":"OTHER1-AAAAA-BBBBBB","exec_type":"trade","exec_id":"T1","order_status":"partially_filled",` +
		`"last_qty":1,"last_price":150,"timestamp":"2026-01-01T00:00:00Z"}]}`)
	executiontest.WantStatus(t, sink, "there", domain.OrderPartial)
	if fills := sink.Fills("there"); len(fills) != 1 || fills[0].Side != domain.Sell || fills[0].Symbol != "BTC/USDT" || fills[0].FeeCurrency != "" {
		t.Fatalf("%+v", fills)
	}
	if report := sink.Reports("there")[0]; !report.Filled.Equal(dec("1")) || !report.AveragePrice.Equal(dec("150")) {
		t.Fatalf("%+v", report)
	}
	// What is told late does not make an order that ended go back.
	r.d.elsewhere("OTHER2-AAAAA-BBBBBB", map[string]any{
		"cl_ord_id": "over", "status": "closed", "opentm": 1767225600.5, "closetm": 1767225601, "vol_exec": "2", "cost": "300",
		"descr": map[string]string{"pair": "XBTUSDT", "type": "sell"},
	})
	r.Broadcast(`{"channel":"executions","type":"update","data":[{"order_id":"OTHER2-AAAAA-BBBBBB","exec_type":"trade","exec_id":"T2","order_status":"partially_filled",` +
		`"last_qty":1,"last_price":150,"timestamp":"2026-01-01T00:00:00Z"}]}`)
	executiontest.WantStatus(t, sink, "over", domain.OrderFilled)
	// One that nobody knows: everything is asked for anew.
	r.Broadcast(`{"channel":"executions","type":"update","data":[{"order_id":"NOBODY-AAAAA-BBBBBB","exec_type":"new","order_status":"new","timestamp":"2026-01-01T00:00:00Z"}]}`)
	executiontest.Eventually(t, "the reconnect", func() bool { return sink.Connects() > 1 })
}

func TestABalanceChanges(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.Venue(func(c *private.Config) { c.BooksEvery = time.Hour })
	executiontest.Submit(t, v, order("o", domain.Sell, "3", "150"))
	sink, _ := executiontest.Listen(t, v)
	executiontest.Eventually(t, "the balances", func() bool { return sink.BalanceOf("BTC").Used.Equal(dec("3")) })
	r.Broadcast(`{"channel":"balances","type":"update","sequence":4,"data":[{"asset":"BTC","asset_class":"currency","category":"deposit","amount":2.5,"fee":0,` +
		`"balance":102.5000000000,"timestamp":"` + time.Now().Add(time.Minute).UTC().Format(time.RFC3339Nano) + `","type":"deposit","wallet_type":"spot","wallet_id":"main"}]}`)
	executiontest.Eventually(t, "the deposit", func() bool {
		b := sink.BalanceOf("BTC")
		return b.Total.Equal(dec("102.5")) && b.Used.Equal(dec("3")) && b.Free.Equal(dec("99.5"))
	})
}

func TestATokenIsRenewed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.Venue()
	sink, _ := executiontest.Listen(t, v)
	for n := 1; n <= 3; n++ {
		r.d.expire() // what was given is good no more
		if n == 2 {
			r.d.spoil() // nor is the next one
		}
		r.Disconnect()
		executiontest.Eventually(t, "the reconnect", func() bool { return sink.Connects() > n })
	}
	r.Inject(papertest.Fault{Path: "GetWebSocketsToken", Body: `{"error":[],"result":{}}`})
	r.Disconnect()
	executiontest.Eventually(t, "the reconnect", func() bool { return sink.Connects() > 4 })
	executiontest.Submit(t, v, order("o", domain.Buy, "1", "50"))
	executiontest.WantStatus(t, sink, "o", domain.OrderAccepted)
}

func TestAFillThatTheStreamDidNotBringIsMadeUpFor(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Market("99", "10", "101", "10")
	v := r.Venue()
	sink, _ := executiontest.Listen(t, v)
	o := order("o", domain.Buy, "10", "100")
	executiontest.Submit(t, v, o)
	r.Market("99", "10", "100", "4")
	executiontest.WantFills(t, sink, "o", "4")
	// Cut, and no way to come back for a while.
	r.Inject(papertest.Fault{Path: "GetWebSocketsToken", Status: 503, Times: 1 << 30})
	r.Disconnect()
	executiontest.Eventually(t, "the end of the stream", func() bool { return r.Listeners() == 0 })
	r.Market("99", "10", "100", "3")
	r.Heal()
	executiontest.WantFills(t, sink, "o", "7")
	r.Market("99", "10", "100", "30")
	executiontest.WantFills(t, sink, "o", "10")
	// The stream may tell of one that was made up for.
	old := sink.Fills("o")[0]
	r.Broadcast(`{"channel":"executions","type":"update","data":[{"order_id":"` + old.OrderID + `","symbol":"BTC/USDT","side":"buy","cl_ord_id":"o","exec_type":"trade","exec_id":"` + old.ID +
		`","order_status":"filled","cum_qty":10,"cum_cost":1000,"last_qty":4,"last_price":100,"timestamp":"` + old.Time.Format(time.RFC3339Nano) + `"}]}`)
	executiontest.Submit(t, v, order("after", domain.Buy, "1", "50"))
	executiontest.WantStatus(t, sink, "after", domain.OrderAccepted)
	executiontest.WantFills(t, sink, "o", "10")
	for _, f := range sink.Fills("") {
		if f.ClientOrderID != "o" || f.Side != domain.Buy || f.FeeCurrency != "USDT" || !f.Fee.IsPos() || !f.Maker {
			t.Fatalf("%+v", f)
		}
	}
}

// The venue's list of trades may be behind when it is asked.
func TestAFillThatTheVenueListsLate(t *testing.T) {
	t.Parallel()
	newRig(t).ListsLate(t, papertest.Fault{Path: "TradesHistory", Body: `{"error":[],"result":{"trades":{},"count":0}}`})
}

// More than a page in a second, which is how exactly the list is asked for.
func TestFillsBeyondAPage(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Market("99", "10", "101", "10")
	v := r.Venue()
	executiontest.Submit(t, v, order("many", domain.Buy, "170", "100"))
	for range 170 {
		r.Market("99", "10", "100", "1")
	}
	// The venue has enough of being asked, more than once.
	r.Inject(papertest.Fault{Path: "TradesHistory", Body: `{"error":["EAPI:Rate limit exceeded"]}`})
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

func TestTheVenueIsKilledAndComesBack(t *testing.T) {
	t.Parallel()
	newRig(t).ComesBack(t)
}

// What cannot be understood ends the connection; what is none of ours does not.
func TestNonsenseFromTheStream(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.Venue()
	sink, _ := executiontest.Listen(t, v)
	number := executiontest.Submit(t, v, order("o", domain.Buy, "10", "50")).VenueOrderID
	executiontest.WantStatus(t, sink, "o", domain.OrderAccepted)
	for _, frame := range []string{
		`{"channel":"heartbeat"}`, `{"channel":"status","type":"update","data":[{"system":"maintenance"}]}`, `{"method":"pong","req_id":7}`,
		`{"channel":"executions","type":"update","data":[]}`, `{"error":"Unsupported event","success":false}`, `{"channel":"future","data":7}`,
	} {
		r.Broadcast(frame)
	}
	executiontest.Submit(t, v, order("p", domain.Buy, "10", "50"))
	executiontest.WantStatus(t, sink, "p", domain.OrderAccepted)
	if sink.Connects() != 1 {
		t.Fatal("a message that has no events ended the connection")
	}
	update := func(text string) string {
		return `{"channel":"executions","type":"update","data":[{"order_id":"` + number + `",` + text + `}]}`
	}
	r.EndsFor(t, sink, []string{
		`no JSON`, `[]`, `{"channel":"executions","type":"update"}`, `{"channel":"executions","type":"update","data":[7]}`,
		`{"channel":"executions","type":"update","data":[{}]}`,
		update(`"exec_type":"new","order_status":"lost","timestamp":"2026-01-01T00:00:00Z"`),
		update(`"exec_type":"new","order_status":"new"`),
		update(`"exec_type":"new","order_status":"new","timestamp":"2999-01-01T00:00:00Z"`),
		update(`"exec_type":"new","order_status":"new","side":"both","timestamp":"2026-01-01T00:00:00Z"`),
		update(`"exec_type":"trade","order_status":"partially_filled","timestamp":"2026-01-01T00:00:00Z","exec_id":"T1","last_qty":1`),
		update(`"exec_type":"trade","order_status":"partially_filled","timestamp":"2026-01-01T00:00:00Z","exec_id":"","last_qty":1,"last_price":1`),
		update(`"exec_type":"trade","order_status":"partially_filled","timestamp":"2026-01-01T00:00:00Z","exec_id":"T1","last_qty":-1,"last_price":1`),
		update(`"exec_type":"trade","order_status":"partially_filled","timestamp":"2026-01-01T00:00:00Z","exec_id":"T1","last_qty":1,"last_price":1e99`),
		`{"channel":"balances","type":"update","data":[{"asset":"BTC","balance":"1"}]}`,
		`{"method":"subscribe","success":false,"error":"EGeneral:Internal error"}`,
		fmt.Sprintf(`{"channel":"status","data":[%q]}`, strings.Repeat("x", 2<<20)),
	})
	if fills := sink.Fills(""); len(fills) > 0 {
		t.Fatalf("%+v", fills)
	}
}

func TestRunEndsForAKeyThatNeverWorks(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.RefusesKeys(t, map[string]func(*private.Config){
		"key":    func(c *private.Config) { c.Key = "anotherKeyAnotherKey" },
		"secret": func(c *private.Config) { c.Secret = "YW5vdGhlcg==" },
	}, func() {
		r.Inject(papertest.Fault{Path: "GetWebSocketsToken", Body: `{"error":["EAPI:Invalid key"]}`, Times: 3})
	})
}
