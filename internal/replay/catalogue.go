package replay

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fullon/fullon/domain"
)

// catalogue is what the recordings hold, read before they are played. It is not
// changed afterwards.
type catalogue struct {
	frames  int
	streams map[string]int // frames of each
	markets map[string]digits
	dialect dialect
}

// digits is how many digits after the point a market's numbers need.
type digits struct{ price, size int }

func (d digits) with(o digits) digits { return digits{max(d.price, o.price), max(d.size, o.size)} }

// digitsOf is what one price and size need.
func digitsOf(price, size string) digits { return digits{fraction(price), fraction(size)} }

// tick and lot are the steps of prices and sizes.
func (d digits) tick() string { return step(d.price) }
func (d digits) lot() string  { return step(d.size) }

func scan(paths []string, d dialect) (*catalogue, error) {
	c := &catalogue{streams: map[string]int{}, markets: map[string]digits{}, dialect: d}
	var rest func(record)
	if l, ok := d.(lister); ok {
		rest = l.list
	}
	err := eachFrame(paths, d, rest, func(f frame) (bool, error) {
		c.frames++
		c.streams[f.stream]++
		if f.market != "" {
			c.markets[f.market] = c.markets[f.market].with(f.needs)
		}
		return true, nil
	})
	return c, err
}

// Recognised are the venues that messages of these recordings look like, sorted. The
// error names the file and line.
func Recognised(paths []string) (names []string, err error) {
	for _, name := range Venues() {
		found := false
		if err := eachFrame(paths, dialects[name](), nil, func(frame) (bool, error) {
			found = true
			return false, nil
		}); err != nil {
			return nil, fmt.Errorf("replay: %w", err)
		}
		if found {
			names = append(names, name)
		}
	}
	return names, nil
}

// has tells whether something of a market was recorded.
func (c *catalogue) has(market string) bool {
	_, has := c.markets[market]
	return has
}

// each goes through the markets that have a unified name, in the order of theirs.
func (c *catalogue) each(take func(market, base, quote, settle string, d digits)) {
	for _, market := range slices.Sorted(maps.Keys(c.markets)) {
		if base, quote, settle := c.dialect.assets(market); base != "" && quote != "" {
			take(market, base, quote, settle, c.markets[market])
		}
	}
}

// unified are the names of the markets, sorted.
func (c *catalogue) unified() (names []string) {
	c.each(func(_, base, quote, settle string, _ digits) {
		names = append(names, domain.SymbolName(base, quote, settle))
	})
	slices.Sort(names)
	return slices.Compact(names)
}

// fraction counts the digits after the point, without final zeros.
func fraction(number string) int {
	_, after, _ := strings.Cut(number, ".")
	return len(strings.TrimRight(after, "0"))
}

// step is one in the last of so many digits, printed with eight.
func step(digits int) string {
	if digits == 0 {
		return "1.00000000"
	}
	b := []byte("0." + strings.Repeat("0", max(8, digits)))
	b[1+digits] = '1'
	return string(b)
}

// The assets that markets are quoted in where names do not tell base and quote
// apart; the longer ones first where one ends another.
var quotes = []string{
	"FDUSD", "USDT", "USDC", "TUSD", "BUSD", "USDP", "EUR", "TRY", "BRL", "GBP", "AUD", "RUB", "UAH",
	"JPY", "DAI", "IDRT", "NGN", "ZAR", "PLN", "RON", "ARS", "MXN", "CZK", "BTC", "ETH", "BNB", "XRP", "TRX", "DOGE", "USD",
}

// splitSymbol guesses base and quote.
func splitSymbol(venue string) (base, quote string) {
	for _, q := range quotes {
		if b, ok := strings.CutSuffix(venue, q); ok && b != "" {
			return b, q
		}
	}
	return venue[:len(venue)/2], venue[len(venue)/2:]
}
