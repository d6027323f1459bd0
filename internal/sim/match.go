package sim

import (
	"math/bits"

	"github.com/fullon/fullon/internal/sim/restproto"
)

// The refusals of the matching engine, as the venue words them.
var (
	errFunds     error = restproto.Bad(-2010, "Account has insufficient balance for requested action.")
	errDuplicate error = restproto.Bad(-2010, "Duplicate order sent.")
	errTrigger   error = restproto.Bad(-2010, "Order would trigger immediately.")
	errTakes     error = restproto.Bad(-2010, "Order would immediately match and take.")
)

// enter takes an order whose terms are checked into the market, or not. What
// follows from it is in x.changes.
func (x *Exchange) enter(o *order) error {
	m, a := o.market, o.account
	if before := a.byClient[clientID{m, o.ClientID}]; before != nil && before.open() {
		return errDuplicate // the id of an order that ended is free again, as at the venue
	}
	ms := x.now.UnixMilli()
	opposite, _ := m.opposite(o.Buy)
	stops := o.Stop != 0
	needs := o.needs()
	if o.Type == typeMarket && o.Buy {
		needs = fixed(*opposite * o.Lots * m.tickQuote)
	}
	switch {
	case stops && o.reached(m.lastTrade().ticks):
		return errTrigger
	case o.Type == typeMaker && o.crosses(*opposite):
		return errTakes
	case a.funds(o.pays()).free < needs:
		return errFunds
	}
	m.nextOrder++
	o.ID, o.Status, o.Created, o.Updated = m.nextOrder, statusNew, ms, ms
	a.keep(o)
	if o.Type != typeMarket {
		x.lock(o, needs)
	}
	if !stops {
		o.Working = ms
	}
	x.report(o, "NEW", nil)
	if !stops {
		if err := x.take(o); err != nil {
			return err
		}
	}
	if o.open() {
		m.resting = append(m.resting, o)
	}
	return nil
}

// take lets an order that just began to work meet the book, and ends what may
// not rest of it.
func (x *Exchange) take(o *order) error {
	m := o.market
	if o.TIF == allOrNone {
		if ticks, lots := m.opposite(o.Buy); !o.crosses(*ticks) || *lots < o.Lots {
			x.finish(o, statusExpired, "EXPIRED", "")
			return nil
		}
	}
	for o.open() {
		ticks, lots := m.opposite(o.Buy)
		if !o.crosses(*ticks) || *lots == 0 {
			break
		}
		size := min(*lots, o.left())
		if o.Buy && o.Locked == 0 {
			free := x.funds(o).free
			if size = min(size, int64(free)/(*ticks*m.tickQuote)); size == 0 {
				break
			}
		}
		*lots -= size
		if err := x.fill(o, *ticks, size, false); err != nil {
			return err
		}
		if *lots == 0 {
			m.uncover(o.Buy)
		}
	}
	if o.open() && (o.Ticks == 0 || o.TIF == immediate) {
		x.finish(o, statusExpired, "EXPIRED", "")
	}
	return nil
}

// opposite is what the market offers to buyers or sellers: price and size.
func (m *market) opposite(buy bool) (ticks, lots *int64) {
	if buy {
		return &m.ask, &m.askLots
	}
	return &m.bid, &m.bidLots
}

// uncover shows the next price where the best one is sold out. A market in
// which nothing happens by itself has none.
func (m *market) uncover(asks bool) {
	if m.rate <= 0 {
		return
	}
	if asks {
		m.ask++
		m.askLots = m.walk.lots(4 * m.medianLots)
		m.walk.mid += 0.5
	} else if m.bid > minTicks/2 {
		m.bid--
		m.bidLots = m.walk.lots(4 * m.medianLots)
		m.walk.mid = max(minTicks, m.walk.mid-0.5)
	}
}

// meet lets the resting orders of a market meet its book and its last price,
// the oldest first.
func (x *Exchange) meet(m *market) error {
	last := m.lastTrade().ticks
	for _, o := range m.resting {
		if o.Working == 0 {
			if !o.reached(last) {
				continue
			}
			o.Working, o.Updated = x.now.UnixMilli(), x.now.UnixMilli()
			if o.Ticks == 0 {
				x.lock(o, -o.Locked) // it pays what the market asks
			}
			x.report(o, "NEW", nil)
			if err := x.take(o); err != nil {
				return err
			}
			continue
		}
		ticks, lots := m.opposite(o.Buy)
		if o.crosses(*ticks) && *lots > 0 {
			size := min(*lots, o.left())
			*lots -= size
			if err := x.fill(o, o.Ticks, size, true); err != nil {
				return err
			}
		}
	}
	m.resting = compact(m.resting)
	return nil
}

func compact(orders []*order) []*order {
	open := orders[:0]
	for _, o := range orders {
		if o.open() {
			open = append(open, o)
		}
	}
	clear(orders[len(open):])
	return open
}

// fill makes a trade of a part of an order and books it.
func (x *Exchange) fill(o *order, ticks, lots int64, maker bool) error {
	m := o.market
	tr := trade{id: m.nextID, ms: x.now.UnixMilli(), ticks: ticks, lots: lots, agg: m.nextAgg, maker: o.Buy == maker}
	if err := x.print(m, tr); err != nil {
		return err
	}
	f := fill{trade: tr, order: o, cost: m.cost(tr)}
	rate := x.taker
	if maker {
		rate = x.maker
	}
	size := m.size(lots)
	o.Filled += lots
	o.Cost += f.cost
	before := o.Locked
	if before > 0 {
		x.lock(o, o.needs()-before)
	}
	if o.Buy {
		f.asset, f.commission = m.base, part(size, rate)
		x.move(o.account, m.quoteAsset, -f.cost)
		x.move(o.account, m.base, size-f.commission)
	} else {
		f.asset, f.commission = m.quoteAsset, part(f.cost, rate)
		x.move(o.account, m.base, -size)
		x.move(o.account, m.quoteAsset, f.cost-f.commission)
	}
	o.Status, o.Updated = statusPartial, tr.ms
	if o.left() == 0 {
		o.Status = statusFilled
	}
	o.account.fills[m] = append(o.account.fills[m], f)
	x.changes.fills = append(x.changes.fills, f)
	x.report(o, "TRADE", &f)
	return nil
}

// print makes a trade public. Its error is the journal's and breaks the
// exchange.
func (x *Exchange) print(m *market, tr trade) error {
	if m.journal != nil {
		if x.broken = m.journal.append([]trade{tr}); x.broken != nil {
			return x.broken
		}
	}
	m.take(tr)
	x.publish(m.streams.trade, func() []byte { return m.tradeFrame(tr, tr.ms) })
	x.publish(m.streams.agg, func() []byte { return m.aggFrame(aggTrade{trade: tr, first: tr.id}, tr.ms) })
	m.update++
	return nil
}

// part is amount × rate, rounded down.
func part(amount, rate fixed) fixed {
	hi, lo := mul(uint64(amount), uint64(rate))
	q, _ := bits.Div64(hi, lo, unit) // the rate is less than one, so it fits
	return fixed(q)
}

// finish ends an order that is not filled. newID is that of the request that
// cancels it, if one does.
func (x *Exchange) finish(o *order, status, execution, newID string) {
	o.Status, o.Updated = status, x.now.UnixMilli()
	x.lock(o, -o.Locked)
	x.reportAs(o, execution, nil, newID)
}

func (x *Exchange) funds(o *order) *funds { return o.account.funds(o.pays()) }

// lock moves so much of what an order is paid with from free to locked.
func (x *Exchange) lock(o *order, amount fixed) {
	if amount == 0 {
		return
	}
	f := x.funds(o)
	f.free -= amount
	f.locked += amount
	o.Locked += amount
	x.touch(o.account, o.pays())
}

func (x *Exchange) move(a *account, asset string, amount fixed) {
	a.funds(asset).free += amount
	x.touch(a, asset)
}
