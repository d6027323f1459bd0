package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sourcegraph/conc"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
)

// readers watch what is published, whatever breaks, and note what went back.
type readers struct {
	client *client.Client
	load   *load

	mu     sync.Mutex
	wrong  []string
	seen   int           // events that were read
	errors int           // reads that failed
	silent time.Duration // the longest time without a tick
}

// mostNoted bounds what the readers note.
const mostNoted = 1000

func (r *readers) complain(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.wrong) < mostNoted {
		r.wrong = append(r.wrong, fmt.Sprintf(format, args...))
	}
}

// note counts a read.
func (r *readers) note(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.errors++
	} else {
		r.seen++
	}
}

// run reads until ctx ends.
func (r *readers) run(ctx context.Context) {
	var all conc.WaitGroup
	all.Go(func() { r.watchTicks(ctx) })
	for _, s := range append(append([]*series{}, r.load.streamed...), r.load.set...) {
		all.Go(func() { r.getTicks(ctx, s) })
	}
	for _, s := range r.load.balances {
		all.Go(func() { r.watchAccount(ctx, s.key.Account) })
		all.Go(func() { r.getBalances(ctx, s) })
	}
	for _, s := range r.load.positions {
		all.Go(func() { r.getPositions(ctx, s) })
	}
	for _, s := range append(append([]*series{}, r.load.pushed...), r.load.ordered...) {
		all.Go(func() { r.watchTrades(ctx, s) })
	}
	all.Wait()
}

// forward notes the numbers of one thing, as one reader sees them.
type forward struct {
	*readers
	what string
	last map[string]uint64
}

func (r *readers) forward(what string) forward {
	return forward{r, what, make(map[string]uint64)}
}

func (f forward) see(thing string, n uint64) {
	f.note(nil)
	if n < f.last[thing] {
		f.complain("%s: %s went back from %d to %d", f.what, thing, f.last[thing], n)
	}
	f.last[thing] = n
}

func (r *readers) watchTicks(ctx context.Context) {
	f := r.forward("a watch of ticks")
	last := time.Now()
	for tick, err := range r.client.Ticks.Watch(ctx, exchange) {
		switch {
		case err != nil:
			r.note(err)
		case tick.VenueSeq != 0: // those of the orders' markets have none
			f.see(tick.Symbol, tick.VenueSeq)
			r.mu.Lock()
			r.silent = max(r.silent, time.Since(last))
			r.mu.Unlock()
			last = time.Now()
		}
	}
}

// pollPause is between two reads of one thing.
const pollPause = 7 * time.Millisecond

func (r *readers) getTicks(ctx context.Context, s *series) {
	f := r.forward("a reader of ticks")
	for rest(ctx, pollPause) {
		tick, err := r.client.Ticks.Get(ctx, exchange, s.key.Symbol)
		if err != nil {
			r.note(err)
			continue
		}
		f.see(s.key.Symbol, tick.VenueSeq)
	}
}

func (r *readers) getBalances(ctx context.Context, s *series) {
	f := r.forward("a reader of balances")
	for rest(ctx, pollPause) {
		balance, err := r.client.Accounts.Balance(ctx, s.key.Account, s.key.Currency)
		if err != nil {
			r.note(err)
			continue
		}
		if n, err := numberOf(balance); err == nil {
			f.see(s.key.Account, n)
		}
	}
}

func (r *readers) getPositions(ctx context.Context, s *series) {
	f := r.forward("a reader of positions")
	for rest(ctx, pollPause) {
		position, err := r.client.Accounts.Position(ctx, s.key.Account, s.key.Symbol)
		if err != nil {
			r.note(err)
			continue
		}
		if n, err := numberOf(position); err == nil {
			f.see(s.key.Account, n)
		}
	}
}

func (r *readers) watchAccount(ctx context.Context, account string) {
	f := r.forward("a watch of an account")
	for event, err := range r.client.Accounts.Watch(ctx, account) {
		if err != nil {
			r.note(err)
			continue
		}
		if _, gone := event.(domain.PositionDeleted); gone {
			r.complain("a watch of account %s saw its position go, which nobody has deleted", account)
			continue
		}
		if n, err := numberOf(event); err == nil {
			f.see(fmt.Sprintf("%T of %s", event, account), n)
		}
	}
}

// watchTrades sees each trade once. In their order are those that were
// acknowledged; only the end tells which that are.
func (r *readers) watchTrades(ctx context.Context, s *series) {
	seen := make(map[string]bool)
	for trade, err := range r.client.Trades.Watch(ctx, exchange, s.key.Symbol, 0) {
		switch {
		case errors.Is(err, domain.ErrLagged):
			clear(seen) // it says itself that it begins again
		case err != nil:
			r.note(err)
		case seen[trade.ID]:
			r.complain("a watch of the trades of %s saw trade %s twice", s.key.Symbol, trade.ID)
		default:
			r.note(nil)
			seen[trade.ID] = true
		}
	}
}

func (r *readers) figures() string {
	return fmt.Sprintf("%d events read, %d reads failed, at most %v without a tick", r.seen, r.errors, r.silent.Round(time.Millisecond))
}
