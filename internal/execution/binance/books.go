package binance

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution/private"
)

const page = 1000 // the most that the venue lists at once

// Balances implements private.Books.
func (a spot) Balances(ctx context.Context) ([]domain.Balance, error) {
	const path = "/api/v3/account"
	type account struct {
		Updated  uint64 `json:"updateTime"`
		Balances []struct {
			Asset  string `json:"asset"`
			Free   string `json:"free"`
			Locked string `json:"locked"`
		} `json:"balances"`
	}
	got, err := ask[account](ctx, a.account, http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	if got.Updated > 1<<62 || got.Balances == nil {
		return nil, private.Nonsense("GET "+path, "the answer makes no sense")
	}
	balances := make([]domain.Balance, len(got.Balances))
	for i, b := range got.Balances {
		if balances[i], err = balance(b.Asset, b.Free, b.Locked, int64(got.Updated)); err != nil {
			return nil, err
		}
	}
	return balances, nil
}

func balance(asset, free, locked string, ms int64) (b domain.Balance, err error) {
	b.Currency = asset
	if b.Free, err = domain.ParseDecimal("free", free); err != nil {
		return b, fmt.Errorf("a balance: %w", err)
	}
	if b.Used, err = domain.ParseDecimal("locked", locked); err != nil {
		return b, fmt.Errorf("a balance: %w", err)
	}
	b.Total = b.Free.Add(b.Used)
	if ms > 0 {
		b.Time = unixMilli(ms)
	}
	return b, nil
}

// Positions implements private.Books: a spot account has none.
func (spot) Positions(context.Context) ([]domain.Position, error) { return nil, nil }

// trade is a fill in the venue's words.
type trade struct {
	Symbol   string `json:"symbol"`
	ID       int64  `json:"id"`
	Order    int64  `json:"orderId"`
	Price    string `json:"price"`
	Volume   string `json:"qty"`
	Fee      string `json:"commission"`
	FeeAsset string `json:"commissionAsset"`
	Buyer    bool   `json:"isBuyer"`
	Maker    bool   `json:"isMaker"`
	Time     int64  `json:"time"`
	client   string
}

func (t trade) fill() (private.Fill, error) {
	f := private.Fill{Place: t.ID, Fill: domain.Fill{
		Symbol: t.Symbol,
		// The venue numbers the trades of each symbol by themselves.
		ID: t.Symbol + "-" + strconv.FormatInt(t.ID, 10), OrderID: strconv.FormatInt(t.Order, 10), ClientOrderID: t.client,
		Side: domain.Sell, FeeCurrency: t.FeeAsset, Maker: t.Maker, Time: unixMilli(t.Time),
	}}
	if t.Buyer {
		f.Side = domain.Buy
	}
	for _, n := range [...]struct {
		field, text string
		to          *domain.Decimal
	}{{"price", t.Price, &f.Price}, {"volume", t.Volume, &f.Volume}, {"fee", t.Fee, &f.Fee}} {
		var err error
		if *n.to, err = domain.ParseDecimal(n.field, n.text); err != nil {
			return f, fmt.Errorf("the fill %s: %w", f.ID, err)
		}
	}
	return f, nil
}

// tell hands on a trade that the stream brought.
func (t trade) tell(ctx context.Context, to *private.Delivery) error {
	f, err := t.fill()
	if err != nil {
		return err
	}
	return to.Fill(ctx, f)
}

// Fills implements private.Books.
func (a spot) Fills(ctx context.Context, symbol string, from int64) (private.Page, error) {
	const path = "/api/v3/myTrades"
	query := url.Values{"symbol": {symbol}, "limit": {strconv.Itoa(page)}}
	if from == 0 && !a.Cfg.Since.IsZero() {
		query.Set("startTime", strconv.FormatInt(a.Cfg.Since.UnixMilli(), 10))
	} else {
		query.Set("fromId", strconv.FormatInt(from, 10))
	}
	trades, err := ask[[]trade](ctx, a.account, http.MethodGet, path, query)
	if err != nil {
		return private.Page{}, err
	}
	return pageOf(trades, path, symbol, from)
}

// pageOf makes a page of trades of a symbol that were asked for from a number on.
func pageOf(trades []trade, path, symbol string, from int64) (private.Page, error) {
	got := private.Page{Next: from, More: len(trades) >= page}
	for _, t := range trades {
		if t.ID < got.Next || t.Symbol != symbol {
			return private.Page{}, private.Nonsense("GET "+path, "the answer makes no sense")
		}
		f, err := t.fill()
		if err != nil {
			return private.Page{}, err
		}
		got.Fills, got.Next = append(got.Fills, f), t.ID+1
	}
	return got, nil
}

// Name implements private.Books: the venue's list of trades has no client order
// ids. All of the fills are of one symbol.
func (a spot) Name(ctx context.Context, fills []private.Fill) error {
	return a.name(ctx, "/api/v3/allOrders", fills)
}

// name finds the client order ids of fills in a list of orders.
func (a account) name(ctx context.Context, path string, fills []private.Fill) error {
	wanted := make(map[int64]struct{})
	for _, f := range fills {
		number, _ := strconv.ParseInt(f.OrderID, 10, 64) // which fill wrote
		wanted[number] = struct{}{}
	}
	names := make(map[string]string, len(wanted))
	for len(wanted) > 0 {
		first := slices.Min(slices.Collect(maps.Keys(wanted)))
		orders, err := ask[[]order](ctx, a, http.MethodGet, path,
			url.Values{"symbol": {fills[0].Symbol}, "orderId": {strconv.FormatInt(first, 10)}, "limit": {strconv.Itoa(page)}})
		if err != nil {
			return err
		}
		delete(wanted, first)
		for _, o := range orders {
			names[strconv.FormatInt(o.Number, 10)] = o.ID
			delete(wanted, o.Number)
		}
	}
	for i := range fills {
		fills[i].ClientOrderID = names[fills[i].OrderID]
	}
	return nil
}
