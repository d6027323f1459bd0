package replay

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// coinbase speaks Coinbase's Advanced Trade protocol for spot.
//
// Recordings of the exchange's own feed are played as Advanced Trade would tell the
// same: ids, numbers, times and the makers' sides are the same there. Books are
// passed over.
type coinbase struct{}

func (coinbase) endpoints() []string { return []string{"/{$}"} }

func (coinbase) assets(market string) (base, quote, settle string) {
	base, quote, _ = strings.Cut(market, "-")
	return base, quote, ""
}

// coinbaseElement is what is needed of an element of a message, and what one is
// made of.
type coinbaseElement struct {
	ID      string `json:"trade_id,omitempty"`
	Product string `json:"product_id"`
	Price   string `json:"price,omitempty"`
	Size    string `json:"size,omitempty"`
	Side    string `json:"side,omitempty"` // the maker's
	Time    string `json:"time,omitempty"`
	Volume  string `json:"volume_24_h,omitempty"`
	Bid     string `json:"best_bid,omitempty"`
	BidSize string `json:"best_bid_quantity,omitempty"`
	Ask     string `json:"best_ask,omitempty"`
	AskSize string `json:"best_ask_quantity,omitempty"`
}

func (e coinbaseElement) trade() trade {
	at, _ := instant(e.Time)
	return trade{number: number(e.ID), id: e.ID, price: e.Price, size: e.Size, at: at, buy: e.Side == "SELL"}
}

func (e coinbaseElement) digits() digits {
	return digitsOf(e.Price, e.Size).with(digitsOf(e.Bid, e.BidSize)).with(digitsOf(e.Ask, e.AskSize))
}

// coinbaseMessage is a message of a channel.
type coinbaseMessage struct {
	Channel string          `json:"channel"`
	Client  string          `json:"client_id"`
	Time    string          `json:"timestamp"`
	Number  int64           `json:"sequence_num"`
	Events  []coinbaseEvent `json:"events"`
}

type coinbaseEvent struct {
	Type          string              `json:"type,omitempty"`
	Trades        []json.RawMessage   `json:"trades,omitempty"`
	Tickers       []json.RawMessage   `json:"tickers,omitempty"`
	Candles       []json.RawMessage   `json:"candles,omitempty"`
	Subscriptions map[string][]string `json:"subscriptions,omitempty"`
}

// list is the elements of the channel.
func (e *coinbaseEvent) list(channel string) *[]json.RawMessage {
	switch channel {
	case "market_trades":
		return &e.Trades
	case "ticker":
		return &e.Tickers
	case "candles":
		return &e.Candles
	}
	return new([]json.RawMessage)
}

type coinbaseReader struct{}

func (coinbase) reader() reader { return coinbaseReader{} }

func (x coinbaseReader) read(r record) []frame {
	if r.Dir != received {
		return nil
	}
	var m coinbaseMessage
	if json.Unmarshal([]byte(r.Raw), &m) != nil {
		return nil
	}
	if m.Channel == "" {
		return x.old(r)
	}
	return m.frames(r.At, []byte(r.Raw))
}

// frames are the message's own text, or if it is of several products, one of each
// product.
func (m coinbaseMessage) frames(at int64, text []byte) (frames []frame) {
	var messages []coinbaseMessage
	for _, event := range m.Events {
		for _, raw := range *event.list(m.Channel) {
			var e coinbaseElement
			if json.Unmarshal(raw, &e) != nil || e.Product == "" {
				return nil
			}
			i := slices.IndexFunc(frames, func(f frame) bool { return f.market == e.Product })
			if i < 0 {
				i = len(frames)
				frames = append(frames, frame{at: at, market: e.Product, stream: m.Channel + " " + e.Product, text: text})
				one := coinbaseEvent{Type: event.Type}
				messages = append(messages, coinbaseMessage{m.Channel, m.Client, m.Time, m.Number, []coinbaseEvent{one}})
			}
			frames[i].needs = frames[i].needs.with(e.digits())
			if m.Channel == "market_trades" {
				frames[i].trades = append(frames[i].trades, e.trade())
			}
			list := messages[i].Events[0].list(m.Channel)
			*list = append(*list, raw)
		}
	}
	if len(frames) > 1 {
		for i := range frames {
			frames[i].text = answer(messages[i])
		}
	}
	return frames
}

// old reads a message of the exchange's own feed.
func (coinbaseReader) old(r record) []frame {
	var x struct {
		Type    string `json:"type"`
		Product string `json:"product_id"`
		ID      int64  `json:"trade_id"`
		Price   string `json:"price"`
		Size    string `json:"size"`
		Side    string `json:"side"`
		Time    string `json:"time"`
		Volume  string `json:"volume_24h"`
		Bid     string `json:"best_bid"`
		BidSize string `json:"best_bid_size"`
		Ask     string `json:"best_ask"`
		AskSize string `json:"best_ask_size"`
	}
	if json.Unmarshal([]byte(r.Raw), &x) != nil {
		return nil
	}
	m := coinbaseMessage{Time: x.Time, Events: []coinbaseEvent{{Type: "update"}}}
	e := coinbaseElement{Product: x.Product, Price: x.Price}
	switch x.Type {
	case "match", "last_match":
		m.Channel = "market_trades"
		e.ID, e.Size, e.Side, e.Time = strconv.FormatInt(x.ID, 10), x.Size, strings.ToUpper(x.Side), x.Time
	case "ticker":
		m.Channel = "ticker"
		e.Volume, e.Bid, e.BidSize, e.Ask, e.AskSize = x.Volume, x.Bid, x.BidSize, x.Ask, x.AskSize
	default:
		return nil
	}
	list := m.Events[0].list(m.Channel)
	*list = append(*list, answer(e))
	return m.frames(r.At, answer(m))
}

func (coinbase) means(_ frame, field string) meaning {
	switch field {
	case "time", "timestamp", "start":
		return aTime
	case "trade_id":
		return aTrade
	}
	return anything
}

// coinbaseSession numbers the messages of a connection.
type coinbaseSession struct {
	catalogue *catalogue
	sent      int64
}

func (coinbase) session(c *catalogue, _ *url.URL) (session, []string, bool) {
	return &coinbaseSession{catalogue: c}, nil, true
}

var coinbaseNumber = regexp.MustCompile(`("sequence_num"\s*:\s*)[0-9]+`)

func (s *coinbaseSession) say(f frame) []byte { return s.numbered(f.text) }

func (s *coinbaseSession) numbered(text []byte) []byte {
	at := coinbaseNumber.FindSubmatchIndex(text)
	if at == nil {
		return text
	}
	out := strconv.AppendInt(slices.Clone(text[:at[3]]), s.sent, 10)
	s.sent++
	return append(out, text[at[1]:]...)
}

func (s *coinbaseSession) take(text []byte, has streams) (r reply) {
	refuse := func(message string) {
		r.answers = append(r.answers, answer(map[string]string{"type": "error", "message": message}))
	}
	var request struct {
		Type     string   `json:"type"`
		Products []string `json:"product_ids"`
		Channel  string   `json:"channel"`
	}
	if json.Unmarshal(text, &request) != nil || request.Type != "subscribe" && request.Type != "unsubscribe" || request.Channel == "" {
		refuse("malformed request")
		return r
	}
	for _, product := range request.Products {
		if !s.catalogue.has(product) {
			refuse(product + " is not a valid product")
			return r
		}
	}
	var names []string
	for _, product := range request.Products {
		names = append(names, request.Channel+" "+product)
	}
	if request.Channel == "heartbeats" { // of no product
		names = []string{"heartbeats heartbeats"}
	}
	all := slices.Collect(func(yield func(string) bool) {
		for name := range has {
			if request.Type == "unsubscribe" && slices.Contains(names, name) {
				continue
			}
			if !yield(name) {
				return
			}
		}
	})
	if request.Type == "subscribe" {
		r.begin = names
		all = append(all, names...)
	} else {
		r.end = names
	}
	slices.Sort(all)
	subscribed := map[string][]string{}
	for _, name := range slices.Compact(all) {
		channel, product, _ := strings.Cut(name, " ")
		subscribed[channel] = append(subscribed[channel], product)
	}
	r.answers = append(r.answers, s.numbered(answer(coinbaseMessage{
		Channel: "subscriptions", Time: time.Now().UTC().Format(time.RFC3339Nano), Events: []coinbaseEvent{{Subscriptions: subscribed}},
	})))
	return r
}

func (coinbase) rest(s *Server) map[string]http.HandlerFunc {
	const products = "GET /api/v3/brokerage/market/products"
	return map[string]http.HandlerFunc{
		products: func(w http.ResponseWriter, _ *http.Request) {
			list := []any{}
			s.catalogue.each(func(market, base, quote, _ string, d digits) {
				list = append(list, map[string]any{
					"product_id": market, "product_type": "SPOT", "base_currency_id": base, "quote_currency_id": quote,
					"price_increment": d.tick(), "quote_increment": d.tick(), "base_increment": d.lot(), "base_min_size": d.lot(),
					"quote_min_size": "1", "status": "online",
				})
			})
			writeJSON(w, http.StatusOK, map[string]any{"products": list, "num_products": len(list)})
		},
		products + "/{product}/ticker": func(w http.ResponseWriter, r *http.Request) {
			product, query := r.PathValue("product"), r.URL.Query()
			if !s.catalogue.has(product) {
				writeJSON(w, http.StatusNotFound, map[string]string{"error": "NOT_FOUND", "error_details": product, "message": "no such product"})
				return
			}
			begin, end, limit := number(query.Get("start")), number(query.Get("end")), int(number(query.Get("limit")))
			if end == 0 {
				end = 1 << 32
			}
			trades := s.played(product, func(t tape) []trade { return t.between(begin*int64(time.Second), end*int64(time.Second)) })
			list := []coinbaseElement{}
			for _, t := range slices.Backward(trades[max(0, len(trades)-limit):]) {
				side := map[bool]string{true: "SELL", false: "BUY"}[t.buy]
				list = append(list, coinbaseElement{
					ID: t.id, Product: product, Price: t.price, Size: t.size, Side: side, Time: time.Unix(0, t.at).UTC().Format(time.RFC3339Nano),
				})
			}
			writeJSON(w, http.StatusOK, map[string]any{"trades": list})
		},
	}
}
