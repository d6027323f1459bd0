package gateway

import (
	"context"
	"iter"
	"strconv"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
)

const codeNoOrder = "ORDER_NOT_FOUND"

func orderOperations() []operation {
	return []operation{
		define(operation{name: "get_order_status", aliases: []string{"get_order"}, topic: topicOrders, area: orders, about: "an order as it is"}, getOrder),
		define(operation{name: "get_orders", area: orders, about: "the orders of an exchange, of a symbol, bot, account or status, the newest first"}, getOrders),
		define(operation{name: "get_queue_length", topic: topicOrders, area: orders, about: "how many orders wait, in all or of a symbol"}, getQueueLength),
		define(operation{name: "get_order_queue", area: orders, about: "how the queues of an exchange are doing"}, getQueue),
		define(operation{name: "push_order", aliases: []string{"push_open_order"}, area: orders, kind: writes, about: "puts an order into the queue; with the same order_id again it is the same order"}, pushOrder),
		define(operation{name: "cancel_order", area: orders, kind: writes, about: "asks for an order to be cancelled"}, cancelOrder),
		define(operation{name: "pop_order", aliases: []string{"pop_open_order"}, area: orders, kind: waits, about: "leases the next order; waits up to timeout seconds"}, popOrder),
		define(operation{name: "ack_order", area: orders, kind: writes, about: "says that an order was dealt with"}, ackOrder),
		define(operation{name: "nack_order", area: orders, kind: writes, about: "gives an order back, to be handed out after delay seconds"}, nackOrder),
		define(operation{name: "extend_order", area: orders, kind: writes, about: "keeps an order for so many seconds from now"}, extendOrder),
		defineStream(operation{name: "stream_orders", topic: topicOrders, area: orders, about: "orders that are not final, and every change of them"},
			[]message{sent[Order](orderUpdate), sent[Missed](streamMissed)}, streamOrders),
		defineStream(operation{name: "stream_order_queue", topic: topicOrders, area: orders, about: "how many orders wait, whenever that changes"},
			[]message{sent[QueueLength](queueUpdate)}, streamQueue),
	}
}

const (
	orderUpdate = "order_update"
	queueUpdate = "queue_update"
)

// Order is an order as it is. What is not known is null.
type Order struct {
	OrderID         string  `json:"order_id"` // the client order id
	Exchange        string  `json:"exchange"`
	Symbol          string  `json:"symbol"`
	Account         string  `json:"account"`
	Bot             string  `json:"bot"`
	Side            string  `json:"side"`
	OrderType       string  `json:"order_type"`
	TimeInForce     string  `json:"time_in_force"`
	Amount          Number  `json:"amount"`
	Price           *Number `json:"price"`
	StopPrice       *Number `json:"stop_price"`
	ReduceOnly      bool    `json:"reduce_only"`
	Filled          Number  `json:"filled"`
	Remaining       Number  `json:"remaining"`
	AveragePrice    *Number `json:"average_price"`
	Status          string  `json:"status"`
	Reason          string  `json:"reason"`
	CancelRequested bool    `json:"cancel_requested"`
	Dead            bool    `json:"dead"`
	VenueOrderID    string  `json:"venue_order_id"`
	Attempt         uint32  `json:"attempt"`
	Timestamp       Time    `json:"timestamp"`   // when it was pushed
	LastUpdate      Time    `json:"last_update"` // when this state of it was stored
	Expires         *Time   `json:"expires"`
	Place           uint64  `json:"place"` // its place in the queue
	VenueTime       *Time   `json:"venue_time"`
	Worker          string  `json:"worker"`             // who sent it last
	Deadline        *Time   `json:"deadline"`           // until when the venue may take it
	Token           uint64  `json:"token"`              // of the block that gave the right to send it
	Sequence        uint64  `json:"sequence,omitempty"` // in streams the message has it
}

func viewOrder(o domain.Order) Order {
	return Order{
		OrderID: o.ID, Exchange: o.Exchange, Symbol: o.Symbol, Account: o.Account, Bot: o.Bot, Side: o.Side.String(), OrderType: o.Type.String(),
		TimeInForce: o.TimeInForce.String(), Amount: Number{o.Volume}, Price: known(o.Price), StopPrice: known(o.StopPrice), ReduceOnly: o.ReduceOnly,
		Filled: Number{o.Filled}, Remaining: Number{o.Volume.Sub(o.Filled)}, AveragePrice: known(o.AveragePrice), Status: o.Status.String(),
		Reason: o.Reason, CancelRequested: o.CancelRequested, Dead: o.Dead, VenueOrderID: o.VenueOrderID, Attempt: o.Attempt,
		Timestamp: Time{o.Created}, LastUpdate: Time{o.Updated}, Expires: knownTime(o.Expires), Place: o.First,
		VenueTime: knownTime(o.VenueTime), Worker: o.Worker, Deadline: knownTime(o.Deadline), Token: o.Token, Sequence: o.Sequence,
	}
}

// about tells why the token is not for an order.
func (r *request) about(o domain.Order) error { return r.rights.about(o.Account, o.Bot) }

type orderParams struct {
	Exchange string `json:"exchange" need:"yes"`
	OrderID  ID     `json:"order_id" need:"yes"`
}

func getOrder(ctx context.Context, r *request, p *orderParams) (Order, error) {
	o, err := r.client().Orders.Get(ctx, p.Exchange, string(p.OrderID))
	if err == nil {
		err = r.about(o)
	}
	if err != nil {
		return Order{}, notFound(err, codeNoOrder)
	}
	return viewOrder(o), nil
}

type ordersParams struct {
	Exchange string   `json:"exchange" need:"yes"`
	Symbol   string   `json:"symbol"`
	Bot      ID       `json:"bot"`
	Account  ID       `json:"account"`
	Status   []string `json:"status"`
	Limit    int      `json:"limit"` // default 100
}

func (p *ordersParams) filter() (client.OrderFilter, error) {
	f := client.OrderFilter{Exchange: p.Exchange, Symbol: p.Symbol, Bot: string(p.Bot), Account: string(p.Account), Limit: p.Limit}
	if f.Limit == 0 {
		f.Limit = 100
	}
	for _, name := range p.Status {
		status, err := domain.ParseOrderStatus(name)
		if err != nil {
			return f, err
		}
		f.Statuses = append(f.Statuses, status)
	}
	return f, nil
}

func (p *ordersParams) subject() (account, bot string) { return string(p.Account), string(p.Bot) }

// Orders are orders of an exchange, the newest first.
type Orders struct {
	Exchange string  `json:"exchange"`
	Orders   []Order `json:"orders"`
}

func getOrders(ctx context.Context, r *request, p *ordersParams) (Orders, error) {
	filter, err := p.filter()
	if err != nil {
		return Orders{}, err
	}
	found, err := r.client().Orders.List(ctx, filter)
	out := Orders{p.Exchange, make([]Order, 0, len(found))}
	for _, o := range found {
		out.Orders = append(out.Orders, viewOrder(o))
	}
	return out, err
}

type queueParams struct {
	Exchange string `json:"exchange" need:"yes"`
	Symbol   string `json:"symbol"`
}

// QueueLength is how many orders wait.
type QueueLength struct {
	Exchange  string `json:"exchange"`
	Symbol    string `json:"symbol,omitempty"`
	Length    int    `json:"queue_length"`
	Timestamp Time   `json:"timestamp"`
}

func getQueueLength(ctx context.Context, r *request, p *queueParams) (QueueLength, error) {
	n, err := r.client().Orders.QueueLength(ctx, p.Exchange, p.Symbol)
	return QueueLength{p.Exchange, p.Symbol, n, Time{time.Now()}}, err
}

// Queues tells how the queues of an exchange are doing, by symbol.
type Queues struct {
	Exchange string  `json:"exchange"`
	Queues   []Queue `json:"queues"`
}

// Queue is the queue of a symbol.
type Queue struct {
	Symbol  string `json:"symbol"`
	Waiting int    `json:"waiting"` // leased ones included
	Head    string `json:"head"`    // id of the oldest order
	Leased  string `json:"leased"`  // id of the order that somebody has; empty: none
	Worker  string `json:"worker"`
	Until   *Time  `json:"until"`
	Delayed bool   `json:"delayed"` // nobody has it, it is kept back until then
}

func getQueue(ctx context.Context, r *request, p *exchangeParams) (Queues, error) {
	queues, err := r.client().Orders.Queue(ctx, p.Exchange)
	out := Queues{p.Exchange, make([]Queue, 0, len(queues))}
	for _, q := range queues {
		out.Queues = append(out.Queues, Queue{q.Symbol, q.Waiting, q.Head, q.Leased, q.Worker, knownTime(q.Until), q.Delayed})
	}
	return out, err
}

type newOrderParams struct {
	Exchange    string  `json:"exchange" need:"yes"`
	OrderID     ID      `json:"order_id"` // default: one is made
	Account     ID      `json:"account" need:"yes"`
	Bot         ID      `json:"bot" need:"yes"`
	Symbol      string  `json:"symbol" need:"yes"`
	Side        string  `json:"side" need:"yes"`
	OrderType   string  `json:"order_type"` // default market, with a price limit
	TimeInForce string  `json:"time_in_force"`
	Amount      *Number `json:"amount"`
	Volume      *Number `json:"volume"` // the same
	Price       *Number `json:"price"`
	StopPrice   *Number `json:"stop_price"`
	ReduceOnly  bool    `json:"reduce_only"`
	Expires     Time    `json:"expires"`
}

func (p *newOrderParams) subject() (account, bot string) { return string(p.Account), string(p.Bot) }

func (p *newOrderParams) order() (domain.Order, error) {
	o := domain.Order{ID: string(p.OrderID), Exchange: p.Exchange, OrderTerms: domain.OrderTerms{
		Account: string(p.Account), Bot: string(p.Bot), Symbol: p.Symbol, Type: domain.Market, ReduceOnly: p.ReduceOnly, Expires: p.Expires.Time,
		Volume: told(p.Volume, p.Amount), Price: told(p.Price), StopPrice: told(p.StopPrice),
	}}
	if p.Price != nil {
		o.Type = domain.Limit
	}
	var err error
	if o.Side, err = domain.ParseSide(p.Side); err != nil {
		return o, err
	}
	if p.OrderType != "" {
		if o.Type, err = domain.ParseOrderType(p.OrderType); err != nil {
			return o, err
		}
	}
	if p.TimeInForce != "" {
		o.TimeInForce, err = domain.ParseTimeInForce(p.TimeInForce)
	}
	return o, err
}

func pushOrder(ctx context.Context, r *request, p *newOrderParams) (Order, error) {
	wanted, err := p.order()
	if err != nil {
		return Order{}, err
	}
	o, _, err := r.client().Orders.Push(ctx, wanted)
	return viewOrder(o), err
}

func cancelOrder(ctx context.Context, r *request, p *orderParams) (Order, error) {
	o, err := r.client().Orders.Get(ctx, p.Exchange, string(p.OrderID))
	if err == nil {
		err = r.about(o)
	}
	if err == nil {
		o, err = r.client().Orders.Cancel(ctx, p.Exchange, string(p.OrderID))
	}
	if err != nil {
		return Order{}, notFound(err, codeNoOrder)
	}
	return viewOrder(o), nil
}

type popParams struct {
	Exchange string  `json:"exchange" need:"yes"`
	Timeout  float64 `json:"timeout"` // seconds, 0 to 60
}

func (*popParams) subject() (account, bot string) { return "", "" } // whose order comes is not known before

// Delivery is an order that was leased. Without one all of it is null.
type Delivery struct {
	Order   *Order  `json:"order"`
	Receipt *string `json:"receipt"` // for ack_order, nack_order and extend_order
	Until   *Time   `json:"until"`
	Tries   int     `json:"tries"`
}

func popOrder(ctx context.Context, r *request, p *popParams) (Delivery, error) {
	if p.Timeout < 0 || p.Timeout > maxWait.Seconds() {
		return Delivery{}, domain.Invalid("timeout", strconv.FormatFloat(p.Timeout, 'g', -1, 64), "seconds, 0 to 60")
	}
	d, err := r.client().Orders.Pop(ctx, p.Exchange, time.Duration(p.Timeout*float64(time.Second)))
	if err != nil {
		return Delivery{}, none(err)
	}
	order, receipt := viewOrder(d.Order), d.Receipt()
	return Delivery{&order, &receipt, knownTime(d.Until), d.Tries}, nil
}

type receiptParams struct {
	Receipt string `json:"receipt" need:"yes"`
}

func ackOrder(ctx context.Context, r *request, p *receiptParams) (Order, error) {
	d, err := client.DeliveryOf(p.Receipt)
	if err != nil {
		return Order{}, err
	}
	o, err := r.client().Orders.Ack(ctx, d)
	return viewOrder(o), err
}

type delayParams struct {
	Receipt string  `json:"receipt" need:"yes"`
	Delay   float64 `json:"delay"` // seconds
}

// Done is the answer to what has no other.
type Done struct {
	Done bool `json:"done"`
}

func nackOrder(ctx context.Context, r *request, p *delayParams) (Done, error) {
	d, err := client.DeliveryOf(p.Receipt)
	if err == nil {
		err = r.client().Orders.Nack(ctx, d, time.Duration(p.Delay*float64(time.Second)))
	}
	return Done{err == nil}, err
}

type leaseParams struct {
	Receipt string  `json:"receipt" need:"yes"`
	Lease   float64 `json:"lease" need:"yes"` // seconds
}

func extendOrder(ctx context.Context, r *request, p *leaseParams) (Done, error) {
	d, err := client.DeliveryOf(p.Receipt)
	if err == nil {
		err = r.client().Orders.Extend(ctx, d, time.Duration(p.Lease*float64(time.Second)))
	}
	return Done{err == nil}, err
}

type orderStreamParams struct {
	Exchange string `json:"exchange" need:"yes"`
	Symbol   string `json:"symbol"`
	Bot      ID     `json:"bot"`
	Account  ID     `json:"account"`
	// Resume is the sequence of the last update that was seen: what has changed
	// since comes first, final orders too.
	Resume uint64 `json:"resume"`
}

func (p *orderStreamParams) subject() (account, bot string) { return string(p.Account), string(p.Bot) }

func streamOrders(ctx context.Context, r *request, p *orderStreamParams) (*opening, error) {
	filter := client.OrderFilter{Exchange: p.Exchange, Symbol: p.Symbol, Bot: string(p.Bot), Account: string(p.Account)}
	o := &opening{after: p.Resume, match: func(u *update) bool {
		order, ok := u.about.(domain.Order)
		return !ok || filter.Matches(order)
	}}
	o.sources = []source{orderSource(r.client(), p.Exchange)}
	if p.Resume == 0 {
		return o, nil
	}
	changed, err := r.client().Orders.List(ctx, filter)
	if err != nil {
		return nil, err
	}
	for _, order := range changed {
		if order.Sequence > p.Resume && order.Status.Final() { // the snapshot has the others
			o.missed = append(o.missed, orderUpdateOf(order))
		}
	}
	return o, nil
}

func orderUpdateOf(o domain.Order) *update {
	view := viewOrder(o)
	view.Sequence = 0
	return &update{name: orderUpdate, item: o.ID, topic: o.Symbol, seq: o.Sequence, gone: o.Status.Final(), view: view, about: o}
}

func orderSource(c *client.Client, exchange string) source {
	live := client.OrderFilter{Exchange: exchange}
	for _, status := range domain.OrderStatuses() {
		if !status.Final() {
			live.Statuses = append(live.Statuses, status)
		}
	}
	return source{
		key: "orders " + exchange,
		read: func(ctx context.Context, _ func(string) *update) ([]*update, error) {
			found, err := c.Orders.List(ctx, live)
			updates := make([]*update, len(found))
			for i, o := range found { // the newest first
				updates[len(found)-1-i] = orderUpdateOf(o)
			}
			return updates, err
		},
		watch: func(ctx context.Context) iter.Seq2[*update, error] {
			return func(yield func(*update, error) bool) {
				for o, err := range c.Orders.Watch(ctx, client.OrderFilter{Exchange: exchange}) {
					if !yield(orderUpdateOf(o), err) {
						return
					}
				}
			}
		},
	}
}

func streamQueue(_ context.Context, r *request, p *queueParams) (*opening, error) {
	c := r.client()
	return &opening{sources: []source{{
		key: "queue " + p.Exchange + " " + p.Symbol, conflated: true, moves: func(ctx context.Context) iter.Seq[error] { return c.Orders.Moves(ctx, p.Exchange) },
		read: func(ctx context.Context, known func(string) *update) ([]*update, error) {
			n, err := c.Orders.QueueLength(ctx, p.Exchange, p.Symbol)
			return updatesOf([]int{n}, known,
				func(n *int) (string, uint64, any) { return "length", 0, *n },
				func(n int) *update {
					return &update{name: queueUpdate, view: QueueLength{p.Exchange, p.Symbol, n, Time{time.Now()}}}
				}), err
		},
	}}}, nil
}
