package binance_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/execution/binance"
	"github.com/fullon/fullon/internal/execution/executiontest"
	"github.com/fullon/fullon/internal/execution/papertest"
	"github.com/fullon/fullon/internal/execution/private"
)

// What the venue has under one name. executiontest knows one: here it is that of
// the perpetual.
var (
	market   = domain.Symbol{Exchange: "binance", Name: "BTC/USDT", VenueSymbol: "BTCUSDT", Base: "BTC", Quote: "USDT", Trading: true}
	contract = domain.Symbol{Exchange: "binance", Name: "BTC/USDT:USDT", VenueSymbol: "BTCUSDT", Base: "BTC", Quote: "USDT", Settle: "USDT", Trading: true}

	both      = map[string]domain.Symbol{"BTC/USDT": market, "BTC/USDT:USDT": contract}
	contracts = map[string]domain.Symbol{"BTC/USDT": contract}
)

// contractRig is USD-M futures and what it takes to reach them.
type contractRig struct {
	*papertest.Rig
	d *contractDialect
}

func newContractRig(t *testing.T) *contractRig {
	t.Helper()
	d := &contractDialect{page: 1000, asked: make(map[string]int)}
	return &contractRig{d: d, Rig: papertest.NewRig(t, "binance",
		func(x *papertest.Exchange) http.Handler { return newContractDialect(x, d) }, binance.NewPerpetuals,
		private.Config{
			Key: key, Secret: secret, StreamURL: "/private/ws", Since: time.Now().Add(-time.Hour),
			Symbols: func() map[string]domain.Symbol { return contracts },
		})}
}

func TestTheContractOfVenuesForPerpetuals(t *testing.T) {
	t.Parallel()
	executiontest.Run(t, func(t *testing.T) executiontest.Harness {
		r := newContractRig(t)
		return executiontest.Harness{
			Exchange: "binance", Account: papertest.AccountName, NoStops: true, RejectsKills: true,
			Venue:      func() execution.Venue { return r.Venue() },
			Market:     r.Market,
			Restart:    r.Restart,
			Disconnect: r.Disconnect,
		}
	})
}
