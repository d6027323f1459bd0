package okx

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution/private"
	"github.com/fullon/fullon/internal/pause"
)

const (
	// recent is how far back the list of recent fills is used, which has three
	// days.
	recent = 48 * time.Hour
	// overlap is how much later it begins where the list of older ones was asked,
	// so that it is sure to be the recent one that is asked next.
	overlap = time.Hour
)

// trade is a fill as REST tells of it.
type trade struct {
	Symbol      string `json:"instId"`
	ID          string `json:"tradeId"`
	Bill        string `json:"billId"` // the place in the list
	Order       string `json:"ordId"`
	ClientID    string `json:"clOrdId"`
	Side        string `json:"side"`
	Price       string `json:"fillPx"`
	Size        string `json:"fillSz"` // in the venue's unit
	Fee         string `json:"fee"`    // paid: negative; empty: not known
	FeeCurrency string `json:"feeCcy"`
	Liquidity   string `json:"execType"`
	Time        string `json:"fillTime"`
	Told        string `json:"ts"`
}

// fill is the same of an event.
func (o order) fill() trade {
	return trade{
		Symbol: o.Symbol, ID: o.Trade, Order: o.Number, ClientID: o.ID, Side: o.Side, Price: o.FillPrice, Size: o.FillSize,
		Fee: o.FillFee, FeeCurrency: o.FillCurrency, Liquidity: o.Liquidity, Time: o.FillTime,
	}
}

func (a *api) fill(ctx context.Context, t trade) (f private.Fill, err error) {
	if t.ID == "" {
		return f, errors.New("a fill has no number")
	}
	// The venue numbers the trades of each symbol by themselves.
	f.ID, f.OrderID, f.ClientOrderID, f.Symbol = t.Symbol+"-"+t.ID, t.Order, ourID(t.ClientID), t.Symbol
	f.Maker = t.Liquidity == "M"
	if f.Side, err = domain.ParseSide(t.Side); err != nil {
		return f, fmt.Errorf("the fill %s: %w", f.ID, err)
	}
	if t.Fee != "" {
		f.FeeCurrency = t.FeeCurrency
	}
	var size, fee domain.Decimal
	for _, n := range [...]struct {
		field, text string
		to          *domain.Decimal
	}{{"fillPx", t.Price, &f.Price}, {"fillSz", t.Size, &size}, {"fee", cmp.Or(t.Fee, "0"), &fee}} {
		if *n.to, err = domain.ParseDecimal(n.field, n.text); err != nil {
			return f, fmt.Errorf("the fill %s: %w", f.ID, err)
		}
	}
	f.Fee = fee.Neg()
	if f.Time, err = millis("fillTime", cmp.Or(t.Time, t.Told)); err != nil {
		return f, fmt.Errorf("the fill %s: %w", f.ID, err)
	}
	f.Place = f.Time.UnixMilli()
	if f.Volume, err = a.base(ctx, t.Symbol, size, f.Price); err != nil {
		return f, fmt.Errorf("the fill %s: %w", f.ID, err)
	}
	return f, nil
}

// Fills implements private.Books. What is long ago is in a list of its own, which
// may lag behind the one of recent fills: that is asked after it.
func (a *api) Fills(ctx context.Context, _ string, from int64) (private.Page, error) {
	if from == 0 && !a.Cfg.Since.IsZero() {
		from = a.Cfg.Since.UnixMilli()
	}
	now, _ := a.Clock.At(time.Now())
	path, edge := "/api/v5/trade/fills", now.Add(-recent).UnixMilli()
	result := private.Page{Next: from}
	if from < edge {
		path, result.More = "/api/v5/trade/fills-history", true
	}
	for _, kind := range listed {
		trades, err := a.list(ctx, path, kind, from)
		if err != nil {
			return private.Page{}, err
		}
		if trades, err = a.sizable(ctx, trades); err != nil {
			return private.Page{}, err
		}
		for _, t := range trades {
			f, err := a.fill(ctx, t)
			if err != nil {
				return private.Page{}, err
			}
			if f.Place >= from {
				result.Fills, result.Next = append(result.Fills, f), max(result.Next, f.Place)
			}
		}
	}
	if result.More {
		result.Next = edge + overlap.Milliseconds()
	}
	slices.SortFunc(result.Fills, func(f, other private.Fill) int {
		return cmp.Or(cmp.Compare(f.Place, other.Place), strings.Compare(f.ID, other.ID))
	})
	return result, nil
}

// sizable leaves out the fills of swaps that the venue has no more: nobody can
// say how much they were, and they must not hold up the others.
func (a *api) sizable(ctx context.Context, trades []trade) (kept []trade, err error) {
	gone := make(map[string]bool)
	for _, t := range trades {
		if !gone[t.Symbol] && !a.contracts.Knows(t.Symbol) {
			if err := a.learn(ctx, t.Symbol); err != nil {
				return nil, err
			}
			if gone[t.Symbol] = !a.contracts.Knows(t.Symbol); gone[t.Symbol] {
				a.Cfg.Logger.WarnContext(ctx, "fills left out: the venue does not have their swap any more", "account", a.Cfg.Account, "symbol", t.Symbol)
			}
		}
		if !gone[t.Symbol] {
			kept = append(kept, t)
		}
	}
	return kept, nil
}

// list asks for a list of fills from a time on, unix ms, the newest first. A venue
// that has enough of it is asked again later, not from the beginning.
func (a *api) list(ctx context.Context, path, kind string, from int64) (all []trade, err error) {
	query := url.Values{"instType": {kind}, "limit": {strconv.Itoa(page)}}
	if from > 1 {
		query.Set("begin", strconv.FormatInt(from-1, 10)) // it may be exclusive
	}
	for {
		got, err := get[trade](ctx, a, path, query)
		if private.Is(err, private.Limited) && len(all) > 0 && ctx.Err() == nil {
			pause.For(ctx, time.Second)
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, got...)
		if len(got) < page {
			return all, nil
		}
		last := got[len(got)-1].Bill
		if last == "" || last == query.Get("after") {
			return nil, private.Nonsense("GET "+path, "the list does not go on")
		}
		query.Set("after", last) // older ones
	}
}

// Name implements private.Books: the venue's lists have the client order ids.
func (*api) Name(context.Context, []private.Fill) error { return nil }
