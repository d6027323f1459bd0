package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/fullon/fullon/domain"
)

// Valuation tells how good a value is.
type Valuation string

// The valuations.
const (
	Valued   Valuation = "valued"   // with a tick that is current, or without need of one
	Stale    Valuation = "stale"    // with a tick that is stale: the value may be wrong
	Unvalued Valuation = "unvalued" // there is no tick
)

// Holding is a balance and what it is worth.
type Holding struct {
	domain.Balance
	Valuation Valuation
	Price     domain.Decimal // of one unit in the quote currency; zero: not known
	Value     domain.Decimal // Total times Price; zero where it is not known
	Tick      domain.Tick    // that Price is from; zero: none was needed or found
}

// PositionValue is a position and what it is worth, in the quote currency of its
// own symbol.
type PositionValue struct {
	domain.Position
	Valuation  Valuation
	Mark       domain.Decimal // present price; zero: not known
	Value      domain.Decimal // Volume times Mark; negative for a short
	Unrealised domain.Decimal // Volume times (Mark less Price); zero unless both are known
	Tick       domain.Tick    // that Mark is from; zero: none was needed or found
}

// Portfolio is what an account is worth.
type Portfolio struct {
	Account string
	Quote   string         // the currency that balances are valued in
	Total   domain.Decimal // values of the holdings whose Valuation is Valued, and only those
	// Holdings are the account's balances, by currency.
	Holdings []Holding
	// Positions are the account's positions, by symbol. They are no part of
	// Total: what a spot position holds is among the balances.
	Positions []PositionValue
	// PositionsKnown is false where nobody has said what the account holds.
	PositionsKnown bool
	Stale          []string // currencies that have only a stale tick
	Unvalued       []string // currencies that have no tick
}

// Complete tells whether Total is all that the account has.
func (p Portfolio) Complete() bool { return len(p.Stale) == 0 && len(p.Unvalued) == 0 }

// Portfolio values what an account has in a quote currency, with the newest
// ticks of any exchange: of CURRENCY/QUOTE, else of QUOTE/CURRENCY, whose price
// is inverted and cut after 19 digits; all else is exact. What has no current
// tick is named and is not part of the total; nothing is guessed.
// domain.ErrNotFound: nothing is known of the account.
func (a *Accounts) Portfolio(ctx context.Context, account, quote string) (Portfolio, error) {
	out := Portfolio{Account: account, Quote: quote}
	if err := domain.CheckCurrency(quote); err != nil {
		return out, err
	}
	state, err := a.read(ctx, account)
	if err != nil {
		return out, err
	}
	if len(state.Balances) == 0 && !state.Known {
		return out, fmt.Errorf("account %s: %w", account, domain.ErrNotFound)
	}
	out.PositionsKnown = state.Known
	for _, balance := range state.Balances {
		h, err := a.value(ctx, balance, quote)
		if err != nil {
			return out, err
		}
		switch h.Valuation {
		case Valued:
			out.Total = out.Total.Add(h.Value)
		case Stale:
			out.Stale = append(out.Stale, h.Currency)
		case Unvalued:
			out.Unvalued = append(out.Unvalued, h.Currency)
		}
		out.Holdings = append(out.Holdings, h)
	}
	for _, position := range state.Positions {
		v, err := a.mark(ctx, position)
		if err != nil {
			return out, err
		}
		out.Positions = append(out.Positions, v)
	}
	return out, nil
}

// value values one balance.
func (a *Accounts) value(ctx context.Context, balance domain.Balance, quote string) (Holding, error) {
	h := Holding{Balance: balance, Valuation: Valued}
	switch {
	case balance.Currency == quote:
		h.Price, h.Value = one, balance.Total
		return h, nil
	case balance.Total.IsZero():
		return h, nil
	}
	direct, err := a.newest(ctx, balance.Currency+"/"+quote, "")
	if err != nil {
		return h, err
	}
	inverse := domain.Tick{}
	if direct.Symbol == "" || direct.Stale {
		if inverse, err = a.newest(ctx, quote+"/"+balance.Currency, ""); err != nil {
			return h, err
		}
	}
	switch {
	case direct.Symbol == "" && inverse.Symbol == "":
		h.Valuation = Unvalued
		return h, nil
	case direct.Symbol == "" || direct.Stale && inverse.Symbol != "" && !inverse.Stale:
		h.Tick = inverse
		if h.Price, err = one.Div(inverse.Price()); err != nil {
			h.Valuation = Unvalued // a price of zero is none
			return h, nil
		}
	default:
		h.Tick, h.Price = direct, direct.Price()
	}
	h.Value = balance.Total.Mul(h.Price)
	if h.Tick.Stale {
		h.Valuation = Stale
	}
	return h, nil
}

// mark values one position.
func (a *Accounts) mark(ctx context.Context, position domain.Position) (PositionValue, error) {
	v := PositionValue{Position: position, Valuation: Valued}
	if position.Flat() {
		return v, nil
	}
	var err error
	if v.Tick, err = a.newest(ctx, position.Symbol, position.Exchange); err != nil {
		return v, err
	}
	if v.Tick.Symbol == "" {
		v.Valuation = Unvalued
		return v, nil
	}
	if v.Tick.Stale {
		v.Valuation = Stale
	}
	v.Mark = v.Tick.Price()
	v.Value = position.Volume.Mul(v.Mark)
	if !position.Price.IsZero() {
		v.Unrealised = position.Volume.Mul(v.Mark.Sub(position.Price))
	}
	return v, nil
}

// newest is the newest tick of a symbol at an exchange, or at any if that is
// empty; the zero tick when there is none.
func (a *Accounts) newest(ctx context.Context, symbol, exchange string) (domain.Tick, error) {
	var tick domain.Tick
	var err error
	if exchange == "" {
		tick, err = a.client.Ticks.Any(ctx, symbol)
	} else {
		tick, err = a.client.Ticks.Get(ctx, exchange, symbol)
	}
	// A currency whose name cannot be in a symbol has no tick.
	if errors.Is(err, domain.ErrNotFound) || errors.Is(err, domain.ErrInvalid) {
		return domain.Tick{}, nil
	}
	return tick, err
}

var one = domain.MustDecimal("1")
