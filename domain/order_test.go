package domain_test

import (
	"testing"

	"github.com/fullon/fullon/domain"
)

// D11: a filled order was taken for open again.
func TestD11OnlyLegalTransitions(t *testing.T) {
	t.Parallel()
	legal := map[string]string{
		"new": "new intent canceled rejected expired", "intent": "intent unknown not_found accepted partial filled canceled rejected expired",
		"accepted": "accepted partial filled canceled rejected expired", "partial": "partial filled canceled expired",
		"unknown":   "unknown not_found accepted partial filled canceled rejected expired",
		"not_found": "not_found intent accepted partial filled canceled rejected expired",
		"filled":    "", "canceled": "", "rejected": "", "expired": "",
	}
	for _, from := range domain.OrderStatuses() {
		for _, to := range domain.OrderStatuses() {
			if got, want := from.CanBecome(to), containsWord(legal[from.String()], to.String()); got != want {
				t.Errorf("from %s to %s: %v, want %v", from, to, got, want)
			}
		}
		if from.CanBecome(0) || domain.OrderStatus(0).CanBecome(from) {
			t.Errorf("%s and no status", from)
		}
		if parsed, err := domain.ParseOrderStatus(from.String()); err != nil || parsed != from {
			t.Errorf("%s: %v %v", from, parsed, err)
		}
		if ends := legal[from.String()] == ""; from.Final() != ends {
			t.Errorf("%s final: %v", from, from.Final())
		}
	}
	if s, err := domain.ParseOrderStatus("cancelled"); err != nil || s != domain.OrderCanceled {
		t.Errorf("%v %v", s, err)
	}
	_, err := domain.ParseOrderStatus("none")
	wantField(t, err, "status")
}

func containsWord(list, word string) bool {
	for len(list) > 0 {
		i := 0
		for i < len(list) && list[i] != ' ' {
			i++
		}
		if list[:i] == word {
			return true
		}
		list = list[min(len(list), i+1):]
	}
	return false
}

func validOrder() domain.Order {
	return domain.Order{
		ID: "a-1", Exchange: "kraken", Status: domain.OrderAccepted, Created: noon,
		OrderTerms: domain.OrderTerms{
			Account: "1001", Bot: "7", Symbol: "BTC/EUR", Side: domain.Buy, Type: domain.Limit,
			Volume: domain.MustDecimal("2"), Price: domain.MustDecimal("100"),
		},
	}
}

func TestAnOrderFollowsItself(t *testing.T) {
	t.Parallel()
	before := validOrder()
	before.Filled, before.Attempt = domain.MustDecimal("1"), 1
	for field, change := range map[string]func(*domain.Order){
		"":        func(o *domain.Order) { o.Status, o.Filled = domain.OrderFilled, o.Volume },
		"order":   func(o *domain.Order) { o.Price = domain.MustDecimal("101") },
		"status":  func(o *domain.Order) { o.Status = domain.OrderNew },
		"filled":  func(o *domain.Order) { o.Filled = domain.Decimal{} },
		"attempt": func(o *domain.Order) { o.Attempt = 0 },
	} {
		after := before
		change(&after)
		err := after.Follows(before)
		if field == "" {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		wantField(t, err, field)
	}
}

func TestWhatIsWrongWithAnOrderIsNamed(t *testing.T) {
	t.Parallel()
	if err := validOrder().Validate(); err != nil {
		t.Fatal(err)
	}
	zero := domain.Decimal{}
	for field, change := range map[string]func(*domain.Order){
		"client_order_id": func(o *domain.Order) { o.ID = "a.b" },
		"exchange":        func(o *domain.Order) { o.Exchange = "" },
		"account":         func(o *domain.Order) { o.Account = "" },
		"bot":             func(o *domain.Order) { o.Bot = "a b" },
		"symbol":          func(o *domain.Order) { o.Symbol = "BTC" },
		"side":            func(o *domain.Order) { o.Side = 0 },
		"type":            func(o *domain.Order) { o.Type = 9 },
		"time_in_force":   func(o *domain.Order) { o.Type, o.Price, o.TimeInForce = domain.Market, zero, domain.PostOnly },
		"volume":          func(o *domain.Order) { o.Volume = zero },
		"price":           func(o *domain.Order) { o.Type = domain.Market },
		"stop_price":      func(o *domain.Order) { o.Type = domain.StopLimit },
		"status":          func(o *domain.Order) { o.Status = 0 },
		"filled":          func(o *domain.Order) { o.Filled = domain.MustDecimal("3") },
	} {
		o := validOrder()
		change(&o)
		wantField(t, o.Validate(), field)
	}
}
