package cachestore

import (
	"context"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

// Candles of a market and timeframe are a sorted set: the score is the bar's
// beginning in unix seconds, the member the stamped payload.

// CandleCap is how many bars of a market and timeframe are kept.
const CandleCap = 1500

// PutCandle sets a bar in place of one with the same beginning. fresh says that
// there may be none yet, so that an old one may have to go.
func (b *Batch) PutCandle(c domain.Candle, payload []byte, fresh bool) {
	key := b.partition.candlesKey(c.Exchange, c.Timeframe, c.Symbol)
	score := strconv.FormatInt(c.Time.Unix(), 10)
	b.do("ZREMRANGEBYSCORE", key, score, score)
	b.do("ZADD", key, score, b.stamp(c.Sequence, payload))
	if fresh {
		b.do("ZREMRANGEBYRANK", key, "0", strconv.Itoa(-CandleCap-1))
	}
}

// Series names the candles of one market in one timeframe.
type Series struct {
	Market
	Timeframe domain.Timeframe
}

// LoadCandles reads the newest keep bars of each series, oldest first. Bars
// that cannot be read are left out. The error matches domain.ErrUnreachable or
// domain.ErrUnknown.
func (p *Partition) LoadCandles(ctx context.Context, series []Series, keep int) (map[Series][]domain.Candle, error) {
	pipe := p.store.rdb.Pipeline()
	replies := make([]*redis.StringSliceCmd, len(series))
	for i, s := range series {
		replies[i] = pipe.ZRange(ctx, p.candlesKey(s.Exchange, s.Timeframe, s.Symbol), int64(-keep), -1)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, p.failed(ctx, "read the candles", err)
	}
	bars := make(map[Series][]domain.Candle, len(series))
	for i, s := range series {
		for _, value := range replies[i].Val() {
			if candle, err := readCandle(s, value); err == nil {
				bars[s] = append(bars[s], candle)
			}
		}
	}
	return bars, nil
}

// Candles reads the newest limit bars of a series, oldest first; none gives an
// empty result. The error matches domain.ErrUnreachable or domain.ErrUnknown.
func (p *Partition) Candles(ctx context.Context, s Series, limit int) ([]domain.Candle, error) {
	values, err := p.store.rdb.ZRange(ctx, p.candlesKey(s.Exchange, s.Timeframe, s.Symbol), int64(-limit), -1).Result()
	if err != nil {
		return nil, p.failed(ctx, "read the candles", err)
	}
	candles := make([]domain.Candle, len(values))
	for i, value := range values {
		if candles[i], err = readCandle(s, value); err != nil {
			return nil, fmt.Errorf("candle %s %s %s: %w: %w", s.Exchange, s.Symbol, s.Timeframe, domain.ErrUnknown, err)
		}
	}
	return candles, nil
}

func readCandle(s Series, value string) (domain.Candle, error) {
	seq, payload, err := wire.Unstamp([]byte(value))
	if err != nil {
		return domain.Candle{}, err
	}
	candle, err := wire.DecodeCandle(domain.Key{Exchange: s.Exchange, Symbol: s.Symbol, Timeframe: s.Timeframe}, payload)
	candle.Sequence = seq
	return candle, err
}
