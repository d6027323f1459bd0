package gateway_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/gateway"
	"github.com/fullon/fullon/internal/projector"
	"github.com/fullon/fullon/internal/testserver"
)

func TestMain(m *testing.M) { testserver.WaitingMain(m) }

// patience bounds every wait for something that must happen.
const patience = 60 * time.Second

var small = bus.Layout{Ticks: 2, Trades: 2, Accounts: 2}

type logOf struct{ *bus.Bus }

func (l logOf) Open(stream string, from uint64) projector.Reader { return l.NewReader(stream, from) }

// rig is a deployment with a gateway.
type rig struct {
	*client.Client
	tb     testing.TB
	ctx    context.Context
	server *gateway.Server
	url    string // ws://…
}

// secret is a token that may do everything.
const secret = "all-rights-of-the-tests"

// newRig starts a deployment. Everybody may read, and who has secret may write.
func newRig(tb testing.TB, change ...func(*gateway.Config)) *rig {
	tb.Helper()
	return newRigOn(tb, testserver.SharedStore(tb), change...)
}

func newRigOn(tb testing.TB, store *cachestore.Store, change ...func(*gateway.Config)) *rig {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	tb.Cleanup(cancel)
	b := testserver.NewNATS(tb).Bus(tb, small)
	r := &rig{Client: client.New(b, store), tb: tb, ctx: ctx}
	tb.Cleanup(r.Close)
	p := projector.New(projector.Config{
		TickStreams: small.TickStreams(), TradeStreams: small.TradeStreams(), AccountStreams: small.AccountStreams(), Orders: true,
		CatalogueStream: bus.CatalogueStream, ProbeInterval: 50 * time.Millisecond, Log: testserver.Quiet(),
	}, logOf{b}, store)
	folding, stop := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		if err := p.Run(folding); err != nil {
			tb.Errorf("projector: %v", err)
		}
	})
	tb.Cleanup(func() { stop(); done.Wait() })
	cfg := gateway.Config{
		Access: gateway.Access{Tokens: []gateway.Token{{Name: "all", Secret: secret, Scopes: []string{"*"}}}}, Log: testserver.Quiet(),
	}
	for _, f := range change {
		f(&cfg)
	}
	server, err := gateway.New(cfg, r.Client)
	if err != nil {
		tb.Fatal(err)
	}
	r.server = server
	web := httptest.NewServer(server)
	tb.Cleanup(web.Close)
	tb.Cleanup(server.Close)
	r.url = "ws" + strings.TrimPrefix(web.URL, "http")
	return r
}

// visible waits until readers see what was written, if writing went well.
func (r *rig) visible(pos domain.LogPosition, err error) {
	r.tb.Helper()
	if err == nil {
		err = r.Wait(r.ctx, pos)
	}
	if err != nil {
		r.tb.Fatal(err)
	}
}

// socket is a client of the tests.
type socket struct {
	*websocket.Conn
	r *rig
}

// dial connects to a path, with a token unless that is empty.
func (r *rig) dial(path, token string) *socket {
	r.tb.Helper()
	var header http.Header
	if token != "" {
		header = http.Header{"Authorization": {"Bearer " + token}}
	}
	ws, _, err := websocket.Dial(r.ctx, r.url+path, &websocket.DialOptions{HTTPHeader: header})
	if err != nil {
		r.tb.Fatal(err)
	}
	ws.SetReadLimit(1 << 24)
	r.tb.Cleanup(func() { _ = ws.CloseNow() })
	return &socket{ws, r}
}

func (s *socket) send(text string) {
	s.r.tb.Helper()
	if err := s.Write(s.r.ctx, websocket.MessageText, []byte(text)); err != nil {
		s.r.tb.Fatal(err)
	}
}

// message is what came.
type message map[string]any

func (s *socket) next() message {
	s.r.tb.Helper()
	_, data, err := s.Read(s.r.ctx)
	if err != nil {
		s.r.tb.Fatal(err)
	}
	var m message
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.UseNumber()
	if err := d.Decode(&m); err != nil {
		s.r.tb.Fatalf("%v: %s", err, data)
	}
	return m
}

// ask sends a request and returns what comes next.
func (s *socket) ask(text string) message {
	s.r.tb.Helper()
	s.send(text)
	return s.next()
}

// until returns the first message of a type, or of an action.
func (s *socket) until(name string) message {
	s.r.tb.Helper()
	for {
		if m := s.next(); m["type"] == name || m["action"] == name {
			return m
		}
	}
}

func (m message) object(name string) message { o, _ := m[name].(map[string]any); return o }

// text is a field as it is written.
func (m message) text(name string) string {
	raw, _ := json.Marshal(m[name])
	return string(raw)
}
