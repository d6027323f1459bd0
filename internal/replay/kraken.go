package replay

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// kraken speaks version 2 of Kraken's WebSocket protocol for spot.
//
// Recordings of version 1 are played as version 2 would tell the same: trades,
// which have no ids there, are numbered from 1; tickers, which have no time, get
// that at which they were recorded. Books of version 1 are passed over.
type kraken struct{}

func (kraken) endpoints() []string { return []string{"/v2"} }

func (kraken) assets(market string) (base, quote, settle string) {
	base, quote, _ = strings.Cut(market, "/")
	return base, quote, ""
}

// The names that version 1 and REST have for assets, and back.
var (
	krakenOld = strings.NewReplacer("BTC", "XBT", "DOGE", "XDG")
	krakenNew = strings.NewReplacer("XBT", "BTC", "XDG", "DOGE")
)

type krakenReader struct{ trades map[string]int64 } // of version 1, so far

func (kraken) reader() reader { return krakenReader{map[string]int64{}} }

// krakenElement is what is needed of an element of a message, and what one is made
// of. Numbers keep their text.
type krakenElement struct {
	Symbol   string      `json:"symbol"`
	Interval int         `json:"interval,omitempty"`
	Side     string      `json:"side,omitempty"`
	Bid      json.Number `json:"bid,omitempty"`
	BidSize  json.Number `json:"bid_qty,omitempty"`
	Ask      json.Number `json:"ask,omitempty"`
	AskSize  json.Number `json:"ask_qty,omitempty"`
	Last     json.Number `json:"last,omitempty"`
	Volume   json.Number `json:"volume,omitempty"`
	Price    json.Number `json:"price,omitempty"`
	Size     json.Number `json:"qty,omitempty"`
	Kind     string      `json:"ord_type,omitempty"`
	ID       int64       `json:"trade_id,omitempty"`
	Time     string      `json:"timestamp,omitempty"`
}

func (e krakenElement) trade() trade {
	at, _ := instant(e.Time)
	return trade{number: e.ID, id: strconv.FormatInt(e.ID, 10), price: e.Price.String(), size: e.Size.String(), at: at, buy: e.Side == "buy"}
}

func (e krakenElement) digits() digits {
	return digitsOf(e.Price.String(), e.Size.String()).with(digitsOf(e.Bid.String(), e.BidSize.String())).with(digitsOf(e.Ask.String(), e.AskSize.String()))
}

// krakenMessage is a message of a channel.
type krakenMessage struct {
	Channel string            `json:"channel"`
	Type    string            `json:"type"`
	Data    []json.RawMessage `json:"data"`
}

func krakenStream(channel string, interval int, symbol string) string {
	if channel == "ohlc" {
		channel += "-" + strconv.Itoa(interval)
	}
	return channel + " " + symbol
}

func (x krakenReader) read(r record) []frame {
	var m krakenMessage
	switch {
	case r.Dir != received:
		return nil
	case strings.HasPrefix(r.Raw, "["):
		return x.old(r)
	case json.Unmarshal([]byte(r.Raw), &m) != nil:
		return nil
	}
	return m.frames(r.At, []byte(r.Raw))
}

// frames are the message's own text, or if it is of several symbols, one of each
// element.
func (m krakenMessage) frames(at int64, text []byte) (frames []frame) {
	switch m.Channel {
	case "ticker", "trade", "ohlc", "book":
	default:
		return nil
	}
	for i, raw := range m.Data {
		var e krakenElement
		if json.Unmarshal(raw, &e) != nil || e.Symbol == "" {
			return nil
		}
		f := frame{at: at, market: e.Symbol, stream: krakenStream(m.Channel, e.Interval, e.Symbol), needs: e.digits()}
		if m.Channel == "trade" {
			f.trades = []trade{e.trade()}
		}
		last := len(frames) - 1
		if i == 0 || frames[last].stream != f.stream {
			f.text = answer(krakenMessage{m.Channel, m.Type, []json.RawMessage{raw}})
			frames = append(frames, f)
			continue
		}
		frames[last].needs = frames[last].needs.with(f.needs)
		frames[last].trades = append(frames[last].trades, f.trades...)
		frames[last].text = append(append(frames[last].text[:len(frames[last].text)-2], ','), string(raw)+"]}"...)
	}
	if len(frames) == 1 {
		frames[0].text = text
	}
	return frames
}

// old reads a message of version 1: channel id, content, channel, symbol.
func (x krakenReader) old(r record) []frame {
	var parts []json.RawMessage
	if json.Unmarshal([]byte(r.Raw), &parts) != nil || len(parts) != 4 {
		return nil
	}
	var channel, symbol string
	if json.Unmarshal(parts[2], &channel) != nil || json.Unmarshal(parts[3], &symbol) != nil {
		return nil
	}
	symbol = krakenNew.Replace(symbol)
	m := krakenMessage{Channel: channel, Type: "update"}
	switch channel {
	case "trade":
		var list [][]string
		if json.Unmarshal(parts[1], &list) != nil {
			return nil
		}
		for _, t := range list {
			if len(t) < 5 {
				return nil
			}
			x.trades[symbol]++
			m.Data = append(m.Data, answer(krakenElement{
				Symbol: symbol, Side: map[string]string{"b": "buy", "s": "sell"}[t[3]], Price: json.Number(t[0]), Size: json.Number(t[1]),
				Kind: map[string]string{"m": "market", "l": "limit"}[t[4]], ID: x.trades[symbol], Time: krakenTime(seconds(t[2])),
			}))
		}
	case "ticker":
		var t struct{ A, B, C, V []json.RawMessage }
		if json.Unmarshal(parts[1], &t) != nil || len(t.A) < 3 || len(t.B) < 3 || len(t.C) < 1 || len(t.V) < 2 {
			return nil
		}
		text := func(raw json.RawMessage) json.Number { return json.Number(strings.Trim(string(raw), `"`)) }
		m.Data = append(m.Data, answer(krakenElement{
			Symbol: symbol, Bid: text(t.B[0]), BidSize: text(t.B[2]), Ask: text(t.A[0]), AskSize: text(t.A[2]),
			Last: text(t.C[0]), Volume: text(t.V[1]), Time: krakenTime(r.At),
		}))
	default:
		return nil
	}
	return m.frames(r.At, answer(m))
}

// seconds are unix seconds with decimals in nanoseconds.
func seconds(text string) int64 {
	whole, fraction, _ := strings.Cut(text, ".")
	return number(whole)*int64(time.Second) + number((fraction + "000000000")[:9])
}

// krakenTime has microseconds, as the venue's times.
func krakenTime(at int64) string { return time.Unix(0, at).UTC().Format("2006-01-02T15:04:05.000000Z") }

func (kraken) means(_ frame, field string) meaning {
	switch field {
	case "timestamp", "interval_begin":
		return aTime
	case "trade_id":
		return aTrade
	}
	return anything
}

type krakenSession struct{ catalogue *catalogue }

func (kraken) session(c *catalogue, _ *url.URL) (session, []string, bool) {
	return krakenSession{c}, nil, true
}

func (krakenSession) say(f frame) []byte { return f.text }

// krakenResult is what a subscription is answered with, symbol by symbol.
type krakenResult struct {
	Method  string         `json:"method"`
	Result  map[string]any `json:"result,omitempty"`
	Success bool           `json:"success"`
	Error   string         `json:"error,omitempty"`
	Symbol  string         `json:"symbol,omitempty"`
	ID      int64          `json:"req_id,omitempty"`
	In      string         `json:"time_in"`
	Out     string         `json:"time_out"`
}

func (s krakenSession) take(text []byte, _ streams) (r reply) {
	var request struct {
		Method string `json:"method"`
		Params struct {
			Channel  string   `json:"channel"`
			Symbols  []string `json:"symbol"`
			Interval int      `json:"interval"`
		} `json:"params"`
		ID int64 `json:"req_id"`
	}
	malformed := json.Unmarshal(text, &request) != nil
	now := krakenTime(time.Now().UnixNano())
	result := krakenResult{Method: request.Method, ID: request.ID, In: now, Out: now}
	say := func(result any) { r.answers = append(r.answers, answer(result)) }
	switch {
	case !malformed && request.Method == "ping":
		say(map[string]any{"method": "pong", "req_id": request.ID, "time_in": now, "time_out": now})
		return r
	case malformed || request.Method != "subscribe" && request.Method != "unsubscribe":
		result.Error = "Malformed request"
		say(result)
		return r
	}
	for _, symbol := range request.Params.Symbols {
		result := result
		if result.Success = s.catalogue.has(symbol); !result.Success {
			result.Error, result.Symbol = "Currency pair not supported "+symbol, symbol
			say(result)
			continue
		}
		result.Result = map[string]any{"channel": request.Params.Channel, "symbol": symbol}
		if request.Params.Interval > 0 {
			result.Result["interval"] = request.Params.Interval
		}
		say(result)
		stream := krakenStream(request.Params.Channel, request.Params.Interval, symbol)
		if request.Method == "subscribe" {
			r.begin = append(r.begin, stream)
		} else {
			r.end = append(r.end, stream)
		}
	}
	return r
}

func krakenBody(w http.ResponseWriter, result any, errs ...string) {
	if len(errs) > 0 {
		writeJSON(w, http.StatusOK, map[string]any{"error": errs})
		return
	}
	writeJSON(w, http.StatusOK, struct {
		Error  []string `json:"error"`
		Result any      `json:"result"`
	}{[]string{}, result})
}

func (kraken) rest(s *Server) map[string]http.HandlerFunc {
	pairs, markets := map[string]any{}, map[string]string{}
	s.catalogue.each(func(market, base, quote, _ string, d digits) {
		name := krakenOld.Replace(base + quote)
		markets[name] = market
		pairs[name] = map[string]any{
			"altname": name, "wsname": krakenOld.Replace(market), "base": krakenOld.Replace(base), "quote": krakenOld.Replace(quote),
			"pair_decimals": d.price, "lot_decimals": d.size, "tick_size": d.tick(), "ordermin": d.lot(), "status": "online",
		}
	})
	return map[string]http.HandlerFunc{
		"GET /0/public/AssetPairs": func(w http.ResponseWriter, _ *http.Request) { krakenBody(w, pairs) },
		"GET /0/public/Trades": func(w http.ResponseWriter, r *http.Request) {
			query := r.URL.Query()
			name := query.Get("pair")
			market, known := markets[name]
			if !known {
				krakenBody(w, nil, "EQuery:Unknown asset pair")
				return
			}
			since, limit := number(query.Get("since")), int(number(query.Get("count")))
			if limit == 0 || limit > 1000 {
				limit = 1000
			}
			last, list := since, []any{}
			for _, t := range s.played(market, func(t tape) []trade { return t.between(since+1, time.Unix(1<<32, 0).UnixNano()) }) {
				if len(list) == limit {
					break
				}
				side := map[bool]string{true: "b", false: "s"}[t.buy]
				list = append(list, []any{t.price, t.size, json.Number(fmt.Sprintf("%d.%09d", t.at/int64(time.Second), t.at%int64(time.Second))), side, "l", "", t.number})
				last = t.at
			}
			krakenBody(w, map[string]any{name: list, "last": strconv.FormatInt(last, 10)})
		},
	}
}
