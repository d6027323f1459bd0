package bybit_test

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
	Topic   string `json:"topic"`
	Created int64  `json:"creationTime"`
	Data    []struct {
		Category, Symbol, Side, OrderID, OrderLinkID, OrderStatus, CumExecQty, CumExecValue, UpdatedTime string
		ExecID, ExecPrice, ExecQty, ExecFee, ExecTime                                                    string
		IsMaker                                                                                          bool
		Size, EntryPrice, CumRealisedPnl                                                                 string
		Coin                                                                                             []struct {
			Coin, WalletBalance, Locked, TotalOrderIM, TotalPositionIM string
		}
	} `json:"data"`
}

func plain(text string) domain.Decimal {
	if text == "" {
		return domain.Decimal{}
	}
	return dec(text)
}

// expected are the events of a frame.
func (f recorded) expected() (events []string) {
	for _, e := range f.Data {
		name := strings.TrimSuffix(e.Symbol, "USDT") + "/USDT"
		if e.Category == "linear" {
			name += ":USDT"
		}
		switch f.Topic {
		case "order":
			status := map[string]string{"New": "accepted", "Untriggered": "accepted", "Filled": "filled", "Cancelled": "canceled", "Rejected": "canceled"}[e.OrderStatus]
			average := domain.Decimal{}
			if cost := plain(e.CumExecValue); cost.IsPos() {
				average = cost.MustDiv(plain(e.CumExecQty))
			}
			events = append(events, fmt.Sprintf("order %s %s %s: %s, %s at %s @%s", e.OrderID, e.OrderLinkID, name, status, plain(e.CumExecQty), average, e.UpdatedTime))
		case "execution":
			events = append(events, fmt.Sprintf("fill %s of %s %s: %s %s %s at %s, %s USDT, maker %v @%s", e.ExecID, e.OrderID, e.OrderLinkID, strings.ToLower(e.Side),
				plain(e.ExecQty), name, plain(e.ExecPrice), plain(e.ExecFee), e.IsMaker, e.ExecTime))
		case "position":
			volume := plain(e.Size)
			if e.Side == "Sell" {
				volume = volume.Neg()
			}
			events = append(events, fmt.Sprintf("position %s: %s at %s, %s @%s", name, volume, plain(e.EntryPrice), plain(e.CumRealisedPnl), e.UpdatedTime))
		case "wallet":
			for _, c := range e.Coin {
				used := plain(c.Locked).Add(plain(c.TotalOrderIM)).Add(plain(c.TotalPositionIM))
				events = append(events, fmt.Sprintf("balance %s: %s, %s free @%d", c.Coin, plain(c.WalletBalance), plain(c.WalletBalance).Sub(used), f.Created))
			}
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
	s.events <- fmt.Sprintf("fill %s of %s %s: %s %s %s at %s, %s %s, maker %v @%s", f.ID, f.OrderID, f.ClientOrderID, f.Side, f.Volume, f.Symbol, f.Price, f.Fee,
		f.FeeCurrency, f.Maker, millis(f.Time))
}

func (s scribe) Order(r execution.Report) {
	s.events <- fmt.Sprintf("order %s %s %s: %s, %s at %s @%s", r.VenueOrderID, r.ID, r.Symbol, r.Status, r.Filled, r.AveragePrice, millis(r.Time))
}

func (s scribe) Position(p domain.Position) {
	s.events <- fmt.Sprintf("position %s: %s at %s, %s @%s", p.Symbol, p.Volume, p.Price, p.Realised, millis(p.Time))
}

func (s scribe) Balance(b domain.Balance) {
	if s.Sink.Balance(b); b.Time.UnixMilli() > beforeRecording.AddDate(0, 6, 0).UnixMilli() {
		s.events <- fmt.Sprintf("balance %s: %s, %s free @%s", b.Currency, b.Total, b.Free, millis(b.Time))
	}
}

// beforeRecording is when the venue's clock stands: fills long before its time
// are those that the list has told.
var beforeRecording = time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC)

func listed(names ...string) map[string]domain.Symbol {
	known := make(map[string]domain.Symbol)
	for _, base := range names {
		spot := domain.Symbol{Exchange: "bybit", Name: base + "/USDT", VenueSymbol: base + "USDT", Base: base, Quote: "USDT"}
		linear := spot
		linear.Name, linear.Settle = spot.Name+":USDT", "USDT"
		known[spot.Name], known[linear.Name] = spot, linear
	}
	return known
}

// Frames that Bybit sent, over a real socket, one by one.
func TestRecordedFrames(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.d.ahead = time.Until(beforeRecording)
	known := listed("BTC", "ETH", "APEX", "ICP")
	v := r.Venue(func(c *private.Config) {
		c.Symbols, c.Since, c.BooksEvery, c.SweepEvery = func() map[string]domain.Symbol { return known }, beforeRecording.Add(-time.Hour), time.Hour, time.Hour
	})
	sink := scribe{executiontest.NewSink(), make(chan string, 64)}
	stop := executiontest.Deliver(t, v, sink)
	defer stop()
	executiontest.Eventually(t, "the stream", func() bool { return r.Listeners() == 1 && sink.BalanceOf("BTC").Total.IsPos() })
	frames, events := 0, 0
	venuetest.Each(t, venuetest.Recording(t, "bybit/nautilus/ws.ndjson"), func(line struct{ File, Raw string }) {
		var f recorded
		if !strings.HasPrefix(line.File, "ws_account_") {
			return
		}
		_ = json.Unmarshal([]byte(line.Raw), &f) // one is none of the stream's
		frames++
		r.Broadcast(line.Raw)
		for _, want := range f.expected() {
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
	if frames < 20 || events < 18 || sink.Connects() != 1 || len(sink.events) != 0 {
		t.Fatalf("%d frames with %d events, %d connects, %d more events", frames, events, sink.Connects(), len(sink.events))
	}
}

// The answers to a login that Bybit gave.
func TestRecordedLogins(t *testing.T) {
	t.Parallel()
	for file, granted := range map[string]bool{"ws_auth_success.json": true, "ws_auth_failure.json": false} {
		r := newRig(t)
		venuetest.Each(t, venuetest.Recording(t, "bybit/nautilus/ws.ndjson"), func(line struct{ File, Raw string }) {
			if line.File == file {
				r.d.login = line.Raw
			}
		})
		if r.d.login == "" {
			t.Fatalf("%s is not in the recording", file)
		}
		if granted {
			executiontest.Listen(t, r.Venue())
		} else if err := r.Venue().Run(t.Context(), executiontest.NewSink()); err == nil || !strings.Contains(err.Error(), "Invalid apikey (code 10003)") {
			t.Fatal(err)
		}
	}
}

// firstBalance keeps the first balance that it is told, which is one of REST.
type firstBalance struct {
	*executiontest.Sink
	balance chan domain.Balance
}

func (s firstBalance) Balance(b domain.Balance) {
	select {
	case s.balance <- b:
	default:
	}
}

// Pages of REST that Bybit sent, through a real request.
func TestRecordedPages(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.d.ahead = time.Until(beforeRecording) // the venue forgets what is too old
	known := listed("BTC", "ETH", "SOL")
	v := r.Venue(func(c *private.Config) {
		c.Symbols, c.Since, c.BooksEvery = func() map[string]domain.Symbol { return known }, time.UnixMilli(1672282722429), time.Hour
	})
	pages := make(map[string]string)
	venuetest.Each(t, venuetest.Recording(t, "bybit/nautilus/http.ndjson"), func(line struct{ File, Raw string }) { pages[line.File] = line.Raw })
	const nothing = "http_nothing.json"
	pages[nothing] = `{"retCode":0,"result":{"list":[]}}`
	page := func(path string, files ...string) {
		for _, file := range files {
			if pages[file] == "" {
				t.Fatalf("%s is not in the recording", file)
			}
			r.Inject(papertest.Fault{Path: path, Body: pages[file]})
		}
	}
	page("/order/realtime", nothing, "http_get_orders_realtime.json")
	open, err := v.Open(t.Context())
	var told []string
	for _, o := range open {
		told = append(told, fmt.Sprintf("%s %s %s %s %s @%s", o.VenueOrderID, o.ID, o.Symbol, o.Status, o.Filled, millis(o.Time)))
	}
	want := []string{"open-order-1 client-open-1 ETH/USDT:USDT accepted 0 @1761355905606", "open-order-2 client-open-2 ETH/USDT:USDT accepted 0 @1761355905609"}
	if err != nil || !slices.Equal(told, want) {
		t.Fatalf("%v, %v", told, err)
	}
	page("/order/realtime", nothing, nothing)
	page("/order/history", "http_get_orders_history.json")
	o := order("client-1", domain.Buy, "1", "30000")
	if report, err := v.Query(t.Context(), o); err != nil || report.Status != domain.OrderCanceled || report.Reason != "CancelByUser" || report.Time.UnixMilli() != 1700000005000 {
		t.Fatalf("%+v, %v", report, err)
	}
	page("/wallet-balance", "http_get_wallet_balance_with_spot_borrow.json")
	page("/position/list", "http_get_positions.json")
	page("/execution/list", nothing, "http_get_executions.json", nothing) // the recorded page says that there is another
	sink := firstBalance{executiontest.NewSink(), make(chan domain.Balance, 1)}
	stop := executiontest.Deliver(t, v, sink)
	defer stop()
	executiontest.Eventually(t, "the fills", func() bool { return len(sink.Fills("")) == 2 })
	told = nil
	for _, f := range sink.Fills("") {
		told = append(told, fmt.Sprintf("%s of %s %s %s %s at %s, %s %s, maker %v", f.ID, f.ClientOrderID, f.Side, f.Volume, f.Symbol, f.Price, f.Fee, f.FeeCurrency, f.Maker))
	}
	for _, symbol := range []string{"BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT"} {
		p := sink.PositionOf(symbol)
		told = append(told, fmt.Sprintf("%s %s at %s, %s", p.Symbol, p.Volume, p.Price, p.Realised))
	}
	b := <-sink.balance
	told = append(told, fmt.Sprintf("%s %s, %s free", b.Currency, b.Total, b.Free))
	want = []string{
		"e0cbe81d-0f18-5866-9415-cf319b5dab3b of test-order-001 buy 0.1 BTC/USDT:USDT at 50000, 0.015 USDT, maker true",
		"f1dce92e-1g29-6977-a526-dg420c6ecb4c of test-order-002 sell 0.5 ETH/USDT:USDT at 3000, 0.9 USDT, maker false",
		"BTC/USDT:USDT 0.5 at 50000, 500", "ETH/USDT:USDT -5 at 3000, 200", "SOL/USDT:USDT 0 at 0, 0", "USDT 1000, 1000 free",
	}
	if !slices.Equal(told, want) {
		t.Fatalf("got\n%s\nwant\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
	}
}
