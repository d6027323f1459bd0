package okx

import (
	"errors"
	"sync/atomic"

	"github.com/fullon/fullon/domain"
)

// errNoContract says that a size cannot be told in base units.
var errNoContract = errors.New("the size of the contract is not known")

// contract is what one contract of a swap is worth. The zero value is that of
// spot, where sizes are base units.
type contract struct {
	size    domain.Decimal // in base units; in quote units of an inverse swap
	inverse bool
}

// base turns a number of contracts into base units. price is not used but for
// inverse swaps. The error says that it cannot be told: there is no price.
func (c contract) base(count, price domain.Decimal) (domain.Decimal, error) {
	switch {
	case c.size.IsZero() || count.IsZero():
		return count, nil
	case c.inverse:
		return count.Mul(c.size).Div(price)
	}
	return count.Mul(c.size), nil
}

// contracts are the sizes of all swaps, as the catalogue had them last. It is
// safe for concurrent use.
type contracts struct {
	byName atomic.Pointer[map[string]contract] // by venue symbol; never changed
}

// set takes a catalogue's sizes in place of those before.
func (c *contracts) set(byName map[string]contract) { c.byName.Store(&byName) }

// of is the contract of a swap; false if it is not known.
func (c *contracts) of(name string) (contract, bool) {
	byName := c.byName.Load()
	if byName == nil {
		return contract{}, false
	}
	found, ok := (*byName)[name]
	return found, ok
}
