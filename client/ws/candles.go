package ws

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/fullon/fullon/domain"
)

// Candles is the OHLCV bars of markets. Errors are as in package client.
type Candles struct{ client *Client }

// barView is [time, open, high, low, close, volume].
type barView struct {
	time                           seconds
	open, high, low, close, volume domain.Decimal
}

// UnmarshalJSON implements json.Unmarshaler.
func (b *barView) UnmarshalJSON(text []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(text, &parts); err != nil {
		return err
	}
	if len(parts) != 6 {
		return fmt.Errorf("a bar has 6 values, not %d", len(parts))
	}
	for i, into := range []json.Unmarshaler{&b.time, &b.open, &b.high, &b.low, &b.close, &b.volume} {
		if err := into.UnmarshalJSON(parts[i]); err != nil {
			return err
		}
	}
	return nil
}

// barDetail is what else is known of a bar.
type barDetail struct {
	Trades   uint64 `json:"trades"`
	Closed   bool   `json:"closed"`
	Source   string `json:"source"`
	Sequence uint64 `json:"sequence"`
}

func candle(exchange, symbol string, tf domain.Timeframe, b barView, d barDetail) domain.Candle {
	source := domain.FromTrades
	if d.Source == domain.FromVenue.String() {
		source = domain.FromVenue
	}
	return domain.Candle{
		Exchange: exchange, Symbol: symbol, Timeframe: tf, Time: b.time.Time, Open: b.open, High: b.high, Low: b.low, Close: b.close,
		Volume: b.volume, Trades: d.Trades, Closed: d.Closed, Source: source, Sequence: d.Sequence,
	}
}

// Put stores a venue's bar, in place of the one of its time.
func (c *Candles) Put(ctx context.Context, candle domain.Candle) (domain.LogPosition, error) {
	params := market(candle.Exchange, candle.Symbol)
	for name, value := range map[string]any{
		"timeframe": candle.Timeframe, "time": instant(candle.Time), "open": exact(candle.Open), "high": exact(candle.High), "low": exact(candle.Low),
		"close": exact(candle.Close), "volume": exact(candle.Volume), "trades": candle.Trades, "closed": candle.Closed,
	} {
		params[name] = value
	}
	return c.client.store(ctx, "put_candle", params)
}

// Latest reads the newest limit bars of a market, oldest first. None is an empty
// result.
func (c *Candles) Latest(ctx context.Context, exchange, symbol string, tf domain.Timeframe, limit int) ([]domain.Candle, error) {
	if limit < 1 {
		return nil, invalidLimit(limit)
	}
	return c.read(ctx, exchange, symbol, tf, map[string]any{"count": limit})
}

// Between reads the bars of a market that begin between two times, oldest first.
func (c *Candles) Between(ctx context.Context, exchange, symbol string, tf domain.Timeframe, from, to time.Time) ([]domain.Candle, error) {
	return c.read(ctx, exchange, symbol, tf, map[string]any{"from": instant(from), "to": instant(to)})
}

func (c *Candles) read(ctx context.Context, exchange, symbol string, tf domain.Timeframe, params map[string]any) ([]domain.Candle, error) {
	if err := domain.CheckExchange(exchange); err != nil { // the server would look for one that has the symbol
		return nil, err
	}
	params["exchange"], params["symbol"], params["timeframe"] = exchange, symbol, tf
	v, err := get[struct {
		Bars    []barView
		Details []barDetail
	}](ctx, c.client, "get_candles", params)
	if err == nil && len(v.Bars) != len(v.Details) {
		err = fmt.Errorf("get_candles: %w: %d bars with %d details", domain.ErrUnknown, len(v.Bars), len(v.Details))
	}
	if err != nil {
		return nil, err
	}
	bars := make([]domain.Candle, len(v.Bars))
	for i := range bars {
		bars[i] = candle(exchange, symbol, tf, v.Bars[i], v.Details[i])
	}
	return bars, nil
}

// Watch yields the newest bars of a market, and from then on each one that
// changed, the forming one too: the newest state.
func (c *Candles) Watch(ctx context.Context, exchange, symbol string, tf domain.Timeframe) iter.Seq2[domain.Candle, error] {
	return watch(ctx, c.client, watched[domain.Candle]{
		operation: "stream_candles",
		params: func(uint64) map[string]any {
			params := market(exchange, symbol)
			params["timeframe"] = tf
			return params
		},
		decode: func(m *message, data []byte) (domain.Candle, string, error) {
			var v struct {
				Bar barView `json:"bar"`
				barDetail
			}
			err := decodeInto(data, &v)
			return candle(exchange, symbol, tf, v.Bar, v.barDetail), strconv.FormatInt(v.Bar.time.Unix(), 10), err
		},
	})
}
