package venue

import (
	"sync"
	"time"

	"github.com/fullon/fullon/domain"
)

// Market merges what is known of one symbol into ticks that only move forward.
// It lives as long as a Stream call, across connections, and is safe for
// concurrent use. Its lock is held while the sink is called, so that two
// overlapping connections do not interleave.
type Market struct {
	exchange string
	symbol   string
	sink     Sink

	mu       sync.Mutex
	tick     domain.Tick
	latest   int64    // newest venue time of any message, unix ns
	changeAt [3]int64 // by Certainty: time of the newest change that had one, unix ns
	tradeAt  int64    // time of the newest trade, unix ns
	tradeNo  uint64   // its number, which orders trades of one time
	quoted   bool     // a firm quote was seen: it beats a loose one
	left     bool     // nothing is handed on any more
}

func newMarket(exchange, symbol string, sink Sink) *Market {
	return &Market{exchange: exchange, symbol: symbol, sink: sink, tick: domain.Tick{Exchange: exchange, Symbol: symbol}}
}

// leave hands nothing more on once it has returned.
func (m *Market) leave() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left = true
}

func (m *Market) isLeft() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.left
}

// Quote is the best bid and ask.
type Quote struct {
	Bid, BidSize, Ask, AskSize domain.Decimal
}

// Certainty tells what a quote is worth.
type Certainty uint8

// The certainties. A loose quote is one of a summary that lags the book: it
// counts only until the first firm one.
const (
	NoQuote Certainty = iota
	LooseQuote
	FirmQuote
)

// Change is what one message tells of a market, beside trades and candles.
type Change struct {
	Time  time.Time // the venue's; zero: it told none
	Seq   uint64    // the venue's update number, across connections; zero: it has none
	Quote Quote
	Sure  Certainty

	Last domain.Decimal // zero: not told
	// LastSure says that Last is the last price as of Time, so that older trades
	// that come later do not change it.
	LastSure bool

	Volume     domain.Decimal // of 24 h
	VolumeTold bool
}

// Change takes a message. One that is older than what is known, by its number
// or else by its time, is ignored. Times are compared among messages of one
// Certainty: books and summaries come by different ways, and a book that is a
// little late is still the newest book.
func (m *Market) Change(c Change, received time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := unixNano(c.Time)
	if m.left || c.Seq != 0 && c.Seq <= m.tick.VenueSeq || at != 0 && at < m.changeAt[c.Sure] {
		return
	}
	m.latest = max(m.latest, at)
	next := m.tick
	if c.Seq != 0 {
		next.VenueSeq = c.Seq
	}
	if c.Sure == FirmQuote || c.Sure == LooseQuote && !m.quoted {
		next.Bid, next.BidSize, next.Ask, next.AskSize = c.Quote.Bid, c.Quote.BidSize, c.Quote.Ask, c.Quote.AskSize
	}
	if c.VolumeTold {
		next.Volume = c.Volume
	}
	// Without a time it may be older than the last trade.
	if !c.Last.IsZero() && (at > m.tradeAt || m.tick.Last.IsZero()) {
		next.Last = c.Last
	}
	if m.publish(next, received) {
		m.changeAt[c.Sure] = max(m.changeAt[c.Sure], at)
		m.quoted = m.quoted || c.Sure == FirmQuote
		if c.LastSure && at > m.tradeAt {
			m.tradeAt, m.tradeNo = at, 0
		}
	}
}

// Trade hands the trade on, and the tick that it changes. Exchange and Symbol
// are filled in. sent is when the venue sent it, the zero time if it did not
// tell.
func (m *Market) Trade(t NumberedTrade, sent time.Time) {
	t.Exchange, t.Symbol = m.exchange, m.symbol
	if err := t.Validate(); err != nil {
		m.sink.Refused(RefusedTrade, err)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.left {
		return
	}
	at := t.Time.UnixNano()
	m.latest = max(m.latest, at, unixNano(sent))
	// The same trade may come again, from an overlapping connection.
	if at > m.tradeAt || at == m.tradeAt && t.Number >= m.tradeNo {
		next := m.tick
		next.Last = t.Price
		if m.publish(next, t.Received) {
			m.tradeAt, m.tradeNo = at, t.Number
		}
	}
	m.sink.Trade(t)
}

// Candle hands a bar on. Exchange and Symbol are filled in.
func (m *Market) Candle(c domain.Candle) {
	c.Exchange, c.Symbol = m.exchange, m.symbol
	if err := c.Validate(); err != nil {
		m.sink.Refused(RefusedCandle, err)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.left {
		m.sink.Candle(c)
	}
}

// Saw notes the time of a message that changes nothing else.
func (m *Market) Saw(at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.latest = max(m.latest, unixNano(at))
}

// publish makes next the market's state, unless it is invalid, and hands it
// on if it differs from what was handed on before. It returns false for an
// invalid state.
func (m *Market) publish(next domain.Tick, received time.Time) bool {
	if m.latest > 0 && (next.Time.IsZero() || m.latest > next.Time.UnixNano()) {
		next.Time = domain.FromUnixNano(m.latest)
	}
	if next == m.tick {
		return true
	}
	next.Received = received
	// A market that never traded and has an empty book has nothing to tell.
	if !next.Last.IsZero() || !next.Bid.IsZero() || !next.Ask.IsZero() {
		if err := next.Validate(); err != nil {
			m.sink.Refused(RefusedTick, err)
			return false
		}
		m.sink.Tick(next)
	}
	m.tick = next
	return true
}

// unixNano is zero for times that venues send for "none": the zero time and
// the beginning of 1970.
func unixNano(t time.Time) int64 { return max(0, domain.UnixNano(t)) }
