package domain

import "strings"

// MaxNameBytes bounds exchange names, symbols and trade ids.
const MaxNameBytes = 64

// Symbol is one instrument of a venue's catalogue.
type Symbol struct {
	Exchange    string
	Name        string // unified: BTC/USDT spot, BTC/USDT:USDT linear perpetual
	VenueSymbol string // the venue's own spelling: BTCUSDT
	Base        string
	Quote       string
	Settle      string  // empty for spot
	TickSize    Decimal // step of prices; zero: not known
	LotSize     Decimal // step of volumes; zero: not known
	MinVolume   Decimal // zero: none
	MinNotional Decimal // smallest price × volume; zero: none
	Trading     bool    // false while the venue has it halted or delisted

	Sequence uint64 // position in its log stream; set by readers
}

// Same tells whether both say the same, wherever the log has it.
func (s Symbol) Same(other Symbol) bool {
	return s.Exchange == other.Exchange && s.Name == other.Name && s.VenueSymbol == other.VenueSymbol &&
		s.Base == other.Base && s.Quote == other.Quote && s.Settle == other.Settle && s.Trading == other.Trading &&
		s.TickSize.Equal(other.TickSize) && s.LotSize.Equal(other.LotSize) &&
		s.MinVolume.Equal(other.MinVolume) && s.MinNotional.Equal(other.MinNotional)
}

// Validate tells what is wrong with the symbol: its name must be that of its
// parts. The error is a *FieldError.
func (s Symbol) Validate() error {
	if err := checkMarket(s.Exchange, s.Name); err != nil {
		return err
	}
	if err := checkName("venue_symbol", s.VenueSymbol); err != nil {
		return err
	}
	base, quote, settle, _ := SplitSymbol(s.Name)
	if s.Base != base || s.Quote != quote || s.Settle != settle {
		return Invalid("symbol", s.Name, "the name of its parts, "+SymbolName(s.Base, s.Quote, s.Settle))
	}
	for _, f := range [...]struct {
		name  string
		value Decimal
	}{{"tick_size", s.TickSize}, {"lot_size", s.LotSize}, {"min_volume", s.MinVolume}, {"min_notional", s.MinNotional}} {
		if err := nonNegative(f.name, f.value); err != nil {
			return err
		}
	}
	return nil
}

// SymbolDeleted takes a symbol out of the catalogue.
type SymbolDeleted struct {
	Exchange string
	Name     string
}

// Validate tells what is wrong with the event. The error is a *FieldError.
func (d SymbolDeleted) Validate() error { return checkMarket(d.Exchange, d.Name) }

// SymbolName joins the parts of a unified symbol. An empty settle is spot.
func SymbolName(base, quote, settle string) string {
	name := base + "/" + quote
	if settle != "" {
		name += ":" + settle
	}
	return name
}

// SplitSymbol takes a unified symbol apart. settle is empty for spot.
// The error is a *FieldError.
func SplitSymbol(name string) (base, quote, settle string, err error) {
	pair, settle, linear := strings.Cut(name, ":")
	base, quote, ok := strings.Cut(pair, "/")
	if !ok || base == "" || quote == "" || strings.Contains(quote, "/") || (linear && settle == "") {
		return "", "", "", Invalid("symbol", name, "BASE/QUOTE or BASE/QUOTE:SETTLE, as in BTC/USDT")
	}
	return base, quote, settle, checkName("symbol", name)
}

// CheckExchange tells what is wrong with an exchange name: it must be 1 to
// MaxNameBytes bytes of lower-case letters, digits, dash and underscore.
func CheckExchange(name string) error {
	ok := name != "" && len(name) <= MaxNameBytes
	for i := 0; ok && i < len(name); i++ {
		c := name[i]
		ok = 'a' <= c && c <= 'z' || isDigit(c) || c == '-' || c == '_'
	}
	if !ok {
		return Invalid("exchange", name, "1 to 64 lower-case letters, digits, - and _")
	}
	return nil
}

// CheckSymbol tells what is wrong with a unified symbol. It takes every
// spelling that SplitSymbol takes.
func CheckSymbol(name string) error {
	_, _, _, err := SplitSymbol(name)
	return err
}

// CheckVenueSymbol tells what is wrong with a venue's own spelling of a symbol.
// The error is a *FieldError.
func CheckVenueSymbol(name string) error { return checkName("venue_symbol", name) }

func checkName(field, value string) error {
	ok := value != "" && len(value) <= MaxNameBytes
	for i := 0; ok && i < len(value); i++ {
		ok = value[i] > ' ' && value[i] != 0x7f
	}
	if !ok {
		return Invalid(field, value, "1 to 64 bytes without white space or control characters")
	}
	return nil
}

func checkMarket(exchange, symbol string) error {
	if err := CheckExchange(exchange); err != nil {
		return err
	}
	return CheckSymbol(symbol)
}
