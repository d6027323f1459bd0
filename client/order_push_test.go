package client_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// An order that cannot be is refused with the field that is wrong, before anything
// is stored; so is another one for an id that is taken.
func TestBadInputOfAPushIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, testserver.SharedStore(t), 100)
	first := order("1", "BTC/USDT", "grid")
	first.Type, first.Price = domain.Limit, dec("100")
	first.Expires = time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)
	r.push(first)
	for want, c := range map[error]map[string]func(*domain.Order){
		domain.ErrInvalid: {
			"client_order_id": func(o *domain.Order) { o.ID = "a b" },
			"exchange":        func(o *domain.Order) { o.Exchange = "Kraken" },
			"symbol":          func(o *domain.Order) { o.Symbol = "BTC" },
			"bot":             func(o *domain.Order) { o.Bot = "" },
			"account":         func(o *domain.Order) { o.Account = "a.b" },
			"side":            func(o *domain.Order) { o.Side = 0 },
			"type":            func(o *domain.Order) { o.Type = 9 },
			"volume: 0":       func(o *domain.Order) { o.Volume = dec("0") },
			"volume: -1":      func(o *domain.Order) { o.Volume = dec("-1") },
			"volume: 1000":    func(o *domain.Order) { o.Volume = dec("1000000000000000000").Mul(dec("100")) },
			"price: 0":        func(o *domain.Order) { o.Price = dec("0") },
			"price: -1":       func(o *domain.Order) { o.Price = dec("-1") },
			"stop_price":      func(o *domain.Order) { o.StopPrice = dec("1") },
			"time_in_force":   func(o *domain.Order) { o.TimeInForce = 9 },
			"status":          func(o *domain.Order) { o.Status = domain.OrderFilled },
		},
		domain.ErrConflict: {
			"symbol":  func(o *domain.Order) { o.Symbol = "ETH/USDT" },
			"bot":     func(o *domain.Order) { o.Bot = "trend" },
			"account": func(o *domain.Order) { o.Account = "7" },
			"side":    func(o *domain.Order) { o.Side = domain.Sell },
			"volume":  func(o *domain.Order) { o.Volume = dec("2") },
			"price":   func(o *domain.Order) { o.Price = dec("101") },
			"expires": func(o *domain.Order) { o.Expires = o.Expires.Add(time.Second) },
		},
		domain.ErrNotFound: {
			"nowhere": func(o *domain.Order) { o.Exchange = "nowhere" },
		},
	} {
		for field, change := range c {
			bad := first
			if !errors.Is(want, domain.ErrConflict) {
				bad.ID = "2"
			}
			change(&bad)
			if _, _, err := r.Orders.Push(bounded(t), bad); !errors.Is(err, want) || !strings.Contains(strings.ReplaceAll(err.Error(), "\"", ""), strings.Split(field, ":")[0]) {
				t.Errorf("%s: %v, want one that matches %v", field, err, want)
			}
		}
	}
	// What a text says with too many decimals is no decimal.
	if _, err := domain.ParseDecimal("price", "1."+strings.Repeat("1", 20)); !errors.Is(err, domain.ErrInvalid) {
		t.Error(err)
	}
	if n, err := r.Orders.QueueLength(t.Context(), "kraken", ""); err != nil || n != 1 {
		t.Errorf("%d orders wait (%v), want the first one", n, err)
	}
	wantOrder(t, r.Orders, "1")
}
