package cachestore

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"maps"
	"slices"
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

	ordersPopScript   = newScript(ordersPopSource)
	ordersLeaseScript = newScript(ordersLeaseSource)
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
	// The same of the market's opening mark.
	OpeningSeq, OpeningToken uint64

	HaltSeq    uint64 // of the newest message about the exchange's halt; zero: none
	BotHaltSeq uint64 // of the newest message about the bot's halt; zero: none
	Lapsed     bool   // another bot has the block, which has expired
	OpenLapsed bool   // another bot has the opening mark, which has expired
	Expired    bool   // it is too old to be sent
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
	in, err := p.popOrders().run(ctx, p.store, r.Epoch, r.Least, lease, r.Token, r.Worker, r.Most)
	if err != nil {
		return PoppedOrders{}, p.failed(ctx, "pop orders", err)
	}
	defer in.release()
	var out PoppedOrders
	elements := in.list()
	if out.At, err = domain.ParseCheckpoint(in.text()); err != nil {
		return out, err
	}
	if elements == 1 {
		out.Behind = true
		return out, p.unreadable(in.err)
	}
	out.Until = time.UnixMilli(in.number() + lease)
	out.Next = time.Duration(in.number()) * time.Millisecond
	out.Orders = make([]PoppedOrder, max(0, elements-3)/4)
	for i := range out.Orders {
		if err := p.readPopped(&in, &out.Orders[i]); err != nil {
			return out, err
		}
	}
	return out, p.unreadable(in.err)
}

func (p *Partition) newPopOrders() *scriptCall {
	return newScriptCall(ordersPopScript, []string{
		p.checkpointKey(), p.turnsKey(), p.headsKey(), p.ticketsKey(), p.ordersKey(), p.orderLeasesKey(), p.triesKey(),
		p.rightsKey(),
	}, 6)
}

// unreadable is the error for an answer of the script of PopOrders that is of
// another form, nil for nil.
func (p *Partition) unreadable(err error) error {
	if err != nil {
		err = fmt.Errorf("pop orders of %s: %w: %w", p.stream, domain.ErrUnknown, err)
	}
	return err
}

// readPopped reads one order that was leased.
func (p *Partition) readPopped(in *reply, o *PoppedOrder) (err error) {
	id := in.text()
	stored, _ := in.bytes()
	o.Tries = int(in.number())
	about, _ := in.bytes()
	if in.err != nil {
		return p.unreadable(in.err)
	}
	var lapsed, openLapsed, expired uint64
	numbers := [...]*uint64{&o.BlockSeq, &o.BlockToken, &o.OpeningSeq, &o.OpeningToken, &o.HaltSeq, &o.BotHaltSeq, &lapsed, &openLapsed, &expired}
	rest := about
	for _, n := range numbers {
		var text []byte
		text, rest, _ = bytes.Cut(rest, []byte{' '})
		if *n, err = strconv.ParseUint(string(text), 10, 64); err != nil {
			return p.unreadable(fmt.Errorf("%q is no list of %d numbers", about, len(numbers)))
		}
	}
	o.Lapsed, o.OpenLapsed, o.Expired = lapsed == 1, openLapsed == 1, expired == 1
	o.Order, err = p.readOrder(id, stored)
	return err
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
	r, err := p.moveLease().run(ctx, p.store, l.Symbol, l.ID, l.Token, d.Milliseconds(), string(move), l.Epoch)
	if err != nil {
		return false, p.failed(ctx, "lease of an order", err)
	}
	defer r.release()
	if n := r.number(); r.err == nil {
		return n > 0, nil
	}
	return false, p.failed(ctx, "lease of an order", r.err)
}

func (p *Partition) newMoveLease() *scriptCall {
	return newScriptCall(ordersLeaseScript, []string{
		p.checkpointKey(), p.orderLeasesKey(), p.ticketsKey(), p.triesKey(), p.headsKey(), p.turnsKey(),
	}, 6)
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
	heads, lengths := tx.HGetAll(ctx, p.headsKey()), tx.HGetAll(ctx, p.waitCountKey())
	leases, now := tx.HGetAll(ctx, p.orderLeasesKey()), tx.Time(ctx)
	_, _ = tx.Exec(ctx) // gives the first error, which may only say that there is no checkpoint
	at, err := p.checkpointOf(ctx, checkpoint)
	if err == nil {
		err = p.failedReply(ctx, heads, lengths, leases, now)
	}
	if err != nil || len(heads.Val()) == 0 {
		return nil, at, err
	}
	tickets := p.store.rdb.Pipeline()
	// Turns have the same number of digits.
	symbols := slices.SortedFunc(maps.Keys(heads.Val()), func(a, b string) int { return cmp.Compare(heads.Val()[a], heads.Val()[b]) })
	waits := make([]*redis.BoolCmd, len(symbols))
	queues := make([]OrderQueue, len(symbols))
	for i, symbol := range symbols {
		_, ids, _ := strings.Cut(heads.Val()[symbol], " ")
		oldest, _, _ := strings.Cut(ids, " ")
		queues[i] = OrderQueue{Symbol: symbol, Head: oldest}
		queues[i].setLease(leases.Val()[symbol], now.Val())
		if queues[i].Waiting, err = strconv.Atoi(lengths.Val()[symbol]); err != nil {
			return nil, at, fmt.Errorf("orders that wait for %s: %w: %w", symbol, domain.ErrUnknown, err)
		}
		waits[i] = tickets.HExists(ctx, p.ticketsKey(), queues[i].Leased)
	}
	if _, err := tickets.Exec(ctx); err != nil {
		return nil, at, p.failed(ctx, "read the queues", err)
	}
	for i := range queues {
		q := &queues[i]
		if !waits[i].Val() {
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
	queue := p.queue()
	r, err := p.atOnce.readFields(ctx, queue.shared, queue.orders, id)
	r, at, err = p.readOf(ctx, "count the orders that wait", r, err)
	if err != nil {
		return 0, order, false, at, err
	}
	defer r.release()
	waiting = int(r.sharedNumber())
	value, found := r.bytes()
	if r.err != nil {
		return 0, order, false, at, p.failed(ctx, "count the orders that wait", r.err)
	}
	if found {
		order, err = p.readOrder(id, value)
	}
	return waiting, order, found, at, err
}

// WaitingOrdersOf counts the orders in a symbol that wait for a worker. Errors as
// for MoveOrderLease.
func (p *Partition) WaitingOrdersOf(ctx context.Context, symbol string) (int, domain.Checkpoint, error) {
	return p.count(ctx, p.waitCountKey(), symbol)
}

// ResetTries forgets how often an order was handed out. Errors as for
// MoveOrderLease.
func (p *Partition) ResetTries(ctx context.Context, id string) error {
	if err := p.store.rdb.HDel(ctx, p.triesKey(), id).Err(); err != nil {
		return p.failed(ctx, "reset the tries", err)
	}
	return nil
}
