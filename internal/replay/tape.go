package replay

import (
	"cmp"
	"slices"
)

// trade is a recorded trade as REST needs it.
type trade struct {
	number      int64 // what trades are ordered by; the id, where that is a number
	id          string
	price, size string
	at          int64 // unix nanoseconds
	buy         bool  // the taker's side
}

func byNumber(t trade, n int64) int { return cmp.Compare(t.number, n) }

// tape is a market's trades in the order of their numbers, each once.
type tape []trade

func (t tape) with(tr trade) tape {
	i, has := slices.BinarySearchFunc(t, tr.number, byNumber)
	if has {
		return t
	}
	if len(t) >= 2*keptTrades {
		t = slices.Clone(t[keptTrades:])
		i = max(0, i-keptTrades)
	}
	return slices.Insert(t, i, tr)
}

// from is at most limit trades numbered from or later.
func (t tape) from(from int64, limit int) []trade {
	i, _ := slices.BinarySearchFunc(t, from, byNumber)
	return slices.Clone(t[i:min(len(t), i+limit)])
}

// before is the newest limit trades of those numbered below a number.
func (t tape) before(number int64, limit int) []trade {
	i, _ := slices.BinarySearchFunc(t, number, byNumber)
	return slices.Clone(t[max(0, i-limit):i])
}

// between is the trades of a time, both ends included.
func (t tape) between(begin, end int64) (trades []trade) {
	for _, tr := range t {
		if tr.at >= begin && tr.at <= end {
			trades = append(trades, tr)
		}
	}
	return trades
}

func (t tape) newest(n int) []trade { return slices.Clone(t[max(0, len(t)-n):]) }
