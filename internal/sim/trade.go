package sim

import (
	"slices"
	"sort"
)

// trade is one fill. Trades of one order at one price have one agg.
type trade struct {
	id    int64
	ms    int64 // unix milliseconds
	ticks int64
	lots  int64
	agg   int64
	maker bool // the buyer was the maker: an aggressive sale
}

// tape holds the newest trades of a symbol, oldest first, ids consecutive.
type tape struct {
	trades []trade
	keep   int
}

func (t *tape) add(tr trade) {
	// The double size makes the move rare.
	if len(t.trades) >= 2*t.keep {
		t.trades = append(t.trades[:0], t.trades[len(t.trades)-t.keep+1:]...)
	}
	t.trades = append(t.trades, tr)
}

func (t *tape) kept() []trade { return t.trades[max(0, len(t.trades)-t.keep):] }

// from is at most limit trades, the first one numbered from or later.
func (t *tape) from(from int64, limit int) []trade {
	kept := t.kept()
	if len(kept) == 0 || from > kept[len(kept)-1].id {
		return nil
	}
	kept = kept[max(0, from-kept[0].id):]
	return slices.Clone(kept[:min(limit, len(kept))])
}

func (t *tape) newest(n int) []trade {
	kept := t.kept()
	return slices.Clone(kept[max(0, len(kept)-n):])
}

// aggTrade is the trades of one order at one price taken together.
type aggTrade struct {
	trade       // id is the last one's, lots the sum
	first int64 // id of the first trade
}

// aggregate joins the neighbours of one agg.
func aggregate(trades []trade) []aggTrade {
	var out []aggTrade
	for _, tr := range trades {
		if n := len(out); n > 0 && out[n-1].agg == tr.agg {
			out[n-1].lots += tr.lots
			out[n-1].id = tr.id
			continue
		}
		out = append(out, aggTrade{trade: tr, first: tr.id})
	}
	return out
}

// aggsFrom is at most limit aggregates, the first one numbered from or later.
// The oldest kept one may lack trades that were forgotten.
func (t *tape) aggsFrom(from int64, limit int) []aggTrade {
	kept := t.kept()
	all := aggregate(kept[sort.Search(len(kept), func(i int) bool { return kept[i].agg >= from }):])
	return all[:min(limit, len(all))]
}
