package cachestore

import (
	"context"
	_ "embed"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

var (
	//go:embed scripts/orders_page.lua
	ordersPageSource string

	ordersPageScript = redis.NewScript(ordersPageSource)
)

// OrderIndex is a sorted set of ids of orders.
type OrderIndex string

// The indexes. LiveOrders and DoneOrders together are all. DoneOrders are the final
// ones, by the sequence of their end; the others are sorted by that which an order
// was created with.
const (
	LiveOrders   OrderIndex = "live"
	DoneOrders   OrderIndex = "done"
	DeadOrders   OrderIndex = "dead"
	CancelOrders OrderIndex = "cancels"
)

// OrdersOfSymbol are all orders in a symbol.
func OrdersOfSymbol(symbol string) OrderIndex { return OrderIndex("symbol:" + symbol) }

// OrdersOfBot are all orders of a bot.
func OrdersOfBot(bot string) OrderIndex { return OrderIndex("bot:" + bot) }

func (p *Partition) indexKey(index OrderIndex) string { return p.key(string(index)) }

// ordersAtOnce is how many orders are read with one command.
const ordersAtOnce = 1000

// OrderBook is what the fold of an exchange's orders goes on with.
type OrderBook struct {
	Live []domain.Order // oldest first
	Done []string       // ids of the final ones that are kept
}

// LoadOrderBook reads the orders that are not final. The error matches
// domain.ErrUnreachable or domain.ErrUnknown.
func (p *Partition) LoadOrderBook(ctx context.Context) (book OrderBook, err error) {
	for {
		const atOnce = 10_000
		from := int64(len(book.Done))
		ids, err := p.store.rdb.ZRange(ctx, p.indexKey(DoneOrders), from, from+atOnce-1).Result()
		if err != nil {
			return OrderBook{}, p.failed(ctx, "load the orders", err)
		}
		if book.Done = append(book.Done, ids...); len(ids) < atOnce {
			break
		}
	}
	book.Live, err = p.loadIndex(ctx, LiveOrders, -1)
	return book, err
}

// LoadOldestDone reads the n final orders that ended first, oldest first. Errors
// as for LoadOrderBook.
func (p *Partition) LoadOldestDone(ctx context.Context, n int) ([]domain.Order, error) {
	return p.loadIndex(ctx, DoneOrders, int64(n)-1)
}

func (p *Partition) loadIndex(ctx context.Context, index OrderIndex, last int64) ([]domain.Order, error) {
	ids, err := p.store.rdb.ZRange(ctx, p.indexKey(index), 0, last).Result()
	if err != nil {
		return nil, p.failed(ctx, "load the orders", err)
	}
	found, err := p.LoadOrders(ctx, ids)
	if err != nil {
		return nil, err
	}
	orders := make([]domain.Order, len(ids))
	for i, id := range ids {
		o, ok := found[id]
		if !ok {
			return nil, fmt.Errorf("order %s: %w: it is in an index of %s and not there", id, domain.ErrUnknown, p.stream)
		}
		orders[i] = o
	}
	return orders, nil
}

// LoadOrders reads those of the orders that are there. One that cannot be read is
// an error, because what it is decides what may become of it. Errors as for
// LoadOrderBook.
func (p *Partition) LoadOrders(ctx context.Context, ids []string) (map[string]domain.Order, error) {
	out := make(map[string]domain.Order, len(ids))
	for len(ids) > 0 {
		n := min(len(ids), ordersAtOnce)
		values, err := p.store.rdb.HMGet(ctx, p.ordersKey(), ids[:n]...).Result()
		if err != nil {
			return nil, p.failed(ctx, "load the orders", err)
		}
		for i, id := range ids[:n] {
			text, ok := values[i].(string)
			if !ok {
				continue
			}
			if out[id], err = p.readOrder(id, []byte(text)); err != nil {
				return nil, err
			}
		}
		ids = ids[n:]
	}
	return out, nil
}

// Order reads one order and the checkpoint that it is of. Errors as for
// LoadOrderBook.
func (p *Partition) Order(ctx context.Context, id string) (o domain.Order, found bool, at domain.Checkpoint, err error) {
	values, at, err := p.fields(ctx, p.ordersKey(), id)
	if err != nil {
		return o, false, at, err
	}
	text, found := values[0].(string)
	if found {
		o, err = p.readOrder(id, []byte(text))
	}
	return o, found, at, err
}

// readOrder takes a stored order apart, and keeps nothing of the value.
func (p *Partition) readOrder(id string, value []byte) (domain.Order, error) {
	seq, payload, err := wire.Unstamp(value)
	var o domain.Order
	if err == nil {
		o, err = wire.UsualOrder(domain.Key{Kind: domain.KindOrder, Exchange: p.exchange(), OrderID: id}, payload)
	}
	if err != nil {
		return o, fmt.Errorf("order %s: %w: %w", id, domain.ErrUnknown, err)
	}
	if o.First == 0 {
		o.First = seq
	}
	o.Sequence = seq
	return o, nil
}

// OrderPage is a piece of an index.
type OrderPage struct {
	At     domain.Checkpoint
	Orders []domain.Order
	// Bound is where the next page begins; zero: this is the last one.
	Bound uint64
}

// OrdersDown reads up to n orders of an index from the newest back, beginning
// below the bound; zero: with the newest. The error matches
// domain.ErrUnreachable or domain.ErrUnknown.
func (p *Partition) OrdersDown(ctx context.Context, index OrderIndex, bound uint64, n int) (OrderPage, error) {
	from := "+inf"
	if bound > 0 {
		from = "(" + strconv.FormatUint(bound, 10)
	}
	return p.orderPage(ctx, index, "down", from, n)
}

// OrdersUp reads up to n orders of an index from the oldest on, beginning above
// the bound. Errors as for OrdersDown.
func (p *Partition) OrdersUp(ctx context.Context, index OrderIndex, bound uint64, n int) (OrderPage, error) {
	return p.orderPage(ctx, index, "up", "("+strconv.FormatUint(bound, 10), n)
}

func (p *Partition) orderPage(ctx context.Context, index OrderIndex, direction, from string, n int) (OrderPage, error) {
	reply, err := ordersPageScript.Run(ctx, p.store.rdb, []string{p.checkpointKey(), p.indexKey(index), p.ordersKey()},
		direction, from, min(n, ordersAtOnce)).StringSlice()
	if err != nil {
		return OrderPage{}, p.failed(ctx, "read the orders", err)
	}
	return p.readPage(reply)
}

// readPage takes apart what a script says: the checkpoint, the bound, and of each
// order the id and what is stored.
func (p *Partition) readPage(reply []string) (page OrderPage, err error) {
	if page.At, err = domain.ParseCheckpoint(reply[0]); err != nil {
		return page, err
	}
	for i := 2; i+1 < len(reply); i += 2 {
		o, err := p.readOrder(reply[i], []byte(reply[i+1]))
		if err != nil {
			return page, err
		}
		page.Orders = append(page.Orders, o)
	}
	if page.Bound, err = strconv.ParseUint(reply[1], 10, 64); err != nil {
		return page, fmt.Errorf("orders of %s: %w: bound %q", p.stream, domain.ErrUnknown, reply[1])
	}
	return page, nil
}

// CountOrders reads how many orders each index has, and the checkpoint that this
// is of. Errors as for OrdersDown.
func (p *Partition) CountOrders(ctx context.Context, indexes ...OrderIndex) ([]int, domain.Checkpoint, error) {
	tx := p.store.rdb.TxPipeline()
	checkpoint := tx.Get(ctx, p.checkpointKey())
	replies := make([]redis.Cmder, len(indexes))
	for i, index := range indexes {
		replies[i] = tx.ZCard(ctx, p.indexKey(index))
	}
	_, _ = tx.Exec(ctx) // gives the first error, which may only say that there is no checkpoint
	at, err := p.checkpointOf(ctx, checkpoint)
	if err == nil {
		err = p.failedReply(ctx, replies...)
	}
	counts := make([]int, len(indexes))
	for i, reply := range replies {
		counts[i] = int(reply.(*redis.IntCmd).Val())
	}
	return counts, at, err
}

// OldOrders reads the orders that are not final and whose newest state is from a
// message below the sequence before, oldest first and at most limit. It is the
// state at the checkpoint at; the error matches domain.ErrConflict when Redis has
// another one, domain.ErrUnreachable or domain.ErrUnknown.
func (p *Partition) OldOrders(ctx context.Context, at domain.Checkpoint, before uint64, limit int) ([]domain.Event, error) {
	var old []domain.Event
	for bound := uint64(0); ; {
		page, err := p.OrdersUp(ctx, LiveOrders, bound, ordersAtOnce)
		if err == nil && page.At != at {
			err = fmt.Errorf("%s is at %d, not at %d: %w", p.stream, page.At.Seq, at.Seq, domain.ErrConflict)
		}
		if err != nil {
			return nil, err
		}
		for _, o := range page.Orders {
			if o.Sequence < before {
				if old = append(old, o); len(old) == limit {
					return old, nil
				}
			}
		}
		if bound = page.Bound; bound == 0 {
			return old, nil
		}
	}
}
