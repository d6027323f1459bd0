package compose

import (
	"context"
	"slices"
	"strings"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/console"
	"github.com/fullon/fullon/internal/sim"
	"github.com/fullon/fullon/internal/venue/venues"
)

// VenueCommand is 'fullon venue'.
type VenueCommand struct {
	List        VenueListCommand        `cmd:"" help:"What is followed of each venue, by which process, and which stand by."`
	Subscribe   VenueSubscribeCommand   `cmd:"" help:"Follow more symbols of a venue."`
	Unsubscribe VenueUnsubscribeCommand `cmd:"" help:"No longer follow symbols of a venue, and remove their ticks."`
}

// venuesToFollow are the venues that can be followed, sorted.
func venuesToFollow() []string { return slices.Sorted(slices.Values(append(venues.Names(), simVenue))) }

// VenueListCommand is 'fullon venue list'.
type VenueListCommand struct{ Look }

// Run prints the feeds.
func (c *VenueListCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error { return k.Feeds(ctx, venuesToFollow()) })
}

// venueSymbols are symbols of a venue that can be followed.
type venueSymbols struct {
	Exchange Venue    `arg:"" help:"Venue, like binance; of 'fullon up': sim."`
	Symbols  []Symbol `arg:"" name:"symbol" help:"Unified symbols, like BTC/USDT."`
}

// names are the symbols. The error is a *domain.FieldError that names the first
// one that the venue cannot have.
func (v venueSymbols) names() ([]string, error) {
	spelled, known := venues.Find(string(v.Exchange))
	var names []string
	for _, symbol := range v.Symbols {
		if known {
			if _, err := spelled.Spell(string(symbol)); err != nil {
				return nil, domain.Invalid("symbol", string(symbol), spelled.Symbols)
			}
		} else if !simHas(string(symbol)) {
			return nil, domain.Invalid("symbol", string(symbol), "symbols of the simulated venue: "+strings.Join(simSymbols(), ", "))
		}
		names = append(names, string(symbol))
	}
	return names, nil
}

// simSymbols are the symbols of the simulated venue.
func simSymbols() (names []string) {
	for _, s := range sim.DefaultSymbols() {
		names = append(names, s.Name)
	}
	return names
}

func simHas(symbol string) bool { return slices.Contains(simSymbols(), symbol) }

// VenueSubscribeCommand is 'fullon venue subscribe'.
type VenueSubscribeCommand struct {
	venueSymbols
	Look
}

// Run has symbols followed.
func (c *VenueSubscribeCommand) Run() error {
	names, err := c.names()
	if err != nil {
		return err
	}
	return c.with(true, func(ctx context.Context, k console.Console) error { return k.Subscribe(ctx, string(c.Exchange), names) })
}

// VenueUnsubscribeCommand is 'fullon venue unsubscribe'.
type VenueUnsubscribeCommand struct {
	venueSymbols
	Look
}

// Run has symbols followed no longer.
func (c *VenueUnsubscribeCommand) Run() error {
	names, err := c.names()
	if err != nil {
		return err
	}
	return c.with(true, func(ctx context.Context, k console.Console) error {
		return k.Unsubscribe(ctx, string(c.Exchange), names)
	})
}
