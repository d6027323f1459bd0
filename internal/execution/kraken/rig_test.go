package kraken_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/execution/executiontest"
	"github.com/fullon/fullon/internal/execution/kraken"
	"github.com/fullon/fullon/internal/execution/papertest"
	"github.com/fullon/fullon/internal/execution/private"
)

// catalogue is what the venue trades.
var catalogue = map[string]domain.Symbol{
	"BTC/USDT": {Exchange: "kraken", Name: "BTC/USDT", VenueSymbol: "BTC/USDT", Base: "BTC", Quote: "USDT", Trading: true},
}

// rig is a venue and what it takes to reach it.
type rig struct {
	*papertest.Rig
	d *dialect
}

func newRig(t *testing.T) *rig {
	t.Helper()
	d := &dialect{opened: make(map[string]time.Time), tokens: make(map[string]bool), asked: make(map[string]int), others: make(map[string]any)}
	return &rig{d: d, Rig: papertest.NewRig(t, "kraken", func(x *papertest.Exchange) http.Handler { return newDialect(x, d) }, kraken.New, private.Config{
		Key: key, Secret: secret, StreamURL: "/v2", Symbols: func() map[string]domain.Symbol { return catalogue },
	})}
}

func dec(text string) domain.Decimal { return domain.MustDecimal(text) }

func order(id string, side domain.Side, volume, price string) domain.Order {
	return executiontest.Order("kraken", papertest.AccountName, id, side, volume, price)
}

func TestTheContractOfVenues(t *testing.T) {
	t.Parallel()
	executiontest.Run(t, func(t *testing.T) executiontest.Harness {
		r := newRig(t)
		return executiontest.Harness{
			Exchange: "kraken", Account: papertest.AccountName, Spot: true, QuoteFees: true,
			Venue:      func() execution.Venue { return r.Venue() },
			Market:     r.Market,
			Restart:    r.Restart,
			Disconnect: r.Disconnect,
		}
	})
}
