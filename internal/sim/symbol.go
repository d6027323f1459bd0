package sim

import (
	"strings"

	"github.com/fullon/fullon/domain"
)

// Symbol is one market. All numbers are decimal text of at most 8 digits after
// the point.
type Symbol struct {
	Name        string  // unified: "BTC/USDT"
	Price       string  // where the walk starts, quote units
	TickSize    string  // step of prices, quote units
	LotSize     string  // step of sizes, base units; TickSize × LotSize must be a multiple of 0.00000001
	MinNotional string  // smallest price × size of an order, quote units; only published
	TradeCost   string  // median price × size of a trade, quote units
	Weight      float64 // its share of Config.Rate relative to the others; zero: 1
}

// DefaultSymbols are eight well-known markets with prices of a plausible day.
func DefaultSymbols() []Symbol {
	return []Symbol{
		{"BTC/USDT", "64250.00", "0.01", "0.00001", "5", "450", 4},
		{"ETH/USDT", "3120.00", "0.01", "0.0001", "5", "320", 3},
		{"SOL/USDT", "148.50", "0.01", "0.001", "5", "210", 2},
		{"BNB/USDT", "585.00", "0.01", "0.001", "5", "180", 1},
		{"XRP/USDT", "0.6150", "0.0001", "0.1", "5", "120", 1},
		{"DOGE/USDT", "0.12400", "0.00001", "1", "1", "90", 1},
		{"ADA/USDT", "0.4480", "0.0001", "0.1", "5", "80", 0.6},
		{"ETH/BTC", "0.04856", "0.00001", "0.001", "0.0001", "0.004", 0.6},
	}
}

// listing is a Symbol with its numbers read.
type listing struct {
	name, base, quoteAsset string
	venue                  string // BTCUSDT
	lower                  string // btcusdt
	tick, lot              fixed
	minNotional            fixed
	tickQuote              int64 // quote units of one tick × one lot, in 1e-8
	startTicks             float64
	medianLots             float64
	weight                 float64
}

func (s Symbol) listing() (listing, error) {
	base, quote, settle, err := domain.SplitSymbol(s.Name)
	if err != nil {
		return listing{}, err
	}
	if settle != "" {
		return listing{}, domain.Invalid("symbol", s.Name, "a spot symbol")
	}
	l := listing{name: s.Name, base: base, quoteAsset: quote, venue: base + quote, lower: strings.ToLower(base + quote)}
	var price, cost fixed
	for _, f := range [...]struct {
		name, text string
		to         *fixed
	}{
		{"price", s.Price, &price}, {"tick_size", s.TickSize, &l.tick}, {"lot_size", s.LotSize, &l.lot},
		{"min_notional", s.MinNotional, &l.minNotional}, {"trade_cost", s.TradeCost, &cost},
	} {
		if *f.to, err = parseFixed(f.name, f.text); err != nil {
			return listing{}, err
		}
		if *f.to == 0 {
			return listing{}, domain.Invalid(f.name, f.text, "more than zero")
		}
	}
	hi, product := mul(uint64(l.tick), uint64(l.lot))
	if hi != 0 || product%unit != 0 || product/unit > 1e12 {
		return listing{}, domain.Invalid("lot_size", s.LotSize, "a size with tick_size × lot_size a multiple of 0.00000001, at most 10000")
	}
	l.tickQuote = int64(product / unit)
	l.startTicks = float64(price) / float64(l.tick)
	if l.startTicks < minTicks {
		return listing{}, domain.Invalid("price", s.Price, "at least 100 ticks")
	}
	l.medianLots = max(1, float64(cost)/l.startTicks/float64(l.tickQuote))
	l.weight = s.Weight
	if l.weight == 0 {
		l.weight = 1
	}
	if !(l.weight > 0) {
		return listing{}, domain.Invalid("weight", s.Name, "more than zero")
	}
	return l, nil
}

// price is a price of so many ticks.
func (l *listing) price(ticks int64) fixed { return fixed(ticks) * l.tick }

// size is a size of so many lots.
func (l *listing) size(lots int64) fixed { return fixed(lots) * l.lot }
