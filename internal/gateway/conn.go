package gateway

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"
)

// conn is one connection. One goroutine reads, one writes, and each request
// that is under way has one.
type conn struct {
	server  *Server
	ws      *websocket.Conn
	dialect dialect
	topic   string // empty: all
	rights  atomic.Pointer[rights]
	rate    *rate.Limiter
	ctx     context.Context // ends with the connection
	cut     context.CancelFunc
	working sync.WaitGroup // requests under way
	slots   chan struct{}  // one for each that may be
	wake    chan struct{}  // holds one token while there is something to write

	mu      sync.Mutex
	answers []outgoing
	ready   []*subscription // that have something to send, in turn
	queued  int             // messages that wait, but for those of conflated streams
	subs    map[string]*subscription
	lane    []func() // what is to be done in order; what is under way is in it
	closing *closing // set: nothing more is taken
}

// outgoing is a message of this connection alone.
type outgoing struct {
	kind websocket.MessageType
	data []byte
}

// closing is why a connection ends.
type closing struct {
	code   websocket.StatusCode
	reason string
}

// closeGrace is how long a client has to answer that the connection is closed.
const closeGrace = time.Second

// run serves the connection until it ends.
func (c *conn) run() {
	var parts sync.WaitGroup
	parts.Go(c.write)
	pinging := time.AfterFunc(c.server.limits.PingInterval, c.ping)
	c.read()
	c.cut()
	pinging.Stop()
	parts.Wait()
	c.working.Wait()
	c.mu.Lock()
	c.closing = &closing{}
	leaving := make([]func(), 0, len(c.subs))
	for _, s := range c.subs {
		if s.leave != nil {
			leaving = append(leaving, s.leave)
		}
	}
	c.subs = nil
	c.mu.Unlock()
	for _, leave := range leaving {
		leave()
	}
	_ = c.ws.CloseNow()
}

// read takes messages until the connection ends.
func (c *conn) read() {
	for {
		t, data, err := c.ws.Read(c.ctx)
		if err != nil {
			return
		}
		c.server.stats.requests.Add(1)
		r, err := readRequest(c, t, data)
		if err == nil && !c.rate.Allow() {
			err = fail(CodeRateLimited, fmt.Sprintf("more than %g requests a second", c.server.limits.RequestsPerSecond))
		}
		if err == nil {
			err = c.dispatch(r)
		}
		if err != nil {
			c.fail(r, err)
		}
	}
}

// dispatch has a request dealt with.
func (c *conn) dispatch(r *request) error {
	op, err := c.server.table.find(c.topic, r.name)
	if err != nil {
		return err
	}
	if op.area != anything {
		if err := r.rights.allow(op.scope(), r.received); err != nil {
			return err
		}
	}
	select {
	case c.slots <- struct{}{}:
	default:
		return fail(CodeRateLimited, fmt.Sprintf("%d requests wait for an answer", cap(c.slots)))
	}
	c.working.Add(1)
	work := func() {
		defer c.working.Done()
		c.serve(op, r)
		<-c.slots
	}
	if op.kind == writes || op.kind == stream {
		c.inTurn(work)
	} else {
		go work()
	}
	return nil
}

// inTurn has work done behind what was to be done before. There is a goroutine
// for it only while there is something to do.
func (c *conn) inTurn(work func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lane = append(c.lane, work); len(c.lane) > 1 {
		return
	}
	go func() {
		for more := true; more; {
			c.mu.Lock()
			next := c.lane[0]
			c.mu.Unlock()
			next()
			c.mu.Lock()
			c.lane = c.lane[1:]
			if more = len(c.lane) > 0; !more {
				c.lane = nil
			}
			c.mu.Unlock()
		}
	}()
}

// serve does what a request asks for and answers it.
func (c *conn) serve(op *operation, r *request) {
	if c.ctx.Err() != nil {
		return // what did not begin before the connection ended is not begun
	}
	timeout := c.server.limits.RequestTimeout
	if op.kind == waits {
		timeout += maxWait
	}
	ctx, cancel := context.WithTimeout(c.ctx, timeout)
	defer cancel()
	if op.kind == stream {
		if err := c.subscribe(ctx, op, r); err != nil {
			c.fail(r, err)
		}
		return
	}
	result, err := op.call(ctx, r)
	if err != nil {
		c.fail(r, err)
		return
	}
	c.answer(r, r.dialect.answer(r, result, time.Now()))
}

func (c *conn) fail(r *request, err error) {
	if codeOf(err) == CodeInternal && c.ctx.Err() == nil {
		c.server.log.Warn("request failed", "operation", r.name, "error", err)
	}
	c.answer(r, r.dialect.failure(r, err, time.Now()))
}

// answer queues a message that is for this connection alone.
func (c *conn) answer(r *request, message any) {
	data, err := r.codec.encode(message)
	if err != nil {
		c.server.log.Error("cannot encode an answer", "operation", r.name, "error", err)
		return
	}
	c.mu.Lock()
	if c.closing == nil {
		c.answers = append(c.answers, outgoing{r.codec.frame(), data})
		c.count(1)
	}
	c.mu.Unlock()
	c.signal()
}

// push queues a message of a stream.
func (c *conn) push(s *subscription, q queued) {
	c.mu.Lock()
	if c.closing == nil && !s.ended {
		if s.add(q) && !s.conflated {
			c.count(1)
		}
		if !s.listed {
			s.listed = true
			c.ready = append(c.ready, s)
		}
	}
	c.mu.Unlock()
	c.signal()
}

// count notes messages that wait, and cuts a client that does not read them. c.mu
// is held.
func (c *conn) count(n int) {
	if c.queued += n; c.queued > c.server.limits.MaxQueued && c.closing == nil {
		c.server.stats.slow.Add(1)
		c.closing = &closing{websocket.StatusPolicyViolation, fmt.Sprintf("too slow: %d messages wait; resume behind the last sequence", c.queued)}
	}
}

func (c *conn) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// end closes the connection when what is being written is.
func (c *conn) end(code websocket.StatusCode, reason string) {
	c.mu.Lock()
	if c.closing == nil {
		c.closing = &closing{code, reason}
	}
	c.mu.Unlock()
	c.signal()
}

// write sends what waits until the connection ends.
func (c *conn) write() {
	defer c.cut()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var scratch []byte
	for {
		out, wait, closing := c.next(scratch)
		switch {
		case closing != nil:
			grace := time.AfterFunc(closeGrace, c.cut)
			_ = c.ws.Close(closing.code, closing.reason)
			grace.Stop()
			return
		case out.data != nil:
			if err := c.ws.Write(c.ctx, out.kind, out.data); err != nil {
				return
			}
			c.server.stats.sent.Add(1)
			if scratch = out.data[:0]; cap(scratch) > 16<<10 {
				scratch = nil
			}
			continue
		}
		timer.Reset(wait)
		select {
		case <-c.ctx.Done():
			return
		case <-c.wake:
		case <-timer.C:
		}
	}
}

// next is what is to be sent next, written into scratch unless it is there
// already. Without anything it is how long to wait at most.
func (c *conn) next(scratch []byte) (out outgoing, wait time.Duration, end *closing) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing != nil {
		return out, 0, c.closing
	}
	if len(c.answers) > 0 {
		out = c.answers[0]
		c.answers[0] = outgoing{}
		if c.answers = c.answers[1:]; len(c.answers) == 0 {
			c.answers = nil
		}
		c.queued--
		return out, 0, nil
	}
	wait = time.Hour
	for range len(c.ready) {
		s := c.ready[0]
		c.ready = c.ready[1:]
		if s.waiting() == 0 { // it was unsubscribed
			s.listed = false
			continue
		}
		if s.maxRate > 0 {
			now := time.Now().UnixNano()
			if early := time.Duration(s.next - now); early > 0 {
				wait = min(wait, early)
				c.ready = append(c.ready, s)
				continue
			}
			s.next = now + int64(float64(time.Second)/s.maxRate)
		}
		q := s.take()
		if !s.conflated {
			c.queued--
		}
		if s.waiting() > 0 {
			c.ready = append(c.ready, s)
		} else {
			s.listed = false
		}
		data, err := s.frame(scratch, q)
		if err != nil {
			c.server.log.Error("cannot encode a message", "stream", s.key, "error", err)
			continue
		}
		return outgoing{s.codec.frame(), data}, 0, nil
	}
	if len(c.ready) == 0 {
		c.ready = nil
	}
	return out, wait, nil
}

// ping makes sure that the client is there and takes what it is sent.
func (c *conn) ping() {
	ctx, cancel := context.WithTimeout(c.ctx, c.server.limits.PingInterval)
	defer cancel()
	if err := c.ws.Ping(ctx); err != nil {
		if c.ctx.Err() == nil && !errors.Is(err, context.Canceled) {
			c.server.stats.silent.Add(1)
		}
		c.cut()
		return
	}
	if r := c.rights.Load(); !r.expires.IsZero() && time.Now().After(r.expires) {
		c.end(websocket.StatusPolicyViolation, "the token has expired")
		return
	}
	if c.ctx.Err() == nil {
		time.AfterFunc(c.server.limits.PingInterval, c.ping)
	}
}
