package bench

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/gateway"
	"github.com/fullon/fullon/internal/projector"
	"github.com/fullon/fullon/internal/testserver"
)

// gatewayRig is a deployment with a WebSocket server.
type gatewayRig struct {
	client  *client.Client
	server  *gateway.Server
	address string
}

func newGatewayRig(b *testing.B) *gatewayRig {
	b.Helper()
	d := deploy(b, 1)
	store := testserver.SharedStore(b)
	p := projector.New(projector.Config{TickStreams: d.layout.TickStreams(), TradeStreams: d.layout.TradeStreams(), Log: testserver.Quiet()}, logOf{d.bus}, store)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	b.Cleanup(func() { cancel(); <-done })
	c := client.New(d.bus, store)
	b.Cleanup(c.Close)
	server, err := gateway.New(gateway.Config{Log: testserver.Quiet(), Limits: gateway.Limits{
		PerAddress: 10_000, RequestsPerSecond: 1e6, Burst: 1e6, PingInterval: time.Hour, // the clients of the benchmarks answer no pings
	}}, c)
	must(b, err)
	web := httptest.NewServer(server)
	b.Cleanup(web.Close)
	b.Cleanup(server.Close)
	return &gatewayRig{c, server, web.Listener.Addr().String()}
}

// BenchmarkGatewayRequest measures one request for a ticker at a time, from the
// client's write until it has read the answer. The floor is a bare read of Redis.
func BenchmarkGatewayRequest(b *testing.B) {
	r := newGatewayRig(b)
	pos, err := r.client.Ticks.Set(b.Context(), tick(1))
	must(b, err)
	must(b, r.client.Wait(b.Context(), pos))
	s := dialSocket(b, r.address, "/")
	into := make([]byte, 4096)
	question := fmt.Sprintf(`{"request_id":1,"operation":"get_ticker","params":{"exchange":"binance","symbol":%q}}`, symbol(1))
	n := envInt("BENCH_LATENCIES", 2000)
	var reads, answers []float64
	for i := range n + 100 {
		start := time.Now()
		_, err := r.client.Ticks.Get(b.Context(), "binance", symbol(1))
		must(b, err)
		read := time.Since(start)
		start = time.Now()
		must(b, s.send(question))
		answer, err := s.read(into)
		must(b, err)
		took := time.Since(start)
		if !bytes.Contains(answer, []byte(`"success":true`)) {
			b.Fatalf("%s", answer)
		}
		if i >= 100 {
			reads, answers = append(reads, micros(read)), append(answers, micros(took))
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(quantile(reads, 0.5), "redis-p50-us")
	b.ReportMetric(quantile(answers, 0.5), "p50-us")
	b.ReportMetric(quantile(answers, 0.99), "p99-us")
	b.ReportMetric(quantile(answers, 0.5)/quantile(reads, 0.5), "ratio")
}

// audience is many clients that note when they read a message with a number.
type audience struct {
	got   atomic.Int64 // messages of the present number, in all
	round atomic.Int64 // the present number
	begun atomic.Int64 // unix ns, when it was sent
	all   chan struct{}
	size  int64

	mu        sync.Mutex
	latencies []float64 // µs
}

func newAudience(size int) *audience {
	return &audience{all: make(chan struct{}, 1), size: int64(size)}
}

// listen reads until the connection ends.
func (a *audience) listen(s *socket) {
	into := make([]byte, 1024)
	for {
		m, err := s.read(into)
		if err != nil {
			return
		}
		_, rest, ok := bytes.Cut(m, []byte(`"price":`))
		if !ok {
			continue
		}
		digits, _, _ := bytes.Cut(rest, []byte(","))
		if n, err := strconv.ParseInt(string(digits), 10, 64); err != nil || n != a.round.Load() {
			continue
		}
		took := float64(time.Now().UnixNano()-a.begun.Load()) / 1000
		a.mu.Lock()
		a.latencies = append(a.latencies, took)
		a.mu.Unlock()
		if a.got.Add(1) == a.size {
			a.all <- struct{}{}
		}
	}
}

// deliver sends numbered messages, each when all have read the one before, and
// returns deliveries a second and the latencies.
func (a *audience) deliver(b *testing.B, messages int, send func(n int64)) (perSecond float64, latencies []float64) {
	b.Helper()
	a.latencies = nil
	start := time.Now()
	for range messages {
		n := a.round.Load() + 1
		a.got.Store(0)
		a.begun.Store(time.Now().UnixNano())
		a.round.Store(n)
		send(n)
		select {
		case <-a.all:
		case <-time.After(30 * time.Second):
			b.Fatalf("%d of %d have read message %d", a.got.Load(), a.size, n)
		}
	}
	return float64(int64(messages)*a.size) / time.Since(start).Seconds(), a.latencies
}

// BenchmarkFanOut measures how fast one tick after the other reaches all clients
// that subscribe to its market, from the publish on. The floor is a server over
// the same WebSocket library that has a goroutine for each connection write the
// same bytes.
func BenchmarkFanOut(b *testing.B) {
	for _, clients := range []int{1000, 5000} {
		b.Run(strconv.Itoa(clients), func(b *testing.B) { fanOut(b, clients) })
	}
}

func fanOut(b *testing.B, clients int) {
	messages := max(5, 50_000/clients)
	// One after the other: both together have more sockets than many machines let
	// a process have.
	floors, floor99 := echoFanOut(b, clients, messages)
	r := newGatewayRig(b)
	hearers := newAudience(clients)
	r.subscribe(b, hearers, clients)
	var rates, p50, p99 []float64
	for range rounds {
		rate, latencies := hearers.deliver(b, messages, r.publish)
		rates, p50, p99 = append(rates, rate), append(p50, quantile(latencies, 0.5)), append(p99, quantile(latencies, 0.99))
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(floors), "floor-deliveries/s")
	b.ReportMetric(median(rates), "deliveries/s")
	b.ReportMetric(median(rates)/median(floors), "ratio")
	b.ReportMetric(median(p50)/1000, "p50-ms")
	b.ReportMetric(median(p99)/1000, "p99-ms")
	b.ReportMetric(median(floor99)/1000, "floor-p99-ms")
}

// echoFanOut measures the floor and closes all its sockets.
func echoFanOut(b *testing.B, clients, messages int) (rates, p99 []float64) {
	e := newEcho()
	defer e.web.Close()
	a := newAudience(clients)
	for range clients {
		s := dialSocket(b, e.web.Listener.Addr().String(), "/")
		defer func() { _ = s.conn.Close() }()
		go a.listen(s)
	}
	e.wait(clients)
	for range rounds {
		rate, latencies := a.deliver(b, messages, func(n int64) { e.tell(fmt.Appendf(nil, tickerText, n)) })
		rates, p99 = append(rates, rate), append(p99, quantile(latencies, 0.99))
	}
	return rates, p99
}

// tickerText is a message as the server sends it.
const tickerText = `{"type":"ticker_update","sequence":123456,"request_id":1,"symbol":"C000/USDT","exchange":"binance","price":%d,"volume":null,"timestamp":1700000000.25,"bid":null,"ask":null,"bid_size":null,"ask_size":null,"last":1,"change_24h":0,"received":1700000000.25,"stale":false}`

// publish stores a tick whose price is its number.
func (r *gatewayRig) publish(n int64) {
	if _, err := r.client.Ticks.Set(context.Background(), numbered(n)); err != nil {
		panic(err)
	}
}

// numbered is a tick whose price is its number.
func numbered(n int64) domain.Tick {
	now := time.Now()
	return domain.Tick{Exchange: "binance", Symbol: symbol(0), Last: domain.MustDecimal(strconv.FormatInt(n, 10)), Time: now, Received: now, VenueSeq: uint64(n)}
}

const subscribeText = `{"request_id":1,"operation":"stream_tickers","params":{"exchange":"binance","symbols":["C000/USDT"]}}`

// subscribe has an audience follow one market.
func (r *gatewayRig) subscribe(b *testing.B, a *audience, clients int) {
	b.Helper()
	for range clients {
		s := dialSocket(b, r.address, "/")
		must(b, s.send(subscribeText))
		go a.listen(s)
	}
	for r.server.Stats().Streams < clients {
		time.Sleep(time.Millisecond)
	}
}

// BenchmarkFanOutWithSlowClients measures what clients that do not read do to
// those that do: 1,000 clients, then 100 more that never read.
func BenchmarkFanOutWithSlowClients(b *testing.B) {
	const clients, slow, messages = 1000, 100, 50
	r := newGatewayRig(b)
	hearers := newAudience(clients)
	r.subscribe(b, hearers, clients)
	var before, after []float64
	for range rounds {
		_, latencies := hearers.deliver(b, messages, r.publish)
		before = append(before, quantile(latencies, 0.99))
	}
	for range slow {
		s := dialSocket(b, r.address, "/")
		must(b, s.conn.(*net.TCPConn).SetReadBuffer(4096))
		must(b, s.send(subscribeText))
	}
	for r.server.Stats().Streams < clients+slow {
		time.Sleep(time.Millisecond)
	}
	for range rounds {
		_, latencies := hearers.deliver(b, messages, r.publish)
		after = append(after, quantile(latencies, 0.99))
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(before)/1000, "p99-ms")
	b.ReportMetric(median(after)/1000, "p99-with-slow-ms")
	b.ReportMetric(median(after)/median(before), "ratio")
}

// BenchmarkGatewayMemory measures what an idle connection with one subscription
// costs this process, the clients' sockets included, whose part is small.
func BenchmarkGatewayMemory(b *testing.B) {
	const clients = 2000
	r := newGatewayRig(b)
	before := memory()
	for range clients {
		must(b, dialSocket(b, r.address, "/").send(subscribeText))
	}
	for r.server.Stats().Streams < clients {
		time.Sleep(time.Millisecond)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric((memory()-before)/clients/1024, "KiB/connection")
}

func memory() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapInuse + m.StackInuse)
}

// echo is the floor: a server that does nothing but write.
type echo struct {
	web   *httptest.Server
	mu    sync.Mutex
	conns []chan []byte
}

func newEcho() *echo {
	e := &echo{}
	e.web = httptest.NewServer(http.HandlerFunc(e.serve))
	return e
}

func (e *echo) serve(w http.ResponseWriter, r *http.Request) {
	ws, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = ws.CloseNow() }()
	ctx := ws.CloseRead(context.Background())
	messages := make(chan []byte, 1)
	e.mu.Lock()
	e.conns = append(e.conns, messages)
	e.mu.Unlock()
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-messages:
			if ws.Write(ctx, websocket.MessageText, m) != nil {
				return
			}
		}
	}
}

func (e *echo) wait(clients int) {
	for {
		e.mu.Lock()
		n := len(e.conns)
		e.mu.Unlock()
		if n == clients {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func (e *echo) tell(m []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range e.conns {
		c <- m
	}
}
