package projector

import (
	"context"
	"fmt"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

// tradeFold keeps the newest trades of each market, each once, builds candles
// from them, and keeps gaps. Trades are never conflated.
type tradeFold struct {
	partition *cachestore.Partition
	keep      int // trades per market
	markets   map[cachestore.Market]*marketTrades
	dirty     []*marketTrades

	loaded     bool // the last load asked Redis
	duplicates uint64
}

type marketTrades struct {
	market    cachestore.Market
	announced bool
	ids       *recentIDs
	candles   *candleBuilder
	changed   bool
	trades    []cachestore.Write
	gaps      []cachestore.Write
}

func newTradeFold(partition *cachestore.Partition, keep int) *tradeFold {
	return &tradeFold{partition: partition, keep: keep, markets: make(map[cachestore.Market]*marketTrades)}
}

func (f *tradeFold) load(ctx context.Context, records []domain.Record) error {
	var missing []cachestore.Market
	for i := range records {
		key := &records[i].Key
		if key.Symbol == "" {
			continue
		}
		m := marketOf(*key)
		if f.markets[m] == nil {
			f.markets[m] = &marketTrades{market: m, ids: newRecentIDs(f.keep), candles: newCandleBuilder(m)}
			missing = append(missing, m)
		}
	}
	if f.loaded = len(missing) > 0; !f.loaded {
		return nil
	}
	if err := f.loadMarkets(ctx, missing); err != nil {
		for _, m := range missing {
			delete(f.markets, m)
		}
		return err
	}
	return nil
}

func (f *tradeFold) asked() bool { return f.loaded }

func (f *tradeFold) loadMarkets(ctx context.Context, missing []cachestore.Market) error {
	ids, err := f.partition.LoadTradeIDs(ctx, missing, f.keep)
	if err != nil {
		return err
	}
	var series []cachestore.Series
	for _, m := range missing {
		for _, tf := range domain.Timeframes {
			series = append(series, cachestore.Series{Market: m, Timeframe: tf})
		}
	}
	bars, err := f.partition.LoadCandles(ctx, series, openIntervals)
	if err != nil {
		return err
	}
	for _, m := range missing {
		for _, id := range ids[m] {
			f.markets[m].ids.add(id)
		}
	}
	for s, list := range bars {
		f.markets[s.Market].candles.load(s.Timeframe, list)
	}
	return nil
}

func (f *tradeFold) add(rec domain.Record) error {
	event, err := wire.Decode(rec.Key, rec.Data)
	if err != nil {
		return err
	}
	m := f.markets[marketOf(rec.Key)]
	switch ev := event.(type) {
	case domain.Trade:
		if !m.ids.add(ev.ID) {
			f.duplicates++
			return nil
		}
		m.trades = append(m.trades, cachestore.Write{Seq: rec.Seq, Payload: rec.Data})
		m.candles.addTrade(ev, rec.Seq)
	case domain.Candle:
		ev.Sequence = rec.Seq
		m.candles.put(ev)
	case domain.Gap:
		m.gaps = append(m.gaps, cachestore.Write{Seq: rec.Seq, Payload: rec.Data})
	default:
		return misplaced(rec)
	}
	if !m.changed {
		m.changed = true
		f.dirty = append(f.dirty, m)
	}
	return nil
}

func (f *tradeFold) flush(b *cachestore.Batch, s *stats) error {
	for _, m := range f.dirty {
		if err := f.flushMarket(b, m); err != nil {
			return fmt.Errorf("%s %s: %w", m.market.Exchange, m.market.Symbol, err)
		}
	}
	f.dirty = f.dirty[:0]
	s.duplicates.Add(f.duplicates)
	f.duplicates = 0
	return nil
}

func (f *tradeFold) flushMarket(b *cachestore.Batch, m *marketTrades) error {
	exchange, symbol := m.market.Exchange, m.market.Symbol
	if !m.announced {
		m.announced = true
		b.AddMarket(exchange, symbol)
	}
	if len(m.trades) > 0 {
		b.AddTrades(exchange, symbol, m.trades)
		if m.ids.overflowed() {
			b.TrimTrades(exchange, symbol, f.keep)
		}
	}
	if len(m.gaps) > 0 {
		b.AddGaps(exchange, symbol, m.gaps)
	}
	clear(m.trades)
	clear(m.gaps)
	m.trades, m.gaps, m.changed = m.trades[:0], m.gaps[:0], false
	return m.candles.flush(b)
}
