package orderworker

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
)

// leases are those of the orders in hand.
type leases struct {
	mu   sync.Mutex
	held map[*held]struct{}
}

// held is an order in hand, from the pop until the worker is done with it.
type held struct {
	*client.OrderDelivery
	old bool // it was there at the look before; belongs to leases
}

func (l *leases) hold(batch []client.OrderDelivery) []*held {
	all, orders := make([]held, len(batch)), make([]*held, len(batch))
	for i := range batch {
		all[i].OrderDelivery = &batch[i]
		orders[i] = &all[i]
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		l.held = make(map[*held]struct{})
	}
	for _, d := range orders {
		l.held[d] = struct{}{}
	}
	return orders
}

func (l *leases) drop(orders ...*held) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range orders {
		delete(l.held, d)
	}
}

// aged are those that were there at the last look.
func (l *leases) aged() []*held {
	l.mu.Lock()
	defer l.mu.Unlock()
	var aged []*held
	for d := range l.held {
		if d.old {
			aged = append(aged, d)
		}
		d.old = true
	}
	return aged
}

// extend keeps the leases of the orders that are in hand for long: it looks three
// times a lease, so those that the venue answers at once cost nothing. One that
// was lost stays lost: the log refuses what two workers do at once.
func (w *Worker) extend(ctx context.Context) {
	ticker := time.NewTicker(w.cfg.Lease / 3)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		bounded, cancel := context.WithTimeout(ctx, w.cfg.Lease/3)
		for _, d := range w.leases.aged() {
			switch err := w.orders.Extend(bounded, *d.OrderDelivery, w.cfg.Lease); {
			case err == nil:
				w.stats.extended.Add(1)
			case errors.Is(err, domain.ErrConflict):
				w.leases.drop(d)
			}
		}
		cancel()
	}
}
