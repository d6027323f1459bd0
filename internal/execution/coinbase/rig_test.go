package coinbase_test

import (
	"net/http"
	"testing"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/execution/coinbase"
	"github.com/fullon/fullon/internal/execution/executiontest"
	"github.com/fullon/fullon/internal/execution/papertest"
	"github.com/fullon/fullon/internal/execution/private"
)

// catalogue is what the venue trades.
var catalogue = map[string]domain.Symbol{
	"BTC/USDT": {Exchange: "coinbase", Name: "BTC/USDT", VenueSymbol: "BTC-USDT", Base: "BTC", Quote: "USDT", Trading: true},
}

// rig is a venue and what it takes to reach it.
type rig struct {
	*papertest.Rig
	d *dialect
}

func newRig(t *testing.T) *rig {
	t.Helper()
	d := newDialectState()
	return &rig{d: d, Rig: papertest.NewRig(t, "coinbase", func(x *papertest.Exchange) http.Handler { return newDialect(x, d) }, coinbase.New, private.Config{
		Key: key, Secret: secret, StreamURL: "/user", Symbols: func() map[string]domain.Symbol { return catalogue },
	})}
}

func dec(text string) domain.Decimal { return domain.MustDecimal(text) }

func order(id string, side domain.Side, volume, price string) domain.Order {
	return executiontest.Order("coinbase", papertest.AccountName, id, side, volume, price)
}

func TestTheContractOfVenues(t *testing.T) {
	t.Parallel()
	executiontest.Run(t, func(t *testing.T) executiontest.Harness {
		r := newRig(t)
		return executiontest.Harness{
			Exchange: "coinbase", Account: papertest.AccountName, Spot: true, QuoteFees: true, OnlyStopLimits: true,
			Venue:      func() execution.Venue { return r.Venue() },
			Market:     r.Market,
			Restart:    r.Restart,
			Disconnect: r.Disconnect,
		}
	})
}
