package binance_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/execution/executiontest"
	"github.com/fullon/fullon/internal/execution/papertest"
	"github.com/fullon/fullon/internal/execution/private"
	"github.com/fullon/fullon/internal/venue/venuetest"
)

// recorded is an update of an order, read in the plainest way: field by field, by
// names that count in upper and lower case.
type recorded map[string]any

func (f recorded) text(name string) string {
	if f[name] == nil {
		return "0"
	}
	return fmt.Sprint(f[name])
}

// expected are the events of an update. seen are the trades of those before.
func (f recorded) expected(names map[string]string, seen map[string]bool) (events []string) {
	symbol := f.text("s")
	trade := symbol + "-" + f.text("t")
	if f.text("t") != "0" && dec(f.text("l")).IsPos() && !seen[trade] && names[symbol] != "" {
		seen[trade] = true
		events = append(events, fmt.Sprintf("fill %s of %s: %s %s %s at %s, fee %s, maker %s", trade, f.text("i"), strings.ToLower(f.text("S")), dec(f.text("l")),
			names[symbol], dec(f.text("L")), dec(f.text("n")), f.text("m")))
	}
	status := map[string]string{"NEW": "accepted", "NEW_ADL": "accepted", "NEW_INSURANCE": "accepted", "PARTIALLY_FILLED": "partial", "FILLED": "filled"}[f.text("X")]
	if status == "accepted" && dec(f.text("z")).IsPos() {
		status = "partial"
	}
	if names[symbol] != "" {
		symbol = names[symbol]
	}
	return append(events, fmt.Sprintf("order %s %q %s: %s, %s at %s @%s", f.text("i"), f.text("c"), symbol, status, dec(f.text("z")), dec(f.text("ap")), f.text("T")))
}

// scribe writes down what a sink is told of orders.
type scribe struct {
	*executiontest.Sink
	events chan string
}

func (s scribe) Fill(f domain.Fill) {
	s.events <- fmt.Sprintf("fill %s of %s: %s %s %s at %s, fee %s, maker %v", f.ID, f.OrderID, f.Side, f.Volume, f.Symbol, f.Price, f.Fee, f.Maker)
}

func (s scribe) Order(r execution.Report) {
	s.events <- fmt.Sprintf("order %s %q %s: %s, %s at %s @%d", r.VenueOrderID, r.ID, r.Symbol, r.Status, r.Filled, r.AveragePrice, r.Time.UnixMilli())
}

// Frames that Binance sent, over a real socket, one by one.
func TestRecordedFramesOfFutures(t *testing.T) {
	t.Parallel()
	r := newContractRig(t)
	known := map[string]domain.Symbol{"BTC/USDT": market, "BTC/USDT:USDT": contract}
	ether := contract
	ether.Name, ether.VenueSymbol, ether.Base = "ETH/USDT:USDT", "ETHUSDT", "ETH"
	known[ether.Name] = ether
	names, seen := map[string]string{"BTCUSDT": "BTC/USDT:USDT", "ETHUSDT": "ETH/USDT:USDT"}, make(map[string]bool)
	sink := scribe{executiontest.NewSink(), make(chan string, 64)}
	executiontest.Deliver(t, r.Venue(func(c *private.Config) { c.Symbols = func() map[string]domain.Symbol { return known } }), sink)
	frames, events, hedged := 0, 0, 0
	venuetest.Each(t, venuetest.Recording(t, "binance/nautilus/ws.ndjson"), func(line struct{ File, Raw string }) {
		if !strings.HasPrefix(line.File, "futures/user_data_json/") && !strings.HasPrefix(line.File, "ws_messages/ws_futures_order_update") {
			return
		}
		frames++
		var wrapped struct{ Data json.RawMessage }
		if json.Unmarshal([]byte(line.Raw), &wrapped) == nil && wrapped.Data != nil { // as at another path
			line.Raw = string(wrapped.Data)
		}
		executiontest.Eventually(t, "the stream", func() bool { return r.Listeners() == 1 && sink.Connects() > hedged })
		before := sink.Connects()
		r.Broadcast(line.Raw)
		var event map[string]any
		decoder := json.NewDecoder(strings.NewReader(line.Raw))
		decoder.UseNumber()
		if err := decoder.Decode(&event); err != nil {
			t.Fatal(err)
		}
		if event["e"] == "ACCOUNT_UPDATE" && strings.Contains(line.Raw, `"LONG"`) { // of an account in hedge mode
			hedged++
			executiontest.Eventually(t, "the reconnect", func() bool { return sink.Connects() > before })
			return
		}
		if event["e"] != "ORDER_TRADE_UPDATE" {
			return
		}
		for _, want := range recorded(event["o"].(map[string]any)).expected(names, seen) {
			events++
			select {
			case got := <-sink.events:
				if got != want {
					t.Errorf("%s: got\n%s, want\n%s", line.File, got, want)
				}
			case <-time.After(30 * time.Second):
				t.Fatalf("%s: %s did not come", line.File, want)
			}
		}
	})
	if sink.Connects() != 1+hedged || len(sink.events) != 0 {
		t.Fatalf("%d connects, %d more events", sink.Connects(), len(sink.events))
	}
	if frames != 24 || events != 28 || hedged != 1 {
		t.Fatalf("%d frames with %d events, %d in hedge mode", frames, events, hedged)
	}
}

// Answers of REST that Binance sent, through real requests.
func TestRecordedAnswersOfFutures(t *testing.T) {
	t.Parallel()
	r := newContractRig(t)
	answers := make(map[string]string)
	venuetest.Each(t, venuetest.Recording(t, "binance/nautilus/http.ndjson"), func(line struct{ File, Raw string }) { answers[line.File] = line.Raw })
	answer := func(path, file string) {
		body := answers["futures/http_json/"+file]
		if body == "" {
			t.Fatalf("%s is not in the recording", file)
		}
		r.Inject(papertest.Fault{Path: path, Body: body})
	}
	v := r.Venue(func(c *private.Config) { c.BooksEvery = time.Hour })
	answer(contractOrders, "order_response.json")
	report, err := v.Submit(t.Context(), order("testOrder123", domain.Buy, "0.001", "50000"))
	if err != nil || report.VenueOrderID != "12345678" || report.Status != domain.OrderAccepted || !report.Filled.IsZero() || report.Time.UnixMilli() != 1625474304765 {
		t.Fatalf("%+v, %v", report, err)
	}
	answer("/account", "account_info_v2.json")
	answer("/positionRisk", "position_risk.json")
	sink, _ := executiontest.Listen(t, v)
	executiontest.Eventually(t, "the position", func() bool { return sink.PositionOf("BTC/USDT").Volume.Equal(dec("0.001")) })
	p, b := sink.PositionOf("BTC/USDT"), sink.BalanceOf("USDT")
	if !p.Price.Equal(dec("50000")) || !p.Cost.Equal(dec("50")) || p.Time.UnixMilli() != 1625474304765 {
		t.Errorf("%+v", p)
	}
	if !b.Total.Equal(dec("23.72469206")) || !b.Free.Equal(b.Total) || !b.Used.IsZero() {
		t.Errorf("%+v", b)
	}
}
