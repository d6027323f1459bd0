package bybit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/frame"
)

// The codes in answers that say what is to be done.
const (
	codeTimeout       = 10000
	codeBadRequest    = 10001 // also for a symbol that the venue does not have
	codeTooMany       = 10006
	codeServerError   = 10016
	codeTooManyOfIP   = 10018
	codeBadSymbol     = 10029
	codeBusyFrequency = 10429
)

// pageTrades are the most trades that the venue returns.
var pageTrades = map[category]int{spot: 60, linear: 1000}

// answer is what every REST request gets, with status 200 whatever happened.
type answer[T any] struct {
	Code    *int   `json:"retCode"`
	Message string `json:"retMsg"`
	Result  T      `json:"result"`
}

// check finds the errors that pass, for venue.REST.
func check(body []byte) error {
	if bytes.HasPrefix(body, []byte(`{"retCode":0,`)) {
		return nil // nearly always
	}
	var a answer[json.RawMessage]
	if json.Unmarshal(body, &a) != nil || a.Code == nil {
		return nil // not for us to say
	}
	switch *a.Code {
	case codeTooMany, codeTooManyOfIP, codeBusyFrequency:
		return fmt.Errorf("%w: code %d: %.200s", venue.ErrLimited, *a.Code, a.Message)
	case codeTimeout, codeServerError:
		return fmt.Errorf("%w: code %d: %.200s", venue.ErrBusy, *a.Code, a.Message)
	}
	return nil
}

// get fetches a result. The error matches domain.ErrNotFound for a symbol that
// the venue does not have, venue.ErrRefused for other refusals.
func get[T any](ctx context.Context, rest *venue.REST, path string, query url.Values) (result T, err error) {
	var a answer[T]
	if err := rest.GetJSON(ctx, path, query, 1, &a); err != nil {
		return result, err
	}
	switch {
	case a.Code == nil:
		return result, fmt.Errorf("GET %s: %w", path, domain.Invalid("retCode", "", "a number"))
	case *a.Code != 0:
		kind := venue.ErrRefused
		if *a.Code == codeBadSymbol || *a.Code == codeBadRequest && strings.Contains(strings.ToLower(a.Message), "symbol") {
			kind = domain.ErrNotFound
		}
		return result, fmt.Errorf("GET %s: %w: code %d: %.200s", path, kind, *a.Code, a.Message)
	}
	return a.Result, nil
}

// restTrade is the venue's form of a past trade; the side is the taker's.
type restTrade struct {
	ID    string `json:"execId"`
	Price string `json:"price"`
	Size  string `json:"size"`
	Side  string `json:"side"`
	Time  string `json:"time"` // unix ms
}

// TradesFrom implements venue.Adapter. The trades have no numbers, so from says
// nothing: they are those since the time, of the newest 1000 of a perpetual and
// the newest 60 of a spot symbol.
//
// Errors: a *domain.FieldError for a symbol or limit that cannot be,
// domain.ErrNotFound for a symbol that the venue does not have, venue.ErrRefused
// for other refusals, those of venue.REST.Get, and an error that matches
// domain.ErrInvalid if the answer makes no sense.
func (a *Adapter) TradesFrom(ctx context.Context, symbol string, _ uint64, since time.Time, limit int) ([]venue.NumberedTrade, error) {
	name, err := VenueSymbol(symbol)
	if err != nil {
		return nil, err
	}
	if limit < 1 {
		return nil, domain.Invalid("limit", strconv.Itoa(limit), "at least 1")
	}
	c := categoryOf(symbol)
	result, err := get[struct {
		List []restTrade `json:"list"`
	}](ctx, a.REST, "/v5/market/recent-trade", url.Values{
		"category": {string(c)}, "symbol": {name}, "limit": {strconv.Itoa(pageTrades[c])},
	})
	now := time.Now()
	var trades []venue.NumberedTrade
	for _, r := range slices.Backward(result.List) { // the newest first
		var t venue.NumberedTrade
		t.Trade, err = r.convert()
		t.Exchange, t.Symbol, t.Received = a.Cfg.Exchange, symbol, now
		if err == nil {
			err = t.Validate()
		}
		if err != nil {
			break
		}
		if !t.Time.Before(since) && len(trades) < limit {
			trades = append(trades, t)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("trades of %s since %s: %w", symbol, since.Format(time.RFC3339), err)
	}
	return trades, nil
}

func (r restTrade) convert() (t domain.Trade, err error) {
	t.ID, t.Side = r.ID, sides[r.Side]
	if t.Price, err = domain.ParseUnsigned("price", r.Price); err != nil {
		return t, err
	}
	if t.Volume, err = domain.ParseUnsigned("size", r.Size); err != nil {
		return t, err
	}
	ms, ok := frame.ParseInteger(r.Time)
	if !ok || ms == 0 {
		return t, domain.Invalid("time", r.Time, "unix milliseconds")
	}
	t.Time = time.UnixMilli(int64(ms)).UTC()
	return t, nil
}
