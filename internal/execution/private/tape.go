package private

import (
	"github.com/fullon/fullon/domain"
)

// delivered is what the Sinks have had, over all Runs. It belongs to Run.
type delivered struct {
	late     int64
	tapes    map[string]*tape // by the list of fills: the venue's symbol, or ""
	balances map[string]int64 // the time (unix ns) of the newest, by currency
	held     map[string]Fill  // fills whose symbols are not in the catalogue yet, by id
}

func newDelivered(late int64) *delivered {
	return &delivered{late: late, tapes: make(map[string]*tape), balances: make(map[string]int64), held: make(map[string]Fill)}
}

// tape is what was delivered of a list of fills.
type tape struct {
	late int64
	next int64            // where the list was read to
	some map[string]int64 // the ids, and places, of the fills that may be listed yet
}

func (d *delivered) tape(list string) *tape {
	t := d.tapes[list]
	if t == nil {
		t = &tape{late: d.late, some: make(map[string]int64)}
		d.tapes[list] = t
	}
	return t
}

// from is the place that the venue is asked from: what is before it was
// delivered.
func (t *tape) from() int64 { return max(0, t.next-t.late) }

func (t *tape) has(f Fill) bool {
	_, some := t.some[f.ID]
	return some || f.Place < t.from()
}

func (t *tape) add(f Fill) { t.some[f.ID] = f.Place }

// through says that all before next were listed.
func (t *tape) through(next int64) {
	t.next = max(t.next, next)
	for id, place := range t.some {
		if place < t.from() {
			delete(t.some, id)
		}
	}
}

// news tells whether a balance is one: not older than what was told. One that
// has no time is the newest.
func (d *delivered) news(b domain.Balance) bool {
	t := domain.UnixNano(b.Time)
	if domain.OlderThan(t, d.balances[b.Currency]) {
		return false
	}
	if t != 0 {
		d.balances[b.Currency] = t
	}
	return true
}
