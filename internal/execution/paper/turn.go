package paper

import (
	"slices"
	"time"

	"github.com/fullon/fullon/domain"
)

// turn is the making of one change, to one account and at most one order. The
// books do not change before its end.
type turn struct {
	e           *engine
	a           *account // nil: it is being made
	c           change
	o           *order // nil: the change is about none
	base, quote string
}

func (e *engine) begin(name string, now time.Time) turn {
	if now.Before(e.books.time) {
		now = e.books.time // the clock went back; what comes after is not to look older
	}
	return turn{e: e, a: e.books.accounts[name], c: change{
		Seq: e.books.seq + 1, Time: now.Round(0).UTC(), Account: name, NextOrder: e.books.nextOrder, NextFill: e.books.nextFill,
	}}
}

// resume begins a turn about an order of before.
func (e *engine) resume(o *order, now time.Time) turn {
	t := e.begin(o.Terms.Account, now)
	next := *o
	next.Time = t.c.Time
	t.o = &next
	t.base, t.quote, _, _ = domain.SplitSymbol(o.Terms.Symbol)
	return t
}

// end puts the change into the books.
func (t *turn) end() change {
	if t.o != nil {
		t.c.Orders = []*order{t.o}
	}
	t.e.books.apply(t.c)
	return t.c
}

func (t *turn) balance(currency string) domain.Balance {
	for _, b := range t.c.Balances {
		if b.Currency == currency {
			return b
		}
	}
	if b, ok := t.a.balances[currency]; ok {
		return b
	}
	return domain.Balance{Account: t.c.Account, Currency: currency}
}

// move changes a balance: what there is, and how much of it is in use.
func (t *turn) move(currency string, total, used domain.Decimal) {
	b := t.balance(currency)
	b.Total, b.Used, b.Time = b.Total.Add(total), b.Used.Add(used), t.c.Time
	b.Free = b.Total.Sub(b.Used)
	if i := slices.IndexFunc(t.c.Balances, func(other domain.Balance) bool { return other.Currency == currency }); i >= 0 {
		t.c.Balances[i] = b
	} else {
		t.c.Balances = append(t.c.Balances, b)
	}
}

func (t *turn) position() domain.Position {
	for _, p := range t.c.Positions {
		return p
	}
	if p, ok := t.a.positions[t.o.Terms.Symbol]; ok {
		return p
	}
	return domain.Position{Account: t.c.Account, Symbol: t.o.Terms.Symbol, Exchange: t.e.exchange}
}

// reducible is how much the order may reduce: in a spot market nobody is
// short, so a buyer reduces nothing.
func (t *turn) reducible() domain.Decimal {
	if t.o.Terms.Side == domain.Buy {
		return domain.Decimal{}
	}
	return t.position().Volume
}

// needs is what the rest of the order is to hold back, and of which currency.
func (t *turn) needs() (currency string, amount domain.Decimal) {
	if t.o.Terms.Side == domain.Sell {
		return t.base, t.o.remaining()
	}
	return t.quote, t.o.remaining().Mul(t.o.Basis).Mul(t.e.reserve)
}

// reserve holds back what the order needs. It returns why it cannot.
func (t *turn) reserve() (reason string) {
	currency, amount := t.needs()
	if free := t.balance(currency).Free; free.LessThan(amount) {
		return "not enough " + currency + ": it needs " + amount.String() + ", free are " + free.String()
	}
	t.o.Reserved = amount
	t.move(currency, domain.Decimal{}, amount)
	return ""
}

// match fills what the market gives of the order, which is new or resting. It
// tells whether that changed anything.
func (t *turn) match(m *market, entering bool) (changed bool) {
	o := t.o
	if !o.Active {
		if !o.reached(m.tick) {
			return false
		}
		o.Active, entering, changed = true, true, true
	}
	if offer, ok := m.offer(o.Terms.Side, t.e.limitSizes); ok && o.takes(offer.price) {
		changed = t.meet(m, offer, entering) || changed
	}
	if entering && !o.Status.Final() {
		switch o.Terms.TimeInForce {
		case domain.ImmediateOrCancel:
			t.expire("immediate or cancel: the rest found no other side")
		case domain.FillOrKill:
			t.expire("fill or kill: not all of it found another side")
		}
	}
	return changed
}

// meet fills what an offer at a good price gives.
func (t *turn) meet(m *market, offer offer, entering bool) (changed bool) {
	o := t.o
	volume := o.remaining()
	if offer.limited {
		volume = minDecimal(volume, offer.left)
	}
	if o.Terms.ReduceOnly {
		left := t.reducible()
		if left.IsZero() {
			t.expire("reduce only: no position is left to reduce")
			return true
		}
		volume = minDecimal(volume, left)
	}
	if volume.IsZero() || o.Terms.TimeInForce == domain.FillOrKill && volume.LessThan(o.remaining()) {
		return false
	}
	price, fee, maker := offer.price, t.e.taker, o.Terms.Type.HasPrice() && !entering
	if maker {
		price, fee = o.Terms.Price, t.e.maker
	}
	if !t.fill(price, volume, fee, maker) {
		t.expire("not enough " + t.quote + " for what the market asks")
		return true
	}
	m.take(o.Terms.Side, volume)
	used := m.taken
	t.c.Taken = &used
	return true
}

// fill books a part of the order as filled. It does nothing and returns false
// where a buyer cannot pay, which only happens to orders without a limit.
func (t *turn) fill(price, volume, fee domain.Decimal, maker bool) bool {
	o := t.o
	cost := price.Mul(volume)
	fee = cost.Mul(fee)
	had := o.Reserved
	if o.Terms.Side == domain.Buy {
		left := t.balance(t.quote).Free.Add(had).Sub(cost).Sub(fee)
		if left.IsNeg() {
			return false
		}
		o.Filled = o.Filled.Add(volume)
		_, needs := t.needs()
		o.Reserved = minDecimal(needs, left)
		t.move(t.quote, cost.Add(fee).Neg(), o.Reserved.Sub(had))
		t.move(t.base, volume, domain.Decimal{})
	} else {
		o.Filled = o.Filled.Add(volume)
		_, o.Reserved = t.needs()
		t.move(t.base, volume.Neg(), o.Reserved.Sub(had))
		t.move(t.quote, cost.Sub(fee), domain.Decimal{})
	}
	o.Spent = o.Spent.Add(cost)
	o.Status = domain.OrderPartial
	t.hold(price, volume, cost, fee)
	t.c.Fills = append(t.c.Fills, domain.Fill{
		Account: t.c.Account, Exchange: t.e.exchange, Symbol: o.Terms.Symbol,
		ID: t.e.id(t.c.NextFill), OrderID: o.VenueID, ClientOrderID: o.ID, Side: o.Terms.Side,
		Price: price, Volume: volume, Fee: fee, FeeCurrency: t.quote, Maker: maker, Time: t.c.Time,
	})
	t.c.NextFill++
	if o.remaining().IsZero() {
		t.close(domain.OrderFilled, "")
	}
	return true
}

// hold books a fill to the position.
func (t *turn) hold(price, volume, cost, fee domain.Decimal) {
	p := t.position()
	p.Time, p.Fee = t.c.Time, p.Fee.Add(fee)
	if t.o.Terms.Side == domain.Buy {
		p.Volume, p.Cost = p.Volume.Add(volume), p.Cost.Add(cost)
	} else if sold := minDecimal(volume, p.Volume); sold.IsPos() {
		entered := p.Cost
		if sold.LessThan(p.Volume) {
			entered = minDecimal(p.Cost, p.Cost.Mul(sold).MustDiv(p.Volume))
		}
		p.Volume, p.Cost = p.Volume.Sub(sold), p.Cost.Sub(entered)
		p.Realised = p.Realised.Add(price.Mul(sold)).Sub(entered)
	}
	p.Price = domain.Decimal{}
	if p.Volume.IsPos() {
		p.Price = p.Cost.MustDiv(p.Volume)
	}
	t.c.Positions = []domain.Position{p}
}

func (t *turn) expire(reason string) { t.close(domain.OrderExpired, reason) }

// close ends the order and gives back what it held.
func (t *turn) close(status domain.OrderStatus, reason string) {
	currency, _ := t.needs()
	if t.o.Reserved.IsPos() {
		t.move(currency, domain.Decimal{}, t.o.Reserved.Neg())
	}
	t.o.Reserved, t.o.Status, t.o.Reason = domain.Decimal{}, status, reason
}
