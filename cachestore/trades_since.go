package cachestore

import (
	"context"
	"slices"
	"time"

	"github.com/fullon/fullon/domain"
)

// timeDisorder is by how much the times of a market's trades may go back from
// one to the next: fills of one order, and trades that were fetched later.
const timeDisorder = time.Minute

// TradesSince reads the trades of a market that happened at since or later,
// oldest first. complete says that those that are kept reach back to since. The
// error matches domain.ErrUnreachable or domain.ErrUnknown.
func (p *Partition) TradesSince(ctx context.Context, exchange, symbol string, since time.Time) (trades []domain.Trade, complete bool, err error) {
	for limit := 256; ; limit *= 8 {
		trades, err = p.Trades(ctx, exchange, symbol, limit)
		if err != nil {
			return nil, false, err
		}
		far := len(trades) > 0 && trades[0].Time.Before(since.Add(-timeDisorder))
		if !far && len(trades) == limit {
			continue // look further back
		}
		oldest := len(trades) > 0 && trades[0].Time.Before(since)
		trades = slices.DeleteFunc(trades, func(t domain.Trade) bool { return t.Time.Before(since) })
		return trades, far || oldest, nil
	}
}

// CountTrades tells how many trades of a market are kept. The error matches
// domain.ErrUnreachable or domain.ErrUnknown.
func (p *Partition) CountTrades(ctx context.Context, exchange, symbol string) (int, error) {
	n, err := p.store.rdb.LLen(ctx, p.tradesKey(exchange, symbol)).Result()
	if err != nil {
		return 0, p.failed(ctx, "count the trades", err)
	}
	return int(n), nil
}

// FirstTrade reads the oldest trade of a market that is kept. The error matches
// domain.ErrNotFound, domain.ErrUnreachable or domain.ErrUnknown.
func (p *Partition) FirstTrade(ctx context.Context, exchange, symbol string) (domain.Trade, error) {
	key := p.tradesKey(exchange, symbol)
	values, err := p.store.rdb.LRange(ctx, key, 0, 0).Result()
	if err != nil {
		return domain.Trade{}, p.failed(ctx, "read the first trade", err)
	}
	trades, err := decodeList(key, values, tradeDecoder(exchange, symbol))
	if err != nil {
		return domain.Trade{}, err
	}
	if len(trades) == 0 {
		return domain.Trade{}, domain.ErrNotFound
	}
	return trades[0], nil
}
