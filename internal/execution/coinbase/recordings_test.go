package coinbase_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution/executiontest"
	"github.com/fullon/fullon/internal/execution/papertest"
	"github.com/fullon/fullon/internal/execution/private"
	"github.com/fullon/fullon/internal/venue/venuetest"
)

// listed makes the products of the recordings known.
func listed(c *private.Config) {
	known := make(map[string]domain.Symbol)
	for _, name := range []string{"BTC/USD", "ETH/USD"} {
		known[name] = domain.Symbol{Exchange: "coinbase", Name: name, VenueSymbol: strings.ReplaceAll(name, "/", "-")}
	}
	c.Symbols = func() map[string]domain.Symbol { return known }
}

var numbers = regexp.MustCompile(`"sequence_num": \d+`)

// Frames that Coinbase sent, over a real socket, with the numbers of this one.
func TestRecordedFrames(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.Venue(listed)
	sink, _ := executiontest.Listen(t, v)
	tell := func(text string) {
		for _, c := range r.d.listening() {
			c.sends(numbers.ReplaceAllString(text, `"sequence_num":NEXT`))
		}
	}
	const frames = "coinbase/nautilus/ws.ndjson"
	venuetest.Each(t, venuetest.Recording(t, frames), func(line venuetest.Line) { tell(line.Raw) }) // the snapshot is no news
	user := strings.Replace(venuetest.RecordedBody(t, frames, "ws_user.json"), `"snapshot"`, `"update"`, 1)
	tell(user)
	const id, number = "11111-000000-000001", "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
	executiontest.WantStatus(t, sink, id, domain.OrderAccepted)
	r.d.fake(number, "e1", object{"product_id": "BTC-USD", "size": "0.001", "price": "68900.5", "commission": "0.41"})
	for _, change := range [][2]string{
		{`"cumulative_quantity": "0"`, `"cumulative_quantity": "0.001"`}, {`"leaves_quantity": "0.001"`, `"leaves_quantity": "0"`},
		{`"avg_price": "0"`, `"avg_price": "68900.5"`}, {`"OPEN"`, `"FILLED"`},
	} {
		user = strings.Replace(user, change[0], change[1], 1)
	}
	tell(user)
	executiontest.WantStatus(t, sink, id, domain.OrderFilled)
	executiontest.WantFills(t, sink, id, "0.001")
	reports := sink.Reports(id)
	end := reports[len(reports)-1]
	if got := fmt.Sprint(len(reports), " ", end.VenueOrderID, " ", end.Symbol, " ", end.Filled, " at ", end.AveragePrice, " ", end.Time); got != "2 "+number+" BTC/USD 0.001 at 68900.5 2026-04-07 14:30:06 +0000 UTC" {
		t.Fatal(got)
	}
	if sink.Connects() != 1 {
		t.Fatal("a recorded frame ended the connection")
	}
}

// Pages of REST that Coinbase sent, through a real request.
func TestRecordedPages(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	v := r.Venue(listed)
	page := func(path, file string) {
		r.Inject(papertest.Fault{Path: path, Body: venuetest.RecordedBody(t, "coinbase/nautilus/http.ndjson", file)})
	}
	ask := func(id, symbol string) string {
		o := order(id, domain.Buy, "1", "50")
		o.Symbol = symbol
		report, err := v.Query(t.Context(), o)
		return fmt.Sprint(report.VenueOrderID, " ", report.Status, " ", report.Filled, " at ", report.AveragePrice, " ", report.Time.Format("15:04"), " ", report.Reason, executiontest.Outcome(err))
	}
	page("historical/batch", "http_orders_list.json")
	if got, want := ask("11111-000000-000001", "BTC/USD"), "0000-000000-000001 accepted 0 at 0 10:00 done"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	page("historical/batch", "http_orders_list.json")
	// 100 of value for 0.0325: the price of the page, 3076.92, is rounded.
	if got := ask("11111-000000-000002", "ETH/USD"); !strings.HasPrefix(got, "0000-000000-000002 filled 0.0325 at 3076.923076923076923") {
		t.Fatal(got)
	}
	// An order that was made long before it was sent is another one.
	old := order("11111-000000-000000", domain.Buy, "0.001", "10000")
	old.Symbol = "BTC/USD"
	r.Inject(papertest.Fault{Path: "brokerage/orders", Body: `{"success":true,"success_response":{"order_id":"0000-000000-000000","client_order_id":"11111-000000-000000"}}`})
	page("historical/0000-000000-000000", "http_order.json")
	if _, err := v.Submit(t.Context(), old); executiontest.Outcome(err) != "duplicate" {
		t.Fatal(err)
	}
	page("historical/0000-000000-000000", "http_order.json")
	if got, want := ask("11111-000000-000000", "BTC/USD"), "0000-000000-000000 partial 0.001 at 10000000 10:30 done"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	page("accounts", "http_accounts.json")
	page("fills", "http_fills.json")
	sink, _ := executiontest.Listen(t, v)
	executiontest.Eventually(t, "the fills", func() bool { return len(sink.Fills("")) == 2 })
	var told []string
	for _, f := range sink.Fills("") {
		told = append(told, fmt.Sprintf("%s of %s (%s) %s %s %s at %s, %s %s, maker %v", f.ID, f.OrderID, f.ClientOrderID, f.Side, f.Volume, f.Symbol, f.Price, f.Fee, f.FeeCurrency, f.Maker))
	}
	want := []string{
		"22222-2222222-22222223 of 0000-000000-000002 (11111-000000-000002) sell 0.0325 ETH/USD at 3076.92, 0.5 USD, maker false",
		"22222-2222222-22222222 of 0000-000000-000000 (11111-000000-000000) buy 0.005 BTC/USD at 45123.45, 1.14 USD, maker true",
	}
	if !slices.Equal(told, want) {
		t.Fatalf("%v", told)
	}
	if btc, usd := sink.BalanceOf("BTC"), sink.BalanceOf("USD"); !btc.Total.Equal(dec("1.23956789")) || !btc.Used.Equal(dec("0.005")) || !usd.Total.Equal(dec("10450.5")) {
		t.Fatalf("%+v, %+v", btc, usd)
	}
}
