package projector

import (
	"slices"
	"time"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

// openBars is how many of a series' newest bars trades can still change. A
// trade that belongs before them is late by 15 bars at least.
const openBars = 16

// candleBuilder builds the candles of one market in every timeframe. A bar of
// the venue wins over one built from trades, whichever comes first.
type candleBuilder struct {
	market cachestore.Market
	series []*candleSeries
}

type candleSeries struct {
	timeframe domain.Timeframe
	length    int64  // seconds
	bars      []*bar // the newest openBars, oldest first
	older     []*bar // venue bars from before those, on their way to Redis
}

type bar struct {
	domain.Candle
	start   int64 // unix seconds
	fresh   bool  // Redis has none with this beginning yet
	changed bool
}

func newCandleBuilder(m cachestore.Market) *candleBuilder {
	b := &candleBuilder{market: m}
	for _, tf := range domain.Timeframes {
		b.series = append(b.series, &candleSeries{timeframe: tf, length: int64(tf.Duration() / time.Second)})
	}
	return b
}

func (b *candleBuilder) load(tf domain.Timeframe, candles []domain.Candle) {
	for _, s := range b.series {
		if s.timeframe == tf {
			for _, c := range candles {
				s.bars = append(s.bars, &bar{Candle: c, start: c.Time.Unix()})
			}
		}
	}
}

// addTrade puts a trade into the bar it belongs to, in every timeframe.
func (b *candleBuilder) addTrade(t domain.Trade, seq uint64) {
	at := t.Time.Unix()
	for _, s := range b.series {
		start := at - at%s.length
		i, found := s.find(start)
		if !found {
			if !s.open(i) {
				continue
			}
			s.insert(i, &bar{start: start, fresh: true, changed: true, Candle: domain.Candle{
				Exchange: b.market.Exchange, Symbol: b.market.Symbol, Timeframe: s.timeframe,
				Time: time.Unix(start, 0).UTC(), Open: t.Price, High: t.Price, Low: t.Price, Close: t.Price,
				Volume: t.Volume, Trades: 1, Source: domain.FromTrades, Sequence: seq,
			}})
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

// put takes a whole bar.
func (b *candleBuilder) put(c domain.Candle) {
	i := slices.IndexFunc(b.series, func(s *candleSeries) bool { return s.timeframe == c.Timeframe })
	s := b.series[i]
	whole := &bar{Candle: c, start: c.Time.Unix(), fresh: true, changed: true}
	at, found := s.find(whole.start)
	switch {
	case found:
		if s.bars[at].Source == domain.FromVenue && c.Source != domain.FromVenue {
			return
		}
		whole.fresh = s.bars[at].fresh
		s.bars[at] = whole
	case s.open(at):
		s.insert(at, whole)
	case c.Source == domain.FromVenue:
		s.older = append(s.older, whole)
	}
}

// find returns where the bar that begins at start is or would be.
func (s *candleSeries) find(start int64) (int, bool) {
	// Nearly always it is the newest one.
	if n := len(s.bars); n > 0 && s.bars[n-1].start == start {
		return n - 1, true
	}
	return slices.BinarySearchFunc(s.bars, start, func(b *bar, start int64) int {
		switch {
		case b.start < start:
			return -1
		case b.start > start:
			return 1
		}
		return 0
	})
}

// open reports whether a bar inserted at i would be among the newest openBars.
func (s *candleSeries) open(i int) bool { return i > 0 || len(s.bars) < openBars }

func (s *candleSeries) insert(i int, b *bar) {
	s.bars = slices.Insert(s.bars, i, b)
	if len(s.bars) > openBars {
		if s.bars[0].changed {
			s.older = append(s.older, s.bars[0])
		}
		s.bars = slices.Delete(s.bars, 0, 1)
	}
}

func (b *candleBuilder) flush(batch *cachestore.Batch) error {
	for _, s := range b.series {
		for _, bars := range [2][]*bar{s.older, s.bars} {
			for _, bar := range bars {
				if !bar.changed {
					continue
				}
				payload, err := wire.Encode(bar.Candle)
				if err != nil {
					return err
				}
				batch.PutCandle(bar.Candle, payload, bar.fresh)
				bar.changed, bar.fresh = false, false
			}
		}
		clear(s.older)
		s.older = s.older[:0]
	}
	return nil
}
