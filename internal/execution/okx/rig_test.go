package okx_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/execution/executiontest"
	"github.com/fullon/fullon/internal/execution/okx"
	"github.com/fullon/fullon/internal/execution/papertest"
	"github.com/fullon/fullon/internal/execution/private"
)

// The catalogues of the venue. The suite's symbol is a swap in the second: it
// has one name for all.
var (
	spot = map[string]domain.Symbol{
		"BTC/USDT": {Exchange: "okx", Name: "BTC/USDT", VenueSymbol: "BTC-USDT", Base: "BTC", Quote: "USDT", Trading: true},
	}
	swaps = map[string]domain.Symbol{
		"BTC/USDT": {
			Exchange: "okx", Name: "BTC/USDT", VenueSymbol: "BTC-USDT-SWAP", Base: "BTC", Quote: "USDT", Settle: "USDT", LotSize: dec("0.001"), Trading: true,
		},
		"BTC/USD:BTC": {Exchange: "okx", Name: "BTC/USD:BTC", VenueSymbol: "BTC-USD-SWAP", Base: "BTC", Quote: "USD", Settle: "BTC", Trading: true},
	}
)

// rig is a venue and what it takes to reach it.
type rig struct {
	*papertest.Rig
	d *dialect
}

// newRig makes a venue that trades spot, or swaps.
func newRig(t *testing.T, symbols map[string]domain.Symbol) *rig {
	t.Helper()
	d := &dialect{symbols: symbols, made: make(map[string]time.Time), asked: make(map[string]int), done: make(map[string]int)}
	return &rig{d: d, Rig: papertest.NewRig(t, "okx", func(x *papertest.Exchange) http.Handler { return newDialect(x, d) }, okx.New, private.Config{
		Key: key, Secret: secret, Passphrase: passphrase, StreamURL: "/ws/v5/private", Symbols: func() map[string]domain.Symbol { return symbols },
	})}
}

func dec(text string) domain.Decimal { return domain.MustDecimal(text) }

func order(id string, side domain.Side, volume, price string) domain.Order {
	return executiontest.Order("okx", papertest.AccountName, id, side, volume, price)
}

func TestTheContractOfVenues(t *testing.T) {
	t.Parallel()
	for name, symbols := range map[string]map[string]domain.Symbol{"spot": spot, "swaps": swaps} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			executiontest.Run(t, func(t *testing.T) executiontest.Harness {
				r := newRig(t, symbols)
				return executiontest.Harness{
					Exchange: "okx", Account: papertest.AccountName, Spot: name == "spot", QuoteFees: true, NoStops: true,
					Venue:      func() execution.Venue { return r.Venue() },
					Market:     r.Market,
					Restart:    r.Restart,
					Disconnect: r.Disconnect,
				}
			})
		})
	}
}
