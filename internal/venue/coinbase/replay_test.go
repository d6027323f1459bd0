package coinbase_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/replay"
	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/coinbase"
	"github.com/fullon/fullon/internal/venue/venuetest"
)

// short is a number in its shortest form; 0 for none.
func short(text string) string {
	if text == "" {
		return "0"
	}
	return domain.MustDecimal(text).String()
}

func unified(product string) string { return strings.Replace(product, "-", "/", 1) }

var takers = map[string]string{"BUY": "sell", "SELL": "buy"} // by the maker's side

// message is a frame of Advanced Trade, decoded in the plainest way.
type message struct {
	Channel   string
	Timestamp time.Time
	Events    []struct {
		Trades []struct {
			ID                string `json:"trade_id"`
			Product           string `json:"product_id"`
			Price, Size, Side string
			Time              time.Time
		}
		Tickers []struct {
			Product string `json:"product_id"`
			Price   string
			Volume  string `json:"volume_24_h"`
			Bid     string `json:"best_bid"`
			BidSize string `json:"best_bid_quantity"`
			Ask     string `json:"best_ask"`
			AskSize string `json:"best_ask_quantity"`
		}
	}
}

// expected computes what one frame gives that is played alone.
func expected(t *testing.T, raw string) (events []string) {
	t.Helper()
	var m message
	if err := json.Unmarshal([]byte(raw), &m); err != nil {
		t.Fatal(err)
	}
	for _, e := range m.Events {
		for _, x := range e.Trades {
			events = append(events, fmt.Sprintf("trade %s %s=%s %s %s of %s @%d", unified(x.Product), x.ID, x.ID, takers[x.Side],
				short(x.Size), short(x.Price), x.Time.UnixNano()))
		}
		for _, x := range e.Tickers {
			events = append(events, fmt.Sprintf("tick %s %s %s/%s %s/%s %s @%d", unified(x.Product), short(x.Price),
				short(x.Bid), short(x.BidSize), short(x.Ask), short(x.AskSize), short(x.Volume), m.Timestamp.UnixNano()))
		}
	}
	return events
}

// Single recorded frames, each over a socket of its own.
func TestRecordedFrames(t *testing.T) {
	t.Parallel()
	told := 0
	venuetest.Each(t, venuetest.Recording(t, "coinbase/nautilus/ws.ndjson"), func(line venuetest.Line) {
		want := expected(t, line.Raw)
		events := venuetest.Play(t, script(), []string{"ETH/USD", "BTC/USD"}, []string{line.Raw})
		kind := ""
		if len(want) > 0 {
			kind = want[0][:5] // of trades not the ticks that they make
		}
		venuetest.Same(t, line.File, venuetest.Described(events, kind), want)
		told += len(want)
		for _, e := range events {
			known := line.File != "ws_l2_data_snapshot.json" && line.File != "ws_l2_data_update.json" && line.File != "ws_user.json"
			if e.Refused != "" && (known || e.Refused != venue.RefusedKind) {
				t.Errorf("%s: refused as %s: %v", line.File, e.Refused, e.Err)
			}
		}
	})
	if told < 3 {
		t.Errorf("the frames told %d events", told)
	}
}

// market merges in the plainest way.
type market struct {
	last, bid, ask, volume string
	at, tradeAt, changeAt  time.Time
}

func (m *market) String() string {
	return fmt.Sprintf("%s %s/0 %s/0 %s @%d", short(m.last), short(m.bid), short(m.ask), short(m.volume), domain.UnixNano(m.at))
}

// A recording of the exchange's own feed, played in the form of Advanced Trade, of
// which there are no recordings. The trades are compared with what the recording tells in another
// kind of message, the ticker, which has the taker's side.
func TestRecordingIsPlayed(t *testing.T) {
	t.Parallel()
	var trades, symbols []string
	ticks, markets, taken := map[string][]string{}, map[string]*market{}, map[string]bool{}
	change := func(product string, apply func(*market)) {
		symbol := unified(product)
		m := markets[symbol]
		if m == nil {
			m = &market{}
			markets[symbol] = m
			symbols = append(symbols, symbol)
		}
		before := m.String()
		if apply(m); m.String() != before {
			ticks[symbol] = append(ticks[symbol], fmt.Sprintf("tick %s %s", symbol, m))
		}
	}
	venuetest.Each(t, venuetest.Recording(t, "coinbase/cryptofeed/coinbase.ws.28.0.ndjson.gz"), func(line venuetest.Line) {
		var x struct {
			Type, Price, Size, Side string
			Product                 string `json:"product_id"`
			ID                      uint64 `json:"trade_id"`
			Volume                  string `json:"volume_24h"`
			Bid                     string `json:"best_bid"`
			Ask                     string `json:"best_ask"`
			LastSize                string `json:"last_size"`
			Time                    time.Time
		}
		if line.Dir != "recv" || json.Unmarshal([]byte(line.Raw), &x) != nil {
			return
		}
		switch x.Type {
		case "match", "last_match":
			change(x.Product, func(m *market) {
				if !x.Time.Before(m.tradeAt) {
					m.last, m.tradeAt = x.Price, x.Time
				}
				m.at = later(m.at, x.Time)
			})
		case "ticker":
			if id := fmt.Sprint(x.Product, x.ID); !taken[id] {
				taken[id] = true
				trades = append(trades, fmt.Sprintf("trade %s %d=%d %s %s of %s @%d", unified(x.Product), x.ID, x.ID, x.Side,
					short(x.LastSize), short(x.Price), x.Time.UnixNano()))
			}
			change(x.Product, func(m *market) {
				if x.Time.Before(m.changeAt) {
					return
				}
				if x.Time.After(m.tradeAt) {
					m.last, m.tradeAt = x.Price, x.Time
				}
				m.bid, m.ask, m.volume, m.changeAt, m.at = x.Bid, x.Ask, x.Volume, x.Time, later(m.at, x.Time)
			})
		}
	})
	quoted := 0
	for _, list := range ticks {
		quoted += len(list)
	}
	events := venuetest.Replay(t, script().New, replay.Config{Venue: "coinbase", Files: venuetest.Recordings(t, "coinbase")}, nil,
		venuetest.Count(map[string]int{"trade": len(trades), "tick": quoted}))
	got := venuetest.Described(events, "trade")
	slices.Sort(got) // tickers and matches come on channels of their own
	slices.Sort(trades)
	venuetest.Same(t, "trades", got, trades)
	for _, symbol := range symbols {
		venuetest.Same(t, "ticks of "+symbol, venuetest.Described(events, "tick "+symbol), ticks[symbol])
	}
	for _, e := range events {
		if e.Refused != "" {
			t.Errorf("refused as %s: %v", e.Refused, e.Err)
		}
	}
	t.Logf("%d trades, %d ticks of %d symbols", len(trades), quoted, len(symbols))
	if len(trades) < 100 {
		t.Errorf("%d trades were played", len(trades))
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// served is an adapter on a server with one answer, recorded or not.
func served(t *testing.T, answer string) (venue.Adapter, *string) {
	t.Helper()
	uri := new(string)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*uri = r.URL.RequestURI()
		if answer == "" {
			w.WriteHeader(http.StatusNotFound)
			answer = `{"error":"NOT_FOUND","error_details":"x","message":"no such product"}`
		}
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(web.Close)
	a, err := coinbase.New(venue.Config{RESTURL: web.URL, RESTBackoff: time.Microsecond, RESTWeight: 1_000_000})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a, uri
}

func body(t *testing.T, file string) string {
	t.Helper()
	return venuetest.RecordedBody(t, "coinbase/nautilus/http.ndjson", file)
}

func TestRecordedTradesOverREST(t *testing.T) {
	t.Parallel()
	a, uri := served(t, body(t, "http_ticker.json"))
	// Of the trades 661 to 663 the first is known.
	got, err := a.TradesFrom(t.Context(), "BTC/USD", 995098662, time.Now().Add(-time.Second), 10)
	if err != nil || len(got) != 2 {
		t.Fatalf("got %v, %v", got, err)
	}
	var described []string
	for _, g := range got {
		described = append(described, venuetest.Describe(venuetest.Event{Trade: &g}))
	}
	venuetest.Same(t, "trades", described, []string{ // the venue tells SELL, the maker's side
		"trade BTC/USD 995098662=995098662 buy 0.00123858 of 68923.67 @1775521738250358000",
		"trade BTC/USD 995098663=995098663 buy 0.00064 of 68923.67 @1775521738544778000",
	})
	if !strings.HasPrefix(*uri, "/api/v3/brokerage/market/products/BTC-USD/ticker?end=") || !strings.Contains(*uri, "&limit=1000&start=") {
		t.Errorf("asked %s", *uri)
	}
}

func TestRecordedCatalogue(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"http_products.json": "BTC/USD=BTC-USD tick 0.01 lot 0.00000001 min 0.00000001, 1 trading true",
	} {
		a, _ := served(t, body(t, file))
		symbols, err := a.Symbols(t.Context())
		if err != nil || len(symbols) == 0 {
			t.Fatalf("%s: %v, %v", file, symbols, err)
		}
		var got []string
		for _, s := range symbols {
			got = append(got, fmt.Sprintf("%s=%s tick %s lot %s min %s, %s trading %t", s.Name, s.VenueSymbol, s.TickSize, s.LotSize, s.MinVolume, s.MinNotional, s.Trading))
		}
		if !slices.Contains(got, want) {
			t.Errorf("%s: got %q, want among them %s", file, got, want)
		}
	}
	a, _ := served(t, body(t, "http_products_future.json"))
	if symbols, err := a.Symbols(t.Context()); err != nil || len(symbols) != 0 {
		t.Errorf("futures: %v, %v", symbols, err)
	}
}
