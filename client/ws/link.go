package ws

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/fullon/fullon/domain"
)

// link is one connection. When it breaks it is not used again.
type link struct {
	ws   *websocket.Conn
	cfg  Config
	ctx  context.Context // ends with the connection; its cause is why
	fail context.CancelCauseFunc
	out  chan []byte

	mu        sync.Mutex
	listeners map[string]listener // by request id
}

// listener takes what comes for a request. It must not block.
type listener interface {
	take(m *message, data []byte)
}

// message is what answers and messages of streams have in common.
type message struct {
	RequestID string          `json:"request_id"`
	Type      string          `json:"type"`    // of a stream's
	Success   *bool           `json:"success"` // of an answer
	Result    json.RawMessage `json:"result"`
	Error     string          `json:"error"`
	ErrorCode string          `json:"error_code"`
	Snapshot  bool            `json:"snapshot"`
	Sequence  uint64          `json:"sequence"`
}

func newLink(ws *websocket.Conn, cfg Config) *link {
	l := &link{ws: ws, cfg: cfg, out: make(chan []byte), listeners: make(map[string]listener)}
	l.ctx, l.fail = context.WithCancelCause(context.Background())
	return l
}

// run serves the connection until it breaks, or ctx ends, and tells why.
func (l *link) run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { l.fail(errClosed) })
	defer stop()
	var parts sync.WaitGroup
	parts.Go(l.write)
	parts.Go(l.ping)
	parts.Go(l.read)
	<-l.ctx.Done()
	if ctx.Err() != nil {
		// A close in good order is for the server's log; it does not wait long.
		grace := time.AfterFunc(closeGrace, func() { _ = l.ws.CloseNow() })
		_ = l.ws.Close(websocket.StatusNormalClosure, "")
		grace.Stop()
	}
	_ = l.ws.CloseNow()
	parts.Wait()
	return context.Cause(l.ctx)
}

const closeGrace = 250 * time.Millisecond

// broken makes an error of the connection out of what ended it.
func broken(err error) error {
	return fmt.Errorf("%w: connection lost: %w", domain.ErrUnreachable, err)
}

// read hands out what comes. Its context is not the connection's, because to end
// that would forbid a close in good order; CloseNow ends it.
func (l *link) read() {
	for {
		_, data, err := l.ws.Read(context.Background())
		if err != nil {
			l.fail(broken(err))
			return
		}
		var m message
		if err := json.Unmarshal(data, &m); err != nil {
			l.fail(broken(err)) // not our server
			return
		}
		l.mu.Lock()
		to := l.listeners[m.RequestID]
		l.mu.Unlock()
		if to != nil {
			to.take(&m, data)
		}
	}
}

// write sends what it is given. A caller whose context ends while a message is
// being sent must not break the connection for all others, so it has its own.
func (l *link) write() {
	for {
		select {
		case <-l.ctx.Done():
			return
		case data := <-l.out:
			ctx, cancel := context.WithTimeout(l.ctx, l.cfg.Timeout)
			err := l.ws.Write(ctx, websocket.MessageText, data)
			cancel()
			if err != nil {
				l.fail(broken(err))
				return
			}
		}
	}
}

// ping makes sure that the server is there.
func (l *link) ping() {
	ticker := time.NewTicker(l.cfg.PingInterval)
	defer ticker.Stop()
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-ticker.C:
		}
		ctx, cancel := context.WithTimeout(l.ctx, l.cfg.PingInterval)
		err := l.ws.Ping(ctx)
		cancel()
		if err != nil {
			l.fail(broken(err))
			return
		}
	}
}

// send hands a message to the writer. The error is ctx's or the connection's.
func (l *link) send(ctx context.Context, data []byte) error {
	select {
	case l.out <- data:
		return nil
	case <-l.ctx.Done():
		return context.Cause(l.ctx)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *link) listen(id string, to listener) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.listeners[id] = to
}

func (l *link) forget(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.listeners, id)
}
