package sim

import (
	"context"
	"time"

	"github.com/fullon/fullon/domain"
)

const (
	// stepEvery bounds how often the market is looked after; what happened in
	// between is published together.
	stepEvery = 2 * time.Millisecond
	// maxCatchUp is how much is made up for after a pause of the process or a
	// step of the clock; in the time before there is no trade.
	maxCatchUp = time.Hour
	// replayedTrades is how many trades Config.DuplicateOnConnect repeats.
	replayedTrades = 5
)

// drive lets things happen when their time comes, until ctx ends.
func (x *Exchange) drive(ctx context.Context) error {
	for {
		x.mu.Lock()
		if x.broken == nil {
			x.broken = x.advance(x.cfg.Clock.Now())
		}
		err := x.broken
		due := x.now.Add(stepEvery)
		if next := x.nextDue(); next.After(due) {
			due = next
		}
		x.mu.Unlock()
		if err != nil {
			return err
		}
		if x.cfg.Clock.Wait(ctx, due) != nil {
			return nil // ctx ended: a normal stop
		}
	}
}

// advance lets everything happen that is due until to, in the order of time.
func (x *Exchange) advance(to time.Time) error {
	if from := to.Add(-maxCatchUp); from.After(x.now) {
		x.passOver(from)
	}
	for {
		m := x.first()
		if m == nil || !m.next.Before(x.nextSecond) { // at one time, the second comes first
			if x.nextSecond.After(to) {
				break
			}
			x.now = x.nextSecond
			x.nextSecond = x.nextSecond.Add(time.Second)
			x.second()
			continue
		}
		if m.next.After(to) {
			break
		}
		if m.next.After(x.now) {
			x.now = m.next
		}
		if err := x.event(m); err != nil {
			return err
		}
		if err := x.settle(); err != nil {
			return err
		}
		m.next = x.now.Add(m.walk.after(m.rate))
	}
	if to.After(x.now) {
		x.now = to
	}
	return nil
}

// passOver goes on at a later time without anything having happened.
func (x *Exchange) passOver(at time.Time) {
	x.cfg.Logger.Warn("simulated exchange was paused", "from", x.now, "to", at)
	x.now = at
	x.nextSecond = at.Truncate(time.Second).Add(time.Second)
	for _, m := range x.markets {
		if m.rate > 0 {
			m.next = at
		}
		for _, s := range m.series {
			s.rollTo(at.UnixMilli())
		}
	}
}

// first is the market whose event comes next, nil when none has any.
func (x *Exchange) first() *market {
	var first *market
	for _, m := range x.markets {
		if m.rate > 0 && (first == nil || m.next.Before(first.next)) {
			first = m
		}
	}
	return first
}

func (x *Exchange) nextDue() time.Time {
	if m := x.first(); m != nil && m.next.Before(x.nextSecond) {
		return m.next
	}
	return x.nextSecond
}

func (x *Exchange) event(m *market) error {
	m.walk.move(x.now)
	if m.walk.isOrder() {
		return x.order(m)
	}
	return x.requote(m)
}

// requote changes the book, and lets the accounts' orders meet it.
func (x *Exchange) requote(m *market) error {
	m.quote()
	if err := x.meet(m); err != nil {
		return err
	}
	x.publish(m.streams.book, m.bookFrame)
	return nil
}

// order makes an order's trades, publishes them, then what became of the book.
func (x *Exchange) order(m *market) error {
	trades, err := m.order(x.now)
	if err != nil {
		return err
	}
	ms := x.now.UnixMilli()
	for _, tr := range trades {
		x.publish(m.streams.trade, func() []byte { return m.tradeFrame(tr, ms) })
	}
	if len(x.subs[m.streams.agg]) > 0 {
		for _, a := range aggregate(trades) {
			x.publish(m.streams.agg, func() []byte { return m.aggFrame(a, ms) })
		}
	}
	return x.requote(m)
}

// second does what happens at full seconds: candles close and are published,
// tickers are published, connections are looked after.
func (x *Exchange) second() {
	ms := x.now.UnixMilli()
	for _, m := range x.markets {
		for _, s := range m.series {
			x.candle(m, s, ms)
		}
		x.publish(m.streams.ticker, func() []byte { return m.tickerFrame(ms) })
	}
	for c := range x.conns {
		x.lookAfter(c)
	}
}

func (x *Exchange) candle(m *market, s *series, ms int64) {
	name := m.streams.kline[s.timeframe]
	if ms >= s.current.start+s.length {
		done := s.roll()
		x.publish(name, func() []byte { return m.klineFrame(s, done, true, ms) })
		return
	}
	if s.changed && ms/1000%2 == 0 {
		s.changed = false
		x.publish(name, func() []byte { return m.klineFrame(s, s.current, false, ms) })
	}
}

// replayTrades sends a new subscriber of trades the last few again.
func (x *Exchange) replayTrades(c *conn, stream string) {
	for _, m := range x.markets {
		ms := x.now.UnixMilli()
		switch stream {
		case m.streams.trade:
			for _, tr := range m.tape.newest(replayedTrades) {
				c.sendEvent(stream, m.tradeFrame(tr, ms))
			}
		case m.streams.agg:
			for _, a := range aggregate(m.tape.newest(replayedTrades)) {
				c.sendEvent(stream, m.aggFrame(a, ms))
			}
		}
	}
}

// knownTimeframe tells whether REST serves candles of an interval.
func knownTimeframe(text string) (domain.Timeframe, bool) {
	tf, err := domain.ParseTimeframe(text)
	return tf, err == nil
}
