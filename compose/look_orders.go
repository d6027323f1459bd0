package compose

import (
	"context"
	"strings"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/console"
)

// OrderID is a client order id.
type OrderID string

// UnmarshalText reads a client order id.
func (i *OrderID) UnmarshalText(text []byte) error {
	*i = OrderID(text)
	return domain.CheckOrderID(string(text))
}

// OrderSide is buy or sell.
type OrderSide struct{ domain.Side }

// UnmarshalText reads a side.
func (s *OrderSide) UnmarshalText(text []byte) (err error) {
	s.Side, err = domain.ParseSide(string(text))
	return err
}

// OrderType is how an order wants to be executed.
type OrderType struct{ domain.OrderType }

// UnmarshalText reads the name of a type.
func (t *OrderType) UnmarshalText(text []byte) (err error) {
	t.OrderType, err = domain.ParseOrderType(string(text))
	return err
}

// TimeInForce is how long an order may rest.
type TimeInForce struct{ domain.TimeInForce }

// UnmarshalText reads the name of a time in force.
func (t *TimeInForce) UnmarshalText(text []byte) (err error) {
	t.TimeInForce, err = domain.ParseTimeInForce(string(text))
	return err
}

// OrderStatuses is a list of statuses of orders.
type OrderStatuses []domain.OrderStatus

// UnmarshalText reads names of statuses separated by commas.
func (s *OrderStatuses) UnmarshalText(text []byte) error {
	*s = nil
	for name := range strings.SplitSeq(string(text), ",") {
		status, err := domain.ParseOrderStatus(strings.TrimSpace(name))
		if err != nil {
			return err
		}
		*s = append(*s, status)
	}
	return nil
}

// OrderLimit bounds a list of orders.
type OrderLimit int

// UnmarshalText reads a limit.
func (c *OrderLimit) UnmarshalText(text []byte) error {
	return number(c, text, 1, client.MaxOrders, "a whole number")
}

type ofExchange struct {
	Exchange Exchange `arg:"" help:"Exchange, like kraken; of 'fullon up': sim."`
}

type oneOrder struct {
	ofExchange
	ID OrderID `arg:"" name:"id" help:"Client order id."`
}

// OrderCommand is 'fullon order'.
type OrderCommand struct {
	Push   PushOrderCommand   `cmd:"" help:"Put an order into the queue of its exchange."`
	Get    GetOrderCommand    `cmd:"" help:"All that is known of an order."`
	List   ListOrdersCommand  `cmd:"" help:"Orders, the newest first."`
	Cancel CancelOrderCommand `cmd:"" help:"Cancel an order, or ask for it once it was sent."`
	Watch  WatchOrdersCommand `cmd:"" help:"Orders as they change."`
	Delete DeleteOrderCommand `cmd:"" help:"Forget an order that is final; its id stays taken."`
}

// PushOrderCommand is 'fullon order push'.
type PushOrderCommand struct {
	market
	Side        OrderSide   `arg:"" help:"buy or sell."`
	Volume      Amount      `arg:"" help:"Base units."`
	Account     Account     `required:"" placeholder:"ID" help:"Account to trade with."`
	Bot         Bot         `required:"" placeholder:"ID" help:"Bot whose order it is."`
	Type        OrderType   `placeholder:"TYPE" help:"market, limit, stop or stop_limit (default: as the prices say)."`
	Price       Amount      `placeholder:"PRICE" help:"Limit price."`
	StopPrice   Amount      `placeholder:"PRICE" help:"Stop price."`
	TimeInForce TimeInForce `placeholder:"TIF" help:"gtc, ioc, fok or post_only (default: gtc)."`
	ReduceOnly  bool        `help:"May only make a position smaller."`
	Expires     Period      `placeholder:"SPAN" help:"From now, until when it may be sent (default: 1h)."`
	ID          OrderID     `name:"id" placeholder:"ID" help:"Client order id, to be able to push the same again (default: a new one)."`
	Look
}

// order is what the command line says.
func (c *PushOrderCommand) order() domain.Order {
	o := domain.Order{ID: string(c.ID), Exchange: string(c.Exchange), OrderTerms: domain.OrderTerms{
		Account: string(c.Account), Bot: string(c.Bot), Symbol: string(c.Symbol), Side: c.Side.Side, Type: c.Type.OrderType,
		TimeInForce: c.TimeInForce.TimeInForce, Volume: c.Volume.Decimal, Price: c.Price.Decimal, StopPrice: c.StopPrice.Decimal,
		ReduceOnly: c.ReduceOnly,
	}}
	if o.Type == 0 {
		limit, stop := !o.Price.IsZero(), !o.StopPrice.IsZero()
		switch {
		case limit && stop:
			o.Type = domain.StopLimit
		case stop:
			o.Type = domain.Stop
		case limit:
			o.Type = domain.Limit
		default:
			o.Type = domain.Market
		}
	}
	if c.Expires != 0 {
		o.Expires = time.Now().Add(time.Duration(c.Expires))
	}
	return o
}

// Run pushes the order and prints it as readers see it.
func (c *PushOrderCommand) Run() error {
	o := c.order()
	if err := o.OrderTerms.Validate(); err != nil {
		return err
	}
	return c.with(true, func(ctx context.Context, k console.Console) error { return k.PushOrder(ctx, o) })
}

// GetOrderCommand is 'fullon order get'.
type GetOrderCommand struct {
	oneOrder
	Look
}

// Run prints the order.
func (c *GetOrderCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error {
		return k.Order(ctx, string(c.Exchange), string(c.ID))
	})
}

type whichOrders struct {
	ofExchange
	Symbol  Symbol        `placeholder:"SYMBOL" help:"Only those in a unified symbol."`
	Bot     Bot           `placeholder:"ID" help:"Only those of a bot."`
	Account Account       `placeholder:"ID" help:"Only those of an account."`
	Status  OrderStatuses `placeholder:"STATUS,…" help:"Only those with one of these statuses."`
}

func (w whichOrders) filter() client.OrderFilter {
	return client.OrderFilter{
		Exchange: string(w.Exchange), Symbol: string(w.Symbol), Bot: string(w.Bot), Account: string(w.Account), Statuses: w.Status,
	}
}

// ListOrdersCommand is 'fullon order list'.
type ListOrdersCommand struct {
	whichOrders
	Limit OrderLimit `default:"20" help:"How many at most."`
	Look
}

// Run prints the orders.
func (c *ListOrdersCommand) Run() error {
	filter := c.filter()
	filter.Limit = int(c.Limit)
	return c.with(true, func(ctx context.Context, k console.Console) error { return k.Orders(ctx, filter) })
}

// WatchOrdersCommand is 'fullon order watch'.
type WatchOrdersCommand struct {
	whichOrders
	Look
}

// Run prints orders until a signal ends it.
func (c *WatchOrdersCommand) Run() error {
	return c.with(false, func(ctx context.Context, k console.Console) error { return k.WatchOrders(ctx, c.filter()) })
}

// CancelOrderCommand is 'fullon order cancel'.
type CancelOrderCommand struct {
	oneOrder
	Look
}

// Run cancels the order and prints it as it is then.
func (c *CancelOrderCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error {
		return k.ChangeOrder(ctx, k.Client.Orders.Cancel, string(c.Exchange), string(c.ID))
	})
}

// DeleteOrderCommand is 'fullon order delete'.
type DeleteOrderCommand struct {
	oneOrder
	Look
}

// Run forgets the order.
func (c *DeleteOrderCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error {
		return k.DeleteOrder(ctx, string(c.Exchange), string(c.ID))
	})
}

// QueueCommand is 'fullon queue'.
type QueueCommand struct {
	ofExchange
	Look
}

// Run prints the queues of the exchange.
func (c *QueueCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error { return k.OrderQueue(ctx, string(c.Exchange)) })
}

// DeadLetterCommand is 'fullon deadletter'. The messages that a projector could
// not use are another thing, in a stream of the log.
type DeadLetterCommand struct {
	List    ListDeadLettersCommand   `cmd:"" help:"Orders that were handed out too often without success."`
	Requeue RequeueDeadLetterCommand `cmd:"" help:"Hand such an order out again."`
	Drop    DropDeadLetterCommand    `cmd:"" help:"Cancel such an order, unless it may have been sent."`
}

// ListDeadLettersCommand is 'fullon deadletter list'.
type ListDeadLettersCommand struct {
	ofExchange
	Look
}

// Run prints the dead letters.
func (c *ListDeadLettersCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error { return k.DeadOrders(ctx, string(c.Exchange)) })
}

// RequeueDeadLetterCommand is 'fullon deadletter requeue'.
type RequeueDeadLetterCommand struct {
	oneOrder
	Look
}

// Run puts the order back and prints it as it is then.
func (c *RequeueDeadLetterCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error {
		return k.ChangeOrder(ctx, k.Client.Orders.Requeue, string(c.Exchange), string(c.ID))
	})
}

// DropDeadLetterCommand is 'fullon deadletter drop'.
type DropDeadLetterCommand struct {
	oneOrder
	Look
}

// Run drops the order and prints it as it is then.
func (c *DropDeadLetterCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error {
		return k.ChangeOrder(ctx, k.Client.Orders.Drop, string(c.Exchange), string(c.ID))
	})
}
