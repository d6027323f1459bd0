// Command bots shows the rights to trade: of any number of bots one has a market,
// until it gives it back, or has died and its time is over.
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
	example.Main("bots",
		example.Step{Name: "block, is blocked, unblock", Basic: true, Run: block},
		example.Step{Name: "renew", Run: renew},
		example.Step{Name: "a bot that died", Run: deadBot},
		example.Step{Name: "take over", Run: takeover},
		example.Step{Name: "opening marks", Basic: true, Run: opening},
		example.Step{Name: "halt and resume", Run: halt},
		example.Step{Name: "status of each feed", Basic: true, Run: status},
	)
}

const exchange = "bybit"

// The names of this run, so that the next one finds nothing of it.
var one, two, base = example.Unique("one-"), example.Unique("two-"), example.Unique("C")

func request(bot, quote string) client.BlockRequest {
	return client.BlockRequest{Exchange: exchange, Symbol: base + "/" + quote, Bot: bot, For: time.Minute}
}

func block(ctx context.Context, c *client.Client, say example.Say) error {
	mine, err := c.Bots.Block(ctx, request(one, "USDT"))
	if err != nil {
		return err // another has it, or that is not known: either way it must not trade
	}
	_, err = c.Bots.Block(ctx, request(two, "USDT"))
	var held *client.HeldError
	if err := example.Want(errors.As(err, &held) && held.Claim.Bot == one, "%v", err); err != nil {
		return err
	}
	say("%v", err)
	if err := c.Bots.Sync(ctx, exchange); err != nil {
		return err // readers see all that was stored before
	}
	claim, blocked, err := c.Bots.IsBlocked(ctx, exchange, mine.Symbol)
	if err != nil {
		return err // not known is not free
	}
	say("%s has %s until %s, token %d", claim.Bot, claim.Symbol, claim.Expires.UTC().Format(time.TimeOnly), claim.Token())
	if err := c.Bots.Unblock(ctx, mine); err != nil {
		return err
	}
	if err := c.Bots.Sync(ctx, exchange); err != nil {
		return err
	}
	theirs, err := c.Bots.Block(ctx, request(two, "USDT"))
	if err != nil {
		return err
	}
	if err := c.Bots.Unblock(ctx, theirs); err != nil {
		return err
	}
	return example.Want(blocked && claim.Bot == one && theirs.Token() > mine.Token(), "%+v", claim)
}

func renew(ctx context.Context, c *client.Client, say example.Say) error {
	claim, err := c.Bots.Block(ctx, request(one, "EUR"))
	if err != nil {
		return err
	}
	longer, err := c.Bots.Renew(ctx, claim, time.Hour)
	if err != nil {
		return err
	}
	say("until %s, then until %s", claim.Expires.UTC().Format(time.TimeOnly), longer.Expires.UTC().Format(time.TimeOnly))
	// Holding renews it for as long as the function runs, and ends its context when
	// that is in vain.
	err = c.Bots.Holding(ctx, longer, time.Minute, func(ctx context.Context) error { return ctx.Err() })
	if err != nil {
		return err
	}
	if err := c.Bots.Unblock(ctx, longer); err != nil {
		return err
	}
	return example.Want(longer.Token() == claim.Token() && longer.Expires.After(claim.Expires), "%+v", longer)
}

// await tries until nobody else has what is asked for.
func await(ctx context.Context, ask func(context.Context, client.BlockRequest) (domain.Claim, error), r client.BlockRequest) (domain.Claim, error) {
	for {
		claim, err := ask(ctx, r)
		if !errors.Is(err, domain.ErrConflict) || ctx.Err() != nil {
			return claim, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func deadBot(ctx context.Context, c *client.Client, say example.Say) error {
	short := request(one, "BTC")
	short.For = domain.MinClaim // and nobody renews it
	before, err := c.Bots.Block(ctx, short)
	if err != nil {
		return err
	}
	after, err := await(ctx, c.Bots.Block, request(two, "BTC"))
	if err != nil {
		return err
	}
	// The first one may only have been asleep: what it stores now is refused.
	err = c.Bots.Unblock(ctx, before)
	say("token %d, then %d; the first bot gives back: %v", before.Token(), after.Token(), err)
	if err := c.Bots.Unblock(ctx, after); err != nil {
		return err
	}
	return example.Want(after.Token() > before.Token() && errors.Is(err, domain.ErrConflict), "%+v, %v", after, err)
}

func takeover(ctx context.Context, c *client.Client, say example.Say) error {
	account := example.Unique("account-")
	exposed := request(one, "ETH")
	exposed.For, exposed.Account, exposed.Exposed = domain.MinClaim, account, true
	pos, err := c.Accounts.SetPosition(ctx, domain.Position{Account: account, Symbol: exposed.Symbol, Volume: domain.MustDecimal("2")})
	if err != nil {
		return err
	}
	if err := c.Wait(ctx, pos); err != nil {
		return err
	}
	if _, err := c.Bots.Block(ctx, exposed); err != nil {
		return err
	}
	// It has expired soon, but its bot has left a position.
	claim, err := await(ctx, c.Bots.Takeover, request(two, "ETH"))
	if err != nil {
		return err
	}
	say("%s has it, with what %s has left", claim.Bot, one)
	if err := c.Bots.Unblock(ctx, claim); err != nil {
		return err
	}
	return example.Want(claim.Bot == two, "%+v", claim)
}

func opening(ctx context.Context, c *client.Client, say example.Say) error {
	mark, err := c.Bots.MarkOpening(ctx, request(one, "USDT"))
	if err != nil {
		return err
	}
	_, err = c.Bots.MarkOpening(ctx, request(two, "USDT"))
	if err := example.Want(errors.Is(err, domain.ErrConflict), "two bots open a position: %v", err); err != nil {
		return err
	}
	if err := c.Bots.Sync(ctx, exchange); err != nil {
		return err
	}
	claim, marked, err := c.Bots.IsOpening(ctx, exchange, mark.Symbol)
	if err != nil {
		return err
	}
	say("%s opens a position in %s", claim.Bot, claim.Symbol)
	if err := c.Bots.UnmarkOpening(ctx, mark); err != nil {
		return err
	}
	return example.Want(marked && claim.Bot == one, "%+v", claim)
}

func halt(ctx context.Context, c *client.Client, say example.Say) error {
	// Without a bot it is the whole exchange.
	pos, err := c.Bots.Halt(ctx, domain.Halt{Exchange: exchange, Bot: one, State: domain.TradingReduceOnly, Reason: "loss of the day"})
	if err != nil {
		return err
	}
	if err := c.Wait(ctx, pos); err != nil {
		return err
	}
	halted, err := own(ctx, c)
	if err != nil {
		return err
	}
	for _, h := range halted {
		say("%s: %s, %s", h.Bot, h.State, h.Reason)
	}
	if pos, err = c.Bots.Resume(ctx, exchange, one); err != nil {
		return err
	}
	if err := c.Wait(ctx, pos); err != nil {
		return err
	}
	after, err := own(ctx, c)
	if err != nil {
		return err
	}
	return example.Want(len(halted) == 1 && len(after) == 0, "%+v, then %+v", halted, after)
}

// own are the halts of this example's bot.
func own(ctx context.Context, c *client.Client) (own []domain.Halt, err error) {
	halts, err := c.Bots.Halts(ctx, exchange)
	for _, h := range halts {
		if h.Bot == one {
			own = append(own, h)
		}
	}
	return own, err
}

func status(ctx context.Context, c *client.Client, say example.Say) error {
	var pos domain.LogPosition
	for _, feed := range []string{"btc", "eth", "btc"} { // each feed has its own
		var err error
		pos, err = c.Bots.UpdateStatus(ctx, domain.BotStatus{Bot: one, Feed: feed, Fields: map[string]string{"position": "flat"}})
		if err != nil {
			return err
		}
	}
	if err := c.Wait(ctx, pos); err != nil {
		return err
	}
	feeds, err := c.Bots.Status(ctx, one)
	if err != nil {
		return err
	}
	for _, f := range feeds {
		say("%s %s: %v", f.Bot, f.Feed, f.Fields)
	}
	if _, err := c.Bots.DeleteStatus(ctx, one, ""); err != nil {
		return err
	}
	return example.Want(len(feeds) == 2, "%d feeds", len(feeds))
}
