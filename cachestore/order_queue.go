package cachestore

import (
	"context"
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/domain"
)

var (
	//go:embed scripts/orders_pop.lua
	ordersPopSource string
	//go:embed scripts/orders_lease.lua
	ordersLeaseSource string

	ordersPopScript   = redis.NewScript(ordersPopSource)
	ordersLeaseScript = redis.NewScript(ordersLeaseSource)
)

// OrderPop is what PopOrders needs to know.
type OrderPop struct {
	Epoch  uint64 // that the checkpoint must have
	Least  uint64 // the sequence that it must have reached
	Lease  time.Duration
	Token  string // without white space, another one for each call
	Worker string // without white space
	Most   int    // how many at most
}

// PoppedOrder is one that was leased.
type PoppedOrder struct {
	Order      domain.Order
	Tries      int    // how often it was handed out, this time included
	BlockSeq   uint64 // of the newest message about the market's block; zero: none
	BlockToken uint64 // of the block, if the order's bot holds it; zero: it does not
	HaltSeq    uint64 // of the newest message about the exchange's halt; zero: none
	BotHaltSeq uint64 // of the newest message about the bot's halt; zero: none
	Lapsed     bool   // another bot has the block, which has expired
	Expired    bool   // it is too old to be sent
	OpeningSeq uint64 // of the newest message about the market's opening mark; zero: none
	OpenLapsed bool   // another bot has the opening mark, which has expired
}

// PoppedOrders is the answer of PopOrders.
type PoppedOrders struct {
	At     domain.Checkpoint
	Behind bool // At is not what was asked for: nothing was done
	Orders []PoppedOrder
	Until  time.Time     // when the leases end, by the clock of Redis
	Next   time.Duration // until something that keeps orders back ends by itself; zero: nothing does
}

// PopOrders leases the oldest orders that wait for a worker and may be handed
// out, each of another symbol. Where the oldest of a symbol must wait, the oldest
// one there that need not is leased in its place. It takes nothing away: once a lease has ended, the
// order is the first of its symbol again. The error matches
// domain.ErrUnreachable, when orders may have been leased, or domain.ErrUnknown.
func (p *Partition) PopOrders(ctx context.Context, r OrderPop) (PoppedOrders, error) {
	lease := max(1, r.Lease.Milliseconds())
	reply, err := ordersPopScript.Run(ctx, p.store.rdb, []string{
		p.checkpointKey(), p.queuedKey(), p.headsKey(), p.ticketsKey(), p.ordersKey(), p.orderLeasesKey(), p.triesKey(),
		p.heldKey(domain.KindBlock), p.freedKey(domain.KindBlock), p.heldKey(domain.KindOpening), p.haltsKey(), p.freedKey(domain.KindOpening),
	}, r.Epoch, r.Least, lease, r.Token, r.Worker, r.Most).Slice()
	if err != nil {
		return PoppedOrders{}, p.failed(ctx, "pop orders", err)
	}
	in := popReply{of: p.stream, rest: reply}
	var out PoppedOrders
	if out.At, err = domain.ParseCheckpoint(in.text()); err != nil {
		return out, err
	}
	if len(in.rest) == 0 && in.err == nil {
		out.Behind = true
		return out, nil
	}
	out.Until = time.UnixMilli(in.number() + lease)
	out.Next = time.Duration(in.number()) * time.Millisecond
	for len(in.rest) > 0 && in.err == nil {
		o, err := in.order(p)
		if err != nil {
			return out, err
		}
		out.Orders = append(out.Orders, o)
	}
	return out, in.err
}

// popReply reads what the script of PopOrders has answered, one element after the
// other, and keeps the first error.
type popReply struct {
	of   string
	rest []any
	err  error
}

func (r *popReply) next() (element any) {
	if len(r.rest) > 0 {
		element, r.rest = r.rest[0], r.rest[1:]
	}
	return element
}

func (r *popReply) text() string {
	element := r.next()
	text, ok := element.(string)
	if !ok {
		r.fail(element, "text")
	}
	return text
}

func (r *popReply) number() int64 {
	element := r.next()
	n, ok := element.(int64)
	if !ok {
		r.fail(element, "number")
	}
	return n
}

func (r *popReply) fail(element any, what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%s: %w: %v is no %s", r.of, domain.ErrUnknown, element, what)
	}
}

// order reads one that was leased.
func (r *popReply) order(p *Partition) (o PoppedOrder, err error) {
	id, stored := r.text(), r.text()
	o.Tries = int(r.number())
	about := r.text()
	if r.err != nil {
		return o, r.err
	}
	var lapsed, openLapsed, expired uint64
	rest := about
	for _, n := range []*uint64{&o.BlockSeq, &o.BlockToken, &o.OpeningSeq, &o.HaltSeq, &o.BotHaltSeq, &lapsed, &openLapsed, &expired} {
		var text string
		text, rest, _ = strings.Cut(rest, " ")
		if *n, err = strconv.ParseUint(text, 10, 64); err != nil {
			r.fail(about, "list of eight numbers")
			return o, r.err
		}
	}
	o.Lapsed, o.OpenLapsed, o.Expired = lapsed == 1, openLapsed == 1, expired == 1
	o.Order, err = p.readOrder(id, stored)
	return o, err
}

// LeaseMove is what becomes of the lease of an order.
type LeaseMove string

// The moves.
const (
	// ExtendLease keeps it.
	ExtendLease LeaseMove = "extend"
	// KeepLease keeps it, even one that has ended if nobody has had the order since.
	KeepLease LeaseMove = "grace"
	// ReturnLease gives it back, and nobody gets the order before the time is over.
	ReturnLease LeaseMove = "delay"
	// DeferLease is ReturnLease that does not count as a try.
	DeferLease LeaseMove = "defer"
)

// OrderLease names a lease.
type OrderLease struct {
	Symbol, ID, Token string
	Epoch             uint64
}

// MoveOrderLease lets the lease of an order end d from now on. held is false when
// it has ended or is another one's; it is true for an order that waits no more,
// which nobody else can get. The error matches domain.ErrUnreachable or
// domain.ErrUnknown.
func (p *Partition) MoveOrderLease(ctx context.Context, l OrderLease, move LeaseMove, d time.Duration) (held bool, err error) {
	n, err := ordersLeaseScript.Run(ctx, p.store.rdb, []string{p.checkpointKey(), p.orderLeasesKey(), p.ticketsKey(), p.triesKey()},
		l.Symbol, l.ID, l.Token, d.Milliseconds(), string(move), l.Epoch).Int()
	if err != nil {
		return false, p.failed(ctx, "lease of an order", err)
	}
	return n > 0, nil
}

// OrderQueue is how the queue of a symbol is doing.
type OrderQueue struct {
	Symbol  string
	Waiting int    // orders in it, leased ones included
	Head    string // id of the oldest one
	// Of the lease, if there is one: when it ends, by the clock of Redis, of which
	// order it is and who has it. Delayed: nobody has it, it is kept back until then.
	Until   time.Time
	Leased  string
	Worker  string
	Delayed bool
}

// OrderQueues reads how the queue of each symbol that has orders waiting is
// doing, the one with the oldest order first. Errors as for MoveOrderLease.
func (p *Partition) OrderQueues(ctx context.Context) ([]OrderQueue, domain.Checkpoint, error) {
	tx := p.store.rdb.TxPipeline()
	checkpoint := tx.Get(ctx, p.checkpointKey())
	symbols, heads := tx.ZRange(ctx, p.queuedKey(), 0, -1), tx.HGetAll(ctx, p.headsKey())
	leases, now := tx.HGetAll(ctx, p.orderLeasesKey()), tx.Time(ctx)
	_, _ = tx.Exec(ctx) // gives the first error, which may only say that there is no checkpoint
	at, err := p.checkpointOf(ctx, checkpoint)
	if err == nil {
		err = p.failedReply(ctx, symbols, heads, leases, now)
	}
	if err != nil || len(symbols.Val()) == 0 {
		return nil, at, err
	}
	counts := p.store.rdb.Pipeline()
	lengths, waits := make([]*redis.IntCmd, len(symbols.Val())), make([]*redis.BoolCmd, len(symbols.Val()))
	queues := make([]OrderQueue, len(symbols.Val()))
	for i, symbol := range symbols.Val() {
		oldest, _, _ := strings.Cut(heads.Val()[symbol], " ")
		queues[i] = OrderQueue{Symbol: symbol, Head: oldest}
		queues[i].setLease(leases.Val()[symbol], now.Val())
		lengths[i] = counts.ZCard(ctx, p.indexKey(QueueOf(symbol)))
		waits[i] = counts.HExists(ctx, p.ticketsKey(), queues[i].Leased)
	}
	if _, err := counts.Exec(ctx); err != nil {
		return nil, at, p.failed(ctx, "read the queues", err)
	}
	for i := range queues {
		q := &queues[i]
		if q.Waiting = int(lengths[i].Val()); !waits[i].Val() {
			q.Until, q.Leased, q.Worker, q.Delayed = time.Time{}, "", "", false
		}
	}
	return queues, at, nil
}

// setLease reads the text of a lease that has not ended.
func (q *OrderQueue) setLease(text string, now time.Time) {
	parts := strings.SplitN(text, " ", 4)
	if len(parts) != 4 {
		return
	}
	ms, err := strconv.ParseInt(parts[0], 10, 64)
	if until := time.UnixMilli(ms); err == nil && until.After(now) {
		q.Until, q.Leased, q.Worker, q.Delayed = until, parts[2], parts[3], parts[1] == "-"
	}
}

// WaitingOrders counts the orders that wait for a worker, and reads one order, if
// an id is given, of the same checkpoint. Errors as for MoveOrderLease.
func (p *Partition) WaitingOrders(ctx context.Context, id string) (waiting int, order domain.Order, found bool, at domain.Checkpoint, err error) {
	r, at, err := p.readAt(ctx, "count the orders that wait", command{"hlen", p.ticketsKey()}, command{"hmget", p.ordersKey(), id})
	if err != nil {
		return 0, order, false, at, err
	}
	defer r.release()
	waiting = int(r.number())
	r.list()
	value, found := r.bytes()
	if r.err != nil {
		return 0, order, false, at, p.failed(ctx, "count the orders that wait", r.err)
	}
	if found {
		order, err = p.readOrder(id, string(value))
	}
	return waiting, order, found, at, err
}

// ResetTries forgets how often an order was handed out. Errors as for
// MoveOrderLease.
func (p *Partition) ResetTries(ctx context.Context, id string) error {
	if err := p.store.rdb.HDel(ctx, p.triesKey(), id).Err(); err != nil {
		return p.failed(ctx, "reset the tries", err)
	}
	return nil
}
