package ws

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/fullon/fullon/domain"
)

// Orders is the orders of exchanges and the queues in which they wait. Errors are
// as in package client.
type Orders struct{ client *Client }

// orderView is an order as the protocol has it.
type orderView struct {
	ID              string         `json:"order_id"`
	Exchange        string         `json:"exchange"`
	Symbol          string         `json:"symbol"`
	Account         string         `json:"account"`
	Bot             string         `json:"bot"`
	Side            string         `json:"side"`
	Type            string         `json:"order_type"`
	TimeInForce     string         `json:"time_in_force"`
	Volume          domain.Decimal `json:"amount"`
	Price           domain.Decimal `json:"price"`
	StopPrice       domain.Decimal `json:"stop_price"`
	ReduceOnly      bool           `json:"reduce_only"`
	Filled          domain.Decimal `json:"filled"`
	AveragePrice    domain.Decimal `json:"average_price"`
	Status          string         `json:"status"`
	Reason          string         `json:"reason"`
	CancelRequested bool           `json:"cancel_requested"`
	Dead            bool           `json:"dead"`
	VenueOrderID    string         `json:"venue_order_id"`
	Attempt         uint32         `json:"attempt"`
	Created         seconds        `json:"timestamp"`
	Updated         seconds        `json:"last_update"`
	Expires         seconds        `json:"expires"`
	First           uint64         `json:"place"`
	VenueTime       seconds        `json:"venue_time"`
	Worker          string         `json:"worker"`
	Deadline        seconds        `json:"deadline"`
	Token           uint64         `json:"token"`
	Sequence        uint64         `json:"sequence"`
}

func (v orderView) order() (domain.Order, error) {
	o := domain.Order{
		ID: v.ID, Exchange: v.Exchange, OrderTerms: domain.OrderTerms{
			Account: v.Account, Bot: v.Bot, Symbol: v.Symbol, Volume: v.Volume, Price: v.Price, StopPrice: v.StopPrice, ReduceOnly: v.ReduceOnly,
			Expires: v.Expires.Time,
		},
		Created: v.Created.Time, Updated: v.Updated.Time, Reason: v.Reason, CancelRequested: v.CancelRequested, Dead: v.Dead,
		VenueOrderID: v.VenueOrderID, VenueTime: v.VenueTime.Time, Filled: v.Filled, AveragePrice: v.AveragePrice, Attempt: v.Attempt,
		Worker: v.Worker, Deadline: v.Deadline.Time, Token: v.Token, First: v.First, Sequence: v.Sequence,
	}
	var err error
	if o.Side, err = domain.ParseSide(v.Side); err != nil {
		return o, unknown(err)
	}
	if o.Type, err = domain.ParseOrderType(v.Type); err != nil {
		return o, unknown(err)
	}
	if o.TimeInForce, err = domain.ParseTimeInForce(v.TimeInForce); err != nil {
		return o, unknown(err)
	}
	o.Status, err = domain.ParseOrderStatus(v.Status)
	return o, unknown(err)
}

// ask asks for an operation that is answered with an order.
func (o *Orders) ask(ctx context.Context, operation string, params any) (domain.Order, error) {
	v, err := get[orderView](ctx, o.client, operation, params)
	if err != nil {
		return domain.Order{}, err
	}
	return v.order()
}

func named(exchange, id string) map[string]any {
	return map[string]any{"exchange": exchange, "order_id": id}
}

// Push puts an order into the queue of its exchange and tells what became of it.
// Make the ID before, and after domain.ErrUnreachable push the same again: it is
// one order however often it is pushed. Without an ID the server makes one, and
// pushing again is another order.
func (o *Orders) Push(ctx context.Context, order domain.Order) (domain.Order, error) {
	return o.ask(ctx, "push_order", map[string]any{
		"exchange": order.Exchange, "order_id": order.ID, "account": order.Account, "bot": order.Bot, "symbol": order.Symbol,
		"side": order.Side.String(), "order_type": order.Type.String(), "time_in_force": order.TimeInForce.String(), "amount": exact(order.Volume),
		"price": amount(order.Price), "stop_price": amount(order.StopPrice), "reduce_only": order.ReduceOnly, "expires": instant(order.Expires),
	})
}

// Get reads an order. The error matches domain.ErrNotFound for one that is not
// known.
func (o *Orders) Get(ctx context.Context, exchange, id string) (domain.Order, error) {
	return o.ask(ctx, "get_order", named(exchange, id))
}

// Status reads the status of an order.
func (o *Orders) Status(ctx context.Context, exchange, id string) (domain.OrderStatus, error) {
	order, err := o.Get(ctx, exchange, id)
	return order.Status, err
}

// Cancel asks for an order to be cancelled.
func (o *Orders) Cancel(ctx context.Context, exchange, id string) (domain.Order, error) {
	return o.ask(ctx, "cancel_order", named(exchange, id))
}

// OrderFilter chooses orders of an exchange; what is empty takes all.
type OrderFilter struct {
	Exchange string
	Symbol   string
	Bot      string
	Account  string
	Statuses []domain.OrderStatus // Watch does not look at it
	Limit    int                  // how many at most, the newest ones; zero: 100. Watch does not look at it
}

func (f OrderFilter) params() map[string]any {
	return map[string]any{"exchange": f.Exchange, "symbol": f.Symbol, "bot": f.Bot, "account": f.Account}
}

// List reads the orders that a filter is for, the newest first.
func (o *Orders) List(ctx context.Context, filter OrderFilter) ([]domain.Order, error) {
	params, statuses := filter.params(), make([]string, len(filter.Statuses))
	for i, s := range filter.Statuses {
		statuses[i] = s.String()
	}
	params["status"], params["limit"] = statuses, filter.Limit
	v, err := get[struct{ Orders []orderView }](ctx, o.client, "get_orders", params)
	if err != nil {
		return nil, err
	}
	return each(v.Orders, orderView.order)
}

// Watch yields the orders that a filter is for and that are not final, and from
// then on each one that changed. After a disconnect come all that changed
// meanwhile, those too that became final; if none was seen before it, all that
// are kept.
func (o *Orders) Watch(ctx context.Context, filter OrderFilter) iter.Seq2[domain.Order, error] {
	return watch(ctx, o.client, watched[domain.Order]{
		operation: "stream_orders",
		params: func(after uint64) map[string]any {
			params := filter.params()
			if after > 0 {
				params["resume"] = after
			}
			return params
		},
		decode: func(_ *message, data []byte) (domain.Order, string, error) {
			var v orderView
			if err := decodeInto(data, &v); err != nil {
				return domain.Order{}, "", err
			}
			order, err := v.order()
			return order, "", err
		},
	})
}

// QueueLength is how many orders of an exchange wait, or with a symbol of that
// one.
func (o *Orders) QueueLength(ctx context.Context, exchange, symbol string) (int, error) {
	v, err := get[queueLength](ctx, o.client, "get_queue_length", market(exchange, symbol))
	return v.Length, err
}

type queueLength struct {
	Length int `json:"queue_length"`
}

// WatchQueueLength yields how many orders wait, and again whenever that changes.
func (o *Orders) WatchQueueLength(ctx context.Context, exchange, symbol string) iter.Seq2[int, error] {
	return watch(ctx, o.client, watched[int]{
		operation: "stream_order_queue",
		params:    func(uint64) map[string]any { return market(exchange, symbol) },
		decode: func(_ *message, data []byte) (int, string, error) {
			var v queueLength
			err := decodeInto(data, &v)
			return v.Length, "length", err
		},
	})
}

// OrderQueue tells how the queue of a symbol is doing.
type OrderQueue struct {
	Symbol  string
	Waiting int    // orders in it, leased ones included
	Head    string // id of the oldest one
	// Of the lease, if there is one: when it ends, of which order it is and who has
	// it. Delayed: nobody has it, it is kept back until then.
	Until   time.Time
	Leased  string
	Worker  string
	Delayed bool
}

// Queue tells how the queues of an exchange are doing, the one with the oldest
// order first.
func (o *Orders) Queue(ctx context.Context, exchange string) ([]OrderQueue, error) {
	v, err := get[struct {
		Queues []struct {
			Symbol, Head, Leased, Worker string
			Waiting                      int
			Until                        seconds
			Delayed                      bool
		}
	}](ctx, o.client, "get_order_queue", venue(exchange))
	queues := make([]OrderQueue, len(v.Queues))
	for i, q := range v.Queues {
		queues[i] = OrderQueue{Symbol: q.Symbol, Waiting: q.Waiting, Head: q.Head, Until: q.Until.Time, Leased: q.Leased, Worker: q.Worker, Delayed: q.Delayed}
	}
	return queues, err
}

// OrderDelivery is an order that was popped.
type OrderDelivery struct {
	domain.Order
	Receipt string    // for Ack, Nack and Extend, by whoever has it
	Until   time.Time // when the lease ends
	Tries   int       // how often it was handed out, this time included
}

// MaxPopWait is how long Pop waits at most.
const MaxPopWait = time.Minute

// Pop leases the oldest order that waits for a worker, and waits for one for at
// most timeout, up to MaxPopWait. The error matches domain.ErrNotFound when none
// came. After domain.ErrUnreachable one may be leased that nobody has: it is
// handed out again when the lease ends.
func (o *Orders) Pop(ctx context.Context, exchange string, timeout time.Duration) (OrderDelivery, error) {
	var v struct {
		Order   *orderView
		Receipt string
		Until   seconds
		Tries   int
	}
	err := o.client.call(ctx, "pop_order", map[string]any{"exchange": exchange, "timeout": span(timeout)}, &v, timeout)
	if err == nil && v.Order == nil {
		err = fmt.Errorf("an order of %s that may be sent: %w", exchange, domain.ErrNotFound)
	}
	if err != nil {
		return OrderDelivery{}, err
	}
	order, err := v.Order.order()
	return OrderDelivery{order, v.Receipt, v.Until.Time, v.Tries}, err
}

// Ack says that an order was dealt with.
func (o *Orders) Ack(ctx context.Context, d OrderDelivery) (domain.Order, error) {
	return o.ask(ctx, "ack_order", map[string]any{"receipt": d.Receipt})
}

// Nack gives an order back, to be handed out again after a delay.
func (o *Orders) Nack(ctx context.Context, d OrderDelivery, delay time.Duration) error {
	return o.client.Call(ctx, "nack_order", map[string]any{"receipt": d.Receipt, "delay": span(delay)}, nil)
}

// Extend makes the lease last so long from now.
func (o *Orders) Extend(ctx context.Context, d OrderDelivery, lease time.Duration) error {
	return o.client.Call(ctx, "extend_order", map[string]any{"receipt": d.Receipt, "lease": span(lease)}, nil)
}
