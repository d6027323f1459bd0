package sim

import (
	"math"

	"github.com/fullon/fullon/internal/sim/restproto"
)

type restTrade struct {
	ID           int64 `json:"id"`
	Price        fixed `json:"price"`
	Qty          fixed `json:"qty"`
	QuoteQty     fixed `json:"quoteQty"`
	Time         int64 `json:"time"`
	IsBuyerMaker bool  `json:"isBuyerMaker"`
	IsBestMatch  bool  `json:"isBestMatch"`
}

func (m *market) restTrades(trades []trade) []restTrade {
	out := make([]restTrade, 0, len(trades))
	for _, tr := range trades {
		out = append(out, restTrade{
			ID: tr.id, Price: m.price(tr.ticks), Qty: m.size(tr.lots), QuoteQty: m.cost(tr),
			Time: tr.ms, IsBuyerMaker: tr.maker, IsBestMatch: true,
		})
	}
	return out
}

func (x *Exchange) trades(q query) (any, error) {
	m, err := q.market(x)
	if err != nil {
		return nil, err
	}
	limit, err := restproto.Limit(q.values)
	if err != nil {
		return nil, err
	}
	return m.restTrades(m.tape.newest(limit)), nil
}

func (x *Exchange) historicalTrades(q query) (any, error) {
	m, err := q.market(x)
	if err != nil {
		return nil, err
	}
	limit, err := restproto.Limit(q.values)
	if err != nil {
		return nil, err
	}
	if q.values.Get("fromId") == "" {
		return m.restTrades(m.tape.newest(limit)), nil
	}
	from, err := restproto.Int(q.values, "fromId", 0)
	if err != nil {
		return nil, err
	}
	return m.restTrades(m.tape.from(from, limit)), nil
}

type restAgg struct {
	ID      int64 `json:"a"`
	Price   fixed `json:"p"`
	Qty     fixed `json:"q"`
	First   int64 `json:"f"`
	Last    int64 `json:"l"`
	Time    int64 `json:"T"`
	IsMaker bool  `json:"m"`
	IsBest  bool  `json:"M"`
}

func (x *Exchange) aggTrades(q query) (any, error) {
	m, err := q.market(x)
	if err != nil {
		return nil, err
	}
	limit, err := restproto.Limit(q.values)
	if err != nil {
		return nil, err
	}
	from, err := restproto.Int(q.values, "fromId", 0)
	if err != nil {
		return nil, err
	}
	begin, end, timed, err := q.period()
	if err != nil {
		return nil, err
	}
	forward := timed || q.values.Get("fromId") != ""
	var aggs []aggTrade
	for _, a := range m.tape.aggsFrom(from, math.MaxInt) {
		if a.ms >= begin && a.ms <= end {
			aggs = append(aggs, a)
		}
	}
	if len(aggs) > limit {
		if forward {
			aggs = aggs[:limit]
		} else {
			aggs = aggs[len(aggs)-limit:]
		}
	}
	out := make([]restAgg, 0, len(aggs))
	for _, a := range aggs {
		out = append(out, restAgg{a.agg, m.price(a.ticks), m.size(a.lots), a.first, a.id, a.ms, a.maker, true})
	}
	return out, nil
}

func (x *Exchange) klines(q query) (any, error) {
	m, err := q.market(x)
	if err != nil {
		return nil, err
	}
	tf, ok := knownTimeframe(q.values.Get("interval"))
	if !ok {
		return nil, restproto.ErrInterval
	}
	limit, err := restproto.Limit(q.values)
	if err != nil {
		return nil, err
	}
	from, to, forward, err := q.period()
	if err != nil {
		return nil, err
	}
	s := m.candles(tf)
	out := [][]any{}
	for _, b := range s.between(from, to, limit, forward) {
		out = append(out, []any{
			b.start, m.price(b.open), m.price(b.high), m.price(b.low), m.price(b.close), m.size(b.lots),
			b.start + s.length - 1, b.quote, b.trades, m.size(b.takerLots), b.takerQuote, "0",
		})
	}
	return out, nil
}

type restDay struct {
	Symbol      string `json:"symbol"`
	Change      fixed  `json:"priceChange"`
	Percent     string `json:"priceChangePercent"`
	Average     fixed  `json:"weightedAvgPrice"`
	PrevClose   fixed  `json:"prevClosePrice"`
	Last        fixed  `json:"lastPrice"`
	LastQty     fixed  `json:"lastQty"`
	Bid         fixed  `json:"bidPrice"`
	BidQty      fixed  `json:"bidQty"`
	Ask         fixed  `json:"askPrice"`
	AskQty      fixed  `json:"askQty"`
	Open        fixed  `json:"openPrice"`
	High        fixed  `json:"highPrice"`
	Low         fixed  `json:"lowPrice"`
	Volume      fixed  `json:"volume"`
	QuoteVolume fixed  `json:"quoteVolume"`
	OpenTime    int64  `json:"openTime"`
	CloseTime   int64  `json:"closeTime"`
	FirstID     int64  `json:"firstId"`
	LastID      int64  `json:"lastId"`
	Count       int64  `json:"count"`
}

func (x *Exchange) ticker24h(q query) (any, error) {
	ms := x.serverTime()
	return each(x, q, func(m *market) restDay {
		day, last := m.day(), m.lastTrade()
		change := m.price(day.close) - m.price(day.open)
		return restDay{
			Symbol: m.venue, Change: change, Percent: percent(change, m.price(day.open)),
			Average: div(day.quote, m.size(day.lots)), PrevClose: m.price(m.beforeDay()),
			Last: m.price(last.ticks), LastQty: m.size(last.lots),
			Bid: m.price(m.bid), BidQty: m.size(m.bidLots), Ask: m.price(m.ask), AskQty: m.size(m.askLots),
			Open: m.price(day.open), High: m.price(day.high), Low: m.price(day.low),
			Volume: m.size(day.lots), QuoteVolume: day.quote,
			OpenTime: ms - 86_400_000, CloseTime: ms,
			FirstID: day.first, LastID: day.last, Count: day.trades,
		}
	})
}

type restBook struct {
	Symbol string `json:"symbol"`
	Bid    fixed  `json:"bidPrice"`
	BidQty fixed  `json:"bidQty"`
	Ask    fixed  `json:"askPrice"`
	AskQty fixed  `json:"askQty"`
}

func (x *Exchange) bookTicker(q query) (any, error) {
	return each(x, q, func(m *market) restBook {
		return restBook{m.venue, m.price(m.bid), m.size(m.bidLots), m.price(m.ask), m.size(m.askLots)}
	})
}

// each answers with one object for one symbol, else with a list.
func each[T any](x *Exchange, q query, answer func(*market) T) (any, error) {
	markets, one, err := q.markets(x)
	if err != nil {
		return nil, err
	}
	if one {
		return answer(markets[0]), nil
	}
	out := make([]T, 0, len(markets))
	for _, m := range markets {
		out = append(out, answer(m))
	}
	return out, nil
}
