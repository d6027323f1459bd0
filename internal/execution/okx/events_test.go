package okx_test

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
	for name, symbols := range map[string]map[string]domain.Symbol{"spot": spot, "swaps": swaps} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, symbols)
			v, sink := r.FillsInParts(t)
			if name == "swaps" {
				executiontest.Eventually(t, "the position", func() bool {
					p := sink.PositionOf("BTC/USDT")
					return p.Volume.Equal(dec("10")) && p.Price.Equal(dec("100")) && p.Cost.Equal(dec("1000")) && p.Fee.Equal(dec("1")) && p.Exchange == "okx"
				})
			}
			r.EndsOrders(t, v, sink, "Order canceled by user")
		})
	}
}

// event is a frame about one order.
func event(r *rig, text string) string {
	return `{"arg":{"channel":"orders","instType":"` + r.d.kind() + `","uid":"1"},"data":[{"instId":"` + r.d.name() + `","side":"buy",` + text + `}]}`
}

// Frames that the paper venue has no occasion for.
func TestAnOrderIsAmendedAndEnds(t *testing.T) {
	t.Parallel()
	r := newRig(t, swaps)
	v := r.Venue()
	sink, _ := executiontest.Listen(t, v)
	tell := func(text string) {
		r.Broadcast(event(r, `"ordId":"77","clOrdId":"o","ordType":"limit",`+text))
	}
	count := 0
	want := func(status domain.OrderStatus, filled, reason string) {
		t.Helper()
		count++
		executiontest.Eventually(t, "the report", func() bool { return len(sink.Reports("o")) == count })
		if now := sink.Reports("o")[count-1]; now.Status != status || !now.Filled.Equal(dec(filled)) || now.Reason != reason || now.VenueOrderID != "77" {
			t.Fatalf("%+v", now)
		}
	}
	tell(`"state":"live","accFillSz":"0","avgPx":"","uTime":"1767225600000"`)
	want(domain.OrderAccepted, "0", "")
	trade := `"tradeId":"5","fillPx":"50.5","fillSz":"2.5","fillTime":"` + ms(time.Now()) + `","fillFee":"0.0125","fillFeeCcy":"USDT","execType":"M",`
	tell(`"state":"partially_filled","accFillSz":"2.5","avgPx":"50.5",` + trade + `"uTime":"1767225601002"`)
	want(domain.OrderPartial, "0.025", "")
	tell(`"state":"partially_filled","accFillSz":"2.5","avgPx":"50.5","sz":"5","px":"51","amendResult":"0","reqId":"1",` + trade + `"uTime":"1767225602000"`)
	want(domain.OrderPartial, "0.025", "")
	tell(`"state":"canceled","accFillSz":"2.5","avgPx":"50.5","cancelSource":"4","cancelSourceReason":"Risk",` + trade + `"uTime":"1767225603000"`)
	want(domain.OrderCanceled, "0.025", "Risk")
	fills := sink.Fills("o") // the trade was told three times
	if len(fills) != 1 || !fills[0].Fee.Equal(dec("-0.0125")) || !fills[0].Volume.Equal(dec("0.025")) || !fills[0].Maker || fills[0].ID != "BTC-USDT-SWAP-5" {
		t.Fatalf("%+v", fills)
	}
	for id, c := range map[string]struct {
		text string
		want domain.OrderStatus
	}{
		"ioc":  {`"ordType":"ioc","cancelSource":"14"`, domain.OrderExpired},
		"fok":  {`"ordType":"fok","cancelSource":"13"`, domain.OrderExpired},
		"mine": {`"ordType":"ioc","cancelSource":"1"`, domain.OrderCanceled},
		"post": {`"ordType":"post_only","cancelSource":"31"`, domain.OrderRejected},
		"mmp":  {`"ordType":"mmp"`, domain.OrderCanceled},
	} {
		state := "canceled"
		if id == "mmp" {
			state = "mmp_canceled"
		}
		r.Broadcast(event(r, `"ordId":"78","clOrdId":"`+id+`","state":"`+state+`","accFillSz":"0","avgPx":"","uTime":"1767225600000",`+c.text))
		executiontest.WantStatus(t, sink, id, c.want)
	}
	if sink.Connects() != 1 {
		t.Fatal("the stream was interrupted")
	}
}

// Contracts of an inverse swap are dollars.
func TestAFillOfAnInverseSwap(t *testing.T) {
	t.Parallel()
	r := newRig(t, swaps)
	sink, _ := executiontest.Listen(t, r.Venue())
	r.Broadcast(`{"arg":{"channel":"orders","instType":"SWAP"},"data":[{"instId":"BTC-USD-SWAP","side":"sell","ordId":"9","clOrdId":"","ordType":"market","state":"filled",` +
		`"accFillSz":"3","avgPx":"50","uTime":"1767225600000","tradeId":"1","fillPx":"50","fillSz":"3","fillTime":"` + ms(time.Now()) + `","fillFee":"-0.01","fillFeeCcy":"BTC","execType":"T"}]}`)
	executiontest.Eventually(t, "the fill", func() bool { return len(sink.Fills("")) == 1 })
	if f := sink.Fills("")[0]; !f.Volume.Equal(dec("6")) || f.Symbol != "BTC/USD:BTC" || f.Side != domain.Sell || !f.Fee.Equal(dec("0.01")) || f.ClientOrderID != "" {
		t.Fatalf("%+v", f)
	}
}

func TestBalancesAndPositionsChange(t *testing.T) {
	t.Parallel()
	r := newRig(t, swaps)
	v := r.Venue()
	sink, _ := executiontest.Listen(t, v)
	soon := ms(time.Now().Add(time.Minute))
	r.Broadcast(`{"arg":{"channel":"account","uid":"1"},"data":[{"uTime":"1","details":[{"ccy":"ETH","cashBal":"2.5","availBal":"2","frozenBal":"0.5","uTime":"` + soon + `"}]}]}`)
	executiontest.Eventually(t, "the deposit", func() bool {
		b := sink.BalanceOf("ETH")
		return b.Total.Equal(dec("2.5")) && b.Used.Equal(dec("0.5")) && b.Free.Equal(dec("2"))
	})
	r.Broadcast(`{"arg":{"channel":"positions","instType":"SWAP"},"data":[` +
		`{"instId":"BTC-USD-SWAP","posSide":"net","mgnMode":"cross","pos":"-2","avgPx":"50","pnl":"-0.5","fee":"-0.25","uTime":"` + soon + `"},` +
		`{"instId":"BTC-USDT-SWAP","posSide":"long","mgnMode":"isolated","pos":"0","avgPx":"","uTime":"` + soon + `"}]}`)
	executiontest.Eventually(t, "the position", func() bool {
		p := sink.PositionOf("BTC/USD:BTC")
		return p.Volume.Equal(dec("-4")) && p.Price.Equal(dec("50")) && p.Cost.Equal(dec("200")) && p.Realised.Equal(dec("-0.5")) && p.Fee.Equal(dec("0.25"))
	})
	// What the venue does not list after a reconnect is gone.
	r.Disconnect()
	executiontest.Eventually(t, "nothing", func() bool {
		return sink.PositionOf("BTC/USD:BTC").Flat() && sink.BalanceOf("ETH").Total.IsZero()
	})
	if p := sink.PositionOf("BTC/USDT"); !p.Flat() {
		t.Fatalf("%+v", p)
	}
}

func TestTheLoginIsMadeAnew(t *testing.T) {
	t.Parallel()
	r := newRig(t, spot)
	v := r.Venue()
	sink, _ := executiontest.Listen(t, v)
	for n, text := range []string{
		`{"event":"notice","code":"64008","msg":"The connection will soon be closed for a service upgrade. Please reconnect.","connId":"a4d3ae55"}`,
		`{"event":"channel-conn-count-error","channel":"orders","connCount":"20","connId":"a4d3ae55"}`,
		`{"event":"error","code":"60009","msg":"Login failed.","connId":"a4d3ae55"}`,
		`{"event":"error","code":"60014","msg":"Requests too frequent","connId":"a4d3ae55"}`,
		`{"event":"login","code":"60007","msg":"Invalid sign"}`,
	} {
		executiontest.Eventually(t, "the stream", func() bool { return r.Listeners() == 1 })
		before := sink.Connects()
		r.Broadcast(text)
		executiontest.Eventually(t, fmt.Sprintf("the reconnect after frame %d", n), func() bool { return sink.Connects() > before })
	}
	executiontest.Submit(t, v, order("o", domain.Buy, "1", "50"))
	executiontest.WantStatus(t, sink, "o", domain.OrderAccepted)
}

func TestTheStreamIsPinged(t *testing.T) {
	t.Parallel()
	r := newRig(t, spot)
	v := r.Venue(func(c *private.Config) { c.PingEvery = 100 * time.Millisecond })
	executiontest.Listen(t, v)
	executiontest.Eventually(t, "the pings", func() bool { return r.d.pings.Load() > 3 })
	if strings.Contains(r.Logs.String(), "makes no sense") {
		t.Fatal("the answer to a ping is not understood")
	}
}

func TestAFillThatTheStreamDidNotBringIsMadeUpFor(t *testing.T) {
	t.Parallel()
	for name, symbols := range map[string]map[string]domain.Symbol{"spot": spot, "swaps": swaps} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			newRig(t, symbols).MakesUpForFills(t, "/ws/v5/private")
		})
	}
}

// The venue's lists of fills may be behind when they are asked.
func TestAFillThatTheVenueListsLate(t *testing.T) {
	t.Parallel()
	const empty = `{"code":"0","msg":"","data":[]}`
	newRig(t, spot).ListsLate(t, papertest.Fault{Path: "/fills-history", Body: empty, Times: 2}, papertest.Fault{Path: "/fills", Body: empty, Times: 2})
}

func TestFillsBeyondAPage(t *testing.T) {
	t.Parallel()
	r := newRig(t, spot)
	r.Market("99", "10", "101", "10")
	v := r.Venue()
	executiontest.Submit(t, v, order("many", domain.Buy, "210", "100"))
	for range 210 {
		r.Market("99", "10", "100", "1")
	}
	// The venue has enough of being asked, in the middle of a list too.
	limited := papertest.Fault{Path: "/fills-history", Status: 429, Body: `{"code":"50011","msg":"Requests too frequent"}`}
	r.Inject(limited)
	r.Inject(papertest.Fault{Path: "/fills-history", Delay: 1}) // lets one through
	r.Inject(limited)
	sink, _ := executiontest.Listen(t, v)
	executiontest.WantFills(t, sink, "many", "210")
	if sink.Connects() != 1 {
		t.Fatal("the stream was interrupted")
	}
	// From a time on, only those after it, and of the list of recent ones.
	asked := r.times("GET /api/v5/trade/fills-history")
	after, _ := executiontest.Listen(t, r.Venue(func(c *private.Config) { c.Since = time.Now().Add(time.Hour) }))
	executiontest.Eventually(t, "the balances", func() bool { return after.BalanceOf("USDT").Total.IsPos() })
	executiontest.Submit(t, v, order("rests", domain.Buy, "1", "50"))
	executiontest.WantStatus(t, after, "rests", domain.OrderAccepted)
	if fills := after.Fills(""); len(fills) > 0 || r.times("GET /api/v5/trade/fills-history") != asked {
		t.Fatalf("%d fills of before came", len(fills))
	}
}

// A fill of a swap that the venue has no more holds up nothing.
func TestAFillOfASwapThatIsGone(t *testing.T) {
	t.Parallel()
	r := newRig(t, swaps)
	r.Market("99", "10", "101", "10")
	v := r.Venue()
	executiontest.Submit(t, v, order("o", domain.Buy, "1", ""))
	r.Inject(papertest.Fault{Path: "/fills-history", Body: `{"code":"0","msg":"","data":[{"instId":"OLD-USDT-SWAP","tradeId":"1","billId":"1","ordId":"1","side":"buy",` +
		`"fillPx":"1","fillSz":"1","fee":"0","feeCcy":"USDT","execType":"T","fillTime":"1767225600000","ts":"1767225600000"}]}`})
	sink, _ := executiontest.Listen(t, v)
	executiontest.WantFills(t, sink, "o", "1")
	if !strings.Contains(r.Logs.String(), "fills left out") || len(sink.Fills("")) != 1 || sink.Connects() != 1 {
		t.Fatalf("%d connects, %+v", sink.Connects(), sink.Fills(""))
	}
}

// A fill in a symbol that is listed anew waits for the catalogue.
func TestAFillIsHeldBackUntilItsSymbolIsKnown(t *testing.T) {
	t.Parallel()
	newRig(t, spot).HoldsFillsBack(t)
}

// What cannot be understood ends the connection; what is none of ours does not.
func TestNonsenseFromTheStream(t *testing.T) {
	t.Parallel()
	r := newRig(t, swaps)
	v := r.Venue()
	sink, _ := executiontest.Listen(t, v)
	for _, frame := range []string{
		`pong`, `{"event":"channel-conn-count","channel":"orders","connCount":"2"}`, `{"arg":{"channel":"orders","instType":"SWAP"},"data":[]}`,
		`{"arg":{"channel":"future"},"data":7}`, `{"event":"unsubscribe","arg":{"channel":"future"}}`, `{"arg":{"channel":"account"},"data":[{"details":[]}]}`,
	} {
		r.Broadcast(frame)
	}
	executiontest.Submit(t, v, order("p", domain.Buy, "10", "50"))
	executiontest.WantStatus(t, sink, "p", domain.OrderAccepted)
	if sink.Connects() != 1 {
		t.Fatal("a message that has no events ended the connection")
	}
	const live = `"ordId":"1","clOrdId":"o","ordType":"limit","state":"live",`
	position := func(text string) string {
		return `{"arg":{"channel":"positions","instType":"SWAP"},"data":[{"instId":"BTC-USDT-SWAP",` + text + `}]}`
	}
	r.EndsFor(t, sink, []string{
		`no JSON`, `[]`, `{"arg":{"channel":"orders"}}`, `{"arg":{"channel":"orders"},"data":7}`, `{"arg":{"channel":"orders"},"data":[7]}`, `{"arg":{"channel":"orders"},"data":[{}]}`,
		event(r, `"ordId":"1","clOrdId":"o","state":"lost","accFillSz":"0","avgPx":"","uTime":"1767225600000"`),
		event(r, live+`"accFillSz":"0","avgPx":""`), event(r, live+`"accFillSz":"-1","avgPx":"1","uTime":"1767225600000"`),
		event(r, live+`"accFillSz":"1e3","avgPx":"1","uTime":"1767225600000"`), event(r, live+`"accFillSz":"1","avgPx":"x","uTime":"1767225600000"`),
		event(r, live+`"accFillSz":"1","avgPx":"1","uTime":"1767225600000","tradeId":"1","fillSz":"1","fillPx":"1","fillTime":"`+ms(time.Now())+`","fillFee":"much"`),
		event(r, live+`"accFillSz":"1","avgPx":"1","uTime":"1767225600000","tradeId":"1","fillSz":"1","fillPx":"1"`),
		event(r, live+`"accFillSz":"1","avgPx":"1","uTime":"1767225600000","tradeId":"1","fillSz":"-1","fillPx":"1","fillTime":"`+ms(time.Now())+`","fillFee":"0"`),
		`{"arg":{"channel":"account"},"data":[{"details":[{"ccy":"BTC","availBal":"x","frozenBal":"0","uTime":"1"}]}]}`,
		`{"arg":{"channel":"account"},"data":[{"details":[{"ccy":"BTC","availBal":"1","frozenBal":"0"}]}]}`,
		position(`"posSide":"long","mgnMode":"cross","pos":"1","avgPx":"1","uTime":"1767225600000"`),
		position(`"posSide":"net","mgnMode":"isolated","pos":"1","avgPx":"1","uTime":"1767225600000"`),
		position(`"posSide":"net","mgnMode":"cross","pos":"much","avgPx":"1","uTime":"1767225600000"`),
		position(`"posSide":"net","mgnMode":"cross","pos":"1","avgPx":"1"`),
		`{"event":"error","code":"60018","msg":"Wrong URL or channel"}`,
		fmt.Sprintf(`{"event":"future","msg":%q}`, strings.Repeat("x", 2<<20)),
	})
	if fills, p := sink.Fills(""), sink.PositionOf("BTC/USDT"); len(fills) > 0 || !p.Flat() {
		t.Fatalf("%+v, %+v", fills, p)
	}
}

func TestRunEndsForAKeyThatNeverWorks(t *testing.T) {
	t.Parallel()
	r := newRig(t, spot)
	r.RefusesKeys(t, map[string]func(*private.Config){
		"key":        func(c *private.Config) { c.Key = "anotherKeyAnotherKey" },
		"secret":     func(c *private.Config) { c.Secret = "another" },
		"passphrase": func(c *private.Config) { c.Passphrase = "another" },
	}, func() { r.d.refuse.Store(3) })
}
