// Command orders shows the queue of orders: each is handed out to one worker at a
// time until its state says that it was dealt with.
//
// What it pops it takes from the queue of an exchange, so it wants a deployment
// where nobody else's orders wait there.
package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/examples/internal/example"
)

func main() {
	example.Main("orders",
		example.Step{Name: "push, pop, acknowledge", Basic: true, Run: popAndAck},
		example.Step{Name: "a worker that died", Run: deadWorker},
		example.Step{Name: "cancel", Basic: true, Run: cancel},
		example.Step{Name: "status and list", Run: list},
		example.Step{Name: "consume", Run: consume},
		example.Step{Name: "queue length", Run: queue},
		example.Step{Name: "dead letter", Run: deadLetter},
	)
}

const exchange = "okx"

// The names of this run, so that the next one finds nothing of it.
var bot, base = example.Unique("bot-"), example.Unique("C")

// limitOrder is an order to buy in a market of this run.
func limitOrder(quote string) domain.Order {
	return domain.Order{ID: client.NewOrderID(), Exchange: exchange, OrderTerms: domain.OrderTerms{
		Account: "1001", Bot: bot, Symbol: base + "/" + quote, Side: domain.Buy, Type: domain.Limit,
		Volume: domain.MustDecimal("0.5"), Price: domain.MustDecimal("50000"), Expires: time.Now().Add(time.Minute),
	}}
}

// push pushes an order and waits until it is in the queue.
func push(ctx context.Context, c *client.Client, order domain.Order) (domain.Order, error) {
	order, pos, err := c.Orders.Push(ctx, order)
	if err != nil {
		return order, err
	}
	return order, c.Wait(ctx, pos)
}

// fill is what a worker records when the venue has filled an order: that it is
// about to send it, and what became of it.
func fill(ctx context.Context, c *client.Client, id string) (domain.Order, error) {
	_, err := c.Orders.Update(ctx, exchange, id, func(o *domain.Order) error {
		o.Status, o.Attempt = domain.OrderIntent, o.Attempt+1
		return nil
	})
	if err != nil {
		return domain.Order{}, err
	}
	return c.Orders.Update(ctx, exchange, id, func(o *domain.Order) error {
		o.Status, o.VenueOrderID, o.VenueTime = domain.OrderFilled, "V-"+id, time.Now()
		o.Filled, o.AveragePrice = o.Volume, o.Price
		return nil
	})
}

func popAndAck(ctx context.Context, c *client.Client, say example.Say) error {
	if n, err := c.Orders.QueueLength(ctx, exchange, ""); err != nil || n > 0 {
		return errors.Join(err, example.Want(n == 0, "%d orders wait at %s already", n, exchange))
	}
	order := limitOrder("USDT")
	if _, err := push(ctx, c, order); err != nil {
		return err // not known whether it is there: push the same again
	}
	again, err := push(ctx, c, order)
	if err != nil {
		return err
	}
	delivery, err := c.Orders.Pop(ctx, exchange, 5*time.Second)
	if err != nil {
		return err
	}
	say("%s %s %s at %s, for the %d. time", delivery.Side, delivery.Volume, delivery.Symbol, delivery.Price, delivery.Tries)
	// Here it would be sent to the venue, under its id.
	accepted, err := c.Orders.Ack(ctx, delivery)
	if err != nil {
		return err
	}
	if _, err := c.Orders.Update(ctx, exchange, order.ID, func(o *domain.Order) error {
		o.Status, o.Filled, o.AveragePrice = domain.OrderFilled, o.Volume, o.Price
		return nil
	}); err != nil {
		return err
	}
	_, err = c.Orders.Pop(ctx, exchange, 0)
	if err := example.Want(errors.Is(err, domain.ErrNotFound), "there is another one: %v", err); err != nil {
		return err
	}
	return example.Want(again.ID == order.ID && delivery.ID == order.ID && accepted.Status == domain.OrderAccepted, "%+v", accepted)
}

func deadWorker(ctx context.Context, c *client.Client, say example.Say) error {
	order, err := push(ctx, c, limitOrder("USDT"))
	if err != nil {
		return err
	}
	hasty, err := c.Orders.WithLimits(client.OrderLimits{Lease: 50 * time.Millisecond})
	if err != nil {
		return err
	}
	if _, err := hasty.Pop(ctx, exchange, 5*time.Second); err != nil {
		return err // who popped it says nothing more
	}
	again, err := c.Orders.Pop(ctx, exchange, 5*time.Second)
	if err != nil {
		return err
	}
	say("%s was handed out %d times", again.ID, again.Tries)
	if _, err := fill(ctx, c, order.ID); err != nil {
		return err
	}
	if _, err := c.Orders.Ack(ctx, again); err != nil {
		return err
	}
	return example.Want(again.ID == order.ID && again.Tries == 2, "%+v", again)
}

func cancel(ctx context.Context, c *client.Client, say example.Say) error {
	order, err := push(ctx, c, limitOrder("USDT"))
	if err != nil {
		return err
	}
	canceled, err := c.Orders.Cancel(ctx, exchange, order.ID)
	if err != nil {
		return err
	}
	say("%s: %s", canceled.Status, canceled.Reason)
	// What is final stays so.
	_, err = c.Orders.Update(ctx, exchange, order.ID, func(o *domain.Order) error {
		o.Status = domain.OrderAccepted
		return nil
	})
	say("from there: %v", err)
	return example.Want(canceled.Status == domain.OrderCanceled && errors.Is(err, domain.ErrConflict), "%+v, %v", canceled, err)
}

func list(ctx context.Context, c *client.Client, say example.Say) error {
	order, err := push(ctx, c, limitOrder("EUR"))
	if err != nil {
		return err
	}
	filled, err := fill(ctx, c, order.ID)
	if err != nil {
		return err
	}
	if err := c.Wait(ctx, c.Orders.PositionOf(filled)); err != nil {
		return err
	}
	status, err := c.Orders.Status(ctx, exchange, order.ID)
	if err != nil {
		return err
	}
	orders, err := c.Orders.List(ctx, client.OrderFilter{
		Exchange: exchange, Symbol: order.Symbol, Bot: bot, Statuses: []domain.OrderStatus{domain.OrderFilled},
	})
	if err != nil {
		return err
	}
	if err := example.Want(status == domain.OrderFilled && len(orders) == 1, "%s, %d orders", status, len(orders)); err != nil {
		return err
	}
	say("%s is %s, %s at %s", orders[0].ID, status, orders[0].Filled, orders[0].AveragePrice)
	// A final order can be forgotten; its id stays taken.
	_, err = c.Orders.Delete(ctx, exchange, order.ID)
	return err
}

func consume(ctx context.Context, c *client.Client, say example.Say) error {
	ctx, done := context.WithCancel(ctx)
	defer done()
	var mu sync.Mutex
	waiting := make(map[string]bool)
	for _, quote := range []string{"USDT", "EUR", "BTC"} {
		order, err := push(ctx, c, limitOrder(quote))
		if err != nil {
			return err
		}
		waiting[order.ID] = true
	}
	// The handler's context lasts as long as its lease, also beyond ctx.
	err := c.Orders.Consume(ctx, exchange, client.ConsumeConfig{Concurrency: 2}, func(ctx context.Context, d client.OrderDelivery) error {
		order, err := fill(ctx, c, d.ID)
		if err != nil {
			return err // it comes again
		}
		mu.Lock()
		defer mu.Unlock()
		say("%s %s", order.Symbol, order.Status)
		if delete(waiting, d.ID); len(waiting) == 0 {
			done()
		}
		return nil
	})
	if err != nil {
		return err
	}
	return example.Want(len(waiting) == 0, "%d orders were not consumed", len(waiting))
}

func queue(ctx context.Context, c *client.Client, say example.Say) error {
	var orders []domain.Order
	for _, quote := range []string{"USDT", "USDT", "EUR"} {
		order, err := push(ctx, c, limitOrder(quote))
		if err != nil {
			return err
		}
		orders = append(orders, order)
	}
	n, err := c.Orders.QueueLength(ctx, exchange, orders[0].Symbol)
	if err != nil {
		return err
	}
	queues, err := c.Orders.Queue(ctx, exchange)
	if err != nil {
		return err
	}
	for _, q := range queues {
		say("%s: %d wait, the first is %s", q.Symbol, q.Waiting, q.Head)
	}
	for _, order := range orders {
		canceled, err := c.Orders.Cancel(ctx, exchange, order.ID)
		if err != nil {
			return err
		}
		if err := c.Wait(ctx, c.Orders.PositionOf(canceled)); err != nil {
			return err
		}
	}
	after, err := c.Orders.QueueLength(ctx, exchange, orders[0].Symbol)
	if err != nil {
		return err
	}
	return example.Want(n == 2 && after == 0 && len(queues) >= 2, "%d, then %d in the queue", n, after)
}

func deadLetter(ctx context.Context, c *client.Client, say example.Say) error {
	order, err := push(ctx, c, limitOrder("USDT"))
	if err != nil {
		return err
	}
	once, err := c.Orders.WithLimits(client.OrderLimits{Lease: 50 * time.Millisecond, MaxTries: 1})
	if err != nil {
		return err
	}
	if _, err := once.Pop(ctx, exchange, 5*time.Second); err != nil {
		return err // and nothing more is heard of it
	}
	_, err = once.Pop(ctx, exchange, time.Second)
	if err := example.Want(errors.Is(err, domain.ErrNotFound), "it was handed out again: %v", err); err != nil {
		return err
	}
	dead, err := c.Orders.Get(ctx, exchange, order.ID)
	if err != nil {
		return err
	}
	letters, err := c.Orders.DeadLetters(ctx, exchange)
	if err != nil {
		return err
	}
	say("%d dead letters; %s: %s", len(letters), dead.ID, dead.Reason)
	// Requeue would hand it out again.
	dropped, err := c.Orders.Drop(ctx, exchange, order.ID)
	if err != nil {
		return err
	}
	return example.Want(dead.Dead && len(letters) > 0 && dropped.Status == domain.OrderCanceled, "%+v", dropped)
}
