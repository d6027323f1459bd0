package cachestore

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

// Trades of a market are a Redis Stream that reading does not destroy. An
// entry's id is the log sequence of its trade, its one field is the payload as
// it was in the log.

const (
	payloadField = "p"
	// GapCap is how many gaps of a market are kept.
	GapCap = 1000
)

// AddTrade appends a trade. seq must be above that of the last one.
func (b *Batch) AddTrade(exchange, symbol string, seq uint64, payload []byte) {
	b.do("XADD", b.partition.tradesKey(exchange, symbol), entryID(seq), payloadField, payload)
}

// TrimTrades keeps the newest keep trades of a market.
func (b *Batch) TrimTrades(exchange, symbol string, keep int) {
	b.do("XTRIM", b.partition.tradesKey(exchange, symbol), "MAXLEN", "=", strconv.Itoa(keep))
}

// AddGap appends a gap and keeps the newest GapCap.
func (b *Batch) AddGap(exchange, symbol string, seq uint64, payload []byte) {
	key := b.partition.gapsKey(exchange, symbol)
	b.do("XADD", key, "MAXLEN", "=", strconv.Itoa(GapCap), entryID(seq), payloadField, payload)
}

// AddMarket makes a market known as one that has trades or candles.
func (b *Batch) AddMarket(exchange, symbol string) {
	b.do("SADD", b.partition.marketsKey(), exchange+":"+symbol)
}

func entryID(seq uint64) string { return strconv.FormatUint(seq, 10) + "-0" }

// LoadTradeIDs reads the ids of the newest keep trades of each market, oldest
// first. Entries that cannot be read are left out. The error matches
// domain.ErrUnreachable or domain.ErrUnknown.
func (p *Partition) LoadTradeIDs(ctx context.Context, markets []Market, keep int) (map[Market][]string, error) {
	pipe := p.store.rdb.Pipeline()
	replies := make([]*redis.XMessageSliceCmd, len(markets))
	for i, m := range markets {
		replies[i] = pipe.XRevRangeN(ctx, p.tradesKey(m.Exchange, m.Symbol), "+", "-", int64(keep))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, p.failed(ctx, "read the trades", err)
	}
	ids := make(map[Market][]string, len(markets))
	for i, m := range markets {
		entries := replies[i].Val()
		list := make([]string, 0, len(entries))
		for j := len(entries) - 1; j >= 0; j-- {
			_, payload, err := readEntry(entries[j])
			if err != nil {
				continue
			}
			if id, err := wire.TradeID(payload); err == nil {
				list = append(list, id)
			}
		}
		ids[m] = list
	}
	return ids, nil
}

// Trades reads the newest limit trades of a market, oldest first; none gives an
// empty result. The error matches domain.ErrUnreachable or domain.ErrUnknown.
func (p *Partition) Trades(ctx context.Context, exchange, symbol string, limit int) ([]domain.Trade, error) {
	entries, err := p.store.rdb.XRevRangeN(ctx, p.tradesKey(exchange, symbol), "+", "-", int64(limit)).Result()
	if err != nil {
		return nil, p.failed(ctx, "read the trades", err)
	}
	trades := make([]domain.Trade, len(entries))
	for i, entry := range entries {
		if trades[len(entries)-1-i], err = readTrade(exchange, symbol, entry); err != nil {
			return nil, err
		}
	}
	return trades, nil
}

// Cursor is a place among the trades of a market: behind the one that the log
// stored with Seq. The zero value is before the oldest kept.
type Cursor struct {
	Seq     uint64
	Created int64 // when the stream was created, unix ns; zero: not known yet
}

// TradesAfter reads at most limit trades of a market that follow the cursor,
// oldest first, and returns the cursor behind them. While Redis is being rebuilt
// and has not reached the cursor yet, there are none. The error matches
// domain.ErrLagged when the trade at the cursor is no longer kept, so that what
// followed it may be gone, domain.ErrUnreachable or domain.ErrUnknown.
func (p *Partition) TradesAfter(ctx context.Context, exchange, symbol string, after Cursor, limit int) ([]domain.Trade, Cursor, error) {
	count := int64(limit)
	if after.Seq > 0 {
		count++ // the trade at the cursor
	}
	// One transaction: the trades are those of the checkpoint.
	tx := p.store.rdb.TxPipeline()
	checkpoint := tx.Get(ctx, p.checkpointKey())
	reply := tx.XRangeN(ctx, p.tradesKey(exchange, symbol), entryID(after.Seq), "+", count)
	_, _ = tx.Exec(ctx)
	if err := reply.Err(); err != nil {
		return nil, after, p.failed(ctx, "read the trades", err)
	}
	if err := checkpoint.Err(); err != nil && err != redis.Nil {
		return nil, after, p.failed(ctx, "read the checkpoint", err)
	}
	at, err := domain.ParseCheckpoint(checkpoint.Val())
	if err != nil {
		return nil, after, err
	}
	entries := reply.Val()
	if after.Seq > 0 {
		switch {
		case after.Created != 0 && at.Created != 0 && at.Created != after.Created:
			return nil, after, fmt.Errorf("trades %s %s: %w: the log was created anew", exchange, symbol, domain.ErrLagged)
		case len(entries) > 0 && entries[0].ID == entryID(after.Seq):
			entries = entries[1:]
		case at.Seq < after.Seq:
			return nil, after, nil
		default:
			return nil, after, fmt.Errorf("trades %s %s: %w: the one at %d is no longer kept", exchange, symbol, domain.ErrLagged, after.Seq)
		}
	}
	next := after
	if at.Created != 0 {
		next.Created = at.Created
	}
	trades := make([]domain.Trade, len(entries))
	for i, entry := range entries {
		if trades[i], err = readTrade(exchange, symbol, entry); err != nil {
			return nil, after, err
		}
		next.Seq = trades[i].Sequence
	}
	return trades, next, nil
}

// Gaps reads the newest limit gaps of a market, oldest first. The error matches
// domain.ErrUnreachable or domain.ErrUnknown.
func (p *Partition) Gaps(ctx context.Context, exchange, symbol string, limit int) ([]domain.Gap, error) {
	entries, err := p.store.rdb.XRevRangeN(ctx, p.gapsKey(exchange, symbol), "+", "-", int64(limit)).Result()
	if err != nil {
		return nil, p.failed(ctx, "read the gaps", err)
	}
	gaps := make([]domain.Gap, len(entries))
	for i, entry := range entries {
		seq, payload, err := readEntry(entry)
		if err == nil {
			gaps[len(entries)-1-i], err = wire.DecodeGap(domain.Key{Exchange: exchange, Symbol: symbol}, payload)
		}
		if err != nil {
			return nil, fmt.Errorf("gap %s %s %s: %w: %w", exchange, symbol, entry.ID, domain.ErrUnknown, err)
		}
		gaps[len(entries)-1-i].Sequence = seq
	}
	return gaps, nil
}

func readTrade(exchange, symbol string, entry redis.XMessage) (domain.Trade, error) {
	seq, payload, err := readEntry(entry)
	if err != nil {
		return domain.Trade{}, fmt.Errorf("trade %s %s %s: %w: %w", exchange, symbol, entry.ID, domain.ErrUnknown, err)
	}
	trade, err := wire.DecodeTrade(domain.Key{Exchange: exchange, Symbol: symbol}, payload)
	if err != nil {
		return domain.Trade{}, fmt.Errorf("trade %s %s %s: %w: %w", exchange, symbol, entry.ID, domain.ErrUnknown, err)
	}
	trade.Sequence = seq
	return trade, nil
}

func readEntry(entry redis.XMessage) (seq uint64, payload []byte, err error) {
	text, ok := entry.Values[payloadField].(string)
	if !ok {
		return 0, nil, fmt.Errorf("%w: no field %q", wire.ErrMalformed, payloadField)
	}
	seq, _, err = parseEntryID(entry.ID)
	return seq, []byte(text), err
}

func parseEntryID(id string) (ms, n uint64, err error) {
	left, right, _ := strings.Cut(id, "-")
	if ms, err = strconv.ParseUint(left, 10, 64); err != nil {
		return 0, 0, fmt.Errorf("%w: entry id %q", wire.ErrMalformed, id)
	}
	if right != "" {
		n, err = strconv.ParseUint(right, 10, 64)
	}
	return ms, n, err
}
