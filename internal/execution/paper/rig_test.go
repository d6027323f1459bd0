package paper_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/execution/executiontest"
	"github.com/fullon/fullon/internal/execution/paper"
	"github.com/fullon/fullon/internal/execution/papertest"
)

func TestMain(m *testing.M) {
	if isChild() {
		runChild()
		return
	}
	goleak.VerifyTestMain(m)
}

func dec(text string) domain.Decimal { return domain.MustDecimal(text) }

func market(bid, bidSize, ask, askSize string) domain.Tick {
	return domain.Tick{
		Exchange: "binance", Symbol: executiontest.Symbol, Bid: dec(bid), BidSize: dec(bidSize), Ask: dec(ask), AskSize: dec(askSize),
	}
}

func config(t testing.TB, f paper.Ticks) paper.Config {
	return paper.Config{
		Exchange: "binance", Dir: t.TempDir(), Ticks: f, LimitSizes: true, MakerBPS: dec("10"), TakerBPS: dec("20"),
		Balances:   map[string]domain.Decimal{"USDT": dec(executiontest.BeginsQuote), "BTC": dec(executiontest.BeginsBase)},
		MaxTickAge: time.Hour,
	}
}

// running is an exchange that runs, with the server in front of it.
type running struct {
	t        testing.TB
	cfg      paper.Config
	exchange *paper.Exchange
	address  string
	stop     func()
	conns    *papertest.Conns
}

// start opens an exchange and runs it; served says whether over a socket too.
func start(t testing.TB, cfg paper.Config, served bool) *running {
	r := &running{t: t, cfg: cfg, address: "127.0.0.1:0"}
	r.open(served)
	t.Cleanup(func() { r.stop() })
	return r
}

func (r *running) open(served bool) {
	r.t.Helper()
	x, err := paper.Open(r.cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() {
		if err := x.Run(ctx); err != nil {
			r.t.Errorf("the exchange ended with %v", err)
		}
	})
	if served {
		r.conns = papertest.Listen(r.t, r.address)
		r.address = r.conns.Addr().String()
		server := paper.NewServer(paper.ServerConfig{Exchanges: []*paper.Exchange{x}, Heartbeat: 50 * time.Millisecond})
		group.Go(func() {
			if err := server.Run(ctx, r.conns); err != nil {
				r.t.Errorf("the server ended with %v", err)
			}
		})
	}
	r.exchange = x
	r.stop = sync.OnceFunc(func() {
		cancel()
		group.Wait()
		if err := x.Close(); err != nil {
			r.t.Errorf("close: %v", err)
		}
	})
}

func (r *running) venue(account string) *paper.Account {
	r.t.Helper()
	v, err := r.exchange.Venue(account)
	if err != nil {
		r.t.Fatal(err)
	}
	return v
}

func (r *running) client(account string) *paper.Client {
	r.t.Helper()
	c, err := paper.NewClient(paper.ClientConfig{
		URL: "http://" + r.address, Exchange: "binance", Account: account, BackoffInitial: time.Millisecond, BackoffMax: 10 * time.Millisecond,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(c.Close)
	return c
}

func TestInProcessItIsAVenue(t *testing.T) {
	t.Parallel()
	executiontest.Run(t, func(t *testing.T) executiontest.Harness {
		f := papertest.NewTicks()
		r := start(t, config(t, f), false)
		return harness(t, f, r, func() execution.Venue { return r.venue("main") }, func() { r.exchange.Disconnect() })
	})
}

func TestOverTheSocketItIsAVenue(t *testing.T) {
	t.Parallel()
	executiontest.Run(t, func(t *testing.T) executiontest.Harness {
		f := papertest.NewTicks()
		r := start(t, config(t, f), true)
		return harness(t, f, r, func() execution.Venue { return r.client("main") }, func() { r.conns.Cut() })
	})
}

func harness(t *testing.T, f *papertest.Ticks, r *running, venue func() execution.Venue, disconnect func()) executiontest.Harness {
	return executiontest.Harness{
		Exchange: "binance", Account: "main", Venue: venue, Disconnect: disconnect,
		Market: func(bid, bidSize, ask, askSize string) { f.Set(t, market(bid, bidSize, ask, askSize)) },
		Restart: func() {
			served := r.conns != nil
			r.stop()
			r.open(served)
		},
	}
}

// buy makes an order of the account main.
func buy(id, volume, price string) domain.Order {
	o := domain.Order{
		ID: id, Exchange: "binance", Status: domain.OrderIntent, Created: time.Now(),
		OrderTerms: domain.OrderTerms{
			Account: "main", Bot: "bot", Symbol: executiontest.Symbol, Side: domain.Buy, Type: domain.Market, Volume: dec(volume),
		},
	}
	if price != "" {
		o.Type, o.Price = domain.Limit, dec(price)
	}
	return o
}

func wantRejected(t testing.TB, err error, part string) {
	t.Helper()
	rejected, ok := errors.AsType[*execution.Rejected](err)
	if !ok || !contains(rejected.Reason, part) {
		t.Fatalf("got %v, want a rejection that says %q", err, part)
	}
}
