package coinbase_test

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
	r.EndsOrders(t, v, sink, "User requested cancel")
}

// fake makes a fill one that REST lists.
func (d *dialect) fake(number, entry string, changes object) {
	f := object{
		"entry_id": entry, "trade_id": "t-" + entry, "order_id": number, "trade_time": time.Now().UTC().Format(time.RFC3339Nano), "trade_type": "FILL",
		"price": "50", "size": "2.5", "commission": "-0.0125", "product_id": "BTC-USDT", "liquidity_indicator": "MAKER", "size_in_quote": false, "side": "BUY",
	}
	for name, value := range changes {
		f[name] = value
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.others = append(d.others, f)
}

// States that the paper venue has no occasion for.
func TestAnOrderIsAmendedExpiresAndFails(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.Venue()
	sink, _ := executiontest.Listen(t, v)
	state := func(id, number, status, filled, price string, more object) {
		o := object{
			"order_id": number, "client_order_id": id, "product_id": "BTC-USDT", "status": status, "cumulative_quantity": filled, "leaves_quantity": "1",
			"avg_price": price, "order_side": "BUY", "time_in_force": "GOOD_UNTIL_DATE_TIME", "cancel_reason": "", "reject_reason": "",
		}
		for name, value := range more {
			o[name] = value
		}
		r.d.tell(o)
	}
	number := executiontest.Submit(t, v, order("o", domain.Buy, "10", "50")).VenueOrderID
	executiontest.WantStatus(t, sink, "o", domain.OrderAccepted)
	r.d.fake(number, "e1", nil)
	r.d.fake(number, "e2", object{"trade_type": "REVERSAL"})
	state("o", number, "OPEN", "2.5", "50", nil)
	executiontest.WantStatus(t, sink, "o", domain.OrderPartial)
	fills := sink.Fills("o")
	if len(fills) != 1 || !fills[0].Fee.Equal(dec("-0.0125")) || fills[0].FeeCurrency != "USDT" || fills[0].Side != domain.Buy || !fills[0].Maker || fills[0].ID != "e1" {
		t.Fatalf("%+v", fills)
	}
	// Amended: smaller, at another price. That it is about to be is not told.
	reports := len(sink.Reports("o"))
	state("o", number, "EDIT_QUEUED", "2.5", "50", nil)
	state("o", number, "OPEN", "2.5", "50", object{"leaves_quantity": "2.5", "limit_price": "51"})
	executiontest.Eventually(t, "the report", func() bool { return len(sink.Reports("o")) > reports })
	if now := sink.Reports("o")[reports]; now.Status != domain.OrderPartial || !now.Filled.Equal(dec("2.5")) || !now.AveragePrice.Equal(dec("50")) {
		t.Fatalf("%+v", now)
	}
	state("o", number, "EXPIRED", "2.5", "50", object{"cancel_reason": "Order expired"})
	executiontest.WantStatus(t, sink, "o", domain.OrderExpired)
	if all := sink.Reports("o"); len(all) != reports+2 || !all[reports+1].Filled.Equal(dec("2.5")) || all[reports+1].Reason != "Order expired" {
		t.Fatalf("%+v", all)
	}
	// Rejected after it was taken; and with a part of it filled, of a size that is
	// in quote currency.
	state("f", "another-1", "FAILED", "0", "0", object{"reject_reason": "REJECT_REASON_INSUFFICIENT_FUNDS"})
	executiontest.WantStatus(t, sink, "f", domain.OrderRejected)
	if reason := sink.Reports("f")[0].Reason; reason != "REJECT_REASON_INSUFFICIENT_FUNDS" {
		t.Fatal(reason)
	}
	r.d.fake("another-2", "e3", object{"size": "125", "size_in_quote": true})
	state("p", "another-2", "FAILED", "2.5", "50", nil)
	executiontest.WantStatus(t, sink, "p", domain.OrderCanceled)
	executiontest.WantFills(t, sink, "p", "2.5")
	// Other markets are none of ours.
	state("q", "another-3", "OPEN", "0", "0", object{"product_type": "FUTURE"})
	state("r", "another-4", "OPEN", "0", "0", nil)
	executiontest.WantStatus(t, sink, "r", domain.OrderAccepted)
	if sink.Connects() != 1 || len(sink.Reports("q")) > 0 {
		t.Fatalf("%d connects, %+v", sink.Connects(), sink.Reports("q"))
	}
}

func TestABalanceChanges(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.Venue()
	sink, _ := executiontest.Listen(t, v)
	executiontest.Submit(t, v, order("o", domain.Sell, "3", "150"))
	executiontest.Eventually(t, "what is held back", func() bool {
		b := sink.BalanceOf("BTC")
		return b.Used.Equal(dec("3")) && b.Free.Equal(dec("97")) && b.Total.Equal(dec("100")) // none of the vault's
	})
	// A currency may be in more than one account.
	r.Inject(papertest.Fault{Path: "accounts", Times: 1 << 30, Body: `{"accounts":[` +
		`{"type":"FIAT","available_balance":{"value":"1.5","currency":"EUR"},"hold":{"value":"0.25","currency":"EUR"}},` +
		`{"type":"FIAT","available_balance":{"value":"2","currency":"EUR"},"hold":{"value":"0","currency":"EUR"}}],"has_next":false,"cursor":"","size":2}`})
	executiontest.Submit(t, v, order("p", domain.Sell, "1", "150"))
	executiontest.Eventually(t, "the sum", func() bool {
		b := sink.BalanceOf("EUR")
		return b.Total.Equal(dec("3.75")) && b.Used.Equal(dec("0.25")) && b.Free.Equal(dec("3.5"))
	})
}

// Each request, and each connection, has tokens of its own; one that the venue
// does not take is made anew, by its clock.
func TestTokensAreRenewed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.Venue()
	sink, stop := executiontest.Listen(t, v)
	for n := 1; n <= 4; n++ {
		r.d.mu.Lock()
		r.d.ahead += 10 * time.Minute // so that all tokens by the old clock have expired
		r.d.mu.Unlock()
		if n%2 == 0 {
			if _, err := v.Open(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		r.Disconnect()
		executiontest.Eventually(t, "the reconnect", func() bool { return sink.Connects() > n })
	}
	executiontest.Submit(t, v, order("o", domain.Buy, "1", "50"))
	executiontest.WantStatus(t, sink, "o", domain.OrderAccepted)
	stop()
	// The gateway refuses good tokens now and then.
	v = r.Venue() // which asks for nothing else meanwhile
	if _, err := v.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.d.gate.refuse(2)
	executiontest.Submit(t, v, order("p", domain.Buy, "1", "50"))
	r.d.gate.refuse(3)
	if _, err := v.Submit(t.Context(), order("q", domain.Buy, "1", "50")); executiontest.Outcome(err) != "rejected" {
		t.Fatal(err)
	}
	if open, err := v.Open(t.Context()); err != nil || len(open) != 2 {
		t.Fatalf("%+v, %v", open, err)
	}
}

// A number that did not come is a message that did not: a fill, perhaps.
func TestALostMessageIsNoticed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Market("99", "10", "101", "10")
	v := r.Venue()
	sink, _ := executiontest.Listen(t, v)
	executiontest.Submit(t, v, order("o", domain.Buy, "1", ""))
	executiontest.WantStatus(t, sink, "o", domain.OrderFilled)
	for _, c := range r.d.listening() {
		c.lose()
		c.send("heartbeats", object{"heartbeat_counter": "2"})
	}
	executiontest.Eventually(t, "the reconnect", func() bool { return sink.Connects() > 1 })
	if !strings.Contains(r.Logs.String(), "a message of the stream was lost") {
		t.Fatal(r.Logs.String())
	}
	executiontest.Submit(t, v, order("p", domain.Buy, "1", ""))
	executiontest.WantStatus(t, sink, "p", domain.OrderFilled)
	executiontest.WantFills(t, sink, "p", "1")
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
	tell := func(text string) {
		for _, c := range r.d.listening() {
			c.sends(text)
		}
	}
	for _, frame := range []string{
		`{"channel":"status","sequence_num":NEXT,"events":7}`, `{"channel":"future"}`, `{"type":"news"}`, `{}`,
		`{"channel":"user","sequence_num":NEXT,"timestamp":"2026-01-01T00:00:00Z","events":[]}`,
		`{"channel":"user","sequence_num":NEXT,"timestamp":"2026-01-01T00:00:00Z","events":[{"type":"update","positions":{}}]}`,
		`{"channel":"user","sequence_num":NEXT,"timestamp":"2026-01-01T00:00:00Z","events":[{"type":"update","orders":[]}]}`,
	} {
		tell(frame)
	}
	executiontest.Submit(t, v, order("p", domain.Buy, "10", "50"))
	executiontest.WantStatus(t, sink, "p", domain.OrderAccepted)
	if sink.Connects() != 1 {
		t.Fatal("a message that has no events ended the connection")
	}
	update := func(text string) string {
		return `{"channel":"user","sequence_num":NEXT,"timestamp":"2026-01-01T00:00:00Z","events":[{"type":"update","orders":[{"order_id":"` + number +
			`","client_order_id":"o","product_id":"BTC-USDT",` + text + `}]}]}`
	}
	for n, frame := range []string{
		`no JSON`, `[]`, `{"channel":"user","events":[]}`, `{"channel":"user","sequence_num":"7","events":[]}`, `{"channel":"user","sequence_num":-1,"events":[]}`,
		`{"channel":"user","sequence_num":NEXT,"events":[]}`, `{"channel":"user","sequence_num":NEXT,"timestamp":"2999-01-01T00:00:00Z","events":[]}`,
		`{"channel":"user","sequence_num":NEXT,"timestamp":"2026-01-01T00:00:00Z"}`,
		`{"channel":"user","sequence_num":NEXT,"timestamp":"2026-01-01T00:00:00Z","events":[7]}`,
		`{"channel":"user","sequence_num":NEXT,"timestamp":"2026-01-01T00:00:00Z","events":[{"type":"update","orders":[7]}]}`,
		`{"channel":"user","sequence_num":NEXT,"timestamp":"2026-01-01T00:00:00Z","events":[{"type":"update","orders":[{}]}]}`,
		`{"channel":"subscriptions","sequence_num":NEXT,"events":[{}]}`,
		update(`"status":"LOST","cumulative_quantity":"0","avg_price":"0"`), update(`"status":"OPEN","avg_price":"0"`),
		update(`"status":"OPEN","cumulative_quantity":0,"avg_price":"0"`), update(`"status":"OPEN","cumulative_quantity":"-1","avg_price":"0"`),
		update(`"status":"OPEN","cumulative_quantity":"1","avg_price":"x"`),
		strings.Replace(update(`"status":"OPEN","cumulative_quantity":"0","avg_price":"0"`), number, "", 1),
		`{"type":"error","message":"authentication failure"}`, `{"type":"error","message":"internal error"}`, `{"type":"error"}`,
		fmt.Sprintf(`{"channel":"status","events":[%q]}`, strings.Repeat("x", 2<<20)),
	} {
		executiontest.Eventually(t, "the stream", func() bool { return r.Listeners() == 1 })
		before := sink.Connects()
		tell(frame)
		executiontest.Eventually(t, fmt.Sprintf("the reconnect after frame %d", n), func() bool { return sink.Connects() > before })
	}
	if fills := sink.Fills(""); len(fills) > 0 {
		t.Fatalf("%+v", fills)
	}
}

func TestRunEndsForAKeyThatNeverWorks(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, another := newSecret()
	r.RefusesKeys(t, map[string]func(*private.Config){
		"key":    func(c *private.Config) { c.Key = "organizations/o/apiKeys/another" },
		"secret": func(c *private.Config) { c.Secret = another },
	}, func() { r.d.gate.refuse(6) })
}
