package okx

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
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

// Contracts are the sizes of all swaps, as the catalogue had them last. It is
// safe for concurrent use; the zero value knows none.
type Contracts struct {
	byName atomic.Pointer[map[string]contract] // by venue symbol; never changed
}

// set takes a catalogue's sizes in place of those before.
func (c *Contracts) set(byName map[string]contract) { c.byName.Store(&byName) }

// of is the contract of a swap; false if it is not known.
func (c *Contracts) of(name string) (contract, bool) {
	byName := c.byName.Load()
	if byName == nil {
		return contract{}, false
	}
	found, ok := (*byName)[name]
	return found, ok
}

// Read takes the venue's answer to a request for all swaps in place of what was
// known. Those that make no sense are left out. The error matches
// domain.ErrInvalid: it has none.
func (c *Contracts) Read(body []byte) error {
	var a answer[listing]
	if err := json.Unmarshal(body, &a); err != nil || a.Code != codeDone {
		return domain.Invalid("data", "", "a list of swaps")
	}
	sizes := make(map[string]contract, len(a.Data))
	for _, l := range a.Data {
		base, quote, _ := strings.Cut(strings.TrimSuffix(l.ID, swapSuffix), "-")
		if size, err := l.contract(base, quote); err == nil {
			sizes[l.ID] = size
		}
	}
	if len(sizes) == 0 {
		return domain.Invalid("data", "", "at least one swap")
	}
	c.set(sizes)
	return nil
}

// IsSwap tells whether a venue symbol is one of a swap, whose sizes are
// contracts.
func IsSwap(name string) bool { return strings.HasSuffix(name, swapSuffix) }

// Knows tells whether sizes of a venue symbol can be told: it is no swap, or its
// contract is known.
func (c *Contracts) Knows(name string) bool {
	_, known := c.of(name)
	return known || !IsSwap(name)
}

// Base turns a size of a venue symbol's into base units. price is not used but
// for inverse swaps.
func (c *Contracts) Base(name string, size, price domain.Decimal) (domain.Decimal, error) {
	known, ok := c.of(name)
	switch {
	case !IsSwap(name):
		return size, nil
	case !ok:
		return size, fmt.Errorf("%s: %w", domain.Shorten(name, domain.MaxNameBytes), errNoContract)
	}
	return known.base(size, price)
}

// Count turns base units into a size of a venue symbol's. The error says why
// that cannot be done exactly.
func (c *Contracts) Count(name string, volume domain.Decimal) (domain.Decimal, error) {
	known, ok := c.of(name)
	switch {
	case !IsSwap(name):
		return volume, nil
	case !ok:
		return volume, fmt.Errorf("%s: %w", domain.Shorten(name, domain.MaxNameBytes), errNoContract)
	case known.inverse:
		return volume, errors.New("an inverse swap is traded by contracts of " + known.size.String() + " in quote currency, not by base units")
	}
	count, err := volume.Div(known.size)
	if err != nil || !count.Mul(known.size).Equal(volume) {
		return count, errors.New(volume.String() + " is no number of contracts of " + known.size.String())
	}
	return count, nil
}
