package okx_test

import (
	"encoding/json"
	"fmt"
	"regexp"
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

// recorded is what a frame holds, read in the plainest way.
type recorded struct {
	Arg  struct{ Channel, InstType string }
	Data []struct {
		InstID, OrdID, ClOrdID, Side, State, OrdType, CancelSource, AccFillSz, AvgPx, FillPx, FillSz, TradeID, ExecType, UTime string

		Details []struct{ Ccy, AvailBal, FrozenBal, UTime string }
	}
}

// expected are the events of a frame. names are the symbols' names here; seen are
// the trades of frames before.
func (f recorded) expected(names map[string]string, seen map[string]bool) (events []string) {
	for _, e := range f.Data {
		for _, d := range e.Details {
			events = append(events, fmt.Sprintf("balance %s %s of %s @%s", d.Ccy, dec(d.AvailBal), dec(d.AvailBal).Add(dec(d.FrozenBal)), d.UTime))
		}
		if f.Arg.Channel != "orders" {
			continue
		}
		unit, trade := units[e.InstID], e.InstID+"-"+e.TradeID
		if e.TradeID != "" && !seen[trade] {
			seen[trade] = true
			events = append(events, fmt.Sprintf("fill %s of %s: %s %s %s at %s, maker %v", trade, e.OrdID, e.Side, dec(e.FillSz).Mul(unit), names[e.InstID], dec(e.FillPx), e.ExecType == "M"))
		}
		status := map[string]string{"live": "accepted", "partially_filled": "partial", "filled": "filled", "canceled": "canceled"}[e.State]
		if status == "canceled" && (e.OrdType == "ioc" || e.OrdType == "fok") && e.CancelSource != "1" {
			status = "expired"
		}
		events = append(events, fmt.Sprintf("order %s %q %s: %s, %s at %s @%s", e.OrdID, e.ClOrdID, names[e.InstID], status, dec(e.AccFillSz).Mul(unit), dec(e.AvgPx), e.UTime))
	}
	return events
}

// scribe writes down what a sink is told.
type scribe struct {
	*executiontest.Sink
	events chan string
}

func (s scribe) Fill(f domain.Fill) {
	s.events <- fmt.Sprintf("fill %s of %s: %s %s %s at %s, maker %v", f.ID, f.OrderID, f.Side, f.Volume, f.Symbol, f.Price, f.Maker)
}

func (s scribe) Order(r execution.Report) {
	s.events <- fmt.Sprintf("order %s %q %s: %s, %s at %s @%s", r.VenueOrderID, r.ID, r.Symbol, r.Status, r.Filled, r.AveragePrice, ms(r.Time))
}

func (s scribe) Balance(b domain.Balance) {
	if b.Time.Year() < 2026 && !b.Time.IsZero() { // the others are the paper venue's
		s.events <- fmt.Sprintf("balance %s %s of %s @%s", b.Currency, b.Free, b.Total, ms(b.Time))
	}
	s.Sink.Balance(b)
}

var (
	fillTime = regexp.MustCompile(`("fillTime": *")\d+"`)
	known    = map[string]domain.Symbol{
		"BTC/USDT":      {Exchange: "okx", Name: "BTC/USDT", VenueSymbol: "BTC-USDT", Base: "BTC", Quote: "USDT"},
		"BTC/USDT:USDT": {Exchange: "okx", Name: "BTC/USDT:USDT", VenueSymbol: "BTC-USDT-SWAP", Base: "BTC", Quote: "USDT", Settle: "USDT"},
		"ETH/USDT:USDT": {Exchange: "okx", Name: "ETH/USDT:USDT", VenueSymbol: "ETH-USDT-SWAP", Base: "ETH", Quote: "USDT", Settle: "USDT"},
	}
	// units are what a size counts.
	units = map[string]domain.Decimal{"BTC-USDT": dec("1"), "BTC-USDT-SWAP": contractSize, "ETH-USDT-SWAP": dec("0.1")}
)

// Frames that OKX sent, over a real socket, one by one. Their fills are moved to
// now: what is older than the lists of fills that were asked is taken for told.
func TestRecordedFrames(t *testing.T) {
	t.Parallel()
	r := newRig(t, spot)
	v := r.Venue(func(c *private.Config) {
		c.Symbols = func() map[string]domain.Symbol { return known }
	})
	names, seen := make(map[string]string), make(map[string]bool)
	for name, s := range known {
		names[s.VenueSymbol] = name
	}
	sink := scribe{executiontest.NewSink(), make(chan string, 64)}
	stop := executiontest.Deliver(t, v, sink)
	defer stop()
	executiontest.Eventually(t, "the stream", func() bool { return r.Listeners() == 1 && sink.BalanceOf("BTC").Total.IsPos() })
	frames, events := 0, 0
	venuetest.Each(t, venuetest.Recording(t, "okx/nautilus/ws.ndjson"), func(line struct{ File, Raw string }) {
		var f recorded
		if json.Unmarshal([]byte(line.Raw), &f) != nil || f.Arg.Channel != "account" && (f.Arg.Channel != "orders" || f.Arg.InstType != "SPOT" && f.Arg.InstType != "SWAP") {
			return
		}
		if strings.Contains(line.Raw, `"USDT"`) && f.Arg.Channel == "account" {
			// It is older than what the paper venue has: told of currencies that it has not.
			for old, other := range map[string]string{`"USDT"`: `"XSDT"`, `"BTC"`: `"XTC"`} {
				line.Raw = strings.ReplaceAll(line.Raw, old, other)
			}
			_ = json.Unmarshal([]byte(line.Raw), &f) // as above
		}
		frames++
		r.Broadcast(fillTime.ReplaceAllString(line.Raw, `${1}`+ms(time.Now())+`"`))
		for _, want := range f.expected(names, seen) {
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
	if sink.Connects() != 1 || len(sink.events) != 0 {
		t.Fatalf("%d connects, %d more events", sink.Connects(), len(sink.events))
	}
	if frames != 9 || events != 17 {
		t.Fatalf("%d frames with %d events", frames, events)
	}
}

// Pages of REST that OKX sent, through real requests.
func TestRecordedPages(t *testing.T) {
	t.Parallel()
	r := newRig(t, spot)
	v := r.Venue(func(c *private.Config) {
		c.Symbols = func() map[string]domain.Symbol { return known }
	})
	pages := make(map[string]string)
	venuetest.Each(t, venuetest.Recording(t, "okx/nautilus/http.ndjson"), func(line struct{ File, Raw string }) { pages[line.File] = line.Raw })
	page := func(path, file string, wrap bool) {
		body := pages[file]
		if body == "" {
			t.Fatalf("%s is not in the recording", file)
		}
		if wrap { // a single element was kept
			body = `{"code":"0","msg":"","data":[` + body + `]}`
		}
		r.Inject(papertest.Fault{Path: path, Body: body})
	}
	page("/orders-pending", "http_get_orders_pending.json", false)
	open, err := v.Open(t.Context())
	if err != nil || len(open) != 1 || open[0].ID != "client-order-1" || open[0].VenueOrderID != "1234567890123456789" || open[0].Symbol != "BTC/USDT:USDT" ||
		open[0].Status != domain.OrderAccepted || !open[0].Filled.IsZero() {
		t.Fatalf("%+v, %v", open, err)
	}
	page("/fills-history", "http_transaction_detail.json", true)
	page("/fills-history", "http_transaction_detail_empty_fee.json", true)
	page("/account/balance", "http_get_account_balance.json", false)
	sink := scribe{executiontest.NewSink(), make(chan string, 64)}
	stop := executiontest.Deliver(t, v, sink)
	for _, want := range []string{
		"balance USDT 94.42612990333333 of 99.894696569999997 @1744498994783",
		"fill BTC-USDT-123456789 of 987654321: buy 0.001 BTC/USDT at 42000.5, maker false",
	} {
		select {
		case got := <-sink.events:
			if got != want {
				t.Errorf("got\n%s, want\n%s", got, want)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("%s did not come", want)
		}
	}
	stop()
	// A position of an account in another mode is none that can be told.
	page("/account/positions", "http_get_positions.json", false)
	again, _ := executiontest.Listen(t, v)
	executiontest.Eventually(t, "the reconnect", func() bool { return again.Connects() > 1 })
	if !strings.Contains(r.Logs.String(), "only those in net mode") || !again.PositionOf("BTC/USDT:USDT").Flat() {
		t.Fatal("the position was told")
	}
}
