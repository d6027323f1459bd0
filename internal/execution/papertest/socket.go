package papertest

import (
	"context"
	"net/http"
	"sync"

	"github.com/coder/websocket"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
)

// Socket is a client's WebSocket, as the dialect sees it.
type Socket struct {
	x   *Exchange
	ctx context.Context
	ws  *websocket.Conn

	mu    sync.Mutex // of who writes
	group sync.WaitGroup
}

// Serve takes a client's WebSocket and hands what it says to the dialect, until
// it is gone.
func (x *Exchange) Serve(w http.ResponseWriter, r *http.Request, said func(s *Socket, frame []byte)) {
	ws, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // it was answered
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Socket{x: x, ctx: ctx, ws: ws}
	x.keep(s, true)
	defer s.group.Wait()
	defer cancel()
	defer func() { _ = ws.CloseNow() }()
	defer x.keep(s, false)
	for {
		_, frame, err := ws.Read(ctx)
		if err != nil {
			return
		}
		said(s, frame)
	}
}

// ServeFollowed takes a client's WebSocket whose address says what it wants to
// hear: a sink hears of the account as with Follow, from before the client knows
// that it is connected. What the client says is not heard.
func (x *Exchange) ServeFollowed(w http.ResponseWriter, r *http.Request, sink func(s *Socket) execution.Sink) {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Socket{x: x, ctx: ctx}
	defer s.group.Wait()
	defer cancel()
	s.mu.Lock() // until there is a connection to send on
	var err error
	func() {
		defer s.mu.Unlock()
		heard := make(chan struct{})
		s.group.Go(func() {
			defer cancel() // the exchange was stopped
			if follow := s.follower(sink(s), func() { close(heard) }); follow != nil {
				follow()
			}
		})
		select {
		case <-heard:
		case <-ctx.Done():
		}
		x.keep(s, true) // what is broadcast waits for the connection
		s.ws, err = websocket.Accept(w, r, nil)
	}()
	defer x.keep(s, false)
	if err != nil {
		return // it was answered
	}
	defer func() { _ = s.ws.CloseNow() }()
	for err == nil {
		_, _, err = s.ws.Read(ctx)
	}
}

func (x *Exchange) keep(s *Socket, open bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if open {
		x.sockets[s] = true
	} else {
		delete(x.sockets, s)
	}
}

// Listeners is how many clients have a WebSocket.
func (x *Exchange) Listeners() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.sockets)
}

// Broadcast sends a frame to all who have a WebSocket.
func (x *Exchange) Broadcast(frame string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for s := range x.sockets {
		s.Send(frame)
	}
}

// Send sends a frame. One that cannot be sent is for a client that is gone.
func (s *Socket) Send(frame string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ws != nil { // else the client did not stay for it
		_ = s.ws.Write(s.ctx, websocket.MessageText, []byte(frame))
	}
}

// Follow hands what happens to the account from now on to a sink, until the
// client is gone; the balances and positions as they are come first. What the
// sink is told goes out with Send. granted is called before that, but not before
// everything is heard: what happens once the client knows that it is subscribed
// is told.
func (s *Socket) Follow(sink execution.Sink, granted func()) {
	if follow := s.follower(sink, granted); follow != nil {
		s.group.Go(follow)
	}
}

// follower is what follows the account; nil: the exchange is being stopped.
func (s *Socket) follower(sink execution.Sink, granted func()) (follow func()) {
	account, err := s.x.Account().Exchange().Venue(AccountName) // with a mark of its own
	if err != nil {
		return nil
	}
	statement, err := account.Statement(s.ctx)
	if err != nil {
		return nil
	}
	before := make(map[string]bool)
	for _, f := range statement.Fills {
		before[f.ID] = true
	}
	from := fromNow{sink, before, sync.OnceFunc(granted)}
	return func() { _ = account.Run(s.ctx, from) } // an error: the exchange was stopped
}

// fromNow is a sink that is not told of what was filled before.
type fromNow struct {
	execution.Sink
	before  map[string]bool
	granted func()
}

// Connected implements execution.Sink: what happens is told from here on.
func (s fromNow) Connected() {
	s.granted()
	s.Sink.Connected()
}

// Fill implements execution.Sink.
func (s fromNow) Fill(f domain.Fill) {
	if !s.before[f.ID] {
		s.Sink.Fill(f)
	}
}

// Context ends with the socket.
func (s *Socket) Context() context.Context { return s.ctx }
