package sim

import (
	"encoding/json"
	"maps"
	"slices"
)

// changes collects what one step does to accounts: it is kept in the journal
// whole, and only then told to anybody.
type changes struct {
	orders []*order
	fills  []fill
	assets map[*account]map[string]struct{}
	events []userEvent
}

// userEvent is one message of a user data stream.
type userEvent struct {
	account *account
	payload []byte
}

func (x *Exchange) touch(a *account, asset string) {
	if x.changes.assets == nil {
		x.changes.assets = map[*account]map[string]struct{}{}
	}
	if x.changes.assets[a] == nil {
		x.changes.assets[a] = map[string]struct{}{}
	}
	x.changes.assets[a][asset] = struct{}{}
}

// report notes what just happened to an order.
func (x *Exchange) report(o *order, execution string, f *fill) { x.reportAs(o, execution, f, "") }

func (x *Exchange) reportAs(o *order, execution string, f *fill, newID string) {
	if !slices.Contains(x.changes.orders, o) {
		x.changes.orders = append(x.changes.orders, o)
	}
	x.changes.events = append(x.changes.events, userEvent{o.account, o.executionReport(x.now.UnixMilli(), execution, f, newID)})
}

// settle keeps what the step did, then tells the accounts. An error is the
// journal's: what the exchange has in memory is then more than what it would
// remember, so it must stop.
func (x *Exchange) settle() error {
	done := x.changes
	x.changes = changes{}
	if len(done.orders) == 0 && len(done.assets) == 0 {
		return nil
	}
	ms := x.now.UnixMilli()
	for a := range done.assets {
		a.updated = ms
	}
	if x.ledger != nil {
		if err := x.ledger.append(done); err != nil {
			return err
		}
	}
	for _, e := range done.events {
		x.tell(e.account, e.payload)
	}
	for _, a := range x.accounts {
		if touched := done.assets[a]; len(touched) > 0 {
			x.tell(a, a.position(ms, slices.Sorted(maps.Keys(touched))))
		}
	}
	for _, o := range done.orders {
		o.account.forget(o.market, x.cfg.KeepTrades)
	}
	return nil
}

// executionReport is the event of an order. All its texts are of this package
// but the client ids, whose form is checked.
func (o *order) executionReport(ms int64, execution string, f *fill, newID string) []byte {
	m := o.market
	id, original := o.ClientID, ""
	if newID != "" {
		id, original = newID, o.ClientID
	}
	e := newObject().text("e", "executionReport").int("E", ms).text("s", m.venue).text("c", id).text("S", o.side()).
		text("o", o.Type).text("f", o.TIF).number("q", m.size(o.Lots)).number("p", m.price(o.Ticks)).number("P", m.price(o.Stop)).
		number("F", 0).int("g", -1).text("C", original).text("x", execution).text("X", o.Status).text("r", "NONE").int("i", o.ID)
	if f != nil {
		e = e.number("l", m.size(f.lots)).number("z", m.size(o.Filled)).number("L", m.price(f.ticks)).
			number("n", f.commission).text("N", f.asset).int("T", o.Updated).int("t", f.id)
	} else {
		e = e.number("l", 0).number("z", m.size(o.Filled)).number("L", 0).
			text("n", "0").raw("N", []byte("null")).int("T", o.Updated).int("t", -1)
	}
	last, maker := fixed(0), false
	if f != nil {
		last, maker = f.cost, f.maker == o.Buy
	}
	e = e.int("I", o.ID).bool("w", o.Working != 0 && o.open() && o.Ticks != 0).bool("m", maker).bool("M", f != nil).
		int("O", o.Created).number("Z", o.Cost).number("Y", last).number("Q", 0)
	if o.Working != 0 {
		e = e.int("W", o.Working)
	}
	return e.text("V", "NONE").end()
}

// position is the event of balances that may have changed.
func (a *account) position(ms int64, assets []string) []byte {
	list := []byte{'['}
	for i, asset := range assets {
		if i > 0 {
			list = append(list, ',')
		}
		f := a.assets[asset]
		list = append(list, newObject().text("a", asset).number("f", f.free).number("l", f.locked).end()...)
	}
	return newObject().text("e", "outboundAccountPosition").int("E", ms).int("u", a.updated).raw("B", append(list, ']')).end()
}

// UnmarshalJSON reads what MarshalJSON prints.
func (f *fixed) UnmarshalJSON(data []byte) error {
	var text string
	err := json.Unmarshal(data, &text)
	if err == nil {
		*f, err = parseFixed("amount", text)
	}
	return err
}
