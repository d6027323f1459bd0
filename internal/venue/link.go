package venue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"
)

// The reasons for which we end a connection ourselves.
var (
	// ErrSilent: nothing was heard for Care.SilenceTimeout, or no message for
	// Care.DataTimeout.
	ErrSilent = errors.New("the venue went silent")
	// ErrOversized: a message was longer than Care.MaxFrameBytes.
	ErrOversized = errors.New("message longer than the limit")
	// ErrBinary: a binary message, which no dialect here speaks.
	ErrBinary = errors.New("binary message")
	// ErrBacklog: more frames wait to be sent than a venue could ever want.
	ErrBacklog = errors.New("too many frames wait to be sent")
)

// maxQueued bounds the frames that wait to be sent on one connection.
const maxQueued = 4096

// link is one connection, from its handshake to its end.
type link struct {
	care    Care
	watcher Watcher
	dialect Dialect
	conn    *websocket.Conn
	pace    *rate.Limiter // every frame we send, pings included

	born  time.Time
	heard atomic.Int64 // time since born at which anything was heard, ns
	data  atomic.Int64 // the same for messages
	busy  atomic.Bool  // a message is being handled: not the venue's silence

	mu     sync.Mutex
	queue  [][]byte
	queued chan struct{} // capacity 1: the queue is not empty

	renew      chan struct{}    // capacity 1: it is to be replaced now
	due        <-chan time.Time // the session's: time to be replaced; nil: never
	delivering chan struct{}    // closed with the first Outcome.Delivering
	delivered  time.Time        // when that was; set before delivering is closed
	cancel     context.CancelCauseFunc
	done       chan struct{} // closed at the end, err is set by then
	err        error
}

func newLink(care Care, watcher Watcher) *link {
	return &link{
		care: care, watcher: watcher,
		pace:       rate.NewLimiter(rate.Every(care.SendInterval), 1),
		born:       time.Now(),
		queued:     make(chan struct{}, 1),
		renew:      make(chan struct{}, 1),
		delivering: make(chan struct{}),
		done:       make(chan struct{}),
	}
}

// start begins to serve the connection with the dialect; done tells of its end.
func (l *link) start(ctx context.Context, conn *websocket.Conn, dialect Dialect) {
	conn.SetReadLimit(l.care.MaxFrameBytes)
	l.conn, l.dialect = conn, dialect
	ctx, l.cancel = context.WithCancelCause(ctx)
	l.touch(true)
	if err := l.send(dialect.Opening()); err != nil {
		l.cancel(err)
	}
	go l.serve(ctx)
}

// change subscribes and unsubscribes on the connection, or has it replaced.
func (l *link) change(add, drop []string) {
	changer, ok := l.dialect.(Changer)
	if !ok {
		l.renewal()
		return
	}
	if err := l.send(changer.Change(add, drop)); err != nil {
		l.cancel(err)
	}
}

// renewal asks for the connection to be replaced.
func (l *link) renewal() {
	select {
	case l.renew <- struct{}{}:
	default:
	}
}

// close ends the connection and waits for its goroutines.
func (l *link) close(cause error) {
	l.cancel(cause)
	<-l.done
}

func (l *link) serve(ctx context.Context) {
	defer close(l.done)
	// No close handshake: a venue that does not answer it would hold up the
	// end by seconds, and it needs none.
	stop := context.AfterFunc(ctx, func() { _ = l.conn.CloseNow() })
	defer stop()

	var wg sync.WaitGroup
	for _, part := range []func(context.Context) error{l.write, l.ping, l.watch} {
		wg.Go(func() {
			if err := part(ctx); err != nil {
				l.cancel(err)
			}
		})
	}
	l.cancel(l.read())
	wg.Wait()
	_ = l.conn.CloseNow()
	l.err = context.Cause(ctx)
}

// read hands the venue's messages to the dialect. It reads without a context
// of its own, which would cost an allocation a read; closing the connection
// ends it.
func (l *link) read() error {
	var buf bytes.Buffer
	for {
		kind, r, err := l.conn.Reader(context.Background())
		if err == nil {
			buf.Reset()
			_, err = buf.ReadFrom(r)
		}
		if errors.Is(err, websocket.ErrMessageTooBig) {
			l.watcher.Refused("oversized", ErrOversized)
			return ErrOversized
		}
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		l.busy.Store(true)
		now := time.Now()
		l.watcher.Heard(now)
		if kind == websocket.MessageText {
			err = l.handle(buf.Bytes(), now)
		} else {
			l.watcher.Refused("binary", ErrBinary)
		}
		l.touch(true)
		l.busy.Store(false)
		if err != nil {
			return err
		}
	}
}

func (l *link) handle(frame []byte, now time.Time) error {
	out := l.dialect.Handle(frame, now)
	if out.End != nil {
		return out.End
	}
	if out.Delivering && l.delivered.IsZero() {
		l.delivered = now
		close(l.delivering)
	}
	if out.Renew {
		l.renewal()
	}
	return l.send(out.Send)
}

// send queues frames. It never blocks, so that a reader that answers is not
// held up by the pace of sending.
func (l *link) send(frames [][]byte) error {
	if len(frames) == 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue)+len(frames) > maxQueued {
		return ErrBacklog
	}
	l.queue = append(l.queue, frames...)
	select {
	case l.queued <- struct{}{}:
	default:
	}
	return nil
}

// write sends what is queued, at the venue's pace.
func (l *link) write(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-l.queued:
		}
		l.mu.Lock()
		frames := l.queue
		l.queue = nil
		l.mu.Unlock()
		for _, frame := range frames {
			if err := l.pace.Wait(ctx); err != nil {
				return nil // the context ended
			}
			if err := l.writeFrame(ctx, frame); err != nil {
				return fmt.Errorf("write: %w", err)
			}
		}
	}
}

func (l *link) writeFrame(ctx context.Context, frame []byte) error {
	ctx, cancel := context.WithTimeout(ctx, l.care.DialTimeout)
	defer cancel()
	return l.conn.Write(ctx, websocket.MessageText, frame)
}

// ping makes the venue say something when its markets are quiet. A missing
// pong alone is no reason to reconnect: watch looks at whatever is heard.
func (l *link) ping(ctx context.Context) error {
	timer := time.NewTicker(l.care.PingInterval)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-timer.C:
			frames, err := l.dialect.Keepalive(now)
			if err == nil {
				err = l.send(frames)
			}
			if err != nil {
				return err
			}
		}
		if err := l.pace.Wait(ctx); err != nil {
			return nil // the context ended
		}
		pong, cancel := context.WithTimeout(ctx, l.care.PingInterval)
		_ = l.conn.Ping(pong)
		cancel()
	}
}

// watch ends a connection on which nothing is heard any more.
func (l *link) watch(ctx context.Context) error {
	timer := time.NewTicker(max(time.Millisecond, min(l.care.SilenceTimeout, l.care.DataTimeout)/8))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		if l.busy.Load() {
			continue
		}
		now := time.Since(l.born)
		if quiet := now - time.Duration(l.heard.Load()); quiet > l.care.SilenceTimeout {
			return fmt.Errorf("nothing heard for %s: %w", l.care.SilenceTimeout, ErrSilent)
		}
		if quiet := now - time.Duration(l.data.Load()); quiet > l.care.DataTimeout {
			return fmt.Errorf("no message for %s: %w", l.care.DataTimeout, ErrSilent)
		}
	}
}

// touch notes that something was heard just now.
func (l *link) touch(message bool) {
	now := int64(time.Since(l.born))
	l.heard.Store(now)
	if message {
		l.data.Store(now)
	}
}
