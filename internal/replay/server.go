package replay

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/sourcegraph/conc/pool"
)

// drainTime is how long clients have to answer the close frame at the end.
const drainTime = 2 * time.Second

// Progress tells how far the replay is.
type Progress struct {
	Played    int // frames the position has passed, of Server.Frames
	Delivered int // of these, written to at least one client
	Lost      int // of these, passed while nobody could hear them; the rest was not subscribed
	Clients   int // connections at this moment
}

// Server plays recordings. All methods are safe for concurrent use.
type Server struct {
	cfg       Config
	listener  net.Listener
	dialect   dialect
	catalogue *catalogue
	lapOf     lap // of a looped replay
	done      chan struct{}

	mu       sync.Mutex // guards everything below
	conns    map[*conn]struct{}
	changed  chan struct{} // closed and replaced when subscriptions change
	tapes    map[string]tape
	progress Progress
	running  bool
	stopping bool
	serving  sync.WaitGroup // connections
}

// New reads the recordings once, for their symbols and to find what is wrong
// with them, and opens the listener, so that the URLs are known; clients that
// connect wait for Run. Either Run or Close must be called. The error is a
// *domain.FieldError for a wrong Config, or names the file and line.
func New(cfg Config) (*Server, error) {
	cfg = cfg.WithDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	cfg.Faults = slices.Clone(cfg.Faults)
	slices.SortStableFunc(cfg.Faults, func(a, b Fault) int { return a.After - b.After })
	d := dialects[cfg.Venue]()
	c, err := scan(cfg.Files, d)
	if err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	var lapOf lap
	if cfg.Loop {
		if lapOf, err = measure(cfg.Files, d); err != nil {
			return nil, fmt.Errorf("replay: %w", err)
		}
	}
	listener, err := net.Listen("tcp", cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("replay: listen: %w", err)
	}
	return &Server{
		cfg: cfg, listener: listener, dialect: d, catalogue: c, lapOf: lapOf, done: make(chan struct{}),
		conns: map[*conn]struct{}{}, changed: make(chan struct{}), tapes: map[string]tape{},
	}, nil
}

// WSURL is the base of the WebSocket endpoints, without a path.
func (s *Server) WSURL() string { return "ws://" + s.listener.Addr().String() }

// RESTURL is the base of the REST endpoints, without a path.
func (s *Server) RESTURL() string { return "http://" + s.listener.Addr().String() }

// Done is closed when the position has passed the last frame; never when the
// replay is looped.
func (s *Server) Done() <-chan struct{} { return s.done }

// Frames is how many frames there are to play, in one lap.
func (s *Server) Frames() int { return s.catalogue.frames }

// Streams are the names of the recorded streams, sorted.
func (s *Server) Streams() []string { return slices.Sorted(maps.Keys(s.catalogue.streams)) }

// Symbols are the unified names of the recorded symbols, as far as they can be told
// from the venue's spellings.
func (s *Server) Symbols() []string { return s.catalogue.unified() }

// Progress tells how far the replay is.
func (s *Server) Progress() Progress {
	s.mu.Lock()
	defer s.mu.Unlock()
	progress := s.progress
	progress.Clients = len(s.conns)
	return progress
}

// Run serves and plays until ctx ends, then closes the connections with a
// close frame and returns nil. After the last frame it goes on serving. It
// returns an error when the listener or a file fails. It must be called at
// most once; it closes the listener.
func (s *Server) Run(ctx context.Context) error {
	s.mu.Lock()
	if s.running || s.stopping {
		s.mu.Unlock()
		return errors.New("replay: already run or closed")
	}
	s.running = true
	s.mu.Unlock()
	s.cfg.Logger.Info("replay open", "ws", s.WSURL(), "rest", s.RESTURL(), "frames", s.Frames())

	server := &http.Server{Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second}
	group := pool.New().WithContext(ctx).WithCancelOnError().WithFirstError()
	group.Go(func(context.Context) error {
		if err := server.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve: %w", err)
		}
		return nil
	})
	group.Go(s.play)
	group.Go(func(ctx context.Context) error {
		<-ctx.Done()
		s.drain()
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
		defer cancel()
		if err := server.Shutdown(stop); err != nil {
			_ = server.Close() // its error would repeat the one above
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	return nil
}

// Close releases the listener of a server that was never run. After Run it
// does nothing.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running || s.stopping {
		return nil
	}
	s.stopping = true
	return s.listener.Close()
}

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	for _, path := range s.dialect.endpoints() {
		mux.HandleFunc("GET "+path, s.serveStream)
	}
	for pattern, handler := range s.dialect.rest(s) {
		mux.HandleFunc(pattern, handler)
	}
	return mux
}

// played are trades of a market that the position has passed.
func (s *Server) played(market string, pick func(tape) []trade) []trade {
	s.mu.Lock()
	defer s.mu.Unlock()
	return pick(s.tapes[market])
}
