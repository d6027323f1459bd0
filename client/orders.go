package client

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
)

// Orders is the orders of all exchanges: what became of each, and a queue for
// each exchange that hands those out that wait for a worker.
//
// An order is a row of states in the log, each the whole order. A state is stored
// under the condition that the one before it is still the newest, so that of
// concurrent changes none is lost, and only if it may follow that one: see
// domain.Order.Follows. An id belongs to one order: for as long as the log or
// Redis knows of it, no other order gets it, whoever pushes or retries.
//
// Writes block until the log acknowledged. Their errors match domain.ErrInvalid,
// domain.ErrConflict when the order is not what the write supposes,
// domain.ErrNotFound for an order or an exchange that is not there, or
// domain.ErrUnreachable, after which it may have been stored: then write the same
// again.
//
// Reads match domain.ErrInvalid, domain.ErrNotFound, domain.ErrUnreachable, or
// domain.ErrUnknown for what cannot be read and while Redis is being folded
// anew, after having waited for it for two seconds.
//
// The venue's time and id of an order are VenueTime and VenueOrderID; Created,
// Updated and ID are ours. Nothing is put in the place of another.
type Orders struct {
	client *Client
	limits OrderLimits
	worker string
	grants *grants // shared by all copies
}

func newOrders(c *Client) *Orders {
	return &Orders{client: c, limits: OrderLimits{}.withDefaults(), worker: workerName(), grants: new(grants)}
}

// workerName says who leases orders, for people who look: host and process id.
func workerName() string {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "unknown"
	}
	host = strings.Map(func(r rune) rune {
		if r <= ' ' || r >= 0x7f {
			return '-'
		}
		return r
	}, host)
	return host[:min(len(host), 48)] + "-" + strconv.Itoa(os.Getpid())
}

// WithLimits is the same with other limits. The error is a *domain.FieldError.
func (o *Orders) WithLimits(limits OrderLimits) (*Orders, error) {
	if err := limits.validate(); err != nil {
		return nil, err
	}
	other := *o
	other.limits = limits.withDefaults()
	return &other, nil
}

// PositionOf is the place in the log of the state of an order, for Wait.
func (o *Orders) PositionOf(order domain.Order) domain.LogPosition {
	return domain.LogPosition{Stream: o.client.exchange(order.Exchange).Stream(), Seq: order.Sequence}
}

func checkOrder(exchange, id string) error {
	return domain.OrderDeleted{Exchange: exchange, ID: id}.Validate()
}

func orderKey(exchange, id string) domain.Key {
	return domain.Key{Kind: domain.KindOrder, Exchange: exchange, OrderID: id}
}

func noOrder(exchange, id string) error {
	return fmt.Errorf("order %s of %s: %w", id, exchange, domain.ErrNotFound)
}

// Get reads an order.
func (o *Orders) Get(ctx context.Context, exchange, id string) (domain.Order, error) {
	if err := checkOrder(exchange, id); err != nil {
		return domain.Order{}, err
	}
	p := o.client.exchange(exchange)
	var order domain.Order
	var found bool
	err := p.settled(ctx, func() (at domain.Checkpoint, err error) {
		order, found, at, err = p.Order(ctx, id)
		return at, err
	})
	if err == nil && !found {
		err = noOrder(exchange, id)
	}
	return order, err
}

// Status reads the status of an order.
func (o *Orders) Status(ctx context.Context, exchange, id string) (domain.OrderStatus, error) {
	order, err := o.Get(ctx, exchange, id)
	return order.Status, err
}

// logged is what the log says of an order.
type logged struct {
	order   domain.Order // zero Status: nothing
	deleted bool
	last    uint64 // the sequence that a change must be conditional on
}

// newest reads the newest state of an order from the log, or the one that Redis
// still has where the log's has aged out. A deleted order, and one that there
// never was, are no error.
func (o *Orders) newest(ctx context.Context, exchange, id string) (logged, error) {
	event, seq, _, err := o.client.log.Last(ctx, orderKey(exchange, id))
	if errors.Is(err, domain.ErrNotFound) {
		order, err := o.Get(ctx, exchange, id)
		if errors.Is(err, domain.ErrNotFound) {
			return logged{}, nil
		}
		return logged{order: order}, err
	}
	if err != nil {
		if !errors.Is(err, domain.ErrUnreachable) {
			err = fmt.Errorf("order %s of %s: %w: %w", id, exchange, domain.ErrUnknown, err)
		}
		return logged{}, err
	}
	order, ok := event.(domain.Order)
	if !ok {
		return logged{deleted: true, last: seq}, nil
	}
	order.Sequence = seq
	if order.First == 0 {
		order.First = o.firstOf(ctx, order)
	}
	return logged{order: order, last: seq}, nil
}

// firstOf is the sequence that an order was created with; zero where that cannot
// be told, and then the projector fills it in. What does not say so is mostly the
// event that created it; others were stored by producers of another kind.
func (o *Orders) firstOf(ctx context.Context, order domain.Order) uint64 {
	if order.Updated.Equal(order.Created) {
		return order.Sequence
	}
	stored, err := o.Get(ctx, order.Exchange, order.ID)
	if err != nil {
		return 0
	}
	return stored.First
}

// store stores a state of an order in the place of the one with sequence last;
// zero: it is the first one.
func (o *Orders) store(ctx context.Context, order domain.Order, last uint64) (domain.Order, error) {
	pos, err := o.client.log.Commit(ctx, bus.Change{Event: order, Last: last})
	if err != nil {
		return domain.Order{}, err
	}
	order.Sequence = pos.Seq
	if last == 0 && order.First == 0 {
		order.First = pos.Seq
	}
	return order, nil
}
