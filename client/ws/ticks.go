package ws

import (
	"context"
	"fmt"
	"iter"

	"github.com/fullon/fullon/domain"
)

// Ticks is the newest state of markets. Errors are as in package client.
type Ticks struct{ client *Client }

// tickView is a tick as the protocol has it.
type tickView struct {
	Exchange string         `json:"exchange"`
	Symbol   string         `json:"symbol"`
	Last     domain.Decimal `json:"last"`
	Bid      domain.Decimal `json:"bid"`
	BidSize  domain.Decimal `json:"bid_size"`
	Ask      domain.Decimal `json:"ask"`
	AskSize  domain.Decimal `json:"ask_size"`
	Volume   domain.Decimal `json:"volume"`
	Time     seconds        `json:"timestamp"`
	Received seconds        `json:"received"`
	Stale    bool           `json:"stale"`
	VenueSeq uint64         `json:"venue_seq"`
	Sequence uint64         `json:"sequence"`
}

func (v tickView) tick() domain.Tick {
	return domain.Tick{
		Exchange: v.Exchange, Symbol: v.Symbol, Last: v.Last, Bid: v.Bid, BidSize: v.BidSize, Ask: v.Ask, AskSize: v.AskSize, Volume: v.Volume,
		Time: v.Time.Time, Received: v.Received.Time, VenueSeq: v.VenueSeq, Sequence: v.Sequence, Stale: v.Stale,
	}
}

// Set stores a tick. One without Time gets the time at which the server received
// it.
func (t *Ticks) Set(ctx context.Context, tick domain.Tick) (domain.LogPosition, error) {
	params := market(tick.Exchange, tick.Symbol)
	for name, value := range map[string]domain.Decimal{
		"last": tick.Last, "bid": tick.Bid, "bid_size": tick.BidSize, "ask": tick.Ask, "ask_size": tick.AskSize, "volume": tick.Volume,
	} {
		params[name] = amount(value)
	}
	params["time"], params["venue_seq"] = instant(tick.Time), tick.VenueSeq
	return t.client.store(ctx, "set_ticker", params)
}

// Get reads the tick of a market. The error matches domain.ErrNotFound where there
// is none.
func (t *Ticks) Get(ctx context.Context, exchange, symbol string) (domain.Tick, error) {
	v, err := get[tickView](ctx, t.client, "get_ticker", market(exchange, symbol))
	if err == nil && v.Received.IsZero() { // the protocol answers with nulls
		err = fmt.Errorf("tick of %s %s: %w", exchange, symbol, domain.ErrNotFound)
	}
	if err != nil {
		return domain.Tick{}, err
	}
	return v.tick(), nil
}

// Any reads the newest tick of a symbol over all exchanges.
func (t *Ticks) Any(ctx context.Context, symbol string) (domain.Tick, error) {
	v, err := get[tickView](ctx, t.client, "get_any_ticker", map[string]any{"symbol": symbol})
	return v.tick(), err
}

// All reads the ticks of an exchange.
func (t *Ticks) All(ctx context.Context, exchange string) ([]domain.Tick, error) {
	all, err := get[struct{ Tickers []tickView }](ctx, t.client, "get_all_tickers", venue(exchange))
	ticks := make([]domain.Tick, len(all.Tickers))
	for i, v := range all.Tickers {
		ticks[i] = v.tick()
	}
	return ticks, err
}

// Price is what a market is worth. The error matches domain.ErrStale rather than
// that an old price is returned.
func (t *Ticks) Price(ctx context.Context, exchange, symbol string) (domain.Decimal, error) {
	v, err := get[struct{ Price domain.Decimal }](ctx, t.client, "get_price", market(exchange, symbol))
	return v.Price, err
}

// Delete forgets the tick of a market.
func (t *Ticks) Delete(ctx context.Context, exchange, symbol string) (domain.LogPosition, error) {
	return t.client.store(ctx, "delete_ticker", market(exchange, symbol))
}

// Exchanges are those that have or had ticks.
func (t *Ticks) Exchanges(ctx context.Context) ([]string, error) {
	v, err := get[struct{ Markets []string }](ctx, t.client, "get_venues", nil)
	return v.Markets, err
}

// Watch yields the present tick of each of the symbols, of all of the exchange
// when none is named, and from then on each one that changed: the newest state, in
// the order of its own market. A tick that becomes stale is yielded again. That
// one was deleted is told with a tick that has nothing but its Exchange and
// Symbol, and is Stale.
func (t *Ticks) Watch(ctx context.Context, exchange string, symbols ...string) iter.Seq2[domain.Tick, error] {
	return watch(ctx, t.client, watched[domain.Tick]{
		operation: "stream_tickers",
		params: func(uint64) map[string]any {
			return map[string]any{"exchange": exchange, "symbols": append([]string{}, symbols...)}
		},
		decode: func(m *message, data []byte) (domain.Tick, string, error) {
			var v tickView
			if err := decodeInto(data, &v); err != nil {
				return domain.Tick{}, "", err
			}
			v.Stale = v.Stale || v.Received.IsZero()
			return v.tick(), v.Symbol, nil
		},
		gone: func(last domain.Tick) domain.Tick {
			return domain.Tick{Exchange: last.Exchange, Symbol: last.Symbol, Stale: true}
		},
	})
}
