package replay

import (
	"encoding/json"
	"slices"

	"github.com/fullon/fullon/domain"
)

// trade is a recorded trade as REST prints it.
type trade struct {
	ID           int64  `json:"id"`
	Price        string `json:"price"`
	Qty          string `json:"qty"`
	QuoteQty     string `json:"quoteQty"`
	Time         int64  `json:"time"`
	IsBuyerMaker bool   `json:"isBuyerMaker"`
	IsBestMatch  bool   `json:"isBestMatch"`
}

// readTrade is the trade of an event; ok is false for another kind of event.
func readTrade(e event) (t trade, ok bool) {
	if e.Kind != "trade" {
		return t, false
	}
	for _, f := range [...]struct {
		raw json.RawMessage
		to  any
	}{{e.ID, &t.ID}, {e.Price, &t.Price}, {e.Qty, &t.Qty}, {e.Time, &t.Time}, {e.Maker, &t.IsBuyerMaker}} {
		if json.Unmarshal(f.raw, f.to) != nil {
			return t, false
		}
	}
	price, err := domain.ParseDecimal("price", t.Price)
	if err != nil {
		return t, false
	}
	qty, err := domain.ParseDecimal("qty", t.Qty)
	if err != nil {
		return t, false
	}
	t.QuoteQty = price.Mul(qty).StringFixed(8)
	t.IsBestMatch = true
	return t, true
}

func byID(t trade, id int64) int {
	switch {
	case t.ID < id:
		return -1
	case t.ID > id:
		return 1
	}
	return 0
}

// tape is a symbol's trades in the order of their ids, each once.
type tape []trade

func (t tape) with(tr trade) tape {
	i, has := slices.BinarySearchFunc(t, tr.ID, byID)
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
	i, _ := slices.BinarySearchFunc(t, from, byID)
	return slices.Clone(t[i:min(len(t), i+limit)])
}

func (t tape) newest(n int) []trade { return slices.Clone(t[max(0, len(t)-n):]) }
