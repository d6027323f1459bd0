package projector

import (
	"slices"
	"time"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

// openIntervals is how many of the newest intervals trades can still change.
// A trade from before them is late by 15 bars at least and changes no candle.
const openIntervals = 16

// candleBuilder builds the candles of one market in every timeframe. A bar of
// the venue wins over one built from trades, whichever comes first.
type candleBuilder struct {
	market cachestore.Market
	series []*candleSeries
	writes []cachestore.CandleWrite
}

type candleSeries struct {
	timeframe domain.Timeframe
	length    int64  // seconds
	newest    int64  // beginning of the newest bar, unix seconds; zero: none
	stored    int64  // newest as Redis has it
	bars      []*bar // of the newest openIntervals intervals, oldest first
	settled   []*bar // from before those, on their way to Redis
}

type bar struct {
	domain.Candle
	start   int64 // unix seconds
	changed bool
}

func newCandleBuilder(m cachestore.Market) *candleBuilder {
	b := &candleBuilder{market: m}
	for _, tf := range domain.Timeframes {
		b.series = append(b.series, &candleSeries{timeframe: tf, length: int64(tf.Duration() / time.Second)})
	}
	return b
}

// load takes the bars that Redis has of the newest openIntervals intervals,
// oldest first.
func (b *candleBuilder) load(tf domain.Timeframe, candles []domain.Candle) {
	s := b.of(tf)
	for _, c := range candles {
		s.bars = append(s.bars, &bar{Candle: c, start: c.Time.Unix()})
	}
	if n := len(s.bars); n > 0 {
		s.newest, s.stored = s.bars[n-1].start, s.bars[n-1].start
	}
}

func (b *candleBuilder) of(tf domain.Timeframe) *candleSeries {
	return b.series[slices.IndexFunc(b.series, func(s *candleSeries) bool { return s.timeframe == tf })]
}

// addTrade puts a trade into the bar it belongs to, in every timeframe.
func (b *candleBuilder) addTrade(t domain.Trade, seq uint64) {
	at := t.Time.Unix()
	for _, s := range b.series {
		start := at - at%s.length
		i, found := s.find(start)
		if !found {
			if s.reach(start, openIntervals) {
				s.insert(i, &bar{start: start, changed: true, Candle: domain.Candle{
					Exchange: b.market.Exchange, Symbol: b.market.Symbol, Timeframe: s.timeframe,
					Time: time.Unix(start, 0).UTC(), Open: t.Price, High: t.Price, Low: t.Price, Close: t.Price,
					Volume: t.Volume, Trades: 1, Source: domain.FromTrades, Sequence: seq,
				}})
			}
			continue
		}
		bar := s.bars[i]
		if bar.Source == domain.FromVenue {
			continue
		}
		if t.Price.GreaterThan(bar.High) {
			bar.High = t.Price
		}
		if t.Price.LessThan(bar.Low) {
			bar.Low = t.Price
		}
		bar.Close = t.Price
		bar.Volume = bar.Volume.Add(t.Volume)
		bar.Trades++
		bar.Sequence = seq
		bar.changed = true
	}
}

// put takes a whole bar. One that is too old to be kept is dropped, and so is
// one from trades that is too old to know whether the venue's is there.
func (b *candleBuilder) put(c domain.Candle) {
	s := b.of(c.Timeframe)
	whole := &bar{Candle: c, start: c.Time.Unix(), changed: true}
	at, found := s.find(whole.start)
	switch {
	case found:
		if s.bars[at].Source == domain.FromTrades || c.Source == domain.FromVenue {
			s.bars[at] = whole
		}
	case s.reach(whole.start, openIntervals):
		s.insert(at, whole)
	case c.Source == domain.FromVenue && s.reach(whole.start, cachestore.CandleCap):
		s.settled = append(s.settled, whole)
	}
}

// find returns where the bar that begins at start is or would be.
func (s *candleSeries) find(start int64) (int, bool) {
	if start == s.newest && len(s.bars) > 0 {
		return len(s.bars) - 1, true
	}
	return slices.BinarySearchFunc(s.bars, start, func(b *bar, start int64) int { return int(b.start - start) })
}

// reach reports whether start is among the newest intervals, or newer.
func (s *candleSeries) reach(start int64, intervals int64) bool {
	return start > s.newest-intervals*s.length
}

func (s *candleSeries) insert(i int, b *bar) {
	s.bars = slices.Insert(s.bars, i, b)
	if b.start <= s.newest {
		return
	}
	s.newest = b.start
	n := 0
	for ; !s.reach(s.bars[n].start, openIntervals); n++ {
		if s.bars[n].changed {
			s.settled = append(s.settled, s.bars[n])
		}
	}
	s.bars = slices.Delete(s.bars, 0, n)
}

func (b *candleBuilder) flush(batch *cachestore.Batch) error {
	b.writes = b.writes[:0]
	for _, s := range b.series {
		for _, bars := range [2][]*bar{s.settled, s.bars} {
			for _, bar := range bars {
				if !bar.changed {
					continue
				}
				bar.changed = false
				if !s.reach(bar.start, cachestore.CandleCap) {
					continue // settled in this batch, and already too old
				}
				payload, err := wire.Encode(bar.Candle)
				if err != nil {
					return err
				}
				b.writes = append(b.writes, cachestore.CandleWrite{
					Timeframe: s.timeframe, Start: bar.start, Seq: bar.Sequence, Payload: payload,
				})
			}
		}
		clear(s.settled)
		s.settled = s.settled[:0]
	}
	if len(b.writes) == 0 {
		return nil
	}
	batch.PutCandles(b.market.Exchange, b.market.Symbol, b.writes)
	for _, s := range b.series {
		if s.newest != s.stored {
			batch.MoveNewest(b.market.Exchange, b.market.Symbol, s.timeframe, s.stored, s.newest)
			s.stored = s.newest
		}
	}
	clear(b.writes)
	return nil
}
