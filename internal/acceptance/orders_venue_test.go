package acceptance

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
)

// fault is what goes wrong with one call to the venue.
type fault uint8

const (
	noFault     fault = iota
	lostRequest       // hangs, and never gets there
	lateRequest       // gets there after a while, perhaps after its deadline
	lostAnswer        // done, and the line breaks
	lateAnswer        // done, and the answer comes after a while
	errorBefore       // a status 5xx, and nothing was done
	errorAfter        // a status 5xx, and it was done
	resetBefore       // the line breaks, and nothing was done
	nonsense          // done, and the answer makes no sense
	tooMany           // a clear not now
	refusal           // a clear no
	numberFaults
)

// mockVenue is a venue that speaks the protocol of the paper venue, takes every
// order that comes before its deadline, also one that it has, and remembers all
// of them. It is written against the protocol's description alone.
type mockVenue struct {
	*httptest.Server
	timeout time.Duration // of the workers: faults last about as long

	mu        sync.Mutex
	random    *rand.Rand
	permille  int // of calls that go wrong
	seen      map[fault]int
	orders    map[string]*mockOrder
	arrivals  []arrival // in time, in their order
	late      int       // that came after their deadline
	refused   int       // submissions
	listeners map[chan []byte]bool
	seq       uint64
	closing   chan struct{}
	holding   string         // the order whose next submission hangs
	holds     chan struct{}  // closed when it has come
	asks      chan time.Time // when somebody asked for an order since
	timers    sync.WaitGroup
}

// mockOrder is an order that was taken.
type mockOrder struct {
	execution.Report
	terms    domain.OrderTerms
	accepted []acceptance
}

// acceptance is one time that an order was taken.
type acceptance struct {
	at      time.Time
	attempt uint32
	worker  string
}

// arrival is a submission that came in time.
type arrival struct {
	id, symbol, bot string
	attempt         uint32
}

func newMockVenue(t testing.TB, seed uint64, timeout time.Duration) *mockVenue {
	v := &mockVenue{
		timeout: timeout, random: rand.New(rand.NewPCG(seed, 1)), seen: make(map[fault]int),
		orders: make(map[string]*mockOrder), listeners: make(map[chan []byte]bool), closing: make(chan struct{}),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/{exchange}/{account}/orders", v.submit)
	mux.HandleFunc("GET /v1/{exchange}/{account}/orders", v.open)
	mux.HandleFunc("GET /v1/{exchange}/{account}/orders/{id}", v.query)
	mux.HandleFunc("DELETE /v1/{exchange}/{account}/orders/{id}", v.cancel)
	mux.HandleFunc("GET /v1/{exchange}/{account}/events", v.events)
	v.Server = httptest.NewServer(mux)
	t.Cleanup(func() {
		close(v.closing)
		v.CloseClientConnections()
		v.Close()
		v.timers.Wait()
	})
	return v
}

// faulty says how many of 1000 calls go wrong from now on.
func (v *mockVenue) faulty(permille int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.permille = permille
}

// draw decides what goes wrong with a call, and how long it takes.
func (v *mockVenue) draw() (fault, time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	wait := time.Duration(v.random.Int64N(int64(2 * v.timeout)))
	if v.random.IntN(1000) >= v.permille {
		return noFault, wait
	}
	f := fault(1 + v.random.IntN(int(numberFaults)-1))
	v.seen[f]++
	return f, wait
}

// sleep waits as long as the venue is there.
func (v *mockVenue) sleep(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-v.closing:
	}
}

func (v *mockVenue) submit(w http.ResponseWriter, r *http.Request) {
	var o domain.Order
	if err := json.NewDecoder(r.Body).Decode(&o); err != nil || o.Deadline.IsZero() {
		no(w, http.StatusUnprocessableEntity, "rejected", "no order, or one without a deadline")
		return
	}
	if v.heldBack(o.ID) {
		<-r.Context().Done() // the worker has died
		return
	}
	f, wait := v.draw()
	switch f {
	case lostRequest:
		v.sleep(wait)
		panic(http.ErrAbortHandler)
	case lateRequest:
		v.sleep(wait)
	case errorBefore:
		w.WriteHeader(http.StatusBadGateway)
		return
	case resetBefore:
		panic(http.ErrAbortHandler)
	case tooMany:
		no(w, http.StatusTooManyRequests, "rate_limited", "")
		return
	case refusal:
		v.mu.Lock()
		v.refused++
		v.mu.Unlock()
		no(w, http.StatusUnprocessableEntity, "rejected", refusedByVenue)
		return
	}
	report, ok := v.accept(o)
	if !ok {
		panic(http.ErrAbortHandler) // who sent it has long given up
	}
	v.answer(w, f, wait, report)
}

const refusedByVenue = "the venue does not want it"

// accept takes an order that comes in time.
func (v *mockVenue) accept(o domain.Order) (execution.Report, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := time.Now()
	if !now.Before(o.Deadline) {
		v.late++
		return execution.Report{}, false
	}
	v.arrivals = append(v.arrivals, arrival{o.ID, o.Symbol, o.Bot, o.Attempt})
	known := v.orders[o.ID]
	if known == nil {
		known = &mockOrder{terms: o.OrderTerms, Report: execution.Report{
			ID: o.ID, VenueOrderID: fmt.Sprintf("v%d", len(v.orders)+1), Symbol: o.Symbol, Status: domain.OrderFilled, Filled: o.Volume,
			AveragePrice: o.Price, Time: now,
		}}
		v.orders[o.ID] = known
		switch v.random.IntN(10) {
		case 0: // rests until it is canceled
			known.Status, known.Filled, known.AveragePrice = domain.OrderAccepted, domain.Decimal{}, domain.Decimal{}
		case 1: // is filled later, step by step
			known.Status, known.Filled, known.AveragePrice = domain.OrderAccepted, domain.Decimal{}, domain.Decimal{}
			v.later(o, time.Duration(v.random.Int64N(int64(v.timeout))))
		}
	}
	known.accepted = append(known.accepted, acceptance{now, o.Attempt, o.Worker})
	v.tell(known.Report)
	return known.Report, true
}

// later fills an order in two steps. The lock is held.
func (v *mockVenue) later(o domain.Order, wait time.Duration) {
	half, _ := o.Volume.Div(domain.MustDecimal("2"))
	v.timers.Go(func() {
		for _, step := range []struct {
			status domain.OrderStatus
			filled domain.Decimal
		}{{domain.OrderPartial, half}, {domain.OrderFilled, o.Volume}} {
			v.sleep(wait)
			v.mu.Lock()
			known := v.orders[o.ID]
			if known.Status.Resting() {
				known.Status, known.Filled, known.AveragePrice, known.Time = step.status, step.filled, o.Price, time.Now()
				v.tell(known.Report)
			}
			v.mu.Unlock()
		}
	})
}

// mockEvent is an order in the stream of events.
type mockEvent struct {
	ID      string             `json:"id"`
	VenueID string             `json:"venue_id"`
	Terms   domain.OrderTerms  `json:"terms"`
	Status  domain.OrderStatus `json:"status"`
	Filled  domain.Decimal     `json:"filled"`
	Spent   domain.Decimal     `json:"spent"`
	Time    time.Time          `json:"time"`
}

// tell sends an event to all who listen. The lock is held.
func (v *mockVenue) tell(r execution.Report) {
	v.seq++
	o := v.orders[r.ID]
	event := map[string]any{"change": map[string]any{
		"seq": v.seq, "time": r.Time,
		"orders": []mockEvent{{r.ID, r.VenueOrderID, o.terms, r.Status, r.Filled, r.Filled.Mul(r.AveragePrice), r.Time}},
	}}
	line, err := json.Marshal(event)
	if err != nil {
		panic(err)
	}
	for l := range v.listeners {
		select {
		case l <- line:
		default: // too slow: it is cut off, and has to ask
			delete(v.listeners, l)
			close(l)
		}
	}
}

func (v *mockVenue) query(w http.ResponseWriter, r *http.Request) {
	v.heard()
	f, wait := v.draw()
	switch f {
	case lostRequest:
		v.sleep(wait)
		panic(http.ErrAbortHandler)
	case resetBefore:
		panic(http.ErrAbortHandler)
	case errorBefore:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case tooMany:
		no(w, http.StatusTooManyRequests, "rate_limited", "")
		return
	case lateRequest:
		v.sleep(wait)
	case refusal:
		f = noFault
	}
	v.mu.Lock()
	known := v.orders[r.PathValue("id")]
	var report execution.Report
	if known != nil {
		report = known.Report
	}
	v.mu.Unlock()
	if known == nil {
		if f == nonsense || f == errorAfter {
			http.NotFound(w, r) // which is no answer of the venue's
			return
		}
		no(w, http.StatusNotFound, "not_found", "")
		return
	}
	v.answer(w, f, wait, report)
}

func (v *mockVenue) cancel(w http.ResponseWriter, r *http.Request) {
	f, wait := v.draw()
	if f == lostRequest || f == resetBefore {
		panic(http.ErrAbortHandler)
	}
	v.mu.Lock()
	known := v.orders[r.PathValue("id")]
	var report execution.Report
	if known != nil {
		if known.Status.Resting() {
			known.Status, known.Time = domain.OrderCanceled, time.Now()
			v.tell(known.Report)
		}
		report = known.Report
	}
	v.mu.Unlock()
	if known == nil {
		no(w, http.StatusNotFound, "not_found", "")
		return
	}
	v.answer(w, f, wait, report)
}

func (v *mockVenue) open(w http.ResponseWriter, _ *http.Request) {
	v.mu.Lock()
	open := []execution.Report{}
	for _, o := range v.orders {
		if o.Status.Resting() {
			open = append(open, o.Report)
		}
	}
	v.mu.Unlock()
	v.answer(w, noFault, 0, map[string]any{"orders": open})
}

// answer answers what was done, as far as the fault lets it.
func (v *mockVenue) answer(w http.ResponseWriter, f fault, wait time.Duration, answer any) {
	switch f {
	case lostAnswer:
		panic(http.ErrAbortHandler)
	case lateAnswer:
		v.sleep(wait)
	case errorAfter:
		w.WriteHeader(http.StatusInternalServerError)
		return
	case nonsense:
		_, _ = w.Write([]byte("<html>the venue is under maintenance</html>"))
		return
	}
	body, err := json.Marshal(answer)
	if err != nil {
		panic(err)
	}
	_, _ = w.Write(body)
}

func no(w http.ResponseWriter, status int, code, reason string) {
	body := map[string]any{"code": code}
	if reason != "" {
		body["reason"] = reason
	}
	if code == "rate_limited" {
		body["retry_after_ns"] = 20 * time.Millisecond
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// events tells what becomes of orders from now on.
func (v *mockVenue) events(w http.ResponseWriter, r *http.Request) {
	listener := make(chan []byte, 1000)
	v.mu.Lock()
	v.listeners[listener] = true
	v.mu.Unlock()
	defer func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		delete(v.listeners, listener)
	}()
	control := http.NewResponseController(w)
	send := func(line string) bool {
		_, err := w.Write([]byte(line + "\n"))
		return err == nil && control.Flush() == nil
	}
	beat := time.NewTicker(500 * time.Millisecond)
	defer beat.Stop()
	for going := send(`{"epoch":"mock"}`); going; {
		select {
		case <-r.Context().Done():
			return
		case <-v.closing:
			return
		case <-beat.C:
			going = send(`{}`)
		case line, ok := <-listener:
			going = ok && send(string(line))
		}
	}
}

// cut breaks all streams of events.
func (v *mockVenue) cut() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for l := range v.listeners {
		delete(v.listeners, l)
		close(l)
	}
}

// taken is how many different orders were taken.
func (v *mockVenue) taken() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.orders)
}

// faultsSeen says how often each thing went wrong.
func (v *mockVenue) faultsSeen() string {
	names := [...]string{"", "lost request", "late request", "lost answer", "late answer", "error before", "error after", "reset", "nonsense", "rate limit", "refusal"}
	v.mu.Lock()
	defer v.mu.Unlock()
	var out []string
	for f := fault(1); f < numberFaults; f++ {
		out = append(out, fmt.Sprintf("%s %d", names[f], v.seen[f]))
	}
	return strings.Join(out, ", ")
}
