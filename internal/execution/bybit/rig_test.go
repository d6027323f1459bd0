package bybit_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/execution/bybit"
	"github.com/fullon/fullon/internal/execution/executiontest"
	"github.com/fullon/fullon/internal/execution/papertest"
	"github.com/fullon/fullon/internal/execution/private"
)

// What the venue trades. executiontest knows one name: at contracts it is that of
// a perpetual, and the spot market has another.
var (
	market   = domain.Symbol{Exchange: "bybit", Name: "BTC/USDT", VenueSymbol: "BTCUSDT", Base: "BTC", Quote: "USDT", Trading: true}
	contract = domain.Symbol{Exchange: "bybit", Name: "BTC/USDT:USDT", VenueSymbol: "BTCUSDT", Base: "BTC", Quote: "USDT", Settle: "USDT", Trading: true}

	catalogue = map[string]domain.Symbol{"BTC/USDT": market, "BTC/USDT:USDT": contract}
	contracts = map[string]domain.Symbol{"BTC/USDT": contract, "BTC/USDC": market}
)

// rig is a venue and what it takes to reach it.
type rig struct {
	*papertest.Rig
	d *dialect
}

func newRig(t *testing.T) *rig {
	t.Helper()
	d := &dialect{category: "spot", page: 100, opened: make(map[string]time.Time), asked: make(map[string]int), done: make(map[string]int)}
	return &rig{d: d, Rig: papertest.NewRig(t, "bybit", func(x *papertest.Exchange) http.Handler { return newDialect(x, d) }, bybit.New, private.Config{
		Key: key, Secret: secret, StreamURL: "/v5/private", Since: time.Now().Add(-time.Hour),
		Symbols: func() map[string]domain.Symbol {
			if d.category == "linear" {
				return contracts
			}
			return catalogue
		},
	})}
}

func dec(text string) domain.Decimal { return domain.MustDecimal(text) }

func order(id string, side domain.Side, volume, price string) domain.Order {
	return executiontest.Order("bybit", papertest.AccountName, id, side, volume, price)
}

func TestTheContractOfVenues(t *testing.T) {
	t.Parallel()
	for _, category := range []string{"spot", "linear"} {
		t.Run(category, func(t *testing.T) {
			t.Parallel()
			executiontest.Run(t, func(t *testing.T) executiontest.Harness {
				r := newRig(t)
				r.d.category = category
				return executiontest.Harness{
					Exchange: "bybit", Account: papertest.AccountName, Spot: category == "spot", QuoteFees: true, NoStops: category == "spot",
					Venue:      func() execution.Venue { return r.Venue() },
					Market:     r.Market,
					Restart:    r.Restart,
					Disconnect: r.Disconnect,
				}
			})
		})
	}
}
