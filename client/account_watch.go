package client

import (
	"context"
	"iter"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
)

// Watch yields the present balances and positions of an account, and from then
// on each one that changed: a domain.Balance, a domain.Position, or a
// domain.PositionDeleted for a position that is gone. It yields the newest
// state; states that were replaced before they could be yielded are skipped.
//
// The iteration ends when ctx ends or the client is closed. An error that
// matches domain.ErrUnreachable or domain.ErrUnknown (also: Redis is being
// folded anew) is yielded and the iteration goes on; one that matches
// domain.ErrInvalid ends it.
func (a *Accounts) Watch(ctx context.Context, account string) iter.Seq2[domain.Event, error] {
	return func(yield func(domain.Event, error) bool) {
		if err := domain.CheckAccount(account); err != nil {
			yield(nil, err)
			return
		}
		w := accountWatch{balances: make(map[string]domain.Balance), positions: make(map[string]domain.Position)}
		watch(ctx, a.client, a.partition(account).Partition, yield, func() ([]domain.Event, bool, error) {
			state, err := a.read(ctx, account)
			if err != nil {
				return nil, false, err
			}
			return w.changes(state), false, nil
		})
	}
}

// accountWatch is what a Watch has yielded.
type accountWatch struct {
	balances  map[string]domain.Balance
	positions map[string]domain.Position
}

// changes is what differs from what was yielded.
func (w *accountWatch) changes(state cachestore.Account) []domain.Event {
	var events []domain.Event
	for _, b := range state.Balances {
		if last, ok := w.balances[b.Currency]; !ok || !last.Same(b) {
			w.balances[b.Currency] = b
			events = append(events, b)
		}
	}
	present := make(map[string]bool, len(state.Positions))
	for _, p := range state.Positions {
		present[p.Symbol] = true
		if last, ok := w.positions[p.Symbol]; !ok || !last.Same(p) {
			w.positions[p.Symbol] = p
			events = append(events, p)
		}
	}
	for symbol, p := range w.positions {
		if !present[symbol] && state.Known {
			delete(w.positions, symbol)
			events = append(events, domain.PositionDeleted{Account: p.Account, Symbol: symbol})
		}
	}
	return events
}
