package binance

import (
	"sync"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
)

// market merges what is known of one symbol. Its lock is held while the sink
// is called, so that two overlapping connections do not interleave.
type market struct {
	exchange string
	symbol   string

	mu       sync.Mutex
	tick     domain.Tick
	latest   int64  // newest venue time of any message, unix ms
	tickerAt int64  // time of the newest 24 h ticker, unix ms
	tradeAt  int64  // time of the newest trade, unix ms
	tradeNo  uint64 // its number, which orders trades of one millisecond
	quoted   bool   // a book ticker was seen: it beats the 24 h ticker's quote
}

func newMarket(exchange, symbol string) *market {
	return &market{exchange: exchange, symbol: symbol, tick: domain.Tick{Exchange: exchange, Symbol: symbol}}
}

// quote is the best bid and ask.
type quote struct {
	bid, bidSize, ask, askSize domain.Decimal
}

// ticker is the 24 h summary.
type ticker struct {
	at     int64 // unix ms
	last   domain.Decimal
	volume domain.Decimal
	quote  quote
}

func (m *market) takeQuote(q quote, seq uint64, at time.Time, sink venue.Sink) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if seq <= m.tick.VenueSeq {
		return
	}
	next := m.tick
	setQuote(&next, q)
	next.VenueSeq = seq
	if m.publish(next, at, sink) {
		m.quoted = true
	}
}

func (m *market) takeTicker(t ticker, at time.Time, sink venue.Sink) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if t.at <= m.tickerAt {
		return
	}
	m.latest = max(m.latest, t.at)
	next := m.tick
	next.Volume = t.volume
	if t.at > m.tradeAt {
		next.Last = t.last
	}
	if !m.quoted {
		setQuote(&next, t.quote)
	}
	if m.publish(next, at, sink) {
		m.tickerAt = t.at
	}
}

// takeTrade hands the trade on, and the tick that it changes. sent is when the
// venue sent it, unix ms.
func (m *market) takeTrade(t venue.NumberedTrade, sent int64, sink venue.Sink) {
	t.Exchange, t.Symbol = m.exchange, m.symbol
	if err := t.Validate(); err != nil {
		sink.Refused(refusedTrade, err)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.latest = max(m.latest, sent)
	next := m.tick
	ms := t.Time.UnixMilli()
	// The same trade may come again, from an overlapping connection.
	if ms > m.tradeAt || (ms == m.tradeAt && t.Number >= m.tradeNo) {
		next.Last = t.Price
		if m.publish(next, t.Received, sink) {
			m.tradeAt, m.tradeNo = ms, t.Number
		}
	}
	sink.Trade(t)
}

func (m *market) takeCandle(c domain.Candle, sink venue.Sink) {
	c.Exchange, c.Symbol = m.exchange, m.symbol
	if err := c.Validate(); err != nil {
		sink.Refused(refusedCandle, err)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	sink.Candle(c)
}

// saw notes the time of a message that changes nothing else.
func (m *market) saw(ms int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.latest = max(m.latest, ms)
}

// publish makes next the market's state, unless it is invalid, and hands it
// on if it differs from what was handed on before. It returns false for an
// invalid state.
func (m *market) publish(next domain.Tick, at time.Time, sink venue.Sink) bool {
	if m.latest > 0 && (next.Time.IsZero() || m.latest > next.Time.UnixMilli()) {
		next.Time = time.UnixMilli(m.latest).UTC()
	}
	if next == m.tick {
		return true
	}
	next.Received = at
	// A market that never traded and has an empty book has nothing to tell.
	if !next.Last.IsZero() || !next.Bid.IsZero() || !next.Ask.IsZero() {
		if err := next.Validate(); err != nil {
			sink.Refused(refusedTick, err)
			return false
		}
		sink.Tick(next)
	}
	m.tick = next
	return true
}

func setQuote(t *domain.Tick, q quote) {
	t.Bid, t.BidSize, t.Ask, t.AskSize = q.bid, q.bidSize, q.ask, q.askSize
}
