package domain

import (
	"strconv"
	"time"
)

// Position is what an account holds of one symbol. One without volume
// is flat, and known to be.
type Position struct {
	Account  string
	Symbol   string
	Exchange string    // where it is held; empty: not said
	Volume   Decimal   // base units; short: negative; zero: flat
	Price    Decimal   // average price of entry; zero: not known
	Cost     Decimal   // quote units that entering it took; zero: not known
	Fee      Decimal   // quote units paid in fees; negative: a rebate
	Realised Decimal   // quote units won, or lost where negative, by what was closed
	Time     time.Time // the time that this is the state of, the venue's; zero: not known

	Sequence uint64 // position in its log stream; set by readers; zero: nothing but its being flat is known
}

// Flat tells whether nothing is held.
func (p Position) Flat() bool { return p.Volume.IsZero() }

// Same tells whether both say the same, wherever the log has it.
func (p Position) Same(other Position) bool {
	return p.Account == other.Account && p.Symbol == other.Symbol && p.Exchange == other.Exchange && p.Time.Equal(other.Time) &&
		p.Volume.Equal(other.Volume) && p.Price.Equal(other.Price) && p.Cost.Equal(other.Cost) &&
		p.Fee.Equal(other.Fee) && p.Realised.Equal(other.Realised)
}

// Validate tells what is wrong with the position. The error is a *FieldError.
func (p Position) Validate() error {
	if err := CheckAccount(p.Account); err != nil {
		return err
	}
	if err := CheckSymbol(p.Symbol); err != nil {
		return err
	}
	if p.Exchange != "" {
		if err := CheckExchange(p.Exchange); err != nil {
			return err
		}
	}
	if err := nonNegative("price", p.Price); err != nil {
		return err
	}
	if err := nonNegative("cost", p.Cost); err != nil {
		return err
	}
	for _, f := range [...]struct {
		name  string
		value Decimal
	}{{"volume", p.Volume}, {"fee", p.Fee}, {"realised", p.Realised}} {
		if err := bounded(f.name, f.value); err != nil {
			return err
		}
	}
	return optionalTime("time", p.Time)
}

// PositionDeleted says that the account holds nothing of the symbol and that
// what was known of the position is to be forgotten.
type PositionDeleted struct {
	Account string
	Symbol  string
	Time    time.Time // the time that this is the state of, the venue's; zero: not known

	Sequence uint64 // position in its log stream; set by readers; zero: seen missing
}

// Validate tells what is wrong with the event. The error is a *FieldError.
func (d PositionDeleted) Validate() error {
	if err := CheckAccount(d.Account); err != nil {
		return err
	}
	if err := CheckSymbol(d.Symbol); err != nil {
		return err
	}
	return optionalTime("time", d.Time)
}

// MaxPositions bounds the positions of one PositionsReplaced.
const MaxPositions = 160

// PositionsReplaced is the whole set of an account's positions at a moment:
// symbols that it does not name are flat, unless something newer is known of
// them.
type PositionsReplaced struct {
	Account   string
	Positions []Position // of this account and this time
	Time      time.Time  // the time that this is the state of, the venue's; zero: not known

	Sequence uint64 // position in its log stream; set by readers
}

// Validate tells what is wrong with the set. The error is a *FieldError.
func (r PositionsReplaced) Validate() error {
	if err := CheckAccount(r.Account); err != nil {
		return err
	}
	if err := optionalTime("time", r.Time); err != nil {
		return err
	}
	if n := len(r.Positions); n > MaxPositions {
		return Invalid("positions", strconv.Itoa(n), "at most "+strconv.Itoa(MaxPositions))
	}
	seen := make(map[string]bool, len(r.Positions))
	for _, p := range r.Positions {
		if err := p.Validate(); err != nil {
			return err
		}
		switch {
		case p.Account != r.Account:
			return Invalid("account", p.Account, "the account of the set, "+r.Account)
		case seen[p.Symbol]:
			return Invalid("symbol", p.Symbol, "each symbol once")
		case !p.Time.Equal(r.Time):
			return Invalid("time", p.Time.UTC().Format(time.RFC3339Nano), "the time of the set")
		}
		seen[p.Symbol] = true
	}
	return nil
}
