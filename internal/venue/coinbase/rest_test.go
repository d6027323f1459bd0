package coinbase_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/coinbase"
	"github.com/fullon/fullon/internal/venue/venuetest"
)

func TestTradesFromErrors(t *testing.T) {
	t.Parallel()
	one := func(id, price, size, side, at string) string {
		return fmt.Sprintf(`{"trades":[{"trade_id":%s,"price":%s,"size":%s,"side":%s,"time":%s}]}`, id, price, size, side, at)
	}
	const id, price, size, side, at = `"8"`, `"1"`, `"1"`, `"BUY"`, `"2026-01-01T00:00:00Z"`
	for name, c := range map[string]struct {
		body string
		want error
	}{
		"unknown product": {``, domain.ErrNotFound},
		"id a UUID":       {one(`"x8"`, price, size, side, at), domain.ErrInvalid},
		"id zero":         {one(`"0"`, price, size, side, at), domain.ErrInvalid},
		"id missing":      {one(`""`, price, size, side, at), domain.ErrInvalid},
		"price NaN":       {one(id, `"NaN"`, size, side, at), domain.ErrInvalid},
		"size negative":   {one(id, price, `"-1"`, side, at), domain.ErrInvalid},
		"size zero":       {one(id, price, `"0"`, side, at), domain.ErrInvalid},
		"side unknown":    {one(id, price, size, `"UNKNOWN"`, at), domain.ErrInvalid},
		"time a number":   {one(id, price, size, side, `5`), domain.ErrInvalid},
		"oldest first":    {`{"trades":[` + tradeJSON("BTC/USD", trade(1)) + `,` + tradeJSON("BTC/USD", trade(2)) + `]}`, domain.ErrInvalid},
	} {
		a, _ := served(t, c.body)
		if trades, err := a.TradesFrom(t.Context(), "BTC/USD", 1, time.Now(), 10); !errors.Is(err, c.want) || trades != nil {
			t.Errorf("%s: got %v, %v", name, trades, err)
		}
	}
}

func trade(n uint64) venuetest.Trade {
	return venuetest.Trade{Number: n, Side: domain.Buy, Price: "1", Volume: "1", Time: start.Add(time.Duration(n) * time.Millisecond)}
}

var start = time.Now().UTC().Truncate(time.Second).Add(-time.Hour)

// Of a span with more trades than come at once the venue sends the newest: the
// span is narrowed until the first one that is wanted is among them.
func TestBusySpansAreNarrowed(t *testing.T) {
	t.Parallel()
	var trades []venuetest.Trade
	for n := uint64(1); n <= 20_000; n++ { // within 20 s
		trades = append(trades, trade(n))
	}
	web := httptest.NewServer(restOf(venuetest.Book{Trades: map[string][]venuetest.Trade{"BTC/USD": trades}}))
	t.Cleanup(web.Close)
	a, err := coinbase.New(venue.Config{RESTURL: web.URL, RESTWeight: 1_000_000})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	got, err := a.TradesFrom(t.Context(), "BTC/USD", 5000, trade(4999).Time, 500)
	if err != nil || len(got) == 0 || len(got) > 500 {
		t.Fatalf("%d trades, %v", len(got), err)
	}
	// A second holds a thousand, and its ends are included: the first may be cut.
	if first := got[0].Number; first < 5000 || first > 5100 {
		t.Errorf("the first is %d", first)
	}
	for i, g := range got[1:] {
		if g.Number != got[i].Number+1 {
			t.Fatalf("%d follows %d", g.Number, got[i].Number)
		}
	}
}
