package console

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/table"
)

type orderView struct {
	ID              string     `json:"client_order_id"`
	Exchange        string     `json:"exchange"`
	Symbol          string     `json:"symbol"`
	Account         string     `json:"account"`
	Bot             string     `json:"bot"`
	Side            string     `json:"side"`
	Type            string     `json:"type"`
	TimeInForce     string     `json:"time_in_force"`
	Volume          string     `json:"volume"`
	Price           string     `json:"price"`
	StopPrice       string     `json:"stop_price"`
	ReduceOnly      bool       `json:"reduce_only"`
	Expires         *time.Time `json:"expires"`
	Status          string     `json:"status"`
	Reason          string     `json:"reason"`
	CancelRequested bool       `json:"cancel_requested"`
	Dead            bool       `json:"dead"`
	Filled          string     `json:"filled"`
	AveragePrice    string     `json:"average_price"`
	VenueOrderID    string     `json:"venue_order_id"`
	VenueTime       *time.Time `json:"venue_time"`
	Created         *time.Time `json:"created"`
	Updated         *time.Time `json:"updated"`
	Attempt         uint32     `json:"attempt"`
	Worker          string     `json:"worker"`
	Deadline        *time.Time `json:"deadline"`
	Token           uint64     `json:"token"`
	First           uint64     `json:"first"`
	Sequence        uint64     `json:"sequence"`
}

func viewOrder(o domain.Order) orderView {
	return orderView{
		ID: o.ID, Exchange: o.Exchange, Symbol: o.Symbol, Account: o.Account, Bot: o.Bot, Side: o.Side.String(), Type: o.Type.String(),
		TimeInForce: o.TimeInForce.String(), Volume: o.Volume.String(), Price: o.Price.String(), StopPrice: o.StopPrice.String(),
		ReduceOnly: o.ReduceOnly, Expires: moment(o.Expires), Status: o.Status.String(), Reason: o.Reason,
		CancelRequested: o.CancelRequested, Dead: o.Dead, Filled: o.Filled.String(), AveragePrice: o.AveragePrice.String(),
		VenueOrderID: o.VenueOrderID, VenueTime: moment(o.VenueTime), Created: moment(o.Created), Updated: moment(o.Updated),
		Attempt: o.Attempt, Worker: o.Worker, Deadline: moment(o.Deadline), Token: o.Token, First: o.First, Sequence: o.Sequence,
	}
}

var (
	orderColumns = []table.Column{
		{Title: "CREATED"}, {Title: "ID"}, {Title: "SYMBOL"}, {Title: "BOT"}, {Title: "SIDE"}, {Title: "TYPE"}, {Title: "VOLUME", Align: table.Point},
		{Title: "PRICE", Align: table.Point}, {Title: "FILLED", Align: table.Point}, {Title: "STATUS"}, {},
	}
	orderQueueColumns = []table.Column{
		{Title: "SYMBOL"}, {Title: "WAITING", Align: table.Right}, {Title: "OLDEST"}, {Title: "LEASED BY"}, {Title: "UNTIL"},
	}
)

func orderRow(o domain.Order) []string {
	price := o.Price
	if price.IsZero() {
		price = o.StopPrice
	}
	var notes []string
	if o.Dead {
		notes = append(notes, "DEAD LETTER")
	}
	if o.CancelRequested && !o.Status.Final() {
		notes = append(notes, "cancel requested")
	}
	if o.Reason != "" {
		notes = append(notes, o.Reason)
	}
	return []string{
		clock(o.Created), o.ID, o.Symbol, o.Bot, o.Side.String(), o.Type.String(), o.Volume.String(), orDash(price), orDash(o.Filled),
		o.Status.String(), strings.Join(notes, "; "),
	}
}

func (c Console) orders(orders ...domain.Order) error {
	return list(c.Printer, orders, func(o domain.Order) any { return viewOrder(o) }, orderColumns, orderRow)
}

// PushOrder pushes an order, waits until readers see it and prints it.
func (c Console) PushOrder(ctx context.Context, o domain.Order) error {
	stored, pos, err := c.Client.Orders.Push(ctx, o)
	if err := c.visible(ctx)(pos, err); err != nil {
		return err
	}
	return c.Order(ctx, stored.Exchange, stored.ID)
}

// Order prints an order. The error matches domain.ErrNotFound when there is
// none.
func (c Console) Order(ctx context.Context, exchange, id string) error {
	o, err := c.Client.Orders.Get(ctx, exchange, id)
	if err != nil {
		return err
	}
	return c.orders(o)
}

// Orders prints the orders that a filter is for, the newest first. The error
// matches domain.ErrNotFound when there is none.
func (c Console) Orders(ctx context.Context, filter client.OrderFilter) error {
	orders, err := c.Client.Orders.List(ctx, filter)
	if err != nil {
		return err
	}
	if len(orders) == 0 {
		return fmt.Errorf("orders of %s: %w", filter.Exchange, domain.ErrNotFound)
	}
	return c.orders(orders...)
}

// ChangeOrder changes an order, waits until readers see it and prints it.
func (c Console) ChangeOrder(
	ctx context.Context, change func(context.Context, string, string) (domain.Order, error), exchange, id string,
) error {
	o, err := change(ctx, exchange, id)
	if err := c.visible(ctx)(c.Client.Orders.PositionOf(o), err); err != nil {
		return err
	}
	return c.orders(o)
}

// DeleteOrder forgets an order and waits until readers see that.
func (c Console) DeleteOrder(ctx context.Context, exchange, id string) error {
	if err := c.visible(ctx)(c.Client.Orders.Delete(ctx, exchange, id)); err != nil {
		return err
	}
	if c.Printer.JSON {
		return c.Printer.object(struct {
			ID       string `json:"client_order_id"`
			Exchange string `json:"exchange"`
			Deleted  bool   `json:"deleted"`
		}{id, exchange, true})
	}
	_, err := fmt.Fprintf(c.Printer.Out, "deleted order %s of %s\n", id, exchange)
	return err
}

// WatchOrders prints the present orders and each that changes until ctx ends.
func (c Console) WatchOrders(ctx context.Context, filter client.OrderFilter) error {
	away := outage{printer: c.Printer}
	for o, err := range c.Client.Orders.Watch(ctx, filter) {
		if away.is(err) || errors.Is(err, domain.ErrUnknown) {
			continue // it goes on
		}
		if err != nil {
			return err
		}
		if c.Printer.JSON {
			err = c.Printer.object(viewOrder(o))
		} else {
			_, err = fmt.Fprintln(c.Printer.Out, strings.TrimRight(strings.Join(orderRow(o), "  "), " "))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// DeadOrders prints the orders that are handed out no more. None prints nothing.
func (c Console) DeadOrders(ctx context.Context, exchange string) error {
	dead, err := c.Client.Orders.DeadLetters(ctx, exchange)
	if err != nil {
		return err
	}
	if len(dead) == 0 {
		c.Printer.remark("no dead letters")
		return nil
	}
	return c.orders(dead...)
}

type orderQueueView struct {
	Symbol  string     `json:"symbol"`
	Waiting int        `json:"waiting"`
	Head    string     `json:"head"`
	Leased  string     `json:"leased"`
	Worker  string     `json:"worker"`
	Until   *time.Time `json:"until"`
	Delayed bool       `json:"delayed"`
}

// OrderQueue prints how the queues of an exchange are doing. Nothing that waits
// prints nothing.
func (c Console) OrderQueue(ctx context.Context, exchange string) error {
	queues, err := c.Client.Orders.Queue(ctx, exchange)
	if err != nil {
		return err
	}
	if len(queues) == 0 {
		c.Printer.remark("no orders wait")
		return nil
	}
	return list(c.Printer, queues, func(q client.OrderQueue) any {
		return orderQueueView{q.Symbol, q.Waiting, q.Head, q.Leased, q.Worker, moment(q.Until), q.Delayed}
	}, orderQueueColumns, func(q client.OrderQueue) []string {
		by, until := q.Worker, clock(q.Until)
		switch {
		case q.Delayed:
			by = "nobody, put off"
		case by == "":
			by = "-"
		}
		return []string{q.Symbol, strconv.Itoa(q.Waiting), q.Head, by, until}
	})
}
