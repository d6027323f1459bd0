package bybit

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue/frame"
)

// category is one of the venue's kinds of markets.
type category string

// The categories that are traded.
const (
	spot   category = "spot"
	linear category = "linear"
)

// known tells whether the category is traded.
func (c category) known() bool { return c == spot || c == linear }

// spell is the name of a symbol here: the venue has the same for a spot market
// and a perpetual.
func (c category) spell(symbol string) string { return string(c) + "." + symbol }

// unspell is the inverse of spell.
func unspell(spelled string) (c category, symbol string) {
	name, symbol, _ := strings.Cut(spelled, ".")
	return category(name), symbol
}

// spelling spells a symbol of the catalogue.
func spelling(s domain.Symbol) string {
	if s.Settle != "" {
		return linear.spell(s.VenueSymbol)
	}
	return spot.spell(s.VenueSymbol)
}

// settles are the currencies that linear contracts of the catalogue are settled
// in: the venue lists what is of them one by one.
func (a *api) settles() []string {
	found := make(map[string]struct{})
	for _, s := range a.Cfg.Symbols() {
		if s.Settle != "" {
			found[s.Settle] = struct{}{}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// maxAhead is how far ahead of our clock a time of the venue's may be: one in
// the far future would keep all that comes later from being the newest.
const maxAhead = 24 * time.Hour

// millis reads a time, unix milliseconds as text.
func millis(field, text string) (time.Time, error) {
	ms, ok := frame.ParseInteger(text)
	if !ok || ms == 0 || int64(ms) > time.Now().Add(maxAhead).UnixMilli() {
		return time.Time{}, domain.Invalid(field, text, "unix milliseconds up to now")
	}
	return time.UnixMilli(int64(ms)).UTC(), nil
}

func sideOf(text string) (domain.Side, error) {
	switch text {
	case "Buy":
		return domain.Buy, nil
	case "Sell":
		return domain.Sell, nil
	}
	return 0, domain.Invalid("side", text, "Buy or Sell")
}

// number is a text to be read into a decimal.
type number struct {
	field, text string
	into        *domain.Decimal
}

// read reads numbers that may be negative; an empty text is none.
func read(numbers ...number) (err error) {
	for _, n := range numbers {
		if n.text == "" {
			continue
		}
		if *n.into, err = domain.ParseDecimal(n.field, n.text); err != nil {
			return err
		}
	}
	return nil
}
