package replay

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/sim/restproto"
)

// catalogue is what the recordings hold, read before they are played.
type catalogue struct {
	frames  int
	streams map[string]int // frames of each
	digits  map[string]*digits
}

// digits is how many digits after the point a symbol's numbers need.
type digits struct{ price, size int }

func scan(paths []string) (c *catalogue, err error) {
	src, err := openSource(paths)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, src.close()) }()
	c = &catalogue{streams: map[string]int{}, digits: map[string]*digits{}}
	for {
		f, err := src.next()
		if errors.Is(err, io.EOF) {
			return c, nil
		}
		if err != nil {
			return nil, err
		}
		c.add(f)
	}
}

func (c *catalogue) add(f frame) {
	c.frames++
	c.streams[f.stream]++
	e := &f.event
	if e.Symbol == "" {
		return
	}
	d := c.digits[e.Symbol]
	if d == nil {
		d = &digits{}
		c.digits[e.Symbol] = d
	}
	switch {
	case e.Kind == "trade" || e.Kind == "aggTrade":
		d.price = max(d.price, fraction(e.Price))
		d.size = max(d.size, fraction(e.Qty))
	case e.Kind == "": // the best bid and ask
		d.price = max(d.price, fraction(e.Bid), fraction(e.Ask))
		d.size = max(d.size, fraction(e.BidQty), fraction(e.AskQty))
	}
}

// fraction counts the digits after the point, without final zeros.
func fraction(raw json.RawMessage) int {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return 0
	}
	_, after, _ := strings.Cut(text, ".")
	return len(strings.TrimRight(after, "0"))
}

// info is the catalogue of the symbols of these names, nil for all. The error
// is a *restproto.Error.
func (c *catalogue) info(names []string, now int64) (restproto.ExchangeInfo, error) {
	info := restproto.ExchangeInfo{
		Timezone: "UTC", ServerTime: now,
		RateLimits: []restproto.RateLimit{}, ExchangeFilters: []string{}, Symbols: []restproto.Symbol{},
	}
	if names == nil {
		names = slices.Sorted(maps.Keys(c.digits))
	}
	for _, name := range names {
		d, ok := c.digits[name]
		if !ok {
			return info, restproto.ErrSymbol
		}
		base, quote := splitSymbol(name)
		info.Symbols = append(info.Symbols, restproto.NewSymbol(base, quote,
			restproto.PriceFilter{Type: "PRICE_FILTER", MinPrice: step(d.price), MaxPrice: "1000000.00000000", TickSize: step(d.price)},
			restproto.LotSize{Type: "LOT_SIZE", MinQty: step(d.size), MaxQty: "9000000.00000000", StepSize: step(d.size)},
			restproto.Notional{Type: "NOTIONAL", MinNotional: "0.00000000", MaxNotional: "9000000.00000000"},
		))
	}
	return info, nil
}

// unified are the names of the symbols with trades or quotes, sorted.
func (c *catalogue) unified() []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(c.digits)) {
		if base, quote := splitSymbol(name); base != "" && quote != "" {
			names = append(names, domain.SymbolName(base, quote, ""))
		}
	}
	return names
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

// The assets that markets of Binance are quoted in; the longer ones first
// where one ends another.
var quotes = []string{
	"FDUSD", "USDT", "USDC", "TUSD", "BUSD", "USDP", "EUR", "TRY", "BRL", "GBP", "AUD", "RUB", "UAH",
	"JPY", "DAI", "IDRT", "NGN", "ZAR", "PLN", "RON", "ARS", "MXN", "CZK", "BTC", "ETH", "BNB", "XRP", "TRX", "DOGE", "USD",
}

// splitSymbol guesses base and quote, which frames do not tell apart.
func splitSymbol(venue string) (base, quote string) {
	for _, q := range quotes {
		if b, ok := strings.CutSuffix(venue, q); ok && b != "" {
			return b, q
		}
	}
	return venue[:len(venue)/2], venue[len(venue)/2:]
}
