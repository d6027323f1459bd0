package cachestore

import (
	"context"
	"fmt"
	"time"

	"github.com/fullon/fullon/domain"
)

// CandlesBetween reads the bars of a series that begin at from or later and
// before to, oldest first, and the checkpoint that they are of; none gives an
// empty result. The error matches domain.ErrUnreachable or domain.ErrUnknown.
func (p *Partition) CandlesBetween(ctx context.Context, s Series, from, to time.Time) ([]domain.Candle, domain.Checkpoint, error) {
	newest, at, err := p.newestBars(ctx, []Series{s})
	if err != nil {
		return nil, at, err
	}
	last, known := newest[s]
	if !known {
		return nil, at, nil
	}
	length := int64(s.Timeframe.Duration() / time.Second)
	first := s.Timeframe.Start(from).Unix()
	if first < from.Unix() {
		first += length
	}
	first = max(first, last-(CandleCap-1)*length) // nothing older is kept
	c := command{"hmget", p.candlesKey(s.Exchange, s.Symbol)}
	for start := first; start <= last && start < to.Unix(); start += length {
		c = append(c, candleField(s.Timeframe, start))
	}
	fields := len(c) - 2
	if fields == 0 {
		return nil, at, nil
	}
	r, read, err := p.readAt(ctx, "read candles", c)
	if err != nil {
		return nil, read, err
	}
	defer r.release()
	at = leastOf(at, read)
	candles := make([]domain.Candle, 0, fields)
	for range r.list() {
		value, found := r.bytes()
		if !found {
			continue // an interval without a trade
		}
		candle, err := readCandle(s, value)
		if err != nil {
			return nil, at, fmt.Errorf("candle %s %s %s: %w: %w", s.Exchange, s.Symbol, s.Timeframe, domain.ErrUnknown, err)
		}
		candles = append(candles, candle)
	}
	if r.err != nil {
		return nil, at, p.failed(ctx, "read candles", r.err)
	}
	return candles, at, nil
}
