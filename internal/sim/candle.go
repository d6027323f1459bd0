package sim

import "github.com/fullon/fullon/domain"

// How many closed bars a series keeps. A day of minutes is what the 24-hour
// statistics are summed from.
const (
	keptMinutes = 1500
	keptBars    = 500
)

// bar is one candle. first and last are trade ids, -1 without trades.
type bar struct {
	start                  int64 // unix milliseconds
	open, high, low, close int64 // ticks
	lots, takerLots        int64
	quote, takerQuote      fixed
	trades                 int64
	first, last            int64
}

func flat(start, ticks int64) bar {
	return bar{start: start, open: ticks, high: ticks, low: ticks, close: ticks, first: -1, last: -1}
}

func (b *bar) add(tr trade, quote fixed) {
	if b.trades == 0 {
		b.open, b.high, b.low, b.first = tr.ticks, tr.ticks, tr.ticks, tr.id
	}
	b.high, b.low, b.close = max(b.high, tr.ticks), min(b.low, tr.ticks), tr.ticks
	b.last = tr.id
	b.trades++
	b.lots += tr.lots
	b.quote += quote
	if !tr.maker {
		b.takerLots += tr.lots
		b.takerQuote += quote
	}
}

// join adds a later bar to b.
func (b *bar) join(later bar) {
	if later.trades == 0 {
		return
	}
	if b.trades == 0 {
		start := b.start
		*b = later
		b.start = start
		return
	}
	b.high, b.low, b.close = max(b.high, later.high), min(b.low, later.low), later.close
	b.last = later.last
	b.trades += later.trades
	b.lots += later.lots
	b.quote += later.quote
	b.takerLots += later.takerLots
	b.takerQuote += later.takerQuote
}

// series is the bars of one timeframe.
type series struct {
	timeframe domain.Timeframe
	length    int64 // milliseconds
	keep      int
	closed    []bar // oldest first, no holes
	current   bar
	changed   bool // since it was last published
}

func newSeries(tf domain.Timeframe) *series {
	s := &series{timeframe: tf, length: tf.Duration().Milliseconds(), keep: keptBars}
	if tf == domain.Timeframes[0] {
		s.keep = keptMinutes
	}
	return s
}

// roll closes the current bar and begins the next one.
func (s *series) roll() bar {
	done := s.current
	if len(s.closed) >= 2*s.keep {
		s.closed = append(s.closed[:0], s.closed[len(s.closed)-s.keep+1:]...)
	}
	s.closed = append(s.closed, done)
	s.current = flat(done.start+s.length, done.close)
	s.changed = false
	return done
}

// rollTo rolls until the current bar holds the time ms. A pause longer than
// what is kept is passed over.
func (s *series) rollTo(ms int64) {
	begin := ms - ms%s.length
	if oldest := begin - int64(s.keep)*s.length; s.current.start < oldest {
		s.closed = s.closed[:0]
		s.current = flat(oldest, s.current.close)
	}
	for s.current.start < begin {
		s.roll()
	}
}

func (s *series) add(tr trade, quote fixed) {
	s.current.add(tr, quote)
	s.changed = true
}

// between is at most limit bars whose start lies in [from, to], the current
// one included; the first ones when forward, else the last ones.
func (s *series) between(from, to int64, limit int, forward bool) []bar {
	var out []bar
	closed := s.closed[max(0, len(s.closed)-s.keep):]
	for _, b := range append(closed[:len(closed):len(closed)], s.current) {
		if b.start >= from && b.start <= to {
			out = append(out, b)
		}
	}
	if len(out) <= limit {
		return out
	}
	if forward {
		return out[:limit]
	}
	return out[len(out)-limit:]
}
