package domain

import "time"

// TradeAnalytics sums up the trades of a market in a window of time.
type TradeAnalytics struct {
	Exchange   string
	Symbol     string
	From       time.Time // the window's beginning, inclusive
	To         time.Time // the window's end, inclusive
	Count      int
	Volume     Decimal // base units
	Cost       Decimal // sum of price times volume, quote units
	VWAP       Decimal // Cost / Volume, at most 19 digits after the point; zero without trades
	Open       Decimal // price of the first trade; this and the next three are zero without trades
	High       Decimal
	Low        Decimal
	Close      Decimal
	BuyVolume  Decimal // of trades whose aggressor bought, base units
	SellVolume Decimal
	// Complete: the trades that are kept reach back to From. If not, older
	// ones are missing in all of the above.
	Complete bool
}

// Analyze sums up trades, oldest first, that are all in the window.
func Analyze(exchange, symbol string, from, to time.Time, trades []Trade) TradeAnalytics {
	a := TradeAnalytics{Exchange: exchange, Symbol: symbol, From: from, To: to, Count: len(trades)}
	for i, t := range trades {
		if i == 0 {
			a.Open, a.High, a.Low = t.Price, t.Price, t.Price
		}
		if t.Price.GreaterThan(a.High) {
			a.High = t.Price
		}
		if t.Price.LessThan(a.Low) {
			a.Low = t.Price
		}
		a.Close = t.Price
		a.Volume = a.Volume.Add(t.Volume)
		a.Cost = a.Cost.Add(t.Cost())
		if t.Side == Buy {
			a.BuyVolume = a.BuyVolume.Add(t.Volume)
		} else {
			a.SellVolume = a.SellVolume.Add(t.Volume)
		}
	}
	if vwap, err := a.Cost.Div(a.Volume); err == nil { // it fails for a volume of zero only
		a.VWAP = vwap
	}
	return a
}
