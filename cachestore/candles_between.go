package cachestore

import (
	"context"
	"fmt"
	"time"

	"github.com/fullon/fullon/domain"
)

// CandlesBetween reads the bars of a series that begin at from or later and
// before to, oldest first; none gives an empty result. The error matches
// domain.ErrUnreachable or domain.ErrUnknown.
func (p *Partition) CandlesBetween(ctx context.Context, s Series, from, to time.Time) ([]domain.Candle, error) {
	newest, err := p.newestBars(ctx, []Series{s})
	if err != nil {
		return nil, err
	}
	last, known := newest[s]
	if !known {
		return nil, nil
	}
	length := int64(s.Timeframe.Duration() / time.Second)
	first := s.Timeframe.Start(from).Unix()
	if first < from.Unix() {
		first += length
	}
	first = max(first, last-(CandleCap-1)*length) // nothing older is kept
	var fields []string
	for start := first; start <= last && start < to.Unix(); start += length {
		fields = append(fields, candleField(s.Timeframe, start))
	}
	if len(fields) == 0 {
		return nil, nil
	}
	reads := p.store.reads()
	reply := reads.HMGet(ctx, p.candlesKey(s.Exchange, s.Symbol), fields...)
	if err := p.read(ctx, reads); err != nil {
		return nil, p.failed(ctx, "read candles", err)
	}
	candles := make([]domain.Candle, 0, len(fields))
	for _, value := range reply.Val() {
		text, ok := value.(string)
		if !ok {
			continue // an interval without a trade
		}
		candle, err := readCandle(s, text)
		if err != nil {
			return nil, fmt.Errorf("candle %s %s %s: %w: %w", s.Exchange, s.Symbol, s.Timeframe, domain.ErrUnknown, err)
		}
		candles = append(candles, candle)
	}
	return candles, nil
}
