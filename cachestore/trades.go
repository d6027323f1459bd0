package cachestore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

// Trades of a market are a list of stamped payloads, oldest first, which
// reading does not take away. See doc.go for why it is no Redis Stream.

// GapCap is how many gaps of a market are kept.
const GapCap = 1000

// Write is a payload on its way to Redis.
type Write struct {
	Seq     uint64 // of the message that carried it
	Payload []byte // as it was in the log
}

// AddTrades appends trades of a market, in the order of their sequences.
func (b *Batch) AddTrades(exchange, symbol string, trades []Write) {
	b.push(b.partition.tradesKey(exchange, symbol), trades)
}

// TrimTrades keeps the newest keep trades of a market.
func (b *Batch) TrimTrades(exchange, symbol string, keep int) {
	b.trim(b.partition.tradesKey(exchange, symbol), keep)
}

// AddGaps appends gaps of a market and keeps the newest GapCap.
func (b *Batch) AddGaps(exchange, symbol string, gaps []Write) {
	key := b.partition.gapsKey(exchange, symbol)
	b.push(key, gaps)
	b.trim(key, GapCap)
}

// push appends to a list, as many values with one command as a script can.
func (b *Batch) push(key string, writes []Write) {
	for chunk := range slices.Chunk(writes, maxArguments) {
		b.begin("RPUSH", key, len(chunk))
		for _, w := range chunk {
			b.args = append(b.args, b.stamp(w.Seq, w.Payload))
		}
	}
}

func (b *Batch) trim(key string, keep int) {
	b.do("LTRIM", key, strconv.Itoa(-keep), "-1")
}

// AddMarket makes a market known as one that has trades or candles.
func (b *Batch) AddMarket(exchange, symbol string) {
	b.do("SADD", b.partition.marketsKey(), exchange+":"+symbol)
}

// LoadTradeIDs reads the ids of the newest keep trades of each market, oldest
// first. Entries that cannot be read are left out. The error matches
// domain.ErrUnreachable or domain.ErrUnknown.
func (p *Partition) LoadTradeIDs(ctx context.Context, markets []Market, keep int) (map[Market][]string, error) {
	pipe := p.store.rdb.Pipeline()
	replies := make([]*redis.StringSliceCmd, len(markets))
	for i, m := range markets {
		replies[i] = pipe.LRange(ctx, p.tradesKey(m.Exchange, m.Symbol), int64(-keep), -1)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, p.failed(ctx, "load trades", err)
	}
	ids := make(map[Market][]string, len(markets))
	for i, m := range markets {
		list := make([]string, 0, len(replies[i].Val()))
		for _, value := range replies[i].Val() {
			if _, payload, err := wire.UnstampText(value); err == nil {
				if id, err := wire.TradeID(payload); err == nil {
					list = append(list, id)
				}
			}
		}
		ids[m] = list
	}
	return ids, nil
}

// Trades reads the newest limit trades of a market, oldest first, and the
// checkpoint that they are of; none gives an empty result. The error matches
// domain.ErrUnreachable or domain.ErrUnknown.
func (p *Partition) Trades(ctx context.Context, exchange, symbol string, limit int) ([]domain.Trade, domain.Checkpoint, error) {
	return listOf(ctx, p, p.tradesKey(exchange, symbol), limit, tradeDecoder(exchange, symbol))
}

// Cursor is a place among the trades of a market: behind the one that the log
// stored with Seq. The zero value is before the oldest kept.
type Cursor struct {
	Seq     uint64
	Created int64  // when the stream was created, unix ns; zero: not known yet
	Epoch   uint64 // of the checkpoint that was read last; zero: not known yet
}

// tailChunk is how many of the newest trades are looked at first for those that
// a watcher has not seen.
const tailChunk = 64

// TradesAfter reads the trades of a market that follow the cursor, oldest first,
// and returns the cursor behind them. While Redis is being folded anew, which its
// Epoch shows, and has not reached the cursor yet, there are none. The error matches domain.ErrLagged
// when the trade at the cursor is no longer kept, so that what followed it may
// be gone, domain.ErrUnreachable or domain.ErrUnknown.
func (p *Partition) TradesAfter(ctx context.Context, exchange, symbol string, after Cursor) ([]domain.Trade, Cursor, error) {
	limit := tailChunk
	for {
		if after.Seq == 0 {
			limit = maxList
		}
		trades, at, err := p.Trades(ctx, exchange, symbol, limit)
		if err != nil {
			return nil, after, err
		}
		next := after
		if !at.IsZero() {
			next.Created, next.Epoch = at.Created, at.Epoch
		}
		i, found := slices.BinarySearchFunc(trades, after.Seq, func(t domain.Trade, seq uint64) int {
			return cmp.Compare(t.Sequence, seq)
		})
		switch {
		case after.Seq == 0:
		case after.Created != 0 && at.Created != 0 && at.Created != after.Created:
			return nil, after, fmt.Errorf("trades %s %s: %w: the log was created anew", exchange, symbol, domain.ErrLagged)
		case found:
			trades = trades[i+1:]
		case at.Seq < after.Seq:
			return nil, next, nil
		case i > 0 || len(trades) < limit:
			return nil, after, fmt.Errorf("trades %s %s: %w: the one at %d is no longer kept", exchange, symbol, domain.ErrLagged, after.Seq)
		default:
			limit *= 8 // the cursor is further back
			continue
		}
		if n := len(trades); n > 0 {
			next.Seq = trades[n-1].Sequence
		}
		return trades, next, nil
	}
}

// maxList is more than any list holds.
const maxList = 1 << 30

func tradeDecoder(exchange, symbol string) decodeInto[domain.Trade] {
	var texts wire.Texts
	return func(t, _ *domain.Trade, payload []byte, seq uint64) error {
		t.Exchange, t.Symbol, t.Sequence = exchange, symbol, seq
		return wire.ReadTrade(t, payload, &texts)
	}
}

// Gaps reads the newest limit gaps of a market, oldest first, and the checkpoint
// that they are of. The error matches domain.ErrUnreachable or
// domain.ErrUnknown.
func (p *Partition) Gaps(ctx context.Context, exchange, symbol string, limit int) ([]domain.Gap, domain.Checkpoint, error) {
	return listOf(ctx, p, p.gapsKey(exchange, symbol), limit, func(gap, _ *domain.Gap, payload []byte, seq uint64) (err error) {
		*gap, err = wire.DecodeGap(domain.Key{Exchange: exchange, Symbol: symbol}, payload)
		gap.Sequence = seq
		return err
	})
}

// decodeInto decodes a payload into a zero value, and sets what is not in it.
// before is the value before it in its list, of the first one itself.
type decodeInto[T any] func(into, before *T, payload []byte, seq uint64) error

// listOf reads the newest limit values of a list of stamped payloads, and the
// checkpoint that they are of, in one step.
func listOf[T any](ctx context.Context, p *Partition, key string, limit int, decode decodeInto[T]) ([]T, domain.Checkpoint, error) {
	r, at, err := p.readAt(ctx, "read "+key, command{"lrange", key, -limit, -1})
	if err != nil {
		return nil, at, err
	}
	defer r.release()
	list, err := readList(ctx, p, key, &r, decode)
	return list, at, err
}

// readList reads a list of stamped payloads that was asked for.
func readList[T any](ctx context.Context, p *Partition, key string, r *reply, decode decodeInto[T]) ([]T, error) {
	out := make([]T, r.list())
	for i := range out {
		value, _ := r.bytes()
		if r.err != nil {
			break
		}
		seq, payload, err := wire.Unstamp(value)
		if err == nil {
			err = decode(&out[i], &out[max(0, i-1)], payload, seq)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w: %w", key, domain.ErrUnknown, err)
		}
	}
	if r.err != nil {
		return nil, p.failed(ctx, "read "+key, r.err)
	}
	return out, nil
}

func decodeList[T any](key string, values []string, decode decodeInto[T]) ([]T, error) {
	out := make([]T, len(values))
	for i, value := range values {
		seq, payload, err := wire.UnstampText(value)
		if err == nil {
			err = decode(&out[i], &out[max(0, i-1)], payload, seq)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w: %w", key, domain.ErrUnknown, err)
		}
	}
	return out, nil
}
