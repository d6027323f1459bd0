package paper

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
)

// ServerConfig is what a Server is made from. The zero value of a field takes
// its default.
type ServerConfig struct {
	Exchanges []*Exchange // open; the server does not close them
	// Heartbeat is how often a quiet stream of events says that it is there.
	// Default 1s.
	Heartbeat time.Duration
	// StopTimeout bounds how long Run waits for calls at its end. Default 5s.
	StopTimeout time.Duration
}

// writeTimeout bounds the sending of one event to a client that does not read.
const writeTimeout = 10 * time.Second

// Server lets other processes trade on paper exchanges. Whoever reaches its
// address may: listen on this machine only.
type Server struct {
	cfg       ServerConfig
	exchanges map[string]*Exchange
	mux       *http.ServeMux
}

// NewServer makes a server.
func NewServer(cfg ServerConfig) *Server {
	if cfg.Heartbeat == 0 {
		cfg.Heartbeat = time.Second
	}
	if cfg.StopTimeout == 0 {
		cfg.StopTimeout = 5 * time.Second
	}
	s := &Server{cfg: cfg, exchanges: make(map[string]*Exchange), mux: http.NewServeMux()}
	for _, x := range cfg.Exchanges {
		s.exchanges[x.Name()] = x
	}
	const account = "/v1/{exchange}/{account}"
	s.mux.HandleFunc("POST "+account+"/orders", s.submit)
	s.mux.HandleFunc("GET "+account+"/orders", s.open)
	s.mux.HandleFunc("GET "+account+"/orders/{id}", s.query)
	s.mux.HandleFunc("DELETE "+account+"/orders/{id}", s.cancel)
	s.mux.HandleFunc("GET "+account+"/events", s.events)
	return s
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Run serves a listener until ctx ends, then lets the calls that are being
// answered end, and returns nil. It closes the listener.
func (s *Server) Run(ctx context.Context, listener net.Listener) error {
	streams, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	server := &http.Server{
		Handler: s, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		// Streams end with ctx, calls may go on.
		BaseContext: func(net.Listener) context.Context { return context.WithValue(streams, stopping{}, ctx) },
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	select {
	case err := <-done:
		return fmt.Errorf("paper server: %w", err)
	case <-ctx.Done():
	}
	timeout, cancel := context.WithTimeout(streams, s.cfg.StopTimeout)
	defer cancel()
	if server.Shutdown(timeout) != nil {
		_ = server.Close() // whoever still waits gets no answer, which is what it means
	}
	<-done
	return nil
}

// stopping is the key of the context that ends with Run's.
type stopping struct{}

// account is who a request is about; it answers where there is none.
func (s *Server) account(w http.ResponseWriter, r *http.Request) *Account {
	x := s.exchanges[r.PathValue("exchange")]
	if x == nil {
		refuseWith(w, refusal{Code: codeRejected, Reason: "this paper server has no exchange " + r.PathValue("exchange")})
		return nil
	}
	a, err := x.Venue(r.PathValue("account"))
	if err != nil {
		refuseWith(w, refusal{Code: codeRejected, Reason: err.Error()})
		return nil
	}
	return a
}

func (s *Server) submit(w http.ResponseWriter, r *http.Request) {
	a := s.account(w, r)
	if a == nil {
		return
	}
	var order domain.Order
	if err := strictlyFrom(json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)), &order); err != nil {
		refuseWith(w, refusal{Code: codeRejected, Reason: "the paper server cannot read the order"})
		return
	}
	ctx := r.Context()
	if !order.Deadline.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, order.Deadline)
		defer cancel()
	}
	report, err := a.Submit(ctx, order)
	respond(w, report, err)
}

func (s *Server) open(w http.ResponseWriter, r *http.Request) {
	if a := s.account(w, r); a != nil {
		open, err := a.Open(r.Context())
		respond(w, reports{open}, err)
	}
}

func (s *Server) query(w http.ResponseWriter, r *http.Request) {
	if a := s.account(w, r); a != nil {
		report, err := a.Query(r.Context(), domain.Order{ID: r.PathValue("id")})
		respond(w, report, err)
	}
}

func (s *Server) cancel(w http.ResponseWriter, r *http.Request) {
	if a := s.account(w, r); a != nil {
		report, err := a.Cancel(r.Context(), domain.Order{ID: r.PathValue("id")})
		respond(w, report, err)
	}
}

// respond sends an answer or a clear no. What is neither ends the connection,
// as a broken line would.
func respond(w http.ResponseWriter, answer any, err error) {
	if rejected, ok := errors.AsType[*execution.Rejected](err); ok {
		refuseWith(w, refusal{Code: codeRejected, Reason: rejected.Reason, Duplicate: rejected.Duplicate})
		return
	}
	if limited, ok := errors.AsType[*execution.RateLimited](err); ok {
		refuseWith(w, refusal{Code: codeRateLimited, RetryAfter: limited.RetryAfter})
		return
	}
	switch {
	case errors.Is(err, domain.ErrNotFound):
		refuseWith(w, refusal{Code: codeNotFound})
	case err != nil:
		panic(http.ErrAbortHandler)
	default:
		send(w, http.StatusOK, answer)
	}
}

func refuseWith(w http.ResponseWriter, no refusal) { send(w, statusOf[no.Code], no) }

func send(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that is gone gets no answer
}

// events sends what becomes of an account for as long as the client reads.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	a := s.account(w, r)
	if a == nil {
		return
	}
	ctx := r.Context()
	var stop <-chan struct{}
	if running, ok := ctx.Value(stopping{}).(context.Context); ok {
		stop = running.Done()
	}
	after, err := strconv.ParseUint(r.URL.Query().Get("after"), 10, 64)
	from := position{Epoch: r.URL.Query().Get("epoch"), Seq: after}
	if err != nil {
		from = position{}
	}
	sub, first, err := a.exchange.subscribe(a.name, from)
	if err != nil {
		respond(w, nil, err)
		return
	}
	defer a.exchange.leave(sub)
	out := lines{encoder: json.NewEncoder(w), control: http.NewResponseController(w)}
	w.Header().Set("Content-Type", "application/x-ndjson")
	if out.send(line{Epoch: a.exchange.engine.epoch}) != nil {
		return
	}
	for i := range first {
		if out.send(line{Change: &first[i]}) != nil {
			return
		}
	}
	beat := time.NewTicker(s.cfg.Heartbeat)
	defer beat.Stop()
	for {
		var next line
		select {
		case <-ctx.Done():
			return
		case <-stop:
			return
		case <-beat.C:
		case c, ok := <-sub.changes:
			if !ok {
				return
			}
			next.Change = &c
		}
		if out.send(next) != nil {
			return
		}
	}
}

// lines sends events.
type lines struct {
	encoder *json.Encoder
	control *http.ResponseController
}

func (l lines) send(next line) error {
	// Without one, a client that does not read holds the handler for ever.
	if err := l.control.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	if err := l.encoder.Encode(next); err != nil {
		return err
	}
	return l.control.Flush()
}
