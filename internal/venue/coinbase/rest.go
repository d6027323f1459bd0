package coinbase

import (
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
	// pageTrades is the most that we ask for at once.
	pageTrades = 1000
	// maxPages bounds the requests of one call; the next one goes on from where
	// it ended.
	maxPages = 20
	// firstSpan is the time that the first request asks for; it is halved where
	// that is too much and grows where it is little.
	firstSpan = time.Minute
)

// get fetches a JSON document. The error matches domain.ErrNotFound for a product
// that the venue does not have, venue.ErrRefused for other refusals.
func (a *Adapter) get(ctx context.Context, path string, query url.Values, into any) error {
	err := a.REST.GetJSON(ctx, path, query, 1, into)
	status, ok := errors.AsType[*venue.StatusError](err)
	if !ok || status.Status >= http.StatusInternalServerError {
		return err
	}
	kind := venue.ErrRefused
	if status.Status == http.StatusNotFound {
		kind = domain.ErrNotFound
	}
	var reason struct {
		Code    string `json:"error"`
		Message string `json:"message"`
	}
	_ = json.Unmarshal(status.Body, &reason) // without it the status says enough
	return fmt.Errorf("%w: %w: %.60s: %.200s", err, kind, reason.Code, reason.Message)
}

// restTrade is the venue's form of a past trade; the side is the maker's.
type restTrade struct {
	ID    string    `json:"trade_id"`
	Price string    `json:"price"`
	Size  string    `json:"size"`
	Time  time.Time `json:"time"`
	Side  string    `json:"side"`
}

// TradesFrom implements venue.Adapter; limit is taken for at most 1000. The
// venue is asked by time, so that of a second with more than 1000 trades the
// older ones are not found.
//
// Errors: a *domain.FieldError for a symbol or limit that cannot be,
// domain.ErrNotFound for a symbol that the venue does not have, venue.ErrRefused
// for other refusals, those of venue.REST.Get, and an error that matches
// domain.ErrInvalid if the answer makes no sense.
func (a *Adapter) TradesFrom(ctx context.Context, symbol string, from uint64, since time.Time, limit int) ([]venue.NumberedTrade, error) {
	product, err := VenueSymbol(symbol)
	if err != nil {
		return nil, err
	}
	if limit < 1 {
		return nil, domain.Invalid("limit", strconv.Itoa(limit), "at least 1")
	}
	limit = min(limit, pageTrades)
	start, span, now := since.Truncate(time.Second), firstSpan, time.Now()
	var trades []venue.NumberedTrade
	for range maxPages {
		page, err := a.span(ctx, symbol, product, start, start.Add(span))
		if err != nil {
			return nil, fmt.Errorf("trades of %s from %d: %w", symbol, from, err)
		}
		// The newest of a span come first, so that older ones may be cut off.
		if len(page) >= pageTrades && page[0].Number > from && span > time.Second {
			span = max(time.Second, (span / 2).Truncate(time.Second))
			continue
		}
		for _, t := range page {
			if t.Number >= from && (len(trades) == 0 || t.Number > trades[len(trades)-1].Number) {
				trades = append(trades, t)
			}
		}
		// A clock that is behind the venue's must not hide what is newest.
		if len(trades) >= limit || start.Add(span).After(now.Add(time.Minute)) {
			break
		}
		start = start.Add(span)
		if len(page) < pageTrades/8 {
			span *= 4
		}
	}
	return trades[:min(len(trades), limit)], nil
}

// span fetches the trades of a time, both ends included, oldest first.
func (a *Adapter) span(ctx context.Context, symbol, product string, start, end time.Time) ([]venue.NumberedTrade, error) {
	query := url.Values{
		"limit": {strconv.Itoa(pageTrades)},
		"start": {strconv.FormatInt(max(0, start.Unix()), 10)},
		"end":   {strconv.FormatInt(max(0, end.Unix()), 10)},
	}
	var answer struct {
		Trades []restTrade `json:"trades"`
	}
	if err := a.get(ctx, "/api/v3/brokerage/market/products/"+product+"/ticker", query, &answer); err != nil {
		return nil, err
	}
	now := time.Now()
	trades := make([]venue.NumberedTrade, 0, len(answer.Trades))
	for _, r := range answer.Trades {
		t := venue.NumberedTrade{Trade: domain.Trade{
			Exchange: a.Cfg.Exchange, Symbol: symbol, ID: r.ID, Side: aggressor(r.Side), Time: r.Time.UTC(), Received: now,
		}}
		var err error
		if t.Number, err = strconv.ParseUint(r.ID, 10, 63); err != nil || t.Number == 0 {
			return nil, domain.Invalid("trade_id", r.ID, "a positive integer")
		}
		if t.Price, err = domain.ParseUnsigned("price", r.Price); err != nil {
			return nil, err
		}
		if t.Volume, err = domain.ParseUnsigned("size", r.Size); err != nil {
			return nil, err
		}
		trades = append(trades, t)
	}
	slices.Reverse(trades)
	return venue.InOrder(trades, 1, len(trades))
}

// product is the part of a catalogue's entry that is used.
type product struct {
	ID             string `json:"product_id"`
	Type           string `json:"product_type"`
	Base           string `json:"base_currency_id"`
	Quote          string `json:"quote_currency_id"`
	PriceIncrement string `json:"price_increment"`
	QuoteIncrement string `json:"quote_increment"`
	BaseIncrement  string `json:"base_increment"`
	BaseMin        string `json:"base_min_size"`
	QuoteMin       string `json:"quote_min_size"`
	Status         string `json:"status"`

	Disabled        bool `json:"is_disabled"`
	TradingDisabled bool `json:"trading_disabled"`
	CancelOnly      bool `json:"cancel_only"`
	ViewOnly        bool `json:"view_only"`
}

// Symbols implements venue.Adapter: the spot products, also those in USDC, which
// can be traded but not followed. An entry that cannot be used (a name or a number
// out of bounds) is left out and logged. Errors are those of venue.REST.Get,
// venue.ErrRefused, and one that matches domain.ErrInvalid if the answer makes no
// sense.
func (a *Adapter) Symbols(ctx context.Context) ([]domain.Symbol, error) {
	var answer struct {
		Products []product `json:"products"`
	}
	err := a.get(ctx, "/api/v3/brokerage/market/products", url.Values{"product_type": {"SPOT"}}, &answer)
	if err == nil && len(answer.Products) == 0 {
		err = domain.Invalid("products", "", "at least one")
	}
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	symbols := make([]domain.Symbol, 0, len(answer.Products))
	for _, p := range answer.Products {
		if p.Type != "SPOT" {
			continue
		}
		s, err := a.symbol(p)
		if err != nil {
			a.Cfg.Logger.WarnContext(ctx, "symbol left out of the catalogue", "exchange", a.Cfg.Exchange, "symbol", p.ID, "error", err)
			continue
		}
		symbols = append(symbols, s)
	}
	return symbols, nil
}

func (a *Adapter) symbol(p product) (s domain.Symbol, err error) {
	s = domain.Symbol{
		Exchange: a.Cfg.Exchange, Name: domain.SymbolName(p.Base, p.Quote, ""), VenueSymbol: p.ID, Base: p.Base, Quote: p.Quote,
		Trading: p.Status == "online" && !p.Disabled && !p.TradingDisabled && !p.CancelOnly && !p.ViewOnly,
	}
	if p.ID != p.Base+"-"+p.Quote || !isAsset(p.Base) || !isAsset(p.Quote) { // then it could not be subscribed by its name
		return s, domain.Invalid("symbol", p.ID, p.Base+"-"+p.Quote)
	}
	if p.PriceIncrement == "" {
		p.PriceIncrement = p.QuoteIncrement
	}
	for _, f := range []struct {
		into       *domain.Decimal
		name, text string
	}{
		{&s.TickSize, "price_increment", p.PriceIncrement},
		{&s.LotSize, "base_increment", p.BaseIncrement},
		{&s.MinVolume, "base_min_size", p.BaseMin},
		{&s.MinNotional, "quote_min_size", p.QuoteMin},
	} {
		if *f.into, err = domain.ParseUnsigned(f.name, f.text); err != nil {
			return s, err
		}
	}
	return s, s.Validate()
}
