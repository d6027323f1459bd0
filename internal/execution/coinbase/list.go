package coinbase

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution/private"
)

const (
	// page is how many orders or fills are asked for at once.
	page = 100
	// earlier is how long before it was made by our clocks an order may have been
	// made by the venue's.
	earlier = 15 * time.Minute
	spot    = "SPOT"
)

// pages asks for a list until its end. each takes a page and says where the next
// one is; empty: there is none, or no more are wanted.
func pages[T any](ctx context.Context, a *api, path string, query url.Values, each func(T) (cursor string, err error)) error {
	for {
		got, err := get[T](ctx, a, path, query)
		if private.Is(err, private.NotFound) {
			return &private.Failure{What: "GET " + base + path, Cause: err} // the list is not there, which says nothing of what is on it
		}
		if err != nil {
			return err
		}
		cursor, err := each(got)
		switch {
		case err != nil || cursor == "":
			return err
		case cursor == query.Get("cursor"):
			return private.Nonsense("GET "+base+path, "the list does not go on")
		}
		query.Set("cursor", cursor)
	}
}

// orders asks for those that the query is for, until each says that it has
// enough.
func (a *api) orders(ctx context.Context, query url.Values, each func(order) (enough bool)) error {
	type list struct {
		Orders  []order `json:"orders"`
		HasNext bool    `json:"has_next"`
		Cursor  string  `json:"cursor"`
	}
	const path = "orders/historical/batch"
	query.Set("limit", strconv.Itoa(page))
	return pages(ctx, a, path, query, func(got list) (string, error) {
		if got.Orders == nil || got.HasNext && got.Cursor == "" {
			return "", private.Nonsense("GET "+base+path, "the answer is no page of a list of orders")
		}
		for _, o := range got.Orders {
			if o.ProductType != "" && o.ProductType != spot {
				continue
			}
			a.names.learn(o.ID, o.Number)
			if each(o) {
				return "", nil
			}
		}
		if !got.HasNext {
			return "", nil
		}
		return got.Cursor, nil
	})
}

// numbered asks for an order by the venue's number.
func (a *api) numbered(ctx context.Context, number string) (order, error) {
	type single struct {
		Order order `json:"order"`
	}
	path := "orders/historical/" + url.PathEscape(number)
	got, err := get[single](ctx, a, path, nil)
	if err == nil && got.Order.Number != number {
		err = private.Nonsense("GET "+base+path, "the answer is about another order")
	}
	return got.Order, err
}

// find looks for an order by its client order id. The failure of one that is
// not there is NotFound.
func (a *api) find(ctx context.Context, o domain.Order, symbol domain.Symbol) (found order, err error) {
	query := url.Values{"product_ids": {symbol.VenueSymbol}}
	if !o.Created.IsZero() {
		query.Set("start_date", o.Created.Add(-earlier).UTC().Format(time.RFC3339))
	}
	err = a.orders(ctx, query, func(listed order) bool {
		if listed.ID == o.ID {
			found = listed
		}
		return found.ID != ""
	})
	if err == nil && found.ID == "" {
		err = &private.Failure{What: "find the order", Kind: private.NotFound}
	}
	return found, err
}

// open asks for all that rest. The list may be told while it changes.
func (a *api) open(ctx context.Context) (open []order, err error) {
	seen := make(map[string]bool)
	err = a.orders(ctx, url.Values{"order_status": {"OPEN"}}, func(o order) bool {
		if !seen[o.Number] {
			open = append(open, o)
		}
		seen[o.Number] = true
		return false
	})
	return open, err
}

// learn asks for the client order ids of orders that are not known.
func (a *api) learn(ctx context.Context, numbers []string) error {
	unknown := slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(numbers))), func(number string) bool {
		_, known := a.names.id(number)
		return known
	})
	for part := range slices.Chunk(unknown, page/2) { // an address must not be too long
		if err := a.orders(ctx, url.Values{"order_ids": part}, func(order) bool { return false }); err != nil {
			return err
		}
	}
	return nil
}
