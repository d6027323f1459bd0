package bybit_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"sync"
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

// book is a log that can be read while it is written.
type book struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *book) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *book) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// rig is a venue and what it takes to reach it.
type rig struct {
	*papertest.Exchange
	t    *testing.T
	d    *dialect
	logs *book
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, logs: &book{}, d: &dialect{category: "spot", page: 100, opened: make(map[string]time.Time), asked: make(map[string]int), done: make(map[string]int)}}
	r.Exchange = papertest.New(t, "bybit", func(x *papertest.Exchange) http.Handler { return newDialect(x, r.d) })
	return r
}

func (r *rig) config() private.Config {
	return private.Config{
		Account: papertest.AccountName, Key: key, Secret: secret, RESTURL: r.URL(), StreamURL: r.Stream() + "/v5/private",
		Since: time.Now().Add(-time.Hour),
		Symbols: func() map[string]domain.Symbol {
			if r.d.category == "linear" {
				return contracts
			}
			return catalogue
		},
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
	v, err := bybit.New(cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(v.CloseIdle)
	return v
}

func dec(text string) domain.Decimal { return domain.MustDecimal(text) }

// order is the first attempt of an order; a price makes it a limit order.
func order(id string, side domain.Side, volume, price string) domain.Order {
	o := domain.Order{
		ID: id, Exchange: "bybit", Status: domain.OrderIntent, Created: time.Now(), Attempt: 1,
		OrderTerms: domain.OrderTerms{
			Account: papertest.AccountName, Bot: "bot", Symbol: executiontest.Symbol, Side: side, Type: domain.Market, Volume: dec(volume),
		},
	}
	if price != "" {
		o.Type, o.Price = domain.Limit, dec(price)
	}
	return o
}

func submit(t *testing.T, v *private.Venue, o domain.Order) execution.Report {
	t.Helper()
	report, err := v.Submit(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// listen runs a venue into a sink until stop is called, or the test ends.
func listen(t *testing.T, v *private.Venue, sink execution.Sink) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- v.Run(ctx, sink) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run ended with %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
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
					Venue:      func() execution.Venue { return r.venue() },
					Market:     r.Market,
					Restart:    r.Restart,
					Disconnect: r.Disconnect,
				}
			})
		})
	}
}
