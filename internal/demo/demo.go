// Package demo has two bots that compete for the same markets, so that a new
// user sees blocks, queues, fills and positions at work. They are written as any
// bot would be: with the client and nothing else.
package demo

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/sourcegraph/conc/pool"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/pause"
)

// Config of the bots.
type Config struct {
	Exchange string
	Account  string
	Symbols  []string
	// Worth is what a bot buys for at once, in quote units.
	Worth domain.Decimal
	// Pause is about how long a bot rests between two trades, and holds what it
	// bought. Default 2 s.
	Pause time.Duration
	// Log takes what goes wrong. Default: slog.Default.
	Log *slog.Logger
}

// Bots are the names of the bots.
var Bots = []string{"demo-1", "demo-2"}

// Run lets the bots trade until ctx ends.
func Run(ctx context.Context, c *client.Client, cfg Config) error {
	if cfg.Pause == 0 {
		cfg.Pause = 2 * time.Second
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	group := pool.New().WithContext(ctx).WithCancelOnError().WithFirstError()
	for _, name := range Bots {
		b := &bot{client: c, cfg: cfg, name: name}
		group.Go(b.run)
	}
	return group.Wait()
}

// bot buys in a market that no other bot has, holds for a while and sells again.
type bot struct {
	client *client.Client
	cfg    Config
	name   string

	trades, outpaced int
}

func (b *bot) run(ctx context.Context) error {
	for ctx.Err() == nil {
		symbol := b.cfg.Symbols[rand.IntN(len(b.cfg.Symbols))]
		err := b.trade(ctx, symbol)
		switch {
		case errors.Is(err, domain.ErrConflict):
			b.outpaced++ // the other one has it
		case err != nil && ctx.Err() == nil:
			b.cfg.Log.Debug("demo bot", "bot", b.name, "symbol", symbol, "error", err)
		}
		b.say(ctx, symbol)
		b.rest(ctx)
	}
	return nil
}

// trade buys and sells once, with the right to do so.
func (b *bot) trade(ctx context.Context, symbol string) error {
	block, err := b.client.Bots.Block(ctx, client.BlockRequest{
		Exchange: b.cfg.Exchange, Symbol: symbol, Bot: b.name, For: 10 * time.Second,
	})
	if err != nil {
		return err
	}
	err = b.client.Bots.Holding(ctx, block, 10*time.Second, func(ctx context.Context) error {
		volume, err := b.volume(ctx, symbol)
		if err != nil {
			return err
		}
		bought, err := b.fill(ctx, symbol, domain.Buy, volume)
		if err != nil || bought.Filled.IsZero() {
			return err
		}
		b.rest(ctx)
		if _, err = b.fill(ctx, symbol, domain.Sell, bought.Filled); err == nil {
			b.trades++
		}
		return err
	})
	// Given back although ctx may have ended: else it would have to expire.
	returning, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	return errors.Join(err, b.client.Bots.Unblock(returning, block))
}

// volume is how much the bot buys: what Worth is worth, in the venue's steps.
func (b *bot) volume(ctx context.Context, symbol string) (domain.Decimal, error) {
	price, err := b.client.Ticks.Price(ctx, b.cfg.Exchange, symbol)
	if err != nil {
		return domain.Decimal{}, err
	}
	rules, err := b.client.Symbols.Get(ctx, b.cfg.Exchange, symbol)
	if err != nil {
		return domain.Decimal{}, err
	}
	volume, err := b.cfg.Worth.Div(price)
	if err != nil {
		return domain.Decimal{}, err
	}
	rounded, _, err := rules.RoundVolume(volume)
	return rounded, err
}

// fill pushes a market order and waits until it has ended.
func (b *bot) fill(ctx context.Context, symbol string, side domain.Side, volume domain.Decimal) (domain.Order, error) {
	order, _, err := b.client.Orders.Push(ctx, domain.Order{Exchange: b.cfg.Exchange, OrderTerms: domain.OrderTerms{
		Account: b.cfg.Account, Bot: b.name, Symbol: symbol, Side: side, Type: domain.Market, Volume: volume,
		Expires: time.Now().Add(5 * time.Second),
	}})
	if err != nil {
		return order, err
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for now, err := range b.client.Orders.Watch(ctx, client.OrderFilter{Exchange: b.cfg.Exchange, Bot: b.name}) {
		if err == nil && now.ID == order.ID && now.Status.Final() {
			return now, nil
		}
	}
	return order, ctx.Err()
}

// say tells others how the bot is doing. That this fails does not stop it.
func (b *bot) say(ctx context.Context, symbol string) {
	_, err := b.client.Bots.UpdateStatus(ctx, domain.BotStatus{Bot: b.name, Feed: "demo", Time: time.Now(), Fields: map[string]string{
		"last_symbol": symbol, "trades": strconv.Itoa(b.trades), "outpaced": strconv.Itoa(b.outpaced),
	}})
	if err != nil && ctx.Err() == nil {
		b.cfg.Log.Debug("demo bot", "bot", b.name, "error", err)
	}
}

func (b *bot) rest(ctx context.Context) {
	pause.For(ctx, b.cfg.Pause/2+rand.N(b.cfg.Pause))
}
