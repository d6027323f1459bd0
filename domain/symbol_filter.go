package domain

// What a venue takes: prices and volumes in whole steps, and no order that is
// too small. A step or a bound that is zero is not known, or none, and filters
// nothing.

// RoundPrice rounds a price down to the step of the symbol's prices. The error
// is a *FieldError for a price that is negative, or that has no whole step in
// it: it never becomes zero.
func (s Symbol) RoundPrice(price Decimal) (Decimal, error) {
	rounded, _, err := roundDown("price", price, s.TickSize)
	return rounded, err
}

// RoundVolume rounds a volume towards zero to the step of the symbol's volumes
// and returns what is left over as well: together they are the volume, exactly. A
// volume that has no whole step in it is a *FieldError, and all of it is left
// over: a small balance never becomes nothing without saying so. The volume of
// a short position may be negative, and then both parts are.
func (s Symbol) RoundVolume(volume Decimal) (rounded, rest Decimal, err error) {
	if volume.IsNeg() {
		rounded, rest, err = roundDown("volume", volume.Neg(), s.LotSize)
		return rounded.Neg(), rest.Neg(), err
	}
	return roundDown("volume", volume, s.LotSize)
}

func roundDown(field string, value, step Decimal) (rounded, rest Decimal, err error) {
	if err := nonNegative(field, value); err != nil {
		return Decimal{}, value, err
	}
	if step.IsZero() {
		return value, Decimal{}, nil
	}
	if rest, err = value.Mod(step); err != nil {
		return Decimal{}, value, Invalid(field, value.String(), "a number that can be divided by the step "+step.String())
	}
	rounded = value.Sub(rest)
	if rounded.IsZero() && !value.IsZero() {
		return rounded, rest, Invalid(field, value.String(), "at least the step "+step.String())
	}
	return rounded, rest, nil
}

// Check tells which of the symbol's filters an order would not pass: that it is
// traded at all, whole steps of prices and volumes, the smallest volume, the
// smallest price × volume. An order without a price of its own is valued at
// price, the market's; zero is not known, and then no order passes that has to be
// valued. The error is a *FieldError. It does not replace OrderTerms.Validate.
func (s Symbol) Check(terms OrderTerms, price Decimal) error {
	if terms.Symbol != s.Name {
		return Invalid("symbol", terms.Symbol, "the symbol of the filters, "+s.Name)
	}
	if !s.Trading {
		return Invalid("symbol", s.Name, "a symbol that "+s.Exchange+" has not halted or delisted")
	}
	for _, f := range [...]struct {
		field       string
		value, step Decimal
	}{{"price", terms.Price, s.TickSize}, {"stop_price", terms.StopPrice, s.TickSize}, {"volume", terms.Volume, s.LotSize}} {
		if _, rest, err := roundDown(f.field, f.value, f.step); err != nil {
			return err
		} else if !rest.IsZero() {
			return Invalid(f.field, f.value.String(), "a multiple of the step "+f.step.String())
		}
	}
	if terms.Volume.LessThan(s.MinVolume) {
		return Invalid("volume", terms.Volume.String(), "at least "+s.MinVolume.String())
	}
	if s.MinNotional.IsZero() {
		return nil
	}
	switch {
	case terms.Type.HasPrice():
		price = terms.Price
	case terms.Type.HasStop():
		price = terms.StopPrice
	}
	if !price.IsPos() {
		return Invalid("price", price.String(), "the market's price, because the order must be worth at least "+s.MinNotional.String()+" "+s.Quote)
	}
	if notional := price.Mul(terms.Volume); notional.LessThan(s.MinNotional) {
		return Invalid("volume", terms.Volume.String(), "so much that at "+price.String()+" it is worth at least "+s.MinNotional.String()+" "+s.Quote)
	}
	return nil
}
