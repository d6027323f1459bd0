package gateway_test

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/fullon/fullon/internal/gateway"
)

func TestWhatIsTooMuchIsRefusedWithACode(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(cfg *gateway.Config) {
		cfg.Limits = gateway.Limits{RequestsPerSecond: 0.001, Burst: 20, MaxStreams: 3, PerAddress: 4, PerToken: 2, MaxMessageBytes: 2048}
	})
	s := r.dial("/", "")
	for i := range 3 {
		if m := s.ask(fmt.Sprintf(`{"request_id":%d,"operation":"stream_order_queue","params":{"exchange":"binance","symbol":"A%d/B"}}`, i, i)); m["success"] != true {
			t.Fatal(m)
		}
		s.until("stream_live")
	}
	if m := s.ask(`{"request_id":9,"operation":"stream_order_queue","params":{"exchange":"binance"}}`); m["error_code"] != gateway.CodeTooMany {
		t.Errorf("a fourth stream: %v", m)
	}
	for i := 4; i < 20; i++ {
		if m := s.ask(`{"operation":"ping"}`); m["success"] != true {
			t.Fatalf("request %d: %v", i, m)
		}
	}
	if m := s.ask(`{"operation":"ping"}`); m["error_code"] != gateway.CodeRateLimited {
		t.Errorf("the 21st request: %v", m)
	}
	// One that says more than it may is closed, as the protocol has it. It is said with
	// one write: the server does not wait for the rest.
	big := r.dial("/", "")
	big.send(`{"operation":"ping","params":{"x":"` + strings.Repeat("x", 3000) + `"}}`)
	if _, _, err := big.Read(r.ctx); websocket.CloseStatus(err) != websocket.StatusMessageTooBig {
		t.Errorf("a message that is too long: %v", err)
	}
	_, _ = r.dial("/", secret), r.dial("/", secret)
	if code := r.refused("/", secret, ""); code != http.StatusTooManyRequests {
		t.Errorf("a third connection by a token: %d", code)
	}
}

func TestAConnectionThatAnswersNoPingIsClosed(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(cfg *gateway.Config) { cfg.Limits.PingInterval = time.Second })
	// A socket that is half open: it was set up, and nothing comes from it any more.
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "ws://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	alive := r.dial("/", "")
	for r.server.Stats().Connections != 2 {
		time.Sleep(time.Millisecond)
	}
	for r.server.Stats().Silent == 0 {
		if m := alive.ask(`{"operation":"ping"}`); m["success"] != true {
			t.Fatal(m)
		}
		time.Sleep(20 * time.Millisecond)
	}
	if m := alive.ask(`{"operation":"ping"}`); m["success"] != true {
		t.Errorf("one that answers: %v", m)
	}
}

func TestTheServerSaysThatItStops(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.dial("/", "")
	s.ask(`{"request_id":1,"operation":"stream_tickers","params":{"exchange":"binance"}}`)
	s.until("stream_live")
	stopped := make(chan struct{})
	go func() { defer close(stopped); r.server.Close() }()
	if _, _, err := s.Read(r.ctx); websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Error(err)
	}
	<-stopped
	if code := r.refused("/", "", ""); code != http.StatusTooManyRequests && code != http.StatusServiceUnavailable {
		t.Errorf("after the end: %d", code)
	}
}

func TestOnlyWhatThereIsIsServed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for path, want := range map[string]int{
		"/": 101, "/ws": 101, "/ws/": 101, "/ws/tickers/a": 101, "/ws/process/a": 101,
		"/ws/tickers": 404, "/ws/nonsense/a": 404, "/other": 404, "/ws/tickers/a/b": 404,
	} {
		if code := r.refused(path, "", ""); code != want {
			t.Errorf("%s: %d, want %d", path, code, want)
		}
	}
	if m := r.dial("/ws/tickers/a", "").ask(`{"action":"get_trades","request_id":1,"params":{}}`); m["error_code"] != gateway.CodeInvalidOperation {
		t.Errorf("an action of another topic: %v", m)
	}
}

func TestTenMegabytesAndThousandsOfStreamsHarmNobodyElse(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(cfg *gateway.Config) { cfg.Limits.RequestsPerSecond, cfg.Limits.Burst = 1e6, 1e6 })
	other := r.dial("/", "")
	big := r.dial("/", "")
	// The server closes the connection while it is still being written to.
	_ = big.Write(r.ctx, websocket.MessageText, []byte(`{"operation":"`+strings.Repeat("x", 10<<20)+`"}`))
	if _, _, err := big.Read(r.ctx); err == nil {
		t.Error("10 MB were taken")
	}
	many := r.dial("/", "")
	begun, refused := 0, 0
	for i := range 3000 {
		many.send(fmt.Sprintf(`{"request_id":%d,"operation":"stream_tickers","params":{"exchange":"binance","symbols":["A/B"]}}`, i))
		m := many.next()
		for m["type"] != nil { // an earlier one is live
			m = many.next()
		}
		switch {
		case m["success"] == true:
			begun++
		case m["error_code"] == gateway.CodeTooMany:
			refused++
		}
	}
	if begun != 1000 || refused != 2000 {
		t.Errorf("%d streams began, %d were refused", begun, refused)
	}
	if m := other.ask(`{"operation":"ping"}`); m["success"] != true {
		t.Error(m)
	}
}
