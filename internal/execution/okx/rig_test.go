package okx_test

import (
	"log/slog"
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
	*papertest.Exchange
	t    *testing.T
	d    *dialect
	logs *executiontest.Log
}

// newRig makes a venue that trades spot, or swaps.
func newRig(t *testing.T, symbols map[string]domain.Symbol) *rig {
	t.Helper()
	r := &rig{t: t, logs: &executiontest.Log{}, d: &dialect{
		symbols: symbols, made: make(map[string]time.Time), asked: make(map[string]int), done: make(map[string]int),
	}}
	r.Exchange = papertest.New(t, "okx", func(x *papertest.Exchange) http.Handler { return newDialect(x, r.d) })
	return r
}

func (r *rig) config() private.Config {
	return private.Config{
		Account: papertest.AccountName, Key: key, Secret: secret, Passphrase: passphrase, RESTURL: r.URL(), StreamURL: r.Stream() + "/ws/v5/private",
		Symbols:        func() map[string]domain.Symbol { return r.d.symbols },
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
	v, err := okx.New(cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(v.CloseIdle)
	return v
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
					Venue:      func() execution.Venue { return r.venue() },
					Market:     r.Market,
					Restart:    r.Restart,
					Disconnect: r.Disconnect,
				}
			})
		})
	}
}
