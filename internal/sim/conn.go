package sim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/coder/websocket"
	"github.com/sourcegraph/conc/pool"

	"github.com/fullon/fullon/internal/sim/streamproto"
)

// Why a connection ends.
var (
	errSlow    = errors.New("client too slow: its queue is full")
	errDropped = errors.New("dropped")
	errStopped = errors.New("exchange stopped")
	errClosed  = errors.New("closed by the exchange")
)

const (
	writeTimeout = 10 * time.Second
	pongTimeout  = time.Minute // as the venue's
)

// frame is what waits for a client: a message, or the close frame.
type frame struct {
	data   []byte
	code   websocket.StatusCode // not zero: close
	reason string
}

// conn is one WebSocket client. Its queue is filled under Exchange.mu, which
// keeps its messages in the order of events.
type conn struct {
	x *Exchange
	// onMessage takes the client's messages. It is called without Exchange.mu.
	onMessage func(*conn, []byte)
	ws        *websocket.Conn
	ctx       context.Context
	cut       context.CancelCauseFunc // ends it at once, without a close frame
	queue     chan frame
	ping      chan struct{}
	bucket    bucket

	// Guarded by Exchange.mu.
	combined bool
	streams  map[string]struct{}
	closing  bool
	endsAt   time.Time
	nextPing time.Time
	accounts map[*account]int // the subscriptions of a user data stream; nil: it is none
	nextSub  int
}

// serveStream is the handler of the WebSocket endpoints.
func (x *Exchange) serveStream(w http.ResponseWriter, r *http.Request) {
	streams, combined, ok := streamproto.FromURL(r.URL)
	if !ok || len(streams) > streamproto.MaxStreams {
		http.Error(w, "no such stream endpoint, or too many streams", http.StatusBadRequest)
		return
	}
	x.serve(w, r, streams, &conn{combined: combined, onMessage: x.control})
}

// serveAPI is the handler of the WebSocket API.
func (x *Exchange) serveAPI(w http.ResponseWriter, r *http.Request) {
	x.serve(w, r, nil, &conn{accounts: map[*account]int{}, onMessage: x.apiCall})
}

func (x *Exchange) serve(w http.ResponseWriter, r *http.Request, streams []string, c *conn) {
	c.x, c.streams = x, map[string]struct{}{}
	c.queue, c.ping = make(chan frame, x.cfg.Queue), make(chan struct{}, 1)
	c.bucket = bucket{clock: x.cfg.Clock, rate: x.cfg.MessageRate, burst: x.cfg.MessageBurst}
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, // no cookies, so nobody can act for another
		OnPingReceived:     func(context.Context, []byte) bool { c.received(); return true },
		OnPongReceived:     func(context.Context, []byte) { c.received() },
	})
	if err != nil {
		x.cfg.Logger.Debug("not a WebSocket", "err", err)
		return // Accept answered
	}
	defer func() { _ = ws.CloseNow() }()
	c.ws = ws
	// The request's context ends when the handler returns, not when the
	// exchange stops: until then drain has the say.
	c.ctx, c.cut = context.WithCancelCause(r.Context())
	defer c.cut(nil)
	if !x.register(c, streams) {
		return
	}
	defer x.unregister(c)
	group := pool.New().WithContext(c.ctx).WithCancelOnError().WithFirstError()
	group.Go(c.read)
	group.Go(c.write)
	group.Go(c.keepAlive)
	err = group.Wait()
	if cause := context.Cause(c.ctx); cause != nil {
		err = cause
	}
	x.cfg.Logger.Debug("connection ended", "reason", err)
}

func (x *Exchange) register(c *conn, streams []string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.stopping {
		return false
	}
	x.serving.Add(1)
	x.conns[c] = struct{}{}
	c.endsAt = x.now.Add(x.cfg.MaxAge)
	if every := x.cfg.ReconnectEvery; every > 0 {
		// Half to one and a half, so that not all are cut at once.
		if at := x.now.Add(time.Duration((0.5 + x.rng.Float64()) * float64(every))); at.Before(c.endsAt) {
			c.endsAt = at
		}
	}
	c.nextPing = x.now.Add(x.cfg.PingInterval)
	x.subscribe(c, streams)
	return true
}

func (x *Exchange) unregister(c *conn) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.unsubscribe(c, slices.Collect(maps.Keys(c.streams)))
	delete(x.conns, c)
	x.serving.Done()
}

// lookAfter pings a connection or ends it when it is time to.
func (x *Exchange) lookAfter(c *conn) {
	if !x.now.Before(c.endsAt) {
		c.close(websocket.StatusGoingAway, "connection ended by the exchange")
	}
	if x.cfg.PingInterval > 0 && !x.now.Before(c.nextPing) {
		c.nextPing = x.now.Add(x.cfg.PingInterval)
		select {
		case c.ping <- struct{}{}:
		default: // the last ping is still unanswered
		}
	}
}

// drain closes all connections and waits for them, at last by force.
func (x *Exchange) drain() {
	x.mu.Lock()
	x.stopping = true
	for c := range x.conns {
		c.close(websocket.StatusGoingAway, "server shutting down")
	}
	x.mu.Unlock()
	force := time.AfterFunc(drainTime, func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		for c := range x.conns {
			c.cut(errStopped)
		}
	})
	defer force.Stop()
	x.serving.Wait()
}

// close lets the client have what is queued, then the close frame. The
// caller holds Exchange.mu.
func (c *conn) close(code websocket.StatusCode, reason string) {
	if c.closing {
		return
	}
	c.enqueue(frame{code: code, reason: reason})
	c.closing = true
}

// enqueue never blocks: a client whose queue is full is cut off, so that it
// cannot stall the exchange. The caller holds Exchange.mu.
func (c *conn) enqueue(f frame) {
	if c.closing {
		return
	}
	select {
	case c.queue <- f:
	default:
		c.closing = true
		c.x.cfg.Logger.Warn("slow client cut off", "queue", cap(c.queue))
		c.cut(errSlow)
	}
}

func (c *conn) sendEvent(stream string, payload []byte) {
	if c.combined {
		payload = streamproto.Wrap(stream, payload)
	}
	c.enqueue(frame{data: payload})
}

func (c *conn) write(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case f := <-c.queue:
			if f.code != 0 {
				return errors.Join(errClosed, c.ws.Close(f.code, f.reason))
			}
			if err := c.writeOne(ctx, f.data); err != nil {
				return err
			}
		}
	}
}

func (c *conn) writeOne(ctx context.Context, data []byte) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	if err := c.ws.Write(ctx, websocket.MessageText, data); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

func (c *conn) keepAlive(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.ping:
			if err := c.pong(ctx); err != nil {
				return fmt.Errorf("no pong: %w", err)
			}
		}
	}
}

func (c *conn) pong(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pongTimeout)
	defer cancel()
	return c.ws.Ping(ctx)
}

// received counts a message, ping or pong of the client, and closes the
// connection of one that sends too many.
func (c *conn) received() bool {
	if c.bucket.take() {
		return true
	}
	c.x.mu.Lock()
	defer c.x.mu.Unlock()
	c.close(websocket.StatusPolicyViolation, "Too many requests")
	return false
}
