package kraken_test

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
	"github.com/fullon/fullon/internal/venue/kraken"
	"github.com/fullon/fullon/internal/venue/venuetest"
)

type request struct {
	Method string
	Params struct {
		Channel  string
		Symbol   []string
		Interval int
	}
	ID int `json:"req_id"`
}

func parse(frame string) (r request) { _ = json.Unmarshal([]byte(frame), &r); return r }

// named are the symbols of a request of that method.
func named(frame, method string) []string {
	if r := parse(frame); r.Method == method {
		return r.Params.Symbol
	}
	return nil
}

func update(channel string, elements ...string) string {
	return fmt.Sprintf(`{"channel":%q,"type":"update","data":[%s]}`, channel, strings.Join(elements, ","))
}

func rfc3339(t time.Time) string { return t.Format("2006-01-02T15:04:05.000000Z") }

func bar(c domain.Candle) string {
	return update("ohlc", fmt.Sprintf(
		`{"symbol":%q,"open":%s,"high":%s,"low":%s,"close":%s,"trades":%d,"volume":%s,"vwap":1,"interval_begin":%q,"interval":%d}`,
		c.Symbol, c.Open, c.High, c.Low, c.Close, c.Trades, c.Volume, rfc3339(c.Time), c.Timeframe.Duration()/time.Minute))
}

func script() venuetest.Script {
	return venuetest.Script{
		New:       func(c venue.Config) (venue.Adapter, error) { return kraken.New(c) },
		Path:      "/v2",
		Symbols:   [3]string{"BTC/USD", "ETH/USD", "DOGE/USD"},
		NoSymbols: []string{"BTC/USD:USD", "btc/usd", "BTC/USD&x"},
		Batch:     50,
		Answer: func(frame string, refused []string) (answers []string) {
			r := parse(frame)
			if r.Method == "ping" {
				return []string{`{"method":"pong","time_in":"2026-01-01T00:00:00Z","time_out":"2026-01-01T00:00:00Z"}`}
			}
			for _, symbol := range r.Params.Symbol {
				answer := `{"method":"` + r.Method + `","result":{"channel":"x","symbol":%q,"snapshot":true},"success":true,"req_id":%d}`
				if slices.Contains(refused, symbol) && r.Method == "subscribe" {
					answer = `{"error":"Currency pair not supported","method":"subscribe","success":false,"symbol":%q,"req_id":%d}`
				}
				answers = append(answers, fmt.Sprintf(answer, symbol, r.ID))
			}
			return append(answers, `{"channel":"heartbeat"}`)
		},
		Asks:   func(frame string) []string { return named(frame, "subscribe") },
		Leaves: func(frame string) []string { return named(frame, "unsubscribe") },
		Ping:   func(frame string) bool { return parse(frame).Method == "ping" },
		Trades: func(symbol string, trades ...venuetest.Trade) []string {
			var elements []string
			for _, t := range trades {
				elements = append(elements, fmt.Sprintf(`{"symbol":%q,"side":%q,"price":%s,"qty":%s,"ord_type":"limit","trade_id":%d,"timestamp":%q}`,
					symbol, t.Side, t.Price, t.Volume, t.Number, rfc3339(t.Time)))
			}
			slices.Reverse(elements) // the order within a frame must not matter
			return []string{update("trade", elements...)}
		},
		Quote: func(symbol string, q venue.Quote, _ uint64, at time.Time) string {
			return update("ticker", fmt.Sprintf(`{"symbol":%q,"bid":%s,"bid_qty":%s,"ask":%s,"ask_qty":%s,"last":100,"volume":7,"timestamp":%q}`,
				symbol, q.Bid, q.BidSize, q.Ask, q.AskSize, rfc3339(at)))
		},
		Bar: func(c domain.Candle) []string {
			next := c
			next.Time = c.Time.Add(c.Timeframe.Duration())
			return []string{bar(c), bar(next)}
		},
		Unknown: []string{
			`{}`, `{"channel":"news"}`, `{"method":"add_order","success":true}`, update("book"), update("status"),
			`{"channel":"status","data":[{"system":"online"}],"type":"update"}`,
			update("ohlc", `{"symbol":"BTC/USD","interval":3}`),
		},
		Maintenance: []string{
			`{"channel":"status","data":[{"api_version":"v2","system":"maintenance","version":"2.0.6"}],"type":"update"}`,
			`{"channel":"status","data":[{"system":"cancel_only"}],"type":"update"}`,
		},
		REST:    restOf,
		Limited: []string{`{"error":["EGeneral:Too many requests"]}`, `{"error": ["EAPI:Rate limit exceeded"], "result":{}}`},
	}
}

var restNames = strings.NewReplacer("BTC", "XBT", "DOGE", "XDG", "/", "")

func restOf(b venuetest.Book) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /0/public/AssetPairs", func(w http.ResponseWriter, _ *http.Request) {
		list := map[string]any{}
		for _, s := range b.Symbols {
			list["X"+s.Base+"Z"+s.Quote] = map[string]any{
				"altname": restNames.Replace(s.Name), "wsname": strings.NewReplacer("BTC", "XBT", "DOGE", "XDG").Replace(s.Name),
				"tick_size": s.TickSize.String(), "pair_decimals": 9, "lot_decimals": 4,
				"ordermin": s.MinVolume.String(), "costmin": s.MinNotional.String(),
				"status": map[bool]string{true: "online", false: "cancel_only"}[s.Trading],
			}
		}
		body, _ := json.Marshal(map[string]any{"error": []string{}, "result": list})
		_, _ = w.Write(body)
	})
	mux.HandleFunc("GET /0/public/Trades", func(w http.ResponseWriter, r *http.Request) {
		since, _ := strconv.ParseInt(r.URL.Query().Get("since"), 10, 64)
		for symbol, trades := range b.Trades {
			if restNames.Replace(symbol) != r.URL.Query().Get("pair") {
				continue
			}
			list, last := []string{}, since
			for _, t := range trades {
				if t.Time.UnixNano() > since && len(list) < 1000 {
					side := map[domain.Side]string{domain.Buy: "b", domain.Sell: "s"}[t.Side]
					list = append(list, fmt.Sprintf(`["%s","%s",%d.%09d,"%s","l","",%d]`,
						t.Price, t.Volume, t.Time.Unix(), t.Time.Nanosecond(), side, t.Number))
					last = t.Time.UnixNano()
				}
			}
			_, _ = fmt.Fprintf(w, `{"error":[],"result":{"XPAIR":[%s],"last":"%d"}}`, strings.Join(list, ","), last)
			return
		}
		_, _ = fmt.Fprint(w, `{"error":["EQuery:Unknown asset pair"]}`)
	})
	return mux
}

func TestSuite(t *testing.T) {
	t.Parallel()
	venuetest.Run(t, script())
}
