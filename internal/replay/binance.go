package replay

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/sim/restproto"
	"github.com/fullon/fullon/internal/sim/streamproto"
)

// binance speaks Binance's public protocol for spot.
type binance struct{}

func (binance) endpoints() []string { return []string{"/ws", "/ws/", "/stream"} }

func (binance) assets(market string) (base, quote, settle string) {
	base, quote = splitSymbol(market)
	return base, quote, ""
}

func (binance) reader() reader { return binanceReader{} }

type binanceReader struct{}

// binanceEvent is the fields of a payload that are needed. Names that differ in case
// only are both listed, because encoding/json would otherwise take one for the
// other.
type binanceEvent struct {
	Kind   string          `json:"e"`
	Sent   json.RawMessage `json:"E"`
	Symbol string          `json:"s"`
	ID     json.RawMessage `json:"t"`
	Time   json.RawMessage `json:"T"`
	Price  json.RawMessage `json:"p"`
	Change json.RawMessage `json:"P"`
	Qty    json.RawMessage `json:"q"`
	QtyBig json.RawMessage `json:"Q"`
	Maker  json.RawMessage `json:"m"`
	Best   json.RawMessage `json:"M"`
	Update json.RawMessage `json:"u"`
	First  json.RawMessage `json:"U"`
	Bid    json.RawMessage `json:"b"`
	BidQty json.RawMessage `json:"B"`
	Ask    json.RawMessage `json:"a"`
	AskQty json.RawMessage `json:"A"`
	Kline  json.RawMessage `json:"k"`
}

// combined is the form of messages of combined connections.
type combined struct {
	Stream string          `json:"stream"`
	Data   json.RawMessage `json:"data"`
}

func (binanceReader) read(r record) []frame {
	f := frame{at: r.At, text: []byte(r.Raw)}
	var outer combined
	if r.Dir != received || json.Unmarshal(f.text, &outer) != nil {
		return nil
	}
	payload := f.text
	wrapped := outer.Stream != "" && len(outer.Data) > 0
	if wrapped {
		f.stream, payload = outer.Stream, outer.Data
	}
	var e binanceEvent
	if err := json.Unmarshal(payload, &e); err != nil {
		// Streams of all symbols carry lists; they are played, not looked into.
		e = binanceEvent{}
	}
	if !wrapped {
		f.stream = e.stream()
		f.text = streamproto.Wrap(f.stream, payload)
	}
	if f.stream == "" {
		return nil
	}
	f.market = e.Symbol
	f.needs = e.digits()
	if t, ok := e.trade(); ok {
		f.trades = []trade{t}
	}
	return []frame{f}
}

// stream is the name that a raw payload's stream must have had, empty for none.
func (e *binanceEvent) stream() string {
	if e.Symbol == "" {
		return ""
	}
	lower := strings.ToLower(e.Symbol)
	switch e.Kind {
	case "":
		if e.Update != nil && e.Bid != nil && e.Ask != nil {
			return lower + "@bookTicker"
		}
		return ""
	case "24hrTicker":
		return lower + "@ticker"
	case "24hrMiniTicker":
		return lower + "@miniTicker"
	case "depthUpdate":
		return lower + "@depth"
	case "kline":
		var k struct {
			Interval string `json:"i"`
		}
		if json.Unmarshal(e.Kline, &k) != nil || k.Interval == "" {
			return ""
		}
		return lower + "@kline_" + k.Interval
	}
	return lower + "@" + e.Kind
}

func (e *binanceEvent) digits() digits {
	text := func(raw json.RawMessage) string { return strings.Trim(string(raw), `"`) }
	switch e.Kind {
	case "trade", "aggTrade":
		return digitsOf(text(e.Price), text(e.Qty))
	case "": // the best bid and ask
		return digitsOf(text(e.Bid), text(e.BidQty)).with(digitsOf(text(e.Ask), text(e.AskQty)))
	}
	return digits{}
}

// trade is the trade of an event; ok is false for another kind of event.
func (e *binanceEvent) trade() (t trade, ok bool) {
	if e.Kind != "trade" {
		return t, false
	}
	var ms int64
	var maker bool
	for _, f := range [...]struct {
		raw json.RawMessage
		to  any
	}{{e.ID, &t.number}, {e.Price, &t.price}, {e.Qty, &t.size}, {e.Time, &ms}, {e.Maker, &maker}} {
		if json.Unmarshal(f.raw, f.to) != nil {
			return t, false
		}
	}
	t.id, t.at, t.buy = string(e.ID), ms*msNanos, !maker
	return t, true
}

// means knows that the same letters mean different things in different kinds of
// events. Aggregate trades are numbered on their own: a recording holds one kind of
// trades of a market.
func (binance) means(f frame, field string) meaning {
	switch field {
	case "E", "T", "O", "C":
		return aTime
	case "t":
		if strings.Contains(f.stream, "@kline") {
			return aTime
		}
		return aTrade
	case "f", "l", "F", "L":
		if strings.Contains(f.stream, "@aggTrade") { // of the trades that it joins
			return anything
		}
		return aTrade
	case "a":
		if strings.Contains(f.stream, "@aggTrade") { // else a price
			return aTrade
		}
	case "u", "U":
		return anUpdate
	}
	return anything
}

// binanceSession is a connection that gets messages in the combined form or only
// what is in them.
type binanceSession struct{ combined bool }

func (binance) session(_ *catalogue, at *url.URL) (session, []string, bool) {
	names, combined, ok := streamproto.FromURL(at)
	return &binanceSession{combined}, names, ok && len(names) <= streamproto.MaxStreams
}

func (s *binanceSession) take(text []byte, has streams) (r reply) {
	req, err := streamproto.Parse(text)
	if err == nil && req.Method == streamproto.Subscribe && len(has)+len(req.Streams) > streamproto.MaxStreams {
		err = streamproto.ErrTooManyStreams
	}
	if err != nil {
		r.answers = [][]byte{streamproto.Refusal(req.ID, err)}
		return r
	}
	var result any
	switch req.Method {
	case streamproto.Subscribe:
		r.begin = req.Streams
	case streamproto.Unsubscribe:
		r.end = req.Streams
	case streamproto.List:
		result = append([]string{}, has.names()...)
	case streamproto.GetProperty:
		result = s.combined
	case streamproto.SetProperty:
		s.combined = req.Combined
	}
	r.answers = [][]byte{streamproto.Result(req.ID, result)}
	return r
}

func (s *binanceSession) say(f frame) []byte {
	var outer combined
	if s.combined || json.Unmarshal(f.text, &outer) != nil {
		return f.text
	}
	return outer.Data
}

func (binance) rest(s *Server) map[string]http.HandlerFunc {
	handlers := map[string]http.HandlerFunc{}
	for path, answer := range map[string]func(url.Values) (any, error){
		"ping":             func(url.Values) (any, error) { return struct{}{}, nil },
		"time":             s.serverTime,
		"exchangeInfo":     s.exchangeInfo,
		"historicalTrades": s.historicalTrades,
	} {
		handlers["GET /api/v3/"+path] = func(w http.ResponseWriter, r *http.Request) {
			body, err := answer(r.URL.Query())
			restproto.Write(w, s.cfg.Logger, body, err)
		}
	}
	return handlers
}

func (s *Server) serverTime(url.Values) (any, error) {
	return map[string]int64{"serverTime": s.cfg.Clock.Now().UnixMilli()}, nil
}

func (s *Server) exchangeInfo(query url.Values) (any, error) {
	names, _, err := restproto.Symbols(query)
	if err != nil {
		return nil, err
	}
	info := restproto.ExchangeInfo{
		Timezone: "UTC", ServerTime: s.cfg.Clock.Now().UnixMilli(),
		RateLimits: []restproto.RateLimit{}, ExchangeFilters: []string{}, Symbols: []restproto.Symbol{},
	}
	listed := map[string]restproto.Symbol{}
	s.catalogue.each(func(market, base, quote, _ string, d digits) {
		listed[market] = restproto.NewSymbol(base, quote,
			restproto.PriceFilter{Type: "PRICE_FILTER", MinPrice: d.tick(), MaxPrice: "1000000.00000000", TickSize: d.tick()},
			restproto.LotSize{Type: "LOT_SIZE", MinQty: d.lot(), MaxQty: "9000000.00000000", StepSize: d.lot()},
			restproto.Notional{Type: "NOTIONAL", MinNotional: "0.00000000", MaxNotional: "9000000.00000000"},
		)
		if names == nil {
			info.Symbols = append(info.Symbols, listed[market])
		}
	})
	for _, name := range names {
		symbol, ok := listed[name]
		if !ok {
			return nil, restproto.ErrSymbol
		}
		info.Symbols = append(info.Symbols, symbol)
	}
	return info, nil
}

// binanceTrade is a trade as REST prints it.
type binanceTrade struct {
	ID           int64  `json:"id"`
	Price        string `json:"price"`
	Qty          string `json:"qty"`
	QuoteQty     string `json:"quoteQty"`
	Time         int64  `json:"time"`
	IsBuyerMaker bool   `json:"isBuyerMaker"`
	IsBestMatch  bool   `json:"isBestMatch"`
}

func (s *Server) historicalTrades(query url.Values) (any, error) {
	symbol := query.Get("symbol")
	if symbol == "" {
		return nil, restproto.ErrNoSymbol
	}
	if !s.catalogue.has(symbol) {
		return nil, restproto.ErrSymbol
	}
	limit, err := restproto.Limit(query)
	if err != nil {
		return nil, err
	}
	from, err := restproto.Int(query, "fromId", -1)
	if err != nil {
		return nil, err
	}
	trades := s.played(symbol, func(t tape) []trade {
		if from >= 0 {
			return t.from(from, limit)
		}
		return t.newest(limit)
	})
	list := []binanceTrade{} // a list even when there is none
	for _, t := range trades {
		price, err := domain.ParseDecimal("price", t.price)
		if err != nil {
			return nil, err
		}
		size, err := domain.ParseDecimal("qty", t.size)
		if err != nil {
			return nil, err
		}
		list = append(list, binanceTrade{t.number, t.price, t.size, price.Mul(size).StringFixed(8), t.at / msNanos, !t.buy, true})
	}
	return list, nil
}
