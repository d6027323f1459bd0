package kraken_test

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
	"github.com/fullon/fullon/internal/venue/kraken"
	"github.com/fullon/fullon/internal/venue/venuetest"
)

func TestTradesFromErrors(t *testing.T) {
	t.Parallel()
	one := func(values string) string { return `{"error":[],"result":{"X":[[` + values + `]],"last":"1"}}` }
	for name, c := range map[string]struct {
		body string
		want error
	}{
		"unknown pair":     {`{"error":["EQuery:Unknown asset pair"]}`, domain.ErrNotFound},
		"refused":          {`{"error":["EGeneral:Invalid arguments"]}`, venue.ErrRefused},
		"neither":          {`{}`, domain.ErrInvalid},
		"no last":          {`{"error":[],"result":{"X":[]}}`, domain.ErrInvalid},
		"last a number":    {`{"error":[],"result":{"X":[],"last":1}}`, domain.ErrInvalid},
		"no list":          {`{"error":[],"result":{"X":{},"last":"1"}}`, domain.ErrInvalid},
		"short":            {one(`"1","1",1700000000.1,"b","l",""`), domain.ErrInvalid},
		"id a text":        {one(`"1","1",1700000000.1,"b","l","","7"`), domain.ErrInvalid},
		"id zero":          {one(`"1","1",1700000000.1,"b","l","",0`), domain.ErrInvalid},
		"side unknown":     {one(`"1","1",1700000000.1,"x","l","",7`), domain.ErrInvalid},
		"price a number":   {one(`1,"1",1700000000.1,"b","l","",7`), domain.ErrInvalid},
		"price NaN":        {one(`"NaN","1",1700000000.1,"b","l","",7`), domain.ErrInvalid},
		"size zero":        {one(`"1","0",1700000000.1,"b","l","",7`), domain.ErrInvalid},
		"time negative":    {one(`"1","1",-1,"b","l","",7`), domain.ErrInvalid},
		"time an exponent": {one(`"1","1",1.7e9,"b","l","",7`), domain.ErrInvalid},
		"out of order":     {one(`"1","1",1700000000.1,"b","l","",7],["1","1",1700000000.1,"b","l","",6`), domain.ErrInvalid},
	} {
		a, _ := served(t, c.body)
		if trades, err := a.TradesFrom(t.Context(), "BTC/USD", 1, time.Now(), 10); !errors.Is(err, c.want) || trades != nil {
			t.Errorf("%s: got %v, %v", name, trades, err)
		}
	}
}

// A venue that is busy says so with status 200; it is asked again.
func TestBusyVenueIsAskedAgain(t *testing.T) {
	t.Parallel()
	book := restOf(venuetest.Book{Trades: map[string][]venuetest.Trade{"BTC/USD": {trade(1), trade(2)}}})
	var calls atomic.Int32
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := calls.Add(1); n <= 3 {
			_, _ = fmt.Fprintf(w, `{"error":[%q]}`, []string{"EService:Unavailable", "EService:Busy", "EGeneral:Internal error"}[n-1])
			return
		}
		book.ServeHTTP(w, r)
	}))
	t.Cleanup(web.Close)
	a, err := kraken.New(venue.Config{RESTURL: web.URL, RESTBackoff: time.Microsecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	if trades, err := a.TradesFrom(t.Context(), "BTC/USD", 1, trade(1).Time, 10); err != nil || len(trades) != 2 {
		t.Errorf("got %v, %v", trades, err)
	}
}

var start = time.Now().UTC().Truncate(time.Second).Add(-time.Hour)

func trade(n uint64) venuetest.Trade {
	return venuetest.Trade{Number: n, Side: domain.Buy, Price: "1", Volume: "1", Time: start.Add(time.Duration(n) * time.Millisecond)}
}

// Trades that are far behind since are found over several pages.
func TestPagesAreFollowed(t *testing.T) {
	t.Parallel()
	var trades []venuetest.Trade
	for n := uint64(1); n <= 5000; n++ {
		trades = append(trades, trade(n))
	}
	var calls atomic.Int32
	book := restOf(venuetest.Book{Trades: map[string][]venuetest.Trade{"DOGE/USD": trades}})
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { calls.Add(1); book.ServeHTTP(w, r) }))
	t.Cleanup(web.Close)
	a, err := kraken.New(venue.Config{RESTURL: web.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	got, err := a.TradesFrom(t.Context(), "DOGE/USD", 3500, trade(1).Time, 1000)
	if err != nil || len(got) != 1000 || got[0].Number != 3500 || got[999].Number != 4499 || calls.Load() != 5 {
		t.Errorf("%d trades, %v, %d requests", len(got), err, calls.Load())
	}
}

func TestNamesOfREST(t *testing.T) {
	t.Parallel()
	for symbol, want := range map[string]string{"BTC/USD": "XBTUSD", "ETH/BTC": "ETHXBT", "DOGE/EUR": "XDGEUR", "AAPLx/USD": "AAPLxUSD"} {
		a, uri := served(t, `{"error":[],"result":{"X":[],"last":"1"}}`)
		if _, err := a.TradesFrom(t.Context(), symbol, 1, time.Now(), 1); err != nil || !strings.Contains(*uri, "pair="+want+"&") {
			t.Errorf("%s: asked %s, %v", symbol, *uri, err)
		}
	}
}
