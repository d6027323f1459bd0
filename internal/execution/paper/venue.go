package paper

import (
	"context"
	"sync"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
)

// Account is one account of an Exchange in the same process. It implements
// execution.Venue.
type Account struct {
	exchange *Exchange
	name     string

	mu sync.Mutex
	at position // up to where Run has delivered
}

var _ execution.Venue = (*Account)(nil)

// Venue is an account of the exchange; one that nobody has used begins with
// the balances that the configuration gives it. The error is a
// *domain.FieldError.
func (x *Exchange) Venue(account string) (*Account, error) {
	if err := domain.CheckAccount(account); err != nil {
		return nil, err
	}
	return &Account{exchange: x, name: account}, nil
}

// Exchange is where the account is.
func (a *Account) Exchange() *Exchange { return a.exchange }

// Submit sends an order: see execution.Venue.
func (a *Account) Submit(ctx context.Context, order domain.Order) (execution.Report, error) {
	if err := check(&order, a.exchange.Name(), a.name); err != nil {
		return execution.Report{}, err
	}
	x := a.exchange
	order.Deadline, _ = ctx.Deadline()
	return call(ctx, x.faults, func() (execution.Report, error) {
		if x.faults.draw(x.faults.Rejects) {
			return execution.Report{}, &execution.Rejected{Reason: "rejected on purpose"}
		}
		return x.submit(ctx, &order)
	})
}

// check refuses what no venue would have to be asked about.
func check(order *domain.Order, exchange, account string) error {
	if err := order.Validate(); err != nil {
		return &execution.Rejected{Reason: err.Error()}
	}
	if order.Exchange != exchange || order.Account != account {
		return &execution.Rejected{
			Reason: "it is for " + order.Account + " at " + order.Exchange + ", not for " + account + " at " + exchange,
		}
	}
	return nil
}

// enter makes an account where there is none.
func enter(name string) func(*engine, time.Time) ([]change, execution.Report, error) {
	return func(e *engine, now time.Time) ([]change, execution.Report, error) {
		c, err := e.enter(name, now)
		if err != nil || c.Seq == 0 {
			return nil, execution.Report{}, err
		}
		return []change{c}, execution.Report{}, nil
	}
}

// Cancel takes an order out of the book: see execution.Venue.
func (a *Account) Cancel(ctx context.Context, order domain.Order) (execution.Report, error) {
	return call(ctx, a.exchange.faults, func() (execution.Report, error) {
		return a.exchange.decide(func(e *engine, now time.Time) ([]change, execution.Report, error) {
			c, report, err := e.cancel(a.name, order.ID, now)
			if err != nil || c.Seq == 0 {
				return nil, report, err
			}
			return []change{c}, report, nil
		})
	})
}

// Query asks for an order: see execution.Venue.
func (a *Account) Query(ctx context.Context, order domain.Order) (execution.Report, error) {
	return call(ctx, a.exchange.faults, func() (execution.Report, error) {
		return a.exchange.decide(func(e *engine, _ time.Time) ([]change, execution.Report, error) {
			o, err := e.find(a.name, order.ID)
			if err != nil {
				return nil, execution.Report{}, err
			}
			return nil, o.report(), nil
		})
	})
}

// Open lists the resting orders: see execution.Venue.
func (a *Account) Open(ctx context.Context) ([]execution.Report, error) {
	return call(ctx, a.exchange.faults, func() (open []execution.Report, err error) {
		_, err = a.exchange.decide(func(e *engine, _ time.Time) ([]change, execution.Report, error) {
			open = e.resting(a.name)
			return nil, execution.Report{}, nil
		})
		return open, err
	})
}

// Run delivers what happens: see execution.Venue. It ends with an error when
// the exchange was closed or stopped.
func (a *Account) Run(ctx context.Context, sink execution.Sink) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for ctx.Err() == nil {
		if err := a.exchange.listen(ctx, a.name, &a.at, sink); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}
