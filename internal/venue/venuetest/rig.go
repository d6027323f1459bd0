package venuetest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
)

// rig is a venue with an adapter on it.
type rig struct {
	t       *testing.T
	script  Script
	adapter venue.Adapter
	server  *Server
	rest    *restServer
	peers   chan *peer // connections in the order in which they came
	sides   chan *peer // those to the other endpoint
	side    *peer      // the last of these that the test saw

	mu      sync.Mutex
	refused []string // symbols that are not granted from now on
	mute    bool     // nothing is answered
	deaf    bool     // nothing is read, so that no ping is answered either
}

// newRig makes a venue and the adapter; change may touch its settings.
func newRig(t *testing.T, s Script, change func(*venue.Config)) *rig {
	t.Helper()
	r := &rig{t: t, script: s, server: NewServer(t), rest: newRESTServer(t), peers: make(chan *peer, 64), sides: make(chan *peer, 64)}
	cfg := venue.Config{
		WSURL: r.server.URL, RESTURL: r.rest.url, RESTBackoff: time.Microsecond, RESTWeight: 1_000_000,
		Connection: venue.Care{
			DialInterval: time.Nanosecond, SilenceTimeout: time.Hour, DataTimeout: time.Hour, PingInterval: time.Minute, SendInterval: time.Microsecond,
			BackoffInitial: time.Millisecond, BackoffMax: 2 * time.Millisecond, MaxFrameBytes: 1 << 20,
		},
	}
	if change != nil {
		change(&cfg)
	}
	adapter, err := s.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.adapter = adapter
	if c, ok := adapter.(interface{ Close() }); ok {
		t.Cleanup(c.Close)
	}
	r.rest.answer(s.REST(r.book(nil)))
	return r
}

// book is what the venue knows: all symbols of the suite, the others, and the
// trades.
func (r *rig) book(trades map[string][]Trade, others ...string) Book {
	names := append(append(r.script.Symbols[:], r.script.stranger()), others...)
	slices.Sort(names)
	return Book{Symbols: r.listed(slices.Compact(names)), Trades: trades}
}

// listed are symbols as the catalogue has them.
func (r *rig) listed(names []string) (symbols []domain.Symbol) {
	for _, name := range names {
		base, quote, settle, _ := domain.SplitSymbol(name)
		symbols = append(symbols, domain.Symbol{
			Exchange: r.adapter.Exchange(), Name: name, Base: base, Quote: quote, Settle: settle,
			TickSize: domain.MustDecimal("0.01"), LotSize: domain.MustDecimal("0.0001"), MinVolume: domain.MustDecimal("0.002"),
			MinNotional: domain.MustDecimal("5"), Trading: true,
		})
	}
	return symbols
}

// stream runs the adapter's Stream until the end of the test.
func (r *rig) stream(sink venue.Sink, symbols ...string) {
	r.t.Helper()
	r.streamWanted(sink, venue.NewWanted(symbols...))
}

// streamWanted is stream of symbols that change.
func (r *rig) streamWanted(sink venue.Sink, wanted *venue.Wanted) {
	r.t.Helper()
	r.run(func(ctx context.Context) error { return r.adapter.Stream(ctx, wanted, sink) })
}

// follow streams all symbols of the script.
func (r *rig) follow() *Sink {
	sink := NewSink()
	r.stream(sink, r.script.Symbols[:]...)
	return sink
}

// run runs what follows the venue, and the venue, until the end of the test.
func (r *rig) run(what func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done, served := make(chan error, 1), make(chan struct{})
	go func() { done <- what(ctx) }()
	go func() { defer close(served); r.accept(ctx) }()
	r.t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				r.t.Errorf("Stream: %v", err)
			}
		case <-time.After(Patience):
			r.t.Error("Stream does not end with its context")
		}
		<-served
	})
}

// accept serves connections until ctx ends.
func (r *rig) accept(ctx context.Context) {
	var serving sync.WaitGroup
	defer serving.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case c := <-r.server.conns:
			p := &peer{Conn: c, rig: r, asked: map[string]bool{}, changed: make(chan struct{}, 1), gone: make(chan struct{})}
			serving.Go(p.serve)
			if r.script.Side != "" && p.Path == r.script.Side {
				r.sides <- p
			} else {
				r.peers <- p
			}
		}
	}
}

// set changes how the venue behaves.
func (r *rig) set(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
}

// peer waits for the next connection.
func (r *rig) peer() *peer {
	r.t.Helper()
	select {
	case p := <-r.peers:
		return p
	case <-time.After(Patience):
		r.t.Fatal("no connection came")
		return nil
	}
}

// carrier is the connection on which the venue sends a frame, if it is p or the
// newest one to the other endpoint. It is for the test's goroutine.
func (r *rig) carrier(p *peer, frame string) *peer {
	r.t.Helper()
	if r.script.OnSide == nil || !r.script.OnSide(frame) {
		return p
	}
	timeout := time.After(Patience)
	for r.side == nil || len(r.sides) > 0 {
		select {
		case r.side = <-r.sides:
		case <-timeout:
			r.t.Fatalf("no connection came to %s", r.script.Side)
		}
	}
	return r.side
}

// peer is the venue's end of a connection. It answers the client by itself.
type peer struct {
	*Conn
	rig     *rig
	changed chan struct{} // capacity 1: something was asked
	gone    chan struct{} // closed once the client is

	mu     sync.Mutex
	sent   int             // numbered frames
	asked  map[string]bool // what is subscribed
	batch  int             // most symbols of one request
	pinged bool            // with the venue's own ping
	owed   []string        // frames that were not answered
}

func (p *peer) serve() {
	p.rig.mu.Lock()
	deaf := p.rig.deaf
	p.rig.mu.Unlock()
	defer close(p.gone)
	for !deaf {
		frame, err := p.next()
		if err != nil {
			return
		}
		p.take(frame)
	}
}

func (p *peer) take(frame string) {
	s := p.rig.script
	symbols := s.Asks(frame)
	p.mu.Lock()
	p.batch = max(p.batch, len(symbols))
	for _, symbol := range symbols {
		p.asked[symbol] = true
	}
	if s.Leaves != nil {
		for _, symbol := range s.Leaves(frame) {
			delete(p.asked, symbol)
		}
	}
	p.pinged = p.pinged || s.Ping != nil && s.Ping(frame)
	p.mu.Unlock()
	select {
	case p.changed <- struct{}{}:
	default:
	}
	mute, refused := p.owes(frame)
	if mute {
		return
	}
	for _, answer := range s.Answer(frame, refused) {
		p.offer(answer)
	}
}

// owes tells whether nothing is answered now, so that the frame is kept for settle,
// and what is refused.
func (p *peer) owes(frame string) (mute bool, refused []string) {
	p.rig.mu.Lock() // until it is kept: settle follows the end of muteness
	defer p.rig.mu.Unlock()
	if p.rig.mute {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.owed = append(p.owed, frame)
	}
	return p.rig.mute, slices.Clone(p.rig.refused)
}

// settle answers what was not answered while the venue was mute.
func (p *peer) settle() {
	p.mu.Lock()
	owed := p.owed
	p.owed = nil
	p.mu.Unlock()
	for _, frame := range owed {
		for _, answer := range p.rig.script.Answer(frame, nil) {
			p.offer(answer)
		}
	}
}

// awaitGone waits until the client has ended the connection.
func (p *peer) awaitGone() {
	p.t.Helper()
	select {
	case <-p.gone:
	case <-time.After(Patience):
		p.t.Error("the client did not close the connection")
	}
}

// offer sends a frame to a client that may be gone.
func (p *peer) offer(frame string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.try([]byte(p.stamp(frame)))
}

// say sends frames, those of the other endpoint there.
func (p *peer) say(frames ...string) {
	p.t.Helper()
	for _, frame := range frames {
		p.rig.carrier(p, frame).send(frame)
	}
}

func (p *peer) send(frame string) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Text(p.stamp(frame))
}

func (p *peer) stamp(frame string) string {
	if p.rig.script.Stamp == nil {
		return frame
	}
	frame, numbered := p.rig.script.Stamp(frame, p.sent)
	if numbered {
		p.sent++
	}
	return frame
}

// await waits until what the client asked fits.
func (p *peer) await(what string, fits func() bool) {
	p.t.Helper()
	timeout := time.After(Patience)
	for {
		p.mu.Lock()
		done := fits()
		p.mu.Unlock()
		if done {
			return
		}
		select {
		case <-p.changed:
		case <-timeout:
			p.mu.Lock()
			defer p.mu.Unlock()
			p.t.Fatalf("%s: the client did not ask for it, but for %v", what, p.asked)
		}
	}
}

// awaitAsked waits until the symbols were subscribed.
func (p *peer) awaitAsked(symbols ...string) {
	p.t.Helper()
	p.await("subscription", func() bool {
		return !slices.ContainsFunc(symbols, func(s string) bool { return !p.asked[s] })
	})
}

// most is how many symbols were in one request, at most.
func (p *peer) most() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.batch
}

// awaitLeft waits until the symbol is no longer subscribed.
func (p *peer) awaitLeft(symbol string) {
	p.t.Helper()
	p.await("unsubscription", func() bool { return !p.asked[symbol] })
}

// restServer answers with whatever handler it has at the moment.
type restServer struct {
	url string

	mu      sync.Mutex
	handler http.Handler
	calls   int
}

func newRESTServer(t *testing.T) *restServer {
	s := &restServer{}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		handler := s.handler
		s.calls++
		s.mu.Unlock()
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(web.Close)
	s.url = web.URL
	return s
}

func (s *restServer) answer(h http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handler = h
}

// status answers n requests with the status and the body, all for a negative n,
// and then as before.
func (s *restServer) status(n, status int, header http.Header, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.handler
	s.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		n--
		last := n == 0
		if last {
			s.handler = before
		}
		s.mu.Unlock()
		for name, values := range header {
			w.Header()[name] = values
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	})
}

func (s *restServer) called() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}
