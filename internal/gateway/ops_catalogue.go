package gateway

import (
	"context"

	"github.com/fullon/fullon/domain"
)

func catalogueOperations() []operation {
	return []operation{
		define(operation{name: "get_venues", aliases: []string{"get_exchanges"}, area: market, about: "the venues of the catalogue"}, getVenues),
		define(operation{name: "get_symbols", area: market, about: "the symbols of a venue"}, getSymbols),
		define(operation{name: "get_symbol", area: market, about: "a symbol of a venue, with its tick size, lot size and minimums"}, getSymbol),
		define(operation{name: "get_venue_errors", area: market, about: "what went wrong with a venue, the newest last"}, getVenueErrors),
	}
}

// Venues are the venues of the catalogue.
type Venues struct {
	Venues []Venue `json:"venues"`
	// Markets are the exchanges that have or had ticks, in the catalogue or not.
	Markets []string `json:"markets"`
	// Orders are the exchanges that orders can be stored for.
	Orders []string `json:"orders"`
}

// Venue is a venue.
type Venue struct {
	Exchange  string            `json:"exchange"`
	Title     string            `json:"title"`
	Status    string            `json:"status"` // open, maintenance or closed
	Params    map[string]string `json:"params"`
	Timestamp *Time             `json:"timestamp"`
}

func getVenues(ctx context.Context, r *request, _ *noParams) (Venues, error) {
	out := Venues{Venues: []Venue{}}
	all, err := r.client().Venues.List(ctx)
	if err != nil {
		return out, err
	}
	for _, v := range all {
		out.Venues = append(out.Venues, Venue{v.Name, v.Title, v.Status.String(), v.Params, knownTime(v.Time)})
	}
	if out.Markets, err = r.client().Ticks.Exchanges(ctx); err != nil {
		return out, err
	}
	out.Orders, err = r.client().Exchanges(ctx)
	return out, err
}

// Symbol is a symbol of a venue. What is not known is null.
type Symbol struct {
	Exchange    string  `json:"exchange"`
	Symbol      string  `json:"symbol"`
	VenueSymbol string  `json:"venue_symbol"`
	Base        string  `json:"base"`
	Quote       string  `json:"quote"`
	Settle      string  `json:"settle"` // empty: spot
	TickSize    *Number `json:"tick_size"`
	LotSize     *Number `json:"lot_size"`
	MinVolume   *Number `json:"min_volume"`
	MinNotional *Number `json:"min_notional"`
	Trading     bool    `json:"trading"`
}

func viewSymbol(s domain.Symbol) Symbol {
	return Symbol{
		s.Exchange, s.Name, s.VenueSymbol, s.Base, s.Quote, s.Settle, known(s.TickSize), known(s.LotSize), known(s.MinVolume), known(s.MinNotional), s.Trading,
	}
}

// Symbols are the symbols of a venue.
type Symbols struct {
	Exchange string   `json:"exchange"`
	Symbols  []Symbol `json:"symbols"`
}

func getSymbols(ctx context.Context, r *request, p *exchangeParams) (Symbols, error) {
	all, err := r.client().Symbols.List(ctx, p.Exchange)
	out := Symbols{p.Exchange, make([]Symbol, 0, len(all))}
	for _, s := range all {
		out.Symbols = append(out.Symbols, viewSymbol(s))
	}
	return out, err
}

type oneSymbolParams struct {
	Exchange    string `json:"exchange" need:"yes"`
	Symbol      string `json:"symbol"`
	VenueSymbol string `json:"venue_symbol"`
}

func (p *oneSymbolParams) check() error {
	if (p.Symbol == "") == (p.VenueSymbol == "") {
		return domain.Invalid("symbol", p.Symbol, "either symbol or venue_symbol")
	}
	return nil
}

func getSymbol(ctx context.Context, r *request, p *oneSymbolParams) (Symbol, error) {
	var s domain.Symbol
	var err error
	if p.Symbol != "" {
		s, err = r.client().Symbols.Get(ctx, p.Exchange, p.Symbol)
	} else {
		s, err = r.client().Symbols.ByVenueSymbol(ctx, p.Exchange, p.VenueSymbol)
	}
	return viewSymbol(s), notFound(err, "SYMBOL_NOT_FOUND")
}

type errorsParams struct {
	Exchange string `json:"exchange" need:"yes"`
	Limit    int    `json:"limit"` // default 100
}

// VenueErrors is what went wrong with a venue.
type VenueErrors struct {
	Exchange string       `json:"exchange"`
	Errors   []VenueError `json:"errors"`
}

// VenueError is one of them.
type VenueError struct {
	Error     string `json:"error"`
	Timestamp Time   `json:"timestamp"`
}

func getVenueErrors(ctx context.Context, r *request, p *errorsParams) (VenueErrors, error) {
	if p.Limit == 0 {
		p.Limit = 100
	}
	all, err := r.client().VenueErrors.List(ctx, p.Exchange, p.Limit)
	out := VenueErrors{p.Exchange, make([]VenueError, 0, len(all))}
	for _, e := range all {
		out.Errors = append(out.Errors, VenueError{e.Text, Time{e.Time}})
	}
	return out, err
}
