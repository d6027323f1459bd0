package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/fullon/fullon/domain"
)

// Halt stops the trading of an exchange (without a Bot: of all bots there) or
// sets how far it is stopped. Time may be left zero: then it is the log's. A
// halt of one bot is stored together with the present state of the exchange, so
// that an order that is stored on the condition of the newest message of that is
// stored on the condition of all its halts.
func (b *Bots) Halt(ctx context.Context, halt domain.Halt) (domain.LogPosition, error) {
	if err := halt.Validate(); err != nil {
		return domain.LogPosition{}, err
	}
	if halt.Time.IsZero() {
		now, err := b.Now(ctx, halt.Exchange)
		if err != nil {
			return domain.LogPosition{}, err
		}
		halt.Time = now.UTC().Truncate(time.Millisecond)
	}
	return b.client.log.Halt(ctx, halt)
}

// HaltAll stops the trading of all exchanges, or sets how far it is stopped;
// domain.TradingActive ends that, and leaves the halts of single exchanges and
// bots. Each exchange has its own part of it, so that an order can be stored on
// the condition that there is no such halt; exchanges that are provisioned later
// inherit it. Exchanges that cannot be reached do not keep the others from being
// halted: the error names them, and matches what is wrong with them. Then do it
// again; on those that are halted already that changes nothing.
func (b *Bots) HaltAll(ctx context.Context, state domain.HaltState, reason string) error {
	done := make(map[string]bool)
	var failed error
	for {
		exchanges, err := b.client.Exchanges(ctx)
		if err != nil {
			return errors.Join(failed, fmt.Errorf("the exchanges are not known: %w", err))
		}
		exchanges = slices.DeleteFunc(exchanges, func(exchange string) bool { return done[exchange] })
		if len(exchanges) == 0 {
			return failed
		}
		// One that was made while the others were halted may not have inherited it,
		// so this is repeated until there is none.
		errs := make([]error, len(exchanges))
		var group sync.WaitGroup
		for i, exchange := range exchanges {
			done[exchange] = true
			group.Go(func() {
				if _, err := b.Halt(ctx, domain.Halt{Exchange: exchange, All: true, State: state, Reason: reason}); err != nil {
					errs[i] = fmt.Errorf("%s is not %s: %w", exchange, state, err)
				}
			})
		}
		group.Wait()
		failed = errors.Join(failed, errors.Join(errs...))
	}
}

// Resume lets the trading of an exchange go on (with a bot: of that bot). Halts
// of single bots stay when the exchange's ends, and the other way round.
func (b *Bots) Resume(ctx context.Context, exchange, bot string) (domain.LogPosition, error) {
	return b.Halt(ctx, domain.Halt{Exchange: exchange, Bot: bot, State: domain.TradingActive})
}

// Halts lists what is halted or reduced at an exchange: its part of a halt of all
// exchanges first, then its own, then those by bot; with an empty name that at all
// exchanges. Nothing in the list:
// trading is known to be active.
func (b *Bots) Halts(ctx context.Context, exchange string) ([]domain.Halt, error) {
	exchanges, err := b.exchanges(ctx, exchange)
	if err != nil {
		return nil, err
	}
	halts := []domain.Halt{}
	for _, name := range exchanges {
		rights, err := b.rights(ctx, name)
		if err != nil {
			return nil, err
		}
		for _, h := range rights.Halts {
			if h.State != domain.TradingActive {
				halts = append(halts, h)
			}
		}
	}
	slices.SortFunc(halts, func(x, y domain.Halt) int {
		return cmp.Or(cmp.Compare(x.Exchange, y.Exchange), compareBool(y.All, x.All), cmp.Compare(x.Bot, y.Bot))
	})
	return halts, nil
}

// compareBool sorts false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
