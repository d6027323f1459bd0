package okx

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
)

const (
	// pageTrades is the most that the venue returns at once.
	pageTrades = 100
	// mostTrades is the most that one call of TradesFrom returns.
	mostTrades = 1000
)

// The codes of answers.
const (
	codeDone        = "0"
	codeUnavailable = "50001"
	codeLimited     = "50011"
	codeBusy        = "50013"
	codeSystem      = "50026"
	codeNoSymbol    = "51001"
)

// answer is what every REST request gets, with status 200 or another.
type answer[T any] struct {
	Code    string `json:"code"`
	Message string `json:"msg"`
	Data    []T    `json:"data"`
}

// check finds the errors that pass, for venue.REST.
func check(body []byte) error {
	if bytes.HasPrefix(body, []byte(`{"code":"0",`)) {
		return nil // nearly always
	}
	var a answer[json.RawMessage]
	if json.Unmarshal(body, &a) != nil {
		return nil // not for us to say
	}
	switch a.Code {
	case codeLimited:
		return fmt.Errorf("%w: %.200s", venue.ErrLimited, a.Message)
	case codeUnavailable, codeBusy, codeSystem:
		return fmt.Errorf("%w: %.200s", venue.ErrBusy, a.Message)
	}
	return nil
}

// get fetches a list. The error matches domain.ErrNotFound for an instrument that
// the venue does not have, venue.ErrRefused for other refusals.
func get[T any](ctx context.Context, rest *venue.REST, path string, query url.Values) ([]T, error) {
	var a answer[T]
	err := rest.GetJSON(ctx, path, query, 1, &a)
	if status, ok := errors.AsType[*venue.StatusError](err); ok && status.Status < http.StatusInternalServerError {
		// It may say why.
		if json.Unmarshal(status.Body, &a) != nil || a.Code == "" {
			return nil, fmt.Errorf("%w: %w", err, venue.ErrRefused)
		}
		err = nil
	}
	switch {
	case err != nil:
		return nil, err
	case a.Code == codeNoSymbol:
		return nil, fmt.Errorf("GET %s: %w: %.200s", path, domain.ErrNotFound, a.Message)
	case a.Code == "" || a.Code == codeDone && a.Data == nil:
		return nil, fmt.Errorf("GET %s: %w", path, domain.Invalid("data", "", "a list or an error"))
	case a.Code != codeDone:
		return nil, fmt.Errorf("GET %s: %w: %.20s: %.200s", path, venue.ErrRefused, a.Code, a.Message)
	}
	return a.Data, nil
}

// restTrade is the venue's form of a past trade.
type restTrade struct {
	ID    string `json:"tradeId"`
	Price string `json:"px"`
	Size  string `json:"sz"`
	Side  string `json:"side"`
	Time  string `json:"ts"`
}

// TradesFrom implements venue.Adapter; limit is taken for at most 1000. The venue
// is asked by number, 100 at a time, and has the trades of the last three months.
//
// Errors: a *domain.FieldError for a symbol or limit that cannot be,
// domain.ErrNotFound for a symbol that the venue does not have, venue.ErrRefused
// for other refusals, those of venue.REST.Get, and an error that matches
// domain.ErrInvalid if the answer makes no sense.
func (a *Adapter) TradesFrom(ctx context.Context, symbol string, from uint64, _ time.Time, limit int) ([]venue.NumberedTrade, error) {
	name, err := VenueSymbol(symbol)
	if err != nil {
		return nil, err
	}
	if limit < 1 {
		return nil, domain.Invalid("limit", strconv.Itoa(limit), "at least 1")
	}
	limit = min(limit, mostTrades)
	size, err := a.contract(ctx, name)
	var trades, page []venue.NumberedTrade
	for next := from; err == nil && len(trades) < limit; next += pageTrades {
		if page, err = a.page(ctx, symbol, name, next+pageTrades, size); err != nil {
			break
		}
		if page, err = venue.InOrder(page, next, limit-len(trades)); err != nil {
			break
		}
		trades = append(trades, page...)
		if len(page) == 0 || page[len(page)-1].Number < next+pageTrades-1 {
			break // that was the newest one
		}
	}
	if err != nil {
		return nil, fmt.Errorf("trades of %s from %d: %w", symbol, from, err)
	}
	return trades, nil
}

// page fetches the trades before a number, oldest first.
func (a *Adapter) page(ctx context.Context, symbol, name string, before uint64, size contract) ([]venue.NumberedTrade, error) {
	list, err := get[restTrade](ctx, a.REST, "/api/v5/market/history-trades", url.Values{
		"instId": {name}, "type": {"1"}, "after": {strconv.FormatUint(before, 10)}, "limit": {strconv.Itoa(pageTrades)},
	})
	if err != nil {
		return nil, err
	}
	now := time.Now()
	trades := make([]venue.NumberedTrade, 0, len(list))
	for _, r := range slices.Backward(list) {
		t, err := r.convert(size)
		if err != nil {
			return nil, err
		}
		t.Exchange, t.Symbol, t.Received = a.Cfg.Exchange, symbol, now
		trades = append(trades, t)
	}
	return trades, nil
}

func (r restTrade) convert(size contract) (t venue.NumberedTrade, err error) {
	t.ID = r.ID
	if t.Number, err = strconv.ParseUint(r.ID, 10, 63); err != nil {
		return t, domain.Invalid("tradeId", r.ID, "a positive integer")
	}
	if t.Side, err = domain.ParseSide(r.Side); err != nil {
		return t, err
	}
	if t.Price, err = domain.ParseUnsigned("px", r.Price); err != nil {
		return t, err
	}
	if t.Volume, err = domain.ParseUnsigned("sz", r.Size); err != nil {
		return t, err
	}
	if t.Volume, err = size.base(t.Volume, t.Price); err != nil {
		return t, domain.Invalid("px", r.Price, "more than zero")
	}
	ms, err := strconv.ParseInt(r.Time, 10, 64)
	if err != nil || ms <= 0 {
		return t, domain.Invalid("ts", r.Time, "unix milliseconds")
	}
	t.Time = time.UnixMilli(ms).UTC()
	return t, nil
}
