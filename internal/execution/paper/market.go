package paper

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fullon/fullon/domain"
)

// market is the newest tick of a symbol and what is left of its offers.
type market struct {
	tick  domain.Tick
	id    tickID
	taken taken
}

// tick reads the newest tick of a symbol; missing says why there is none.
func (x *Exchange) tick(ctx context.Context, symbol string) (tick domain.Tick, missing string) {
	tick, err := x.cfg.Ticks.Get(ctx, x.cfg.Exchange, symbol)
	switch {
	case errors.Is(err, domain.ErrNotFound):
		return domain.Tick{}, noTick
	case err != nil:
		return domain.Tick{}, "it cannot be read" // the error's text is the cache's business
	}
	return tick, ""
}

const noTick = "there is none"

// see takes note of a tick, unless it is older than the one that is known; the
// zero tick is none.
func (e *engine) see(symbol string, tick *domain.Tick) *market {
	m := e.markets[symbol]
	if m == nil {
		m = &market{}
		e.markets[symbol] = m
	}
	if tick.Symbol == "" || m.tick.Symbol != "" && e.older(tick, &m.tick) {
		return m
	}
	id := idOf(tick)
	if m.tick.Symbol == "" || id != m.id {
		m.taken = taken{Symbol: symbol, Tick: id}
		// What was taken of it before a restart stays taken.
		if before, ok := e.books.taken[symbol]; ok && before.Tick == id {
			m.taken = before
		}
	}
	m.tick, m.id = *tick, id // the same tick may have become stale
	return m
}

// older tells whether a is from before b: one that was read a moment ago comes
// after one that was watched. What was received much earlier than that is no
// such case, but a clock that was set back.
func (e *engine) older(a, b *domain.Tick) bool {
	x, y := a.Order(), b.Order()
	early := b.Received.Sub(a.Received)
	return x.OlderThan(y) || !y.OlderThan(x) && early > 0 && early < e.maxTickAge
}

// unfit says why nothing may be filled by the newest tick; empty: it may.
func (e *engine) unfit(m *market, now time.Time) string {
	switch age := m.tick.Age(now); {
	case m.tick.Symbol == "":
		return noTick
	case m.tick.Stale:
		return "the feed is stale"
	case age > e.maxTickAge:
		return fmt.Sprintf("the newest is %s old", age.Round(time.Millisecond))
	}
	return ""
}

// offer is what the other side of an order gives.
type offer struct {
	price   domain.Decimal
	limited bool
	left    domain.Decimal // base units, if limited
}

// offer is what a market has for one who wants to buy or to sell. ok is false
// where there is no price.
func (m *market) offer(side domain.Side, limitSizes bool) (o offer, ok bool) {
	size, used := m.tick.AskSize, m.taken.Ask
	o.price = m.tick.Ask
	if side == domain.Sell {
		size, used = m.tick.BidSize, m.taken.Bid
		o.price = m.tick.Bid
	}
	if o.price.IsZero() {
		o.price = m.tick.Last
		return o, o.price.IsPos()
	}
	if o.limited = limitSizes && size.IsPos(); o.limited {
		o.left = maxDecimal(size.Sub(used), domain.Decimal{})
	}
	return o, true
}

// meets tells whether the market may change an order that rests: most of them it
// does not, and they are not to cost more than this.
func (m *market) meets(o *order, limitSizes bool) bool {
	if !o.Active {
		return o.reached(m.tick)
	}
	offer, ok := m.offer(o.Terms.Side, limitSizes)
	return ok && o.takes(offer.price)
}

// take notes that a part of the offer is used up.
func (m *market) take(side domain.Side, volume domain.Decimal) {
	if side == domain.Sell {
		m.taken.Bid = m.taken.Bid.Add(volume)
	} else {
		m.taken.Ask = m.taken.Ask.Add(volume)
	}
}

// takes tells whether an order that enters the book is met by a price.
func (o *order) takes(price domain.Decimal) bool {
	switch {
	case !o.Terms.Type.HasPrice():
		return true
	case o.Terms.Side == domain.Buy:
		return price.LessThanOrEqual(o.Terms.Price)
	}
	return price.GreaterThanOrEqual(o.Terms.Price)
}

// reached tells whether the market has come to the order's stop.
func (o *order) reached(tick domain.Tick) bool {
	price := tick.Last
	if price.IsZero() {
		if price = tick.Ask; o.Terms.Side == domain.Sell {
			price = tick.Bid
		}
	}
	switch {
	case price.IsZero():
		return false
	case o.Terms.Side == domain.Buy:
		return price.GreaterThanOrEqual(o.Terms.StopPrice)
	}
	return price.LessThanOrEqual(o.Terms.StopPrice)
}

func minDecimal(a, b domain.Decimal) domain.Decimal {
	if b.LessThan(a) {
		return b
	}
	return a
}

func maxDecimal(a, b domain.Decimal) domain.Decimal {
	if b.GreaterThan(a) {
		return b
	}
	return a
}
