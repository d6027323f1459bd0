package domain

import "time"

// CheckAccount tells what is wrong with an account id: 1 to MaxNameBytes
// letters, digits, dashes and underscores, as in 1001 or kraken-main. An
// account is one account at one venue; whose it is, the id's maker knows.
func CheckAccount(id string) error {
	if !isID(id) {
		return Invalid("account", id, "1 to 64 letters, digits, - and _")
	}
	return nil
}

// isID tells whether a text is 1 to MaxNameBytes letters, digits, dashes and
// underscores.
func isID(id string) bool {
	ok := id != "" && len(id) <= MaxNameBytes
	for i := 0; ok && i < len(id); i++ {
		c := id[i]
		ok = 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || isDigit(c) || c == '-' || c == '_'
	}
	return ok
}

// CheckCurrency tells what is wrong with a currency's name: 1 to MaxNameBytes
// bytes without white space, slash and colon, which separate those of a symbol.
func CheckCurrency(name string) error {
	if err := checkName("currency", name); err != nil {
		return err
	}
	for i := range len(name) {
		if name[i] == '/' || name[i] == ':' {
			return Invalid("currency", name, "a name without / and :, as in USDT")
		}
	}
	return nil
}

// Balance is what an account has of one currency.
type Balance struct {
	Account  string
	Currency string
	Total    Decimal   // negative: borrowed
	Free     Decimal   // may be used for new orders; negative: borrowed
	Used     Decimal   // bound by orders and positions
	Time     time.Time // the time that this is the state of, the venue's; zero: not known

	Sequence uint64 // position in its log stream; set by readers
}

// Same tells whether both say the same, wherever the log has it.
func (b Balance) Same(other Balance) bool {
	return b.Account == other.Account && b.Currency == other.Currency && b.Time.Equal(other.Time) &&
		b.Total.Equal(other.Total) && b.Free.Equal(other.Free) && b.Used.Equal(other.Used)
}

// Validate tells what is wrong with the balance. The error is a *FieldError.
func (b Balance) Validate() error {
	if err := CheckAccount(b.Account); err != nil {
		return err
	}
	if err := CheckCurrency(b.Currency); err != nil {
		return err
	}
	if err := bounded("total", b.Total); err != nil {
		return err
	}
	if err := bounded("free", b.Free); err != nil {
		return err
	}
	if err := nonNegative("used", b.Used); err != nil {
		return err
	}
	return optionalTime("time", b.Time)
}

// OlderThan tells whether information of time t must not replace information
// of time stored, both unix nanoseconds. Where one of them is zero, not known,
// the order of the log decides.
func OlderThan(t, stored int64) bool { return t != 0 && stored != 0 && t < stored }
