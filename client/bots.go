package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fullon/fullon/domain"
)

// Bots has what bots are allowed: blocks, opening marks and halts.
//
// A block is the right of one bot to trade in a market, an opening mark its
// right to open a position there. Either is granted, renewed and given back in
// the log, each under the condition that nobody else has been there since, so
// that of any number of bots one has it. It ends when it is given back, or when
// it has expired for domain.ClaimMargin and another bot takes it; one with
// Exposed not before its bot is flat there. Times are the log's: what the clocks
// of the bots say does not matter.
//
// What a bot does in the name of a block or a mark must be stored on the condition of its
// Sequence, as orders are: a bot that was paused does not know that it has lost
// it. The Token of each grant is higher than all before it in its market.
//
// What is not known is an error and never "free". The errors match
// domain.ErrConflict (somebody else has it: a *HeldError tells who),
// domain.ErrInvalid, domain.ErrNotFound for an exchange without a stream of
// orders, domain.ErrUnreachable, or domain.ErrUnknown for what cannot be read and
// while Redis is being folded anew, after having waited for it for two seconds.
// After a write with domain.ErrUnreachable it may have been stored: ask again.
type Bots struct {
	client *Client

	mu     sync.Mutex
	clocks map[string]logClock // by exchange
}

func newBots(c *Client) *Bots { return &Bots{client: c, clocks: make(map[string]logClock)} }

// BlockRequest asks for a block or an opening mark.
type BlockRequest struct {
	Exchange string
	Symbol   string
	Bot      string        // who is to have it
	Account  string        // that the bot trades with; needed for Exposed to heed its position
	For      time.Duration // until it expires, domain.MinClaim to domain.MaxClaim; zero: DefaultClaim
	// Exposed ties it to what the bot has at stake: while the bot has an order in
	// the market that is not final, or Account a position, it does not expire. As
	// long as nobody has said what Account holds, that is not known, and nobody
	// gets it.
	Exposed bool
}

// DefaultClaim is how long a claim lasts if nobody says.
const DefaultClaim = 30 * time.Second

// HeldError tells who has what was asked for. It matches domain.ErrConflict.
type HeldError struct {
	Claim domain.Claim
}

func (e *HeldError) Error() string {
	c := e.Claim
	text := fmt.Sprintf("%s of %s %s: %v: bot %s has it until %s", c.Kind, c.Exchange, c.Symbol, domain.ErrConflict, c.Bot, c.Expires.UTC().Format(time.RFC3339Nano))
	if c.Exposed {
		text += ", and while it has an order or a position there"
	}
	return text
}

// Is makes every HeldError match domain.ErrConflict.
func (e *HeldError) Is(target error) bool { return target == domain.ErrConflict }

// Block gets the right to trade in a market. A bot that has it already gets it
// renewed, with the same token (with another Account or Exposed: granted anew).
// One of another bot that has expired is taken over, unless that bot is exposed.
// The error is a *HeldError while another bot has it; for a moment after that
// one gave it back this may still be said.
func (b *Bots) Block(ctx context.Context, request BlockRequest) (domain.Claim, error) {
	return b.grant(ctx, domain.KindBlock, request, false)
}

// Takeover is Block that also takes one that has expired although its bot is
// exposed: for who sees to what the other one has left. One that has not expired
// it does not take.
func (b *Bots) Takeover(ctx context.Context, request BlockRequest) (domain.Claim, error) {
	return b.grant(ctx, domain.KindBlock, request, true)
}

// Renew makes a block last for so long from now on; zero: DefaultClaim. It may
// have expired, if nobody has taken it. The error matches domain.ErrConflict when
// the claim is not its bot's any more.
func (b *Bots) Renew(ctx context.Context, claim domain.Claim, last time.Duration) (domain.Claim, error) {
	return b.renew(ctx, domain.KindBlock, claim, last)
}

// Unblock gives a block back. Only who has it can: the error matches
// domain.ErrConflict when the claim is not its bot's any more. Giving it back
// again does nothing.
func (b *Bots) Unblock(ctx context.Context, claim domain.Claim) error {
	return b.giveBack(ctx, domain.KindBlock, claim)
}

// IsBlocked tells whether a bot has the right to trade in a market, and which
// one: then no other can get it. A claim that comes with false has expired. After
// an error neither is known.
func (b *Bots) IsBlocked(ctx context.Context, exchange, symbol string) (domain.Claim, bool, error) {
	return b.isHeld(ctx, domain.KindBlock, exchange, symbol)
}

// Blocks lists the blocks at an exchange that were not given back, by symbol;
// with an empty name those at all exchanges. Some may have expired: see Now.
func (b *Bots) Blocks(ctx context.Context, exchange string) ([]domain.Claim, error) {
	return b.list(ctx, domain.KindBlock, exchange)
}

// MarkOpening gets the right to open a position in a market; see Block.
func (b *Bots) MarkOpening(ctx context.Context, request BlockRequest) (domain.Claim, error) {
	return b.grant(ctx, domain.KindOpening, request, false)
}

// RenewOpening makes an opening mark last longer; see Renew.
func (b *Bots) RenewOpening(ctx context.Context, claim domain.Claim, last time.Duration) (domain.Claim, error) {
	return b.renew(ctx, domain.KindOpening, claim, last)
}

// UnmarkOpening gives an opening mark back; see Unblock.
func (b *Bots) UnmarkOpening(ctx context.Context, claim domain.Claim) error {
	return b.giveBack(ctx, domain.KindOpening, claim)
}

// IsOpening tells whether a bot is opening a position in a market, and which
// one; see IsBlocked.
func (b *Bots) IsOpening(ctx context.Context, exchange, symbol string) (domain.Claim, bool, error) {
	return b.isHeld(ctx, domain.KindOpening, exchange, symbol)
}

// Openings lists the opening marks at an exchange; see Blocks.
func (b *Bots) Openings(ctx context.Context, exchange string) ([]domain.Claim, error) {
	return b.list(ctx, domain.KindOpening, exchange)
}

func (b *Bots) isHeld(ctx context.Context, kind domain.Kind, exchange, symbol string) (domain.Claim, bool, error) {
	claim, held, err := b.read(ctx, kind, exchange, symbol)
	if err == nil && held {
		held, err = b.keepsOut(ctx, claim)
	}
	if err != nil {
		return domain.Claim{}, false, err
	}
	return claim, held, nil
}

// read reads a claim that was not given back from Redis.
func (b *Bots) read(ctx context.Context, kind domain.Kind, exchange, symbol string) (claim domain.Claim, held bool, err error) {
	if err := checkMarket(exchange, symbol); err != nil {
		return claim, false, err
	}
	p := b.client.exchange(exchange)
	err = p.settled(ctx, func() (at domain.Checkpoint, err error) {
		claim, held, at, err = p.Claim(ctx, kind, symbol)
		return at, err
	})
	return claim, held, err
}

// keepsOut tells whether a claim that was not given back keeps others out.
func (b *Bots) keepsOut(ctx context.Context, claim domain.Claim) (bool, error) {
	now, err := b.Now(ctx, claim.Exchange)
	if err != nil {
		return false, err
	}
	if claim.HeldAt(now) {
		return true, nil
	}
	return b.exposed(ctx, claim)
}

// exposed tells whether a claim is tied to what its bot has at stake, and it has
// something at stake. What is not known is an error.
func (b *Bots) exposed(ctx context.Context, claim domain.Claim) (bool, error) {
	if !claim.Exposed {
		return false, nil
	}
	p, live := b.client.exchange(claim.Exchange), false
	err := p.settled(ctx, func() (at domain.Checkpoint, err error) {
		live, at, err = p.HasLiveOrder(ctx, claim.Bot, claim.Symbol)
		return at, err
	})
	if err != nil || live {
		return live, err
	}
	if claim.Account == "" {
		return false, nil
	}
	position, err := b.client.Accounts.Position(ctx, claim.Account, claim.Symbol)
	if err != nil {
		// Not said is not flat, and not "no such exchange" either.
		if errors.Is(err, domain.ErrNotFound) {
			err = fmt.Errorf("%w: nobody has said what account %s holds", domain.ErrUnknown, claim.Account)
		}
		return false, fmt.Errorf("%s of %s %s has expired, but not if bot %s is exposed: %w",
			claim.Kind, claim.Exchange, claim.Symbol, claim.Bot, err)
	}
	return !position.Flat(), nil
}

func (b *Bots) list(ctx context.Context, kind domain.Kind, exchange string) ([]domain.Claim, error) {
	exchanges, err := b.exchanges(ctx, exchange)
	if err != nil {
		return nil, err
	}
	claims := []domain.Claim{}
	for _, name := range exchanges {
		rights, err := b.rights(ctx, name)
		if err != nil {
			return nil, err
		}
		for _, c := range rights.Claims {
			if c.Kind == kind && !c.Released {
				claims = append(claims, c)
			}
		}
	}
	slices.SortFunc(claims, compareClaims)
	return claims, nil
}

func compareClaims(a, b domain.Claim) int {
	return strings.Compare(a.Exchange+" "+a.Symbol, b.Exchange+" "+b.Symbol)
}

// exchanges are the named one, or all.
func (b *Bots) exchanges(ctx context.Context, exchange string) ([]string, error) {
	if exchange == "" {
		return b.client.Exchanges(ctx)
	}
	return []string{exchange}, domain.CheckExchange(exchange)
}
