package okx_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/venuetest"
)

func TestTradesFromErrors(t *testing.T) {
	t.Parallel()
	trade := func(id, price, volume, side, at string) string {
		return fmt.Sprintf(`{"tradeId":%s,"px":%s,"sz":%s,"side":%q,"ts":%s}`, id, price, volume, side, at)
	}
	list := func(trades ...string) string {
		return `{"code":"0","msg":"","data":[` + strings.Join(trades, ",") + `]}`
	}
	for name, c := range map[string]struct {
		status int
		body   string
		want   error
	}{
		"unknown instrument":    {200, `{"code":"51001","msg":"Instrument ID doesn't exist","data":[]}`, domain.ErrNotFound},
		"the same with a 400":   {400, `{"code":"51001","msg":"Instrument ID doesn't exist","data":[]}`, domain.ErrNotFound},
		"refused":               {200, `{"code":"51000","msg":"Parameter limit error","data":[]}`, venue.ErrRefused},
		"refused with a 400":    {400, `{"code":"51000","msg":"Parameter limit error"}`, venue.ErrRefused},
		"refused by the edge":   {403, `<html>`, venue.ErrRefused},
		"busy":                  {200, `{"code":"50001","msg":"Service temporarily unavailable","data":[]}`, venue.ErrBusy},
		"down":                  {200, `{"data":[],"code":"50026","msg":"System error"}`, venue.ErrBusy},
		"neither":               {200, `{}`, domain.ErrInvalid},
		"no list":               {200, `{"code":"0","msg":""}`, domain.ErrInvalid},
		"a list of another":     {200, `{"code":"0","msg":"","data":{}}`, domain.ErrInvalid},
		"id a number":           {200, list(trade(`7`, `"1"`, `"1"`, "buy", `"1700000000000"`)), domain.ErrInvalid},
		"id negative":           {200, list(trade(`"-7"`, `"1"`, `"1"`, "buy", `"1700000000000"`)), domain.ErrInvalid},
		"id zero":               {200, list(trade(`"0"`, `"1"`, `"1"`, "buy", `"1700000000000"`)), domain.ErrInvalid},
		"side unknown":          {200, list(trade(`"7"`, `"1"`, `"1"`, "b", `"1700000000000"`)), domain.ErrInvalid},
		"price NaN":             {200, list(trade(`"7"`, `"NaN"`, `"1"`, "buy", `"1700000000000"`)), domain.ErrInvalid},
		"size negative":         {200, list(trade(`"7"`, `"1"`, `"-1"`, "buy", `"1700000000000"`)), domain.ErrInvalid},
		"size zero":             {200, list(trade(`"7"`, `"1"`, `"0"`, "buy", `"1700000000000"`)), domain.ErrInvalid},
		"time no number":        {200, list(trade(`"7"`, `"1"`, `"1"`, "buy", `"now"`)), domain.ErrInvalid},
		"time zero":             {200, list(trade(`"7"`, `"1"`, `"1"`, "buy", `"0"`)), domain.ErrInvalid},
		"oldest first":          {200, list(trade(`"6"`, `"1"`, `"1"`, "buy", `"1700000000000"`), trade(`"7"`, `"1"`, `"1"`, "buy", `"1700000000000"`)), domain.ErrInvalid},
		"repeated":              {200, list(trade(`"7"`, `"1"`, `"1"`, "buy", `"1700000000000"`), trade(`"7"`, `"1"`, `"1"`, "buy", `"1700000000000"`)), domain.ErrInvalid},
		"price of nothing":      {200, list(trade(`"7"`, `"0"`, `"1"`, "buy", `"1700000000000"`)), domain.ErrInvalid},
		"price beyond the ends": {200, list(trade(`"7"`, `"1e400"`, `"1"`, "buy", `"1700000000000"`)), domain.ErrInvalid},
	} {
		x := newExchange(t, says(c.status, c.body))
		if trades, err := x.adapter.TradesFrom(t.Context(), "BTC/USDT", 1, start, 10); !errors.Is(err, c.want) || trades != nil {
			t.Errorf("%s: got %v, %v", name, trades, err)
		}
	}
	x := newExchange(t, swapBook("BTC/USDT:USDT"))
	if _, err := x.adapter.TradesFrom(t.Context(), "ETH/USDT:USDT", 1, start, 10); !errors.Is(err, domain.ErrNotFound) {
		t.Errorf("a swap that is not in the catalogue: %v", err)
	}
}

// A venue that is busy says so with status 200; it is asked again.
func TestBusyVenueIsAskedAgain(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	book := restOf(venuetest.Book{Trades: map[string][]venuetest.Trade{"BTC/USDT": tradesNo(1, 2)}})
	x := newExchange(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := calls.Add(1); n <= 3 {
			_, _ = fmt.Fprintf(w, `{"code":%q,"msg":"","data":[]}`, []string{"50001", "50013", "50026"}[n-1])
			return
		}
		book.ServeHTTP(w, r)
	}))
	if trades, err := x.adapter.TradesFrom(t.Context(), "BTC/USDT", 1, start, 10); err != nil || len(trades) != 2 {
		t.Errorf("got %v, %v", trades, err)
	}
}

func tradesNo(from, to uint64) (list []venuetest.Trade) {
	for n := from; n <= to; n++ {
		list = append(list, venuetest.Trade{Number: n, Side: domain.Buy, Price: "1", Volume: "1", Time: start})
	}
	return list
}

// Trades are asked for by number, page by page, and no more pages than are needed.
func TestPagesOfTrades(t *testing.T) {
	t.Parallel()
	hole := append(tradesNo(1000, 1180), tradesNo(1230, 2500)...)
	for name, c := range map[string]struct {
		book        []venuetest.Trade
		from        uint64
		limit       int
		first, last uint64
		count       int
		afters      []string
	}{
		"one page":          {tradesNo(1, 5000), 3500, 10, 3500, 3509, 10, []string{"3600"}},
		"several":           {tradesNo(1, 5000), 3500, 250, 3500, 3749, 250, []string{"3600", "3700", "3800"}},
		"no more than 1000": {tradesNo(1, 5000), 1, 9999, 1, 1000, 1000, []string{"101", "201", "301", "401", "501", "601", "701", "801", "901", "1001"}},
		"to the newest":     {tradesNo(1, 5000), 4850, 1000, 4850, 5000, 151, []string{"4950", "5050"}},
		"past the newest":   {tradesNo(1, 5000), 5001, 1000, 0, 0, 0, []string{"5101"}},
		"older ones gone":   {tradesNo(4000, 5000), 3950, 100, 4000, 4099, 100, []string{"4050", "4150"}},
		"up to a hole":      {hole, 1100, 1000, 1100, 1180, 81, []string{"1200"}},
		"behind a hole":     {hole, 1181, 60, 1230, 1289, 60, []string{"1281", "1381"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newExchange(t, restOf(venuetest.Book{Trades: map[string][]venuetest.Trade{"BTC/USDT": c.book}}))
			got, err := x.adapter.TradesFrom(t.Context(), "BTC/USDT", c.from, start, c.limit)
			if err != nil || len(got) != c.count || c.count > 0 && (got[0].Number != c.first || got[c.count-1].Number != c.last) {
				t.Errorf("%d trades, %v", len(got), err)
			}
			for i := 1; i < len(got); i++ {
				if got[i].Number <= got[i-1].Number {
					t.Errorf("%d after %d", got[i].Number, got[i-1].Number)
				}
			}
			if len(x.calls) != len(c.afters) {
				t.Errorf("%d requests, want %d", len(x.calls), len(c.afters))
			}
			for _, after := range c.afters {
				if uri, want := <-x.calls, "/api/v5/market/history-trades?after="+after+"&instId=BTC-USDT&limit=100&type=1"; uri != want {
					t.Errorf("asked %s, want %s", uri, want)
				}
			}
		})
	}
}

// The contract of a swap is fetched once.
func TestTradesOfSwaps(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v5/public/instruments", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"code":"0","msg":"","data":[`+
			`{"instId":"BTC-USD-SWAP","settleCcy":"BTC","ctType":"inverse","ctValCcy":"USD","ctVal":"100","ctMult":"1","tickSz":"0.1","lotSz":"1","minSz":"2","state":"live"},`+
			`{"instId":"BTC-USDT-SWAP","settleCcy":"USDT","ctType":"linear","ctValCcy":"BTC","ctVal":"0.01","ctMult":"1","tickSz":"0.1","lotSz":"0.1","minSz":"0.2","state":"live"}]}`)
	})
	mux.HandleFunc("GET /api/v5/market/history-trades", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"code":"0","msg":"","data":[{"tradeId":"7","px":"40000","sz":"8","side":"sell","ts":"1700000000000"}]}`)
	})
	x := newExchange(t, mux)
	for symbol, want := range map[string]string{"BTC/USD:BTC": "0.02", "BTC/USDT:USDT": "0.08"} {
		got, err := x.adapter.TradesFrom(t.Context(), symbol, 1, start, 10)
		if err != nil || len(got) != 1 || got[0].Volume.String() != want {
			t.Errorf("%s: got %+v, %v, want %s", symbol, got, err, want)
		}
	}
	if n := len(x.calls); n != 3 {
		t.Errorf("%d requests, want 3", n)
	}
}

// What of the catalogue cannot be used is left out, and costs nothing else.
func TestOddListingsAreLeftOut(t *testing.T) {
	t.Parallel()
	const good = `{"instId":"BTC-USDT-SWAP","settleCcy":"USDT","ctType":"linear","ctValCcy":"BTC","ctVal":"0.01","ctMult":"1","tickSz":"0.1","lotSz":"0.1","minSz":"0.2","state":"live"}`
	list := []string{good}
	for _, change := range [][2]string{
		{"BTC-USDT-SWAP", "BTC-USDT"}, {"BTC-USDT-SWAP", "btc-USDT-SWAP"}, {"BTC-USDT-SWAP", "BTC-USD_UM-SWAP"}, {"BTC-USDT-SWAP", "BTC-USD-SWAP"},
		{"linear", "inverse"}, {"linear", ""}, {`"ctValCcy":"BTC"`, `"ctValCcy":"USDT"`}, {`"ctVal":"0.01"`, `"ctVal":""`}, {`"ctVal":"0.01"`, `"ctVal":"0"`},
		{`"ctMult":"1"`, `"ctMult":"-1"`}, {`"ctMult":"1"`, `"ctMult":"0"`}, {`"tickSz":"0.1"`, `"tickSz":"x"`}, {`"lotSz":"0.1"`, `"lotSz":""`}, {`"minSz":"0.2"`, `"minSz":"1e5"`},
		{`"settleCcy":"USDT"`, `"settleCcy":"USDC"`}, {`"settleCcy":"USDT"`, `"settleCcy":""`},
	} {
		if !strings.Contains(good, change[0]) {
			t.Fatal(change)
		}
		list = append(list, strings.Replace(good, change[0], change[1], 1))
	}
	x := newExchange(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := ""
		if r.URL.Query().Get("instType") == "SWAP" {
			body = strings.Join(list, ",")
		}
		_, _ = io.WriteString(w, `{"code":"0","msg":"","data":[`+body+`]}`)
	}))
	symbols, err := x.adapter.Symbols(t.Context())
	if err != nil || len(symbols) != 1 || symbols[0].Name != "BTC/USDT:USDT" || symbols[0].LotSize.String() != "0.001" || symbols[0].MinVolume.String() != "0.002" {
		t.Errorf("got %+v, %v", symbols, err)
	}
}
