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

// How the symbols of a category end here.
const (
	spotEnd      = "/USDT"
	perpetualEnd = "/USDT:USDT"
)

func spelled(symbol string) string {
	name, err := binance.VenueSymbol(symbol)
	if err != nil {
		panic(err)
	}
	return name
}

// unified is the inverse, of a category.
func unified(name, end string) string { return strings.TrimSuffix(name, "USDT") + end }

func wrapped(format string, args ...any) string {
	return `{"stream":"x","data":` + fmt.Sprintf(format, args...) + `}`
}

// asked are the symbols of a request.
func asked(r request, end string) (symbols []string) {
	for _, param := range r.Params {
		name, _, _ := strings.Cut(strings.ToUpper(param), "@")
		symbol := unified(name, end)
		if !slices.Contains(symbols, symbol) {
			symbols = append(symbols, symbol)
		}
	}
	return symbols
}

// script is that of a category.
func script(end string) venuetest.Script {
	parse := func(frame string) (r request) { _ = json.Unmarshal([]byte(frame), &r); return r }
	named := func(frame, method string) []string {
		if r := parse(frame); r.Method == method {
			return asked(r, end)
		}
		return nil
	}
	return venuetest.Script{
		New:       func(c venue.Config) (venue.Adapter, error) { return binance.New(binance.Config{Config: c}) },
		Path:      "/stream",
		Symbols:   [3]string{"BTC" + end, "ETH" + end, "1000PEPE" + end},
		NoSymbols: []string{"BTC/USD:BTC", "BTC/USDT:USDC", "BTC/USDT:USDT-261225", "btc/usdt", "BTC/USDT@trade"},
		Batch:     10,
		Answer: func(frame string, refused []string) []string {
			r := parse(frame)
			for _, symbol := range asked(r, end) {
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

const (
	publicPath = "/public/stream"
	marketPath = "/market/stream"
)

// perpetuals are on two endpoints, of which that of trades is driven into trouble.
func perpetuals() venuetest.Script {
	s := script(perpetualEnd)
	s.New = func(c venue.Config) (venue.Adapter, error) {
		c.FuturesWSURL, c.FuturesRESTURL = c.WSURL, c.RESTURL
		return binance.New(binance.Config{Config: c})
	}
	s.Path, s.Side = marketPath, publicPath
	s.OnSide = func(frame string) bool { return strings.Contains(frame, `"bookTicker"`) }
	s.Trades = func(symbol string, trades ...venuetest.Trade) (frames []string) {
		for _, t := range trades {
			frames = append(frames, wrapped(`{"e":"aggTrade","E":%d,"s":"%s","a":%d,"p":"%s","q":"%s","nq":"%[5]s","f":1,"l":2,"T":%d,"m":%t}`,
				t.Time.UnixMilli(), spelled(symbol), t.Number, t.Price, t.Volume, t.Time.UnixMilli(), t.Side == domain.Sell))
		}
		return frames
	}
	s.Quote = func(symbol string, q venue.Quote, n uint64, at time.Time) string {
		return wrapped(`{"e":"bookTicker","u":%d,"E":%d,"T":%[2]d,"s":"%s","b":"%s","B":"%s","a":"%s","A":"%s"}`,
			n, at.UnixMilli(), spelled(symbol), q.Bid, q.BidSize, q.Ask, q.AskSize)
	}
	s.Unknown = append(s.Unknown, wrapped(`{"e":"trade","E":1,"s":"BTCUSDT","t":1,"p":"1","q":"1","T":1,"m":true}`),
		wrapped(`{"e":"markPriceUpdate","E":1,"s":"BTCUSDT","p":"1","T":1}`))
	return s
}

// onPublic is the same with the other endpoint in trouble.
func onPublic(s venuetest.Script) venuetest.Script {
	s.Path, s.Side = s.Side, s.Path
	s.OnSide = func(frame string) bool {
		return strings.Contains(frame, `"aggTrade"`) || strings.Contains(frame, `"kline"`) || strings.Contains(frame, `"24hrTicker"`)
	}
	return s
}

// restOf answers for both categories. Futures list one that ends too, if any.
func restOf(b venuetest.Book) http.Handler {
	mux := http.NewServeMux()
	status := func(s domain.Symbol) string { return map[bool]string{true: "TRADING", false: "SETTLING"}[s.Trading] }
	mux.HandleFunc("GET /fapi/v1/exchangeInfo", func(w http.ResponseWriter, _ *http.Request) {
		var list []string
		for _, s := range b.Symbols {
			if s.Settle == "" {
				continue
			}
			for name, kind := range map[string]string{spelled(s.Name): "PERPETUAL", spelled(s.Name) + "_261225": "CURRENT_QUARTER"} {
				list = append(list, fmt.Sprintf(`{"symbol":%q,"pair":%q,"contractType":%q,"status":%q,"baseAsset":%q,"quoteAsset":%q,"marginAsset":%q,
					"filters":[{"filterType":"PRICE_FILTER","tickSize":"%s"},{"filterType":"LOT_SIZE","minQty":"%s","stepSize":"%s"},
					{"filterType":"MARKET_LOT_SIZE","minQty":"7","stepSize":"7"},{"filterType":"MIN_NOTIONAL","notional":"%s"}]}`,
					name, spelled(s.Name), kind, status(s), s.Base, s.Quote, s.Settle, s.TickSize, s.MinVolume, s.LotSize, s.MinNotional))
			}
		}
		_, _ = fmt.Fprintf(w, `{"symbols":[%s]}`, strings.Join(list, ","))
	})
	mux.HandleFunc("GET /fapi/v1/aggTrades", func(w http.ResponseWriter, r *http.Request) {
		var list []string
		for _, t := range page(b, r, perpetualEnd) {
			list = append(list, fmt.Sprintf(`{"a":%d,"p":"%s","q":"%s","f":1,"l":2,"T":%d,"m":%t}`,
				t.Number, t.Price, t.Volume, t.Time.UnixMilli(), t.Side == domain.Sell))
		}
		_, _ = fmt.Fprintf(w, `[%s]`, strings.Join(list, ","))
	})
	mux.HandleFunc("GET /api/v3/exchangeInfo", func(w http.ResponseWriter, _ *http.Request) {
		var list []string
		for _, s := range b.Symbols {
			if s.Settle != "" {
				continue
			}
			list = append(list, fmt.Sprintf(`{"symbol":"%s","status":"%s","baseAsset":"%s","quoteAsset":"%s","filters":[
				{"filterType":"PRICE_FILTER","tickSize":"%s"},{"filterType":"LOT_SIZE","minQty":"%s","stepSize":"%s"},
				{"filterType":"NOTIONAL","minNotional":"%s"}]}`,
				s.Base+s.Quote, status(s), s.Base, s.Quote, s.TickSize, s.MinVolume, s.LotSize, s.MinNotional))
		}
		_, _ = fmt.Fprintf(w, `{"symbols":[%s]}`, strings.Join(list, ","))
	})
	mux.HandleFunc("GET /api/v3/historicalTrades", func(w http.ResponseWriter, r *http.Request) {
		var list []string
		for _, t := range page(b, r, spotEnd) {
			list = append(list, fmt.Sprintf(`{"id":%d,"price":"%s","qty":"%s","time":%d,"isBuyerMaker":%t}`,
				t.Number, t.Price, t.Volume, t.Time.UnixMilli(), t.Side == domain.Sell))
		}
		_, _ = fmt.Fprintf(w, `[%s]`, strings.Join(list, ","))
	})
	return mux
}

// page are the trades that a request is about.
func page(b venuetest.Book, r *http.Request, end string) (trades []venuetest.Trade) {
	query := r.URL.Query()
	from, _ := strconv.ParseUint(query.Get("fromId"), 10, 64)
	limit, _ := strconv.Atoi(query.Get("limit"))
	for _, t := range b.Trades[unified(query.Get("symbol"), end)] {
		if t.Number >= from && len(trades) < limit {
			trades = append(trades, t)
		}
	}
	return trades
}

func TestSuite(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]venuetest.Script{
		"spot": script(spotEnd), "perpetuals": perpetuals(), "perpetuals, public endpoint": onPublic(perpetuals()),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			venuetest.Run(t, s)
		})
	}
}
