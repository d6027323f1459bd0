package client

import (
	"context"
	"errors"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
)

// How an intent is stored. It is one message, on the condition that the order is as
// it was popped. Behind it come fences: messages that change nothing, each on the
// condition that a right to trade is as it was when the order was popped. A fence
// that is stored says so of all that was stored before it. Only who has the intent
// and all its fences may send; so a right that is old lets nothing be sent, as if
// all of them were one atomic batch. They are none because the log, where it has one
// replica, stages each of those in files that it syncs, for 3 to 5 ms in which it
// takes nothing else; because one order that has changed would keep out all others;
// and because orders with the same fence share it.
//
// An intent without its fences is taken back at once. If that does not succeed, it
// is as one whose worker has died: whoever finds it asks the venue.

// Intend records that orders which were popped are about to be sent, by worker
// and before deadline: domain.OrderIntent, the next attempt of each. An order's
// intent counts on the conditions that nothing has changed since the pop: not
// the order, not the block and the opening mark of its market, not the halts of
// its exchange. A block or a mark of another bot that has expired must also not
// have been renewed. So who gets no error has the right to send the order, once,
// until the deadline; and a worker that was paused, or reads a Redis that is behind,
// gets none.
//
// What is wrong with one delivery keeps back no other. The results are in the order
// of the deliveries: the order as it is then, or an error that matches
// domain.ErrConflict (something has changed: give the delivery back),
// domain.ErrInvalid or domain.ErrUnreachable, after which the intent may have been
// stored. It blocks until all are known.
func (o *Orders) Intend(ctx context.Context, worker string, deadline time.Time, deliveries []OrderDelivery) ([]domain.Order, []error) {
	orders, errs := make([]domain.Order, len(deliveries)), make([]error, len(deliveries))
	all := make([]int, len(deliveries))
	for i := range all {
		all[i] = i
	}
	needed := o.rights(ctx, worker, deliveries, all, errs, false)
	now := time.Now()
	intended, changes := all[:0], make([]bus.Change, 0, len(deliveries)+len(needed.fences))
	for i, d := range deliveries {
		order := d.Order
		order.Status, order.Reason = domain.OrderIntent, ""
		order.Attempt++
		order.Worker, order.Deadline, order.Token, order.Updated = worker, deadline, d.BlockToken, now
		orders[i] = order
		if errs[i] == nil {
			intended = append(intended, i)
			changes = append(changes, bus.Change{Event: order, Last: order.Sequence})
		}
	}
	stored := o.client.log.StoreEach(ctx, append(changes, needed.fences...))
	fences := stored[len(changes):]
	var refused []int
	for n, i := range intended {
		if errs[i] = stored[n].Err; errs[i] != nil {
			continue
		}
		orders[i].Sequence = stored[n].Seq
		if errs[i] = needed.granted(i, orders[i].Sequence, fences); errors.Is(errs[i], domain.ErrConflict) {
			refused = append(refused, i)
		}
	}
	o.insist(ctx, worker, deliveries, orders, errs, refused)
	return orders, errs
}

// rights are what the intents of some of the deliveries depend on. Unless each is to
// stand alone, those that were popped after the newest grant of the exchange share a
// fence. Those of which it is known already that they cannot be sent get an error.
func (o *Orders) rights(ctx context.Context, worker string, deliveries []OrderDelivery, which []int, errs []error, alone bool) *rights {
	needed := newRights(worker, len(deliveries))
	newest := make(map[string]*uint64) // by exchange; nil: not known, and not asked for again
	for _, i := range which {
		d := deliveries[i]
		if _, asked := newest[d.Exchange]; !alone && !asked {
			newest[d.Exchange] = nil
			if seq, err := o.grants.of(ctx, o.client.Bots, d.Exchange); err == nil {
				newest[d.Exchange] = &seq
			}
		}
		grants := newest[d.Exchange]
		if grants != nil && d.at.Seq < *grants {
			grants = nil
		}
		needed.needAll(i, d, grants)
		for _, kind := range d.lapsed {
			renewal, last, err := o.stillLapsed(ctx, kind, d)
			if err != nil {
				errs[i] = err
				break
			}
			needed.need(i, d.Symbol, renewal, last)
		}
	}
	return needed
}

// insist stores the fences of intents anew, for each those of its own market: that
// one which it shares was refused may be another market's fault. The intents of
// those that are refused again are taken back.
func (o *Orders) insist(ctx context.Context, worker string, deliveries []OrderDelivery, orders []domain.Order, errs []error, which []int) {
	if len(which) == 0 {
		return
	}
	for _, i := range which {
		errs[i] = nil
		o.grants.forget(deliveries[i].Exchange)
	}
	needed := o.rights(ctx, worker, deliveries, which, errs, true)
	stored := o.client.log.StoreEach(ctx, needed.fences)
	var back []bus.Change
	for _, i := range which {
		if errs[i] == nil {
			errs[i] = needed.granted(i, orders[i].Sequence, stored)
		}
		if errors.Is(errs[i], domain.ErrConflict) {
			order := orders[i]
			order.Status, order.Reason, order.Updated = domain.OrderNotFound, notSent, time.Now()
			back = append(back, bus.Change{Event: order, Last: order.Sequence})
		}
	}
	o.client.log.StoreEach(ctx, back) // one that stays is found as if its worker had died
}

// notSent is the reason of an intent that was taken back.
const notSent = "not sent: a right to trade has changed"

// stillLapsed gives the newest renewal of a block or an opening mark that had
// expired at the pop. Who has it may renew it for as long as nobody else got it, and
// a renewal is no message about it. Once it is renewed the error is a *HeldError.
func (o *Orders) stillLapsed(ctx context.Context, kind domain.Kind, d OrderDelivery) (domain.Key, uint64, error) {
	s, err := o.client.Bots.state(ctx, kind, d.Exchange, d.Symbol)
	switch {
	case err != nil:
		return domain.Key{}, 0, err
	case s.held() && s.claim.Bot != d.Bot && s.claim.HeldAt(s.now):
		return domain.Key{}, 0, &HeldError{s.claim}
	}
	return domain.ClaimRenewal{Kind: kind, Exchange: d.Exchange, Symbol: d.Symbol}.Key(), s.renewed, nil
}

// Record stores the next state of an order, on the condition that the one with
// its Sequence is still the newest. The error is as one of Intend.
func (o *Orders) Record(ctx context.Context, order domain.Order) (domain.Order, error) {
	order.Updated = time.Now()
	return o.store(ctx, order, order.Sequence)
}

// RecordEach is Record for several orders, as fast as the log takes them. It sets
// Updated of all, and Sequence of those that were stored. What is wrong with one
// keeps back no other. The errors are in the order of the orders; it blocks until
// all are known.
func (o *Orders) RecordEach(ctx context.Context, orders []*domain.Order) []error {
	changes, errs := make([]bus.Change, len(orders)), make([]error, len(orders))
	now := time.Now()
	for i, order := range orders {
		order.Updated = now
		changes[i] = bus.Change{Event: *order, Last: order.Sequence}
	}
	for i, stored := range o.client.log.StoreEach(ctx, changes) {
		if errs[i] = stored.Err; stored.Err == nil {
			orders[i].Sequence = stored.Seq
		}
	}
	return errs
}
