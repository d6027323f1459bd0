package client

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
)

// Intend records that orders which were popped are about to be sent, by worker
// and before deadline: domain.OrderIntent, the next attempt of each. An order's
// intent is stored on the conditions that nothing has changed since the pop: not
// the order, not the block and the opening mark of its market, not the halts of
// its exchange. A block or a mark of another bot that has expired must also not
// have been renewed. So who
// gets no error has the right to send the order, once, until the deadline; and a
// worker that was paused, or reads a Redis that is behind, gets none.
//
// All deliveries must be of one exchange. They are stored together, or in ever
// smaller parts where that is refused. The results are in the order of the
// deliveries: the order as it is then, or an error that matches
// domain.ErrConflict (something has changed: give the delivery back),
// domain.ErrInvalid or domain.ErrUnreachable, after which it may have been
// stored.
func (o *Orders) Intend(ctx context.Context, worker string, deadline time.Time, deliveries []OrderDelivery) ([]domain.Order, []error) {
	orders := make([]domain.Order, len(deliveries))
	now := time.Now()
	for i, d := range deliveries {
		order := d.Order
		order.Status, order.Reason = domain.OrderIntent, ""
		order.Attempt++
		order.Worker, order.Deadline, order.Token, order.Updated = worker, deadline, d.BlockToken, now
		orders[i] = order
	}
	errs := make([]error, len(orders))
	lapsed := make(map[int][]bus.Change)
	for i, d := range deliveries {
		for _, kind := range d.lapsed {
			if errs[i] == nil {
				var change bus.Change
				change, errs[i] = o.stillLapsed(ctx, kind, d, worker)
				lapsed[i] = append(lapsed[i], change)
			}
		}
	}
	o.together(ctx, orders, errs, func(i int) []bus.Change {
		d := deliveries[i]
		market := domain.Key{Kind: domain.KindBlock, Exchange: d.Exchange, Symbol: d.Symbol}
		opening := domain.Key{Kind: domain.KindOpening, Exchange: d.Exchange, Symbol: d.Symbol}
		halts := domain.Key{Kind: domain.KindHalt, Exchange: d.Exchange}
		fences := []bus.Change{
			{Event: domain.Fence{Exchange: d.Exchange, Symbol: d.Symbol, Worker: worker}, If: market, Last: d.BlockSeq},
			{Event: domain.Fence{Exchange: d.Exchange, Symbol: d.Symbol, Worker: worker}, If: opening, Last: d.OpeningSeq},
			{Event: domain.Fence{Exchange: d.Exchange, Worker: worker}, If: halts, Last: d.HaltSeq},
		}
		return append(fences, lapsed[i]...)
	})
	return orders, errs
}

// stillLapsed is the condition that a block or an opening mark which has expired is
// not renewed. Who has it may do so for as long as nobody else got it, and a
// renewal is no message about it.
func (o *Orders) stillLapsed(ctx context.Context, kind domain.Kind, d OrderDelivery, worker string) (bus.Change, error) {
	s, err := o.client.Bots.state(ctx, kind, d.Exchange, d.Symbol)
	switch {
	case err != nil:
		return bus.Change{}, err
	case s.held() && s.claim.Bot != d.Bot && s.claim.HeldAt(s.now):
		return bus.Change{}, &HeldError{s.claim}
	}
	renewal := domain.ClaimRenewal{Kind: kind, Exchange: d.Exchange, Symbol: d.Symbol}
	return bus.Change{
		Event: domain.Fence{Exchange: d.Exchange, Symbol: d.Symbol, Worker: worker}, If: renewal.Key(), Last: s.renewed,
	}, nil
}

// Record stores the next state of an order, on the condition that the one with
// its Sequence is still the newest. The error is as one of Intend. An outcome has
// no other condition, and shares no commit: while it is cheap to store one
// message, an atomic batch costs the log as much as a hundred.
func (o *Orders) Record(ctx context.Context, order domain.Order) (domain.Order, error) {
	order.Updated = time.Now()
	return o.store(ctx, order, order.Sequence)
}

// together stores states of orders with one commit, each on the condition of its
// Sequence and of what fences gives for it; what is refused together is stored in
// quarters, so that one conflict stops nobody else. Those that have an error are
// left out, and errors go to where they belong.
func (o *Orders) together(ctx context.Context, states []domain.Order, errs []error, fences func(i int) []bus.Change) {
	all := make([]int, 0, len(states))
	for i, err := range errs {
		if err == nil {
			all = append(all, i)
		}
	}
	store := func(which []int) error {
		// The orders come first, so that their sequences follow from the last
		// one's. A fence that two orders share is stored once.
		changes := make([]bus.Change, 0, 4*len(which))
		for _, i := range which {
			changes = append(changes, bus.Change{Event: states[i], Last: states[i].Sequence})
		}
		known := make(map[domain.Key]bool)
		for _, i := range which {
			for _, fence := range fences(i) {
				if !known[fence.If] {
					known[fence.If] = true
					changes = append(changes, fence)
				}
			}
		}
		pos, err := o.client.log.Commit(ctx, changes...)
		if err != nil {
			return err
		}
		for n, i := range which {
			states[i].Sequence = pos.Seq - uint64(len(changes)-1-n)
		}
		return nil
	}
	if len(all) == 0 {
		return
	}
	for parts := [][]int{all}; len(parts) > 0; {
		part := parts[0]
		parts = parts[1:]
		err := store(part)
		if refused := errors.Is(err, domain.ErrConflict) || errors.Is(err, domain.ErrInvalid); refused && len(part) > 1 {
			parts = slices.AppendSeq(parts, slices.Chunk(part, (len(part)+3)/4))
			continue
		}
		for _, i := range part {
			errs[i] = err
		}
	}
}
