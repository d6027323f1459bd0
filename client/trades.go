package client

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/pause"
)

// Trades reads and writes public trades.
type Trades struct {
	client     *Client
	partitions map[string]*settledPartition
}

func (t *Trades) partition(exchange, symbol string) *settledPartition {
	return t.partitions[t.client.log.Layout().TradeStreamOf(exchange, symbol)]
}

func checkMarket(exchange, symbol string) error {
	return domain.TickDeleted{Exchange: exchange, Symbol: symbol}.Validate()
}

// MaxTrades bounds one List.
const MaxTrades = 100_000

func checkLimit(limit, most int) error {
	if limit < 1 || limit > most {
		return domain.Invalid("limit", strconv.Itoa(limit), "1 to "+strconv.Itoa(most))
	}
	return nil
}

// Push stores a trade in the log; a zero Received becomes now. A trade whose id
// its market has already is shown once. It blocks until the log acknowledged.
// The error matches domain.ErrInvalid or domain.ErrUnreachable; after the latter
// push the same trade again.
func (t *Trades) Push(ctx context.Context, trade domain.Trade) (domain.LogPosition, error) {
	if trade.Received.IsZero() {
		trade.Received = time.Now()
	}
	return t.client.log.Publish(ctx, trade)
}

// List reads the newest limit trades of a market, oldest first, at most
// MaxTrades. Reading takes nothing away. The error matches domain.ErrInvalid,
// domain.ErrUnreachable, domain.ErrUnknown, or domain.ErrRebuilding while Redis
// is being folded anew, after having waited for it for two seconds; a market
// without trades gives an empty result.
func (t *Trades) List(ctx context.Context, exchange, symbol string, limit int) ([]domain.Trade, error) {
	if err := checkMarket(exchange, symbol); err != nil {
		return nil, err
	}
	if err := checkLimit(limit, MaxTrades); err != nil {
		return nil, err
	}
	p := t.partition(exchange, symbol)
	return settle(ctx, p, func() ([]domain.Trade, domain.Checkpoint, error) { return p.Trades(ctx, exchange, symbol, limit) })
}

// Gaps reads the newest limit gaps of a market, oldest first: trades that are
// known to be missing. Errors as for List.
func (t *Trades) Gaps(ctx context.Context, exchange, symbol string, limit int) ([]domain.Gap, error) {
	if err := checkMarket(exchange, symbol); err != nil {
		return nil, err
	}
	if err := checkLimit(limit, cachestore.GapCap); err != nil {
		return nil, err
	}
	p := t.partition(exchange, symbol)
	return settle(ctx, p, func() ([]domain.Gap, domain.Checkpoint, error) { return p.Gaps(ctx, exchange, symbol, limit) })
}

// retryRead is how long a watch waits before it repeats a read that failed.
const retryRead = 200 * time.Millisecond

// Watch yields the newest last trades of a market, oldest first, and from then
// on every trade, each once and in order.
//
// The iteration ends when ctx ends or the client is closed. An error that matches
// domain.ErrUnreachable is yielded for as long as Redis is away, and nothing is
// missed when it is back. One that matches domain.ErrRebuilding says that Redis
// is being folded anew; nothing is missed or repeated when it has caught up. One
// that matches domain.ErrLagged says that trades were missed because more came
// than are kept; the iteration goes on with the oldest that is. domain.ErrInvalid
// ends it.
func (t *Trades) Watch(ctx context.Context, exchange, symbol string, last int) iter.Seq2[domain.Trade, error] {
	return func(yield func(domain.Trade, error) bool) {
		err := checkMarket(exchange, symbol)
		if err == nil && last != 0 {
			err = checkLimit(last, MaxTrades)
		}
		if err != nil {
			yield(domain.Trade{}, err)
			return
		}
		w := tradeWatch{partition: t.partition(exchange, symbol), exchange: exchange, symbol: symbol, first: last}
		sub := t.client.changes.subscribe([]*cachestore.Partition{w.partition.Partition})
		defer sub.close()
		for {
			select {
			case <-ctx.Done():
				return
			case <-t.client.changes.ctx.Done():
				return
			case <-sub.signal:
			}
			if _, err := sub.take(); err != nil {
				if !yield(domain.Trade{}, err) {
					return
				}
				continue
			}
			for more := true; more && ctx.Err() == nil; {
				var trades []domain.Trade
				trades, more, err = w.read(ctx)
				if err != nil && ctx.Err() == nil && !yield(domain.Trade{}, err) {
					return
				}
				if errors.Is(err, domain.ErrUnreachable) || !w.begun {
					// Nothing else may change for a long time: read again.
					pause.For(ctx, retryRead)
					sub.mark(w.partition.Stream(), nil)
				}
				for _, trade := range trades {
					if !yield(trade, nil) {
						return
					}
				}
			}
		}
	}
}

// tradeWatch is the state of one Watch.
type tradeWatch struct {
	partition        *settledPartition
	exchange, symbol string
	first            int // how many to begin with
	begun            bool
	after            cachestore.Cursor
}

// read returns what follows; more says that there may be more at once.
func (w *tradeWatch) read(ctx context.Context) (trades []domain.Trade, more bool, err error) {
	if !w.begun {
		trades, err = settle(ctx, w.partition, func() ([]domain.Trade, domain.Checkpoint, error) {
			return w.partition.Trades(ctx, w.exchange, w.symbol, max(1, w.first))
		})
		if err != nil {
			return nil, false, err
		}
		w.begun = true
		if len(trades) > 0 {
			w.after.Seq = trades[len(trades)-1].Sequence
		}
		return trades[len(trades)-min(len(trades), w.first):], true, nil
	}
	epoch := w.after.Epoch
	trades, w.after, err = w.partition.TradesAfter(ctx, w.exchange, w.symbol, w.after)
	if errors.Is(err, domain.ErrLagged) {
		w.after = cachestore.Cursor{}
		return nil, true, err
	}
	if err == nil && epoch != 0 && epoch != w.after.Epoch {
		err = fmt.Errorf("trades %s %s: %w", w.exchange, w.symbol, domain.ErrRebuilding)
	}
	return trades, false, err
}
