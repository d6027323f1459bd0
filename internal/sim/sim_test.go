package sim_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/fullon/fullon/internal/sim"
	"github.com/fullon/fullon/internal/sim/clock"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 3, 2, 12, 0, 30, 0, time.UTC)

// exchange is a running exchange whose market moves with a manual clock.
type exchange struct {
	*sim.Exchange
	t     *testing.T
	clock *clock.Manual
	stop  func()
}

// start runs an exchange until the test ends. Without a Rate nothing happens
// by itself.
func start(t *testing.T, cfg sim.Config) *exchange {
	t.Helper()
	c := clock.NewManual(noon)
	if cfg.Clock == nil {
		cfg.Clock = c
	} else {
		c = cfg.Clock.(*clock.Manual)
	}
	if cfg.Rate == 0 {
		cfg.Rate = sim.Never
	}
	x, err := sim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- x.Run(ctx) }()
	stopped := false
	stop := func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	}
	t.Cleanup(stop)
	return &exchange{Exchange: x, t: t, clock: c, stop: stop}
}

// client is a WebSocket client of an exchange.
type client struct {
	t   *testing.T
	ws  *websocket.Conn
	ctx context.Context
}

func (x *exchange) dial(path string, opts *websocket.DialOptions) *client {
	x.t.Helper()
	if opts == nil {
		opts = &websocket.DialOptions{}
	}
	transport := &http.Transport{}
	x.t.Cleanup(transport.CloseIdleConnections)
	opts.HTTPClient = &http.Client{Transport: transport}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	x.t.Cleanup(cancel)
	ws, _, err := websocket.Dial(ctx, x.WSURL()+path, opts)
	if err != nil {
		x.t.Fatal(err)
	}
	x.t.Cleanup(func() { ws.CloseNow() })
	return &client{t: x.t, ws: ws, ctx: ctx}
}

func (c *client) send(text string) {
	c.t.Helper()
	if err := c.ws.Write(c.ctx, websocket.MessageText, []byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) read() string {
	c.t.Helper()
	_, data, err := c.ws.Read(c.ctx)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(data)
}

// ask sends a request and wants this answer.
func (c *client) ask(request, answer string) {
	c.t.Helper()
	c.send(request)
	if got := c.read(); got != answer {
		c.t.Fatalf("%s\n got %s\nwant %s", request, got, answer)
	}
}

// closed reads until the connection is closed and tells how.
func (c *client) closed() (messages int, err error) {
	for ; ; messages++ {
		if _, _, err := c.ws.Read(c.ctx); err != nil {
			return messages, err
		}
	}
}

func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

// get fetches a REST path.
func (x *exchange) get(path string) (status int, body string, header http.Header) {
	x.t.Helper()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Get(x.RESTURL() + path)
	if err != nil {
		x.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		x.t.Fatal(err)
	}
	return resp.StatusCode, string(data), resp.Header
}

func fetch[T any](x *exchange, path string) T {
	x.t.Helper()
	status, body, _ := x.get(path)
	if status != http.StatusOK {
		x.t.Fatalf("%s: %d %s", path, status, body)
	}
	return decode[T](x.t, body)
}

type tradeEvent struct {
	Event string `json:"e"`
	Sent  int64  `json:"E"` // encoding/json takes it for "e" without this
	ID    int64  `json:"t"`
	Price string `json:"p"`
	Qty   string `json:"q"`
	Time  int64  `json:"T"`
	Maker bool   `json:"m"`
	Best  bool   `json:"M"`
}

type aggEvent struct {
	ID    int64  `json:"a"`
	Price string `json:"p"`
	Qty   string `json:"q"`
	First int64  `json:"f"`
	Last  int64  `json:"l"`
}

type kline struct {
	Start  int64  `json:"t"`
	End    int64  `json:"T"`
	First  int64  `json:"f"`
	Last   int64  `json:"L"`
	Open   string `json:"o"`
	Close  string `json:"c"`
	High   string `json:"h"`
	Low    string `json:"l"`
	Volume string `json:"v"`
	Trades int64  `json:"n"`
	Closed bool   `json:"x"`
	Quote  string `json:"q"`
	Taker  string `json:"V"`
	Spent  string `json:"Q"`
}

type restTrade struct {
	ID    int64  `json:"id"`
	Price string `json:"price"`
	Qty   string `json:"qty"`
	Quote string `json:"quoteQty"`
	Time  int64  `json:"time"`
	Maker bool   `json:"isBuyerMaker"`
}
