package client

import (
	"context"
	"errors"
	"time"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
)

// Since reads the trades of a market that happened at since or later, oldest
// first, as far back as they are kept; complete says that this is far enough.
// Errors as for List.
func (t *Trades) Since(ctx context.Context, exchange, symbol string, since time.Time) (trades []domain.Trade, complete bool, err error) {
	if err := checkMarket(exchange, symbol); err != nil {
		return nil, false, err
	}
	p := t.partition(exchange, symbol)
	trades, err = settle(ctx, p, func() (found []domain.Trade, at domain.Checkpoint, err error) {
		found, complete, at, err = p.TradesSince(ctx, exchange, symbol, since)
		return found, at, err
	})
	return trades, complete && err == nil, err
}

// Analytics sums up the trades of a market in the window that ends now. A
// market without trades in it gives a Count of zero. Errors as for List.
func (t *Trades) Analytics(ctx context.Context, exchange, symbol string, window time.Duration) (domain.TradeAnalytics, error) {
	if window <= 0 {
		return domain.TradeAnalytics{}, domain.Invalid("window", window.String(), "more than zero")
	}
	to := time.Now()
	from := to.Add(-window)
	trades, complete, err := t.Since(ctx, exchange, symbol, from)
	if err != nil {
		return domain.TradeAnalytics{}, err
	}
	for i, trade := range trades {
		if trade.Time.After(to) {
			to = trades[i].Time // the venue's clock is ahead of ours
		}
	}
	a := domain.Analyze(exchange, symbol, from, to, trades)
	a.Complete = complete
	return a, nil
}

// TradeStatus tells what is kept of a market's trades.
type TradeStatus struct {
	Exchange string
	Symbol   string
	Count    int
	First    domain.Trade // the oldest that is kept
	Last     domain.Trade // the newest
}

// Status tells what is kept of a market's trades. The error matches
// domain.ErrInvalid, domain.ErrNotFound for a market without trades, or else as
// for List.
func (t *Trades) Status(ctx context.Context, exchange, symbol string) (TradeStatus, error) {
	if err := checkMarket(exchange, symbol); err != nil {
		return TradeStatus{}, err
	}
	p := t.partition(exchange, symbol)
	ends, err := settle(ctx, p, func() (cachestore.TradeEnds, domain.Checkpoint, error) { return p.TradeEnds(ctx, exchange, symbol) })
	if errors.Is(err, domain.ErrNotFound) {
		err = notFound("trades", exchange, symbol)
	}
	if err != nil {
		return TradeStatus{}, err
	}
	return TradeStatus{Exchange: exchange, Symbol: symbol, Count: ends.Count, First: ends.First, Last: ends.Last}, nil
}
