package paper_test

import (
	"context"
	"errors"
	"iter"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/execution/executiontest"
	"github.com/fullon/fullon/internal/execution/paper"
)

func TestMain(m *testing.M) {
	if isChild() {
		runChild()
		return
	}
	goleak.VerifyTestMain(m)
}

func dec(text string) domain.Decimal { return domain.MustDecimal(text) }

// feed is ticks that a test sets.
type feed struct {
	mu      sync.Mutex
	ticks   map[string]domain.Tick
	seq     uint64
	err     error // what Get answers
	watcher chan watched
	running chan struct{} // closed while somebody watches
}

type watched struct {
	tick domain.Tick
	met  chan struct{} // closed when the watcher came back for more
}

func newFeed() *feed {
	return &feed{ticks: make(map[string]domain.Tick), watcher: make(chan watched)}
}

func (f *feed) Get(_ context.Context, _, symbol string) (domain.Tick, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return domain.Tick{}, f.err
	}
	tick, ok := f.ticks[symbol]
	if !ok {
		return domain.Tick{}, domain.ErrNotFound
	}
	return tick, nil
}

func (f *feed) Watch(ctx context.Context, _ string, _ ...string) iter.Seq2[domain.Tick, error] {
	return func(yield func(domain.Tick, error) bool) {
		for {
			select {
			case <-ctx.Done():
				return
			case w := <-f.watcher:
				if !yield(w.tick, nil) {
					return
				}
				close(w.met)
			}
		}
	}
}

// store makes a tick the newest, for those who ask.
func (f *feed) store(tick domain.Tick) domain.Tick {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seq++
	tick.Sequence = f.seq
	if tick.Received.IsZero() {
		tick.Received = time.Now()
	}
	f.ticks[tick.Symbol] = tick
	return tick
}

// set makes a tick the newest, and returns when the resting orders have met it.
func (f *feed) set(t testing.TB, tick domain.Tick) {
	t.Helper()
	w := watched{f.store(tick), make(chan struct{})}
	select {
	case f.watcher <- w:
		<-w.met
	case <-time.After(30 * time.Second):
		t.Fatal("nobody watches the ticks")
	}
}

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
	conns    *conns
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
		var listener net.Listener
		executiontest.Eventually(r.t, "the address", func() bool {
			listener, err = net.Listen("tcp", r.address)
			return err == nil
		})
		r.address = listener.Addr().String()
		r.conns = &conns{Listener: listener, all: make(map[net.Conn]bool)}
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

// conns is a listener that can cut what it accepted.
type conns struct {
	net.Listener
	mu  sync.Mutex
	all map[net.Conn]bool
}

func (c *conns) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err == nil {
		c.mu.Lock()
		c.all[conn] = true
		c.mu.Unlock()
	}
	return conn, err
}

func (c *conns) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.all {
		_ = conn.Close()
	}
	clear(c.all)
}

func TestInProcessItIsAVenue(t *testing.T) {
	t.Parallel()
	executiontest.Run(t, func(t *testing.T) executiontest.Harness {
		f := newFeed()
		r := start(t, config(t, f), false)
		return harness(t, f, r, func() execution.Venue { return r.venue("main") }, func() { r.exchange.Disconnect() })
	})
}

func TestOverTheSocketItIsAVenue(t *testing.T) {
	t.Parallel()
	executiontest.Run(t, func(t *testing.T) executiontest.Harness {
		f := newFeed()
		r := start(t, config(t, f), true)
		return harness(t, f, r, func() execution.Venue { return r.client("main") }, func() { r.conns.cut() })
	})
}

func harness(t *testing.T, f *feed, r *running, venue func() execution.Venue, disconnect func()) executiontest.Harness {
	return executiontest.Harness{
		Exchange: "binance", Account: "main", Venue: venue, Disconnect: disconnect,
		Market: func(bid, bidSize, ask, askSize string) { f.set(t, market(bid, bidSize, ask, askSize)) },
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
