package binance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
)

const (
	// maxTrades is the most that the venue returns at once.
	maxTrades = 1000

	codeBadSymbol = -1121
)

// rawTrade and aggTrade are the venue's forms of a past trade.
type rawTrade struct {
	ID         *uint64 `json:"id"`
	Price      string  `json:"price"`
	Quantity   string  `json:"qty"`
	Time       int64   `json:"time"`
	BuyerMaker *bool   `json:"isBuyerMaker"`
}

type aggTrade struct {
	ID         *uint64 `json:"a"`
	Price      string  `json:"p"`
	Quantity   string  `json:"q"`
	Time       int64   `json:"T"`
	BuyerMaker *bool   `json:"m"`
	// The decoder matches names without regard to case: these keep "M" (best
	// match) from being taken for "m".
	BestMatch json.RawMessage `json:"M"`
}

// TradesFrom implements venue.Adapter; limit is taken for at most 1000. The
// numbers are those of the kind of trades that is read. The venue is asked by
// number.
//
// Errors: a *domain.FieldError for a symbol or limit that cannot be,
// domain.ErrNotFound for a symbol that the venue does not have, venue.ErrRefused for
// other refusals, those of venue.REST.Get, and an error that matches
// domain.ErrInvalid if the answer makes no sense.
func (a *Adapter) TradesFrom(ctx context.Context, symbol string, from uint64, _ time.Time, limit int) ([]venue.NumberedTrade, error) {
	c, name, err := a.find(symbol)
	if err != nil {
		return nil, err
	}
	if limit < 1 {
		return nil, domain.Invalid("limit", strconv.Itoa(limit), "at least 1")
	}
	from = max(from, 1) // zero is no number
	query := url.Values{
		"symbol": {name},
		"fromId": {strconv.FormatUint(from, 10)},
		"limit":  {strconv.Itoa(min(limit, maxTrades))},
	}
	var raw []rawTrade
	if c.trades == AggregateTrades {
		var aggregate []aggTrade
		err = c.get(ctx, c.history, query, &aggregate)
		for _, t := range aggregate {
			raw = append(raw, rawTrade{ID: t.ID, Price: t.Price, Quantity: t.Quantity, Time: t.Time, BuyerMaker: t.BuyerMaker})
		}
	} else {
		err = c.get(ctx, c.history, query, &raw)
	}
	if err != nil {
		return nil, fmt.Errorf("trades of %s from %d: %w", symbol, from, err)
	}
	return c.numbered(symbol, raw, from, limit)
}

// numbered checks and converts trades: they must be in order and valid.
func (c *category) numbered(symbol string, raw []rawTrade, from uint64, limit int) ([]venue.NumberedTrade, error) {
	now := time.Now()
	trades := make([]venue.NumberedTrade, 0, len(raw))
	for _, r := range raw {
		t, err := c.convert(symbol, r, now)
		if err != nil {
			return nil, fmt.Errorf("trades of %s from %d: %w", symbol, from, err)
		}
		trades = append(trades, t)
	}
	trades, err := venue.InOrder(trades, from, limit)
	if err != nil {
		return nil, fmt.Errorf("trades of %s from %d: %w", symbol, from, err)
	}
	return trades, nil
}

func (c *category) convert(symbol string, r rawTrade, now time.Time) (t venue.NumberedTrade, err error) {
	if r.ID == nil || r.BuyerMaker == nil || r.Time <= 0 {
		return t, domain.Invalid("trade", "", "an id, a time and a side")
	}
	t.Trade = domain.Trade{
		Exchange: c.Cfg.Exchange, Symbol: symbol,
		ID:       strconv.FormatUint(*r.ID, 10),
		Side:     aggressor(*r.BuyerMaker),
		Time:     time.UnixMilli(r.Time).UTC(),
		Received: now,
	}
	t.Number = *r.ID
	if t.Price, err = domain.ParseUnsigned("price", r.Price); err != nil {
		return t, err
	}
	if t.Volume, err = domain.ParseUnsigned("volume", r.Quantity); err != nil {
		return t, err
	}
	return t, nil
}

// get fetches a JSON document.
func (c *category) get(ctx context.Context, r request, query url.Values, into any) error {
	if err := c.REST.GetJSON(ctx, r.path, query, r.weight, into); err != nil {
		return refusal(err)
	}
	return nil
}

// refusal adds the venue's own code and message to a status error.
func refusal(err error) error {
	status, ok := errors.AsType[*venue.StatusError](err)
	if !ok || status.Status < http.StatusBadRequest {
		return err
	}
	var reason struct {
		Code int    `json:"code"`
		Msg  string `json:"msg"`
	}
	if json.Unmarshal(status.Body, &reason) != nil || reason.Code == 0 {
		return err
	}
	kind := venue.ErrRefused
	if reason.Code == codeBadSymbol {
		kind = domain.ErrNotFound
	}
	return fmt.Errorf("%w: %w: code %d: %.200s", err, kind, reason.Code, reason.Msg)
}
