package bybit_test

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

// event is a message of the stream with one element.
func event(topic, text string) string {
	return fmt.Sprintf(`{"id":"1","topic":%q,"creationTime":%d,"data":[{%s}]}`, topic, time.Now().UnixMilli(), text)
}

func TestTheLifeOfAnOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v, sink := r.FillsInParts(t)
	if end := sink.Last("o"); end.Reason != "" {
		t.Fatalf("%+v", end)
	}
	r.EndsOrders(t, v, sink, "CancelByUser")
}

// Events that the paper venue has no occasion for.
func TestAnOrderIsAmendedRejectedAndTriggered(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.Venue()
	sink, _ := executiontest.Listen(t, v)
	executiontest.Eventually(t, "the stream", func() bool { return r.Listeners() == 1 })
	for n, c := range []struct {
		status, filled, rest string
		want                 domain.OrderStatus
		reason               string
	}{
		{"Created", "0", `"category":"spot"`, domain.OrderAccepted, ""},
		{"New", "0", `"category":"spot","qty":"8","price":"51"`, domain.OrderAccepted, ""}, // amended
		{"PartiallyFilled", "2.5", `"category":"spot","qty":"4","cumExecValue":"125"`, domain.OrderPartial, ""},
		{"Rejected", "0", `"category":"spot","rejectReason":"EC_MissingClOrdID","cancelType":"UNKNOWN"`, domain.OrderRejected, "EC_MissingClOrdID"},
		{"Rejected", "1", `"category":"spot","rejectReason":"UNKNOWN"`, domain.OrderCanceled, ""},
		{"PartiallyFilledCanceled", "1", `"category":"spot","timeInForce":"IOC","cancelType":"UNKNOWN"`, domain.OrderExpired, ""},
		{"Cancelled", "1", `"category":"linear","timeInForce":"FOK","cancelType":"CancelBySmp"`, domain.OrderCanceled, "CancelBySmp"},
		{"Cancelled", "0", `"category":"linear","rejectReason":"EC_PostOnlyWillTakeLiquidity"`, domain.OrderRejected, "EC_PostOnlyWillTakeLiquidity"},
		{"Untriggered", "0", `"category":"linear"`, domain.OrderAccepted, ""},
		{"Triggered", "0", `"category":"linear"`, domain.OrderAccepted, ""},
		{"Deactivated", "0", `"category":"linear","cancelType":"CancelByUser"`, domain.OrderCanceled, "CancelByUser"},
	} {
		id := fmt.Sprintf("o-%d", n)
		r.Broadcast(event("order", `"symbol":"BTCUSDT","orderId":"7","orderLinkId":"`+id+`","orderStatus":"`+c.status+`","cumExecQty":"`+c.filled+
			`","updatedTime":"1700000000001",`+c.rest))
		executiontest.Eventually(t, "the report of "+id, func() bool { return len(sink.Reports(id)) == 1 })
		symbol := "BTC/USDT"
		if strings.Contains(c.rest, "linear") {
			symbol = "BTC/USDT:USDT"
		}
		got := sink.Reports(id)[0]
		if got.Status != c.want || got.Reason != c.reason || got.Symbol != symbol || !got.Filled.Equal(dec(c.filled)) || got.Time.UnixMilli() != 1700000000001 {
			t.Errorf("%s: %+v", c.status, got)
		}
	}
	// What is not traded here is not told, and no harm.
	r.Broadcast(event("order", `"category":"option","symbol":"BTC-1JAN26-50000-C","orderId":"8","orderLinkId":"op","orderStatus":"New"`))
	r.Broadcast(event("execution", `"category":"inverse","symbol":"BTCUSD","execId":"1","execType":"Trade"`))
	r.Broadcast(event("execution", `"category":"linear","symbol":"BTCUSDT","execId":"F","execType":"Funding","side":"Buy","execQty":"1","execPrice":"1","execTime":"1700000000000"`))
	r.Broadcast(event("position", `"category":"inverse","symbol":"BTCUSD","size":"1"`))
	executiontest.Submit(t, v, order("p", domain.Buy, "10", "50"))
	executiontest.WantStatus(t, sink, "p", domain.OrderAccepted)
	if len(sink.Reports("op")) > 0 || len(sink.Fills("")) > 0 || sink.Connects() != 1 {
		t.Fatalf("%+v, %+v, %d connects", sink.Reports("op"), sink.Fills(""), sink.Connects())
	}
}

// The stream leaves out what a fee is in.
func TestWhatAFeeIsIn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.Venue()
	sink, _ := executiontest.Listen(t, v)
	executiontest.Eventually(t, "the stream", func() bool { return r.Listeners() == 1 })
	for n, c := range []struct{ category, side, fee, said, want string }{
		{"spot", "Buy", "0.001", "", "BTC"}, {"spot", "Sell", "0.1", "", "USDT"}, {"spot", "Buy", "-0.1", "", "USDT"}, {"spot", "Sell", "-0.001", "", "BTC"},
		{"spot", "Buy", "1", "MNT", "MNT"}, {"linear", "Buy", "0.1", "", "USDT"}, {"linear", "Sell", "-0.1", "", "USDT"},
	} {
		id := fmt.Sprintf("f-%d", n)
		r.Broadcast(event("execution", fmt.Sprintf(`"category":%q,"symbol":"BTCUSDT","execId":%q,"orderId":"7","orderLinkId":%q,"execType":"Trade","side":%q,`+
			`"execPrice":"100","execQty":"1","execFee":%q,"feeCurrency":%q,"execTime":"%d"`, c.category, id, id, c.side, c.fee, c.said, time.Now().UnixMilli())))
		executiontest.Eventually(t, "the fill "+id, func() bool { return len(sink.Fills(id)) == 1 })
		if f := sink.Fills(id)[0]; f.FeeCurrency != c.want || !f.Fee.Equal(dec(c.fee)) {
			t.Errorf("%+v, want a fee in %s", f, c.want)
		}
	}
}

func TestABalanceChanges(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.Venue(func(c *private.Config) { c.BooksEvery = time.Hour })
	executiontest.Submit(t, v, order("o", domain.Sell, "3", "150"))
	sink, _ := executiontest.Listen(t, v)
	executiontest.Eventually(t, "the balances", func() bool { return sink.BalanceOf("BTC").Used.Equal(dec("3")) })
	executiontest.Eventually(t, "the stream", func() bool { return r.Listeners() == 1 })
	r.Broadcast(event("wallet", `"accountType":"FUND","coin":[{"coin":"BTC","walletBalance":"7"}]`)) // not the one that trades
	r.Broadcast(event("wallet", `"accountType":"UNIFIED","coin":[{"coin":"BTC","walletBalance":"102.5","locked":"3","totalOrderIM":"1.5","totalPositionIM":""},`+
		`{"coin":"SOL","walletBalance":"-2","locked":"0"}]`))
	executiontest.Eventually(t, "the deposit", func() bool {
		b := sink.BalanceOf("BTC")
		return b.Total.Equal(dec("102.5")) && b.Used.Equal(dec("4.5")) && b.Free.Equal(dec("98")) && !b.Time.IsZero()
	})
	executiontest.Eventually(t, "the debt", func() bool { return sink.BalanceOf("SOL").Free.Equal(dec("-2")) })
	// With the next connection the venue lists it no more: it is nothing.
	r.Disconnect()
	executiontest.Eventually(t, "the end of the debt", func() bool { b := sink.BalanceOf("SOL"); return b.Currency == "SOL" && b.Total.IsZero() })
}

func TestAPositionChanges(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.d.category = "linear"
	r.Market("99", "10", "101", "10")
	v := r.Venue()
	sink, stop := executiontest.Listen(t, v)
	held := func(of *executiontest.Sink, volume string) {
		t.Helper()
		executiontest.Eventually(t, "a position of "+volume, func() bool {
			p := of.PositionOf("BTC/USDT")
			return !p.Time.IsZero() && p.Volume.Equal(dec(volume)) && p.Cost.Equal(p.Price.Mul(p.Volume.Abs()))
		})
	}
	executiontest.Submit(t, v, order("long", domain.Buy, "3", ""))
	held(sink, "3")
	other, _ := executiontest.Listen(t, r.Venue(func(c *private.Config) { c.BooksEvery = time.Hour })) // as it is
	held(other, "3")
	// Closed while nobody listened: the venue does not list it any more.
	stop()
	flat := order("flat", domain.Sell, "3", "")
	flat.ReduceOnly = true
	executiontest.Submit(t, v, flat)
	held(other, "0")
	sink.Listen(t, v)
	held(sink, "0")
	executiontest.WantFills(t, sink, "flat", "3")
	// The paper venue goes not short.
	executiontest.Eventually(t, "the streams", func() bool { return r.Listeners() == 2 })
	r.Broadcast(event("position", `"category":"linear","symbol":"BTCUSDT","positionIdx":0,"side":"Sell","size":"0.25","entryPrice":"100","cumRealisedPnl":"-1.5",`+
		`"updatedTime":"`+millis(time.Now())+`"`))
	held(other, "-0.25")
	if p := other.PositionOf("BTC/USDT"); !p.Realised.Equal(dec("-1.5")) || !p.Price.Equal(dec("100")) {
		t.Fatalf("%+v", p)
	}
}

// In hedge mode a symbol has two positions, which cannot be told as one.
func TestAnAccountInHedgeModeIsNotFollowed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.d.category = "linear"
	r.Inject(papertest.Fault{Path: "/position/list", Body: `{"retCode":0,"result":{"list":[{"symbol":"BTCUSDT","positionIdx":2,"side":"Sell","size":"1",` +
		`"avgPrice":"100","cumRealisedPnl":"0","updatedTime":"1700000000000"}]}}`})
	sink, _ := executiontest.Listen(t, r.Venue())
	executiontest.Eventually(t, "the reconnect", func() bool { return sink.Connects() > 1 })
	if !strings.Contains(r.Logs.String(), "hedge mode") {
		t.Fatal(r.Logs.String())
	}
}

func TestAFillThatTheStreamDidNotBringIsMadeUpFor(t *testing.T) {
	t.Parallel()
	newRig(t).MakesUpForFills(t, "/v5/private")
}

// The venue's list of fills may be behind when it is asked.
func TestAFillThatTheVenueListsLate(t *testing.T) {
	t.Parallel()
	newRig(t).ListsLate(t, papertest.Fault{Path: "/execution/list", Body: `{"retCode":0,"result":{"list":[]}}`, Times: 2})
}

// More than a page, and more than there may be in one span of time.
func TestFillsBeyondAPage(t *testing.T) {
	t.Parallel()
	for _, page := range []int{100, 3} {
		r := newRig(t)
		r.d.page = page
		r.Market("99", "10", "101", "10")
		v := r.Venue()
		executiontest.Submit(t, v, order("many", domain.Buy, "120", "100"))
		for range 120 {
			r.Market("99", "10", "100", "1")
		}
		r.Inject(func() papertest.Fault { f := says(10006); f.Path = "/execution/list"; return f }()) // which it has enough of
		sink, _ := executiontest.Listen(t, v)
		executiontest.WantFills(t, sink, "many", "120")
		if fills := sink.Fills("many"); fills[0].Time.After(fills[119].Time) || sink.Connects() != 1 {
			t.Fatalf("%s, then %s, %d connects", fills[0].Time, fills[119].Time, sink.Connects())
		}
		// From a time on, only those after it.
		after, _ := executiontest.Listen(t, r.Venue(func(c *private.Config) { c.Since = time.Now().Add(time.Hour) }))
		executiontest.Submit(t, v, order("rests", domain.Buy, "1", "50"))
		executiontest.WantStatus(t, after, "rests", domain.OrderAccepted)
		if fills := after.Fills(""); len(fills) > 0 {
			t.Fatalf("%d fills of before came", len(fills))
		}
	}
}

// Without a time to begin at, all that the venue remembers, week by week.
func TestFillsOfTwoYears(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Market("99", "10", "101", "10")
	executiontest.Submit(t, r.Venue(), order("o", domain.Buy, "1", ""))
	sink, _ := executiontest.Listen(t, r.Venue(func(c *private.Config) { c.Since = time.Time{} }))
	executiontest.WantFills(t, sink, "o", "1")
	if n := r.times("/v5/execution/list"); n < 2*104 || n > 2*106 {
		t.Fatalf("asked %d times", n)
	}
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
	for _, frame := range []string{
		`{"op":"pong","args":["1"],"conn_id":"c"}`, `{"success":true,"ret_msg":"pong","op":"ping","conn_id":"c"}`, `{"topic":"greeks","data":7}`, `{}`,
		`{"topic":"execution.fast","data":[{}]}`, `{"topic":"order","creationTime":1,"data":[]}`,
	} {
		r.Broadcast(frame)
	}
	executiontest.Submit(t, v, order("p", domain.Buy, "10", "50"))
	executiontest.WantStatus(t, sink, "p", domain.OrderAccepted)
	if sink.Connects() != 1 {
		t.Fatal("a message that has no events ended the connection")
	}
	const good = `"category":"spot","symbol":"BTCUSDT","orderId":"7","orderLinkId":"x","execId":"E","execType":"Trade",`
	order := func(text string) string { return event("order", good+text) }
	fill := func(text string) string { return event("execution", good+`"execQty":"1",`+text) }
	r.EndsFor(t, sink, []string{
		`no JSON`, `[]`, `{"topic":7}`, `{"topic":"order"}`, `{"topic":"order","data":{}}`, `{"topic":"order","data":null}`, `{"topic":"order","data":[7]}`,
		`{"topic":"order","data":[null]}`, `{"topic":"execution","data":[{"execType":"Trade"}]}`, `{"topic":"wallet","data":[{"coin":[]}]}`, `{"topic":"position","data":[{}]}`,
		order(`"orderStatus":"Lost","cumExecQty":"0","updatedTime":"1700000000000"`),
		order(`"orderStatus":"New","cumExecQty":"","updatedTime":"1700000000000"`),
		order(`"orderStatus":"New","cumExecQty":"-1","updatedTime":"1700000000000"`),
		order(`"orderStatus":"New","cumExecQty":"0"`),
		order(`"orderStatus":"New","cumExecQty":"0","updatedTime":"32503680000000"`),
		order(`"orderStatus":"New","cumExecQty":1e99,"updatedTime":"1700000000000"`),
		event("order", `"category":"future","symbol":"BTCUSDT","orderId":"7","orderStatus":"New","cumExecQty":"0","updatedTime":"1700000000000"`),
		fill(`"side":"both","execPrice":"1","execTime":"` + millis(time.Now()) + `"`),
		fill(`"side":"Buy","execPrice":"","execTime":"` + millis(time.Now()) + `"`),
		fill(`"side":"Buy","execPrice":"-1","execTime":"` + millis(time.Now()) + `"`),
		fill(`"side":"Buy","execPrice":"1","execTime":"now"`),
		event("wallet", `"coin":[{"coin":"BTC","walletBalance":""}]`),
		event("wallet", `"coin":[{"coin":"BTC","walletBalance":"1","locked":"x"}]`),
		event("position", `"category":"linear","symbol":"BTCUSDT","size":"1","side":"Both","updatedTime":"1700000000000"`),
		event("position", `"category":"linear","symbol":"BTCUSDT","size":"1","side":"Buy","positionIdx":1,"updatedTime":"1700000000000"`),
		`{"op":"subscribe","success":false,"ret_msg":"error"}`, `{"op":"auth","retCode":10016,"retMsg":"restart"}`,
		fmt.Sprintf(`{"topic":"order","data":[%q]}`, strings.Repeat("x", 2<<20)),
	})
	if fills, reports := sink.Fills(""), sink.Reports("x"); len(fills) > 0 || len(reports) > 0 {
		t.Fatalf("%+v, %+v", fills, reports)
	}
}

// Nonsense from REST does not deliver anything wrong, and is asked for again.
func TestNonsenseFromTheBooks(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.d.category = "linear"
	r.Market("99", "10", "101", "10")
	v := r.Venue()
	executiontest.Submit(t, v, order("o", domain.Buy, "1", ""))
	for path, results := range map[string][]string{
		"/wallet-balance": {`{}`, `{"list":[]}`, `{"list":[{"coin":[{"coin":"BTC","walletBalance":"x"}]}]}`},
		"/position/list":  {`{"list":[{"symbol":"BTCUSDT","size":"x"}]}`, `{"list":[{"symbol":"BTCUSDT","size":"1","side":"Buy","updatedTime":""}]}`},
		"/execution/list": {`{"list":[{"symbol":"BTCUSDT","execId":"1","execType":"Trade","side":"Buy","execPrice":"1","execQty":"1","execTime":"0"}]}`},
	} {
		for _, result := range results {
			r.Inject(papertest.Fault{Path: path, Body: `{"retCode":0,"result":` + result + `}`})
		}
	}
	sink, _ := executiontest.Listen(t, v)
	executiontest.WantFills(t, sink, "o", "1")
	executiontest.Eventually(t, "the position", func() bool { return sink.PositionOf("BTC/USDT").Volume.Equal(dec("1")) })
	if sink.Connects() != 7 {
		t.Fatalf("%d connects", sink.Connects())
	}
}

func TestRunEndsForAKeyThatNeverWorks(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.RefusesKeys(t, map[string]func(*private.Config){
		"key":    func(c *private.Config) { c.Key = "anotherKeyAnotherKey" },
		"secret": func(c *private.Config) { c.Secret = "another" },
	}, func() {
		r.d.mu.Lock()
		defer r.d.mu.Unlock()
		r.d.denied = 3
	})
}
