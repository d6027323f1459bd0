package bybit_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/bybit"
	"github.com/fullon/fullon/internal/venue/venuetest"
)

func result(list string) string {
	return `{"retCode":0,"retMsg":"OK","result":{"list":[` + list + `]}}`
}

func TestTradesFromErrors(t *testing.T) {
	t.Parallel()
	one := func(old, with string) string {
		const trade = `{"execId":"a-1","symbol":"BTCUSDT","price":"1","size":"1","side":"Buy","time":"1700000000100"}`
		return result(strings.Replace(trade, old, with, 1))
	}
	for name, c := range map[string]struct {
		body string
		want error
	}{
		"unknown symbol":   {`{"retCode":10001,"retMsg":"params error: Symbol Invalid","result":{}}`, domain.ErrNotFound},
		"not supported":    {`{"retCode":10001,"retMsg":"Not supported symbols","result":{}}`, domain.ErrNotFound},
		"invalid symbol":   {`{"retCode":10029,"retMsg":"The requested symbol is invalid","result":{}}`, domain.ErrNotFound},
		"refused":          {`{"retCode":10001,"retMsg":"Illegal category","result":{}}`, venue.ErrRefused},
		"closed to us":     {`{"retCode":10024,"retMsg":"Compliance rules triggered","result":{}}`, venue.ErrRefused},
		"no code":          {`{}`, domain.ErrInvalid},
		"code a text":      {`{"retCode":"0"}`, domain.ErrInvalid},
		"list an object":   {`{"retCode":0,"result":{"list":{}}}`, domain.ErrInvalid},
		"id empty":         {one(`"a-1"`, `""`), domain.ErrInvalid},
		"id a number":      {one(`"a-1"`, `1`), domain.ErrInvalid},
		"side unknown":     {one(`"Buy"`, `"buy"`), domain.ErrInvalid},
		"price a number":   {one(`"price":"1"`, `"price":1`), domain.ErrInvalid},
		"price NaN":        {one(`"price":"1"`, `"price":"NaN"`), domain.ErrInvalid},
		"size zero":        {one(`"size":"1"`, `"size":"0"`), domain.ErrInvalid},
		"time negative":    {one(`"1700000000100"`, `"-1"`), domain.ErrInvalid},
		"time an exponent": {one(`"1700000000100"`, `"1.7e12"`), domain.ErrInvalid},
	} {
		a := served(t, map[string]string{"spot": c.body}, nil)
		if trades, err := a.TradesFrom(t.Context(), "BTC/USDT", 1, time.Time{}, 10); !errors.Is(err, c.want) || trades != nil {
			t.Errorf("%s: got %v, %v", name, trades, err)
		}
	}
}

// A venue that is busy says so with status 200; it is asked again.
func TestBusyVenueIsAskedAgain(t *testing.T) {
	t.Parallel()
	answers := map[string]string{}
	var calls atomic.Int32
	a := served(t, answers, func(*http.Request) {
		n := int(calls.Add(1)) // one after the other
		answers["spot"] = []string{`{"retCode":10000,"retMsg":"Server Timeout"}`, `{"retCode":10016,"retMsg":"Server error."}`, result("")}[n-1]
	})
	if trades, err := a.TradesFrom(t.Context(), "BTC/USDT", 1, time.Time{}, 10); err != nil || len(trades) != 0 || calls.Load() != 3 {
		t.Errorf("got %v, %v after %d requests", trades, err, calls.Load())
	}
}

// The oldest of those since the time, up to the limit.
func TestTradesFromATimeOn(t *testing.T) {
	t.Parallel()
	start := time.Now().UTC().Truncate(time.Second).Add(-time.Hour)
	book := venuetest.Book{Trades: map[string][]venuetest.Trade{}}
	for _, symbol := range []string{"BTC/USDT", "BTC/USDT:USDT"} {
		for n := uint64(1); n <= 1200; n++ {
			book.Trades[symbol] = append(book.Trades[symbol], venuetest.Trade{
				Number: n, Side: domain.Buy, Price: "1", Volume: "1", Time: start.Add(time.Duration(n/2) * time.Millisecond),
			})
		}
	}
	web := httptest.NewServer(restOf(book))
	t.Cleanup(web.Close)
	for _, c := range []struct {
		symbol      string
		after       int
		limit       int
		first, last uint64
	}{
		{"BTC/USDT:USDT", 0, 5000, 201, 1200},
		{"BTC/USDT:USDT", 500, 10, 1000, 1009}, // both of the millisecond
		{"BTC/USDT", 0, 5000, 1141, 1200},
	} {
		a, err := bybit.New(venue.Config{RESTURL: web.URL})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(a.Close)
		got, err := a.TradesFrom(t.Context(), c.symbol, 1, start.Add(time.Duration(c.after)*time.Millisecond), c.limit)
		if err != nil || len(got) != int(c.last-c.first)+1 || got[0].ID != uuid(c.first) || got[len(got)-1].ID != uuid(c.last) {
			t.Errorf("%+v: %d trades, %v", c, len(got), err)
		}
	}
}

// A catalogue is whole, or an error: what it lacks would be taken for delisted.
func TestCatalogueIsWhole(t *testing.T) {
	t.Parallel()
	entry := func(symbol, base, quote string) string {
		return fmt.Sprintf(`{"symbol":%q,"contractType":"LinearPerpetual","status":"Trading","baseCoin":%q,"quoteCoin":%q,"settleCoin":%q,
			"priceFilter":{"tickSize":"0.1"},"lotSizeFilter":{"qtyStep":"0.1","minOrderQty":"0.1"}}`, symbol, base, quote, quote)
	}
	spots := result(entry("BTCUSDT", "BTC", "USDT"))
	next := func(page, cursor string) string {
		return strings.Replace(page, `"list"`, fmt.Sprintf(`"nextPageCursor":%q,"list"`, cursor), 1)
	}
	for name, answers := range map[string]map[string]string{
		"no linear":     {"spot": spots, "linear": result("")},
		"no spot":       {"spot": result(""), "linear": spots},
		"second broken": {"spot": spots, "linear": next(spots, "2"), "linear2": `{"retCode":0}x`},
		"a circle":      {"spot": spots, "linear": next(spots, "2"), "linear2": next(spots, "2")},
		"bad cursor":    {"spot": spots, "linear": next(spots, "%zz")},
	} {
		if got, err := served(t, answers, nil).Symbols(t.Context()); !errors.Is(err, domain.ErrInvalid) || got != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	// An entry that could not be followed under its name is left out, and so are
	// contracts with a date.
	perpetuals := strings.Join([]string{
		entry("BTCPERP", "BTC", "USDC"), entry("BTCUSDC", "BTC", "USDC"), entry("SHIB1000USDT", "SHIB", "USDT"),
		strings.Replace(entry("ETHUSDT", "ETH", "USDT"), "LinearPerpetual", "LinearFutures", 1),
	}, ",")
	a := served(t, map[string]string{"spot": spots, "linear": next(result(perpetuals), "2"), "linear2": result("")}, nil)
	got, err := a.Symbols(t.Context())
	if err != nil || len(got) != 2 || got[0].Name != "BTC/USDT" || got[1].Name != "BTC/USDC:USDC" || got[1].VenueSymbol != "BTCPERP" {
		t.Errorf("got %+v, %v", got, err)
	}
}
