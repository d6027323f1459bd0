package okx

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution/private"
)

// learn asks for the contracts of all swaps where that of a symbol is not known.
func (a *api) learn(ctx context.Context, symbol string) error {
	const path = "/api/v5/public/instruments"
	if a.contracts.Knows(symbol) {
		return nil
	}
	answer, err := a.Do(ctx, private.Request{Method: http.MethodGet, Path: path, Query: "instType=SWAP"})
	if err != nil {
		return err
	}
	if _, err := decode[struct{}](a, answer, nil); err != nil {
		// The venue's no to this is none to what it was asked for.
		if private.Is(err, private.Limited) {
			return err
		}
		return private.Nonsense("GET "+path, "the contracts are not told: "+err.Error())
	}
	if err := a.contracts.Read(answer.Body); err != nil {
		return private.Nonsense("GET "+path, err.Error())
	}
	return nil
}

// base turns a size into base units. price is not used but for inverse swaps.
func (a *api) base(ctx context.Context, symbol string, size, price domain.Decimal) (domain.Decimal, error) {
	if err := a.learn(ctx, symbol); err != nil {
		return size, err
	}
	return a.contracts.Base(symbol, size, price)
}

// wallet is what the account has, as REST and the stream tell it.
type wallet struct {
	Details []struct {
		Currency string `json:"ccy"`
		Free     string `json:"availBal"`
		Frozen   string `json:"frozenBal"`
		Updated  string `json:"uTime"`
	} `json:"details"`
}

// balances reads a wallet.
func (a *api) balances(w wallet) (list []domain.Balance, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, d := range w.Details {
		b := domain.Balance{Currency: d.Currency}
		if b.Free, err = domain.ParseDecimal("availBal", d.Free); err != nil {
			return nil, fmt.Errorf("a balance: %w", err)
		}
		if b.Used, err = domain.ParseDecimal("frozenBal", d.Frozen); err != nil {
			return nil, fmt.Errorf("a balance: %w", err)
		}
		if b.Time, err = millis("uTime", d.Updated); err != nil {
			return nil, fmt.Errorf("a balance: %w", err)
		}
		b.Total = b.Free.Add(b.Used)
		a.currency[b.Currency] = true
		list = append(list, b)
	}
	return list, nil
}

// Balances implements private.Books. Currencies of which nothing is left are not
// listed by the venue.
func (a *api) Balances(ctx context.Context) ([]domain.Balance, error) {
	const path = "/api/v5/account/balance"
	got, err := get[wallet](ctx, a, path, nil)
	if err != nil {
		return nil, err
	}
	if len(got) != 1 || got[0].Details == nil {
		return nil, private.Nonsense("GET "+path, "the answer is not about one account")
	}
	list, err := a.balances(got[0])
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, currency := range slices.Sorted(maps.Keys(a.currency)) {
		if !slices.ContainsFunc(list, func(b domain.Balance) bool { return b.Currency == currency }) {
			list = append(list, domain.Balance{Currency: currency})
		}
	}
	return list, nil
}

// position is what is held of a swap, as REST and the stream tell it.
type position struct {
	Symbol   string `json:"instId"`
	Side     string `json:"posSide"`
	Margin   string `json:"mgnMode"`
	Count    string `json:"pos"`   // contracts; short: negative
	Average  string `json:"avgPx"` // empty where nothing is held
	Realised string `json:"pnl"`
	Fee      string `json:"fee"` // paid: negative
	Updated  string `json:"uTime"`
}

// held reads a position. ok is false for one that is nothing in a way that is not
// traded.
func (a *api) held(ctx context.Context, p position) (held domain.Position, ok bool, err error) {
	var count, fee domain.Decimal
	for _, n := range [...]struct {
		field, text string
		to          *domain.Decimal
	}{{"pos", p.Count, &count}, {"avgPx", p.Average, &held.Price}, {"pnl", p.Realised, &held.Realised}, {"fee", p.Fee, &fee}} {
		if *n.to, err = domain.ParseDecimal(n.field, cmp.Or(n.text, "0")); err != nil {
			return held, false, fmt.Errorf("a position: %w", err)
		}
	}
	if p.Side != "net" || p.Margin != a.Cfg.Margin {
		if count.IsZero() {
			return held, false, nil
		}
		return held, false, fmt.Errorf("the position in %s is %q in %q margin, and only those in net mode and in %s margin can be told",
			domain.Shorten(p.Symbol, 40), domain.Shorten(p.Side, 10), domain.Shorten(p.Margin, 10), a.Cfg.Margin)
	}
	held.Symbol, held.Fee = p.Symbol, fee.Neg()
	if held.Time, err = millis("uTime", p.Updated); err != nil {
		return held, false, fmt.Errorf("a position: %w", err)
	}
	if held.Volume, err = a.base(ctx, p.Symbol, count, held.Price); err != nil {
		return held, false, fmt.Errorf("a position: %w", err)
	}
	held.Cost = held.Volume.Abs().Mul(held.Price)
	a.mu.Lock()
	defer a.mu.Unlock()
	if count.IsZero() {
		held.Price = domain.Decimal{}
		delete(a.positions, p.Symbol)
	} else {
		a.positions[p.Symbol] = true
	}
	return held, true, nil
}

// Positions implements private.Books. Those that were closed are not listed by
// the venue: where something was held, nothing is now.
func (a *api) Positions(ctx context.Context) ([]domain.Position, error) {
	a.mu.Lock()
	before := slices.Sorted(maps.Keys(a.positions))
	a.mu.Unlock()
	got, err := get[position](ctx, a, "/api/v5/account/positions", map[string][]string{"instType": {"SWAP"}})
	if err != nil {
		return nil, err
	}
	var list []domain.Position
	for _, p := range got {
		held, ok, err := a.held(ctx, p)
		if err != nil {
			return nil, err
		}
		if ok {
			list = append(list, held)
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, symbol := range before {
		if !slices.ContainsFunc(list, func(p domain.Position) bool { return p.Symbol == symbol }) {
			list = append(list, domain.Position{Symbol: symbol})
			delete(a.positions, symbol)
		}
	}
	return list, nil
}
