package orderworker_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/execution/paper"
	"github.com/fullon/fullon/internal/orderworker"
	"github.com/fullon/fullon/internal/projector"
	"github.com/fullon/fullon/internal/risk"
	"github.com/fullon/fullon/internal/testserver"
)

func TestMain(m *testing.M) { testserver.Main(m) }

const (
	patience = 60 * time.Second
	exchange = "binance"
	account  = "1001"
)

func dec(text string) domain.Decimal { return domain.MustDecimal(text) }

// rig is a log, a Redis that it is folded into, and a paper venue.
type rig struct {
	*client.Client
	t     testing.TB
	bus   *bus.Bus
	nats  *testserver.NATS
	paper *paper.Exchange
}

type projectorLog struct{ *bus.Bus }

func (l projectorLog) Open(stream string, from uint64) projector.Reader {
	return l.NewReader(stream, from)
}

func newRig(t testing.TB) *rig {
	t.Helper()
	n := testserver.NewNATS(t)
	store := testserver.SharedStore(t)
	r := &rig{t: t, bus: n.Bus(t, bus.Layout{}), nats: n}
	r.Client = client.New(r.bus, store)
	t.Cleanup(r.Close)
	layout := r.bus.Layout()
	p := projector.New(projector.Config{
		TickStreams: layout.TickStreams(), AccountStreams: layout.AccountStreams(), TradeStreams: layout.TradeStreams(), TradeCap: 10,
		FillCap: 100, Orders: true, CatalogueStream: bus.CatalogueStream, ProbeInterval: 50 * time.Millisecond,
		ReconcileAfter: 2 * time.Second, Log: testserver.Quiet(),
	}, projectorLog{r.bus}, store)
	r.run(p.Run)
	r.tick("BTC/USDT", time.Now())
	x, err := paper.Open(paper.Config{
		Exchange: exchange, Dir: t.TempDir(), Ticks: r.Ticks, Sync: paper.SyncNever,
		Balances: map[string]domain.Decimal{"USDT": dec("100000")},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.Close() })
	r.paper = x
	r.run(x.Run)
	r.symbol("BTC/USDT", "BTC")
	return r
}

// run runs a part until the test ends, or until what it returns is called.
func (r *rig) run(run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			r.t.Error(err)
		}
	})
	r.t.Cleanup(stop)
	return stop
}

// visible waits until readers see what was written.
func (r *rig) visible(pos domain.LogPosition, err error) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err == nil {
		err = r.Wait(ctx, pos)
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) tick(symbol string, received time.Time) {
	r.t.Helper()
	r.visible(r.Ticks.Set(context.Background(), domain.Tick{
		Exchange: exchange, Symbol: symbol, Bid: dec("99"), BidSize: dec("100"), Ask: dec("101"), AskSize: dec("100"), Last: dec("100"), Received: received,
	}))
}

func (r *rig) symbol(name, base string) {
	r.t.Helper()
	r.visible(r.Symbols.Set(context.Background(), domain.Symbol{
		Exchange: exchange, Name: name, VenueSymbol: base + "USDT", Base: base, Quote: "USDT", Trading: true,
		TickSize: dec("0.5"), LotSize: dec("0.1"), MinVolume: dec("0.1"),
	}))
}

func order(id, symbol string) domain.Order {
	return domain.Order{ID: id, Exchange: exchange, OrderTerms: domain.OrderTerms{
		Account: account, Bot: "grid", Symbol: symbol, Side: domain.Buy, Type: domain.Limit, Volume: dec("1"), Price: dec("101"),
	}}
}

func (r *rig) push(o domain.Order) {
	r.t.Helper()
	_, pos, err := r.Orders.Push(context.Background(), o)
	r.visible(pos, err)
}

// becomes waits until the order has a status.
func (r *rig) becomes(id string, want domain.OrderStatus) domain.Order {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var last domain.Order
	for o, err := range r.Orders.Watch(ctx, client.OrderFilter{Exchange: exchange}) {
		if err != nil || o.ID != id {
			continue
		}
		if last = o; o.Status == want {
			return o
		}
		if o.Status.Final() {
			break
		}
	}
	r.t.Fatalf("order %s is %s (%q), want %s", id, last.Status, last.Reason, want)
	return last
}

// markets, limiter and eventLog are what a worker needs, without more.
type markets struct{ *client.Client }

func (m markets) Ticks(ctx context.Context, exchange string, symbols []string) ([]domain.Tick, []error) {
	ticks, errs := make([]domain.Tick, len(symbols)), make([]error, len(symbols))
	for i, symbol := range symbols {
		ticks[i], errs[i] = m.Client.Ticks.Get(ctx, exchange, symbol)
		if errors.Is(errs[i], domain.ErrNotFound) {
			errs[i] = nil
		}
	}
	return ticks, errs
}

func (m markets) Symbol(ctx context.Context, exchange, symbol string) (domain.Symbol, error) {
	return m.Symbols.Get(ctx, exchange, symbol)
}

func (m markets) Position(ctx context.Context, account, symbol string) (domain.Position, error) {
	return m.Accounts.Position(ctx, account, symbol)
}

// limiter counts what is reserved.
type limiter struct {
	mu    sync.Mutex
	taken int
}

func (l *limiter) Reserve(_ context.Context, _, _ string, n int) (time.Duration, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.taken += n
	return 0, nil
}

type eventLog struct{ r *rig }

func (l eventLog) PublishAll(ctx context.Context, events []domain.Event) error {
	_, err := l.r.bus.PublishAll(ctx, events)
	return err
}

func (l eventLog) VenueError(ctx context.Context, exchange, text string) error {
	return l.r.VenueErrors.Push(ctx, exchange, text)
}

// line is what is between a worker and the venue. Without a function a call
// goes through.
type line struct {
	execution.Venue
	mu        sync.Mutex
	submits   int
	queries   int
	submit    func(n int, ctx context.Context, o domain.Order) (execution.Report, error)
	query     func(n int, ctx context.Context, o domain.Order) (execution.Report, error)
	connected chan struct{} // each token is one more connect
	run       func(ctx context.Context, sink execution.Sink) error
}

func (l *line) Submit(ctx context.Context, o domain.Order) (execution.Report, error) {
	l.mu.Lock()
	l.submits++
	n := l.submits
	l.mu.Unlock()
	if l.submit != nil {
		return l.submit(n, ctx, o)
	}
	return l.Venue.Submit(ctx, o)
}

func (l *line) Query(ctx context.Context, o domain.Order) (execution.Report, error) {
	l.mu.Lock()
	l.queries++
	n := l.queries
	l.mu.Unlock()
	if l.query != nil {
		return l.query(n, ctx, o)
	}
	return l.Venue.Query(ctx, o)
}

func (l *line) Run(ctx context.Context, sink execution.Sink) error {
	if l.run != nil {
		return l.run(ctx, sink)
	}
	if l.connected == nil {
		return l.Venue.Run(ctx, sink)
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-l.connected:
			sink.Connected() // and no events at all
		}
	}
}

func (l *line) counts() (submits, queries int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.submits, l.queries
}

// line is a line to the rig's venue.
func (r *rig) line() *line {
	r.t.Helper()
	v, err := r.paper.Venue(account)
	if err != nil {
		r.t.Fatal(err)
	}
	return &line{Venue: v}
}

// work starts a worker.
func (r *rig) work(l *line, limits orderworker.Limiter) (*orderworker.Worker, func()) {
	r.t.Helper()
	return r.workAs(l, limits, func(*orderworker.Config, *client.OrderLimits) {})
}

// workAs starts a worker that is configured otherwise.
func (r *rig) workAs(l *line, limits orderworker.Limiter, otherwise func(*orderworker.Config, *client.OrderLimits)) (*orderworker.Worker, func()) {
	r.t.Helper()
	cfg := orderworker.Config{
		Exchange: exchange, ID: client.NewProcessID(), Timeout: 2 * time.Second, Margin: 100 * time.Millisecond, Log: testserver.Quiet(),
		Limits: risk.Limits{MaxNotional: dec("1000"), PriceBand: dec("0.1"), MaxTickAge: time.Minute}, Lease: time.Second,
	}
	queue := client.OrderLimits{Lease: time.Second, MaxTries: 20}
	otherwise(&cfg, &queue)
	orders, err := r.Orders.WithLimits(queue)
	if err != nil {
		r.t.Fatal(err)
	}
	w := orderworker.New(cfg, orders, markets{r.Client}, limits, eventLog{r}, map[string]execution.Venue{account: l})
	return w, r.run(w.Run)
}

var errLine = fmt.Errorf("%w: the line broke", execution.ErrUnanswered)
