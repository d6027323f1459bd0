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
	held map[handed]*heldLease
}

// handed is one time that an order was handed out.
type handed struct {
	id    string
	tries int
}

type heldLease struct {
	delivery client.OrderDelivery
	old      bool // it was there at the look before
}

func (l *leases) hold(batch []client.OrderDelivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		l.held = make(map[handed]*heldLease)
	}
	for _, d := range batch {
		l.held[handed{d.ID, d.Tries}] = &heldLease{delivery: d}
	}
}

func (l *leases) drop(d client.OrderDelivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.held, handed{d.ID, d.Tries})
}

// aged are those that were there at the last look.
func (l *leases) aged() []client.OrderDelivery {
	l.mu.Lock()
	defer l.mu.Unlock()
	var aged []client.OrderDelivery
	for _, h := range l.held {
		if h.old {
			aged = append(aged, h.delivery)
		}
		h.old = true
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
			switch err := w.orders.Extend(bounded, d, w.cfg.Lease); {
			case err == nil:
				w.stats.extended.Add(1)
			case errors.Is(err, domain.ErrConflict):
				w.leases.drop(d)
			}
		}
		cancel()
	}
}
