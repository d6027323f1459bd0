package coinbase

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution/private"
)

const accountsPage = 250

// Balances implements private.Books. They have no time: the venue does not say
// it. A currency may be in several accounts.
func (a *api) Balances(ctx context.Context) ([]domain.Balance, error) {
	type amount struct {
		Value    string `json:"value"`
		Currency string `json:"currency"`
	}
	type list struct {
		Accounts []struct {
			Type      string `json:"type"`
			Available amount `json:"available_balance"`
			Hold      amount `json:"hold"`
		} `json:"accounts"`
		HasNext bool   `json:"has_next"`
		Cursor  string `json:"cursor"`
	}
	const path = "accounts"
	all := make(map[string]domain.Balance)
	err := pages(ctx, a, path, url.Values{"limit": {strconv.Itoa(accountsPage)}}, func(got list) (string, error) {
		if got.Accounts == nil || got.HasNext && got.Cursor == "" {
			return "", private.Nonsense("GET "+base+path, "the answer is no page of a list of accounts")
		}
		for _, one := range got.Accounts {
			if strings.Contains(one.Type, "VAULT") {
				continue // its money cannot be traded
			}
			free, err := domain.ParseDecimal("available_balance", one.Available.Value)
			if err != nil {
				return "", err
			}
			used, err := domain.ParseDecimal("hold", one.Hold.Value)
			if err != nil {
				return "", err
			}
			b := all[one.Available.Currency]
			b.Currency = one.Available.Currency
			b.Free, b.Used = b.Free.Add(free), b.Used.Add(used)
			b.Total = b.Free.Add(b.Used)
			all[b.Currency] = b
		}
		if !got.HasNext {
			return "", nil
		}
		return got.Cursor, nil
	})
	if err != nil {
		return nil, err
	}
	return slices.SortedFunc(maps.Values(all), func(b, other domain.Balance) int { return cmp.Compare(b.Currency, other.Currency) }), nil
}

// Positions implements private.Books: a spot account has none.
func (*api) Positions(context.Context) ([]domain.Position, error) { return nil, nil }

// trade is an entry of the list of fills in the venue's words.
type trade struct {
	Entry       string `json:"entry_id"`
	Order       string `json:"order_id"`
	Product     string `json:"product_id"`
	Kind        string `json:"trade_type"`
	Time        string `json:"trade_time"`
	Side        string `json:"side"`
	Price       string `json:"price"`
	Size        string `json:"size"`
	SizeInQuote bool   `json:"size_in_quote"`
	Commission  string `json:"commission"` // quote units
	Liquidity   string `json:"liquidity_indicator"`
}

func fillOf(t trade) (f private.Fill, err error) {
	f.ID, f.OrderID, f.Symbol, f.Maker = t.Entry, t.Order, t.Product, t.Liquidity == "MAKER"
	_, f.FeeCurrency, _ = strings.Cut(f.Symbol, "-")
	if f.Side, err = sideOf(t.Side); err != nil {
		return f, fmt.Errorf("the fill %s: %w", t.Entry, err)
	}
	for _, n := range [...]struct {
		field, text string
		to          *domain.Decimal
	}{{"price", t.Price, &f.Price}, {"size", t.Size, &f.Volume}, {"commission", t.Commission, &f.Fee}} {
		if *n.to, err = domain.ParseDecimal(n.field, n.text); err != nil {
			return f, fmt.Errorf("the fill %s: %w", t.Entry, err)
		}
	}
	if t.SizeInQuote {
		if f.Volume, err = f.Volume.Div(f.Price); err != nil {
			return f, fmt.Errorf("the fill %s: %w", t.Entry, err)
		}
	}
	if f.Time, err = instant("trade_time", t.Time); err != nil {
		return f, fmt.Errorf("the fill %s: %w", t.Entry, err)
	}
	f.Place = f.Time.UnixMicro()
	return f, nil
}

func sideOf(text string) (domain.Side, error) {
	switch text {
	case "BUY":
		return domain.Buy, nil
	case "SELL":
		return domain.Sell, nil
	}
	return 0, domain.Invalid("side", text, "BUY or SELL")
}

// trades asks for the fills that a query is for, and tells them the oldest
// first. The venue has the newest first, and pages may overlap where more are
// made meanwhile.
func (a *api) trades(ctx context.Context, query url.Values) ([]private.Fill, error) {
	type list struct {
		Fills  []trade `json:"fills"`
		Cursor string  `json:"cursor"`
	}
	const path = "orders/historical/fills"
	query.Set("limit", strconv.Itoa(page))
	all := make(map[string]private.Fill)
	err := pages(ctx, a, path, query, func(got list) (string, error) {
		if got.Fills == nil {
			return "", private.Nonsense("GET "+base+path, "the answer is no page of a list of fills")
		}
		for _, t := range got.Fills {
			if t.Kind != "FILL" {
				continue
			}
			f, err := fillOf(t)
			if err != nil {
				return "", err
			}
			all[f.ID] = f
		}
		if len(got.Fills) == 0 {
			return "", nil
		}
		return got.Cursor, nil
	})
	if err != nil {
		return nil, err
	}
	return slices.SortedFunc(maps.Values(all), func(f, other private.Fill) int {
		return cmp.Or(cmp.Compare(f.Place, other.Place), strings.Compare(f.ID, other.ID))
	}), nil
}

// Fills implements private.Books.
func (a *api) Fills(ctx context.Context, _ string, from int64) (private.Page, error) {
	if from == 0 && !a.Cfg.Since.IsZero() {
		from = a.Cfg.Since.UnixMicro()
	}
	query := make(url.Values)
	if from > 0 {
		// The venue has two times of a fill, and this bounds the other one.
		query.Set("start_sequence_timestamp", time.UnixMicro(from).Add(-time.Second).UTC().Format(time.RFC3339Nano))
	}
	fills, err := a.trades(ctx, query)
	if err != nil {
		return private.Page{}, err
	}
	result := private.Page{Next: from, Fills: slices.DeleteFunc(fills, func(f private.Fill) bool { return f.Place < from })}
	if n := len(result.Fills); n > 0 {
		result.Next = result.Fills[n-1].Place
	}
	return result, nil
}

// Name implements private.Books: the list of fills has no client order ids.
func (a *api) Name(ctx context.Context, fills []private.Fill) error {
	numbers := make([]string, len(fills))
	for i, f := range fills {
		numbers[i] = f.OrderID
	}
	if err := a.learn(ctx, numbers); err != nil {
		return err
	}
	for i := range fills {
		fills[i].ClientOrderID, _ = a.names.id(fills[i].OrderID)
	}
	return nil
}
