package bybit_test

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
	"github.com/fullon/fullon/internal/venue/bybit"
	"github.com/fullon/fullon/internal/venue/venuetest"
)

type request struct {
	Op   string
	ID   string `json:"req_id"`
	Args []string
}

func parse(frame string) (r request) { _ = json.Unmarshal([]byte(frame), &r); return r }

// symbolOf is the unified symbol of a topic, on the endpoint of symbols that end
// so: "/USDT", "/USDT:USDT" or, of a topic in PERP, "/USDC:USDC".
func symbolOf(topic, end string) string {
	name := topic[strings.LastIndex(topic, ".")+1:]
	if end == "/USDC:USDC" {
		return strings.TrimSuffix(name, "PERP") + end
	}
	return strings.TrimSuffix(name, "USDT") + end
}

func nameOf(symbol string) string {
	name, err := bybit.VenueSymbol(symbol)
	if err != nil {
		panic(err)
	}
	return name
}

// uuid is the id of a trade.
func uuid(number uint64) string { return fmt.Sprintf("2020aa29-4d10-5b31-9112-%012x", number) }

var sides = map[domain.Side]string{domain.Buy: "Buy", domain.Sell: "Sell"}

func tradeFrame(symbol string, trades ...venuetest.Trade) string {
	var elements []string
	for _, t := range trades {
		elements = append(elements, fmt.Sprintf(`{"T":%d,"s":%q,"S":%q,"v":%q,"p":%q,"L":"PlusTick","i":%q,"BT":false,"seq":1783284617}`,
			t.Time.UnixMilli(), nameOf(symbol), sides[t.Side], t.Volume, t.Price, uuid(t.Number)))
	}
	return fmt.Sprintf(`{"topic":"publicTrade.%s","type":"snapshot","ts":%d,"data":[%s]}`,
		nameOf(symbol), trades[0].Time.UnixMilli(), strings.Join(elements, ","))
}

func barFrame(c domain.Candle, confirm bool) string {
	interval := strconv.Itoa(int(c.Timeframe.Duration() / time.Minute))
	return fmt.Sprintf(`{"topic":"kline.%s.%s","type":"snapshot","ts":%d,"data":[{"start":%d,"end":%d,"interval":%q,"open":"%s","close":"%s",
		"high":"%s","low":"%s","volume":"%s","turnover":"1","confirm":%t,"timestamp":%[3]d}]}`,
		interval, nameOf(c.Symbol), c.Time.UnixMilli()+1, c.Time.UnixMilli(), c.Time.Add(c.Timeframe.Duration()).UnixMilli()-1, interval,
		c.Open, c.Close, c.High, c.Low, c.Volume, confirm)
}

// named are the symbols of a request of that operation.
func named(frame, operation, end string) (symbols []string) {
	if r := parse(frame); r.Op == operation {
		for _, topic := range r.Args {
			symbols = append(symbols, symbolOf(topic, end))
		}
	}
	return symbols
}

// script is that of an endpoint: symbols there end with the given text.
func script(path, end string) venuetest.Script {
	return venuetest.Script{
		New:     func(c venue.Config) (venue.Adapter, error) { return bybit.New(c) },
		Path:    path,
		Symbols: [3]string{"BTC" + end, "ETH" + end, "1000PEPE" + end},
		NoSymbols: []string{
			"BTC/USD:BTC", "BTC/USDT:USDC", "BTC/USDC:USDT", "BTC/USD:USD", "BTC/EUR:EUR", "btc/usdt", "BTC/USDT&x", "BTC/USDT:USDT-261225",
		},
		Batch: 10,
		Answer: func(frame string, refused []string) []string {
			r := parse(frame)
			if r.Op == "ping" {
				return []string{`{"success":true,"ret_msg":"pong","conn_id":"0970e817-426e","req_id":"","op":"ping"}`}
			}
			if r.Op == "unsubscribe" {
				return []string{fmt.Sprintf(`{"success":true,"ret_msg":"","conn_id":"2324d924-aa4d","req_id":%q,"op":"unsubscribe"}`, r.ID)}
			}
			for _, topic := range r.Args {
				if slices.Contains(refused, symbolOf(topic, end)) {
					return []string{fmt.Sprintf(`{"success":false,"ret_msg":"error:handler not found,topic:%s","conn_id":"x","req_id":%q,"op":"subscribe"}`, topic, r.ID)}
				}
			}
			return []string{fmt.Sprintf(`{"success":true,"ret_msg":"subscribe","conn_id":"2324d924-aa4d","req_id":%q,"op":"subscribe"}`, r.ID)}
		},
		Asks:    func(frame string) []string { return named(frame, "subscribe", end) },
		Leaves:  func(frame string) []string { return named(frame, "unsubscribe", end) },
		Ping:    func(frame string) bool { return parse(frame).Op == "ping" },
		TradeID: uuid,
		Trades: func(symbol string, trades ...venuetest.Trade) []string {
			return []string{tradeFrame(symbol, trades...)}
		},
		Quote: func(symbol string, q venue.Quote, n uint64, at time.Time) string {
			return fmt.Sprintf(`{"topic":"orderbook.1.%s","ts":%d,"type":"snapshot","data":{"s":%[1]q,"b":[["%[3]s","%[4]s"]],"a":[["%[5]s","%[6]s"]],"u":%[7]d,"seq":%[7]d},"cts":%[2]d}`,
				nameOf(symbol), at.UnixMilli(), q.Bid, q.BidSize, q.Ask, q.AskSize, n)
		},
		Bar: func(c domain.Candle) []string {
			early := c
			early.Close = c.Open // before the end of the bar
			return []string{barFrame(early, false), barFrame(c, true)}
		},
		Unknown: []string{
			`{}`, `{"op":"auth","success":true}`, `{"topic":"liquidation.` + nameOf("BTC"+end) + `","data":{}}`, `{"topic":"news"}`,
			`{"topic":"orderbook.50.` + nameOf("BTC"+end) + `","type":"snapshot","data":{}}`,
			`{"topic":"kline.3.` + nameOf("BTC"+end) + `","data":[{"interval":"3","confirm":true}]}`,
		},
		REST: restOf,
		Limited: []string{
			`{"retCode":10006,"retMsg":"Too many visits!","result":{},"retExtInfo":{},"time":1672738134824}`,
			`{ "retCode": 10018, "retMsg": "Exceeded the IP Rate Limit." }`,
			`{"retCode":10429,"retMsg":"System level frequency protection"}`,
		},
	}
}

func inCategory(r *http.Request, symbol string) bool {
	_, _, settle, _ := domain.SplitSymbol(symbol)
	return (r.URL.Query().Get("category") == "spot") == (settle == "")
}

// restOf answers for both categories. Each has an entry that is no symbol here,
// so that none is empty.
func restOf(b venuetest.Book) http.Handler {
	mux := http.NewServeMux()
	reply := func(w http.ResponseWriter, result any) {
		body, _ := json.Marshal(map[string]any{"retCode": 0, "retMsg": "OK", "result": result, "time": 1672738134824})
		_, _ = w.Write(body)
	}
	mux.HandleFunc("GET /v5/market/instruments-info", func(w http.ResponseWriter, r *http.Request) {
		list := []any{}
		if len(b.Symbols) > 0 {
			list = append(list, map[string]any{"symbol": "BTCUSDT-26DEC25", "contractType": "LinearFutures", "status": "Trading", "baseCoin": "BTC", "quoteCoin": "USDT", "settleCoin": "USDT"})
		}
		for _, s := range b.Symbols {
			if !inCategory(r, s.Name) {
				continue
			}
			lots := map[string]any{"minOrderQty": s.MinVolume.String(), "basePrecision": s.LotSize.String(), "minOrderAmt": s.MinNotional.String()}
			if s.Settle != "" {
				lots = map[string]any{"minOrderQty": s.MinVolume.String(), "qtyStep": s.LotSize.String(), "minNotionalValue": s.MinNotional.String()}
			}
			list = append(list, map[string]any{
				"symbol": nameOf(s.Name), "contractType": "LinearPerpetual", "baseCoin": s.Base, "quoteCoin": s.Quote, "settleCoin": s.Settle,
				"priceFilter": map[string]any{"tickSize": s.TickSize.String()}, "lotSizeFilter": lots,
				"status": map[bool]string{true: "Trading", false: "PreLaunch"}[s.Trading],
			})
		}
		reply(w, map[string]any{"category": r.URL.Query().Get("category"), "list": list, "nextPageCursor": ""})
	})
	mux.HandleFunc("GET /v5/market/recent-trade", func(w http.ResponseWriter, r *http.Request) {
		limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
		list := []any{}
		for symbol, trades := range b.Trades {
			if nameOf(symbol) != r.URL.Query().Get("symbol") || !inCategory(r, symbol) {
				continue
			}
			for _, t := range slices.Backward(trades) {
				if len(list) < limit {
					list = append(list, map[string]any{
						"execId": uuid(t.Number), "symbol": nameOf(symbol), "price": t.Price, "size": t.Volume, "side": sides[t.Side],
						"time": strconv.FormatInt(t.Time.UnixMilli(), 10), "isBlockTrade": false,
					})
				}
			}
		}
		reply(w, map[string]any{"category": r.URL.Query().Get("category"), "list": list})
	})
	return mux
}

func TestSuite(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]venuetest.Script{
		"spot":   script("/v5/public/spot", "/USDT"),
		"linear": script("/v5/public/linear", "/USDT:USDT"),
		"USDC":   script("/v5/public/linear", "/USDC:USDC"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			venuetest.Run(t, s)
		})
	}
}
