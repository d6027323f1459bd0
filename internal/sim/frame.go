package sim

import (
	"strconv"

	"github.com/fullon/fullon/domain"
)

// streamNames are the streams of one symbol.
type streamNames struct {
	book, ticker, trade, agg string
	kline                    map[domain.Timeframe]string
}

func namesOf(lower string) streamNames {
	n := streamNames{
		book: lower + "@bookTicker", ticker: lower + "@ticker",
		trade: lower + "@trade", agg: lower + "@aggTrade",
		kline: map[domain.Timeframe]string{},
	}
	for _, tf := range domain.Timeframes {
		n.kline[tf] = lower + "@kline_" + string(tf)
	}
	return n
}

// object builds a JSON object field by field. Text is never escaped: what is
// printed are symbols, numbers and words of this package.
type object []byte

func (o object) key(name string) object {
	if len(o) == 0 {
		o = append(o, '{')
	} else {
		o = append(o, ',')
	}
	o = append(o, '"')
	o = append(o, name...)
	return append(o, '"', ':')
}

func (o object) text(name, value string) object {
	o = append(o.key(name), '"')
	o = append(o, value...)
	return append(o, '"')
}

func (o object) int(name string, n int64) object {
	return strconv.AppendInt(o.key(name), n, 10)
}

func (o object) bool(name string, v bool) object {
	return strconv.AppendBool(o.key(name), v)
}

func (o object) number(name string, f fixed) object {
	return append(f.append(append(o.key(name), '"')), '"')
}

func (o object) raw(name string, value []byte) object { return append(o.key(name), value...) }

func (o object) end() []byte { return append(o, '}') }

func newObject() object { return make(object, 0, 256) }

func (m *market) bookFrame() []byte {
	return newObject().int("u", m.update).text("s", m.venue).
		number("b", m.price(m.bid)).number("B", m.size(m.bidLots)).
		number("a", m.price(m.ask)).number("A", m.size(m.askLots)).end()
}

func (m *market) tradeFrame(tr trade, ms int64) []byte {
	return newObject().text("e", "trade").int("E", ms).text("s", m.venue).
		int("t", tr.id).number("p", m.price(tr.ticks)).number("q", m.size(tr.lots)).
		int("T", tr.ms).bool("m", tr.maker).bool("M", true).end()
}

func (m *market) aggFrame(a aggTrade, ms int64) []byte {
	return newObject().text("e", "aggTrade").int("E", ms).text("s", m.venue).
		int("a", a.agg).number("p", m.price(a.ticks)).number("q", m.size(a.lots)).
		int("f", a.first).int("l", a.id).
		int("T", a.ms).bool("m", a.maker).bool("M", true).end()
}

func (m *market) klineFrame(s *series, b bar, closed bool, ms int64) []byte {
	k := newObject().int("t", b.start).int("T", b.start+s.length-1).text("s", m.venue).
		text("i", string(s.timeframe)).int("f", b.first).int("L", b.last).
		number("o", m.price(b.open)).number("c", m.price(b.close)).
		number("h", m.price(b.high)).number("l", m.price(b.low)).
		number("v", m.size(b.lots)).int("n", b.trades).bool("x", closed).
		number("q", b.quote).number("V", m.size(b.takerLots)).number("Q", b.takerQuote).
		text("B", "0").end()
	return newObject().text("e", "kline").int("E", ms).text("s", m.venue).raw("k", k).end()
}

func (m *market) tickerFrame(ms int64) []byte {
	day, last := m.day(), m.lastTrade()
	change := m.price(day.close) - m.price(day.open)
	return newObject().text("e", "24hrTicker").int("E", ms).text("s", m.venue).
		number("p", change).text("P", percent(change, m.price(day.open))).
		number("w", div(day.quote, m.size(day.lots))).number("x", m.price(m.beforeDay())).
		number("c", m.price(last.ticks)).number("Q", m.size(last.lots)).
		number("b", m.price(m.bid)).number("B", m.size(m.bidLots)).
		number("a", m.price(m.ask)).number("A", m.size(m.askLots)).
		number("o", m.price(day.open)).number("h", m.price(day.high)).number("l", m.price(day.low)).
		number("v", m.size(day.lots)).number("q", day.quote).
		int("O", ms-86_400_000).int("C", ms).
		int("F", day.first).int("L", day.last).int("n", day.trades).end()
}
