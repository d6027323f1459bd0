package bybit_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/bybit"
	"github.com/fullon/fullon/internal/venue/venuetest"
)

// short is a number in its shortest form.
func short(text string) string { return domain.MustDecimal(text).String() }

// best is the best level of one side of a book; beats orders prices.
func best(side map[string]string, beats func(a, b domain.Decimal) bool) (price string) {
	for p := range side {
		if price == "" || beats(domain.MustDecimal(p), domain.MustDecimal(price)) {
			price = p
		}
	}
	return price
}

// The recorded book of 500 levels comes over a socket as the venue sends its best
// level: a snapshot, then what changed. Recorded trades come between.
func TestRecordingsOverASocket(t *testing.T) {
	t.Parallel()
	const book, traded = "XRP/USDT:USDT", "BTC/USDT:USDT"
	var frames, ticks, trades []string
	sides := map[string]map[string]string{"b": {}, "a": {}}
	beats := map[string]func(a, b domain.Decimal) bool{"b": domain.Decimal.GreaterThan, "a": domain.Decimal.LessThan}
	prices, sizes := map[string]string{}, map[string]string{}
	venuetest.Each(t, venuetest.Recording(t, "bybit/nautilus/xrpusdt_orderbook500.ndjson.gz"), func(line venuetest.Line) {
		var m struct {
			TS   int64
			Data map[string]any
		}
		if err := json.Unmarshal([]byte(line.Raw), &m); err != nil {
			t.Fatal(err)
		}
		changes := map[string][]string{"b": {}, "a": {}}
		for key, side := range sides {
			for _, level := range m.Data[key].([]any) {
				price, size := level.([]any)[0].(string), level.([]any)[1].(string)
				if side[price] = size; short(size) == "0" {
					delete(side, price)
				}
			}
			price := best(side, beats[key])
			if price != prices[key] && prices[key] != "" {
				changes[key] = append(changes[key], fmt.Sprintf(`[%q,"0"]`, prices[key]))
			}
			if price != prices[key] || side[price] != sizes[key] {
				changes[key] = append(changes[key], fmt.Sprintf("[%q,%q]", price, side[price]))
			}
			prices[key], sizes[key] = price, side[price]
		}
		kind := "delta"
		if len(ticks) == 0 {
			kind = "snapshot"
		}
		frames = append(frames, fmt.Sprintf(`{"topic":"orderbook.1.XRPUSDT","type":%q,"ts":%d,"data":{"s":"XRPUSDT","b":[%s],"a":[%s],"u":%d,"seq":1}}`,
			kind, m.TS, strings.Join(changes["b"], ","), strings.Join(changes["a"], ","), len(ticks)+1))
		ticks = append(ticks, fmt.Sprintf("tick %s 0 %s/%s %s/%s 0 @%d", book, short(prices["b"]), short(sizes["b"]), short(prices["a"]), short(sizes["a"]), m.TS*1e6))
	})
	venuetest.Each(t, venuetest.Recording(t, "bybit/tardis-node/bybit-spot.pairs.ndjson"), func(pair venuetest.Pair) {
		if !strings.Contains(pair.Raw, `"publicTrade.BTCUSDT"`) {
			return
		}
		frames = append(frames, pair.Raw, pair.Raw) // a repetition is handed on
		for range 2 {
			for _, e := range pair.Expected {
				trades = append(trades, fmt.Sprintf("trade %s 0=%s %s %s of %s @%d", traded, e.ID, e.Side, e.Amount, e.Price, e.Timestamp.UnixNano()))
			}
		}
	})
	events := venuetest.Play(t, script("/v5/public/linear", "/USDT:USDT"), []string{book, traded}, frames)
	venuetest.Same(t, "ticks", venuetest.Described(events, "tick "+book), ticks)
	venuetest.Same(t, "trades", venuetest.Described(events, "trade"), trades)
	for _, e := range events {
		if e.Refused != "" {
			t.Errorf("refused as %s: %v", e.Refused, e.Err)
		}
	}
	if len(ticks) != 50 || len(trades) != 8 {
		t.Errorf("%d books and %d trades were played", len(ticks), len(trades))
	}
}

// One Stream follows both endpoints, which have the same names for other markets.
func TestSpotAndLinearTogether(t *testing.T) {
	t.Parallel()
	server := venuetest.NewServer(t)
	a, err := bybit.New(venue.Config{WSURL: server.URL, Connection: venue.Care{SendInterval: time.Microsecond}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	if err := a.Stream(t.Context(), venue.NewWanted("BTC/USDT", "BTC/USDT:USD"), venuetest.NewSink()); !errors.Is(err, domain.ErrInvalid) {
		t.Errorf("a perpetual that cannot be: %v", err)
	}
	sink, done := venuetest.NewSink(), make(chan error, 1)
	go func() {
		done <- a.Stream(t.Context(), venue.NewWanted("BTC/USDT", "BTC/USDT:USDT", "ETH/USDC:USDC"), sink)
	}()
	t.Cleanup(func() { // by now the context has ended
		if err := <-done; err != nil {
			t.Errorf("Stream: %v", err)
		}
	})
	unified := map[string]string{"/v5/public/spot": "BTC/USDT", "/v5/public/linear": "BTC/USDT:USDT"}
	for range 2 {
		c := server.Accept(t)
		asked := strings.Join(parse(c.Read()).Args, " ")
		if strings.Contains(asked, "ETHPERP") != strings.HasSuffix(c.Path, "linear") || !strings.Contains(asked, "BTCUSDT") {
			t.Errorf("%s was asked for %s", c.Path, asked)
		}
		c.Text(tradeFrame("BTC/USDT", venuetest.Trade{Number: 1, Side: domain.Buy, Price: "1", Volume: "1", Time: time.Now()}))
		if got := sink.Await(t, "trade", venuetest.IsTrade).Trade; got.Symbol != unified[c.Path] {
			t.Errorf("a trade on %s is of %s", c.Path, got.Symbol)
		}
		delete(unified, c.Path)
	}
	if len(unified) != 0 {
		t.Errorf("%v was not followed", unified)
	}
}

// served is an adapter on a server with an answer for each category; queries are
// handed to asked.
func served(t *testing.T, answers map[string]string, asked func(*http.Request)) *bybit.Adapter {
	t.Helper()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked != nil {
			asked(r)
		}
		_, _ = io.WriteString(w, answers[r.URL.Query().Get("category")+r.URL.Query().Get("cursor")])
	}))
	t.Cleanup(web.Close)
	a, err := bybit.New(venue.Config{RESTURL: web.URL, RESTBackoff: time.Microsecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

func body(t *testing.T, file string) string {
	t.Helper()
	return venuetest.RecordedBody(t, "bybit/nautilus/http.ndjson", file)
}

func TestRecordedTradesOverREST(t *testing.T) {
	t.Parallel()
	recorded := body(t, "http_get_trades_recent.json")
	var plain struct {
		Result struct{ List []map[string]any }
	}
	if err := json.Unmarshal([]byte(recorded), &plain); err != nil || len(plain.Result.List) == 0 {
		t.Fatal(err)
	}
	var want []string
	for _, r := range plain.Result.List {
		ms, _ := strconv.ParseInt(r["time"].(string), 10, 64)
		want = append(want, fmt.Sprintf("trade BTC/USDT:USDT 0=%s %s %s of %s @%d", r["execId"], strings.ToLower(r["side"].(string)),
			short(r["size"].(string)), short(r["price"].(string)), ms*1e6))
	}
	uri := ""
	a := served(t, map[string]string{"linear": recorded}, func(r *http.Request) { uri = r.URL.RequestURI() })
	got, err := a.TradesFrom(t.Context(), "BTC/USDT:USDT", 1, time.Time{}, 10)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, g := range got {
		texts = append(texts, venuetest.Describe(venuetest.Event{Trade: &g}))
	}
	venuetest.Same(t, "trades", texts, want)
	if uri != "/v5/market/recent-trade?category=linear&limit=1000&symbol=BTCUSDT" {
		t.Errorf("asked %s", uri)
	}
}

// The recorded catalogues; of linear in two pages, whose cursor is in the form of
// an address.
func TestRecordedCatalogues(t *testing.T) {
	t.Parallel()
	pages := []string{body(t, "http_get_instruments_linear.json"), body(t, "http_get_instruments_linear_symbol_type.json")}
	for _, spots := range []string{body(t, "http_get_instruments_spot.json"), body(t, "http_get_instruments_spot_xstocks.json")} {
		a := served(t, map[string]string{
			"spot":                          spots,
			"linear":                        strings.Replace(pages[0], `"nextPageCursor": null`, `"nextPageCursor": "first%3DA%26last%3DB"`, 1),
			"linear" + "first=A&last=B":     pages[1],
			"linear" + "first%3DA%26last%3": "wrong",
		}, nil)
		symbols, err := a.Symbols(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]domain.Symbol{}
		for _, s := range symbols {
			got[s.Name] = s
		}
		count := 0
		for i, recorded := range append([]string{spots}, pages...) {
			var plain struct {
				Result struct {
					List []struct {
						Symbol, BaseCoin, QuoteCoin, SettleCoin string
						PriceFilter, LotSizeFilter              map[string]string
					}
				}
			}
			if err := json.Unmarshal([]byte(recorded), &plain); err != nil {
				t.Fatal(err)
			}
			for _, p := range plain.Result.List {
				count++
				step, least := "qtyStep", "minNotionalValue"
				if i == 0 {
					step, least = "basePrecision", "minOrderAmt"
				}
				want := domain.Symbol{
					Exchange: "bybit", Name: domain.SymbolName(p.BaseCoin, p.QuoteCoin, p.SettleCoin), VenueSymbol: p.Symbol,
					Base: p.BaseCoin, Quote: p.QuoteCoin, Settle: p.SettleCoin, TickSize: domain.MustDecimal(p.PriceFilter["tickSize"]),
					LotSize: domain.MustDecimal(p.LotSizeFilter[step]), MinVolume: domain.MustDecimal(p.LotSizeFilter["minOrderQty"]),
					MinNotional: domain.MustDecimal(p.LotSizeFilter[least]), Trading: true,
				}
				if g := got[want.Name]; !g.Same(want) {
					t.Errorf("got %+v, want %+v", g, want)
				}
			}
		}
		if count != len(symbols) || count < 4 {
			t.Errorf("%d symbols, want %d", len(symbols), count)
		}
	}
}
