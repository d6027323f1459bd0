package paper

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
)

// change is what one decision did: the states after it. All of it belongs to
// one account, and is true together.
type change struct {
	Seq       uint64            `json:"seq"` // dense
	Time      time.Time         `json:"time"`
	Account   string            `json:"account,omitempty"`
	Orders    []*order          `json:"orders,omitempty"`
	Fills     []domain.Fill     `json:"fills,omitempty"`
	Balances  []domain.Balance  `json:"balances,omitempty"`
	Positions []domain.Position `json:"positions,omitempty"`
	Taken     *taken            `json:"taken,omitempty"`
	// NextOrder and NextFill are the numbers that the next ones get.
	NextOrder uint64 `json:"next_order"`
	NextFill  uint64 `json:"next_fill"`
}

// order is a state of an order that the venue took. It does not change: what
// the books have, is being stored and told is the same one.
type order struct {
	ID      string             `json:"id"`
	Number  uint64             `json:"number"` // its age
	VenueID string             `json:"venue_id"`
	Terms   domain.OrderTerms  `json:"terms"`
	Status  domain.OrderStatus `json:"status"`
	Filled  domain.Decimal     `json:"filled"`
	Spent   domain.Decimal     `json:"spent"` // the sum of price times volume of its fills
	// Reserved is what it holds back for its rest: quote units for a buyer,
	// fees included, base units for a seller.
	Reserved domain.Decimal `json:"reserved"`
	Basis    domain.Decimal `json:"basis"`  // the price that a buyer's rest is reserved at
	Active   bool           `json:"active"` // its stop was reached, or it has none
	Time     time.Time      `json:"time"`
	Reason   string         `json:"reason,omitempty"`
}

func (o *order) remaining() domain.Decimal { return o.Terms.Volume.Sub(o.Filled) }

func (o *order) report() execution.Report {
	r := execution.Report{
		ID: o.ID, VenueOrderID: o.VenueID, Symbol: o.Terms.Symbol, Status: o.Status, Filled: o.Filled, Time: o.Time, Reason: o.Reason,
	}
	if average, err := o.Spent.Div(o.Filled); err == nil { // else nothing is filled
		r.AveragePrice = average
	}
	return r
}

// taken is how much of a tick's offers was used up.
type taken struct {
	Symbol string         `json:"symbol"`
	Tick   tickID         `json:"tick"`
	Bid    domain.Decimal `json:"bid"`
	Ask    domain.Decimal `json:"ask"`
}

// tickID tells ticks of one market apart.
type tickID struct {
	Sequence uint64 `json:"sequence,omitempty"`
	VenueSeq uint64 `json:"venue_seq,omitempty"`
	Time     int64  `json:"time,omitempty"`
	Received int64  `json:"received,omitempty"`
}

func idOf(t *domain.Tick) tickID {
	return tickID{t.Sequence, t.VenueSeq, domain.UnixNano(t.Time), domain.UnixNano(t.Received)}
}

// account is the book of one account.
type account struct {
	balances  map[string]domain.Balance
	positions map[string]domain.Position
	orders    map[string]*order
	open      int
	fills     []madeFill // oldest first
}

// madeFill is a fill and the change that it came with.
type madeFill struct {
	seq  uint64
	fill domain.Fill
}

// ledger is all that is known. Not safe for concurrent use.
type ledger struct {
	seq       uint64
	time      time.Time // of the newest change
	nextOrder uint64
	nextFill  uint64
	accounts  map[string]*account
	open      map[string][]*order // by symbol, the oldest first
	taken     map[string]taken
}

func newLedger() *ledger {
	return &ledger{
		nextOrder: 1, nextFill: 1,
		accounts: make(map[string]*account), open: make(map[string][]*order), taken: make(map[string]taken),
	}
}

// apply is what a change does to the books, now and after a restart.
func (l *ledger) apply(c change) {
	l.seq, l.nextOrder, l.nextFill = c.Seq, c.NextOrder, c.NextFill
	if c.Time.After(l.time) {
		l.time = c.Time
	}
	if c.Taken != nil {
		l.taken[c.Taken.Symbol] = *c.Taken
	}
	if c.Account == "" {
		return
	}
	a := l.accounts[c.Account]
	if a == nil {
		a = &account{
			balances: make(map[string]domain.Balance), positions: make(map[string]domain.Position), orders: make(map[string]*order),
		}
		l.accounts[c.Account] = a
	}
	for _, b := range c.Balances {
		a.balances[b.Currency] = b
	}
	for _, p := range c.Positions {
		a.positions[p.Symbol] = p
	}
	for _, f := range c.Fills {
		a.fills = append(a.fills, madeFill{c.Seq, f})
	}
	for _, o := range c.Orders {
		l.put(a, o)
	}
}

// put stores the state of an order.
func (l *ledger) put(a *account, next *order) {
	o, resting := a.orders[next.ID], next.Status.Resting()
	rested := o != nil && o.Status.Resting()
	a.orders[next.ID] = next
	symbol := next.Terms.Symbol
	open := l.open[symbol]
	switch {
	case resting && !rested:
		a.open++
		l.open[symbol] = append(open, next)
	case resting:
		open[slices.Index(open, o)] = next
	case rested:
		a.open--
		i := slices.Index(open, o)
		if l.open[symbol] = slices.Delete(open, i, i+1); len(open) == 1 {
			delete(l.open, symbol)
		}
	}
}

// forget drops orders that ended, and fills, before a time.
func (l *ledger) forget(before time.Time) {
	for _, a := range l.accounts {
		maps.DeleteFunc(a.orders, func(_ string, o *order) bool { return o.Status.Final() && o.Time.Before(before) })
		a.fills = slices.DeleteFunc(a.fills, func(f madeFill) bool { return f.fill.Time.Before(before) })
	}
}

// snapshotPart bounds the orders and the fills of one change of a snapshot.
const snapshotPart = 100

// snapshot is the changes that make these books out of nothing.
func (l *ledger) snapshot() []change {
	base := change{Seq: l.seq, Time: l.time, NextOrder: l.nextOrder, NextFill: l.nextFill}
	all := []change{base}
	for _, symbol := range slices.Sorted(maps.Keys(l.taken)) {
		c, t := base, l.taken[symbol]
		c.Taken = &t
		all = append(all, c)
	}
	for _, name := range slices.Sorted(maps.Keys(l.accounts)) {
		a := l.accounts[name]
		c := base
		c.Account = name
		whole := c
		whole.Balances, whole.Positions = a.states()
		all = append(all, whole)
		orders := slices.SortedFunc(maps.Values(a.orders), func(x, y *order) int { return cmp.Compare(x.Number, y.Number) })
		for part := range slices.Chunk(orders, snapshotPart) {
			c := c
			c.Orders = part
			all = append(all, c)
		}
		// Fills keep the numbers of their changes: who has seen which depends on them.
		for start := 0; start < len(a.fills); {
			c := c
			c.Seq = a.fills[start].seq
			for start < len(a.fills) && a.fills[start].seq == c.Seq {
				c.Fills = append(c.Fills, a.fills[start].fill)
				start++
			}
			all = append(all, c)
		}
	}
	return append(all, base) // the last sets the number
}

// states are an account's balances and positions, sorted.
func (a *account) states() (balances []domain.Balance, positions []domain.Position) {
	for _, currency := range slices.Sorted(maps.Keys(a.balances)) {
		balances = append(balances, a.balances[currency])
	}
	for _, symbol := range slices.Sorted(maps.Keys(a.positions)) {
		positions = append(positions, a.positions[symbol])
	}
	return balances, positions
}

// sortOpen brings resting orders into the order of their age, which a snapshot
// has by account only.
func (l *ledger) sortOpen() {
	for _, orders := range l.open {
		slices.SortFunc(orders, func(x, y *order) int { return cmp.Compare(x.Number, y.Number) })
	}
}
