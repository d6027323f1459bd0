package papertest

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution/executiontest"
	"github.com/fullon/fullon/internal/execution/paper"
)

// AccountName is the account that an Exchange has.
const AccountName = "main"

// Exchange is a paper venue behind a dialect. Its account begins with what
// executiontest wants, in the market that it wants.
type Exchange struct {
	t       testing.TB
	cfg     paper.Config
	ticks   *Ticks
	handler func(*Exchange) http.Handler
	address string

	mu      sync.Mutex
	faults  []Fault
	sockets map[*Socket]bool
	life    *life
}

// life is what there is from a start to a stop.
type life struct {
	account *paper.Account
	conns   *Conns
	stop    func()
}

// New starts an exchange that ends with its test. handler makes the dialect of
// it, anew with each start.
func New(t testing.TB, exchange string, handler func(*Exchange) http.Handler) *Exchange {
	t.Helper()
	ticks := NewTicks()
	x := &Exchange{t: t, ticks: ticks, handler: handler, address: "127.0.0.1:0", sockets: make(map[*Socket]bool), cfg: paper.Config{
		Exchange: exchange, Dir: t.TempDir(), Ticks: ticks, LimitSizes: true, MaxTickAge: time.Hour, Sync: paper.SyncNever,
		MakerBPS: domain.MustDecimal("10"), TakerBPS: domain.MustDecimal("20"),
		Balances: map[string]domain.Decimal{
			"USDT": domain.MustDecimal(executiontest.BeginsQuote), "BTC": domain.MustDecimal(executiontest.BeginsBase),
		},
	}}
	x.Start()
	t.Cleanup(func() { x.Stop() })
	return x
}

// Start starts the exchange after a Stop, at the same address, with the same
// books.
func (x *Exchange) Start() {
	x.t.Helper()
	books, err := paper.Open(x.cfg)
	if err != nil {
		x.t.Fatal(err)
	}
	account, err := books.Venue(AccountName)
	if err != nil {
		x.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	conns := Listen(x.t, x.address)
	x.address = conns.Addr().String()
	var group sync.WaitGroup
	var handlers sync.RWMutex // held by each of them, which may begin while the exchange stops
	stopped := false
	x.mu.Lock()
	x.life = &life{account: account, conns: conns}
	x.mu.Unlock()
	dialect := x.handler(x)
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handlers.RLock()
		defer handlers.RUnlock()
		if !stopped {
			x.serve(dialect, w, r)
		}
	})}
	group.Go(func() { _ = server.Serve(conns) }) // until it is closed
	group.Go(func() {
		if err := books.Run(ctx); err != nil {
			x.t.Errorf("the exchange ended with %v", err)
		}
	})
	x.life.stop = sync.OnceFunc(func() {
		_ = server.Close()
		conns.Cut()
		if err := books.Close(); err != nil {
			x.t.Errorf("close: %v", err)
		}
		cancel()
		group.Wait()
		handlers.Lock() // once all have ended
		stopped = true
		handlers.Unlock()
	})
}

// Stop stops the exchange: nothing is answered any more.
func (x *Exchange) Stop() { x.now().stop() }

// Restart stops the exchange and starts it again.
func (x *Exchange) Restart() {
	x.t.Helper()
	x.Stop()
	x.Start()
}

// Disconnect cuts all connections.
func (x *Exchange) Disconnect() { x.now().conns.Cut() }

func (x *Exchange) now() *life {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.life
}

// URL is where the exchange is, for requests; Stream for WebSockets.
func (x *Exchange) URL() string { return "http://" + x.address }

// Stream is where the exchange is, for WebSockets.
func (x *Exchange) Stream() string { return "ws://" + x.address }

// Account is what the dialect translates to.
func (x *Exchange) Account() *paper.Account { return x.now().account }

// Market sets the best prices and sizes, and returns when the resting orders
// have met them.
func (x *Exchange) Market(bid, bidSize, ask, askSize string) {
	x.t.Helper()
	dec := domain.MustDecimal
	x.ticks.Set(x.t, domain.Tick{
		Exchange: x.cfg.Exchange, Symbol: executiontest.Symbol, Bid: dec(bid), BidSize: dec(bidSize), Ask: dec(ask), AskSize: dec(askSize),
	})
}
