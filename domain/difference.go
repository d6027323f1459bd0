package domain

import "time"

// Difference says that what a venue says an account has is not what the
// account's fills make of what it had before: a fill was lost, one was counted
// twice, or something was moved that was no trade. It is about a position, with
// a Symbol, or about a balance, with a Currency. From then on what the venue says
// counts, so each difference is told once.
type Difference struct {
	Account  string
	Symbol   string    // of the position; empty: it is about a balance
	Currency string    // of the balance; empty: it is about a position
	Counted  Decimal   // by the fills, base units
	Said     Decimal   // by the venue, base units
	Time     time.Time // when it was noticed

	Sequence uint64 // position in its log stream; set by readers
}

// Off is by how much the venue says more than the fills make, base units.
func (d Difference) Off() Decimal { return d.Said.Sub(d.Counted) }

// Subject is what the difference is about: a symbol or a currency, which has no
// slash.
func (d Difference) Subject() string {
	if d.Symbol != "" {
		return d.Symbol
	}
	return d.Currency
}

// Validate tells what is wrong with the event. The error is a *FieldError.
func (d Difference) Validate() error {
	if err := CheckAccount(d.Account); err != nil {
		return err
	}
	var err error
	switch {
	case d.Symbol != "" && d.Currency != "":
		err = Invalid("currency", d.Currency, "none where there is a symbol")
	case d.Symbol != "":
		err = CheckSymbol(d.Symbol)
	default:
		err = CheckCurrency(d.Currency)
	}
	if err != nil {
		return err
	}
	for _, f := range [...]struct {
		name  string
		value Decimal
	}{{"counted", d.Counted}, {"said", d.Said}} {
		if err := bounded(f.name, f.value); err != nil {
			return err
		}
	}
	return requiredTime(d.Time, "when it was noticed")
}
