package ws

import (
	"context"
	"fmt"

	"github.com/fullon/fullon/domain"
)

// Venues is the venues of the catalogue.
type Venues struct{ client *Client }

// List reads the venues of the catalogue.
func (v *Venues) List(ctx context.Context) ([]domain.Venue, error) {
	found, err := get[struct {
		Venues []struct {
			Exchange, Title, Status string
			Params                  map[string]string
			Timestamp               seconds
		}
	}](ctx, v.client, "get_venues", nil)
	venues := make([]domain.Venue, len(found.Venues))
	for i, f := range found.Venues {
		status, wrong := domain.ParseVenueStatus(f.Status)
		if wrong != nil {
			return nil, unknown(wrong)
		}
		venues[i] = domain.Venue{Name: f.Exchange, Title: f.Title, Status: status, Params: f.Params, Time: f.Timestamp.Time}
	}
	return venues, err
}

// Get reads a venue. The error matches domain.ErrNotFound for one that the
// catalogue does not have.
func (v *Venues) Get(ctx context.Context, name string) (domain.Venue, error) {
	all, err := v.List(ctx)
	if err != nil {
		return domain.Venue{}, err
	}
	for _, found := range all {
		if found.Name == name {
			return found, nil
		}
	}
	return domain.Venue{}, fmt.Errorf("venue %s: %w", domain.Shorten(name, domain.MaxNameBytes), domain.ErrNotFound)
}

// Exchanges are those that orders can be stored for.
func (c *Client) Exchanges(ctx context.Context) ([]string, error) {
	v, err := get[struct{ Orders []string }](ctx, c, "get_venues", nil)
	return v.Orders, err
}

// Symbols is the symbols of venues.
type Symbols struct{ client *Client }

type symbolView struct {
	Exchange    string         `json:"exchange"`
	Name        string         `json:"symbol"`
	VenueSymbol string         `json:"venue_symbol"`
	Base        string         `json:"base"`
	Quote       string         `json:"quote"`
	Settle      string         `json:"settle"`
	TickSize    domain.Decimal `json:"tick_size"`
	LotSize     domain.Decimal `json:"lot_size"`
	MinVolume   domain.Decimal `json:"min_volume"`
	MinNotional domain.Decimal `json:"min_notional"`
	Trading     bool           `json:"trading"`
}

func (v symbolView) symbol() domain.Symbol {
	return domain.Symbol{
		Exchange: v.Exchange, Name: v.Name, VenueSymbol: v.VenueSymbol, Base: v.Base, Quote: v.Quote, Settle: v.Settle, TickSize: v.TickSize,
		LotSize: v.LotSize, MinVolume: v.MinVolume, MinNotional: v.MinNotional, Trading: v.Trading,
	}
}

// Get reads a symbol by its name.
func (s *Symbols) Get(ctx context.Context, exchange, name string) (domain.Symbol, error) {
	v, err := get[symbolView](ctx, s.client, "get_symbol", market(exchange, name))
	return v.symbol(), err
}

// ByVenueSymbol reads a symbol by the venue's spelling of it.
func (s *Symbols) ByVenueSymbol(ctx context.Context, exchange, venueSymbol string) (domain.Symbol, error) {
	v, err := get[symbolView](ctx, s.client, "get_symbol", map[string]any{"exchange": exchange, "venue_symbol": venueSymbol})
	return v.symbol(), err
}

// List reads the symbols of a venue.
func (s *Symbols) List(ctx context.Context, exchange string) ([]domain.Symbol, error) {
	v, err := get[struct{ Symbols []symbolView }](ctx, s.client, "get_symbols", venue(exchange))
	symbols := make([]domain.Symbol, len(v.Symbols))
	for i, found := range v.Symbols {
		symbols[i] = found.symbol()
	}
	return symbols, err
}

// VenueErrors is what went wrong with venues.
type VenueErrors struct{ client *Client }

// List reads the newest limit errors of a venue, the newest last.
func (e *VenueErrors) List(ctx context.Context, exchange string, limit int) ([]domain.VenueError, error) {
	if limit < 1 {
		return nil, invalidLimit(limit)
	}
	v, err := get[struct {
		Errors []struct {
			Error     string
			Timestamp seconds
		}
	}](ctx, e.client, "get_venue_errors", map[string]any{"exchange": exchange, "limit": limit})
	found := make([]domain.VenueError, len(v.Errors))
	for i, told := range v.Errors {
		found[i] = domain.VenueError{Exchange: exchange, Text: told.Error, Time: told.Timestamp.Time}
	}
	return found, err
}
