package replay

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// okx speaks version 5 of OKX's public protocol for spot and swaps.
//
// The channel trades had each fill until it came to join those of a taker at one
// price; the fills are what trades-all has. A book's best bid and ask are what
// bbo-tbt has. Both are played so.
type okx struct {
	listed map[string]json.RawMessage // what the recordings hold of the catalogue, by instrument
}

const okxSwap = "-SWAP"

func (*okx) endpoints() []string { return []string{"/ws/v5/public", "/ws/v5/business"} }

func (*okx) assets(market string) (base, quote, settle string) {
	name, swap := strings.CutSuffix(market, okxSwap)
	base, quote, _ = strings.Cut(name, "-")
	switch {
	case strings.Contains(quote, "-"): // with a date of delivery
		return "", "", ""
	case !swap:
		return base, quote, ""
	case quote == "USD":
		return base, quote, base
	}
	return base, quote, quote
}

// list keeps the first entry of an instrument: sizes of contracts are told nowhere
// else.
func (o *okx) list(r record) {
	var body struct {
		Data []json.RawMessage `json:"data"`
	}
	if !strings.Contains(r.URL, "/public/instruments") || json.Unmarshal([]byte(r.Raw), &body) != nil {
		return
	}
	for _, entry := range body.Data {
		var named struct {
			ID string `json:"instId"`
		}
		if json.Unmarshal(entry, &named) == nil && o.listed[named.ID] == nil {
			o.listed[named.ID] = entry
		}
	}
}

// okxArgument names a channel of an instrument.
type okxArgument struct {
	Channel string `json:"channel"`
	Name    string `json:"instId,omitempty"`
}

func (a okxArgument) stream() string { return a.Channel + " " + a.Name }

type okxReader struct {
	books map[string]*book
	tops  map[string]top // the last ones that were told
}

func (*okx) reader() reader { return &okxReader{map[string]*book{}, map[string]top{}} }

type okxTrade struct {
	ID    string `json:"tradeId"`
	Price string `json:"px"`
	Size  string `json:"sz"`
	Side  string `json:"side"`
	Time  string `json:"ts"`
	Count string `json:"count,omitempty"` // of joined trades
	Name  string `json:"instId"`
}

func (t okxTrade) trade() trade {
	return trade{number: number(t.ID), id: t.ID, price: t.Price, size: t.Size, at: number(t.Time) * msNanos, buy: t.Side == "buy"}
}

type okxBook struct {
	Bids [][]string `json:"bids"`
	Asks [][]string `json:"asks"`
	Time string     `json:"ts"`
}

func (x *okxReader) read(r record) []frame {
	var m struct {
		Event  string          `json:"event"`
		Action string          `json:"action"`
		Arg    okxArgument     `json:"arg"`
		Data   json.RawMessage `json:"data"`
	}
	if r.Dir != received || json.Unmarshal([]byte(r.Raw), &m) != nil || m.Event != "" || m.Data == nil || m.Arg.Name == "" {
		return nil
	}
	f := frame{at: r.At, stream: m.Arg.stream(), market: m.Arg.Name, text: []byte(r.Raw)}
	switch m.Arg.Channel {
	case "trades", "trades-all":
		return x.trades(f, m.Arg, m.Data)
	case "books":
		return x.book(f, m.Arg, m.Action, m.Data)
	case "bbo-tbt":
		var list []okxBook
		if json.Unmarshal(m.Data, &list) != nil {
			return nil
		}
		for _, b := range list {
			var best book
			best.bids.take(b.Bids)
			best.asks.take(b.Asks)
			f.needs = f.needs.with(best.top().digits())
		}
	}
	return []frame{f}
}

func (x *okxReader) trades(f frame, arg okxArgument, data json.RawMessage) []frame {
	var list []okxTrade
	if json.Unmarshal(data, &list) != nil {
		return nil
	}
	if arg.Channel == "trades" {
		if slices.ContainsFunc(list, func(t okxTrade) bool { return t.Count != "" }) {
			return []frame{f} // joined ones, whose ids have holes
		}
		arg.Channel = "trades-all"
		f.stream = arg.stream()
		f.text = answer(map[string]any{"arg": arg, "data": list})
	}
	for _, t := range list {
		f.trades = append(f.trades, t.trade())
		f.needs = f.needs.with(digitsOf(t.Price, t.Size))
	}
	return []frame{f}
}

// book tells the best bid and ask whenever another one is.
func (x *okxReader) book(f frame, arg okxArgument, action string, data json.RawMessage) []frame {
	var list []okxBook
	if json.Unmarshal(data, &list) != nil || len(list) == 0 {
		return nil
	}
	b := x.books[arg.Name]
	if b == nil || action == "snapshot" {
		b = &book{}
		x.books[arg.Name] = b
	}
	for _, change := range list {
		b.bids.take(change.Bids)
		b.asks.take(change.Asks)
	}
	best := b.top()
	if best == x.tops[arg.Name] {
		return nil
	}
	x.tops[arg.Name] = best
	arg.Channel = "bbo-tbt"
	f.stream, f.needs = arg.stream(), best.digits()
	f.text = answer(map[string]any{"arg": arg, "data": []okxBook{{
		pair(best.bid, best.bidSize, "0", "1"), pair(best.ask, best.askSize, "0", "1"), list[len(list)-1].Time,
	}}})
	return []frame{f}
}

func (*okx) means(f frame, field string) meaning {
	switch field {
	case "ts":
		return aTime
	case "data": // the first of a bar's values
		if strings.HasPrefix(f.stream, "candle") {
			return aTime
		}
	case "tradeId":
		return aTrade
	case "seqId", "prevSeqId":
		return anUpdate
	}
	return anything
}

type okxSession struct{ catalogue *catalogue }

func (*okx) session(c *catalogue, _ *url.URL) (session, []string, bool) {
	return okxSession{c}, nil, true
}

func (okxSession) say(f frame) []byte { return f.text }

const okxConnection = "replay"

func (s okxSession) take(text []byte, _ streams) (r reply) {
	if string(text) == "ping" {
		r.answers = [][]byte{[]byte("pong")}
		return r
	}
	refuse := func(id, code, message string) {
		r.answers = append(r.answers, answer(map[string]string{"id": id, "event": "error", "code": code, "msg": message, "connId": okxConnection}))
	}
	var request struct {
		ID        string        `json:"id"`
		Operation string        `json:"op"`
		Args      []okxArgument `json:"args"`
	}
	if json.Unmarshal(text, &request) != nil || request.Operation != "subscribe" && request.Operation != "unsubscribe" {
		refuse(request.ID, "60012", "Illegal request: "+string(text))
		return r
	}
	var wrong []okxArgument
	for _, arg := range request.Args {
		if arg.Name != "" && !s.catalogue.has(arg.Name) {
			wrong = append(wrong, arg)
			continue
		}
		if request.Operation == "subscribe" {
			r.begin = append(r.begin, arg.stream())
		} else {
			r.end = append(r.end, arg.stream())
		}
		r.answers = append(r.answers, answer(map[string]any{"id": request.ID, "event": request.Operation, "arg": arg, "connId": okxConnection}))
	}
	for _, arg := range wrong {
		refuse(request.ID, "60018", "Wrong URL or channel:"+arg.Channel+",instId:"+arg.Name+" doesn't exist. Please use the correct URL, channel and parameters referring to API document.")
	}
	return r
}

// okxBody is an answer of REST; the code comes first, as the venue has it.
type okxBody struct {
	Code    string `json:"code"`
	Data    any    `json:"data"`
	Message string `json:"msg"`
}

func (o *okx) rest(s *Server) map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"GET /api/v5/public/instruments": func(w http.ResponseWriter, r *http.Request) {
			writeJSON(w, http.StatusOK, okxBody{Code: "0", Data: o.instruments(s.catalogue, r.URL.Query().Get("instType") == "SWAP")})
		},
		"GET /api/v5/market/history-trades": func(w http.ResponseWriter, r *http.Request) {
			query := r.URL.Query()
			name := query.Get("instId")
			if !s.catalogue.has(name) {
				writeJSON(w, http.StatusOK, okxBody{Code: "51001", Data: []any{}, Message: "Instrument ID does not exist"})
				return
			}
			limit, before := int(number(query.Get("limit"))), number(query.Get("after"))
			if limit == 0 || limit > 100 {
				limit = 100
			}
			trades := s.played(name, func(t tape) []trade {
				if before > 0 {
					return t.before(before, limit)
				}
				return t.newest(limit)
			})
			list := []okxTrade{}
			for _, t := range slices.Backward(trades) {
				list = append(list, okxTrade{t.id, t.price, t.size, okxSide(t.buy), strconv.FormatInt(t.at/msNanos, 10), "", name})
			}
			writeJSON(w, http.StatusOK, okxBody{Code: "0", Data: list})
		},
	}
}

func okxSide(buy bool) string {
	if buy {
		return "buy"
	}
	return "sell"
}

// instruments lists those of a kind. Of swaps that the recordings do not list, a
// contract is one of the base currency, or one dollar.
func (o *okx) instruments(c *catalogue, swaps bool) []any {
	list := []any{}
	c.each(func(market, base, quote, settle string, d digits) {
		if swaps != (settle != "") {
			return
		}
		if entry := o.listed[market]; entry != nil {
			list = append(list, entry)
			return
		}
		entry := map[string]string{"instId": market, "instType": "SPOT", "baseCcy": base, "quoteCcy": quote, "state": "live", "tickSz": d.tick(), "lotSz": d.lot(), "minSz": d.lot()}
		if swaps {
			entry["instType"], entry["baseCcy"], entry["quoteCcy"], entry["settleCcy"] = "SWAP", "", "", settle
			entry["ctVal"], entry["ctMult"], entry["ctType"], entry["ctValCcy"] = "1", "1", "linear", base
			if settle == base {
				entry["ctType"], entry["ctValCcy"] = "inverse", quote
			}
		}
		list = append(list, entry)
	})
	return list
}
