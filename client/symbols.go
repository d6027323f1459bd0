package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/fullon/fullon/domain"
)

// Symbols is the instruments of the catalogue, by exchange. Each is an event of
// its own, so writers of different ones do not disturb each other. The errors
// of writes and reads are those of Venues.
type Symbols struct{ client *Client }

// Set stores a symbol.
func (s *Symbols) Set(ctx context.Context, symbol domain.Symbol) (domain.LogPosition, error) {
	return s.client.log.Publish(ctx, symbol)
}

// Delete takes a symbol out of the catalogue. Its ticks, trades and positions
// stay.
func (s *Symbols) Delete(ctx context.Context, exchange, name string) (domain.LogPosition, error) {
	return s.client.log.Publish(ctx, domain.SymbolDeleted{Exchange: exchange, Name: name})
}

// Get reads a symbol by its unified name.
func (s *Symbols) Get(ctx context.Context, exchange, name string) (domain.Symbol, error) {
	if err := (domain.SymbolDeleted{Exchange: exchange, Name: name}).Validate(); err != nil {
		return domain.Symbol{}, err
	}
	return s.get(ctx, exchange, name, s.client.catalogue.Symbol)
}

// ByVenueSymbol reads the symbol that a venue calls so, like BTCUSDT. Of several
// that claim to be it the one counts that was stored last.
func (s *Symbols) ByVenueSymbol(ctx context.Context, exchange, venueSymbol string) (domain.Symbol, error) {
	if err := domain.CheckExchange(exchange); err != nil {
		return domain.Symbol{}, err
	}
	if err := domain.CheckVenueSymbol(venueSymbol); err != nil {
		return domain.Symbol{}, err
	}
	return s.get(ctx, exchange, venueSymbol, s.client.catalogue.SymbolByVenue)
}

// symbolReader reads a symbol by one of its names.
type symbolReader func(ctx context.Context, exchange, name string) (s domain.Symbol, found bool, at domain.Checkpoint, err error)

func (s *Symbols) get(ctx context.Context, exchange, name string, read symbolReader) (domain.Symbol, error) {
	var symbol domain.Symbol
	found := false
	err := s.client.catalogue.settled(ctx, func() (at domain.Checkpoint, err error) {
		symbol, found, at, err = read(ctx, exchange, name)
		return at, err
	})
	if err == nil && !found {
		err = fmt.Errorf("symbol %s %s: %w", exchange, name, domain.ErrNotFound)
	}
	if err != nil {
		return domain.Symbol{}, err
	}
	return symbol, nil
}

// Exists tells whether the catalogue has a symbol, halted ones included. With an
// error it is not known.
func (s *Symbols) Exists(ctx context.Context, exchange, name string) (bool, error) {
	_, err := s.Get(ctx, exchange, name)
	if errors.Is(err, domain.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// List reads all symbols of an exchange, by name. None is an empty result.
func (s *Symbols) List(ctx context.Context, exchange string) ([]domain.Symbol, error) {
	if err := domain.CheckExchange(exchange); err != nil {
		return nil, err
	}
	var symbols []domain.Symbol
	p := s.client.catalogue
	err := p.settled(ctx, func() (at domain.Checkpoint, err error) {
		symbols, at, err = p.Symbols(ctx, exchange)
		return at, err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(symbols, func(a, b domain.Symbol) int { return cmp.Compare(a.Name, b.Name) })
	return symbols, nil
}

// Exchanges names the exchanges that have symbols, sorted.
func (s *Symbols) Exchanges(ctx context.Context) ([]string, error) {
	var exchanges []string
	p := s.client.catalogue
	err := p.settled(ctx, func() (at domain.Checkpoint, err error) {
		exchanges, at, err = p.Catalogued(ctx)
		return at, err
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(exchanges)
	return exchanges, nil
}
