package client

import (
	"context"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
)

// Candles reads and writes OHLCV bars.
type Candles struct {
	trades *Trades
}

// Put stores a bar in the log, in place of one with the same beginning; a bar
// built from trades does not replace one of the venue. It blocks until the log
// acknowledged. The error matches domain.ErrInvalid or domain.ErrUnreachable.
func (c *Candles) Put(ctx context.Context, candle domain.Candle) (domain.LogPosition, error) {
	return c.trades.client.log.Publish(ctx, candle)
}

// Latest reads the newest limit bars of a market, oldest first; the last one
// is usually still forming. The error matches domain.ErrInvalid,
// domain.ErrUnreachable, domain.ErrUnknown, or domain.ErrRebuilding while Redis
// is being folded anew, after having waited for it for two seconds; a market
// without candles gives an empty result.
func (c *Candles) Latest(ctx context.Context, exchange, symbol string, tf domain.Timeframe, limit int) ([]domain.Candle, error) {
	s, err := series(exchange, symbol, tf)
	if err != nil {
		return nil, err
	}
	if err := checkLimit(limit, cachestore.CandleCap); err != nil {
		return nil, err
	}
	p := c.trades.partition(exchange, symbol)
	return settle(ctx, p, func() ([]domain.Candle, domain.Checkpoint, error) { return p.Candles(ctx, s, limit) })
}
