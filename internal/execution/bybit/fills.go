package bybit

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
)

const (
	fillPage = 100 // the most fills that are listed at once
	// fillPages bounds how many pages are read of one span of time: the newest
	// come first, and must be kept until the oldest is told.
	fillPages = 10
	// span is the most time that fills are listed of at once, remembered how far
	// back they are, less a day to be asked for them.
	span       = 7 * 24 * time.Hour
	remembered = 729 * 24 * time.Hour
)

// trade is a fill as REST and the stream tell of it.
type trade struct {
	Category category `json:"category"` // the stream says it
	Symbol   string   `json:"symbol"`
	ID       string   `json:"execId"`
	Order    string   `json:"orderId"`
	Client   string   `json:"orderLinkId"`
	Kind     string   `json:"execType"`
	Side     string   `json:"side"`
	Price    string   `json:"execPrice"`
	Volume   string   `json:"execQty"`
	Fee      string   `json:"execFee"`
	FeeCoin  string   `json:"feeCurrency"` // not always said
	Maker    bool     `json:"isMaker"`
	Time     string   `json:"execTime"`
}

// traded tells whether the venue's record is of a trade: it has funding and
// settlements in the same list.
func (t trade) traded() bool {
	switch t.Kind {
	case "Trade", "AdlTrade", "BustTrade", "BlockTrade":
		return true
	}
	return false
}

func (a *api) fill(t trade) (f private.Fill, err error) {
	if !t.Category.known() || t.Symbol == "" {
		return f, errors.New("a fill has no symbol")
	}
	f.ID, f.OrderID, f.ClientOrderID, f.Symbol, f.Maker = t.ID, t.Order, t.Client, t.Category.spell(t.Symbol), t.Maker
	if f.Side, err = sideOf(t.Side); err == nil {
		err = read(number{"execPrice", t.Price, &f.Price}, number{"execQty", t.Volume, &f.Volume}, number{"execFee", t.Fee, &f.Fee})
	}
	if err == nil {
		f.Time, err = millis("execTime", t.Time)
	}
	if err != nil {
		return f, fmt.Errorf("the fill %s: %w", domain.Shorten(t.ID, 64), err)
	}
	f.Place, f.FeeCurrency = f.Time.UnixMilli(), t.FeeCoin
	if f.FeeCurrency == "" {
		f.FeeCurrency = a.feeCurrency(f)
	}
	return f, nil
}

// feeCurrency is what a fee is in that does not say it: the currency of
// settlement, at a spot market what is received, and what is given where it is a
// rebate.
func (a *api) feeCurrency(f private.Fill) string {
	name, known := a.Symbols.Name(f.Symbol)
	if !known {
		return ""
	}
	symbol, _ := a.Symbols.Find(name)
	switch {
	case symbol.Settle != "":
		return symbol.Settle
	case (f.Side == domain.Buy) != f.Fee.IsNeg():
		return symbol.Base
	}
	return symbol.Quote
}

var errManyFills = errors.New("more fills in a millisecond than the venue can list")

// Fills implements private.Books: those of a span of time, which is made shorter
// where there are many.
func (a *api) Fills(ctx context.Context, _ string, from int64) (private.Page, error) {
	now, _ := a.Clock.At(time.Now())
	if from == 0 && !a.Cfg.Since.IsZero() {
		from = a.Cfg.Since.UnixMilli()
	}
	begin := max(from, now.Add(-remembered).UnixMilli())
	for width := a.span(0); ; width /= 2 {
		end := begin + max(1, width.Milliseconds()) // exclusive
		pages := fillPages
		if end == begin+1 { // there is nothing shorter
			pages = maxPages
		}
		fills, whole, err := a.between(ctx, begin, end-1, pages)
		if err != nil {
			return private.Page{}, err
		}
		if !whole {
			if end == begin+1 {
				return private.Page{}, private.Nonsense("GET "+fillsPath, errManyFills.Error())
			}
			continue
		}
		a.span(min(span, 2*width))
		page := private.Page{Fills: fills, Next: end, More: end <= now.UnixMilli()}
		if !page.More { // what comes next may be of any time from now on
			page.Next = now.UnixMilli()
			if len(fills) > 0 {
				page.Next = max(page.Next, fills[len(fills)-1].Place)
			}
			page.Next = max(begin, min(end, page.Next))
		}
		return page, nil
	}
}

// span is the time to list fills of at once, after it is set where next is not
// zero.
func (a *api) span(next time.Duration) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.width = cmp.Or(next, a.width, span)
	return a.width
}

const fillsPath = "/v5/execution/list"

// between lists the fills of a time, both ends included; whole is false where
// they have more pages than that.
func (a *api) between(ctx context.Context, begin, end int64, pages int) (fills []private.Fill, whole bool, err error) {
	for _, c := range []category{spot, linear} {
		found, more, err := list[trade](ctx, a, fillsPath, url.Values{
			"category": {string(c)}, "startTime": {strconv.FormatInt(begin, 10)}, "endTime": {strconv.FormatInt(end, 10)},
			"limit": {strconv.Itoa(fillPage)},
		}, pages)
		if err != nil || more {
			return nil, false, err
		}
		for _, t := range found {
			if !t.traded() {
				continue
			}
			t.Category = c
			f, err := a.fill(t)
			if err != nil {
				return nil, false, err
			}
			if f.Place >= begin && f.Place <= end {
				fills = append(fills, f)
			}
		}
	}
	slices.SortFunc(fills, func(f, other private.Fill) int {
		return cmp.Or(cmp.Compare(f.Place, other.Place), strings.Compare(f.ID, other.ID))
	})
	return fills, true, nil
}
