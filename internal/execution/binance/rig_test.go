package binance_test

import (
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

// rig is a simulated venue and what it takes to reach it.
type rig struct {
	t     *testing.T
	cfg   sim.Config
	x     *sim.Exchange
	clock *skewed
	logs  *executiontest.Log
	stop  func()
}

func newRig(t *testing.T, change ...func(*sim.Config)) *rig {
	t.Helper()
	r := &rig{t: t, clock: &skewed{Clock: clock.System()}, logs: &executiontest.Log{}}
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

func order(id string, side domain.Side, volume, price string) domain.Order {
	return executiontest.Order("binance", "main", id, side, volume, price)
}
