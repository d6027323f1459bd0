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

// TradeEnds is what is at the ends of a market's trades that are kept.
type TradeEnds struct {
	Count int
	First domain.Trade // the oldest
	Last  domain.Trade // the newest
}

// TradeEnds reads how many trades of a market are kept, the oldest and the
// newest. The error matches domain.ErrNotFound, domain.ErrUnreachable or
// domain.ErrUnknown.
func (p *Partition) TradeEnds(ctx context.Context, exchange, symbol string) (TradeEnds, error) {
	key := p.tradesKey(exchange, symbol)
	reads := p.store.reads()
	count := reads.LLen(ctx, key)
	first, last := reads.LRange(ctx, key, 0, 0), reads.LRange(ctx, key, -1, -1)
	if err := p.readAtOnce(ctx, reads); err != nil {
		return TradeEnds{}, p.failed(ctx, "read the ends of the trades", err)
	}
	if count.Val() == 0 {
		return TradeEnds{}, domain.ErrNotFound
	}
	ends, err := decodeList(key, append(first.Val(), last.Val()...), tradeDecoder(exchange, symbol))
	if err != nil {
		return TradeEnds{}, err
	}
	return TradeEnds{Count: int(count.Val()), First: ends[0], Last: ends[1]}, nil
}
