package executiontest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
)

// Sink remembers what a venue delivered. It is safe for concurrent use.
type Sink struct {
	mu        sync.Mutex
	connected int
	orders    []execution.Report
	fills     []domain.Fill
	balances  map[string]domain.Balance
	positions map[string]domain.Position
}

var _ execution.Sink = (*Sink)(nil)

// NewSink makes a sink.
func NewSink() *Sink {
	return &Sink{balances: make(map[string]domain.Balance), positions: make(map[string]domain.Position)}
}

// Listen runs a venue into a new sink until the test ends, or stop is called,
// which returns when Run has. It returns when the sink is connected.
func Listen(t testing.TB, venue execution.Venue) (sink *Sink, stop func()) {
	t.Helper()
	sink = NewSink()
	return sink, sink.Listen(t, venue)
}

// Listen is the function of that name, into this sink.
func (s *Sink) Listen(t testing.TB, venue execution.Venue) (stop func()) {
	t.Helper()
	before := s.Connects()
	stop = Deliver(t, venue, s)
	Eventually(t, "the connection", func() bool { return s.Connects() > before })
	return stop
}

// Deliver runs a venue into any sink until the test ends, or stop is called,
// which returns when Run has.
func Deliver(t testing.TB, venue execution.Venue, sink execution.Sink) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- venue.Run(ctx, sink) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run ended with %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// Connected counts.
func (s *Sink) Connected() { s.with(func() { s.connected++ }) }

// Order remembers.
func (s *Sink) Order(r execution.Report) { s.with(func() { s.orders = append(s.orders, r) }) }

// Fill remembers.
func (s *Sink) Fill(f domain.Fill) { s.with(func() { s.fills = append(s.fills, f) }) }

// Balance remembers the newest.
func (s *Sink) Balance(b domain.Balance) { s.with(func() { s.balances[b.Currency] = b }) }

// Position remembers the newest.
func (s *Sink) Position(p domain.Position) { s.with(func() { s.positions[p.Symbol] = p }) }

func (s *Sink) with(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
}

// Connects is how often Connected was called.
func (s *Sink) Connects() (n int) {
	s.with(func() { n = s.connected })
	return n
}

// Reports are those of an order, as they came.
func (s *Sink) Reports(id string) (of []execution.Report) {
	s.with(func() {
		for _, r := range s.orders {
			if r.ID == id {
				of = append(of, r)
			}
		}
	})
	return of
}

// Last is the newest report of an order, which must have one.
func (s *Sink) Last(id string) execution.Report {
	reports := s.Reports(id)
	return reports[len(reports)-1]
}

// Fills are those of an order, all for an empty id, as they came.
func (s *Sink) Fills(id string) (of []domain.Fill) {
	s.with(func() {
		for _, f := range s.fills {
			if id == "" || f.ClientOrderID == id {
				of = append(of, f)
			}
		}
	})
	return of
}

// BalanceOf is the newest of a currency.
func (s *Sink) BalanceOf(currency string) (b domain.Balance) {
	s.with(func() { b = s.balances[currency] })
	return b
}

// PositionOf is the newest of a symbol.
func (s *Sink) PositionOf(symbol string) (p domain.Position) {
	s.with(func() { p = s.positions[symbol] })
	return p
}

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

// Eventually waits until a condition holds.
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come about", what)
		}
	}
}
