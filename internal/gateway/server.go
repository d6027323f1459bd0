package gateway

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"

	"github.com/fullon/fullon/client"
)

// Config of a Server.
type Config struct {
	Access Access
	Limits Limits
	// Page answers what comes to / and is no WebSocket. Default: a word that this
	// is one.
	Page http.Handler
	// Log takes what an operator should know. Default: slog.Default.
	Log *slog.Logger
}

// Server is the WebSocket server. It is an http.Handler for /, /ws and
// /ws/<topic>/<connection id>, and safe for concurrent use.
type Server struct {
	client *client.Client
	limits Limits
	gate   *gate
	access Access
	page   http.Handler
	log    *slog.Logger
	table  *table
	hub    *hub
	stats  stats

	serving sync.WaitGroup
	mu      sync.Mutex
	conns   map[*conn]struct{}
	byName  map[string]int // connections by address and by token
	closed  bool
}

// New makes a server over a client that the caller keeps, and closes after it. The
// error matches domain.ErrInvalid.
func New(cfg Config, c *client.Client) (*Server, error) {
	gate, err := newGate(cfg.Access)
	if err != nil {
		return nil, err
	}
	cfg.Limits = cfg.Limits.WithDefaults()
	if err := cfg.Limits.Validate(); err != nil {
		return nil, err
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	return &Server{
		client: c, limits: cfg.Limits, gate: gate, access: cfg.Access, page: cfg.Page, log: cfg.Log, table: operations(), hub: newHub(cfg.Log),
		conns: make(map[*conn]struct{}), byName: make(map[string]int),
	}, nil
}

// Close ends all connections, telling the clients so, and waits until they are
// gone. Later ones are refused.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	for c := range s.conns {
		c.end(websocket.StatusGoingAway, "the server stops")
	}
	s.mu.Unlock()
	s.serving.Wait()
	s.hub.close()
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		if s.page != nil {
			s.page.ServeHTTP(w, r)
			return
		}
		http.Error(w, "this is a WebSocket server", http.StatusUpgradeRequired)
		return
	}
	var d dialect = plain{}
	topic := ""
	switch parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/"); {
	case len(parts) == 1 && (parts[0] == "" || parts[0] == "ws"):
	case len(parts) == 3 && parts[0] == "ws" && s.table.byTopic[parts[1]] != nil && len(parts[2]) <= maxRequestID:
		topic, d = parts[1], byTopic{connection: parts[2]}
	default:
		http.Error(w, "no such endpoint: there are /, /ws and /ws/{tickers,orders,trades,accounts,bots,ohlcv,process}/{connection_id}", http.StatusNotFound)
		return
	}
	held, err := s.gate.rightsOf(bearer(r))
	if err != nil {
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, textOf(err), http.StatusUnauthorized)
		return
	}
	leave, err := s.enter(r, held)
	if err != nil {
		http.Error(w, textOf(err), http.StatusTooManyRequests)
		return
	}
	defer leave()
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		OriginPatterns: s.access.Origins, CompressionMode: websocket.CompressionNoContextTakeover, CompressionThreshold: 512,
	})
	if err != nil {
		s.log.Debug("not a WebSocket, or of another origin", "error", err)
		return // Accept answered
	}
	s.serve(ws, d, topic, held)
}

// bearer is the token that came with the request.
func bearer(r *http.Request) string {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return strings.TrimSpace(token)
	}
	return ""
}

// serve serves one connection until it ends.
func (s *Server) serve(ws *websocket.Conn, d dialect, topic string, held *rights) {
	ws.SetReadLimit(s.limits.MaxMessageBytes)
	c := &conn{
		server: s, ws: ws, dialect: d, topic: topic, rate: rate.NewLimiter(rate.Limit(s.limits.RequestsPerSecond), s.limits.Burst),
		slots: make(chan struct{}, s.limits.MaxInFlight),
		wake:  make(chan struct{}, 1), subs: make(map[string]*subscription),
	}
	c.rights.Store(held)
	c.ctx, c.cut = context.WithCancel(context.Background())
	s.mu.Lock()
	if s.closed {
		c.closing = &closing{websocket.StatusGoingAway, "the server stops"}
	}
	s.conns[c] = struct{}{}
	s.mu.Unlock()
	s.stats.opened.Add(1)
	defer func() {
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	}()
	c.signal()
	c.run()
}

// enter counts a connection in, or says why there must not be another one.
func (s *Server) enter(r *http.Request, held *rights) (leave func(), err error) {
	address, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		address = r.RemoteAddr
	}
	limits := map[string]int{"": s.limits.MaxConnections, "address " + address: s.limits.PerAddress}
	if held.name != "" {
		limits["token "+held.name] = s.limits.PerToken
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, fail(CodeShuttingDown, "the server stops")
	}
	for name, most := range limits {
		if s.byName[name] >= most {
			s.stats.refused.Add(1)
			return nil, fail(CodeRateLimited, "too many connections "+strings.TrimSpace("of "+name))
		}
	}
	for name := range limits {
		s.byName[name]++
	}
	s.serving.Add(1)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for name := range limits {
			if s.byName[name]--; s.byName[name] == 0 {
				delete(s.byName, name)
			}
		}
		s.serving.Done()
	}, nil
}

// Stats counts what the server did.
type Stats struct {
	Connections int    // open
	Opened      uint64 // connections since it began
	Refused     uint64 // connections, for a limit
	Requests    uint64
	Sent        uint64 // messages to clients
	Slow        uint64 // connections that were cut because they did not read
	Silent      uint64 // connections that were cut because they did not answer
	Streams     int    // subscriptions that are open
	Feeds       int    // what is watched for them
}

type stats struct{ opened, refused, requests, sent, slow, silent atomic.Uint64 }

// Stats is how the server is doing.
func (s *Server) Stats() Stats {
	out := Stats{
		Opened: s.stats.opened.Load(), Refused: s.stats.refused.Load(), Requests: s.stats.requests.Load(),
		Sent: s.stats.sent.Load(), Slow: s.stats.slow.Load(), Silent: s.stats.silent.Load(), Feeds: s.hub.size(),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out.Connections = len(s.conns)
	for c := range s.conns {
		c.mu.Lock()
		out.Streams += len(c.subs)
		c.mu.Unlock()
	}
	return out
}

// maxWait is how long an operation may wait by itself.
const maxWait = 60 * time.Second
