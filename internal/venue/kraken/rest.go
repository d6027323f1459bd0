package kraken

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
)

const (
	// pageTrades is the most that the venue returns at once.
	pageTrades = 1000
	// maxPages bounds the requests of one call; the next one goes on from where
	// it ended.
	maxPages = 10
)

// answer is what every REST request gets, with status 200 whatever happened.
type answer[T any] struct {
	Error  []string `json:"error"`
	Result *T       `json:"result"`
}

// check finds the errors that pass, for venue.REST.
func check(body []byte) error {
	if bytes.HasPrefix(body, []byte(`{"error":[],`)) {
		return nil // nearly always
	}
	var a answer[json.RawMessage]
	if json.Unmarshal(body, &a) != nil {
		return nil // not for us to say
	}
	for _, text := range a.Error {
		switch {
		case strings.HasPrefix(text, "EGeneral:Too many requests"), strings.HasPrefix(text, "EAPI:Rate limit exceeded"):
			return fmt.Errorf("%w: %.200s", venue.ErrLimited, text)
		case strings.HasPrefix(text, "EService:"), strings.HasPrefix(text, "EGeneral:Internal error"):
			return fmt.Errorf("%w: %.200s", venue.ErrBusy, text)
		}
	}
	return nil
}

// get fetches a result. The error matches domain.ErrNotFound for a pair that the
// venue does not have, venue.ErrRefused for other refusals.
func get[T any](ctx context.Context, rest *venue.REST, path string, query url.Values) (result T, err error) {
	var a answer[T]
	if err := rest.GetJSON(ctx, path, query, 1, &a); err != nil {
		return result, err
	}
	if len(a.Error) > 0 {
		kind := venue.ErrRefused
		if strings.HasPrefix(a.Error[0], "EQuery:Unknown asset pair") {
			kind = domain.ErrNotFound
		}
		return result, fmt.Errorf("GET %s: %w: %.200s", path, kind, strings.Join(a.Error, ", "))
	}
	if a.Result == nil {
		return result, fmt.Errorf("GET %s: %w", path, domain.Invalid("result", "", "a result or an error"))
	}
	return *a.Result, nil
}

// TradesFrom implements venue.Adapter; limit is taken for at most 1000. The
// venue is asked by time, so trades that are more than 10,000 trades after
// since are not found.
//
// Errors: a *domain.FieldError for a symbol or limit that cannot be,
// domain.ErrNotFound for a symbol that the venue does not have, venue.ErrRefused
// for other refusals, those of venue.REST.Get, and an error that matches
// domain.ErrInvalid if the answer makes no sense.
func (a *Adapter) TradesFrom(ctx context.Context, symbol string, from uint64, since time.Time, limit int) ([]venue.NumberedTrade, error) {
	if _, err := VenueSymbol(symbol); err != nil {
		return nil, err
	}
	if limit < 1 {
		return nil, domain.Invalid("limit", strconv.Itoa(limit), "at least 1")
	}
	limit = min(limit, pageTrades)
	base, quote, _, _ := domain.SplitSymbol(symbol) // VenueSymbol took it
	query := url.Values{"pair": {RESTAsset(base) + RESTAsset(quote)}, "count": {strconv.Itoa(pageTrades)}}
	// The times of the stream are coarser than those of REST.
	cursor := strconv.FormatInt(max(0, domain.UnixNano(since)-int64(time.Millisecond)), 10)
	var trades []venue.NumberedTrade
	for range maxPages {
		query.Set("since", cursor)
		result, err := get[map[string]json.RawMessage](ctx, a.REST, "/0/public/Trades", query)
		var page []venue.NumberedTrade
		last := ""
		if err == nil {
			page, last, err = a.page(symbol, result)
		}
		if err == nil {
			page, err = venue.InOrder(page, from, limit)
		}
		if err != nil {
			return nil, fmt.Errorf("trades of %s from %d: %w", symbol, from, err)
		}
		for _, t := range page { // pages may overlap
			if len(trades) == 0 || t.Number > trades[len(trades)-1].Number {
				trades = append(trades, t)
			}
		}
		if len(trades) >= limit || last == "" || last == cursor {
			break
		}
		cursor = last
	}
	return trades[:min(len(trades), limit)], nil
}

// page reads the trades of an answer; last is where the next page begins, empty
// for the last one.
func (a *Adapter) page(symbol string, result map[string]json.RawMessage) (page []venue.NumberedTrade, last string, err error) {
	if err := json.Unmarshal(result["last"], &last); err != nil {
		return nil, "", domain.Invalid("last", "", "a text")
	}
	delete(result, "last")
	var raw []restTrade
	for _, list := range result { // one, under a name of the venue's own
		if err := json.Unmarshal(list, &raw); err != nil {
			return nil, "", fmt.Errorf("%w: %w", domain.ErrInvalid, err)
		}
	}
	now := time.Now()
	for _, r := range raw {
		t, err := r.convert(now)
		if err != nil {
			return nil, "", err
		}
		t.Exchange, t.Symbol = a.Cfg.Exchange, symbol
		page = append(page, t)
	}
	if len(raw) < pageTrades {
		last = ""
	}
	return page, last, nil
}

// restTrade is a list of price, volume, time in seconds, side (b or s, the
// taker's), kind of order, a text, and the id.
type restTrade struct {
	price, volume, side string
	seconds             json.Number
	id                  uint64
}

var errShort = errors.New("a trade of less than seven values")

// UnmarshalJSON implements json.Unmarshaler.
func (t *restTrade) UnmarshalJSON(body []byte) error {
	var values []json.RawMessage
	if err := json.Unmarshal(body, &values); err != nil {
		return err
	}
	if len(values) < 7 {
		return errShort
	}
	for i, into := range map[int]any{0: &t.price, 1: &t.volume, 2: &t.seconds, 3: &t.side, 6: &t.id} {
		if err := json.Unmarshal(values[i], into); err != nil {
			return err
		}
	}
	return nil
}

func (t *restTrade) convert(now time.Time) (n venue.NumberedTrade, err error) {
	n.Number, n.ID, n.Received = t.id, strconv.FormatUint(t.id, 10), now
	switch t.side {
	case "b":
		n.Side = domain.Buy
	case "s":
		n.Side = domain.Sell
	}
	if n.Price, err = domain.ParseUnsigned("price", t.price); err != nil {
		return n, err
	}
	if n.Volume, err = domain.ParseUnsigned("volume", t.volume); err != nil {
		return n, err
	}
	n.Time, err = seconds(t.seconds.String())
	return n, err
}

// seconds reads unix seconds with decimals, to the microsecond, which is what
// the stream has.
func seconds(text string) (time.Time, error) {
	whole, fraction, _ := strings.Cut(text, ".")
	s, err := strconv.ParseInt(whole, 10, 64)
	micros, fracErr := strconv.ParseInt((fraction + "000000")[:6], 10, 64)
	if err != nil || fracErr != nil || s <= 0 || micros < 0 {
		return time.Time{}, domain.Invalid("time", text, "unix seconds")
	}
	return time.Unix(s, micros*int64(time.Microsecond)).UTC(), nil
}

// pair is the part of the catalogue that is used.
type pair struct {
	Name         string `json:"wsname"`
	TickSize     string `json:"tick_size"`
	PairDecimals uint8  `json:"pair_decimals"`
	LotDecimals  uint8  `json:"lot_decimals"`
	OrderMin     string `json:"ordermin"`
	CostMin      string `json:"costmin"`
	Status       string `json:"status"`
}

// Symbols implements venue.Adapter. An entry that cannot be used (a name or a
// number out of bounds) is left out and logged. A symbol is trading while it
// takes all kinds of orders. Errors are those of venue.REST.Get,
// venue.ErrRefused, and one that matches domain.ErrInvalid if the answer makes no
// sense.
func (a *Adapter) Symbols(ctx context.Context) ([]domain.Symbol, error) {
	pairs, err := get[map[string]pair](ctx, a.REST, "/0/public/AssetPairs", nil)
	if err == nil && len(pairs) == 0 {
		err = domain.Invalid("result", "", "at least one pair")
	}
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	var symbols []domain.Symbol
	for name, p := range pairs {
		if p.Name == "" {
			continue // a dark pool, which has no stream
		}
		s, err := a.symbol(p)
		if err != nil {
			a.Cfg.Logger.WarnContext(ctx, "symbol left out of the catalogue", "exchange", a.Cfg.Exchange, "symbol", name, "error", err)
			continue
		}
		symbols = append(symbols, s)
	}
	slices.SortFunc(symbols, func(a, b domain.Symbol) int { return strings.Compare(a.Name, b.Name) })
	return symbols, nil
}

func (a *Adapter) symbol(p pair) (s domain.Symbol, err error) {
	base, quote, _ := strings.Cut(p.Name, "/")
	s = domain.Symbol{Exchange: a.Cfg.Exchange, Base: Asset(base), Quote: Asset(quote), Trading: p.Status == "online"}
	s.Name = domain.SymbolName(s.Base, s.Quote, "")
	if s.VenueSymbol, err = VenueSymbol(s.Name); err != nil {
		return s, err
	}
	for _, f := range []struct {
		into     *domain.Decimal
		name     string
		text     string
		decimals uint8
	}{
		{&s.TickSize, "tick_size", p.TickSize, p.PairDecimals},
		{&s.LotSize, "lot_decimals", "", p.LotDecimals},
		{&s.MinVolume, "ordermin", or(p.OrderMin, "0"), 0},
		{&s.MinNotional, "costmin", or(p.CostMin, "0"), 0},
	} {
		if *f.into, err = domain.ParseUnsigned(f.name, or(f.text, step(f.decimals))); err != nil {
			return s, err
		}
	}
	return s, s.Validate()
}

func or(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}

// step is the smallest number with so many decimals.
func step(decimals uint8) string {
	if decimals == 0 {
		return "1"
	}
	return "0." + strings.Repeat("0", int(decimals)-1) + "1"
}
