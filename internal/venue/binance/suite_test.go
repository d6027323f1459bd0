package binance_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/binance"
	"github.com/fullon/fullon/internal/venue/venuetest"
)

func spelled(symbol string) string { return strings.ReplaceAll(symbol, "/", "") }

func wrapped(format string, args ...any) string {
	return `{"stream":"x","data":` + fmt.Sprintf(format, args...) + `}`
}

// asked are the symbols of a request. The quote of all of them is USDT.
func asked(r request) (symbols []string) {
	for _, param := range r.Params {
		name, _, _ := strings.Cut(strings.ToUpper(param), "@")
		symbol := strings.TrimSuffix(name, "USDT") + "/USDT"
		if !slices.Contains(symbols, symbol) {
			symbols = append(symbols, symbol)
		}
	}
	return symbols
}

func script() venuetest.Script {
	parse := func(frame string) (r request) { _ = json.Unmarshal([]byte(frame), &r); return r }
	named := func(frame, method string) []string {
		if r := parse(frame); r.Method == method {
			return asked(r)
		}
		return nil
	}
	return venuetest.Script{
		New:       func(c venue.Config) (venue.Adapter, error) { return binance.New(binance.Config{Config: c}) },
		Path:      "/stream",
		Symbols:   [3]string{"BTC/USDT", "ETH/USDT", "XRP/USDT"},
		NoSymbols: []string{"BTC/USDT:USDT", "btc/usdt", "BTC/USDT@trade"},
		Batch:     10,
		Answer: func(frame string, refused []string) []string {
			r := parse(frame)
			for _, symbol := range asked(r) {
				if slices.Contains(refused, symbol) {
					return []string{fmt.Sprintf(`{"error":{"code":2,"msg":"Invalid request"},"id":%d}`, r.ID)}
				}
			}
			return []string{fmt.Sprintf(`{"result":null,"id":%d}`, r.ID)}
		},
		Asks:   func(frame string) []string { return named(frame, "SUBSCRIBE") },
		Leaves: func(frame string) []string { return named(frame, "UNSUBSCRIBE") },
		Trades: func(symbol string, trades ...venuetest.Trade) (frames []string) {
			for _, t := range trades {
				frames = append(frames, wrapped(`{"e":"trade","E":%d,"s":"%s","t":%d,"p":"%s","q":"%s","T":%d,"m":%t}`,
					t.Time.UnixMilli(), spelled(symbol), t.Number, t.Price, t.Volume, t.Time.UnixMilli(), t.Side == domain.Sell))
			}
			return frames
		},
		Quote: func(symbol string, q venue.Quote, n uint64, _ time.Time) string {
			return wrapped(`{"u":%d,"s":"%s","b":"%s","B":"%s","a":"%s","A":"%s"}`, n, spelled(symbol), q.Bid, q.BidSize, q.Ask, q.AskSize)
		},
		Bar: func(c domain.Candle) []string {
			return []string{wrapped(`{"e":"kline","E":%d,"s":"%s","k":{"t":%d,"i":"%s","o":"%s","c":"%s","h":"%s","l":"%s","v":"%s","n":%d,"x":true}}`,
				c.Time.UnixMilli(), spelled(c.Symbol), c.Time.UnixMilli(), c.Timeframe, c.Open, c.Close, c.High, c.Low, c.Volume, c.Trades)}
		},
		Unknown: []string{`{}`, wrapped(`{"e":"depthUpdate","E":1,"s":"BTCUSDT","U":1,"u":2,"b":[],"a":[]}`), wrapped(`{"e":"news"}`)},
		Leaving: []string{`{"e":"serverShutdown","E":1700000000000}`},
		REST:    restOf,
	}
}

func restOf(b venuetest.Book) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v3/exchangeInfo", func(w http.ResponseWriter, _ *http.Request) {
		var list []string
		for _, s := range b.Symbols {
			status := map[bool]string{true: "TRADING", false: "BREAK"}[s.Trading]
			list = append(list, fmt.Sprintf(`{"symbol":"%s","status":"%s","baseAsset":"%s","quoteAsset":"%s","filters":[
				{"filterType":"PRICE_FILTER","tickSize":"%s"},{"filterType":"LOT_SIZE","minQty":"%s","stepSize":"%s"},
				{"filterType":"NOTIONAL","minNotional":"%s"}]}`,
				s.Base+s.Quote, status, s.Base, s.Quote, s.TickSize, s.MinVolume, s.LotSize, s.MinNotional))
		}
		_, _ = fmt.Fprintf(w, `{"symbols":[%s]}`, strings.Join(list, ","))
	})
	mux.HandleFunc("GET /api/v3/historicalTrades", func(w http.ResponseWriter, r *http.Request) {
		from, _ := strconv.ParseUint(r.URL.Query().Get("fromId"), 10, 64)
		limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
		var list []string
		for _, t := range b.Trades[strings.TrimSuffix(r.URL.Query().Get("symbol"), "USDT")+"/USDT"] {
			if t.Number >= from && len(list) < limit {
				list = append(list, fmt.Sprintf(`{"id":%d,"price":"%s","qty":"%s","time":%d,"isBuyerMaker":%t}`,
					t.Number, t.Price, t.Volume, t.Time.UnixMilli(), t.Side == domain.Sell))
			}
		}
		_, _ = fmt.Fprintf(w, `[%s]`, strings.Join(list, ","))
	})
	return mux
}

func TestSuite(t *testing.T) {
	t.Parallel()
	venuetest.Run(t, script())
}
