package bybit

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution/private"
)

// coin is what the account has of a currency, as REST and the stream tell it.
type coin struct {
	Name     string `json:"coin"`
	Wallet   string `json:"walletBalance"` // what is borrowed is in it
	Borrowed string `json:"spotBorrow"`
	Locked   string `json:"locked"`          // by spot orders
	Orders   string `json:"totalOrderIM"`    // margin of orders
	Position string `json:"totalPositionIM"` // margin of positions
}

// wallet is an account's currencies.
type wallet struct {
	Kind  string `json:"accountType"`
	Coins []coin `json:"coin"`
}

const unified = "UNIFIED" // the kind of account that trades

func (c coin) balance() (b domain.Balance, err error) {
	b.Currency = c.Name
	var borrowed, locked, orders, position domain.Decimal
	if b.Total, err = domain.ParseDecimal("walletBalance", c.Wallet); err == nil {
		err = read(number{"spotBorrow", c.Borrowed, &borrowed}, number{"locked", c.Locked, &locked}, number{"totalOrderIM", c.Orders, &orders},
			number{"totalPositionIM", c.Position, &position})
	}
	if err != nil {
		return b, fmt.Errorf("the balance of %s: %w", domain.Shorten(c.Name, 40), err)
	}
	b.Total = b.Total.Sub(borrowed)
	b.Used = locked.Add(orders).Add(position)
	b.Free = b.Total.Sub(b.Used)
	return b, nil
}

// Balances implements private.Books. They have no time: the venue does not say
// of when they are. A currency of which nothing is left is not listed.
func (a *api) Balances(ctx context.Context) ([]domain.Balance, error) {
	type wallets struct {
		List []wallet `json:"list"`
	}
	const path = "/v5/account/wallet-balance"
	got, err := get[wallets](ctx, a, path, url.Values{"accountType": {unified}})
	if err != nil {
		return nil, err
	}
	if len(got.Result.List) != 1 {
		return nil, private.Nonsense("GET "+path, "the answer is not about one account")
	}
	listed := make(map[string]domain.Balance)
	for _, c := range got.Result.List[0].Coins {
		if listed[c.Name], err = c.balance(); err != nil {
			return nil, err
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for currency := range listed {
		a.coins[currency] = true
	}
	var balances []domain.Balance
	for _, currency := range slices.Sorted(maps.Keys(a.coins)) {
		b := listed[currency]
		b.Currency = currency
		balances = append(balances, b)
	}
	return balances, nil
}

// position is what is held of a linear contract. REST and the stream have other
// names for its price.
type position struct {
	Category category `json:"category"` // the stream says it
	Symbol   string   `json:"symbol"`
	Index    int      `json:"positionIdx"` // zero: of one-way mode
	Side     string   `json:"side"`
	Size     string   `json:"size"`
	Average  string   `json:"avgPrice"`
	Entry    string   `json:"entryPrice"`
	Realised string   `json:"cumRealisedPnl"`
	Updated  string   `json:"updatedTime"`
}

var errHedge = errors.New("the account is in hedge mode: it must be in one-way mode")

func (p position) position() (told domain.Position, err error) {
	told.Symbol = linear.spell(p.Symbol)
	if told.Volume, err = domain.ParseUnsigned("size", p.Size); err != nil {
		return told, fmt.Errorf("the position of %s: %w", domain.Shorten(p.Symbol, 40), err)
	}
	switch {
	case told.Volume.IsZero():
	case p.Index != 0:
		return told, errHedge
	case p.Side == "Sell":
		told.Volume = told.Volume.Neg()
	case p.Side != "Buy":
		return told, domain.Invalid("side", p.Side, "Buy or Sell")
	}
	err = read(number{"avgPrice", p.Average, &told.Price}, number{"entryPrice", p.Entry, &told.Price}, number{"cumRealisedPnl", p.Realised, &told.Realised})
	if err == nil {
		told.Time, err = millis("updatedTime", p.Updated)
	}
	if err != nil {
		return told, fmt.Errorf("the position of %s: %w", domain.Shorten(p.Symbol, 40), err)
	}
	if told.Flat() {
		told.Price = domain.Decimal{}
	}
	told.Cost = told.Volume.Abs().Mul(told.Price)
	return told, nil
}

// keep notes what is held, so that what is listed no more is told to be flat.
func (a *api) keep(p domain.Position) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if p.Flat() {
		delete(a.held, p.Symbol)
	} else {
		a.held[p.Symbol] = true
	}
}

// Positions implements private.Books. The venue lists those that are not flat,
// so of those that were held before the others are.
func (a *api) Positions(ctx context.Context) ([]domain.Position, error) {
	const path = "/v5/position/list"
	a.mu.Lock()
	before := slices.Sorted(maps.Keys(a.held))
	a.mu.Unlock()
	var positions []domain.Position
	asked, _ := a.Clock.At(time.Now())
	for _, settle := range a.settles() {
		found, more, err := list[position](ctx, a, path, url.Values{"category": {string(linear)}, "settleCoin": {settle}, "limit": {"200"}}, maxPages)
		if err != nil {
			return nil, err
		}
		if more {
			return nil, &private.Failure{What: "GET " + path, Cause: errPages}
		}
		for _, p := range found {
			told, err := p.position()
			if err != nil {
				return nil, err
			}
			positions = append(positions, told)
		}
	}
	for _, symbol := range before {
		if !slices.ContainsFunc(positions, func(p domain.Position) bool { return p.Symbol == symbol }) {
			positions = append(positions, domain.Position{Symbol: symbol, Time: asked.UTC().Truncate(time.Millisecond)})
		}
	}
	for _, p := range positions {
		a.keep(p)
	}
	return positions, nil
}

// Name implements private.Books: the list of fills has the client order ids.
func (*api) Name(context.Context, []private.Fill) error { return nil }
