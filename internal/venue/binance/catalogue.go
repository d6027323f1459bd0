package binance

import (
	"cmp"
	"context"
	"fmt"

	"github.com/fullon/fullon/domain"
)

// exchangeInfo is the part of the venue's catalogue that is used.
type exchangeInfo struct {
	Symbols []instrument `json:"symbols"`
}

type instrument struct {
	Symbol   string   `json:"symbol"`
	Status   string   `json:"status"`
	Base     string   `json:"baseAsset"`
	Quote    string   `json:"quoteAsset"`
	Margin   string   `json:"marginAsset"` // these two of futures only
	Contract string   `json:"contractType"`
	Filters  []filter `json:"filters"`
}

// filter is one trading rule; the type says which of the values it has.
type filter struct {
	Type        string `json:"filterType"`
	TickSize    string `json:"tickSize"`
	StepSize    string `json:"stepSize"`
	MinQty      string `json:"minQty"`
	MinNotional string `json:"minNotional"` // of spot
	Notional    string `json:"notional"`    // of futures
}

// Symbols implements venue.Adapter: spot and, where there are any, perpetuals. An
// entry that cannot be used (a name or a number out of bounds) is left out and
// logged, so that one odd listing does not take the catalogue away. Errors are
// those of venue.REST.Get, venue.ErrRefused, and one that matches
// domain.ErrInvalid if the answer makes no sense.
func (a *Adapter) Symbols(ctx context.Context) (symbols []domain.Symbol, err error) {
	entries := 0
	for _, c := range a.categories() {
		var info exchangeInfo
		if err := c.get(ctx, c.catalogue, nil, &info); err != nil {
			return nil, fmt.Errorf("catalogue: %w", err)
		}
		entries += len(info.Symbols)
		for _, in := range info.Symbols {
			if in.Contract != c.contract {
				continue // futures that end
			}
			s, err := c.symbol(in)
			if err != nil {
				c.Cfg.Logger.WarnContext(ctx, "symbol left out of the catalogue", "exchange", c.Cfg.Exchange, "symbol", in.Symbol, "error", err)
				continue
			}
			symbols = append(symbols, s)
		}
	}
	if entries == 0 {
		return nil, fmt.Errorf("catalogue: %w", domain.Invalid("symbols", "", "at least one"))
	}
	return symbols, nil
}

func (c *category) symbol(in instrument) (domain.Symbol, error) {
	s := domain.Symbol{
		Exchange:    c.Cfg.Exchange,
		Name:        domain.SymbolName(in.Base, in.Quote, in.Margin),
		VenueSymbol: in.Symbol,
		Base:        in.Base,
		Quote:       in.Quote,
		Settle:      in.Margin,
		Trading:     in.Status == "TRADING",
	}
	if (in.Margin == "") != (c.contract == "") { // it would be taken for one of the other category
		return s, domain.Invalid("marginAsset", in.Margin, "that of a perpetual, and of no other")
	}
	name, err := VenueSymbol(s.Name)
	if err != nil {
		return s, err
	}
	if name != in.Symbol { // then it could not be subscribed by its name
		return s, domain.Invalid("symbol", in.Symbol, name)
	}
	for _, f := range in.Filters {
		switch f.Type {
		case "PRICE_FILTER":
			err = parse(&s.TickSize, "tickSize", f.TickSize)
		case "LOT_SIZE":
			if err = parse(&s.LotSize, "stepSize", f.StepSize); err == nil {
				err = parse(&s.MinVolume, "minQty", f.MinQty)
			}
		case "NOTIONAL", "MIN_NOTIONAL": // a market has the one or the other
			err = parse(&s.MinNotional, "minNotional", cmp.Or(f.MinNotional, f.Notional))
		}
		if err != nil {
			return s, err
		}
	}
	return s, nil
}

func parse(into *domain.Decimal, field, text string) (err error) {
	*into, err = domain.ParseUnsigned(field, text)
	return err
}
