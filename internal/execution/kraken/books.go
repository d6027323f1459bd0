package kraken

import (
	"cmp"
	"context"
	"encoding/json"
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

// page is the most that the venue lists, or takes the numbers of, at once.
const page = 50

// Balances implements private.Books. They have no time: the venue does not say
// it.
func (a *api) Balances(ctx context.Context) ([]domain.Balance, error) {
	type entry struct {
		Balance string `json:"balance"`
		Held    string `json:"hold_trade"`
	}
	got, err := ask[map[string]entry](ctx, a, "BalanceEx", nil)
	if err != nil {
		return nil, err
	}
	var balances []domain.Balance
	for _, asset := range slices.Sorted(maps.Keys(got)) {
		b := domain.Balance{Currency: currency(asset)}
		if b.Total, err = domain.ParseDecimal("balance", got[asset].Balance); err != nil {
			return nil, err
		}
		if b.Used, err = domain.ParseDecimal("hold_trade", cmp.Or(got[asset].Held, "0")); err != nil {
			return nil, err
		}
		b.Free = b.Total.Sub(b.Used)
		a.hold(b.Currency, b.Used)
		balances = append(balances, b)
	}
	return balances, nil
}

func (a *api) hold(currency string, amount domain.Decimal) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.holds[currency] = amount
}

// held is what is held back of a currency, as last heard.
func (a *api) held(currency string) domain.Decimal {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.holds[currency]
}

// Positions implements private.Books: a spot account has none.
func (*api) Positions(context.Context) ([]domain.Position, error) { return nil, nil }

// trade is a fill in the venue's words.
type trade struct {
	Order  string      `json:"ordertxid"`
	Pair   string      `json:"pair"`
	Time   json.Number `json:"time"`
	Side   string      `json:"type"`
	Price  string      `json:"price"`
	Volume string      `json:"vol"`
	Fee    string      `json:"fee"` // quote units
	Maker  bool        `json:"maker"`
}

func (a *api) fill(id string, t trade) (f private.Fill, err error) {
	f.ID, f.OrderID, f.Symbol, f.Maker = id, t.Order, a.symbol(t.Pair), t.Maker
	_, f.FeeCurrency, _ = strings.Cut(f.Symbol, "/")
	if f.Side, err = sideOf(t.Side); err != nil {
		return f, fmt.Errorf("the fill %s: %w", id, err)
	}
	for _, n := range [...]struct {
		field, text string
		to          *domain.Decimal
	}{{"price", t.Price, &f.Price}, {"volume", t.Volume, &f.Volume}, {"fee", t.Fee, &f.Fee}} {
		if *n.to, err = domain.ParseDecimal(n.field, n.text); err != nil {
			return f, fmt.Errorf("the fill %s: %w", id, err)
		}
	}
	if f.Time, err = seconds(t.Time.String()); err != nil {
		return f, fmt.Errorf("the fill %s: %w", id, err)
	}
	f.Place = f.Time.UnixMicro()
	return f, nil
}

func sideOf(text string) (domain.Side, error) {
	switch text {
	case "buy":
		return domain.Buy, nil
	case "sell":
		return domain.Sell, nil
	}
	return 0, domain.Invalid("side", text, "buy or sell")
}

// history is a page of TradesHistory, the newest first, and how many trades
// there are in all.
type history struct {
	Trades map[string]trade `json:"trades"`
	Count  int              `json:"count"`
}

// Fills implements private.Books. The venue counts its pages from the newest
// trade; the one at the old end is what is asked for.
func (a *api) Fills(ctx context.Context, _ string, from int64) (private.Page, error) {
	if from == 0 && !a.Cfg.Since.IsZero() {
		from = a.Cfg.Since.UnixMicro()
	}
	got, err := a.history(ctx, from, 0)
	newer := 0 // trades that are newer than those of the page
	for count, old := got.Count, page; err == nil && old < count+page && count > page; old += page {
		newer = max(0, count-old)
		if got, err = a.history(ctx, from, newer); err != nil || a.newest(got) > from {
			break // else all of the page is of the time that is known
		}
	}
	if err != nil {
		return private.Page{}, err
	}
	result := private.Page{Next: from, More: newer > 0}
	for id, t := range got.Trades {
		f, err := a.fill(id, t)
		if err != nil {
			return private.Page{}, err
		}
		if f.Place >= from {
			result.Fills = append(result.Fills, f)
		}
		result.Next = max(result.Next, f.Place)
	}
	slices.SortFunc(result.Fills, func(f, other private.Fill) int {
		return cmp.Or(cmp.Compare(f.Place, other.Place), strings.Compare(f.ID, other.ID))
	})
	return result, nil
}

// newest is the place of the newest trade of a page.
func (a *api) newest(h history) (place int64) {
	for _, t := range h.Trades {
		if at, err := seconds(t.Time.String()); err == nil {
			place = max(place, at.UnixMicro())
		}
	}
	return place
}

// history asks for the trades from a time on, unix us, but for so many of the
// newest. The venue's start is exclusive, and in seconds.
func (a *api) history(ctx context.Context, from int64, newest int) (history, error) {
	query := url.Values{"consolidate_taker": {"false"}, "ofs": {strconv.Itoa(newest)}}
	if start := time.UnixMicro(from).Add(-time.Second).Unix(); start > 0 {
		query.Set("start", strconv.FormatInt(start, 10))
	}
	return ask[history](ctx, a, "TradesHistory", query)
}

// Name implements private.Books: the venue's list of trades has no client order
// ids.
func (a *api) Name(ctx context.Context, fills []private.Fill) error {
	numbers := make(map[string]struct{})
	for _, f := range fills {
		numbers[f.OrderID] = struct{}{}
	}
	for part := range slices.Chunk(slices.Sorted(maps.Keys(numbers)), page) {
		orders, err := a.numbered(ctx, part...)
		if err != nil {
			return err
		}
		for i := range fills {
			if o, ok := orders[fills[i].OrderID]; ok {
				fills[i].ClientOrderID = ourID(o.ID)
			}
		}
	}
	return nil
}
