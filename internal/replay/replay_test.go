package replay_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/fullon/fullon/internal/replay"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is a running replay.
type server struct {
	*replay.Server
	t    *testing.T
	stop func()
}

func start(t *testing.T, cfg replay.Config) *server {
	t.Helper()
	if cfg.Speed == 0 {
		cfg.Speed = replay.Max
	}
	s, err := replay.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
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
	return &server{Server: s, t: t, stop: stop}
}

type client struct {
	t   *testing.T
	ws  *websocket.Conn
	ctx context.Context
}

func (s *server) dial(path string) *client {
	s.t.Helper()
	transport := &http.Transport{}
	s.t.Cleanup(transport.CloseIdleConnections)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	s.t.Cleanup(cancel)
	ws, _, err := websocket.Dial(ctx, s.WSURL()+path, &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
	if err != nil {
		s.t.Fatal(err)
	}
	ws.SetReadLimit(1 << 24) // changes of a whole book are long
	s.t.Cleanup(func() { ws.CloseNow() })
	return &client{t: s.t, ws: ws, ctx: ctx}
}

func (c *client) subscribe(streams ...string) {
	c.t.Helper()
	params, _ := json.Marshal(streams)
	request := fmt.Sprintf(`{"method":"SUBSCRIBE","params":%s,"id":1}`, params)
	if err := c.ws.Write(c.ctx, websocket.MessageText, []byte(request)); err != nil {
		c.t.Fatal(err)
	}
	if got := c.read(); got != `{"result":null,"id":1}` {
		c.t.Fatal(got)
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

func (c *client) want(frames ...string) {
	c.t.Helper()
	for i, want := range frames {
		if got := c.read(); got != want {
			c.t.Fatalf("frame %d:\n got %s\nwant %s", i, got, want)
		}
	}
}

// wantEnd wants the connection to end, with this close status or -1 for none.
func (c *client) wantEnd(status websocket.StatusCode) {
	c.t.Helper()
	_, data, err := c.ws.Read(c.ctx)
	if err == nil || c.ctx.Err() != nil || websocket.CloseStatus(err) != status {
		c.t.Fatalf("got %q, %v; want the end with status %d", data, err, status)
	}
}

func (s *server) wait() replay.Progress {
	s.t.Helper()
	select {
	case <-s.Done():
	case <-time.After(2 * time.Minute):
		s.t.Fatalf("not done: %+v", s.Progress())
	}
	return s.Progress()
}

func (s *server) get(path string) (int, string) {
	s.t.Helper()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Get(s.RESTURL() + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func (s *server) tradeIDs(path string) []int64 {
	s.t.Helper()
	status, body := s.get(path)
	var trades []struct {
		ID int64 `json:"id"`
	}
	if err := json.Unmarshal([]byte(body), &trades); status != http.StatusOK || err != nil {
		s.t.Fatalf("%s: %d %s", path, status, body)
	}
	ids := []int64{}
	for _, tr := range trades {
		ids = append(ids, tr.ID)
	}
	return ids
}

// trade is an invented combined frame.
func trade(id int) string {
	return fmt.Sprintf(`{"stream":"aaausdt@trade","data":{"e":"trade","E":%[1]d,"s":"AAAUSDT","t":%[1]d,"p":"2.50000000","q":"0.00%[1]d0000","T":%[1]d,"m":true,"M":true}}`, id)
}

func book(update int) string {
	return fmt.Sprintf(`{"stream":"bbbbtc@bookTicker","data":{"u":%d,"s":"BBBBTC","b":"0.12300000","B":"5.00000000","a":"0.12400000","A":"7.50000000"}}`, update)
}

type record struct {
	At  int64  `json:"t_ns"`
	Dir string `json:"dir"`
	URL string `json:"url,omitempty"`
	Raw string `json:"raw,omitempty"`
}

// write makes a recording.
func write(t *testing.T, zipped bool, records ...record) string {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser = struct {
		io.Writer
		io.Closer
	}{&b, io.NopCloser(&b)}
	name := "recording.ndjson"
	if zipped {
		w, name = gzip.NewWriter(&b), "recording.ndjson.gz"
	}
	encoder := json.NewEncoder(w)
	for _, r := range records {
		if err := encoder.Encode(r); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// trades is a recording of consecutive trades from 1 to n, a second apart.
func trades(t *testing.T, n int) string {
	t.Helper()
	var records []record
	for i := 1; i <= n; i++ {
		records = append(records, record{At: int64(i) * 1e9, Dir: "recv", Raw: trade(i)})
	}
	return write(t, false, records...)
}
