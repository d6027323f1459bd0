package console

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/table"
)

type claimView struct {
	Kind     string     `json:"kind"`
	Exchange string     `json:"exchange"`
	Symbol   string     `json:"symbol"`
	Bot      string     `json:"bot"`
	Account  string     `json:"account"`
	Token    uint64     `json:"token"`
	Granted  *time.Time `json:"granted"`
	Expires  *time.Time `json:"expires"`
	Exposed  bool       `json:"exposed"`
	Expired  bool       `json:"expired"`
	Released bool       `json:"released"`
	Sequence uint64     `json:"sequence"`
}

func viewClaim(c domain.Claim, now time.Time) claimView {
	return claimView{
		Kind: string(c.Kind), Exchange: c.Exchange, Symbol: c.Symbol, Bot: c.Bot, Account: c.Account, Token: c.Token(),
		Granted: moment(c.Granted), Expires: moment(c.Expires), Exposed: c.Exposed, Expired: !c.Released && !c.HeldAt(now),
		Released: c.Released, Sequence: c.Sequence,
	}
}

var claimColumns = []table.Column{
	{Title: "EXCHANGE"}, {Title: "SYMBOL"}, {Title: "BOT"}, {Title: "ACCOUNT"}, {Title: "TOKEN", Align: table.Right},
	{Title: "EXPIRES"}, {Title: "LEFT", Align: table.Right}, {},
}

func claimRow(c domain.Claim, now time.Time) []string {
	left, note, account := "-", "", c.Account
	switch {
	case c.Released:
		note = "given back"
	case !c.HeldAt(now) && c.Exposed:
		note = "EXPIRED, but not while its bot has an order or a position"
	case !c.HeldAt(now):
		note = "EXPIRED, the next one who asks gets it"
	default:
		left = age(max(0, c.Expires.Sub(now)))
		if c.Exposed {
			note = "tied to exposure"
		}
	}
	if account == "" {
		account = "-"
	}
	return []string{c.Exchange, c.Symbol, c.Bot, account, strconv.FormatUint(c.Token(), 10), clock(c.Expires), left, note}
}

// claimVerbs are the verbs of one kind of claims.
type claimVerbs struct {
	get      func(context.Context, client.BlockRequest) (domain.Claim, error)
	renew    func(context.Context, domain.Claim, time.Duration) (domain.Claim, error)
	giveBack func(context.Context, domain.Claim) error
	is       func(context.Context, string, string) (domain.Claim, bool, error)
	all      func(context.Context, string) ([]domain.Claim, error)
}

func (c Console) claims(kind domain.Kind) claimVerbs {
	b := c.Client.Bots
	if kind == domain.KindOpening {
		return claimVerbs{b.MarkOpening, b.RenewOpening, b.UnmarkOpening, b.IsOpening, b.Openings}
	}
	return claimVerbs{b.Block, b.Renew, b.Unblock, b.IsBlocked, b.Blocks}
}

// Claim gets a block or an opening mark for a bot, waits until readers see it
// and prints it. With takeover it also takes a block that has expired although
// its bot is exposed.
func (c Console) Claim(ctx context.Context, kind domain.Kind, request client.BlockRequest, takeover bool) error {
	get := c.claims(kind).get
	if takeover {
		get = c.Client.Bots.Takeover
	}
	claim, err := get(ctx, request)
	if err != nil {
		return err
	}
	return c.claimed(ctx, claim)
}

// RenewClaim makes the claim of a bot last longer and prints it. The error
// matches domain.ErrNotFound when nobody has one, domain.ErrConflict when it is
// another bot's.
func (c Console) RenewClaim(ctx context.Context, kind domain.Kind, exchange, symbol, bot string, last time.Duration) error {
	claim, err := c.claimOf(ctx, kind, exchange, symbol, bot)
	if err == nil {
		claim, err = c.claims(kind).renew(ctx, claim, last)
	}
	if err != nil {
		return err
	}
	return c.claimed(ctx, claim)
}

// GiveBackClaim gives the claim of a bot back and prints it. Its errors are those
// of RenewClaim.
func (c Console) GiveBackClaim(ctx context.Context, kind domain.Kind, exchange, symbol, bot string) error {
	claim, err := c.claimOf(ctx, kind, exchange, symbol, bot)
	if err == nil {
		err = c.claims(kind).giveBack(ctx, claim)
	}
	if err != nil {
		return err
	}
	claim.Released = true
	return c.claimed(ctx, claim)
}

// claimOf is the claim that the market has, in the name of a bot: if it is not
// that bot's, those who are asked to change it say so.
func (c Console) claimOf(ctx context.Context, kind domain.Kind, exchange, symbol, bot string) (domain.Claim, error) {
	claim, _, err := c.claims(kind).is(ctx, exchange, symbol)
	if err == nil && claim.Bot == "" {
		err = fmt.Errorf("%s of %s %s: %w: nobody has it", kind, exchange, symbol, domain.ErrNotFound)
	}
	claim.Bot = bot
	return claim, err
}

// claimed waits until readers see what became of a claim, and prints it.
func (c Console) claimed(ctx context.Context, claim domain.Claim) error {
	if err := c.Client.Bots.Sync(ctx, claim.Exchange); err != nil {
		return fmt.Errorf("stored, but no projector has folded it yet: %w", err)
	}
	return c.printClaims(ctx, []domain.Claim{claim})
}

func (c Console) printClaims(ctx context.Context, claims []domain.Claim) error {
	now := make(map[string]time.Time) // by exchange
	for _, claim := range claims {
		at, err := c.Client.Bots.Now(ctx, claim.Exchange)
		if err != nil {
			return err
		}
		now[claim.Exchange] = at
	}
	return list(c.Printer, claims, func(x domain.Claim) any { return viewClaim(x, now[x.Exchange]) },
		claimColumns, func(x domain.Claim) []string { return claimRow(x, now[x.Exchange]) })
}

// Claims prints the blocks or opening marks at an exchange, at all when that is
// empty, those that have expired included.
func (c Console) Claims(ctx context.Context, kind domain.Kind, exchange string) error {
	claims, err := c.claims(kind).all(ctx, exchange)
	if err != nil {
		return err
	}
	if len(claims) == 0 {
		c.Printer.remark("free: it is known that nobody has a " + map[domain.Kind]string{
			domain.KindBlock: "block", domain.KindOpening: "mark of opening",
		}[kind])
		return nil
	}
	return c.printClaims(ctx, claims)
}

// WatchClaims prints the present blocks and opening marks at an exchange and
// each change until ctx ends.
func (c Console) WatchClaims(ctx context.Context, exchange string) error {
	away := outage{printer: c.Printer}
	for claim, err := range c.Client.Bots.Watch(ctx, exchange) {
		if away.is(err) || errors.Is(err, domain.ErrUnknown) {
			continue // it goes on
		}
		if err != nil {
			return err
		}
		now, err := c.Client.Bots.Now(ctx, exchange)
		if err != nil {
			return err
		}
		if c.Printer.JSON {
			err = c.Printer.object(viewClaim(claim, now))
		} else {
			cells := append([]string{string(claim.Kind)}, claimRow(claim, now)...)
			_, err = fmt.Fprintln(c.Printer.Out, strings.TrimRight(strings.Join(cells, "  "), " "))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

type haltView struct {
	Exchange string     `json:"exchange"`
	Bot      string     `json:"bot"`
	Scope    string     `json:"scope"` // all, exchange or bot
	State    string     `json:"state"`
	Reason   string     `json:"reason"`
	Time     *time.Time `json:"time"`
	Sequence uint64     `json:"sequence"`
}

var haltColumns = []table.Column{{Title: "EXCHANGE"}, {Title: "BOT"}, {Title: "SCOPE"}, {Title: "STATE"}, {Title: "TIME"}, {Title: "REASON"}}

// Halt stops trading or lets it go on, waits until readers see it and prints
// what is halted at the exchange then.
func (c Console) Halt(ctx context.Context, halt domain.Halt) error {
	if err := c.visible(ctx)(c.Client.Bots.Halt(ctx, halt)); err != nil {
		return err
	}
	return c.Halts(ctx, halt.Exchange)
}

// HaltAll stops the trading of all exchanges or lets it go on, waits until readers
// see it and prints what is halted then.
func (c Console) HaltAll(ctx context.Context, state domain.HaltState, reason string) error {
	if err := c.Client.Bots.HaltAll(ctx, state, reason); err != nil {
		return fmt.Errorf("not at all exchanges: %w", err)
	}
	exchanges, err := c.Client.Exchanges(ctx)
	if err != nil {
		return err
	}
	for _, exchange := range exchanges {
		if err := c.Client.Bots.Sync(ctx, exchange); err != nil {
			return fmt.Errorf("stored, but no projector has folded it yet: %w", err)
		}
	}
	return c.Halts(ctx, "")
}

// scopeOf says how far a halt reaches.
func scopeOf(h domain.Halt) string {
	switch {
	case h.All:
		return "all"
	case h.Bot == "":
		return "exchange"
	}
	return "bot"
}

// Halts prints what is halted at an exchange, at all when that is empty.
func (c Console) Halts(ctx context.Context, exchange string) error {
	halts, err := c.Client.Bots.Halts(ctx, exchange)
	if err != nil {
		return err
	}
	if len(halts) == 0 {
		c.Printer.remark("active: it is known that nothing is halted")
		return nil
	}
	return list(c.Printer, halts, func(h domain.Halt) any {
		return haltView{h.Exchange, h.Bot, scopeOf(h), h.State.String(), h.Reason, moment(h.Time), h.Sequence}
	}, haltColumns, func(h domain.Halt) []string {
		bot := h.Bot
		if bot == "" {
			bot = "all"
		}
		return []string{h.Exchange, bot, scopeOf(h), h.State.String(), clock(h.Time), h.Reason}
	})
}
