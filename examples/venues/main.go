// Command venues shows the exchanges of the catalogue. None is built in.
package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/examples/internal/example"
)

func main() {
	example.Main("venues",
		example.Step{Name: "set, get, list", Basic: true, Run: set},
		example.Step{Name: "no secrets", Run: secrets},
		example.Step{Name: "delete with all symbols", Basic: true, Run: remove},
	)
}

// The name of this run, so that the next one finds nothing of it.
var exchange = strings.ToLower(example.Unique("example-"))

func set(ctx context.Context, c *client.Client, say example.Say) error {
	pos, err := c.Venues.Set(ctx, domain.Venue{
		Name: exchange, Title: "An example", Status: domain.VenueMaintenance, Params: map[string]string{"country": "NL"},
	})
	if err != nil {
		return err
	}
	if err := c.Wait(ctx, pos); err != nil {
		return err
	}
	venue, err := c.Venues.Get(ctx, exchange)
	if err != nil {
		return err
	}
	all, err := c.Venues.List(ctx)
	if err != nil {
		return err
	}
	listed := slices.ContainsFunc(all, func(v domain.Venue) bool { return v.Name == exchange })
	say("%s (%s) is in %s; %d venues", venue.Name, venue.Title, venue.Status, len(all))
	return example.Want(venue.Status == domain.VenueMaintenance && venue.Params["country"] == "NL" && listed, "%+v", venue)
}

func secrets(ctx context.Context, c *client.Client, say example.Say) error {
	// All can read the catalogue, so what is a secret by its name is refused.
	_, err := c.Venues.Set(ctx, domain.Venue{Name: exchange, Status: domain.VenueOpen, Params: map[string]string{"api_secret": "x"}})
	say("%v", err)
	return example.Want(errors.Is(err, domain.ErrInvalid), "%v", err)
}

func remove(ctx context.Context, c *client.Client, say example.Say) error {
	_, err := c.Symbols.Set(ctx, domain.Symbol{Exchange: exchange, Name: "BTC/USDT", VenueSymbol: "BTCUSDT", Base: "BTC", Quote: "USDT", Trading: true})
	if err != nil {
		return err
	}
	pos, err := c.Venues.Delete(ctx, exchange)
	if err != nil {
		return err
	}
	if err := c.Wait(ctx, pos); err != nil {
		return err
	}
	symbols, err := c.Symbols.List(ctx, exchange)
	if err != nil {
		return err
	}
	_, err = c.Venues.Get(ctx, exchange)
	say("%d symbols; %v", len(symbols), err)
	return example.Want(len(symbols) == 0 && errors.Is(err, domain.ErrNotFound), "%d symbols, %v", len(symbols), err)
}
