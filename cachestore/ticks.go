package cachestore

import (
	"context"
	"errors"
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

// Tick reads a market's tick and whether it is stale at now, and the checkpoint
// that this is of, also for domain.ErrNotFound. The error matches that,
// domain.ErrUnreachable, or domain.ErrUnknown for a stored value that cannot be
// read.
func (p *Partition) Tick(ctx context.Context, exchange, symbol string, now time.Time) (tick domain.Tick, at domain.Checkpoint, err error) {
	r, at, err := p.readFieldsAt(ctx, "read a tick", p.ticksKey(exchange), symbol, feedField)
	if err != nil {
		return tick, at, err
	}
	defer r.release()
	value, found := r.bytes()
	feed := r.feed()
	if r.err != nil {
		return tick, at, p.failed(ctx, "read a tick", r.err)
	}
	if !found {
		return tick, at, fmt.Errorf("tick %s %s: %w", exchange, symbol, domain.ErrNotFound)
	}
	if err := readTick(&tick, exchange, symbol, value); err != nil {
		return domain.Tick{}, at, err
	}
	feed.judge(&tick, now)
	return tick, at, nil
}

// Ticks reads the ticks of the given symbols, in order. Symbols that have none
// get the zero Tick. Otherwise like AllTicks.
func (p *Partition) Ticks(ctx context.Context, exchange string, symbols []string, now time.Time) ([]domain.Tick, []domain.Checkpoint, error) {
	places := make([]Place, len(symbols))
	for i, symbol := range symbols {
		places[i] = Place{Partition: p, Market: Market{Exchange: exchange, Symbol: symbol}}
	}
	return p.store.TicksAt(ctx, places, now)
}

// AllTicks reads all ticks of an exchange from the partitions, by symbol, and
// the checkpoints that they are of, one for each partition. The error matches
// domain.ErrUnreachable or domain.ErrUnknown; an exchange without ticks is an
// empty result.
func (s *Store) AllTicks(ctx context.Context, partitions []*Partition, exchange string, now time.Time) ([]domain.Tick, []domain.Checkpoint, error) {
	commands := make([]command, len(partitions))
	for i, p := range partitions {
		commands[i] = command{"hgetall", p.ticksKey(exchange)}
	}
	r, at, err := s.readEach(ctx, "read the ticks", partitions, commands)
	if err != nil {
		return nil, nil, err
	}
	defer r.release()
	known, _ := s.listings.Load(exchange)
	l, _ := known.(*listing)
	ticks, fits, err := l.read(r, len(partitions), exchange, now)
	if !fits {
		l = newListing(r, len(partitions))
		if ticks, fits, err = l.read(r, len(partitions), exchange, now); fits && len(ticks) > 0 {
			s.listings.Store(exchange, l)
		}
	}
	if err != nil && !errors.Is(err, domain.ErrUnknown) {
		err = s.failed(ctx, "read the ticks", err)
	}
	return ticks, at, err
}

// Place is a market and the partition that its tick is in.
type Place struct {
	Partition *Partition
	Market
}

// TicksAt reads the ticks of markets, in order, with one request, and for each
// the checkpoint that it is of. Markets that have none get the zero Tick. Errors
// as for AllTicks.
func (s *Store) TicksAt(ctx context.Context, places []Place, now time.Time) ([]domain.Tick, []domain.Checkpoint, error) {
	if len(places) == 0 {
		return nil, nil, nil
	}
	// One command for each hash that has some of them.
	type hash struct {
		partition *Partition
		exchange  string
	}
	var commands []command
	var hashes []*Partition
	var members [][]int // of each hash, which of the places are in it
	index := make(map[hash]int)
	for i, at := range places {
		h := hash{at.Partition, at.Exchange}
		n, known := index[h]
		if !known {
			n = len(commands)
			index[h] = n
			commands, members = append(commands, command{"hmget", at.Partition.ticksKey(at.Exchange), feedField}), append(members, nil)
			hashes = append(hashes, at.Partition)
		}
		commands[n], members[n] = append(commands[n], at.Symbol), append(members[n], i)
	}
	r, at, err := s.readEach(ctx, "read the ticks", hashes, commands)
	if err != nil {
		return nil, nil, err
	}
	defer r.release()
	ticks, of := make([]domain.Tick, len(places)), make([]domain.Checkpoint, len(places))
	for n, inHash := range members {
		r.list()
		feed := r.feed()
		for _, i := range inHash {
			of[i] = at[n]
			value, found := r.bytes()
			if !found {
				continue
			}
			if err := readTick(&ticks[i], places[i].Exchange, places[i].Symbol, value); err != nil {
				return nil, nil, err
			}
			feed.judge(&ticks[i], now)
		}
	}
	if r.err != nil {
		return nil, nil, s.failed(ctx, "read the ticks", r.err)
	}
	return ticks, of, nil
}

// Exchanges lists the exchanges that have or had ticks in the partitions, each
// once, in no order, and the checkpoints that this is of. The error matches
// domain.ErrUnreachable or domain.ErrUnknown.
func (s *Store) Exchanges(ctx context.Context, partitions []*Partition) ([]string, []domain.Checkpoint, error) {
	commands := make([]command, len(partitions))
	for i, p := range partitions {
		commands[i] = command{"smembers", p.exchangesKey()}
	}
	r, at, err := s.readEach(ctx, "read the ticks", partitions, commands)
	if err != nil {
		return nil, nil, err
	}
	defer r.release()
	var exchanges []string // a handful
	for range partitions {
		for range r.list() {
			exchange, _ := r.bytes()
			if !slices.ContainsFunc(exchanges, func(seen string) bool { return seen == string(exchange) }) {
				exchanges = append(exchanges, string(exchange))
			}
		}
	}
	if r.err != nil {
		return nil, nil, s.failed(ctx, "read the ticks", r.err)
	}
	return exchanges, at, nil
}

// feedSign is what vouches for the ticks of an exchange in a partition.
type feedSign struct {
	there bool        // it is, be it that it cannot be read
	feed  domain.Feed // zero: it cannot be read
}

// feed reads the exchange's last sign of life. Its exchange is left out.
func (r *reply) feed() feedSign {
	value, there := r.bytes()
	sign := feedSign{there: there}
	if !there {
		return sign
	}
	if _, payload, err := wire.Unstamp(value); err == nil {
		if f, err := wire.DecodeFeed(domain.Key{}, payload); err == nil {
			sign.feed = f
		}
	}
	return sign
}

// judge tells whether a tick is stale at now.
func (s feedSign) judge(tick *domain.Tick, now time.Time) {
	if s.there {
		tick.Stale = s.feed.StaleAt(now)
	} else {
		tick.Stale = tick.Age(now) > StaleWithoutFeed
	}
}

func readTick(tick *domain.Tick, exchange, symbol string, value []byte) error {
	seq, payload, err := wire.Unstamp(value)
	if err == nil {
		tick.Exchange, tick.Symbol, tick.Sequence = exchange, symbol, seq
		err = wire.ReadTick(tick, payload)
	}
	if err != nil {
		return fmt.Errorf("tick %s %s: %w: %w", exchange, symbol, domain.ErrUnknown, err)
	}
	return nil
}
