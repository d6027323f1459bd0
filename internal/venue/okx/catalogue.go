package okx

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/fullon/fullon/domain"
)

// listing is the part of a catalogue's entry that is used.
type listing struct {
	ID       string `json:"instId"`
	Base     string `json:"baseCcy"` // these two of spot only
	Quote    string `json:"quoteCcy"`
	Settle   string `json:"settleCcy"` // these five of swaps only
	Type     string `json:"ctType"`
	Value    string `json:"ctVal"`
	Multiple string `json:"ctMult"`
	ValueOf  string `json:"ctValCcy"`
	TickSize string `json:"tickSz"`
	LotSize  string `json:"lotSz"`
	MinSize  string `json:"minSz"`
	State    string `json:"state"`
}

// Symbols implements venue.Adapter: spot and swaps. An entry that cannot be used (a
// name or a number out of bounds) is left out and logged. What the catalogue says
// of contracts counts from then on for all that is followed.
//
// Volumes are in base units. An inverse swap has no step and no minimum of them: it
// is traded by the contract, whose worth is its MinNotional. Other symbols have no
// MinNotional. Errors are those of venue.REST.Get, venue.ErrRefused, and one that
// matches domain.ErrInvalid if the answer makes no sense.
func (a *Adapter) Symbols(ctx context.Context) ([]domain.Symbol, error) {
	spot, _, err := a.listed(ctx, "SPOT", a.spot)
	if err != nil {
		return nil, err
	}
	swaps, sizes, err := a.listed(ctx, "SWAP", a.swap)
	if err != nil {
		return nil, err
	}
	if len(spot)+len(swaps) == 0 {
		return nil, fmt.Errorf("catalogue: %w", domain.Invalid("data", "", "at least one symbol"))
	}
	if len(sizes) > 0 { // else what was known is more likely
		a.contracts.set(sizes)
	}
	return append(spot, swaps...), nil
}

// learn fetches the sizes of contracts. Its errors are those of Symbols.
func (a *Adapter) learn(ctx context.Context) error {
	_, sizes, err := a.listed(ctx, "SWAP", a.swap)
	if err == nil && len(sizes) == 0 {
		err = fmt.Errorf("catalogue: %w", domain.Invalid("data", "", "at least one swap"))
	}
	if err == nil {
		a.contracts.set(sizes)
	}
	return err
}

// contract is that of a venue symbol; the catalogue is fetched if it is not known.
// The error matches domain.ErrNotFound for a swap that the catalogue does not have,
// or is one of Symbols.
func (a *Adapter) contract(ctx context.Context, name string) (c contract, err error) {
	if !strings.HasSuffix(name, swapSuffix) {
		return c, nil
	}
	if c, known := a.contracts.of(name); known {
		return c, nil
	}
	if err := a.learn(ctx); err != nil {
		return c, err
	}
	c, known := a.contracts.of(name)
	if !known {
		return c, fmt.Errorf("%s: %w: %w", name, domain.ErrNotFound, errNoContract)
	}
	return c, nil
}

// listed fetches the instruments of a kind. sizes are by venue symbol.
func (a *Adapter) listed(ctx context.Context, kind string, read func(listing) (domain.Symbol, contract, error)) (
	symbols []domain.Symbol, sizes map[string]contract, err error,
) {
	list, err := get[listing](ctx, a.REST, "/api/v5/public/instruments", url.Values{"instType": {kind}})
	if err != nil {
		return nil, nil, fmt.Errorf("catalogue: %w", err)
	}
	sizes = make(map[string]contract, len(list))
	for _, l := range list {
		s, size, err := read(l)
		if err != nil {
			a.Cfg.Logger.WarnContext(ctx, "symbol left out of the catalogue", "exchange", a.Cfg.Exchange, "symbol", l.ID, "error", err)
			continue
		}
		symbols = append(symbols, s)
		sizes[s.VenueSymbol] = size
	}
	return symbols, sizes, nil
}

func (a *Adapter) spot(l listing) (s domain.Symbol, _ contract, err error) {
	if s, err = a.named(l, l.Base, l.Quote); err != nil {
		return s, contract{}, err
	}
	if s.LotSize, s.MinVolume, err = l.sizes(); err != nil {
		return s, contract{}, err
	}
	return s, contract{}, s.Validate()
}

func (a *Adapter) swap(l listing) (s domain.Symbol, c contract, err error) {
	base, quote, _ := strings.Cut(strings.TrimSuffix(l.ID, swapSuffix), "-")
	if s, err = a.named(l, base, quote); err != nil {
		return s, c, err
	}
	if c, err = l.contract(base, quote); err != nil {
		return s, c, err
	}
	lot, least, err := l.sizes()
	if err != nil {
		return s, c, err
	}
	if c.inverse {
		s.MinNotional = least.Mul(c.size)
	} else {
		s.LotSize, s.MinVolume = lot.Mul(c.size), least.Mul(c.size)
	}
	return s, c, s.Validate()
}

// named makes the symbol as far as both kinds have it. The venue's name must be
// the one that its parts give: by that it is subscribed.
func (a *Adapter) named(l listing, base, quote string) (s domain.Symbol, err error) {
	s = domain.Symbol{
		Exchange: a.Cfg.Exchange, Name: domain.SymbolName(base, quote, l.Settle), VenueSymbol: l.ID,
		Base: base, Quote: quote, Settle: l.Settle, Trading: l.State == "live",
	}
	name, err := VenueSymbol(s.Name)
	if err != nil {
		return s, err
	}
	if name != l.ID {
		return s, domain.Invalid("instId", l.ID, name)
	}
	s.TickSize, err = domain.ParseUnsigned("tickSz", l.TickSize)
	return s, err
}

// sizes are the step and the minimum of sizes, in the venue's unit.
func (l listing) sizes() (lot, least domain.Decimal, err error) {
	if lot, err = domain.ParseUnsigned("lotSz", l.LotSize); err != nil {
		return lot, least, err
	}
	least, err = domain.ParseUnsigned("minSz", l.MinSize)
	return lot, least, err
}

// contract is what one contract of the swap is worth.
func (l listing) contract(base, quote string) (c contract, err error) {
	unit := base
	switch l.Type {
	case "linear":
	case "inverse":
		c.inverse, unit = true, quote
	default:
		return c, domain.Invalid("ctType", l.Type, "linear or inverse")
	}
	if l.ValueOf != unit || c.inverse != (l.Settle == base) {
		return c, domain.Invalid("ctValCcy", l.ValueOf, unit+", that of a "+l.Type+" swap")
	}
	value, err := domain.ParseUnsigned("ctVal", l.Value)
	if err != nil {
		return c, err
	}
	multiple, err := domain.ParseUnsigned("ctMult", l.Multiple)
	if err != nil {
		return c, err
	}
	if c.size = value.Mul(multiple); !c.size.IsPos() {
		return c, domain.Invalid("ctVal", l.Value, "more than zero")
	}
	return c, nil
}
