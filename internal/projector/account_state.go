package projector

import (
	"fmt"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/wire"
)

// accountState is what decides about news of one account, and what has changed
// since the last flush. News that is older than what is known changes nothing:
// see domain.OlderThan.
type accountState struct {
	account   string
	announced bool
	orders    cachestore.AccountOrders
	accountCount

	changed   bool
	balances  map[string]cachestore.FieldWrite
	positions map[string]cachestore.FieldWrite
	known     cachestore.Write // without payload: unchanged
}

func newAccountState(account string, orders cachestore.AccountOrders) *accountState {
	if orders.Balances == nil {
		orders.Balances = make(map[string]cachestore.BalanceOrder)
	}
	if orders.Positions == nil {
		orders.Positions = make(map[string]cachestore.PositionOrder)
	}
	return &accountState{
		account: account, orders: orders, accountCount: newAccountCount(orders.Counts),
		balances: make(map[string]cachestore.FieldWrite), positions: make(map[string]cachestore.FieldWrite),
	}
}

// setBalance reports whether the balance was news.
func (a *accountState) setBalance(b domain.Balance, w cachestore.Write) bool {
	t := domain.UnixNano(b.Time)
	if domain.OlderThan(t, a.orders.Balances[b.Currency].Time) {
		return false
	}
	a.orders.Balances[b.Currency] = cachestore.BalanceOrder{Time: t, Total: b.Total}
	a.hear(b.Currency)
	a.balances[b.Currency] = cachestore.FieldWrite{Field: b.Currency, Write: w}
	return true
}

// setPosition takes a position or its deletion and reports whether it was news.
func (a *accountState) setPosition(symbol string, order cachestore.PositionOrder, w cachestore.Write) (bool, error) {
	if domain.OlderThan(order.Time, a.orders.Positions[symbol].Time) || domain.OlderThan(order.Time, a.orders.Whole) {
		return false, nil
	}
	a.orders.Positions[symbol] = order
	a.positions[symbol] = cachestore.FieldWrite{Field: symbol, Write: w}
	a.hear(symbol)
	if a.orders.Known {
		return true, nil
	}
	return true, a.know(a.orders.Whole, w.Seq)
}

// replace takes a whole set of positions and reports whether it was news. What
// is known of a symbol from a later time stays.
func (a *accountState) replace(r domain.PositionsReplaced, seq uint64) (bool, error) {
	t := domain.UnixNano(r.Time)
	if domain.OlderThan(t, a.orders.Whole) {
		return false, nil
	}
	named := make(map[string]bool, len(r.Positions))
	for _, p := range r.Positions {
		named[p.Symbol] = true
		if domain.OlderThan(t, a.orders.Positions[p.Symbol].Time) {
			continue
		}
		payload, err := wire.Encode(p)
		if err != nil {
			return false, fmt.Errorf("position %s %s: %w", p.Account, p.Symbol, err)
		}
		a.orders.Positions[p.Symbol] = cachestore.PositionOrder{Time: t, Volume: p.Volume}
		a.positions[p.Symbol] = cachestore.FieldWrite{Field: p.Symbol, Write: cachestore.Write{Seq: seq, Payload: payload}}
	}
	for symbol, order := range a.orders.Positions {
		if !named[symbol] && !domain.OlderThan(t, order.Time) {
			delete(a.orders.Positions, symbol)
			a.positions[symbol] = cachestore.FieldWrite{Field: symbol} // flat: the set vouches for it
		}
	}
	if err := a.know(max(t, a.orders.Whole), seq); err != nil {
		return false, err
	}
	for symbol := range named {
		a.hear(symbol)
	}
	for symbol := range a.counts { // of those that are not named it says that they are flat
		a.hear(symbol)
	}
	return true, nil
}

// know notes that the positions are known, and the time of the newest whole
// set.
func (a *accountState) know(whole int64, seq uint64) error {
	payload, err := wire.Encode(domain.PositionsReplaced{Account: a.account, Time: domain.FromUnixNano(whole)})
	if err != nil {
		return fmt.Errorf("positions %s: %w", a.account, err)
	}
	a.orders.Known, a.orders.Whole = true, whole
	a.known = cachestore.Write{Seq: seq, Payload: payload}
	return nil
}

func (a *accountState) flush(b *cachestore.Batch) {
	if !a.announced && (len(a.balances) > 0 || len(a.positions) > 0 || a.known.Payload != nil) {
		a.announced = true
		b.AddAccount(a.account)
	}
	if len(a.balances) > 0 {
		b.PutBalances(a.account, take(a.balances))
	}
	if len(a.positions) > 0 {
		b.PutPositions(a.account, take(a.positions))
	}
	if a.known.Payload != nil {
		b.PutKnown(a.account, a.known)
	}
	a.flushCounts(b)
	a.known, a.changed = cachestore.Write{}, false
}

// take empties a map of writes.
func take(writes map[string]cachestore.FieldWrite) []cachestore.FieldWrite {
	out := make([]cachestore.FieldWrite, 0, len(writes))
	for _, w := range writes {
		out = append(out, w)
	}
	clear(writes)
	return out
}
