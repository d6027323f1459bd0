package replay

import (
	"slices"

	"github.com/fullon/fullon/domain"
)

// book is a market's book, kept from recorded changes. The zero value is empty.
type book struct{ bids, asks side }

// level is one price of a book, as it was recorded.
type level struct {
	price, size string
	value       domain.Decimal // of the price
}

// side is the levels of one side, prices rising.
type side []level

// set takes a level over; a size of zero takes it back. What is no number is
// passed over.
func (s *side) set(price, size string) {
	value, err := domain.ParseDecimal("price", price)
	if err != nil {
		return
	}
	left, err := domain.ParseDecimal("size", size)
	if err != nil {
		return
	}
	at, has := slices.BinarySearchFunc(*s, value, func(l level, v domain.Decimal) int { return l.value.Cmp(v) })
	switch {
	case left.IsZero() && has:
		*s = slices.Delete(*s, at, at+1)
	case left.IsZero():
	case has:
		(*s)[at] = level{price, size, value}
	default:
		*s = slices.Insert(*s, at, level{price, size, value})
	}
}

// take applies levels of which the first two texts are price and size.
func (s *side) take(levels [][]string) {
	for _, l := range levels {
		if len(l) >= 2 {
			s.set(l[0], l[1])
		}
	}
}

// top is the best bid and ask; empty where a side is.
type top struct{ bid, bidSize, ask, askSize string }

func (b *book) top() (t top) {
	if n := len(b.bids); n > 0 {
		t.bid, t.bidSize = b.bids[n-1].price, b.bids[n-1].size
	}
	if len(b.asks) > 0 {
		t.ask, t.askSize = b.asks[0].price, b.asks[0].size
	}
	return t
}

func (t top) digits() digits { return digitsOf(t.bid, t.bidSize).with(digitsOf(t.ask, t.askSize)) }

// pair is a level in the form of lists of texts: none if there is no price.
func pair(price, size string, more ...string) [][]string {
	if price == "" {
		return [][]string{}
	}
	return [][]string{append([]string{price, size}, more...)}
}
