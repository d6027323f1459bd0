package risk

import (
	"time"

	"github.com/fullon/fullon/domain"
)

// Check tells whether an order may be sent, by the newest tick of its market
// and the venue's rules for its symbol. The zero tick is none, which closes
// the gate for every order. A step or a minimum of the symbol that is not
// known is left to the venue. The error is a *Rejection.
//
// What an order is worth: its volume at its limit price; without one, at the
// far side of the tick, the ask for a buyer and the bid for a seller, where
// there is none of that the last price; a stop at its stop price. Where the
// market is dearer than that, MaxNotional is held against the market's price,
// because that is what a seller would get.
func Check(order domain.Order, tick domain.Tick, symbol domain.Symbol, limits Limits, now time.Time) error {
	limits = limits.WithDefaults()
	if err := order.Validate(); err != nil {
		return reject(GateInvalid, err.Error())
	}
	if symbol.Exchange != order.Exchange || symbol.Name != order.Symbol {
		return reject(GateInvalid, "the symbol is "+symbol.Name+" of "+symbol.Exchange+", not the order's")
	}
	if err := checkFilters(order, symbol); err != nil {
		return err
	}
	if err := checkTick(order, tick, limits, now); err != nil {
		return err
	}
	return checkWorth(order, tick, symbol, limits)
}

// checkFilters holds an order to the venue's steps. Decimals are exact, so that
// a remainder is one.
func checkFilters(order domain.Order, symbol domain.Symbol) error {
	if !symbol.Trading {
		return reject(GateTrading, order.Symbol+" is not traded at "+order.Exchange+" at present")
	}
	for _, p := range [...]struct {
		name  string
		price domain.Decimal
	}{{"price", order.Price}, {"stop price", order.StopPrice}} {
		if !multiple(p.price, symbol.TickSize) {
			return reject(GateTickSize, "the "+p.name+" "+p.price.String()+" is no multiple of the tick size "+symbol.TickSize.String())
		}
	}
	if !multiple(order.Volume, symbol.LotSize) {
		return reject(GateLotSize, "the volume "+order.Volume.String()+" is no multiple of the lot size "+symbol.LotSize.String())
	}
	if order.Volume.LessThan(symbol.MinVolume) {
		return reject(GateMinimum, "the volume "+order.Volume.String()+" is less than the least, "+symbol.MinVolume.String())
	}
	return nil
}

// multiple tells whether a value is a multiple of a step; of an unknown one
// everything is.
func multiple(value, step domain.Decimal) bool {
	rest, err := value.Mod(step)
	return err != nil || rest.IsZero() // Mod fails on a zero step only
}

func checkTick(order domain.Order, tick domain.Tick, limits Limits, now time.Time) error {
	switch {
	case tick.Symbol == "":
		return reject(GateTick, "there is no tick of "+order.Symbol)
	case tick.Exchange != order.Exchange || tick.Symbol != order.Symbol:
		return reject(GateInvalid, "the tick is of "+tick.Symbol+" at "+tick.Exchange+", not the order's")
	case tick.Stale:
		return reject(GateTick, "the tick of "+order.Symbol+" is stale")
	case limits.MaxTickAge > 0 && tick.Age(now) > limits.MaxTickAge:
		return reject(GateTick, "the tick of "+order.Symbol+" is "+tick.Age(now).Round(time.Millisecond).String()+
			" old, more than "+limits.MaxTickAge.String())
	case !far(order, tick).IsPos():
		return reject(GateTick, "the tick of "+order.Symbol+" has no price for a "+order.Side.String()+"er")
	}
	return nil
}

// far is the price that an order meets at once; zero: there is none.
func far(order domain.Order, tick domain.Tick) domain.Decimal {
	price := tick.Ask
	if order.Side == domain.Sell {
		price = tick.Bid
	}
	if price.IsZero() {
		price = tick.Last
	}
	return price
}

func checkWorth(order domain.Order, tick domain.Tick, symbol domain.Symbol, limits Limits) error {
	touch := far(order, tick)
	price, named := order.Price, "price"
	switch {
	case order.Type == domain.Stop:
		price, named = order.StopPrice, "stop price"
	case !order.Type.HasPrice():
		price = touch
	}
	if worth := order.Volume.Mul(price); worth.LessThan(symbol.MinNotional) {
		return reject(GateMinimum, "it is worth "+worth.String()+", less than the least, "+symbol.MinNotional.String())
	}
	if limits.PriceBand.IsPos() {
		// A band of the whole price and more has no lower end.
		width := touch.Mul(limits.PriceBand)
		low, high := touch.Sub(width), touch.Add(width)
		for _, p := range [...]struct {
			name  string
			price domain.Decimal
		}{{named, price}, {"stop price", order.StopPrice}} {
			if !p.price.IsZero() && (p.price.LessThan(low) || p.price.GreaterThan(high)) {
				return reject(GatePriceBand, "the "+p.name+" "+p.price.String()+" is outside "+low.String()+" to "+high.String()+
					", around the market's "+touch.String())
			}
		}
	}
	if limits.MaxNotional.IsPos() {
		dearest := price
		if order.Side == domain.Sell && touch.GreaterThan(dearest) || order.Type == domain.Stop && touch.GreaterThan(dearest) {
			dearest = touch
		}
		if worth := order.Volume.Mul(dearest); worth.GreaterThan(limits.MaxNotional) {
			return reject(GateNotional, "it is worth "+worth.String()+" at "+dearest.String()+", more than "+limits.MaxNotional.String())
		}
	}
	return nil
}

// CheckReduceOnly tells whether all that an order can do is make a position
// smaller: it is for orders that say so, and for every order while trading is
// reduce-only. The position is one that is known; where it cannot be read, the
// order must not be sent. Resting orders are not counted: the venue does that.
// The error is a *Rejection.
func CheckReduceOnly(order domain.Order, position domain.Position) error {
	if position.Account != order.Account || position.Symbol != order.Symbol {
		return reject(GateInvalid, "the position is "+position.Symbol+" of "+position.Account+", not the order's")
	}
	closing := position.Volume.IsPos() && order.Side == domain.Sell || position.Volume.IsNeg() && order.Side == domain.Buy
	if !closing || order.Volume.GreaterThan(position.Volume.Abs()) {
		return reject(GateReduceOnly, "to "+order.Side.String()+" "+order.Volume.String()+
			" would not only reduce the position of "+position.Volume.String())
	}
	return nil
}
