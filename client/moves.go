package client

import (
	"context"
	"iter"

	"github.com/fullon/fullon/cachestore"
)

// The Moves methods yield whenever what they are about may have changed in Redis,
// the first time at once; several changes may be one. So who keeps a state of
// his own reads again after each. An error that matches domain.ErrUnreachable is
// yielded while Redis is away; what was missed then is yielded as one move when
// it is back. The iteration ends when ctx ends or the client is closed.

// Moves yields when a tick of any exchange may have changed. That time makes a
// tick stale is no change.
func (t *Ticks) Moves(ctx context.Context) iter.Seq[error] { return t.client.moves(ctx, t.all()...) }

// Moves yields when trades, gaps or candles of a market may have changed.
func (t *Trades) Moves(ctx context.Context, exchange, symbol string) iter.Seq[error] {
	return t.client.moves(ctx, t.partition(exchange, symbol))
}

// Moves yields when a balance or a position of an account may have changed.
func (a *Accounts) Moves(ctx context.Context, account string) iter.Seq[error] {
	return a.client.moves(ctx, a.partition(account))
}

// Moves yields when orders, claims or halts of an exchange may have changed. That
// an order is leased, or a claim expires, is no change.
func (o *Orders) Moves(ctx context.Context, exchange string) iter.Seq[error] {
	return o.client.moves(ctx, o.client.exchange(exchange))
}

// CatalogueMoves yields when a venue, a symbol or what a bot says may have
// changed.
func (c *Client) CatalogueMoves(ctx context.Context) iter.Seq[error] {
	return c.moves(ctx, c.catalogue)
}

func (c *Client) moves(ctx context.Context, settled ...*settledPartition) iter.Seq[error] {
	partitions := make([]*cachestore.Partition, len(settled))
	for i, p := range settled {
		partitions[i] = p.Partition
	}
	return func(yield func(error) bool) {
		sub := c.changes.subscribe(partitions)
		defer sub.close()
		for {
			select {
			case <-ctx.Done():
				return
			case <-c.changes.ctx.Done():
				return
			case <-sub.signal:
			}
			if _, err := sub.take(); !yield(err) {
				return
			}
		}
	}
}
