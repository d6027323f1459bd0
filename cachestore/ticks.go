package cachestore

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

// Ticks of one exchange in one partition are a hash: symbol to stamped payload,
// and feedField to the exchange's last sign of life. One read gets a tick and
// what vouches for it.

// feedField cannot be a symbol: those have a slash.
const feedField = "feed"

// StaleWithoutFeed is the age from which a tick is stale that no feed vouches
// for: one that a bot or a connector without signs of life has set.
const StaleWithoutFeed = 60 * time.Second

// TickWrite is one market's new tick.
type TickWrite struct {
	Symbol string
	Write
}

// PutTicks sets ticks of one exchange.
func (b *Batch) PutTicks(exchange string, ticks []TickWrite) {
	key := b.partition.ticksKey(exchange)
	for chunk := range slices.Chunk(ticks, maxArguments/2) {
		b.begin("HSET", key, 2*len(chunk))
		for _, w := range chunk {
			b.args = append(b.args, w.Symbol, b.stamp(w.Seq, w.Payload))
		}
	}
}

// PutFeed sets the last sign of life of an exchange.
func (b *Batch) PutFeed(exchange string, feed Write) {
	b.do("HSET", b.partition.ticksKey(exchange), feedField, b.stamp(feed.Seq, feed.Payload))
}

// DeleteTick removes a market's tick.
func (b *Batch) DeleteTick(exchange, symbol string) {
	b.do("HDEL", b.partition.ticksKey(exchange), symbol)
}

// AddExchange makes an exchange known as one that has ticks.
func (b *Batch) AddExchange(exchange string) {
	b.do("SADD", b.partition.exchangesKey(), exchange)
}

// Market names a symbol on an exchange.
type Market struct {
	Exchange string
	Symbol   string
}

// LoadTickOrders reads what orders the stored ticks of the markets; markets
// without a tick are left out of the result. A stored tick that cannot be read
// counts as none, so that the next one replaces it. The error matches
// domain.ErrUnreachable or domain.ErrUnknown.
func (p *Partition) LoadTickOrders(ctx context.Context, markets []Market) (map[Market]domain.TickOrder, error) {
	pipe := p.store.rdb.Pipeline()
	replies := make([]*redis.StringCmd, len(markets))
	for i, m := range markets {
		replies[i] = pipe.HGet(ctx, p.ticksKey(m.Exchange), m.Symbol)
	}
	_, _ = pipe.Exec(ctx) // gives the first error, which may only say that a market has no tick
	orders := make(map[Market]domain.TickOrder, len(markets))
	for i, reply := range replies {
		value, err := reply.Bytes()
		if err == redis.Nil {
			continue
		}
		if err != nil {
			return nil, p.failed(ctx, "read the ticks", err)
		}
		if _, payload, err := wire.Unstamp(value); err == nil {
			if order, err := wire.ScanTick(payload); err == nil {
				orders[markets[i]] = order
			}
		}
	}
	return orders, nil
}

// Tick reads a market's tick and whether it is stale at now. The error matches
// domain.ErrNotFound, domain.ErrUnreachable, or domain.ErrUnknown for a stored
// value that cannot be read.
func (p *Partition) Tick(ctx context.Context, exchange, symbol string, now time.Time) (domain.Tick, error) {
	reads := p.store.reads()
	reply := reads.HMGet(ctx, p.ticksKey(exchange), symbol, feedField)
	if err := p.read(ctx, reads); err != nil {
		return domain.Tick{}, p.failed(ctx, "read a tick", err)
	}
	values := reply.Val()
	return readTick(exchange, symbol, values[0], values[1], now)
}

// Ticks reads the ticks of the given symbols, in order. Symbols that have none
// get the zero Tick. Errors as for Tick.
func (p *Partition) Ticks(ctx context.Context, exchange string, symbols []string, now time.Time) ([]domain.Tick, error) {
	fields := append(append(make([]string, 0, len(symbols)+1), symbols...), feedField)
	values, err := p.store.rdb.HMGet(ctx, p.ticksKey(exchange), fields...).Result()
	if err != nil {
		return nil, p.failed(ctx, "read the ticks", err)
	}
	ticks := make([]domain.Tick, len(symbols))
	for i, symbol := range symbols {
		if values[i] == nil {
			continue
		}
		if ticks[i], err = readTick(exchange, symbol, values[i], values[len(symbols)], now); err != nil {
			return nil, err
		}
	}
	return ticks, nil
}

// AllTicks reads all ticks of an exchange from the partitions, in no order.
// Errors as for Tick, but an exchange without ticks is an empty result.
func (s *Store) AllTicks(ctx context.Context, partitions []*Partition, exchange string, now time.Time) ([]domain.Tick, error) {
	reads := s.reads()
	replies := make([]*redis.MapStringStringCmd, len(partitions))
	for i, p := range partitions {
		replies[i] = reads.HGetAll(ctx, p.ticksKey(exchange))
	}
	if err := s.read(ctx, reads); err != nil {
		return nil, s.failed(ctx, "read the ticks", err)
	}
	var ticks []domain.Tick
	for _, reply := range replies {
		fields := reply.Val()
		var feed any
		if f, ok := fields[feedField]; ok {
			feed = f
			delete(fields, feedField)
		}
		for symbol, value := range fields {
			tick, err := readTick(exchange, symbol, value, feed, now)
			if err != nil {
				return nil, err
			}
			ticks = append(ticks, tick)
		}
	}
	return ticks, nil
}

// Place is a market and the partition that its tick is in.
type Place struct {
	Partition *Partition
	Market
}

// TicksAt reads the ticks of markets, in order, with one request. Markets that
// have none get the zero Tick. Errors as for Tick.
func (s *Store) TicksAt(ctx context.Context, places []Place, now time.Time) ([]domain.Tick, error) {
	if len(places) == 0 {
		return nil, nil
	}
	type hash struct {
		partition *Partition
		exchange  string
	}
	symbols := make(map[hash][]string)
	for _, at := range places {
		h := hash{at.Partition, at.Exchange}
		symbols[h] = append(symbols[h], at.Symbol)
	}
	reads := s.reads()
	replies := make(map[hash]*redis.SliceCmd, len(symbols))
	for h, names := range symbols {
		replies[h] = reads.HMGet(ctx, h.partition.ticksKey(h.exchange), append(names, feedField)...)
	}
	if err := s.read(ctx, reads); err != nil {
		return nil, s.failed(ctx, "read the ticks", err)
	}
	ticks := make([]domain.Tick, len(places))
	next := make(map[hash]int, len(symbols))
	for i, at := range places {
		h := hash{at.Partition, at.Exchange}
		values := replies[h].Val()
		value := values[next[h]]
		next[h]++
		if value == nil {
			continue
		}
		var err error
		if ticks[i], err = readTick(at.Exchange, at.Symbol, value, values[len(values)-1], now); err != nil {
			return nil, err
		}
	}
	return ticks, nil
}

// Exchanges lists the exchanges that have or had ticks in the partitions, each
// once, in no order. The error matches domain.ErrUnreachable or
// domain.ErrUnknown.
func (s *Store) Exchanges(ctx context.Context, partitions []*Partition) ([]string, error) {
	reads := s.reads()
	replies := make([]*redis.StringSliceCmd, len(partitions))
	for i, p := range partitions {
		replies[i] = reads.SMembers(ctx, p.exchangesKey())
	}
	if err := s.read(ctx, reads); err != nil {
		return nil, s.failed(ctx, "read the ticks", err)
	}
	seen := make(map[string]bool)
	var exchanges []string
	for _, reply := range replies {
		for _, exchange := range reply.Val() {
			if !seen[exchange] {
				seen[exchange] = true
				exchanges = append(exchanges, exchange)
			}
		}
	}
	return exchanges, nil
}

// readTick decodes a tick and judges it by its feed; both are nil or a string.
func readTick(exchange, symbol string, value, feed any, now time.Time) (domain.Tick, error) {
	text, ok := value.(string)
	if !ok {
		return domain.Tick{}, fmt.Errorf("tick %s %s: %w", exchange, symbol, domain.ErrNotFound)
	}
	seq, payload, err := wire.UnstampText(text)
	if err != nil {
		return domain.Tick{}, fmt.Errorf("tick %s %s: %w: %w", exchange, symbol, domain.ErrUnknown, err)
	}
	tick, err := wire.DecodeTick(domain.Key{Exchange: exchange, Symbol: symbol}, payload)
	if err != nil {
		return domain.Tick{}, fmt.Errorf("tick %s %s: %w: %w", exchange, symbol, domain.ErrUnknown, err)
	}
	tick.Sequence = seq
	tick.Stale = tick.Age(now) > StaleWithoutFeed
	if text, ok := feed.(string); ok {
		// A sign of life that cannot be read is none.
		tick.Stale = true
		if _, payload, err := wire.UnstampText(text); err == nil {
			if f, err := wire.DecodeFeed(domain.Key{Exchange: exchange}, payload); err == nil {
				tick.Stale = f.StaleAt(now)
			}
		}
	}
	return tick, nil
}
