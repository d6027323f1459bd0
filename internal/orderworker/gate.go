package orderworker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/pause"
	"github.com/fullon/fullon/internal/risk"
)

// gate holds orders to their limits and waits for the account's share of the
// venue's rate. It returns those that may be sent now; it has rejected or given
// back the others, and is done with them. The batch is used up.
func (w *Worker) gate(ctx context.Context, batch []*held) []*held {
	checks := w.check(ctx, batch)
	passed := batch[:0]
	counts := make(map[string]int)
	for i, d := range batch {
		err := checks[i]
		if err == nil {
			passed = append(passed, d)
			counts[d.Account]++
			continue
		}
		if no, ok := errors.AsType[*risk.Rejection](err); ok {
			w.reject(ctx, d, no.Error())
		} else {
			// Nothing is known of the market, or of the account: that is no reason
			// to reject, and none to send.
			w.log.Warn("order waits", "order", d.ID, "error", err)
			w.giveBack(ctx, d, retryAfter)
		}
		w.done(d)
	}
	for account, n := range counts {
		if err := w.wait(ctx, account, n); err != nil {
			rest := passed[:0]
			for _, d := range passed {
				if d.Account == account {
					w.giveBack(ctx, d, time.Second)
					w.done(d)
				} else {
					rest = append(rest, d)
				}
			}
			passed = rest
		}
	}
	return passed
}

// wait waits until n orders of an account may be sent. Leases would end in the
// meantime if it waited for long.
func (w *Worker) wait(ctx context.Context, account string, n int) error {
	delay, err := w.limiter.Reserve(ctx, w.cfg.Exchange, account, n)
	if err != nil {
		return err
	}
	if delay > 0 {
		pause.For(ctx, delay)
	}
	return ctx.Err()
}

// checkedByOne is how many orders one goroutine checks: mostly all that they need is
// known, and seldom some of it must be read first.
const checkedByOne = 16

// check tells of each order whether it may be sent: a *risk.Rejection when it may
// not, another error when that is not known. Their ticks are read together.
func (w *Worker) check(ctx context.Context, batch []*held) []error {
	symbols, checks := make([]string, len(batch)), make([]error, len(batch))
	for i := range batch {
		symbols[i] = batch[i].Symbol
	}
	ticks, errs := w.markets.Ticks(ctx, w.cfg.Exchange, symbols)
	var checking sync.WaitGroup
	for from := 0; from < len(batch); from += checkedByOne {
		checking.Go(func() {
			for i := from; i < min(from+checkedByOne, len(batch)); i++ {
				checks[i] = w.checkOne(ctx, &batch[i].Order, ticks[i], errs[i])
			}
		})
	}
	checking.Wait()
	return checks
}

// checkOne is check for an order in a market with that tick, or of which it is
// not known for that reason.
func (w *Worker) checkOne(ctx context.Context, o *domain.Order, tick domain.Tick, unknown error) error {
	if _, err := w.venue(o.Account); err != nil {
		return &risk.Rejection{Gate: risk.GateAccount, Reason: err.Error()}
	}
	if unknown != nil {
		return fmt.Errorf("tick of %s: %w", o.Symbol, unknown)
	}
	symbol, err := w.markets.Symbol(ctx, o.Exchange, o.Symbol)
	if errors.Is(err, domain.ErrNotFound) {
		return &risk.Rejection{Gate: risk.GateTrading, Reason: o.Symbol + " is not in the catalogue of " + o.Exchange}
	}
	if err != nil {
		return fmt.Errorf("symbol %s: %w", o.Symbol, err)
	}
	if o.ReduceOnly {
		position, err := w.markets.Position(ctx, o.Account, o.Symbol)
		if err != nil {
			return fmt.Errorf("position of %s in %s: %w", o.Account, o.Symbol, err)
		}
		if err := risk.CheckReduceOnly(*o, position); err != nil {
			return err
		}
	}
	return risk.Check(*o, tick, symbol, w.cfg.Limits, time.Now())
}

// reject ends an order that may not be sent.
func (w *Worker) reject(ctx context.Context, d *held, reason string) {
	w.stats.rejected.Add(1)
	w.end(ctx, d, domain.OrderRejected, reason)
}

// drop ends an order that is not at the venue and that its maker does not want
// any more.
func (w *Worker) drop(ctx context.Context, d *held) {
	w.end(ctx, d, domain.OrderCanceled, "canceled while it was not at the venue")
}

// end ends an order that is not at the venue.
func (w *Worker) end(ctx context.Context, d *held, as domain.OrderStatus, reason string) {
	_, err := w.orders.Update(ctx, d.Exchange, d.ID, func(o *domain.Order) error {
		if o.Status != domain.OrderNew && o.Status != domain.OrderNotFound {
			return fmt.Errorf("order %s is %s: %w", o.ID, o.Status, domain.ErrConflict)
		}
		o.Status, o.Reason = as, abbreviate(reason)
		return nil
	})
	if err != nil {
		w.log.Warn("order not ended yet", "order", d.ID, "as", as, "error", err)
		w.giveBack(ctx, d, time.Second)
	}
}

func abbreviate(reason string) string {
	if len(reason) > domain.MaxReasonBytes {
		reason = strings.ToValidUTF8(reason[:domain.MaxReasonBytes], "")
	}
	return reason
}
