package binance_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution/binance"
	"github.com/fullon/fullon/internal/execution/executiontest"
	"github.com/fullon/fullon/internal/execution/private"
	"github.com/fullon/fullon/internal/sim"
	"github.com/fullon/fullon/internal/sim/clock"
)

const (
	key    = "publicKeyPublicKeyPublicKey"
	secret = "secretSecretSecretSecretSecret"
)

// catalogue is what the simulated venue trades.
var catalogue = map[string]domain.Symbol{
	"BTC/USDT": {Exchange: "binance", Name: "BTC/USDT", VenueSymbol: "BTCUSDT", Base: "BTC", Quote: "USDT", Trading: true},
	"ETH/USDT": {Exchange: "binance", Name: "ETH/USDT", VenueSymbol: "ETHUSDT", Base: "ETH", Quote: "USDT", Trading: true},
}

// skewed is a clock that a test can set wrong.
type skewed struct {
	clock.Clock
	mu sync.Mutex
	by time.Duration
}

func (s *skewed) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Clock.Now().Add(s.by)
}

func (s *skewed) Wait(ctx context.Context, until time.Time) error {
	s.mu.Lock()
	by := s.by
	s.mu.Unlock()
	return s.Clock.Wait(ctx, until.Add(-by))
}

func (s *skewed) set(by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.by = by
}

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

// rig is a simulated venue and what it takes to reach it.
type rig struct {
	t     *testing.T
	cfg   sim.Config
	x     *sim.Exchange
	clock *skewed
	logs  *book
	stop  func()
}

func newRig(t *testing.T, change ...func(*sim.Config)) *rig {
	t.Helper()
	r := &rig{t: t, clock: &skewed{Clock: clock.System()}, logs: &book{}}
	r.cfg = sim.Config{
		Rate: sim.Never, StateDir: t.TempDir(), Clock: r.clock, OrderLimit: 1000,
		Symbols: []sim.Symbol{
			{Name: "BTC/USDT", Price: "100", TickSize: "0.01", LotSize: "0.00001", MinNotional: "5", TradeCost: "450"},
			{Name: "ETH/USDT", Price: "10", TickSize: "0.01", LotSize: "0.0001", MinNotional: "5", TradeCost: "450"},
		},
		Accounts: []sim.Account{{
			Name: "main", Key: key, Secret: secret,
			Balances: map[string]string{"USDT": executiontest.BeginsQuote, "BTC": executiontest.BeginsBase},
		}},
	}
	for _, c := range change {
		c(&r.cfg)
	}
	r.open()
	t.Cleanup(func() { r.stop() })
	return r
}

// open starts the exchange; a second time at the same address.
func (r *rig) open() {
	r.t.Helper()
	x, err := sim.New(r.cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	r.x, r.cfg.Addr = x, strings.TrimPrefix(x.RESTURL(), "http://")
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- x.Run(ctx) }()
	var once sync.Once
	r.stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				r.t.Errorf("the exchange: %v", err)
			}
		})
	}
}

func (r *rig) restart() {
	r.t.Helper()
	r.stop()
	r.open()
}

func (r *rig) market(bid, bidSize, ask, askSize string) {
	r.t.Helper()
	if err := r.x.Quote(executiontest.Symbol, bid, bidSize, ask, askSize); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) config() private.Config {
	return private.Config{
		Account: "main", Key: key, Secret: secret, RESTURL: r.x.RESTURL(), StreamURL: r.x.WSURL() + "/ws-api/v3",
		Symbols: func() map[string]domain.Symbol { return catalogue }, Watch: []string{"BTC/USDT"},
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
	v, err := binance.New(cfg)
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
		ID: id, Exchange: "binance", Status: domain.OrderIntent, Created: time.Now(), Attempt: 1,
		OrderTerms: domain.OrderTerms{
			Account: "main", Bot: "bot", Symbol: executiontest.Symbol, Side: side, Type: domain.Market, Volume: dec(volume),
		},
	}
	if price != "" {
		o.Type, o.Price = domain.Limit, dec(price)
	}
	return o
}

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func volume(fills []domain.Fill) (sum domain.Decimal) {
	for _, f := range fills {
		sum = sum.Add(f.Volume)
	}
	return sum
}
