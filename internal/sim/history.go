package sim

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/fullon/fullon/domain"
)

// inventedPerMinute is how many trades a minute of invented history has.
const inventedPerMinute = 40

// invent builds the bars up to the minute that holds ms, backwards from a
// price and a first trade id. Minutes come first; every longer timeframe is
// summed from the shorter one as far as that goes, and invented before.
func invent(l *listing, rng *rand.Rand, ms, ticks, firstID int64) []*series {
	all := make([]*series, 0, len(domain.Timeframes))
	for i, tf := range domain.Timeframes {
		s := newSeries(tf)
		begin := ms - ms%s.length
		s.current = flat(begin, ticks)
		older := past{l: l, rng: rng, length: s.length, start: begin, close: ticks, id: firstID}
		if i > 0 {
			s.sum(all[i-1], begin)
			if len(s.closed) > 0 {
				older = past{l: l, rng: rng, length: s.length, start: s.closed[0].start, close: s.closed[0].open, id: s.closed[0].first}
			} else {
				older.close = s.current.open
				if s.current.first > 0 {
					older.id = s.current.first
				}
			}
		}
		var invented []bar
		for n := s.keep - len(s.closed); n > 0; n-- {
			invented = append(invented, older.next())
		}
		slices.Reverse(invented)
		s.closed = append(invented, s.closed...)
		all = append(all, s)
	}
	return all
}

// sum fills s with the complete bars that shorter covers, and the current one.
func (s *series) sum(shorter *series, begin int64) {
	first := shorter.closed[0].start
	first += (s.length - first%s.length) % s.length // bars that are covered in part are left out
	for _, b := range append(shorter.closed[:len(shorter.closed):len(shorter.closed)], shorter.current) {
		switch start := b.start - b.start%s.length; {
		case start < first:
		case start == begin:
			s.current.join(b)
		case len(s.closed) > 0 && s.closed[len(s.closed)-1].start == start:
			s.closed[len(s.closed)-1].join(b)
		default:
			s.closed = append(s.closed, b)
		}
	}
}

// past walks back in time, one bar with each call.
type past struct {
	l      *listing
	rng    *rand.Rand
	length int64 // milliseconds
	start  int64 // of the bar after the next one
	close  int64 // ticks, where the next one ends
	id     int64 // of the first trade after it
}

func (p *past) next() bar {
	minutes := float64(p.length) / 60_000
	sigma := secondVolatility * math.Sqrt(60*minutes)
	open := max(minTicks, int64(math.Round(float64(p.close)*math.Exp(sigma*p.rng.NormFloat64()))))
	reach := func() float64 { return math.Abs(p.rng.NormFloat64()) * sigma / 2 }
	b := bar{
		start: p.start - p.length, open: open, close: p.close,
		high: int64(float64(max(open, p.close)) * (1 + reach())),
		low:  int64(math.Ceil(float64(min(open, p.close)) * (1 - reach()))),
	}
	b.low = min(max(b.low, minTicks), open, p.close)
	b.trades = 1 + int64(inventedPerMinute*minutes*math.Exp(0.5*p.rng.NormFloat64()))
	b.trades = min(b.trades, max(1, p.id-1)) // ids are positive
	b.last = max(1, p.id-1)
	b.first = b.last - b.trades + 1
	b.lots = b.trades * max(1, int64(p.l.medianLots*1.6))
	b.takerLots = int64(float64(b.lots) * (0.35 + 0.3*p.rng.Float64()))
	mean := (b.open + b.close) / 2
	b.quote = fixed(b.lots * mean * p.l.tickQuote)
	b.takerQuote = fixed(b.takerLots * mean * p.l.tickQuote)
	p.start, p.close, p.id = b.start, b.open, b.first
	return b
}
