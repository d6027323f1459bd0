package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sourcegraph/conc"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
)

const (
	orderSymbols = 6
	orderBots    = 3
	orderPause   = 120 * time.Millisecond // at most between two of a bot
)

// orderLoad pushes orders, and cancels those that rest.
type orderLoad struct {
	seed   uint64
	client *client.Client
	pushed *atomic.Int64 // acknowledged
	wrong  chan string
}

func newOrderLoad(seed uint64, c *client.Client) orderLoad {
	return orderLoad{seed: seed, client: c, pushed: new(atomic.Int64), wrong: make(chan string, 100)}
}

func orderSymbol(i int) string { return fmt.Sprintf("C%02d/USDT", i) }

// fill makes the markets known.
func (l orderLoad) fill(ctx context.Context) error {
	for i := range orderSymbols {
		symbol := orderSymbol(i)
		base, _, _ := strings.Cut(symbol, "/")
		err := retry(ctx, func() error {
			_, err := l.client.Symbols.Set(ctx, domain.Symbol{
				Exchange: exchange, Name: symbol, VenueSymbol: base + "USDT", Base: base, Quote: "USDT", Trading: true,
			})
			return err
		})
		if err != nil {
			return err
		}
		now := time.Now()
		err = retry(ctx, func() error {
			_, err := l.client.Ticks.Set(ctx, domain.Tick{Exchange: exchange, Symbol: symbol, Last: number(100), Bid: number(99), Ask: number(101), Received: now})
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// run pushes orders until ctx ends. What a bot began it ends.
func (l orderLoad) run(ctx context.Context) {
	var bots conc.WaitGroup
	for i := range orderBots {
		random := rand.New(rand.NewPCG(l.seed, uint64(2000+i)))
		bots.Go(func() {
			for n := 0; rest(ctx, time.Duration(random.Int64N(int64(orderPause)))); n++ {
				l.push(context.WithoutCancel(ctx), domain.Order{
					ID: fmt.Sprintf("o-%d-%d", i, n), Exchange: exchange, OrderTerms: domain.OrderTerms{
						Account: orderAccount, Bot: fmt.Sprintf("bot-%d", i), Symbol: orderSymbol(random.IntN(orderSymbols)),
						Side: domain.Buy, Type: domain.Limit, Volume: number(2), Price: number(100),
						Expires: time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond),
					},
				})
			}
		})
	}
	bots.Wait()
}

// push pushes one order until that is sure.
func (l orderLoad) push(ctx context.Context, o domain.Order) {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	err := retry(ctx, func() error {
		_, _, err := l.client.Orders.Push(ctx, o)
		if errors.Is(err, domain.ErrConflict) || errors.Is(err, domain.ErrInvalid) {
			l.complain(fmt.Sprintf("order %s cannot be pushed: %v", o.ID, err))
			return nil
		}
		if err == nil {
			l.pushed.Add(1)
		}
		return err
	})
	if err != nil {
		l.complain(fmt.Sprintf("order %s was not pushed: %v", o.ID, err))
	}
}

func (l orderLoad) complain(text string) {
	select {
	case l.wrong <- text:
	default: // enough is said
	}
}

// cancel has the orders cancelled that rest at the venue, until ctx ends.
func (l orderLoad) cancel(ctx context.Context) {
	for rest(ctx, 200*time.Millisecond) {
		resting, err := l.client.Orders.Resting(ctx, exchange)
		for _, o := range resting {
			if err == nil && !o.CancelRequested && time.Since(o.Updated) > 2*orderTimeout {
				_, _ = l.client.Orders.Cancel(ctx, exchange, o.ID) // again with the next look
			}
		}
	}
}

func (l orderLoad) figures() string { return fmt.Sprintf("%d orders pushed", l.pushed.Load()) }
