package ws

import (
	"context"
	"iter"
	"time"

	"github.com/fullon/fullon/domain"
)

// Trades is the public trades of markets. Errors are as in package client.
type Trades struct{ client *Client }

// tradeView is a trade as the protocol has it.
type tradeView struct {
	Exchange string         `json:"exchange"`
	Symbol   string         `json:"symbol"`
	ID       string         `json:"trade_id"`
	Side     string         `json:"side"`
	Price    domain.Decimal `json:"price"`
	Volume   domain.Decimal `json:"volume"`
	Time     seconds        `json:"timestamp"`
	Received seconds        `json:"received"`
	Sequence uint64         `json:"sequence"`
}

func (v tradeView) trade() (domain.Trade, error) {
	side, err := domain.ParseSide(v.Side)
	return domain.Trade{
		Exchange: v.Exchange, Symbol: v.Symbol, ID: v.ID, Side: side, Price: v.Price, Volume: v.Volume, Time: v.Time.Time,
		Received: v.Received.Time, Sequence: v.Sequence,
	}, unknown(err)
}

// Push stores a trade.
func (t *Trades) Push(ctx context.Context, trade domain.Trade) (domain.LogPosition, error) {
	params := market(trade.Exchange, trade.Symbol)
	params["trade_id"], params["side"], params["time"] = trade.ID, trade.Side.String(), instant(trade.Time)
	params["price"], params["volume"] = amount(trade.Price), amount(trade.Volume)
	return t.client.store(ctx, "push_trade", params)
}

type tradesView struct {
	Complete bool        `json:"complete"`
	Trades   []tradeView `json:"trades"`
}

// List reads the newest limit trades of a market, oldest first. Reading takes
// nothing away.
func (t *Trades) List(ctx context.Context, exchange, symbol string, limit int) ([]domain.Trade, error) {
	if limit < 1 {
		return nil, invalidLimit(limit)
	}
	params := market(exchange, symbol)
	params["limit"] = limit
	v, err := get[tradesView](ctx, t.client, "get_trades", params)
	if err != nil {
		return nil, err
	}
	return each(v.Trades, tradeView.trade)
}

// Since reads the trades of a market from a time on, oldest first. complete tells
// whether what is kept reaches back so far.
func (t *Trades) Since(ctx context.Context, exchange, symbol string, since time.Time) (trades []domain.Trade, complete bool, err error) {
	params := market(exchange, symbol)
	params["since"] = instant(since)
	v, err := get[tradesView](ctx, t.client, "get_trades", params)
	if err == nil {
		trades, err = each(v.Trades, tradeView.trade)
	}
	return trades, v.Complete, err
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
// domain.ErrNotFound for a market without trades.
func (t *Trades) Status(ctx context.Context, exchange, symbol string) (TradeStatus, error) {
	v, err := get[struct {
		Count       int
		First, Last tradeView
	}](ctx, t.client, "get_trade_status", market(exchange, symbol))
	status := TradeStatus{Exchange: exchange, Symbol: symbol, Count: v.Count}
	if err == nil && v.Count > 0 {
		if status.First, err = v.First.trade(); err == nil {
			status.Last, err = v.Last.trade()
		}
	}
	return status, err
}

// Analytics sums up the trades of the last window of time.
func (t *Trades) Analytics(ctx context.Context, exchange, symbol string, window time.Duration) (domain.TradeAnalytics, error) {
	params := market(exchange, symbol)
	params["window"] = span(window)
	v, err := get[struct {
		From, To                            seconds
		Count                               int
		Volume, Cost, VWAP, Open, High, Low domain.Decimal
		Close                               domain.Decimal
		BuyVolume                           domain.Decimal `json:"buy_volume"`
		SellVolume                          domain.Decimal `json:"sell_volume"`
		Complete                            bool
	}](ctx, t.client, "get_trade_analytics", params)
	return domain.TradeAnalytics{
		Exchange: exchange, Symbol: symbol, From: v.From.Time, To: v.To.Time, Count: v.Count, Volume: v.Volume, Cost: v.Cost, VWAP: v.VWAP,
		Open: v.Open, High: v.High, Low: v.Low, Close: v.Close, BuyVolume: v.BuyVolume, SellVolume: v.SellVolume, Complete: v.Complete,
	}, err
}

// Watch yields the newest last trades of a market, at most 1,000, oldest first,
// and from then on every trade, each once and in order, also over disconnects. An
// error that is a *MissedError says that some are missing.
func (t *Trades) Watch(ctx context.Context, exchange, symbol string, last int) iter.Seq2[domain.Trade, error] {
	return watch(ctx, t.client, watched[domain.Trade]{
		operation: "stream_trades", ordered: true, quiet: last == 0,
		params: func(after uint64) map[string]any {
			params := market(exchange, symbol)
			if params["last"] = last; last == 0 {
				params["last"] = 1 // it tells where to resume
			}
			if after > 0 {
				params["resume"] = after
			}
			return params
		},
		decode: func(m *message, data []byte) (domain.Trade, string, error) {
			var v tradeView
			if err := decodeInto(data, &v); err != nil {
				return domain.Trade{}, "", err
			}
			trade, err := v.trade()
			return trade, "", err
		},
	})
}

type gapView struct {
	Exchange string  `json:"exchange"`
	Symbol   string  `json:"symbol"`
	FromID   string  `json:"from_id"`
	ToID     string  `json:"to_id"`
	Missing  uint64  `json:"missing"`
	Reason   string  `json:"reason"`
	Time     seconds `json:"timestamp"`
	Sequence uint64  `json:"sequence"`
}

func (v gapView) gap() (domain.Gap, error) {
	return domain.Gap{
		Exchange: v.Exchange, Symbol: v.Symbol, FromID: v.FromID, ToID: v.ToID, Missing: v.Missing, Reason: v.Reason, Time: v.Time.Time, Sequence: v.Sequence,
	}, nil
}

// Gaps reads the newest limit gaps of a market, oldest first: trades that are
// known to be missing.
func (t *Trades) Gaps(ctx context.Context, exchange, symbol string, limit int) ([]domain.Gap, error) {
	if limit < 1 {
		return nil, invalidLimit(limit)
	}
	params := market(exchange, symbol)
	params["limit"] = limit
	v, err := get[struct{ Gaps []gapView }](ctx, t.client, "get_gaps", params)
	if err != nil {
		return nil, err
	}
	return each(v.Gaps, gapView.gap)
}

// WatchGaps yields the newest gaps of a market, and from then on each one that
// turns up.
func (t *Trades) WatchGaps(ctx context.Context, exchange, symbol string) iter.Seq2[domain.Gap, error] {
	return watch(ctx, t.client, watched[domain.Gap]{
		operation: "stream_gaps", ordered: true,
		params: func(uint64) map[string]any { return market(exchange, symbol) },
		decode: func(m *message, data []byte) (domain.Gap, string, error) {
			var v gapView
			if err := decodeInto(data, &v); err != nil {
				return domain.Gap{}, "", err
			}
			gap, err := v.gap()
			return gap, "", err
		},
	})
}
