package compose

import (
	"context"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/console"
)

// Account is the id of an account.
type Account string

// UnmarshalText reads an account's id.
func (a *Account) UnmarshalText(text []byte) error {
	*a = Account(text)
	return domain.CheckAccount(string(text))
}

// Currency is the name of a currency.
type Currency string

// UnmarshalText reads a currency's name.
func (c *Currency) UnmarshalText(text []byte) error {
	*c = Currency(text)
	return domain.CheckCurrency(string(text))
}

// SignedAmount is an amount that may be negative.
type SignedAmount struct{ domain.Decimal }

// UnmarshalText reads an amount.
func (a *SignedAmount) UnmarshalText(text []byte) error {
	d, err := domain.ParseDecimal("amount", string(text))
	if err != nil {
		return notAllowed(string(text), "a decimal number of at most 19 digits before and 19 after the point")
	}
	a.Decimal = d
	return nil
}

// FillLimit bounds a list of fills.
type FillLimit int

// UnmarshalText reads a limit.
func (c *FillLimit) UnmarshalText(text []byte) error {
	return number(c, text, 1, client.MaxFills, "a whole number")
}

type account struct {
	Account Account `arg:"" help:"Account, like 1001 or kraken-main."`
}

// AccountsCommand is 'fullon get accounts'.
type AccountsCommand struct{ Look }

// Run prints the accounts.
func (c *AccountsCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error { return k.Accounts(ctx) })
}

// BalancesCommand is 'fullon get balances'.
type BalancesCommand struct {
	account
	Currency Currency `arg:"" optional:"" help:"Currency, like USDT; none: all."`
	Look
}

// Run prints the balances.
func (c *BalancesCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error {
		return k.Balances(ctx, string(c.Account), string(c.Currency))
	})
}

// PositionsCommand is 'fullon get positions'.
type PositionsCommand struct {
	account
	Symbol Symbol `arg:"" optional:"" help:"Unified symbol; none: all."`
	Look
}

// Run prints the positions.
func (c *PositionsCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error {
		return k.Positions(ctx, string(c.Account), string(c.Symbol))
	})
}

// PortfolioCommand is 'fullon get portfolio'.
type PortfolioCommand struct {
	account
	Quote Currency `default:"USDT" help:"Currency to value in."`
	Look
}

// Run prints what the account is worth.
func (c *PortfolioCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error {
		return k.Portfolio(ctx, string(c.Account), string(c.Quote))
	})
}

// DifferencesCommand is 'fullon get differences'.
type DifferencesCommand struct {
	Account Account `arg:"" optional:"" help:"Account; none: all."`
	Look
}

// Run prints the differences.
func (c *DifferencesCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error { return k.Differences(ctx, string(c.Account)) })
}

// FillsCommand is 'fullon get fills'.
type FillsCommand struct {
	account
	Exchange Exchange  `arg:"" optional:"" help:"Exchange, like binance; none: how each exchange's fills are doing."`
	Limit    FillLimit `default:"20" help:"How many at most."`
	Look
}

// Run prints the fills; it takes none away.
func (c *FillsCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error {
		if c.Exchange == "" {
			return k.FillStatus(ctx, string(c.Account))
		}
		return k.Fills(ctx, string(c.Account), string(c.Exchange), int(c.Limit))
	})
}

// SetBalanceCommand is 'fullon set balance'.
type SetBalanceCommand struct {
	account
	Currency Currency      `arg:"" help:"Currency, like USDT."`
	Total    SignedAmount  `arg:"" help:"All of it. One that is negative goes behind --."`
	Free     *SignedAmount `placeholder:"AMOUNT" help:"What may be used for orders (default: the total less what is used)."`
	Used     Amount        `placeholder:"AMOUNT" help:"What orders and positions bind."`
	Look
}

// Run stores the balance and prints it as readers see it.
func (c *SetBalanceCommand) Run() error {
	b := domain.Balance{
		Account: string(c.Account), Currency: string(c.Currency), Total: c.Total.Decimal, Used: c.Used.Decimal,
		Free: c.Total.Sub(c.Used.Decimal), Time: time.Now(),
	}
	if c.Free != nil {
		b.Free = c.Free.Decimal
	}
	if err := b.Validate(); err != nil {
		return err
	}
	return c.with(true, func(ctx context.Context, k console.Console) error { return k.SetBalance(ctx, b) })
}

// SetPositionCommand is 'fullon set position'.
type SetPositionCommand struct {
	account
	Symbol   Symbol       `arg:"" help:"Unified symbol, like BTC/USDT:USDT."`
	Volume   Amount       `arg:"" help:"Base units; 0 is flat."`
	Short    bool         `help:"The volume is sold, not bought."`
	Price    Amount       `placeholder:"PRICE" help:"Average price of entry."`
	Cost     Amount       `placeholder:"AMOUNT" help:"Quote units that entering it took (default: price times volume)."`
	Fee      SignedAmount `placeholder:"AMOUNT" help:"Quote units paid in fees."`
	Realised SignedAmount `placeholder:"AMOUNT" help:"Quote units won by what was closed."`
	Exchange Exchange     `placeholder:"NAME" help:"Where it is held."`
	Look
}

// Run stores the position and prints it as readers see it.
func (c *SetPositionCommand) Run() error {
	p := domain.Position{
		Account: string(c.Account), Symbol: string(c.Symbol), Exchange: string(c.Exchange), Volume: c.Volume.Decimal, Price: c.Price.Decimal,
		Cost: c.Cost.Decimal, Fee: c.Fee.Decimal, Realised: c.Realised.Decimal, Time: time.Now(),
	}
	if p.Cost.IsZero() {
		p.Cost = p.Price.Mul(p.Volume)
	}
	if c.Short {
		p.Volume = p.Volume.Neg()
	}
	if err := p.Validate(); err != nil {
		return err
	}
	return c.with(true, func(ctx context.Context, k console.Console) error { return k.SetPosition(ctx, p) })
}

// DeletePositionCommand is 'fullon delete position'.
type DeletePositionCommand struct {
	account
	Symbol Symbol `arg:"" help:"Unified symbol, like BTC/USDT:USDT."`
	Look
}

// Run removes the position: the account is flat there.
func (c *DeletePositionCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error {
		return k.DeletePosition(ctx, string(c.Account), string(c.Symbol))
	})
}

// WatchAccountCommand is 'fullon watch account'.
type WatchAccountCommand struct {
	account
	Look
}

// Run prints balances and positions until a signal ends it.
func (c *WatchAccountCommand) Run() error {
	return c.with(false, func(ctx context.Context, k console.Console) error { return k.WatchAccount(ctx, string(c.Account)) })
}
