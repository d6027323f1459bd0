package coinbase_test

import (
	"log/slog"
	"net/http"
	"testing"
	"time"

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
	*papertest.Exchange
	t    *testing.T
	d    *dialect
	logs *executiontest.Log
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, logs: &executiontest.Log{}, d: newDialectState()}
	r.Exchange = papertest.New(t, "coinbase", func(x *papertest.Exchange) http.Handler { return newDialect(x, r.d) })
	return r
}

func (r *rig) config() private.Config {
	return private.Config{
		Account: papertest.AccountName, Key: key, Secret: secret, RESTURL: r.URL(), StreamURL: r.Stream() + "/user",
		Symbols:        func() map[string]domain.Symbol { return catalogue },
		BackoffInitial: time.Millisecond, BackoffMax: 20 * time.Millisecond, BooksEvery: time.Millisecond,
		Logger: slog.New(slog.NewTextHandler(r.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
}

func (r *rig) venue(change ...func(*private.Config)) *private.Venue {
	r.t.Helper()
	cfg := r.config()
	for _, c := range change {
		c(&cfg)
	}
	v, err := coinbase.New(cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(v.CloseIdle)
	return v
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
			Venue:      func() execution.Venue { return r.venue() },
			Market:     r.Market,
			Restart:    r.Restart,
			Disconnect: r.Disconnect,
		}
	})
}
