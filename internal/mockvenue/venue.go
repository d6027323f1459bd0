// Package mockvenue is a venue for tests of the order path: it remembers all that
// was sent to it, and lets calls go wrong on purpose.
package mockvenue

import (
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
)

// Venue is a venue that speaks the protocol of the paper venue, takes every
// order that comes before its deadline, also one that it has, and remembers all
// of them. It is written against the protocol's description alone.
type Venue struct {
	URL string

	server  *http.Server
	calls   sync.WaitGroup
	timeout time.Duration // of the workers: faults last about as long

	mu        sync.Mutex
	random    *rand.Rand
	permille  int // of calls that go wrong
	seen      map[fault]int
	orders    map[string]*Order
	arrivals  []Arrival // in time, in their order
	late      int       // that came after their deadline
	refused   int       // submissions
	listeners map[chan []byte]bool
	seq       uint64
	closing   chan struct{}
	holding   string         // the order whose next submission hangs
	holds     chan struct{}  // closed when it has come
	asks      chan time.Time // when somebody asked for an order since
}

// Order is an order that was taken.
type Order struct {
	execution.Report
	Terms    domain.OrderTerms
	Accepted []Acceptance
}

// Acceptance is one time that an order was taken.
type Acceptance struct {
	At      time.Time
	Attempt uint32
	Worker  string
}

// Arrival is a submission that came in time.
type Arrival struct {
	ID, Symbol, Bot string
	Attempt         uint32
}

// New starts a venue on a free port of this machine. What it draws, it draws
// from the seed; timeout is the workers'. Close it.
func New(seed uint64, timeout time.Duration) (*Venue, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	v := &Venue{
		URL: "http://" + listener.Addr().String(), timeout: timeout,
		random: rand.New(rand.NewPCG(seed, 1)), seen: make(map[fault]int),
		orders: make(map[string]*Order), listeners: make(map[chan []byte]bool), closing: make(chan struct{}),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/{exchange}/{account}/orders", v.submit)
	mux.HandleFunc("GET /v1/{exchange}/{account}/orders", v.open)
	mux.HandleFunc("GET /v1/{exchange}/{account}/orders/{id}", v.query)
	mux.HandleFunc("DELETE /v1/{exchange}/{account}/orders/{id}", v.cancel)
	mux.HandleFunc("GET /v1/{exchange}/{account}/events", v.events)
	v.server = &http.Server{ReadHeaderTimeout: time.Minute, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.calls.Add(1)
		defer v.calls.Done()
		mux.ServeHTTP(w, r)
	})}
	v.calls.Go(func() { _ = v.server.Serve(listener) })
	return v, nil
}

// Close ends all calls and waits for what it started.
func (v *Venue) Close() {
	close(v.closing)
	_ = v.server.Close()
	v.calls.Wait()
}

// sleep waits as long as the venue is there.
func (v *Venue) sleep(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-v.closing:
	}
}

// Orders are those that were taken, by id.
func (v *Venue) Orders() map[string]Order {
	v.mu.Lock()
	defer v.mu.Unlock()
	out := make(map[string]Order, len(v.orders))
	for id, o := range v.orders {
		copied := *o
		copied.Accepted = slices.Clone(o.Accepted)
		out[id] = copied
	}
	return out
}

// Arrivals are the submissions that came in time, in their order.
func (v *Venue) Arrivals() []Arrival {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.arrivals)
}

// Taken is how many different orders were taken.
func (v *Venue) Taken() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.orders)
}

// Late is how many submissions came after their deadline.
func (v *Venue) Late() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.late
}

// Refused is how many submissions were refused with Refusal.
func (v *Venue) Refused() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.refused
}
