package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
)

// MaxPopOrders bounds one PopMany.
const MaxPopOrders = 500

// OrderDelivery is an order that was popped. The sequences are what a worker that
// sends the order makes its intent conditional on: see bus.Commit.
type OrderDelivery struct {
	domain.Order
	Until      time.Time // when the lease ends, by the clock of Redis
	Tries      int       // how often it was handed out, this time included
	BlockSeq   uint64    // of the newest message about the market's block; zero: none
	BlockToken uint64    // of the market's block, if the order's bot holds it; zero: it does not

	// The same of the market's opening mark.
	OpeningSeq, OpeningToken uint64

	HaltSeq    uint64 // of the newest message about the exchange's halt; zero: none
	BotHaltSeq uint64 // of the newest message about the bot's halt; zero: none

	token  string
	at     domain.Checkpoint // of what Redis said; that of a receipt has the epoch alone
	lapsed []domain.Kind     // of the block and the opening mark, those that another bot has and that have expired
}

// Pop leases the oldest order that waits for a worker, and waits for one for at
// most timeout, up to MaxPopWait; zero does not wait. While an order is leased, no
// other of its symbol is handed out, and orders of a symbol go out in the order
// of their creation, as far as they may: one that must wait stalls neither other
// symbols nor the orders of other bots, and under a halt that lets positions be
// made smaller none that do so. An
// order that would be sent is not handed out while its bot, its exchange or all of
// them are halted, nor while another bot has the market's block or opening mark. One that may have
// been sent already, domain.OrderIntent or domain.OrderUnknown, is handed out
// whatever they say.
//
// Pop itself ends orders that are too old to be sent, domain.OrderExpired, and
// makes those dead letters that were handed out OrderLimits.MaxTries times.
//
// Waiting takes nothing away, so giving up loses nothing; nor does a popper that
// dies: when its lease has ended the order is handed out again. So who deals with
// orders must look at what the log says of one before acting: the log refuses
// what two do at once. The error matches also domain.ErrNotFound when there was
// none in time.
func (o *Orders) Pop(ctx context.Context, exchange string, timeout time.Duration) (OrderDelivery, error) {
	deliveries, err := o.PopMany(ctx, exchange, 1, timeout)
	if err != nil {
		return OrderDelivery{}, err
	}
	return deliveries[0], nil
}

// PopMany is Pop for up to n orders at once, each of another symbol; 1 to
// MaxPopOrders. It returns as soon as there is one.
func (o *Orders) PopMany(ctx context.Context, exchange string, n int, timeout time.Duration) ([]OrderDelivery, error) {
	if err := domain.CheckExchange(exchange); err != nil {
		return nil, err
	}
	if n < 1 || n > MaxPopOrders {
		return nil, domain.Invalid("n", strconv.Itoa(n), "1 to "+strconv.Itoa(MaxPopOrders))
	}
	if timeout < 0 || timeout > MaxPopWait {
		return nil, domain.Invalid("timeout", timeout.String(), "0 to 1h")
	}
	p := o.client.exchange(exchange)
	var deliveries []OrderDelivery
	err := o.client.await(ctx, "orders of "+exchange, p.Partition, timeout, func() (next time.Duration, err error) {
		deliveries, next, err = o.pop(ctx, p, n)
		return next, err
	})
	return deliveries, err
}

// pop tries until there is something to hand out, or nothing to do. Without an
// order the error matches errNothing, and next is when something that keeps
// orders back ends.
func (o *Orders) pop(ctx context.Context, p *settledPartition, n int) (deliveries []OrderDelivery, next time.Duration, err error) {
	for {
		token := rand.Text()
		w, err := p.target(ctx)
		if err != nil {
			return nil, 0, err
		}
		got, err := p.PopOrders(ctx, cachestore.OrderPop{
			Epoch: w.epoch, Least: w.least, Lease: o.limits.Lease, Token: token, Worker: o.worker, Most: n,
		})
		if err != nil {
			return nil, 0, err
		}
		if got.Behind {
			ok, err := p.reached(ctx, got.At, w) // a new epoch, if it is one, is known from now on
			if err != nil {
				return nil, 0, err
			}
			if ok {
				continue
			}
			return nil, waitSlice, nothing{p.rebuilding(got.At)}
		}
		deliveries, err = o.sift(ctx, got, token)
		if len(deliveries) > 0 {
			return deliveries, 0, nil // what could not be ended comes again
		}
		if err != nil {
			return nil, 0, err
		}
		if len(got.Orders) > 0 {
			continue // all of them were over
		}
		// A lease that another process gives back is not in the log, so nobody
		// tells; hence the look now and then.
		next = waitSlice
		if got.Next > 0 {
			next = min(next, got.Next)
		}
		return nil, next, nothing{fmt.Errorf("orders of %s: %w", p.Stream(), domain.ErrNotFound)}
	}
}

// sift ends the orders that are not to be handed out.
func (o *Orders) sift(ctx context.Context, got cachestore.PoppedOrders, token string) ([]OrderDelivery, error) {
	deliveries := make([]OrderDelivery, 0, len(got.Orders))
	var failed error
	for _, popped := range got.Orders {
		var err error
		switch {
		case popped.Expired:
			err = o.expire(ctx, popped.Order)
		case popped.Tries > o.limits.MaxTries:
			err = o.bury(ctx, popped.Order, popped.Tries-1)
		default:
			d := OrderDelivery{
				Order: popped.Order, Until: got.Until, Tries: popped.Tries, BlockSeq: popped.BlockSeq, BlockToken: popped.BlockToken,
				OpeningSeq: popped.OpeningSeq, OpeningToken: popped.OpeningToken, HaltSeq: popped.HaltSeq, BotHaltSeq: popped.BotHaltSeq, token: token, at: got.At,
			}
			if popped.Lapsed {
				d.lapsed = append(d.lapsed, domain.KindBlock)
			}
			if popped.OpenLapsed {
				d.lapsed = append(d.lapsed, domain.KindOpening)
			}
			deliveries = append(deliveries, d)
		}
		failed = errors.Join(failed, err)
	}
	return deliveries, failed
}

// expire ends an order that is too old to be sent.
func (o *Orders) expire(ctx context.Context, order domain.Order) error {
	return o.settle(ctx, order, func(now *domain.Order) {
		if now.Status == domain.OrderNew || now.Status == domain.OrderNotFound {
			now.Status, now.Reason = domain.OrderExpired, "not sent before "+now.Expires.UTC().Format(time.RFC3339Nano)
		}
	})
}

// bury makes an order a dead letter.
func (o *Orders) bury(ctx context.Context, order domain.Order, tries int) error {
	return o.settle(ctx, order, func(now *domain.Order) {
		if now.InQueue() {
			now.Dead, now.Reason = true, fmt.Sprintf("handed out %d times without success", tries)
			if now.Status == domain.OrderIntent {
				now.Status = domain.OrderUnknown // nobody is about to send it any more
			}
		}
	})
}

// settle changes an order that Redis may know an earlier state of. One that is
// gone needs no change.
func (o *Orders) settle(ctx context.Context, order domain.Order, change func(*domain.Order)) error {
	_, err := o.Update(ctx, order.Exchange, order.ID, func(now *domain.Order) error {
		change(now)
		return nil
	})
	if errors.Is(err, domain.ErrNotFound) || errors.Is(err, domain.ErrConflict) {
		return nil
	}
	return err
}
