package client

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/fullon/fullon/bus"
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
	if halt.Bot == "" {
		return b.client.log.Publish(ctx, halt)
	}
	var pos domain.LogPosition
	var err error
	for range claimTries {
		if pos, err = b.haltBot(ctx, halt); !errors.Is(err, domain.ErrConflict) {
			return pos, err
		}
	}
	return pos, err
}

func (b *Bots) haltBot(ctx context.Context, halt domain.Halt) (domain.LogPosition, error) {
	// Tells an exchange without a stream from one that was never halted.
	if _, err := b.extent(ctx, halt.Exchange); err != nil {
		return domain.LogPosition{}, err
	}
	all := domain.Halt{Exchange: halt.Exchange, State: domain.TradingActive, Time: halt.Time}
	event, seq, err := b.newest(ctx, all.Key())
	if err != nil {
		return domain.LogPosition{}, err
	}
	if seq != 0 {
		all = event.(domain.Halt)
	}
	_, its, err := b.newest(ctx, halt.Key())
	if err != nil {
		return domain.LogPosition{}, err
	}
	return b.client.log.Commit(ctx, bus.Change{Event: halt, Last: its}, bus.Change{Event: all, Last: seq})
}

// Resume lets the trading of an exchange go on (with a bot: of that bot). Halts
// of single bots stay when the exchange's ends, and the other way round.
func (b *Bots) Resume(ctx context.Context, exchange, bot string) (domain.LogPosition, error) {
	return b.Halt(ctx, domain.Halt{Exchange: exchange, Bot: bot, State: domain.TradingActive})
}

// Halts lists what is halted or reduced at an exchange, the exchange's own first,
// then by bot; with an empty name that at all exchanges. Nothing in the list:
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
		return cmp.Or(cmp.Compare(x.Exchange, y.Exchange), cmp.Compare(x.Bot, y.Bot))
	})
	return halts, nil
}
