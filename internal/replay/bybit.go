package replay

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// bybit speaks version 5 of Bybit's public protocol for spot and linear perpetuals.
// A market is "spot BTCUSDT" or "linear BTCUSDT", by the address that the recording
// says it was opened at; linear if it does not say.
//
// The venue sends books and the tickers of perpetuals whole and then what changes.
// They are played whole, so that who comes late needs nothing from before; of a
// deeper book, the best bid and ask.
type bybit struct{}

// bybitKinds are the categories.
var bybitKinds = []string{"spot", "linear"}

const bybitPath = "/v5/public/"

func (bybit) endpoints() (paths []string) {
	for _, kind := range bybitKinds {
		paths = append(paths, bybitPath+kind)
	}
	return paths
}

func (bybit) assets(market string) (base, quote, settle string) {
	kind, name, _ := strings.Cut(market, " ")
	if coin, perpetual := strings.CutSuffix(name, "PERP"); perpetual && kind == "linear" {
		return coin, "USDC", "USDC"
	}
	base, quote = splitSymbol(name)
	switch {
	case kind == "spot":
		return base, quote, ""
	case quote == "USDT":
		return base, quote, quote
	}
	return "", "", ""
}

// bybitMessage is a message of a topic.
type bybitMessage struct {
	Topic string          `json:"topic"`
	Type  string          `json:"type"`
	Time  int64           `json:"ts"`
	Data  json.RawMessage `json:"data"`
}

type bybitBook struct {
	Symbol string     `json:"s"`
	Bids   [][]string `json:"b"`
	Asks   [][]string `json:"a"`
	Update int64      `json:"u"`
	Seq    int64      `json:"seq"`
}

type bybitTrade struct {
	ID    string `json:"i"`
	Time  int64  `json:"T"`
	Price string `json:"p"`
	Size  string `json:"v"`
	Side  string `json:"S"`
	Name  string `json:"s"`
	Block bool   `json:"BT"`
}

type bybitReader struct {
	kinds   map[int]string // of the files
	books   map[string]*book
	tops    map[string]top
	tickers map[string]map[string]json.RawMessage
	trades  map[string]int64 // whose ids are no numbers, so far
}

func (bybit) reader() reader {
	return &bybitReader{map[int]string{}, map[string]*book{}, map[string]top{}, map[string]map[string]json.RawMessage{}, map[string]int64{}}
}

func (x *bybitReader) read(r record) []frame {
	if r.Dir == opened {
		for _, kind := range bybitKinds {
			if strings.HasSuffix(r.URL, bybitPath+kind) {
				x.kinds[r.file] = kind
			}
		}
	}
	var m bybitMessage
	if r.Dir != received || json.Unmarshal([]byte(r.Raw), &m) != nil || m.Topic == "" || m.Data == nil {
		return nil
	}
	dot := strings.LastIndexByte(m.Topic, '.')
	if dot < 0 {
		return nil
	}
	topic, kind := m.Topic[:dot], cmp.Or(x.kinds[r.file], "linear")
	f := frame{at: r.At, market: kind + " " + m.Topic[dot+1:], stream: kind + " " + m.Topic, text: []byte(r.Raw)}
	switch {
	case topic == "publicTrade":
		return x.traded(f, m)
	case topic == "tickers":
		return x.ticker(f, m)
	case strings.HasPrefix(topic, "orderbook."):
		return x.book(f, m, kind)
	case strings.HasPrefix(topic, "kline."):
		return []frame{f}
	}
	return nil
}

func (x *bybitReader) traded(f frame, m bybitMessage) []frame {
	var list []bybitTrade
	if json.Unmarshal(m.Data, &list) != nil {
		return nil
	}
	for _, t := range list {
		n := number(t.ID)
		if n == 0 {
			x.trades[f.market]++
			n = x.trades[f.market]
		}
		f.trades = append(f.trades, trade{number: n, id: t.ID, price: t.Price, size: t.Size, at: t.Time * msNanos, buy: t.Side == "Buy"})
		f.needs = f.needs.with(digitsOf(t.Price, t.Size))
	}
	return []frame{f}
}

// ticker joins what changed with what was before.
func (x *bybitReader) ticker(f frame, m bybitMessage) []frame {
	var now map[string]json.RawMessage
	if json.Unmarshal(m.Data, &now) != nil {
		return nil
	}
	if m.Type == "snapshot" {
		x.tickers[f.market] = now
		return []frame{f}
	}
	before := x.tickers[f.market]
	if before == nil {
		return nil // a change of what was not recorded
	}
	maps.Copy(before, now)
	m.Type, m.Data = "snapshot", answer(before)
	f.text = answer(m)
	return []frame{f}
}

// book tells the best bid and ask whenever another one is.
func (x *bybitReader) book(f frame, m bybitMessage, kind string) []frame {
	var change bybitBook
	if json.Unmarshal(m.Data, &change) != nil {
		return nil
	}
	b := x.books[m.Topic+kind]
	if m.Type == "snapshot" {
		b = &book{}
		x.books[m.Topic+kind] = b
	}
	if b == nil {
		return nil
	}
	if strings.HasPrefix(m.Topic, "orderbook.1.") { // a new price replaces the old one
		if len(change.Bids) > 0 {
			b.bids = nil
		}
		if len(change.Asks) > 0 {
			b.asks = nil
		}
	}
	b.bids.take(change.Bids)
	b.asks.take(change.Asks)
	best := b.top()
	if best == x.tops[f.market] {
		return nil
	}
	x.tops[f.market] = best
	change.Bids, change.Asks = pair(best.bid, best.bidSize), pair(best.ask, best.askSize)
	m.Topic, m.Type, m.Data = "orderbook.1."+change.Symbol, "snapshot", answer(change)
	f.stream, f.text, f.needs = kind+" "+m.Topic, answer(m), best.digits()
	return []frame{f}
}

func (bybit) means(f frame, field string) meaning {
	switch field {
	case "ts", "cts", "T", "start", "end", "timestamp":
		return aTime
	case "i":
		return aTrade
	case "u", "seq":
		if strings.Contains(f.stream, "orderbook") {
			return anUpdate
		}
	}
	return anything
}

type bybitSession struct {
	catalogue *catalogue
	kind      string
}

func (bybit) session(c *catalogue, at *url.URL) (session, []string, bool) {
	return bybitSession{c, strings.TrimPrefix(at.Path, bybitPath)}, nil, true
}

func (bybitSession) say(f frame) []byte { return f.text }

// bybitResult answers a request.
type bybitResult struct {
	Success    bool   `json:"success"`
	Message    string `json:"ret_msg"`
	Connection string `json:"conn_id"`
	ID         string `json:"req_id"`
	Operation  string `json:"op"`
}

func (s bybitSession) take(text []byte, _ streams) (r reply) {
	var request struct {
		ID        string   `json:"req_id"`
		Operation string   `json:"op"`
		Args      []string `json:"args"`
	}
	malformed := json.Unmarshal(text, &request) != nil
	result := bybitResult{true, "", "replay", request.ID, request.Operation}
	var names, wrong []string
	for _, topic := range request.Args {
		names = append(names, s.kind+" "+topic)
		if !s.catalogue.has(s.kind + " " + topic[strings.LastIndexByte(topic, '.')+1:]) {
			wrong = append(wrong, topic)
		}
	}
	switch {
	case malformed:
		result.Success, result.Message = false, "malformed request"
	case request.Operation == "ping":
		result.Message = "pong"
	case request.Operation == "unsubscribe":
		r.end = names
	case request.Operation != "subscribe":
		result.Success, result.Message = false, "unknown op"
	case len(wrong) > 0:
		result.Success, result.Message = false, "Invalid symbol :["+strings.Join(wrong, ",")+"]"
	default:
		r.begin = names
	}
	r.answers = [][]byte{answer(result)}
	return r
}

// bybitBody is an answer of REST.
type bybitBody struct {
	Code    int    `json:"retCode"`
	Message string `json:"retMsg"`
	Result  any    `json:"result"`
}

// bybitPast is a trade as REST prints it.
type bybitPast struct {
	ID    string `json:"execId"`
	Name  string `json:"symbol"`
	Price string `json:"price"`
	Size  string `json:"size"`
	Side  string `json:"side"`
	Time  string `json:"time"`
	Block bool   `json:"isBlockTrade"`
}

// bybitMost are the most trades that REST gives.
var bybitMost = map[string]int{"spot": 60, "linear": 1000}

func (bybit) rest(s *Server) map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"GET /v5/market/instruments-info": func(w http.ResponseWriter, r *http.Request) {
			kind := r.URL.Query().Get("category")
			writeJSON(w, http.StatusOK, bybitBody{Message: "OK", Result: map[string]any{
				"category": kind, "list": bybitInstruments(s.catalogue, kind), "nextPageCursor": "",
			}})
		},
		"GET /v5/market/recent-trade": func(w http.ResponseWriter, r *http.Request) {
			query := r.URL.Query()
			kind, name := query.Get("category"), query.Get("symbol")
			if !s.catalogue.has(kind + " " + name) {
				writeJSON(w, http.StatusOK, bybitBody{Code: 10001, Message: "params error: symbol invalid " + name, Result: map[string]any{}})
				return
			}
			limit := int(number(query.Get("limit")))
			if most := bybitMost[kind]; limit == 0 || limit > most {
				limit = most
			}
			list := []bybitPast{}
			for _, t := range slices.Backward(s.played(kind+" "+name, func(t tape) []trade { return t.newest(limit) })) {
				side := map[bool]string{true: "Buy", false: "Sell"}[t.buy]
				list = append(list, bybitPast{t.id, name, t.price, t.size, side, strconv.FormatInt(t.at/msNanos, 10), false})
			}
			writeJSON(w, http.StatusOK, bybitBody{Message: "OK", Result: map[string]any{"category": kind, "list": list}})
		},
	}
}

// bybitInstruments lists those of a category. Where nothing of one was recorded, one
// is listed that is not yet traded: the venue's lists are never empty.
func bybitInstruments(c *catalogue, category string) []any {
	entry := func(name, base, quote, settle, status string, d digits) any {
		return map[string]any{
			"symbol": name, "contractType": "LinearPerpetual", "status": status, "baseCoin": base, "quoteCoin": quote, "settleCoin": settle,
			"priceFilter": map[string]string{"tickSize": d.tick()},
			"lotSizeFilter": map[string]string{
				"minOrderQty": d.lot(), "basePrecision": d.lot(), "qtyStep": d.lot(), "minOrderAmt": "1", "minNotionalValue": "1",
			},
		}
	}
	list := []any{}
	c.each(func(market, base, quote, settle string, d digits) {
		if kind, name, _ := strings.Cut(market, " "); kind == category {
			list = append(list, entry(name, base, quote, settle, "Trading", d))
		}
	})
	if len(list) == 0 {
		list = append(list, entry("BTCUSDT", "BTC", "USDT", "USDT", "PreLaunch", digits{}))
	}
	return list
}
