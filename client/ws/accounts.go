package ws

import (
	"cmp"
	"context"
	"iter"
	"slices"

	"github.com/fullon/fullon/domain"
)

// Accounts is what accounts have and hold. Errors are as in package client: what
// is not known is never flat.
type Accounts struct{ client *Client }

// balanceView is a balance as the protocol has it.
type balanceView struct {
	Account  string         `json:"user_id"`
	Currency string         `json:"currency"`
	Total    domain.Decimal `json:"total"`
	Free     domain.Decimal `json:"free"`
	Used     domain.Decimal `json:"used"`
	Time     seconds        `json:"timestamp"`
	Sequence uint64         `json:"sequence"`
}

func (v balanceView) balance() domain.Balance {
	return domain.Balance{Account: v.Account, Currency: v.Currency, Total: v.Total, Free: v.Free, Used: v.Used, Time: v.Time.Time, Sequence: v.Sequence}
}

// positionView is a position as the protocol has it.
type positionView struct {
	Account    string          `json:"user_id"`
	Symbol     string          `json:"symbol"`
	Exchange   string          `json:"exchange"`
	Side       string          `json:"side"`
	Size       domain.Decimal  `json:"size"`
	Price      domain.Decimal  `json:"entry_price"`
	Mark       domain.Decimal  `json:"mark_price"`
	PnL        *domain.Decimal `json:"pnl"`
	PnLPercent *domain.Decimal `json:"pnl_percent"`
	Cost       domain.Decimal  `json:"cost"`
	Fee        domain.Decimal  `json:"fee"`
	Realised   domain.Decimal  `json:"realised"`
	Time       seconds         `json:"timestamp"`
	Sequence   uint64          `json:"sequence"`
}

func (v positionView) position() domain.Position {
	volume := v.Size
	if v.Side == "short" {
		volume = volume.Neg()
	}
	return domain.Position{
		Account: v.Account, Symbol: v.Symbol, Exchange: v.Exchange, Volume: volume, Price: v.Price, Cost: v.Cost, Fee: v.Fee,
		Realised: v.Realised, Time: v.Time.Time, Sequence: v.Sequence,
	}
}

func account(id string) map[string]any { return map[string]any{"account": id} }

// SetBalance stores what an account has of a currency.
func (a *Accounts) SetBalance(ctx context.Context, balance domain.Balance) (domain.LogPosition, error) {
	return a.SetBalances(ctx, balance.Account, []domain.Balance{balance})
}

// SetBalances stores what an account has of several currencies, all of one time:
// that of the first.
func (a *Accounts) SetBalances(ctx context.Context, id string, balances []domain.Balance) (domain.LogPosition, error) {
	amounts := make(map[string]any, len(balances))
	params := account(id)
	for i, b := range balances {
		switch {
		case b.Account != id:
			return domain.LogPosition{}, domain.Invalid("account", b.Account, "the account of all: "+id)
		case amounts[b.Currency] != nil:
			return domain.LogPosition{}, domain.Invalid("currency", b.Currency, "each currency once")
		case i > 0 && !b.Time.Equal(balances[0].Time):
			return domain.LogPosition{}, domain.Invalid("time", b.Time.String(), "one time for all")
		}
		amounts[b.Currency] = map[string]any{"total": exact(b.Total), "free": exact(b.Free), "used": exact(b.Used)}
		params["time"] = instant(b.Time)
	}
	params["balances"] = amounts
	return a.client.store(ctx, "set_balances", params)
}

// Balance reads what an account has of a currency. The error matches
// domain.ErrNotFound where that is not known.
func (a *Accounts) Balance(ctx context.Context, id, currency string) (domain.Balance, error) {
	params := account(id)
	params["currency"] = currency
	v, err := get[balanceView](ctx, a.client, "get_balance", params)
	return v.balance(), err
}

// Balances reads what an account has, by currency.
func (a *Accounts) Balances(ctx context.Context, id string) ([]domain.Balance, error) {
	v, err := get[struct{ Balances map[string]balanceView }](ctx, a.client, "get_balances", account(id))
	balances := make([]domain.Balance, 0, len(v.Balances))
	for _, b := range v.Balances {
		balances = append(balances, b.balance())
	}
	slices.SortFunc(balances, func(a, b domain.Balance) int { return cmp.Compare(a.Currency, b.Currency) })
	return balances, err
}

// SetPosition stores what an account holds of a symbol.
func (a *Accounts) SetPosition(ctx context.Context, position domain.Position) (domain.LogPosition, error) {
	params := account(position.Account)
	for name, value := range map[string]any{
		"venue": position.Exchange, "symbol": position.Symbol, "volume": exact(position.Volume), "price": amount(position.Price),
		"cost": amount(position.Cost), "fee": exact(position.Fee), "realised": exact(position.Realised), "time": instant(position.Time),
	} {
		params[name] = value
	}
	return a.client.store(ctx, "set_position", params)
}

// DeletePosition says that nothing is held of a symbol.
func (a *Accounts) DeletePosition(ctx context.Context, id, symbol string) (domain.LogPosition, error) {
	params := account(id)
	params["symbol"] = symbol
	return a.client.store(ctx, "delete_position", params)
}

// Positions reads what an account holds, by symbol. The error matches
// domain.ErrNotFound where that is not known.
func (a *Accounts) Positions(ctx context.Context, id string) ([]domain.Position, error) {
	v, err := get[struct{ Positions []positionView }](ctx, a.client, "get_positions", account(id))
	positions := make([]domain.Position, len(v.Positions))
	for i, p := range v.Positions {
		positions[i] = p.position()
	}
	return positions, err
}

// List lists the accounts that something is known of, and that the token is for.
func (a *Accounts) List(ctx context.Context) ([]string, error) {
	v, err := get[struct{ Accounts []string }](ctx, a.client, "list_accounts", nil)
	return v.Accounts, err
}

// Portfolio is what an account is worth.
type Portfolio struct {
	Account        string
	Quote          string         // the currency that balances are valued in
	Total          domain.Decimal // of the holdings whose Valuation is valued
	Holdings       []Holding      // balances, by currency
	Positions      []PositionValue
	PositionsKnown bool     // false: nobody has said what the account holds
	Stale          []string // currencies that have only a stale tick
	Unvalued       []string // currencies that have no tick
}

// Complete tells whether Total is all that the account has.
func (p Portfolio) Complete() bool { return len(p.Stale) == 0 && len(p.Unvalued) == 0 }

// Holding is a balance and what it is worth.
type Holding struct {
	domain.Balance
	Valuation string         // valued, stale or unvalued
	Price     domain.Decimal // of one unit in the quote currency; zero: not known
	Value     domain.Decimal // zero where it is not known
}

// PositionValue is a position and what it is worth, in the quote currency of its
// own symbol.
type PositionValue struct {
	domain.Position
	Mark       domain.Decimal // of a tick that is not stale; zero: not known
	Unrealised domain.Decimal
	Known      bool // Unrealised is
}

// Portfolio values what an account has in a quote currency.
func (a *Accounts) Portfolio(ctx context.Context, id, quote string) (Portfolio, error) {
	params := account(id)
	params["quote"] = quote
	v, err := get[struct {
		Total    domain.Decimal
		Holdings []struct {
			balanceView
			Valuation    string
			Price, Value domain.Decimal
		}
		Positions       []positionView
		PositionsKnown  bool `json:"positions_known"`
		Stale, Unvalued []string
	}](ctx, a.client, "get_portfolio", params)
	out := Portfolio{Account: id, Quote: quote, Total: v.Total, PositionsKnown: v.PositionsKnown, Stale: v.Stale, Unvalued: v.Unvalued}
	for _, h := range v.Holdings {
		out.Holdings = append(out.Holdings, Holding{h.balance(), h.Valuation, h.Price, h.Value})
	}
	for _, p := range v.Positions {
		value := PositionValue{Position: p.position(), Mark: p.Mark, Known: p.PnL != nil}
		if value.Known {
			value.Unrealised = *p.PnL
		}
		out.Positions = append(out.Positions, value)
	}
	return out, err
}

// WatchBalances yields what an account has of each currency, and from then on each
// balance that changed: the newest state.
func (a *Accounts) WatchBalances(ctx context.Context, id string) iter.Seq2[domain.Balance, error] {
	return watch(ctx, a.client, watched[domain.Balance]{
		operation: "stream_balances",
		params:    func(uint64) map[string]any { return account(id) },
		decode: func(_ *message, data []byte) (domain.Balance, string, error) {
			var v balanceView
			err := decodeInto(data, &v)
			return v.balance(), v.Currency, err
		},
	})
}

// WatchPositions yields what an account holds of each symbol, and from then on
// each position that changed: the newest state. One that was deleted is flat.
func (a *Accounts) WatchPositions(ctx context.Context, id string) iter.Seq2[domain.Position, error] {
	return watch(ctx, a.client, watched[domain.Position]{
		operation: "stream_positions",
		params:    func(uint64) map[string]any { return account(id) },
		decode: func(_ *message, data []byte) (domain.Position, string, error) {
			var v positionView
			err := decodeInto(data, &v)
			return v.position(), v.Symbol, err
		},
		gone: func(last domain.Position) domain.Position {
			return domain.Position{Account: last.Account, Symbol: last.Symbol}
		},
	})
}
