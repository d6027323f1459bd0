package bybit

import (
	"context"
	"fmt"
	"net/url"
	"strconv"

	"github.com/fullon/fullon/domain"
)

const (
	// pageSymbols is the most that the venue lists at once; of spot it always
	// lists all.
	pageSymbols = 1000
	// maxPages bounds the requests for one category.
	maxPages = 20
)

// instrument is the part of a catalogue's entry that is used.
type instrument struct {
	Symbol   string `json:"symbol"`
	Contract string `json:"contractType"` // of linear
	Status   string `json:"status"`
	Base     string `json:"baseCoin"`
	Quote    string `json:"quoteCoin"`
	Settle   string `json:"settleCoin"` // of linear
	Prices   struct {
		Tick string `json:"tickSize"`
	} `json:"priceFilter"`
	Lots struct {
		Min string `json:"minOrderQty"`
		// Of spot and of linear.
		SpotStep          string `json:"basePrecision"`
		LinearStep        string `json:"qtyStep"`
		SpotMinNotional   string `json:"minOrderAmt"`
		LinearMinNotional string `json:"minNotionalValue"`
	} `json:"lotSizeFilter"`
}

// Symbols implements venue.Adapter: spot symbols and linear perpetuals that the
// venue trades. Contracts with a date of delivery are no part of it; an entry
// that cannot be used (a name or a number out of bounds) is left out and logged.
// Errors are those of venue.REST.Get, venue.ErrRefused, and one that matches
// domain.ErrInvalid if the answer makes no sense.
func (a *Adapter) Symbols(ctx context.Context) ([]domain.Symbol, error) {
	var symbols []domain.Symbol
	for _, c := range []category{spot, linear} {
		list, err := a.instruments(ctx, c)
		if err != nil {
			return nil, fmt.Errorf("catalogue of %s: %w", c, err)
		}
		for _, i := range list {
			if c == linear && i.Contract != "LinearPerpetual" {
				continue
			}
			s, err := a.symbol(c, i)
			if err != nil {
				a.Cfg.Logger.WarnContext(ctx, "symbol left out of the catalogue", "exchange", a.Cfg.Exchange, "category", c, "symbol", i.Symbol, "error", err)
				continue
			}
			symbols = append(symbols, s)
		}
	}
	return symbols, nil
}

// instruments lists a category, which is never empty and never only in part.
func (a *Adapter) instruments(ctx context.Context, c category) ([]instrument, error) {
	query := url.Values{"category": {string(c)}, "limit": {strconv.Itoa(pageSymbols)}}
	var list []instrument
	for range maxPages {
		page, err := get[struct {
			List   []instrument `json:"list"`
			Cursor string       `json:"nextPageCursor"`
		}](ctx, a.REST, "/v5/market/instruments-info", query)
		if err != nil {
			return nil, err
		}
		list = append(list, page.List...)
		switch {
		case len(list) == 0:
			return nil, domain.Invalid("list", "", "at least one symbol")
		case page.Cursor == "", len(page.List) == 0:
			return list, nil
		}
		// It comes in the form in which it stands in an address.
		cursor, err := url.QueryUnescape(page.Cursor)
		if err != nil || cursor == query.Get("cursor") {
			return nil, domain.Invalid("nextPageCursor", page.Cursor, "the place of another page")
		}
		query.Set("cursor", cursor)
	}
	return nil, domain.Invalid("nextPageCursor", "", fmt.Sprintf("an end after %d pages", maxPages))
}

func (a *Adapter) symbol(c category, i instrument) (s domain.Symbol, err error) {
	s = domain.Symbol{
		Exchange: a.Cfg.Exchange, VenueSymbol: i.Symbol, Base: i.Base, Quote: i.Quote, Trading: i.Status == "Trading",
	}
	step, minNotional := i.Lots.SpotStep, i.Lots.SpotMinNotional
	if c == linear {
		s.Settle, step, minNotional = i.Settle, i.Lots.LinearStep, i.Lots.LinearMinNotional
	}
	s.Name = domain.SymbolName(s.Base, s.Quote, s.Settle)
	spelled, err := VenueSymbol(s.Name)
	if err == nil && spelled != i.Symbol { // then it could not be subscribed by its name
		err = domain.Invalid("symbol", i.Symbol, spelled)
	}
	if err != nil {
		return s, err
	}
	for _, f := range []struct {
		into       *domain.Decimal
		name, text string
	}{
		{&s.TickSize, "tickSize", i.Prices.Tick},
		{&s.LotSize, "lot size", step},
		{&s.MinVolume, "minOrderQty", i.Lots.Min},
		{&s.MinNotional, "least notional", minNotional},
	} {
		if f.text == "" {
			continue // not every symbol has every filter
		}
		if *f.into, err = domain.ParseUnsigned(f.name, f.text); err != nil {
			return s, err
		}
	}
	return s, s.Validate()
}
