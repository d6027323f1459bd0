package client

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/pause"
)

func notFound(what, exchange, symbol string) error {
	return fmt.Errorf("%s of %s %s: %w", what, exchange, symbol, domain.ErrNotFound)
}

// Between reads the bars of a market that begin at from or later and before to,
// oldest first. Errors as for Latest.
func (c *Candles) Between(ctx context.Context, exchange, symbol string, tf domain.Timeframe, from, to time.Time) ([]domain.Candle, error) {
	s, err := series(exchange, symbol, tf)
	if err != nil {
		return nil, err
	}
	if !from.Before(to) {
		return nil, domain.Invalid("from", from.UTC().Format(time.RFC3339), "a time before to")
	}
	p := c.trades.partition(exchange, symbol)
	return settle(ctx, p, func() ([]domain.Candle, domain.Checkpoint, error) { return p.CandlesBetween(ctx, s, from, to) })
}

func series(exchange, symbol string, tf domain.Timeframe) (cachestore.Series, error) {
	if err := checkMarket(exchange, symbol); err != nil {
		return cachestore.Series{}, err
	}
	if _, err := domain.ParseTimeframe(string(tf)); err != nil {
		return cachestore.Series{}, err
	}
	return cachestore.Series{Market: cachestore.Market{Exchange: exchange, Symbol: symbol}, Timeframe: tf}, nil
}

// candlesWatched is how many of the newest bars a watch looks at: those that
// trades can still change.
const candlesWatched = 16

// Watch yields the newest last bars of a market (1 to 16), oldest first, and
// from then on each of the newest 16 that changed: the forming bar again and
// again, a closed one when the venue's own replaces it. States that were
// replaced before they could be yielded are skipped.
//
// The iteration ends when ctx ends or the client is closed. An error that
// matches domain.ErrUnreachable is yielded for as long as Redis is away, and
// the iteration goes on when it is back. One that matches domain.ErrRebuilding is
// yielded once when Redis is folded anew; when it has caught up, the newest bars
// are yielded again. domain.ErrInvalid ends the iteration.
func (c *Candles) Watch(ctx context.Context, exchange, symbol string, tf domain.Timeframe, last int) iter.Seq2[domain.Candle, error] {
	return func(yield func(domain.Candle, error) bool) {
		s, err := series(exchange, symbol, tf)
		if err == nil {
			err = checkLimit(last, candlesWatched)
		}
		if err != nil {
			yield(domain.Candle{}, err)
			return
		}
		partition := c.trades.partition(exchange, symbol)
		changes := c.trades.client.changes
		sub := changes.subscribe([]*cachestore.Partition{partition.Partition})
		defer sub.close()
		var epoch epochWatch
		seen := make(map[time.Time]uint64) // beginning of a bar to the sequence that last changed it
		for first := true; ; {
			select {
			case <-ctx.Done():
				return
			case <-changes.ctx.Done():
				return
			case <-sub.signal:
			}
			_, err := sub.take()
			var bars []domain.Candle
			use, anew := false, false
			if err == nil {
				var at domain.Checkpoint
				w := partition.want()
				if bars, at, err = partition.Candles(ctx, s, candlesWatched); err == nil {
					use, anew, err = epoch.take(ctx, partition, at, w)
				}
			}
			if err != nil && (ctx.Err() != nil || !yield(domain.Candle{}, err)) {
				return
			}
			if !use {
				// Nothing else may change for a long time: read again.
				pause.For(ctx, retryRead)
				sub.mark(partition.Stream(), nil)
				continue
			}
			if anew {
				clear(seen)
				first = true
			}
			next := make(map[time.Time]uint64, len(bars))
			for i, bar := range bars {
				next[bar.Time] = bar.Sequence
				if seen[bar.Time] == bar.Sequence || first && i < len(bars)-last {
					continue
				}
				if !yield(bar, nil) {
					return
				}
			}
			seen, first = next, false
		}
	}
}
