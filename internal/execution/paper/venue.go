package paper

import (
	"context"
	"errors"
	"fmt"
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
	if err := check(order, a.exchange.Name(), a.name); err != nil {
		return execution.Report{}, err
	}
	x := a.exchange
	order.Deadline, _ = ctx.Deadline()
	return call(ctx, x.faults, func() (execution.Report, error) {
		if x.faults.draw(x.faults.Rejects) {
			return execution.Report{}, &execution.Rejected{Reason: "rejected on purpose"}
		}
		tick, missing := x.tick(ctx, order.Symbol)
		if ctx.Err() != nil { // which says nothing about the tick
			return execution.Report{}, fmt.Errorf("%w: %w", execution.ErrUnanswered, ctx.Err())
		}
		return x.decide(func(e *engine, now time.Time) ([]change, execution.Report, error) {
			changes, _, err := enter(order.Account)(e, now)
			if err != nil {
				return nil, execution.Report{}, err
			}
			c, report, err := e.submit(order, tick, missing, now)
			if c.Seq != 0 {
				changes = append(changes, c)
			}
			return changes, report, err
		})
	})
}

// check refuses what no venue would have to be asked about.
func check(order domain.Order, exchange, account string) error {
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

// tick reads the newest tick of a symbol; missing says why there is none.
func (x *Exchange) tick(ctx context.Context, symbol string) (tick domain.Tick, missing string) {
	tick, err := x.cfg.Ticks.Get(ctx, x.cfg.Exchange, symbol)
	switch {
	case errors.Is(err, domain.ErrNotFound):
		return domain.Tick{}, "there is none"
	case err != nil:
		return domain.Tick{}, "it cannot be read" // the error's text is the cache's business
	}
	return tick, ""
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
