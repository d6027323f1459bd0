package projector

import (
	"strings"
	"time"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
)

// accountCount keeps what the fills of an account make of its positions and
// balances, to be held against what the venue says of them.
//
// The count of a symbol or a currency begins with what the venue says once the
// account has a fill: an account whose fills nobody stores is not counted at all.
// A fill that is not later than that beginning is in it already, whenever it
// comes; where one has no time, the order of the log decides. Fills and what
// follows from them come in any order, so it is only judged what has rested for a
// while: see worker.reconcile. A Difference makes the count what the venue said.
//
//   - The position in a symbol is what was bought and not sold. In spot it is never
//     short: what is sold beyond it was there before. A fee in the base currency
//     comes off it.
//   - Of balances those of base currencies are counted, fees included. What others
//     are paid with is not: venues round it, and funding and gains move it.
type accountCount struct {
	counts  map[string]cachestore.Count // by symbol and by currency
	open    map[string]time.Time        // what is not as the venue says, and since when it rests
	dirty   map[string]bool
	settled bool                             // what Redis has: nothing is open
	noticed map[string]cachestore.FieldWrite // differences, by what they are about
}

func newAccountCount(counts map[string]cachestore.Count) accountCount {
	if counts == nil {
		counts = make(map[string]cachestore.Count)
	}
	return accountCount{
		counts: counts, open: make(map[string]time.Time), dirty: make(map[string]bool), settled: true, noticed: make(map[string]cachestore.FieldWrite),
	}
}

// said is what the venue says of a symbol or a currency, and of what time that
// is; known is false where it has not said.
func (a *accountState) said(field string) (held domain.Decimal, at int64, known bool) {
	if !strings.Contains(field, "/") {
		b, known := a.orders.Balances[field]
		return b.Total, b.Time, known
	}
	p, known := a.orders.Positions[field]
	if !known {
		return held, a.orders.Whole, a.orders.Known // flat, then
	}
	return p.Volume, p.Time, true
}

// count takes in a fill that is counted for the first time.
func (a *accountState) count(f domain.Fill) {
	base, quote, settle, err := domain.SplitSymbol(f.Symbol)
	if err != nil {
		return // not reached: such a fill is not stored
	}
	if len(a.counts) == 0 {
		for symbol := range a.orders.Positions {
			a.begin(symbol)
		}
	}
	volume := f.Volume
	if f.Side == domain.Sell {
		volume = volume.Neg()
	}
	if settle != "" {
		a.add(f, f.Symbol, volume)
		a.uncount(settle)
		return
	}
	fee := domain.Decimal{}
	if f.FeeCurrency == base {
		fee = f.Fee
	} else if _, counted := a.counts[f.FeeCurrency]; counted {
		a.add(f, f.FeeCurrency, f.Fee.Neg())
	}
	a.add(f, f.Symbol, volume.Sub(fee))
	if c := a.counts[f.Symbol]; c.State == cachestore.Counted && c.Held.IsNeg() {
		c.Held = domain.Decimal{}
		a.set(f.Symbol, c)
	}
	a.add(f, base, volume.Sub(fee))
	a.uncount(quote)
}

// begin makes a count of what is not counted yet.
func (a *accountState) begin(field string) {
	if _, begun := a.counts[field]; !begun {
		a.set(field, cachestore.Count{})
	}
}

func (a *accountState) set(field string, c cachestore.Count) {
	a.counts[field] = c
	a.dirty[field] = true
	a.judge(field)
}

// add adds to a count, unless it began later.
func (a *accountState) add(f domain.Fill, field string, volume domain.Decimal) {
	a.begin(field)
	c, at := a.counts[field], domain.UnixNano(f.Time)
	if c.State != cachestore.Counted || at != 0 && at <= c.Since {
		return
	}
	c.Held = c.Held.Add(volume)
	a.set(field, c)
}

// uncount says that not everything that changes a currency is a fill.
func (a *accountState) uncount(currency string) {
	if a.counts[currency].State != cachestore.Uncounted {
		a.set(currency, cachestore.Count{State: cachestore.Uncounted})
	}
}

// hear is called when the venue has said something of a symbol or a currency.
func (a *accountState) hear(field string) {
	_, counted := a.counts[field]
	switch {
	case counted:
		a.judge(field)
	case len(a.counts) > 0 && strings.Contains(field, "/"):
		a.begin(field)
	}
}

// judge holds a count against what the venue says. A count that has not begun
// begins with that.
func (a *accountState) judge(field string) {
	c := a.counts[field]
	said, at, known := a.said(field)
	if known && c.State == cachestore.CountUnknown {
		a.set(field, cachestore.Count{State: cachestore.Counted, Held: said, Since: at})
		return
	}
	if known && c.State == cachestore.Counted && !c.Held.Equal(said) {
		a.open[field] = time.Now()
	} else {
		delete(a.open, field)
	}
}

// resume takes up, after another projector, what was not as the venue says.
func (a *accountState) resume() {
	for field := range a.counts {
		a.judge(field)
	}
	a.settled = false
}

// differ takes in a difference that somebody noticed: from here on the venue's
// word counts.
func (a *accountState) differ(d domain.Difference, w cachestore.Write) {
	field := d.Subject()
	a.noticed[field] = cachestore.FieldWrite{Field: field, Write: w}
	if c, counted := a.counts[field]; counted && c.State == cachestore.Counted {
		_, at, _ := a.said(field)
		a.set(field, cachestore.Count{State: cachestore.Counted, Held: d.Said, Since: at})
	}
}

// differences lists what has not been as the venue says, and has rested, since a
// time or longer.
func (a *accountState) differences(since, now time.Time) []domain.Event {
	var events []domain.Event
	for field, rests := range a.open {
		if rests.After(since) {
			continue
		}
		said, _, _ := a.said(field)
		d := domain.Difference{Account: a.account, Counted: a.counts[field].Held, Said: said, Time: now}
		if strings.Contains(field, "/") {
			d.Symbol = field
		} else {
			d.Currency = field
		}
		events = append(events, d)
	}
	return events
}

func (a *accountState) flushCounts(b *cachestore.Batch) {
	if settled := len(a.open) == 0; len(a.dirty) > 0 || settled != a.settled {
		a.settled = settled
		counts := make(map[string]cachestore.Count, len(a.dirty))
		for field := range a.dirty {
			counts[field] = a.counts[field]
		}
		b.PutCounts(a.account, counts, settled)
		clear(a.dirty)
	}
	if len(a.noticed) > 0 {
		b.PutDifferences(a.account, take(a.noticed))
	}
}
