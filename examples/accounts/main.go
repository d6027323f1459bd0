// Command accounts shows balances and positions, and the difference between
// flat and unknown.
package main

import (
	"context"
	"errors"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/examples/internal/example"
)

func main() {
	example.Main("accounts",
		example.Step{Name: "balances", Basic: true, Run: balances},
		example.Step{Name: "positions", Basic: true, Run: positions},
		example.Step{Name: "replace all positions", Run: replace},
		example.Step{Name: "portfolio", Run: portfolio},
		example.Step{Name: "watch", Run: watch},
	)
}

const symbol = "BTC/USDT"

// account is one of this run's own, so that the next one finds nothing of it.
var account = example.Unique("account-")

func balances(ctx context.Context, c *client.Client, say example.Say) error {
	pos, err := c.Accounts.SetBalances(ctx, account, []domain.Balance{
		{Currency: "BTC", Total: domain.MustDecimal("1.5"), Free: domain.MustDecimal("1.2"), Used: domain.MustDecimal("0.3")},
		{Currency: "USDT", Total: domain.MustDecimal("10000"), Free: domain.MustDecimal("8500"), Used: domain.MustDecimal("1500")},
	})
	if err != nil {
		return err
	}
	if err := c.Wait(ctx, pos); err != nil {
		return err
	}
	btc, err := c.Accounts.Balance(ctx, account, "BTC")
	if err != nil {
		return err
	}
	all, err := c.Accounts.Balances(ctx, account)
	if err != nil {
		return err
	}
	say("BTC: %s, of which %s are free; %d currencies", btc.Total, btc.Free, len(all))
	return example.Want(btc.Total.String() == "1.5" && len(all) == 2, "%+v", btc)
}

func positions(ctx context.Context, c *client.Client, say example.Say) error {
	_, err := c.Accounts.Position(ctx, account, symbol)
	say("before anybody said: %v", err)
	if err := example.Want(errors.Is(err, domain.ErrNotFound), "%v", err); err != nil {
		return err
	}
	pos, err := c.Accounts.SetPosition(ctx, domain.Position{
		Account: account, Symbol: symbol, Volume: domain.MustDecimal("0.5"),
		Price: domain.MustDecimal("50000"), Cost: domain.MustDecimal("25000"),
	})
	if err != nil {
		return err
	}
	if err := c.Wait(ctx, pos); err != nil {
		return err
	}
	held, err := c.Accounts.Position(ctx, account, symbol)
	if err != nil {
		return err
	}
	other, err := c.Accounts.Position(ctx, account, "ETH/USDT")
	if err != nil {
		return err
	}
	say("%s %s; ETH/USDT is flat: %v", held.Volume, symbol, other.Flat())
	return example.Want(held.Volume.String() == "0.5" && other.Flat(), "%+v", held)
}

func replace(ctx context.Context, c *client.Client, say example.Say) error {
	pos, err := c.Accounts.ReplacePositions(ctx, account, []domain.Position{
		{Symbol: "ETH/USDT", Volume: domain.MustDecimal("-2"), Price: domain.MustDecimal("3000")},
	}, time.Time{})
	if err != nil {
		return err
	}
	if err := c.Wait(ctx, pos); err != nil {
		return err
	}
	all, err := c.Accounts.Positions(ctx, account)
	if err != nil {
		return err
	}
	say("%d position: %s %s", len(all), all[0].Volume, all[0].Symbol)
	return example.Want(len(all) == 1 && all[0].Symbol == "ETH/USDT", "%+v", all)
}

func portfolio(ctx context.Context, c *client.Client, say example.Say) error {
	pos, err := c.Ticks.Set(ctx, domain.Tick{Exchange: "binance", Symbol: symbol, Last: domain.MustDecimal("50000"), Time: time.Now()})
	if err != nil {
		return err
	}
	if err := c.Wait(ctx, pos); err != nil {
		return err
	}
	p, err := c.Accounts.Portfolio(ctx, account, "USDT")
	if err != nil {
		return err
	}
	// What has only a stale tick, or none, is named and left out of the total.
	say("worth %s USDT; complete: %v", p.Total, p.Complete())
	return example.Want(p.Total.String() == "85000" && p.Complete(), "%+v", p)
}

func watch(ctx context.Context, c *client.Client, say example.Say) error {
	for event, err := range c.Accounts.Watch(ctx, account) {
		if err != nil {
			return err
		}
		balance, ok := event.(domain.Balance)
		if !ok {
			continue
		}
		say("%s %s", balance.Total, balance.Currency)
		if balance.Total.String() == "2" {
			return nil
		}
		if _, err := c.Accounts.SetBalance(ctx, domain.Balance{Account: account, Currency: "BTC", Total: domain.MustDecimal("2")}); err != nil {
			return err
		}
	}
	return ctx.Err()
}
