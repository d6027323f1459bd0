package binance

import (
	"github.com/fullon/fullon/domain"
)

// delivered is what the Sinks have had, over all Runs. It belongs to Run.
type delivered struct {
	markets  map[string]*tape // by the venue's spelling
	balances map[string]int64 // the time (unix ms) of the newest, by asset
}

// tape is what was delivered of a market's trades, whose ids rise.
type tape struct {
	next int64              // all before it were delivered
	some map[int64]struct{} // and of the later ones these
}

func (d *delivered) tape(symbol string) *tape {
	t := d.markets[symbol]
	if t == nil {
		t = &tape{some: map[int64]struct{}{}}
		d.markets[symbol] = t
	}
	return t
}

func (t *tape) has(id int64) bool {
	_, some := t.some[id]
	return id < t.next || some
}

// through says that all up to id were delivered.
func (t *tape) through(id int64) {
	t.next = id + 1
	for some := range t.some {
		if some <= id {
			delete(t.some, some)
		}
	}
}

// balance tells whether a state of that time is news; an account that never
// changed has no time.
func (d *delivered) balance(b domain.Balance, ms int64) bool {
	if ms < d.balances[b.Currency] {
		return false
	}
	d.balances[b.Currency] = ms
	return true
}
