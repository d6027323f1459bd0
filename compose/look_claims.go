package compose

import (
	"context"
	"fmt"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/console"
)

// Bot is the id of a bot.
type Bot string

// UnmarshalText reads a bot's id.
func (b *Bot) UnmarshalText(text []byte) error {
	*b = Bot(text)
	return domain.CheckBot(string(text))
}

// ClaimPeriod is how long a claim lasts without renewal.
type ClaimPeriod time.Duration

// UnmarshalText reads a span like 30s or 10m.
func (p *ClaimPeriod) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err != nil || d < domain.MinClaim || d > domain.MaxClaim {
		return notAllowed(string(text), "a time span from "+domain.MinClaim.String()+" to "+domain.MaxClaim.String()+", like 30s")
	}
	*p = ClaimPeriod(d)
	return nil
}

// Reason is a text for people.
type Reason string

// UnmarshalText reads a reason.
func (r *Reason) UnmarshalText(text []byte) error {
	if len(text) > domain.MaxReasonBytes {
		return notAllowed(string(text), fmt.Sprintf("at most %d bytes", domain.MaxReasonBytes))
	}
	*r = Reason(text)
	return nil
}

// claimTarget is a market and the bot that acts there.
type claimTarget struct {
	market
	Bot Bot `required:"" placeholder:"BOT" help:"The bot, like grid-1."`
}

// claimTerms are what a claim is asked for with.
type claimTerms struct {
	For     ClaimPeriod `default:"30s" help:"How long it lasts without renewal."`
	Account Account     `placeholder:"ID" help:"Account that the bot trades with."`
	Exposed bool        `help:"It does not expire while the bot has an order or the account a position there."`
}

func (t claimTarget) request(terms claimTerms) client.BlockRequest {
	return client.BlockRequest{
		Exchange: string(t.Exchange), Symbol: string(t.Symbol), Bot: string(t.Bot), Account: string(terms.Account),
		For: time.Duration(terms.For), Exposed: terms.Exposed,
	}
}

// BlockCommand is 'fullon block'.
type BlockCommand struct {
	claimTarget
	claimTerms
	Takeover bool `help:"Take one that has expired although its bot has an order or a position: you see to those."`
	Look
}

// Run gets the block and prints it.
func (c *BlockCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error {
		return k.Claim(ctx, domain.KindBlock, c.request(c.claimTerms), c.Takeover)
	})
}

// RenewCommand is 'fullon renew'.
type RenewCommand struct {
	claimTarget
	For ClaimPeriod `default:"30s" help:"How long it lasts from now on."`
	Look
}

// Run renews the block and prints it.
func (c *RenewCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error {
		return k.RenewClaim(ctx, domain.KindBlock, string(c.Exchange), string(c.Symbol), string(c.Bot), time.Duration(c.For))
	})
}

// UnblockCommand is 'fullon unblock'.
type UnblockCommand struct {
	claimTarget
	Look
}

// Run gives the block back and prints it.
func (c *UnblockCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error {
		return k.GiveBackClaim(ctx, domain.KindBlock, string(c.Exchange), string(c.Symbol), string(c.Bot))
	})
}

type maybeExchange struct {
	Exchange Exchange `arg:"" optional:"" help:"Exchange, like binance; none: all."`
}

// BlocksCommand is 'fullon blocks'.
type BlocksCommand struct {
	maybeExchange
	Look
}

// Run prints the blocks.
func (c *BlocksCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error {
		return k.Claims(ctx, domain.KindBlock, string(c.Exchange))
	})
}

// OpeningCommand is 'fullon opening'.
type OpeningCommand struct {
	Mark   MarkCommand     `cmd:"" help:"Get the right of a bot to open a position in a market."`
	Unmark UnmarkCommand   `cmd:"" help:"Give it back."`
	List   OpeningsCommand `cmd:"" help:"Who is opening a position where."`
}

// MarkCommand is 'fullon opening mark'.
type MarkCommand struct {
	claimTarget
	claimTerms
	Look
}

// Run gets the opening mark and prints it.
func (c *MarkCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error {
		return k.Claim(ctx, domain.KindOpening, c.request(c.claimTerms), false)
	})
}

// UnmarkCommand is 'fullon opening unmark'.
type UnmarkCommand struct {
	claimTarget
	Look
}

// Run gives the opening mark back and prints it.
func (c *UnmarkCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error {
		return k.GiveBackClaim(ctx, domain.KindOpening, string(c.Exchange), string(c.Symbol), string(c.Bot))
	})
}

// OpeningsCommand is 'fullon opening list'.
type OpeningsCommand struct {
	maybeExchange
	Look
}

// Run prints the opening marks.
func (c *OpeningsCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error {
		return k.Claims(ctx, domain.KindOpening, string(c.Exchange))
	})
}

type haltTarget struct {
	Exchange Exchange `arg:"" optional:"" help:"Exchange, like binance."`
	Bot      Bot      `placeholder:"BOT" help:"Only this bot (default: all of the exchange)."`
	All      bool     `help:"All exchanges, also those that are added later."`
}

// set says how far trading is stopped.
func (t haltTarget) set(ctx context.Context, k console.Console, state domain.HaltState, reason string) error {
	if t.All {
		return k.HaltAll(ctx, state, reason)
	}
	return k.Halt(ctx, domain.Halt{Exchange: string(t.Exchange), Bot: string(t.Bot), State: state, Reason: reason})
}

// check tells what is wrong with the target, before anything is asked.
func (t haltTarget) check() error {
	switch {
	case t.All && t.Exchange != "":
		return domain.Invalid("--all", string(t.Exchange), "no exchange beside it")
	case t.All && t.Bot != "":
		return domain.Invalid("--all", string(t.Bot), "no bot beside it")
	case !t.All && t.Exchange == "":
		return domain.Invalid("<exchange>", "", "an exchange, like binance, or --all for all of them")
	}
	return nil
}

// HaltCommand is 'fullon halt'.
type HaltCommand struct {
	haltTarget
	ReduceOnly bool   `help:"Orders that make positions smaller still go."`
	Reason     Reason `placeholder:"TEXT" help:"Why, for people."`
	Look
}

// Run stops trading and prints what is halted.
func (c *HaltCommand) Run() error {
	state := domain.TradingHalted
	if c.ReduceOnly {
		state = domain.TradingReduceOnly
	}
	if err := c.check(); err != nil {
		return err
	}
	return c.with(true, func(ctx context.Context, k console.Console) error { return c.set(ctx, k, state, string(c.Reason)) })
}

// ResumeCommand is 'fullon resume'.
type ResumeCommand struct {
	haltTarget
	Look
}

// Run lets trading go on and prints what is still halted.
func (c *ResumeCommand) Run() error {
	if err := c.check(); err != nil {
		return err
	}
	return c.with(true, func(ctx context.Context, k console.Console) error { return c.set(ctx, k, domain.TradingActive, "") })
}

// HaltsCommand is 'fullon halts'.
type HaltsCommand struct {
	maybeExchange
	Look
}

// Run prints what is halted.
func (c *HaltsCommand) Run() error {
	return c.with(true, func(ctx context.Context, k console.Console) error { return k.Halts(ctx, string(c.Exchange)) })
}

// WatchBlocksCommand is 'fullon watch blocks'.
type WatchBlocksCommand struct {
	Exchange Exchange `arg:"" help:"Exchange, like binance."`
	Look
}

// Run prints blocks and opening marks until a signal ends it.
func (c *WatchBlocksCommand) Run() error {
	return c.with(false, func(ctx context.Context, k console.Console) error { return k.WatchClaims(ctx, string(c.Exchange)) })
}
