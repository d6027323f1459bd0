package main

import (
	"context"
	"errors"

	"github.com/fullon/fullon/domain"
)

// checkTrades checks that Redis has the newest trades, each once and in their
// order, and nothing else.
func (c *checker) checkTrades(ctx context.Context, s *series, events []logged) error {
	want := c.firsts(s, events)
	want = want[max(0, len(want)-tradeCap):]
	got, err := c.client.Trades.List(ctx, exchange, s.key.Symbol, 2*tradeCap)
	if err != nil {
		return err
	}
	for i, trade := range got {
		n, err := numberOf(trade)
		if i >= len(want) || err != nil || n != want[i].n {
			c.complain("%s: trade %d of Redis is %s of sequence %d, the log has %+v", s, i, trade.ID, trade.Sequence, want[min(i, len(want)-1)])
			return nil
		}
	}
	if len(got) != len(want) {
		c.complain("%s: Redis has %d trades, the log %d", s, len(got), len(want))
	}
	return nil
}

// checkTick checks that Redis has the newest tick.
func (c *checker) checkTick(ctx context.Context, s *series, events []logged) error {
	newest := uint64(0)
	for _, e := range events {
		newest = max(newest, e.n)
	}
	_, last, acked := s.known()
	if _, sure := acked[last]; newest != last && (sure || len(acked) == 0) {
		c.complain("%s: the newest of the log is %d, of those that were published %d", s, newest, last)
	}
	tick, err := c.client.Ticks.Get(ctx, exchange, s.key.Symbol)
	if err != nil && !errors.Is(err, domain.ErrNotFound) {
		return err
	}
	if tick.VenueSeq != newest {
		c.complain("%s: Redis has %d, the log %d", s, tick.VenueSeq, newest)
	}
	return nil
}

// checkCache checks that Redis has the newest of what is known of accounts.
func (c *checker) checkCache(ctx context.Context) error {
	for _, s := range append(append([]*series{}, c.load.balances...), c.load.positions...) {
		var event domain.Event
		var err error
		if s.key.Kind == domain.KindBalance {
			event, err = c.client.Accounts.Balance(ctx, s.key.Account, s.key.Currency)
		} else {
			event, err = c.client.Accounts.Position(ctx, s.key.Account, s.key.Symbol)
		}
		if err != nil {
			return err
		}
		_, last, acked := s.known()
		newest := uint64(0)
		for n := range acked {
			newest = max(newest, n)
		}
		if n, err := numberOf(event); err != nil || n < newest || n > last {
			c.complain("%s: Redis has %d, acknowledged were up to %d, published up to %d", s, n, newest, last)
		}
	}
	return nil
}
