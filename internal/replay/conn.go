package replay

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/sourcegraph/conc/pool"
)

// maxRequest bounds a client's message; OKX takes as much.
const maxRequest = 64 << 10

var errEnded = errors.New("ended by the server")

// conn is one WebSocket client.
type conn struct {
	s   *Server
	ws  *websocket.Conn
	bye chan bool // takes one value: true to end it with a close frame

	writing sync.Mutex // guards the session, so that frames come in its order
	session session

	streams streams // guarded by Server.mu; only read's goroutine changes it
}

// serveStream is the handler of the WebSocket endpoints.
func (s *Server) serveStream(w http.ResponseWriter, r *http.Request) {
	session, names, ok := s.dialect.session(s.catalogue, r.URL)
	if !ok {
		http.Error(w, "no such stream endpoint, or too many streams", http.StatusBadRequest)
		return
	}
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true}) // public data
	if err != nil {
		s.cfg.Logger.Debug("not a WebSocket", "err", err)
		return // Accept answered
	}
	defer func() { _ = ws.CloseNow() }()
	ws.SetReadLimit(maxRequest)
	c := &conn{s: s, ws: ws, bye: make(chan bool, 1), session: session, streams: streams{}}
	if !s.register(c, names) {
		return
	}
	defer s.serving.Done()
	defer s.unregister(c)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	group := pool.New().WithContext(ctx).WithCancelOnError().WithFirstError()
	group.Go(c.read)
	group.Go(func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case polite := <-c.bye:
			if polite {
				// Without its reader the connection ends, answered or not.
				force := time.AfterFunc(drainTime, cancel)
				defer force.Stop()
				return errors.Join(errEnded, c.ws.Close(websocket.StatusGoingAway, "connection ended by the server"))
			}
			return errors.Join(errEnded, c.ws.CloseNow())
		}
	})
	s.cfg.Logger.Debug("connection ended", "reason", group.Wait())
}

func (s *Server) register(c *conn, names []string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return false
	}
	s.serving.Add(1)
	s.conns[c] = struct{}{}
	c.change(reply{begin: names})
	return true
}

func (s *Server) unregister(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(c)
}

// forget takes a connection out of the audience. The caller holds s.mu.
func (s *Server) forget(c *conn) {
	if _, has := s.conns[c]; has {
		delete(s.conns, c)
		s.wake()
	}
}

// wake tells the player that subscriptions changed. The caller holds s.mu.
func (s *Server) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// end ends a connection. It is out of the audience at once; the caller holds
// s.mu.
func (s *Server) end(c *conn, polite bool) {
	s.forget(c)
	select {
	case c.bye <- polite:
	default: // already told
	}
}

func (s *Server) endAll(polite bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		s.end(c, polite)
	}
}

func (s *Server) drain() {
	s.mu.Lock()
	s.stopping = true
	s.mu.Unlock()
	s.endAll(true)
	s.serving.Wait()
}

// ready tells whether the position may move. The caller holds s.mu.
func (s *Server) ready() bool {
	any := false
	missing := map[string]struct{}{}
	for _, name := range s.cfg.Await {
		missing[name] = struct{}{}
	}
	for c := range s.conns {
		any = any || len(c.streams) > 0
		maps.DeleteFunc(missing, func(name string, _ struct{}) bool { _, has := c.streams[name]; return has })
	}
	return any && len(missing) == 0
}

// audience is who is to hear a stream's frame; ok: the position may move.
func (s *Server) audience(stream string) (to []*conn, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_, wanted := c.streams[stream]
		if wanted || s.cfg.Unfiltered && len(c.streams) > 0 {
			to = append(to, c)
		}
	}
	return to, s.ready()
}

// subscribers are the connections that have a subscription.
func (s *Server) subscribers() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	var to []*conn
	for c := range s.conns {
		if len(c.streams) > 0 {
			to = append(to, c)
		}
	}
	return to
}

// send writes a frame; false: the connection is lost.
func (c *conn) send(ctx context.Context, f frame) bool {
	c.writing.Lock()
	defer c.writing.Unlock()
	return c.write(ctx, websocket.MessageText, c.session.say(f))
}

// write blocks for at most writeTimeout; a connection that fails is ended.
func (c *conn) write(ctx context.Context, kind websocket.MessageType, data []byte) bool {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	err := c.ws.Write(ctx, kind, data)
	if err == nil {
		return true
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.end(c, false)
	return false
}

// read answers the client's messages until the connection ends.
func (c *conn) read(ctx context.Context) error {
	for {
		_, data, err := c.ws.Read(ctx)
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		if err := c.answer(ctx, data); err != nil {
			return err
		}
	}
}

// answer does what a message asks for. The answers go out before any frame that
// follows from it.
func (c *conn) answer(ctx context.Context, data []byte) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	reply := c.session.take(data, c.streams)
	for _, text := range reply.answers {
		if !c.write(ctx, websocket.MessageText, text) {
			return errEnded
		}
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.change(reply)
	return nil
}

// change is called with Server.mu held.
func (c *conn) change(r reply) {
	for _, name := range r.begin {
		c.streams[name] = struct{}{}
	}
	for _, name := range r.end {
		delete(c.streams, name)
	}
	if len(r.begin)+len(r.end) > 0 {
		c.s.wake()
	}
}
