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
// oldest first, and the checkpoint that they are of. complete says that those
// that are kept reach back to since. The error matches domain.ErrUnreachable or
// domain.ErrUnknown.
func (p *Partition) TradesSince(ctx context.Context, exchange, symbol string, since time.Time) (trades []domain.Trade, complete bool, at domain.Checkpoint, err error) {
	for limit := 256; ; limit *= 8 {
		trades, at, err = p.Trades(ctx, exchange, symbol, limit)
		if err != nil {
			return nil, false, at, err
		}
		far := len(trades) > 0 && trades[0].Time.Before(since.Add(-timeDisorder))
		if !far && len(trades) == limit {
			continue // look further back
		}
		oldest := len(trades) > 0 && trades[0].Time.Before(since)
		trades = slices.DeleteFunc(trades, func(t domain.Trade) bool { return t.Time.Before(since) })
		return trades, far || oldest, at, nil
	}
}

// TradeEnds is what is at the ends of a market's trades that are kept.
type TradeEnds struct {
	Count int
	First domain.Trade // the oldest
	Last  domain.Trade // the newest
}

// TradeEnds reads how many trades of a market are kept, the oldest and the
// newest, and the checkpoint that this is of, also for domain.ErrNotFound. The
// error matches that, domain.ErrUnreachable or domain.ErrUnknown.
func (p *Partition) TradeEnds(ctx context.Context, exchange, symbol string) (TradeEnds, domain.Checkpoint, error) {
	key := p.tradesKey(exchange, symbol)
	r, at, err := p.readAt(ctx, "read the ends of the trades", command{"llen", key}, command{"lrange", key, 0, 0}, command{"lrange", key, -1, -1})
	if err != nil {
		return TradeEnds{}, at, err
	}
	defer r.release()
	count := int(r.number())
	if r.err == nil && count == 0 {
		return TradeEnds{}, at, domain.ErrNotFound
	}
	decode := tradeDecoder(exchange, symbol)
	first, err := readList(ctx, p, key, &r, decode)
	if err != nil {
		return TradeEnds{}, at, err
	}
	last, err := readList(ctx, p, key, &r, decode)
	if err != nil {
		return TradeEnds{}, at, err
	}
	return TradeEnds{Count: count, First: first[0], Last: last[0]}, at, nil
}
