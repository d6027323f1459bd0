package binance_test

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

// update is an event of an order.
func update(text string) string {
	return `{"e":"ORDER_TRADE_UPDATE","E":1700000000002,"T":1700000000001,"o":{"s":"BTCUSDT","S":"BUY","i":7,"T":1700000000001,` + text + `}}`
}

func TestTheLifeOfAnOrderOfFutures(t *testing.T) {
	t.Parallel()
	r := newContractRig(t)
	v, sink := r.FillsInParts(t)
	if reports := sink.Reports("o"); len(reports) != 3 || reports[2].Reason != "" {
		t.Fatalf("%+v", reports)
	}
	r.EndsOrders(t, v, sink, "")
	if expired := sink.Last("now"); expired.Reason != "the venue's reason of expiry is number 2" {
		t.Fatalf("%+v", expired)
	}
}

// Events that the paper venue has no occasion for.
func TestAnOrderOfFuturesIsAmendedExpiresAndIsLiquidated(t *testing.T) {
	t.Parallel()
	r := newContractRig(t)
	v := r.Venue()
	sink, _ := executiontest.Listen(t, v)
	executiontest.Eventually(t, "the stream", func() bool { return r.Listeners() == 1 })
	for n, c := range []struct {
		text, filled, average string
		want                  domain.OrderStatus
		reason                string
		fill                  string // its number
	}{
		{`"x":"NEW","X":"NEW","ap":"0.00","er":"0"`, "0", "0", domain.OrderAccepted, "", ""},
		{`"x":"AMENDMENT","X":"NEW","q":"8","p":"51","ap":"0"`, "0", "0", domain.OrderAccepted, "", ""},
		{`"x":"AMENDMENT","X":"PARTIALLY_FILLED","ap":"50.5"`, "2.5", "50.5", domain.OrderPartial, "", ""},
		{`"x":"TRADE","X":"PARTIALLY_FILLED","ap":"50","l":"1","L":"50","t":11,"m":true`, "1", "50", domain.OrderPartial, "", "BTCUSDT-11"}, // without a fee
		{`"x":"TRADE","X":"FILLED","ap":"50","l":"1","L":"50","t":12,"n":"-0.01","N":"USDT"`, "1", "50", domain.OrderFilled, "", "BTCUSDT-12"},
		{`"x":"EXPIRED","X":"EXPIRED","ap":"0","er":"4"`, "0", "0", domain.OrderExpired, "the venue's reason of expiry is number 4", ""},
		{`"x":"EXPIRED","X":"EXPIRED_IN_MATCH","ap":"0","er":1`, "0", "0", domain.OrderExpired, "the venue's reason of expiry is number 1", ""},
		{`"x":"CANCELED","X":"CANCELED","ap":"50"`, "1", "50", domain.OrderCanceled, "", ""},
		{`"x":"REJECTED","X":"REJECTED"`, "0", "0", domain.OrderRejected, "", ""},
		{`"x":"CALCULATED","X":"NEW_INSURANCE","ap":"50","l":"1","L":"50","t":13,"n":"0.1","N":"USDT"`, "1", "50", domain.OrderPartial, "", "BTCUSDT-13"},
		{`"x":"CALCULATED","X":"FILLED","ap":"0.00","l":"0.000","L":"0.00","t":14,"n":null,"N":null`, "0", "0", domain.OrderFilled, "", ""},
	} {
		id := fmt.Sprintf("o-%d", n)
		r.Broadcast(update(`"c":"` + id + `","z":"` + c.filled + `",` + c.text))
		executiontest.Eventually(t, "the report of "+id, func() bool { return len(sink.Reports(id)) == 1 })
		got, fills := sink.Reports(id)[0], sink.Fills(id)
		if got.Status != c.want || got.Reason != c.reason || !got.Filled.Equal(dec(c.filled)) || !got.AveragePrice.Equal(dec(c.average)) || got.VenueOrderID != "7" ||
			got.Time.UnixMilli() != 1700000000001 {
			t.Errorf("%s: %+v", c.text, got)
		}
		if len(fills) > 1 || (len(fills) == 1) != (c.fill != "") || len(fills) == 1 && fills[0].ID != c.fill {
			t.Errorf("%s: %+v", c.text, fills)
		}
	}
	if f := sink.Fills("o-4")[0]; !f.Fee.Equal(dec("-0.01")) || f.FeeCurrency != "USDT" || f.Maker || !f.Price.Equal(dec("50")) || f.OrderID != "7" {
		t.Errorf("%+v", f)
	}
	// What is not of these markets is not told, and no harm; nor is what has no events.
	for _, frame := range []string{
		`{"e":"ORDER_TRADE_UPDATE","fs":"CM","T":1,"o":{"s":"BTCUSD_PERP"}}`, `{"e":"TRADE_LITE","s":"BTCUSDT","l":"1"}`, `{"e":"ALGO_UPDATE","o":{}}`,
		`{"e":"MARGIN_CALL","p":[]}`, `{"e":"ACCOUNT_CONFIG_UPDATE","ac":{"s":"BTCUSDT","l":25}}`, `{"e":"ACCOUNT_UPDATE","T":1,"a":{"m":"FUNDING_FEE","B":[]}}`, `{"id":1,"result":null}`,
	} {
		r.Broadcast(frame)
	}
	executiontest.Submit(t, v, order("p", domain.Buy, "10", "50"))
	executiontest.WantStatus(t, sink, "p", domain.OrderAccepted)
	if sink.Connects() != 1 || len(sink.Fills("")) != 3 {
		t.Fatalf("%d connects, %+v", sink.Connects(), sink.Fills(""))
	}
}

func TestBalancesOfFuturesChange(t *testing.T) {
	t.Parallel()
	r := newContractRig(t)
	v := r.Venue()
	executiontest.Submit(t, v, order("o", domain.Buy, "3", "50"))
	sink, _ := executiontest.Listen(t, v)
	executiontest.Eventually(t, "the balances", func() bool {
		b := sink.BalanceOf("USDT")
		return b.Used.GreaterThanOrEqual(dec("150")) && b.Total.Equal(dec(executiontest.BeginsQuote)) && b.Free.Equal(b.Total.Sub(b.Used))
	})
	// A payment is told, and asked for; what is left of nothing is not listed.
	account := func(assets string) papertest.Fault {
		return papertest.Fault{Path: "/fapi/v3/account", Body: `{"assets":[` + assets + `]}`}
	}
	executiontest.Eventually(t, "the stream", func() bool { return r.Listeners() == 1 })
	r.Inject(account(`{"asset":"BNB","walletBalance":"-0.5","initialMargin":"0.25"}`))
	r.Broadcast(`{"e":"ACCOUNT_UPDATE","E":1,"T":1,"a":{"m":"FUNDING_FEE","B":[{"a":"BNB","wb":"-0.5","cw":"-0.5","bc":"0"}],"P":[]}}`)
	executiontest.Eventually(t, "the debt", func() bool {
		b := sink.BalanceOf("BNB")
		return b.Total.Equal(dec("-0.5")) && b.Free.Equal(dec("-0.75"))
	})
	if sink.BalanceOf("BTC").Currency != "BTC" || !sink.BalanceOf("BTC").Total.IsZero() {
		t.Fatalf("%+v", sink.BalanceOf("BTC"))
	}
	r.Broadcast(`{"e":"ACCOUNT_CONFIG_UPDATE","E":1,"T":1,"ac":{"s":"BTCUSDT","l":25}}`)
	executiontest.Eventually(t, "the end of the debt", func() bool { return sink.BalanceOf("BNB").Total.IsZero() && sink.BalanceOf("BTC").Total.IsPos() })
}

func TestPositionsOfFuturesChange(t *testing.T) {
	t.Parallel()
	r := newContractRig(t)
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
	r.Broadcast(fmt.Sprintf(`{"e":"ACCOUNT_UPDATE","T":%d,"a":{"m":"ORDER","B":[],"P":[{"s":"BTCUSDT","pa":"-0.25","ep":"100","cr":"-1.5","ps":"BOTH"}]}}`, time.Now().UnixMilli()))
	held(other, "-0.25")
	if p := other.PositionOf("BTC/USDT"); !p.Realised.Equal(dec("-1.5")) || !p.Price.Equal(dec("100")) {
		t.Fatalf("%+v", p)
	}
	// The list may be behind the stream, so it does not count until there is a new
	// connection, even if the balances are asked for. And it does not say what was
	// won: the newest event did.
	held(sink, "-0.25")
	for range 3 {
		asked := r.d.times("GET /fapi/v3/account")
		r.Broadcast(`{"e":"ACCOUNT_CONFIG_UPDATE","E":1,"T":1,"ac":{"s":"BTCUSDT","l":25}}`)
		executiontest.Eventually(t, "the balances", func() bool { return r.d.times("GET /fapi/v3/account") > asked })
	}
	held(sink, "-0.25")
	r.Disconnect()
	held(sink, "0")
	if p := sink.PositionOf("BTC/USDT"); !p.Realised.Equal(dec("-1.5")) {
		t.Fatalf("%+v", p)
	}
}

func TestAListenKeyIsRenewed(t *testing.T) {
	t.Parallel()
	r := newContractRig(t)
	v := r.Venue(func(c *private.Config) { c.RenewEvery = 5 * time.Millisecond })
	sink, _ := executiontest.Listen(t, v)
	const renew, begin = "PUT /fapi/v1/listenKey", "POST /fapi/v1/listenKey"
	executiontest.Eventually(t, "renewals", func() bool { return r.d.times(renew) > 3 })
	// What fails is tried again, and does not end the stream.
	r.Inject(papertest.Fault{Path: "/listenKey", Status: 503, Times: 2})
	r.Inject(papertest.Fault{Path: "/listenKey", Status: 429, Body: `{"code":-1003,"msg":"Too many requests."}`})
	before := r.d.times(renew)
	executiontest.Eventually(t, "more renewals", func() bool { return r.d.times(renew) > before })
	if sink.Connects() != 1 || r.d.times(begin) != 1 {
		t.Fatalf("%d connects, %d listen keys", sink.Connects(), r.d.times(begin))
	}
	// One that is gone is asked for anew.
	r.Inject(papertest.Fault{Path: "/listenKey", Status: 400, Body: `{"code":-1125,"msg":"This listenKey does not exist."}`})
	executiontest.Eventually(t, "the reconnect", func() bool { return sink.Connects() == 2 && r.d.times(begin) == 2 })
}

func TestAListenKeyExpires(t *testing.T) {
	t.Parallel()
	r := newContractRig(t)
	v := r.Venue()
	sink, _ := executiontest.Listen(t, v)
	executiontest.Eventually(t, "the stream", func() bool { return r.Listeners() == 1 })
	r.d.with(func() { r.d.listenKey++ })
	r.Broadcast(`{"e":"listenKeyExpired","E":1736996475556,"listenKey":"` + listenKeyNamed(0) + `"}`)
	executiontest.Eventually(t, "the reconnect", func() bool { return sink.Connects() == 2 && r.Listeners() == 1 })
	executiontest.Submit(t, v, order("o", domain.Buy, "1", "50"))
	executiontest.WantStatus(t, sink, "o", domain.OrderAccepted)
	if n := r.d.times("POST /fapi/v1/listenKey"); n != 2 {
		t.Fatalf("%d listen keys", n)
	}
}

func TestAFillOfFuturesThatTheStreamDidNotBringIsMadeUpFor(t *testing.T) {
	t.Parallel()
	r := newContractRig(t)
	r.MakesUpForFills(t, "/listenKey")
}

func TestAFillThatFuturesListLate(t *testing.T) {
	t.Parallel()
	r := newContractRig(t)
	r.ListsLate(t, papertest.Fault{Path: "/userTrades", Body: `[]`, Times: 2})
}

func TestAFillOfFuturesIsHeldBackUntilItsSymbolIsKnown(t *testing.T) {
	t.Parallel()
	r := newContractRig(t)
	r.HoldsFillsBack(t)
}

// The ids that the list of trades does not have are those of the list of orders,
// or of the order itself where that leaves it out.
func TestFillsOfFuturesHaveTheirOrders(t *testing.T) {
	t.Parallel()
	for _, forgets := range []bool{false, true} {
		r := newContractRig(t)
		r.d.page, r.d.forgets = 3, forgets
		r.Market("99", "10", "101", "10")
		v := r.Venue()
		executiontest.Submit(t, v, order("many", domain.Buy, "20", "100"))
		for range 20 {
			r.Market("99", "10", "100", "1")
		}
		r.Market("99", "10", "101", "10")
		executiontest.Submit(t, v, order("one", domain.Buy, "1", ""))
		r.Inject(papertest.Fault{Path: "/userTrades", Status: 429, Body: `{"code":-1003,"msg":"Too many requests."}`}) // which it has enough of
		sink, _ := executiontest.Listen(t, v)
		executiontest.WantFills(t, sink, "many", "20")
		executiontest.WantFills(t, sink, "one", "1")
		if sink.Connects() != 1 {
			t.Fatalf("%d connects", sink.Connects())
		}
	}
}

// Without a time to begin at, all of the three months that the venue has, week by
// week; and where there was nothing it is not looked again.
func TestFillsOfThreeMonths(t *testing.T) {
	t.Parallel()
	r := newContractRig(t)
	r.Market("99", "10", "101", "10")
	always := func(c *private.Config) {
		c.Since, c.Watch, c.SweepEvery = time.Time{}, []string{"BTC/USDT"}, 5*time.Millisecond
	}
	const trades = "GET /fapi/v1/userTrades"
	sink, stop := executiontest.Listen(t, r.Venue(always))
	executiontest.Eventually(t, "the sweeps", func() bool { return r.d.times(trades) > 20 })
	var began int64
	r.d.with(func() { began = r.d.began })
	if ago := time.Since(time.UnixMilli(began)); ago > 2*time.Hour {
		t.Fatalf("trades of %s ago were asked for again", ago)
	}
	executiontest.Submit(t, r.Venue(), order("o", domain.Buy, "1", ""))
	executiontest.WantFills(t, sink, "o", "1")
	stop()
	before := r.d.times(trades)
	again, _ := executiontest.Listen(t, r.Venue(func(c *private.Config) { always(c); c.SweepEvery = time.Hour }))
	executiontest.WantFills(t, again, "o", "1")
	executiontest.Eventually(t, "the pages", func() bool { return r.d.times(trades)-before >= 14 })
	if n := r.d.times(trades) - before; n > 15 {
		t.Fatalf("asked %d times", n)
	}
	// From a time on, only those after it.
	after, _ := executiontest.Listen(t, r.Venue(func(c *private.Config) { always(c); c.Since = time.Now().Add(time.Hour) }))
	executiontest.Submit(t, r.Venue(), order("rests", domain.Buy, "1", "50"))
	executiontest.WantStatus(t, after, "rests", domain.OrderAccepted)
	if fills := after.Fills(""); len(fills) > 0 {
		t.Fatalf("%d fills of before came", len(fills))
	}
}

// A position says that there are fills in its symbol, which no order tells of.
func TestFillsOfWhatIsHeldAreAskedFor(t *testing.T) {
	t.Parallel()
	r := newContractRig(t)
	r.Market("99", "10", "101", "10")
	executiontest.Submit(t, r.Venue(), order("o", domain.Buy, "1", ""))
	sink, _ := executiontest.Listen(t, r.Venue())
	executiontest.WantFills(t, sink, "o", "1")
}

func TestFuturesAreKilledAndComeBack(t *testing.T) {
	t.Parallel()
	newContractRig(t).ComesBack(t)
}

// What cannot be understood ends the connection.
func TestNonsenseFromTheStreamOfFutures(t *testing.T) {
	t.Parallel()
	r := newContractRig(t)
	sink, _ := executiontest.Listen(t, r.Venue())
	trade := func(text string) string {
		return update(`"c":"x","x":"TRADE","X":"FILLED","z":"1","ap":"1",` + text)
	}
	position := func(text string) string {
		return `{"e":"ACCOUNT_UPDATE","T":1700000000001,"a":{"P":[{"s":"BTCUSDT",` + text + `}]}}`
	}
	r.EndsFor(t, sink, []string{
		`no JSON`, `[]`, `{"e":7}`, `{"e":"ORDER_TRADE_UPDATE"}`, `{"e":"ORDER_TRADE_UPDATE","o":[]}`, `{"e":"ORDER_TRADE_UPDATE","o":null}`, `{"e":"ACCOUNT_UPDATE"}`,
		`{"e":"ACCOUNT_UPDATE","a":[]}`, update(`"c":"x","X":"LOST","z":"0"`), update(`"c":"x","X":"NEW","z":""`), update(`"c":"x","X":"NEW","z":"-1"`),
		update(`"c":"x","X":"NEW","z":"0","ap":"x"`), update(`"c":"x","X":"NEW","z":"0","i":0`),
		trade(`"l":"0","L":"1","t":1`), trade(`"l":"1","L":"","t":1`), trade(`"l":"1","L":"-1","t":1`), trade(`"l":"1","L":"1","t":1,"n":"x"`), trade(`"l":"1","L":"1","t":"1"`),
		position(`"pa":"x","ep":"1","ps":"BOTH"`), position(`"pa":"1","ep":"","ps":"BOTH"`), position(`"pa":"1","ep":"-1","ps":"BOTH"`), position(`"pa":"1","ep":"1","cr":"x","ps":"BOTH"`),
		position(`"pa":"1","ep":"1","ps":"LONG"`), position(`"pa":"1","ep":"1"`),
		fmt.Sprintf(`{"e":"MARGIN_CALL","p":[%q]}`, strings.Repeat("x", 2<<20)),
	})
	if reports, p := sink.Reports("x"), sink.PositionOf("BTC/USDT"); len(reports) > 0 || !p.Flat() {
		t.Fatalf("%+v, %+v", reports, p)
	}
}

// Nonsense from REST does not deliver anything wrong, and is asked for again.
func TestNonsenseFromTheBooksOfFutures(t *testing.T) {
	t.Parallel()
	r := newContractRig(t)
	r.Market("99", "10", "101", "10")
	v := r.Venue(func(c *private.Config) { c.BooksEvery = time.Hour })
	executiontest.Submit(t, v, order("o", domain.Buy, "1", ""))
	faults := 0
	for path, bodies := range map[string][]string{
		"/dual":         {`{}`, `null`},
		"/listenKey":    {`{}`, `{"listenKey":"a/b"}`},
		"/account":      {`{}`, `[]`, `{"assets":[{"asset":"USDT","walletBalance":"x","initialMargin":"0"}]}`, `{"assets":[{"asset":"USDT","walletBalance":"1"}]}`},
		"/positionRisk": {`{}`, `[{"symbol":"BTCUSDT","positionSide":"BOTH","positionAmt":"x","entryPrice":"1"}]`, `[{"symbol":"BTCUSDT","positionSide":"BOTH","positionAmt":"1"}]`},
		"/userTrades": {`{}`, `[{"symbol":"ETHUSDT","id":1,"price":"1","qty":"1","commission":"0","time":1700000000000}]`,
			`[{"symbol":"BTCUSDT","id":1,"price":"x","qty":"1","commission":"0","time":1700000000000}]`},
	} {
		for _, body := range bodies {
			r.Inject(papertest.Fault{Path: path, Body: body})
			faults++
		}
	}
	sink, _ := executiontest.Listen(t, v)
	executiontest.WantFills(t, sink, "o", "1")
	executiontest.Eventually(t, "the position", func() bool { return sink.PositionOf("BTC/USDT").Volume.Equal(dec("1")) })
	if n := sink.Connects(); n != faults-4+1 { // four of them kept it from connecting
		t.Fatalf("%d connects", n)
	}
}

func TestRunEndsForAKeyOfFuturesThatNeverWorks(t *testing.T) {
	t.Parallel()
	r := newContractRig(t)
	r.RefusesKeys(t, map[string]func(*private.Config){
		"key":    func(c *private.Config) { c.Key = "anotherKeyAnotherKey" },
		"secret": func(c *private.Config) { c.Secret = "another" },
	}, func() { r.d.with(func() { r.d.denied = 3 }) })
}
