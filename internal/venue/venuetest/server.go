// Package venuetest is what the tests of venue adapters share: a WebSocket
// server that does what the test says, and a sink that remembers.
package venuetest

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// Patience is how long a test waits for what must happen.
const Patience = 20 * time.Second

// Server accepts WebSocket connections and hands them to the test.
type Server struct {
	URL   string // ws://host:port
	conns chan *Conn
}

// Conn is the venue's end of a connection.
type Conn struct {
	t    testing.TB
	ws   *websocket.Conn
	tcp  net.Conn
	Path string // of the handshake
}

type tcpKey struct{}

// NewServer starts a server that ends with the test.
func NewServer(t testing.TB) *Server {
	t.Helper()
	s := &Server{conns: make(chan *Conn, 64)}
	ended := make(chan struct{})
	web := httptest.NewUnstartedServer(s.handler(t, ended))
	web.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, tcpKey{}, c)
	}
	web.Start()
	t.Cleanup(func() {
		close(ended)
		web.Close()
	})
	s.URL = strings.Replace(web.URL, "http:", "ws:", 1)
	return s
}

func (s *Server) handler(t testing.TB, ended <-chan struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, nil)
		if err != nil {
			return // the client went away during the handshake
		}
		ws.SetReadLimit(1 << 20)
		tcp, _ := r.Context().Value(tcpKey{}).(net.Conn)
		select {
		case s.conns <- &Conn{t: t, ws: ws, tcp: tcp, Path: r.URL.Path}:
			<-ended
		case <-ended:
		}
		_ = ws.CloseNow()
	}
}

// Accept waits for the next connection.
func (s *Server) Accept(t testing.TB) *Conn {
	t.Helper()
	select {
	case c := <-s.conns:
		return c
	case <-time.After(Patience):
		t.Fatal("no connection came")
		return nil
	}
}

func patience() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), Patience)
}

// Text sends a text message.
func (c *Conn) Text(message string) {
	c.t.Helper()
	c.send(websocket.MessageText, []byte(message))
}

// Binary sends a binary message.
func (c *Conn) Binary(message []byte) {
	c.t.Helper()
	c.send(websocket.MessageBinary, message)
}

func (c *Conn) send(kind websocket.MessageType, message []byte) {
	c.t.Helper()
	ctx, cancel := patience()
	defer cancel()
	if err := c.ws.Write(ctx, kind, message); err != nil {
		c.t.Errorf("send to the client: %v", err)
	}
}

// Flood sends a message of n bytes, which the client may refuse to take.
func (c *Conn) Flood(n int) {
	ctx, cancel := patience()
	defer cancel()
	_ = c.ws.Write(ctx, websocket.MessageText, make([]byte, n))
}

// Read takes the client's next message.
func (c *Conn) Read() string {
	c.t.Helper()
	ctx, cancel := patience()
	defer cancel()
	_, message, err := c.ws.Read(ctx)
	if err != nil {
		c.t.Errorf("read from the client: %v", err)
	}
	return string(message)
}

// next takes the client's next message; an error when it is gone.
func (c *Conn) next() (string, error) {
	_, message, err := c.ws.Read(context.Background())
	return string(message), err
}

// try sends a text message to a client that may be gone.
func (c *Conn) try(message []byte) error {
	ctx, cancel := patience()
	defer cancel()
	return c.ws.Write(ctx, websocket.MessageText, message)
}

// AwaitEnd reads until the client is gone. Reading answers its pings.
func (c *Conn) AwaitEnd() {
	c.t.Helper()
	ctx, cancel := patience()
	defer cancel()
	for {
		if _, _, err := c.ws.Read(ctx); err != nil {
			if ctx.Err() != nil {
				c.t.Error("the client did not close the connection")
			}
			return
		}
	}
}

// Ping pings the client and waits for its answer; something must read.
func (c *Conn) Ping() error {
	ctx, cancel := patience()
	defer cancel()
	return c.ws.Ping(ctx)
}

// Close closes with a code, as a venue does.
func (c *Conn) Close(code int, reason string) {
	_ = c.ws.Close(websocket.StatusCode(code), reason)
}

// Drop ends the TCP connection without a close frame.
func (c *Conn) Drop() { _ = c.tcp.Close() }

// Reset breaks the TCP connection in the middle of a message.
func (c *Conn) Reset() {
	c.t.Helper()
	const opcodeText, length16 = 0x81, 126
	if _, err := c.tcp.Write([]byte{opcodeText, length16, 0x10, 0x00, '{', '"', 'e'}); err != nil {
		c.t.Errorf("send half a message: %v", err)
	}
	if tcp, ok := c.tcp.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // close with RST
	}
	_ = c.tcp.Close()
}
