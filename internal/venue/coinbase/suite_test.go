package coinbase_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/coinbase"
	"github.com/fullon/fullon/internal/venue/venuetest"
)

type request struct {
	Type     string   `json:"type"`
	Products []string `json:"product_ids"`
	Channel  string   `json:"channel"`
}

func parse(frame string) (r request) { _ = json.Unmarshal([]byte(frame), &r); return r }

// named are the symbols of a request of that type.
func named(frame, kind string) (symbols []string) {
	r := parse(frame)
	for _, id := range r.Products {
		if r.Type == kind {
			symbols = append(symbols, strings.Replace(id, "-", "/", 1))
		}
	}
	return symbols
}

func productID(symbol string) string { return strings.ReplaceAll(symbol, "/", "-") }

// event is a message with one event, numbered by stamp.
func event(channel string, at time.Time, body string) string {
	return fmt.Sprintf(`{"channel":%q,"client_id":"","timestamp":%q,"sequence_num":0,"events":[%s]}`, channel, rfc3339(at), body)
}

func rfc3339(t time.Time) string { return t.Format(time.RFC3339Nano) }

var number = regexp.MustCompile(`"sequence_num": *[0-9]+`)

func stamp(frame string, n int) (string, bool) {
	return number.ReplaceAllString(frame, fmt.Sprintf(`"sequence_num":%d`, n)), number.MatchString(frame)
}

// makers are the sides as the venue tells them.
var makers = map[domain.Side]string{domain.Buy: "SELL", domain.Sell: "BUY"}

func tradeJSON(symbol string, t venuetest.Trade) string {
	return fmt.Sprintf(`{"trade_id":"%d","product_id":%q,"price":%q,"size":%q,"side":%q,"time":%q}`,
		t.Number, productID(symbol), t.Price, t.Volume, makers[t.Side], rfc3339(t.Time))
}

func candleJSON(c domain.Candle) string {
	return fmt.Sprintf(`{"start":"%d","high":"%s","low":"%s","open":"%s","close":"%s","volume":"%s","product_id":%q}`,
		c.Time.Unix(), c.High, c.Low, c.Open, c.Close, c.Volume, productID(c.Symbol))
}

func script() venuetest.Script {
	started := time.Now().UTC()
	return venuetest.Script{
		New:       func(c venue.Config) (venue.Adapter, error) { return coinbase.New(c) },
		Path:      "/",
		Symbols:   [3]string{"BTC/USD", "ETH/USD", "SOL/USD"},
		NoSymbols: []string{"BTC/USD:USD", "btc/usd", "BTC/USD/x", "BTC/USDC"},
		Batch:     50,
		Timeframe: "5m",
		Stamp:     stamp,
		Answer: func(frame string, refused []string) []string {
			r := parse(frame)
			if r.Channel == "heartbeats" {
				return []string{
					event("subscriptions", started, `{"subscriptions":{"heartbeats":["heartbeats"]}}`),
					event("heartbeats", started, `{"current_time":"2026-04-07 14:30:10 +0000 UTC","heartbeat_counter":"1"}`),
				}
			}
			for _, symbol := range refused {
				if slices.Contains(r.Products, productID(symbol)) {
					return []string{`{"type":"error","message":"` + productID(symbol) + ` is not a valid product"}`}
				}
			}
			if r.Type == "unsubscribe" {
				r.Products = []string{}
			}
			list, _ := json.Marshal(r.Products)
			return []string{event("subscriptions", started, fmt.Sprintf(`{"subscriptions":{%q:%s}}`, r.Channel, list))}
		},
		Asks:   func(frame string) []string { return named(frame, "subscribe") },
		Leaves: func(frame string) []string { return named(frame, "unsubscribe") },
		Trades: func(symbol string, trades ...venuetest.Trade) []string {
			var list []string
			for _, t := range trades {
				list = append(list, tradeJSON(symbol, t))
			}
			slices.Reverse(list) // the newest first
			return []string{event("market_trades", started, `{"type":"update","trades":[`+strings.Join(list, ",")+`]}`)}
		},
		Quote: func(symbol string, q venue.Quote, _ uint64, at time.Time) string {
			return event("ticker", at, fmt.Sprintf(`{"type":"update","tickers":[{"type":"ticker","product_id":%q,"price":"100","volume_24_h":"7",
				"best_bid":"%s","best_bid_quantity":"%s","best_ask":"%s","best_ask_quantity":"%s"}]}`,
				productID(symbol), q.Bid, q.BidSize, q.Ask, q.AskSize))
		},
		Bar: func(c domain.Candle) []string {
			next := c
			next.Time = c.Time.Add(c.Timeframe.Duration())
			body := func(bars ...string) string { return `{"type":"update","candles":[` + strings.Join(bars, ",") + `]}` }
			early := c
			early.Close = c.Open // before the end of the bar
			return []string{event("candles", started, body(candleJSON(early))), event("candles", started, body(candleJSON(next), candleJSON(c)))}
		},
		Unknown: []string{
			event("l2_data", started, `{}`), event("news", started, ``),
			event("status", started, `{"type":"snapshot","products":[{"id":"BTC-USD","status":"online"},{"id":"NO-USD","status":"delisted"}]}`),
		},
		Maintenance: []string{
			event("status", started, `{"type":"update","products":[{"product_type":"SPOT","id":"ETH-USD","status":"offline","status_message":"soon"}]}`),
		},
		Delisted: func(symbol string) []string {
			return []string{event("status", started, fmt.Sprintf(`{"type":"update","products":[{"id":%q,"status":"delisted"}]}`, productID(symbol)))}
		},
		REST: restOf,
	}
}

func restOf(b venuetest.Book) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v3/brokerage/market/products", func(w http.ResponseWriter, _ *http.Request) {
		list := []any{}
		for _, s := range b.Symbols {
			list = append(list, map[string]any{
				"product_id": productID(s.Name), "product_type": "SPOT", "base_currency_id": s.Base, "quote_currency_id": s.Quote,
				"price_increment": s.TickSize.String(), "quote_increment": "9", "base_increment": s.LotSize.String(),
				"base_min_size": s.MinVolume.String(), "quote_min_size": s.MinNotional.String(), "status": "online", "trading_disabled": !s.Trading,
			})
		}
		body, _ := json.Marshal(map[string]any{"products": list})
		_, _ = w.Write(body)
	})
	mux.HandleFunc("GET /api/v3/brokerage/market/products/{id}/ticker", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		start, _ := strconv.ParseInt(q.Get("start"), 10, 64)
		end, _ := strconv.ParseInt(q.Get("end"), 10, 64)
		limit, _ := strconv.Atoi(q.Get("limit"))
		symbol := strings.Replace(r.PathValue("id"), "-", "/", 1)
		list := []string{}
		for _, t := range slices.Backward(b.Trades[symbol]) {
			if at := t.Time.Unix(); at >= start && at <= end && len(list) < limit {
				list = append(list, tradeJSON(symbol, t))
			}
		}
		_, _ = fmt.Fprintf(w, `{"trades":[%s],"best_bid":"1","best_ask":"2"}`, strings.Join(list, ","))
	})
	return mux
}

func TestSuite(t *testing.T) {
	t.Parallel()
	venuetest.Run(t, script())
}
