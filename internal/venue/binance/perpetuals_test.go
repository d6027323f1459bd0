package binance_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/binance"
	"github.com/fullon/fullon/internal/venue/venuetest"
)

// Spot and perpetuals of one name are followed side by side, each on its hosts and
// with its streams, and kept apart.
func TestPerpetualsBesideSpot(t *testing.T) {
	t.Parallel()
	futures := venuetest.NewServer(t)
	spot, sink := stream(t, binance.Config{Config: venue.Config{FuturesWSURL: futures.URL}}, "BTC/USDT:USDT", "BTC/USDT", "ETH/USDT:USDT")
	conns := map[string]*venuetest.Conn{}
	for _, c := range []*venuetest.Conn{spot.Accept(t), futures.Accept(t), futures.Accept(t)} {
		conns[c.Path] = c
	}
	bars := []string{"kline_1m", "kline_5m", "kline_15m", "kline_30m", "kline_1h", "kline_4h", "kline_1d"}
	for path, w := range map[string]struct{ names, streams []string }{
		"/stream":  {[]string{"btcusdt"}, append([]string{"bookTicker", "ticker", "trade"}, bars...)},
		publicPath: {[]string{"btcusdt", "ethusdt"}, []string{"bookTicker"}},
		marketPath: {[]string{"btcusdt", "ethusdt"}, append([]string{"ticker", "aggTrade"}, bars...)},
	} {
		c := conns[path]
		if c == nil {
			t.Fatalf("no connection to %s, but %v", path, conns)
		}
		var want []string
		for _, name := range w.names {
			for _, s := range w.streams {
				want = append(want, name+"@"+s)
			}
		}
		r := readRequest(t, c)
		if !slices.Equal(r.Params, want) {
			t.Errorf("%s: subscribed\n%q, want\n%q", path, r.Params, want)
		}
		ack(c, r.ID)
	}
	trade := venuetest.Trade{Number: 7, Side: domain.Sell, Price: "100", Volume: "0.5", Time: time.UnixMilli(1_700_000_000_000)}
	conns[marketPath].Text(perpetuals().Trades("BTC/USDT:USDT", trade)[0])
	if got := sink.Await(t, "trade", venuetest.IsTrade).Trade; got.Symbol != "BTC/USDT:USDT" || got.Number != 7 || got.Side != domain.Sell {
		t.Errorf("got %+v", got)
	}
	conns["/stream"].Text(tradeOf("BTCUSDT", 1))
	if got := sink.Await(t, "trade", venuetest.IsTrade).Trade; got.Symbol != "BTC/USDT" || got.Number != 1 {
		t.Errorf("got %+v", got)
	}
	// What the two endpoints tell becomes one tick.
	one := domain.MustDecimal("1")
	conns[publicPath].Text(perpetuals().Quote("BTC/USDT:USDT", venue.Quote{Bid: one, BidSize: one, Ask: one, AskSize: one}, 1, trade.Time))
	sink.Await(t, "tick", func(e venuetest.Event) bool {
		return e.Tick != nil && e.Tick.Symbol == "BTC/USDT:USDT" && e.Tick.Bid.Equal(one) && e.Tick.Last.String() == "100"
	})
}

// Whoever replaces the hosts of spot gets nothing of futures from the real venue.
func TestPerpetualsWantTheirHosts(t *testing.T) {
	t.Parallel()
	local, far := "ws://127.0.0.1:9", "http://127.0.0.1:9"
	ended, cancel := context.WithCancel(t.Context()) // nothing is dialled, whatever is followed
	cancel()
	for name, c := range map[string]struct {
		cfg  venue.Config
		have bool
	}{
		"nothing replaced":      {venue.Config{}, true},
		"streams of spot":       {venue.Config{WSURL: local}, false},
		"REST of spot":          {venue.Config{RESTURL: far}, false},
		"spot":                  {venue.Config{WSURL: local, RESTURL: far}, false},
		"half of futures":       {venue.Config{WSURL: local, RESTURL: far, FuturesWSURL: local}, false},
		"other half of futures": {venue.Config{WSURL: local, RESTURL: far, FuturesRESTURL: far}, false},
		"both":                  {venue.Config{WSURL: local, RESTURL: far, FuturesWSURL: local, FuturesRESTURL: far}, true},
		"futures alone":         {venue.Config{FuturesWSURL: local, FuturesRESTURL: far}, true},
	} {
		adapter, err := binance.New(binance.Config{Config: c.cfg})
		if err != nil {
			t.Fatal(err)
		}
		// Without a limit the venue is not asked.
		_, err = adapter.TradesFrom(t.Context(), "BTC/USDT:USDT", 1, time.Time{}, 0)
		field, ok := errors.AsType[*domain.FieldError](err)
		if !ok || (field.Field == "limit") != c.have {
			t.Errorf("%s: trades: %v", name, err)
		}
		if c.have {
			continue
		}
		if err := adapter.Stream(ended, venue.NewWanted("BTC/USDT", "BTC/USDT:USDT"), venuetest.NewSink()); !errors.Is(err, domain.ErrInvalid) {
			t.Errorf("%s: stream: %v", name, err)
		}
	}
	for name, cfg := range map[string]venue.Config{
		"streams": {FuturesWSURL: "wss://example.com/ws"}, "REST": {FuturesRESTURL: "example.com"},
	} {
		if _, err := binance.New(binance.Config{Config: cfg}); !errors.Is(err, domain.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A setting for spot that futures do not bear is no error.
func TestPerpetualsPerConnection(t *testing.T) {
	t.Parallel()
	server := venuetest.NewServer(t)
	var symbols []string
	for c := range 23 {
		symbols = append(symbols, string(rune('A'+c))+"/USDT:USDT")
	}
	stream(t, binance.Config{Config: venue.Config{FuturesWSURL: server.URL, MaxSymbols: 102}}, symbols...)
	paths := map[string]int{}
	for range 4 {
		paths[server.Accept(t).Path]++
	}
	if paths[publicPath] != 2 || paths[marketPath] != 2 {
		t.Errorf("connections %v", paths)
	}
}

// futuresAdapter asks another server than spot's; uri is what it was asked.
func futuresAdapter(t *testing.T, status int, spotBody, body string) (adapter *binance.Adapter, uri *string) {
	t.Helper()
	uri = new(string)
	futures := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*uri = r.URL.RequestURI() + r.Header.Get("X-Mbx-Apikey")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(futures.Close)
	adapter, _ = restAdapter(t, binance.Config{APIKey: "the key", Config: venue.Config{FuturesRESTURL: futures.URL}}, 200, spotBody)
	return adapter, uri
}

func TestTradesOfPerpetuals(t *testing.T) {
	t.Parallel()
	adapter, uri := futuresAdapter(t, 200, "", aggList)
	trades, err := adapter.TradesFrom(t.Context(), "BTC/USDT:USDT", 8, time.Time{}, 5000)
	if err != nil || len(trades) != 2 || *uri != "/fapi/v1/aggTrades?fromId=8&limit=1000&symbol=BTCUSDT" {
		t.Fatalf("got %v, %v from %s", trades, err, *uri)
	}
	if x := trades[0]; x.Symbol != "BTC/USDT:USDT" || x.Number != 8 || x.ID != "8" || x.Side != domain.Sell || x.Exchange != "binance" ||
		x.Price.String() != "1.5" || x.Volume.String() != "2" || x.Time.UnixMilli() != 1_700_000_000_008 {
		t.Errorf("got %+v", x)
	}
	adapter, _ = futuresAdapter(t, 400, "", `{"code":-1121,"msg":"Invalid symbol."}`)
	if _, err := adapter.TradesFrom(t.Context(), "BTC/USDT:USDT", 8, time.Time{}, 10); !errors.Is(err, domain.ErrNotFound) {
		t.Errorf("error %v", err)
	}
}

const spotListing = `{"symbol":"BTCUSDT","status":"TRADING","baseAsset":"BTC","quoteAsset":"USDT","filters":[]}`

func TestCatalogueOfPerpetuals(t *testing.T) {
	t.Parallel()
	entry := func(change ...string) string {
		return strings.NewReplacer(change...).Replace(`{"symbol":"BTCUSDT","pair":"BTCUSDT","contractType":"PERPETUAL","status":"TRADING",
			"baseAsset":"BTC","quoteAsset":"USDT","marginAsset":"USDT","filters":[
			{"filterType":"PRICE_FILTER","minPrice":"556.80","maxPrice":"4529764","tickSize":"0.10"},
			{"filterType":"LOT_SIZE","minQty":"0.001","maxQty":"1000","stepSize":"0.001"},
			{"filterType":"MARKET_LOT_SIZE","minQty":"0.5","maxQty":"120","stepSize":"0.5"},
			{"filterType":"MIN_NOTIONAL","notional":"100"}]}`)
	}
	body := `{"symbols":[` + strings.Join([]string{
		entry(),
		entry("BTC", "ETH", "TRADING", "SETTLING"),
		entry(`"BTCUSDT","pair"`, `"BTCUSDT_261225","pair"`, "PERPETUAL", "CURRENT_QUARTER"),
		entry("BTC", "XRP", "PERPETUAL", "PERPETUAL DELIVERING"),
		entry("BTC", "ADA", "PERPETUAL", ""),
		entry("BTC", "DOT", `"marginAsset":"USDT"`, `"marginAsset":"BUSD"`),
		entry("BTC", "LTC", `"marginAsset":"USDT"`, `"marginAsset":""`), // or it would be LTC/USDT
		entry("BTC", "BNB", `"0.10"`, `"NaN"`),
		entry(`"BTCUSDT","pair"`, `"OTHER","pair"`),
	}, ",") + `]}`
	adapter, uri := futuresAdapter(t, 200, `{"symbols":[`+spotListing+`]}`, body)
	symbols, err := adapter.Symbols(t.Context())
	if err != nil || *uri != "/fapi/v1/exchangeInfo" {
		t.Fatalf("error %v from %s", err, *uri)
	}
	perpetual := domain.Symbol{
		Exchange: "binance", Name: "BTC/USDT:USDT", VenueSymbol: "BTCUSDT", Base: "BTC", Quote: "USDT", Settle: "USDT", Trading: true,
		TickSize: domain.MustDecimal("0.1"), LotSize: domain.MustDecimal("0.001"), MinVolume: domain.MustDecimal("0.001"), MinNotional: domain.MustDecimal("100"),
	}
	settling := perpetual
	settling.Name, settling.VenueSymbol, settling.Base, settling.Trading = "ETH/USDT:USDT", "ETHUSDT", "ETH", false
	want := []domain.Symbol{
		perpetual, settling,
		{Exchange: "binance", Name: "BTC/USDT", VenueSymbol: "BTCUSDT", Base: "BTC", Quote: "USDT", Trading: true},
	}
	if len(symbols) != len(want) {
		t.Fatalf("got %+v", symbols)
	}
	for i := range want {
		if !sameSymbol(symbols[i], want[i]) {
			t.Errorf("got %+v, want %+v", symbols[i], want[i])
		}
	}
}

// Half a catalogue would tell that the other half was delisted.
func TestCatalogueIsWholeOrNone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status     int
		spot, body string
	}{
		"no futures": {403, `{"symbols":[` + spotListing + `]}`, ""},
		"odd":        {200, `{"symbols":[` + spotListing + `]}`, "<html>"},
		"no spot":    {200, "<html>", `{"symbols":[]}`},
		"empty":      {200, `{"symbols":[]}`, `{"symbols":[]}`},
	} {
		adapter, _ := futuresAdapter(t, c.status, c.spot, c.body)
		if symbols, err := adapter.Symbols(t.Context()); err == nil || symbols != nil {
			t.Errorf("%s: got %v, %v", name, symbols, err)
		}
	}
}
