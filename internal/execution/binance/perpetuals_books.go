package binance

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution/private"
)

const (
	// booksEvery is the least time between two readings of the balances, each of
	// which takes 5 of the 2400 that an address has a minute.
	booksEvery = 2 * time.Second
	// tradeSpan is the most time that trades are listed of at once, remembered
	// how far back they are, less a day to be asked for them, listedLate how much
	// later than it was made a trade may be listed.
	tradeSpan  = 7 * 24 * time.Hour
	remembered = 89 * 24 * time.Hour
	listedLate = time.Hour
)

// Balances implements private.Books. They have no time: the venue dates a
// balance by its last payment, and what orders hold back changes without one. An
// asset of which nothing is left is not listed.
func (a *perpetuals) Balances(ctx context.Context) ([]domain.Balance, error) {
	const path = "/fapi/v3/account"
	type wallet struct {
		Assets []struct {
			Asset  string `json:"asset"`
			Wallet string `json:"walletBalance"`
			Margin string `json:"initialMargin"` // of orders and positions
		} `json:"assets"`
	}
	got, err := ask[wallet](ctx, a.account, http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	if got.Assets == nil {
		return nil, private.Nonsense("GET "+path, "the answer makes no sense")
	}
	listed := make(map[string]domain.Balance, len(got.Assets))
	for _, asset := range got.Assets {
		var b domain.Balance
		if err := numbers(number{"walletBalance", asset.Wallet, &b.Total}, number{"initialMargin", asset.Margin, &b.Used}); err != nil {
			return nil, fmt.Errorf("a balance: %w", err)
		}
		b.Free = b.Total.Sub(b.Used)
		listed[asset.Asset] = b
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for asset := range listed {
		a.assets[asset] = true
	}
	var balances []domain.Balance
	for _, asset := range slices.Sorted(maps.Keys(a.assets)) {
		b := listed[asset]
		b.Currency = asset
		balances = append(balances, b)
	}
	return balances, nil
}

// oneWay is the side of a position that an account has in one-way mode.
const oneWay = "BOTH"

var errHedge = errors.New("the account is in hedge mode: it must be in one-way mode")

// position is what is held of a perpetual.
type position struct {
	Symbol   string `json:"symbol"`
	Side     string `json:"positionSide"`
	Amount   string `json:"positionAmt"` // base units; short: negative
	Entry    string `json:"entryPrice"`
	Updated  int64  `json:"updateTime"`
	realised string // an event tells it
}

// told is the position, which is noted. Of one that is flat on a side of hedge
// mode there is nothing to tell.
func (a *perpetuals) told(p position) (told domain.Position, ok bool, err error) {
	told.Symbol = p.Symbol
	if err := numbers(number{"positionAmt", p.Amount, &told.Volume}, number{"entryPrice", p.Entry, &told.Price}); err != nil {
		return told, false, fmt.Errorf("the position of %s: %w", domain.Shorten(p.Symbol, 40), err)
	}
	if p.Side != oneWay {
		if !told.Flat() {
			err = errHedge
		}
		return told, false, err
	}
	if told.Flat() {
		told.Price = domain.Decimal{}
	}
	told.Cost = told.Volume.Abs().Mul(told.Price)
	if p.Updated > 0 {
		told.Time = unixMilli(p.Updated)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if p.realised != "" {
		if told.Realised, err = domain.ParseDecimal("cr", p.realised); err != nil {
			return told, false, fmt.Errorf("the position of %s: %w", domain.Shorten(p.Symbol, 40), err)
		}
		a.realised[p.Symbol] = told.Realised
	}
	told.Realised = a.realised[p.Symbol]
	if told.Flat() {
		delete(a.held, p.Symbol)
	} else {
		a.held[p.Symbol] = true
	}
	return told, true, nil
}

// Positions implements private.Books. They are listed once a connection: after that
// the stream tells each change, and the list may be behind it. The venue lists
// those that are not flat, and those with open orders; of what was held before the
// others are flat.
func (a *perpetuals) Positions(ctx context.Context) ([]domain.Position, error) {
	a.mu.Lock()
	before, listed := slices.Sorted(maps.Keys(a.held)), a.listed
	a.mu.Unlock()
	if listed {
		return nil, nil
	}
	asked, _ := a.Clock.At(time.Now())
	all, err := ask[[]position](ctx, a.account, http.MethodGet, "/fapi/v3/positionRisk", nil)
	if err != nil {
		return nil, err
	}
	var positions []domain.Position
	for _, p := range all {
		told, ok, err := a.told(p)
		if err != nil {
			return nil, err
		}
		if ok {
			positions = append(positions, told)
		}
	}
	for _, symbol := range before {
		if !slices.ContainsFunc(positions, func(p domain.Position) bool { return p.Symbol == symbol }) {
			flat, _, err := a.told(position{Symbol: symbol, Side: oneWay, Amount: "0", Entry: "0", Updated: asked.UnixMilli()})
			if err != nil {
				return nil, err
			}
			positions = append(positions, flat)
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.listed = true
	return positions, nil
}

// Fills implements private.Books: by time until there is one, by number from
// there on.
func (a *perpetuals) Fills(ctx context.Context, symbol string, from int64) (private.Page, error) {
	if from > 0 {
		return a.trades(ctx, symbol, from, url.Values{"fromId": {strconv.FormatInt(from, 10)}})
	}
	now, _ := a.Clock.At(time.Now())
	begin := now.Add(-remembered)
	if a.Cfg.Since.After(begin) {
		begin = a.Cfg.Since
	}
	a.mu.Lock()
	searched := a.searched[symbol]
	a.mu.Unlock()
	if searched.After(begin) {
		begin = searched
	}
	for ; begin.Before(now); begin = begin.Add(tradeSpan) {
		got, err := a.trades(ctx, symbol, 0, url.Values{
			"startTime": {strconv.FormatInt(begin.UnixMilli(), 10)},
			"endTime":   {strconv.FormatInt(begin.Add(tradeSpan).UnixMilli()-1, 10)},
		})
		if err != nil || got.More {
			return got, err
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.searched[symbol] = now.Add(-listedLate)
	return private.Page{}, nil
}

// trades lists trades of a symbol, the oldest first.
func (a *perpetuals) trades(ctx context.Context, symbol string, from int64, query url.Values) (private.Page, error) {
	const path = "/fapi/v1/userTrades"
	// The venue's names of these differ from those of spot.
	type contractTrade struct {
		trade
		Buyer bool `json:"buyer"`
		Maker bool `json:"maker"`
	}
	query.Set("symbol", symbol)
	query.Set("limit", strconv.Itoa(page))
	found, err := ask[[]contractTrade](ctx, a.account, http.MethodGet, path, query)
	if err != nil {
		return private.Page{}, err
	}
	trades := make([]trade, len(found))
	for i, t := range found {
		trades[i] = t.trade
		trades[i].Buyer, trades[i].Maker = t.Buyer, t.Maker
	}
	got, err := pageOf(trades, path, symbol, from)
	got.More = err == nil && len(trades) > 0 // of later weeks, or of what was too much for one page
	return got, err
}

// Name implements private.Books: as for spot. An order that the list leaves out,
// which has those of a week where it is not said otherwise, is asked for by
// itself.
func (a *perpetuals) Name(ctx context.Context, fills []private.Fill) error {
	if err := a.name(ctx, "/fapi/v1/allOrders", fills); err != nil {
		return err
	}
	names := make(map[string]string)
	for i, f := range fills {
		if f.ClientOrderID != "" {
			continue
		}
		name, asked := names[f.OrderID]
		if !asked {
			got, err := ask[order](ctx, a.account, http.MethodGet, contractPath, url.Values{"symbol": {f.Symbol}, "orderId": {f.OrderID}})
			if err != nil && !private.Is(err, private.NotFound) {
				return err
			}
			name = got.ID
			names[f.OrderID] = name
		}
		fills[i].ClientOrderID = name
	}
	return nil
}

// number is a text to be read into a decimal.
type number struct {
	field, text string
	into        *domain.Decimal
}

// numbers reads numbers, which may be negative.
func numbers(all ...number) (err error) {
	for _, n := range all {
		if *n.into, err = domain.ParseDecimal(n.field, n.text); err != nil {
			return err
		}
	}
	return nil
}
