// Command symbols shows the instruments of an exchange, and what orders of one
// must be like.
package main

import (
	"context"
	"errors"
	"strings"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/examples/internal/example"
)

func main() {
	example.Main("symbols",
		example.Step{Name: "set, get, exists", Basic: true, Run: set},
		example.Step{Name: "round a volume, check an order", Basic: true, Run: filters},
		example.Step{Name: "replace all", Run: replace},
		example.Step{Name: "watch", Run: watch},
		example.Step{Name: "delete", Basic: true, Run: remove},
	)
}

// The name of this run, so that the next one finds nothing of it.
var exchange = strings.ToLower(example.Unique("example-"))

var btc = domain.Symbol{
	Exchange: exchange, Name: "BTC/USDT", VenueSymbol: "XBTUSDT", Base: "BTC", Quote: "USDT", Trading: true,
	TickSize: domain.MustDecimal("0.1"), LotSize: domain.MustDecimal("0.001"), MinNotional: domain.MustDecimal("10"),
}

func set(ctx context.Context, c *client.Client, say example.Say) error {
	pos, err := c.Symbols.Set(ctx, btc)
	if err != nil {
		return err
	}
	if err := c.Wait(ctx, pos); err != nil {
		return err
	}
	stored, err := c.Symbols.Get(ctx, exchange, "BTC/USDT")
	if err != nil {
		return err
	}
	same, err := c.Symbols.ByVenueSymbol(ctx, exchange, "XBTUSDT")
	if err != nil {
		return err
	}
	there, err := c.Symbols.Exists(ctx, exchange, "ETH/USDT")
	if err != nil {
		return err // not known
	}
	say("%s is called %s there; ETH/USDT exists: %v", stored.Name, same.VenueSymbol, there)
	return example.Want(stored.Same(btc) && same.Name == stored.Name && !there, "%+v", stored)
}

func filters(_ context.Context, _ *client.Client, say example.Say) error {
	volume, rest, err := btc.RoundVolume(domain.MustDecimal("0.0105"))
	if err != nil {
		return err
	}
	_, _, tooSmall := btc.RoundVolume(domain.MustDecimal("0.0005")) // never nothing without saying so
	say("volume %s, %s is left; %v", volume, rest, tooSmall)
	order := domain.OrderTerms{Symbol: "BTC/USDT", Side: domain.Buy, Type: domain.Limit, Volume: domain.MustDecimal("0.001"), Price: domain.MustDecimal("5000.0")}
	worth := btc.Check(order, domain.Decimal{})
	say("an order worth 5 USDT: %v", worth)
	return example.Want(volume.String() == "0.01" && rest.String() == "0.0005" && errors.Is(tooSmall, domain.ErrInvalid) && errors.Is(worth, domain.ErrInvalid),
		"%s, %s, %v, %v", volume, rest, tooSmall, worth)
}

func replace(ctx context.Context, c *client.Client, say example.Say) error {
	eth := domain.Symbol{Name: "ETH/USDT", VenueSymbol: "ETHUSDT", Base: "ETH", Quote: "USDT", Trading: true}
	changed := btc
	changed.Trading = false
	changes, pos, err := c.Symbols.Replace(ctx, exchange, []domain.Symbol{changed, eth})
	if err != nil {
		return err
	}
	if err := c.Wait(ctx, pos); err != nil {
		return err
	}
	all, err := c.Symbols.List(ctx, exchange)
	if err != nil {
		return err
	}
	say("%+v; %d symbols", changes, len(all))
	return example.Want(changes == client.SymbolChanges{Added: 1, Changed: 1} && len(all) == 2, "%+v", changes)
}

func watch(ctx context.Context, c *client.Client, say example.Say) error {
	gone := false
	for event, err := range c.Symbols.Watch(ctx, exchange) {
		if err != nil {
			return err
		}
		switch ev := event.(type) {
		case domain.Symbol:
			say("%s, traded: %v", ev.Name, ev.Trading)
			if ev.Name != "ETH/USDT" || gone {
				continue
			}
			gone = true
			if _, err := c.Symbols.Delete(ctx, exchange, ev.Name); err != nil {
				return err
			}
		case domain.SymbolDeleted:
			say("%s is gone", ev.Name)
			return nil
		}
	}
	return ctx.Err()
}

func remove(ctx context.Context, c *client.Client, say example.Say) error {
	pos, err := c.Symbols.Delete(ctx, exchange, "BTC/USDT")
	if err != nil {
		return err
	}
	if err := c.Wait(ctx, pos); err != nil {
		return err
	}
	_, err = c.Symbols.Get(ctx, exchange, "BTC/USDT")
	say("%v", err)
	return example.Want(errors.Is(err, domain.ErrNotFound), "%v", err)
}
