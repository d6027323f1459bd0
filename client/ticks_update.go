package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
)

// TickPatch is what Update changes of a tick; nil stays as it is.
type TickPatch struct {
	Last, Bid, BidSize, Ask, AskSize, Volume *domain.Decimal

	Time     time.Time // the venue's; zero stays as it is
	VenueSeq uint64    // zero stays as it is
}

func (p TickPatch) apply(t domain.Tick) domain.Tick {
	for _, f := range [...]struct{ into, from *domain.Decimal }{
		{&t.Last, p.Last}, {&t.Bid, p.Bid}, {&t.BidSize, p.BidSize}, {&t.Ask, p.Ask}, {&t.AskSize, p.AskSize}, {&t.Volume, p.Volume},
	} {
		if f.from != nil {
			*f.into = *f.from
		}
	}
	if !p.Time.IsZero() {
		t.Time = p.Time
	}
	if p.VenueSeq != 0 {
		t.VenueSeq = p.VenueSeq
	}
	t.Received = time.Now()
	return t
}

// Update changes some fields of a market's tick and loses no update that comes
// at the same time: it is stored under the condition that nothing about the
// market was stored since it was read, and tried again otherwise. It blocks
// until the log acknowledged. The error matches domain.ErrNotFound when the
// market has no tick, domain.ErrInvalid, domain.ErrUnreachable or
// domain.ErrUnknown, or is ctx's.
func (t *Ticks) Update(ctx context.Context, exchange, symbol string, patch TickPatch) (domain.LogPosition, error) {
	for {
		present, last, err := t.newest(ctx, exchange, symbol)
		if err != nil {
			return domain.LogPosition{}, err
		}
		pos, err := t.client.log.Commit(ctx, bus.Change{Event: patch.apply(present), Last: last})
		if !errors.Is(err, domain.ErrConflict) {
			return pos, err
		}
		if ctx.Err() != nil {
			return domain.LogPosition{}, fmt.Errorf("update tick %s %s: %w", exchange, symbol, ctx.Err())
		}
	}
}

// newest is the market's tick as the log has it, or as Redis still has it when
// the log's has aged out, and the sequence of the newest message about it.
func (t *Ticks) newest(ctx context.Context, exchange, symbol string) (domain.Tick, uint64, error) {
	cached, err := t.Get(ctx, exchange, symbol)
	if err != nil && !errors.Is(err, domain.ErrNotFound) {
		return domain.Tick{}, 0, err
	}
	known := err == nil
	logged, err := t.client.log.LastTick(ctx, exchange, symbol)
	switch {
	case errors.Is(err, domain.ErrNotFound):
		if !known {
			return domain.Tick{}, 0, fmt.Errorf("tick %s %s: %w", exchange, symbol, domain.ErrNotFound)
		}
		return cached, 0, nil
	case err != nil:
		return domain.Tick{}, 0, err
	case logged.Symbol == "":
		return domain.Tick{}, 0, fmt.Errorf("tick %s %s was deleted: %w", exchange, symbol, domain.ErrNotFound)
	case known && logged.Order().OlderThan(cached.Order()):
		return cached, logged.Sequence, nil
	}
	return logged, logged.Sequence, nil
}

// Price is what a market is worth now: see domain.Tick.Price. A stale tick is
// an error that matches domain.ErrStale, so that nobody trades on it by
// mistake. Other errors as for Get.
func (t *Ticks) Price(ctx context.Context, exchange, symbol string) (domain.Decimal, error) {
	tick, err := t.Get(ctx, exchange, symbol)
	if err != nil {
		return domain.Decimal{}, err
	}
	if tick.Stale {
		return domain.Decimal{}, fmt.Errorf("tick %s %s of %s ago: %w", exchange, symbol, tick.Age(time.Now()).Round(time.Millisecond), domain.ErrStale)
	}
	return tick.Price(), nil
}

// DeleteExchange removes all ticks of an exchange that there are now. It returns
// how many, and the positions to wait for, one a partition. Errors as for
// Delete; some may have been removed then.
func (t *Ticks) DeleteExchange(ctx context.Context, exchange string) (int, []domain.LogPosition, error) {
	ticks, err := t.All(ctx, exchange)
	if err != nil {
		return 0, nil, err
	}
	last := make(map[string]domain.LogPosition)
	for i, tick := range ticks {
		pos, err := t.Delete(ctx, exchange, tick.Symbol)
		if err != nil {
			return i, nil, err
		}
		last[pos.Stream] = pos
	}
	positions := make([]domain.LogPosition, 0, len(last))
	for _, pos := range last {
		positions = append(positions, pos)
	}
	return len(ticks), positions, nil
}
