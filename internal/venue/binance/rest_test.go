package binance_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/binance"
)

// restAdapter answers every request with the body; uri is what it was asked.
func restAdapter(t *testing.T, cfg binance.Config, status int, body string) (adapter *binance.Adapter, uri *string) {
	t.Helper()
	uri = new(string)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*uri = r.URL.RequestURI() + r.Header.Get("X-Mbx-Apikey")
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(web.Close)
	cfg.RESTURL, cfg.RESTBackoff = web.URL, time.Microsecond
	adapter, err := binance.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(adapter.Close)
	return adapter, uri
}

const (
	rawList = `[{"id":8,"price":"1.50","qty":"2","quoteQty":"3","time":1700000000008,"isBuyerMaker":true,"isBestMatch":true},
		{"id":9,"price":"1.60","qty":"3","quoteQty":"3","time":1700000000009,"isBuyerMaker":false,"isBestMatch":true}]`
	aggList = `[{"a":8,"p":"1.50","q":"2","f":1,"l":2,"T":1700000000008,"M":false,"m":true},
		{"a":9,"p":"1.60","q":"3","f":3,"l":4,"T":1700000000009,"m":false,"M":true}]`
)

func TestTradesFrom(t *testing.T) {
	t.Parallel()
	for kind, c := range map[binance.TradeKind]struct{ body, uri string }{
		binance.RawTrades:       {rawList, "/api/v3/historicalTrades?fromId=8&limit=500&symbol=BTCUSDTthe key"},
		binance.AggregateTrades: {aggList, "/api/v3/aggTrades?fromId=8&limit=500&symbol=BTCUSDTthe key"},
	} {
		adapter, uri := restAdapter(t, binance.Config{Trades: kind, APIKey: "the key"}, 200, c.body)
		trades, err := adapter.TradesFrom(t.Context(), "BTC/USDT", 8, time.Time{}, 500)
		if err != nil || len(trades) != 2 || *uri != c.uri {
			t.Fatalf("%s: got %v, %v from %s", kind, trades, err, *uri)
		}
		for i := range trades {
			trades[i].Received = time.Time{}
		}
		want := venue.NumberedTrade{Number: 8, Trade: domain.Trade{
			Exchange: "binance", Symbol: "BTC/USDT", ID: "8", Side: domain.Sell,
			Price: domain.MustDecimal("1.5"), Volume: domain.MustDecimal("2"), Time: time.UnixMilli(1_700_000_000_008).UTC(),
		}}
		if fmt.Sprint(trades[0]) != fmt.Sprint(want) || trades[1].Side != domain.Buy {
			t.Errorf("%s: got %+v, want %+v", kind, trades[0], want)
		}
	}
}

func TestTradesFromKeepsToItsBounds(t *testing.T) {
	t.Parallel()
	adapter, uri := restAdapter(t, binance.Config{}, 200, rawList)
	if trades, err := adapter.TradesFrom(t.Context(), "BTC/USDT", 9, time.Time{}, 5000); err != nil || len(trades) != 1 || trades[0].Number != 9 {
		t.Errorf("from 9: got %v, %v", trades, err)
	}
	if !strings.Contains(*uri, "limit=1000") {
		t.Errorf("asked for %s", *uri)
	}
	if trades, err := adapter.TradesFrom(t.Context(), "BTC/USDT", 0, time.Time{}, 1); err != nil || len(trades) != 1 || trades[0].Number != 8 {
		t.Errorf("limit 1: got %v, %v", trades, err)
	}
	empty, _ := restAdapter(t, binance.Config{}, 200, `[]`)
	if trades, err := empty.TradesFrom(t.Context(), "BTC/USDT", 9, time.Time{}, 10); err != nil || len(trades) != 0 {
		t.Errorf("none: got %v, %v", trades, err)
	}
}

func TestTradesFromErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		want   error
	}{
		"unknown symbol": {400, `{"code":-1121,"msg":"Invalid symbol."}`, domain.ErrNotFound},
		"refused":        {400, `{"code":-1100,"msg":"Illegal characters"}`, venue.ErrRefused},
		"not JSON":       {200, `<html>`, domain.ErrInvalid},
		"cut":            {200, rawList[:50], domain.ErrInvalid},
		"no list":        {200, `{}`, domain.ErrInvalid},
		"no id":          {200, `[{"price":"1","qty":"1","time":1,"isBuyerMaker":true}]`, domain.ErrInvalid},
		"no side":        {200, `[{"id":8,"price":"1","qty":"1","time":1}]`, domain.ErrInvalid},
		"negative id":    {200, `[{"id":-8,"price":"1","qty":"1","time":1,"isBuyerMaker":true}]`, domain.ErrInvalid},
		"price a number": {200, `[{"id":8,"price":1,"qty":"1","time":1,"isBuyerMaker":true}]`, domain.ErrInvalid},
		"price NaN":      {200, `[{"id":8,"price":"NaN","qty":"1","time":1,"isBuyerMaker":true}]`, domain.ErrInvalid},
		"size negative":  {200, `[{"id":8,"price":"1","qty":"-1","time":1,"isBuyerMaker":true}]`, domain.ErrInvalid},
		"size zero":      {200, `[{"id":8,"price":"1","qty":"0","time":1,"isBuyerMaker":true}]`, domain.ErrInvalid},
		"out of order": {200, `[{"id":9,"price":"1","qty":"1","time":1,"isBuyerMaker":true},` +
			`{"id":8,"price":"1","qty":"1","time":1,"isBuyerMaker":true}]`, domain.ErrInvalid},
	} {
		adapter, _ := restAdapter(t, binance.Config{}, c.status, c.body)
		trades, err := adapter.TradesFrom(t.Context(), "BTC/USDT", 8, time.Time{}, 10)
		if !errors.Is(err, c.want) || trades != nil {
			t.Errorf("%s: got %v, %v", name, trades, err)
		}
	}
	adapter, _ := restAdapter(t, binance.Config{}, 429, ``)
	if _, err := adapter.TradesFrom(t.Context(), "BTC/USDT", 8, time.Time{}, 10); err == nil {
		t.Error("no error for 429")
	} else if limited, ok := errors.AsType[*venue.LimitedError](err); !ok || limited.Wait < 59*time.Minute {
		t.Errorf("error %v", err)
	}
	for _, symbol := range []string{"BTC/USDT:USDT", "BTC"} {
		if _, err := adapter.TradesFrom(t.Context(), symbol, 8, time.Time{}, 10); !errors.Is(err, domain.ErrInvalid) {
			t.Errorf("%s: error %v", symbol, err)
		}
	}
	if _, err := adapter.TradesFrom(t.Context(), "BTC/USDT", 8, time.Time{}, 0); !errors.Is(err, domain.ErrInvalid) {
		t.Errorf("limit 0: error %v", err)
	}
}

func TestSymbols(t *testing.T) {
	t.Parallel()
	adapter, uri := restAdapter(t, binance.Config{}, 200, `{"symbols":[
		{"symbol":"ETHBTC","status":"TRADING","baseAsset":"ETH","quoteAsset":"BTC","filters":[
			{"filterType":"PRICE_FILTER","minPrice":"0.1","maxPrice":"1","tickSize":"0.00001000"},
			{"filterType":"LOT_SIZE","minQty":"0.00020000","maxQty":"1","stepSize":"0.00010000"},
			{"filterType":"NOTIONAL","minNotional":"0.00010000"}]},
		{"symbol":"LTCBTC","status":"BREAK","baseAsset":"LTC","quoteAsset":"BTC","filters":[
			{"filterType":"MIN_NOTIONAL","minNotional":"5"}]},
		{"symbol":"ODDBTC","status":"TRADING","baseAsset":"O D","quoteAsset":"BTC","filters":[]},
		{"symbol":"NANBTC","status":"TRADING","baseAsset":"NAN","quoteAsset":"BTC","filters":[
			{"filterType":"PRICE_FILTER","tickSize":"NaN"}]},
		{"symbol":"OTHER","status":"TRADING","baseAsset":"ONE","quoteAsset":"BTC","filters":[]}]}`)
	symbols, err := adapter.Symbols(t.Context())
	if err != nil || len(symbols) != 2 || *uri != "/api/v3/exchangeInfo" {
		t.Fatalf("got %+v, %v from %s", symbols, err, *uri)
	}
	want := []domain.Symbol{
		{
			Exchange: "binance", Name: "ETH/BTC", VenueSymbol: "ETHBTC", Base: "ETH", Quote: "BTC", Trading: true,
			TickSize: domain.MustDecimal("0.00001"), LotSize: domain.MustDecimal("0.0001"),
			MinVolume: domain.MustDecimal("0.0002"), MinNotional: domain.MustDecimal("0.0001"),
		},
		{
			Exchange: "binance", Name: "LTC/BTC", VenueSymbol: "LTCBTC", Base: "LTC", Quote: "BTC",
			MinNotional: domain.MustDecimal("5"),
		},
	}
	for i := range want {
		if !sameSymbol(symbols[i], want[i]) {
			t.Errorf("got %+v, want %+v", symbols[i], want[i])
		}
	}
	for _, body := range []string{`{}`, `{"symbols":[]}`, `[]`, `{"symbols":[{"symbol":1}]}`} {
		adapter, _ := restAdapter(t, binance.Config{}, 200, body)
		if _, err := adapter.Symbols(t.Context()); !errors.Is(err, domain.ErrInvalid) {
			t.Errorf("%s: error %v", body, err)
		}
	}
}

// sameSymbol compares numbers by value: 0.10 and 0.1 are the same.
func sameSymbol(a, b domain.Symbol) bool {
	for _, p := range [][2]*domain.Decimal{
		{&a.TickSize, &b.TickSize}, {&a.LotSize, &b.LotSize}, {&a.MinVolume, &b.MinVolume}, {&a.MinNotional, &b.MinNotional},
	} {
		if !p[0].Equal(*p[1]) {
			return false
		}
		*p[0] = *p[1]
	}
	return a == b
}
