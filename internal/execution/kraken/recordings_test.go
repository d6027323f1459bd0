package kraken_test

import (
	"encoding/json"
	"fmt"
	"slices"
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

// recorded is what a frame of the private stream holds, read in the plainest way.
type recorded struct {
	Channel, Type string
	Data          []struct {
		Order     string      `json:"order_id"`
		Kind      string      `json:"exec_type"`
		Status    string      `json:"order_status"`
		Exec      string      `json:"exec_id"`
		Symbol    string      `json:"symbol"`
		Side      string      `json:"side"`
		Volume    json.Number `json:"last_qty"`
		Price     json.Number `json:"last_price"`
		Liquidity string      `json:"liquidity_ind"`
		Filled    json.Number `json:"cum_qty"`
		Reason    string      `json:"reason"`
		Timestamp time.Time   `json:"timestamp"`
		Fees      []struct {
			Asset string
			Qty   json.Number
		}
		Asset   string
		Balance json.Number
	}
}

// joined is the symbol and side of an order that recorded updates leave out.
const joined = "ADX/USD"

func plain(n json.Number) string {
	if n == "" {
		return "0"
	}
	return domain.MustDecimal(n.String()).String()
}

// expected are the events of a frame.
func (f recorded) expected() (events []string) {
	for _, e := range f.Data {
		if e.Symbol == "" {
			e.Symbol = joined
		}
		switch {
		case f.Channel == "balances" && f.Type == "update":
			events = append(events, fmt.Sprintf("balance %s %s @%d", e.Asset, plain(e.Balance), e.Timestamp.UnixMicro()))
		case f.Channel == "executions" && e.Kind == "trade":
			events = append(events, fmt.Sprintf("fill %s of %s: %s %s %s at %s, %s %s, maker %v @%d", e.Exec, e.Order, e.Side, plain(e.Volume), e.Symbol,
				plain(e.Price), plain(e.Fees[0].Qty), e.Fees[0].Asset, e.Liquidity == "m", e.Timestamp.UnixMicro()))
		}
		if f.Channel == "executions" && f.Type == "update" && e.Kind != "pending_new" {
			status := map[string]string{"new": "accepted", "canceled": "canceled"}[e.Status]
			events = append(events, fmt.Sprintf("order %s %s: %s, %s filled, %q @%d", e.Order, e.Symbol, status, plain(e.Filled), e.Reason, e.Timestamp.UnixMicro()))
		}
	}
	return events
}

// scribe writes down what a sink is told, but for the balances of REST, which
// have no time.
type scribe struct {
	*executiontest.Sink
	events chan string
}

func (s scribe) Fill(f domain.Fill) {
	s.events <- fmt.Sprintf("fill %s of %s: %s %s %s at %s, %s %s, maker %v @%d", f.ID, f.OrderID, f.Side, f.Volume, f.Symbol, f.Price, f.Fee, f.FeeCurrency, f.Maker, f.Time.UnixMicro())
}

func (s scribe) Order(r execution.Report) {
	s.events <- fmt.Sprintf("order %s %s: %s, %s filled, %q @%d", r.VenueOrderID, r.Symbol, r.Status, r.Filled, r.Reason, r.Time.UnixMicro())
}

func (s scribe) Balance(b domain.Balance) {
	if !b.Time.IsZero() && b.Currency != "BTC" && b.Currency != "USDT" { // those are the paper venue's
		s.events <- fmt.Sprintf("balance %s %s @%d", b.Currency, b.Total, b.Time.UnixMicro())
	}
	s.Sink.Balance(b)
}

// Frames that Kraken sent, over a real socket, one by one.
func TestRecordedFrames(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	known := make(map[string]domain.Symbol)
	for _, name := range []string{"BTC/USD", "FET/USD", "ETH/USD", "BRICK/USD", joined} {
		known[name] = domain.Symbol{Exchange: "kraken", Name: name, VenueSymbol: name}
	}
	v := r.Venue(func(c *private.Config) {
		c.Symbols = func() map[string]domain.Symbol { return known }
		c.BooksEvery = time.Hour
	})
	sink := scribe{executiontest.NewSink(), make(chan string, 64)}
	stop := executiontest.Deliver(t, v, sink)
	defer stop()
	executiontest.Eventually(t, "the stream", func() bool { return r.Listeners() == 1 && sink.BalanceOf("BTC").Total.IsPos() })
	frames, events := 0, 0
	venuetest.Each(t, venuetest.Recording(t, "kraken/kraken-async-rs/v2_frames.ndjson"), func(line struct{ Raw string }) {
		var f recorded
		if json.Unmarshal([]byte(line.Raw), &f) != nil || f.Channel != "executions" && f.Channel != "balances" {
			return
		}
		frames++
		for _, e := range f.Data {
			r.d.elsewhere(e.Order, map[string]any{"status": "open", "opentm": 1.5, "vol_exec": "0", "cost": "0", "descr": map[string]string{"pair": strings.ReplaceAll(joined, "/", ""), "type": "sell"}})
		}
		r.Broadcast(line.Raw)
		for _, want := range f.expected() {
			events++
			select {
			case got := <-sink.events:
				if got != want {
					t.Errorf("frame %d: got\n%s, want\n%s", frames, got, want)
				}
			case <-time.After(30 * time.Second):
				t.Fatalf("frame %d: %s did not come", frames, want)
			}
		}
	})
	if frames != 9 || events != 9 || sink.Connects() != 1 || len(sink.events) != 0 {
		t.Fatalf("%d frames with %d events, %d connects, %d more events", frames, events, sink.Connects(), len(sink.events))
	}
}

// Pages of REST that Kraken sent, through a real request.
func TestRecordedPages(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	known := make(map[string]domain.Symbol)
	for _, name := range []string{"BTC/USDT", "ETH/USDT"} {
		known[name] = domain.Symbol{Exchange: "kraken", Name: name, VenueSymbol: name}
	}
	v := r.Venue(func(c *private.Config) { c.Symbols = func() map[string]domain.Symbol { return known } })
	pages := make(map[string]string)
	venuetest.Each(t, venuetest.Recording(t, "kraken/nautilus/http.ndjson.gz"), func(line struct{ File, Raw string }) { pages[line.File] = line.Raw })
	page := func(method, file string) {
		if pages[file] == "" {
			t.Fatalf("%s is not in the recording", file)
		}
		r.Inject(papertest.Fault{Path: method, Body: pages[file]})
	}
	page("OpenOrders", "http_open_orders.json")
	open, err := v.Open(t.Context())
	var told []string
	for _, o := range open {
		told = append(told, fmt.Sprintf("%s %s %s %s @%d", o.VenueOrderID, o.Symbol, o.Status, o.Filled, o.Time.UnixMicro()))
	}
	want := []string{"O26VBY-ISGAE-JP5TLU BTC/USDT accepted 0 @1688583840864800", "OYEQF4-FDE4C-NMUYUI ETH/USDT accepted 0 @1688584240123400"}
	if err != nil || !slices.Equal(told, want) {
		t.Fatalf("%v, %v", told, err)
	}
	page("TradesHistory", "http_trades_history.json")
	sink, _ := executiontest.Listen(t, v)
	executiontest.Eventually(t, "the fills", func() bool { return len(sink.Fills("")) == 2 })
	told = nil
	for _, f := range sink.Fills("") {
		told = append(told, fmt.Sprintf("%s of %s %s %s %s at %s, %s %s, maker %v", f.ID, f.OrderID, f.Side, f.Volume, f.Symbol, f.Price, f.Fee, f.FeeCurrency, f.Maker))
	}
	want = []string{
		"TCCCTY-WJ6EO-4FP4VZ of O26VBY-ISGAE-JP5TLU buy 0.5 BTC/USDT at 29500.5, 23.6 USDT, maker true",
		"TDCVFQ-TPEG4-6X7LSZ of OYEQF4-FDE4C-NMUYUI sell 1 ETH/USDT at 1799.75, 3.6 USDT, maker false",
	}
	if !slices.Equal(told, want) {
		t.Fatalf("%v", told)
	}
}
