package ws_test

import (
	"context"
	"io"
	"net"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/client/ws"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/gateway"
	"github.com/fullon/fullon/internal/projector"
	"github.com/fullon/fullon/internal/testserver"
)

func TestMain(m *testing.M) { testserver.WaitingMain(m) }

// patience bounds every wait for something that must happen.
const patience = 60 * time.Second

const (
	secret   = "all-rights-of-the-tests"
	readOnly = "reads-of-the-market-only"
)

var small = bus.Layout{Ticks: 2, Trades: 2, Accounts: 2}

type logOf struct{ *bus.Bus }

func (l logOf) Open(stream string, from uint64) projector.Reader { return l.NewReader(stream, from) }

// rig is a deployment with a gateway, a direct client of it, and a proxy in front
// of the gateway that breaks connections.
type rig struct {
	direct *client.Client
	bus    *bus.Bus
	tb     testing.TB
	ctx    context.Context
	proxy  *proxy
	url    string
}

func newRig(tb testing.TB) *rig {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	tb.Cleanup(cancel)
	b, store := testserver.NewNATS(tb).Bus(tb, small), testserver.SharedStore(tb)
	r := &rig{direct: client.New(b, store), bus: b, tb: tb, ctx: ctx}
	tb.Cleanup(r.direct.Close)
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
	server, err := gateway.New(gateway.Config{Log: testserver.Quiet(), Access: gateway.Access{Tokens: []gateway.Token{
		{Name: "all", Secret: secret, Scopes: []string{"*"}}, {Name: "reader", Secret: readOnly, Scopes: []string{"read:market"}},
	}}}, r.direct)
	if err != nil {
		tb.Fatal(err)
	}
	web := httptest.NewServer(server)
	tb.Cleanup(web.Close)
	tb.Cleanup(server.Close)
	r.proxy = newProxy(tb, strings.TrimPrefix(web.URL, "http://"))
	r.url = "ws://" + r.proxy.listener.Addr().String()
	return r
}

// dial connects through the proxy.
func (r *rig) dial(token string) *ws.Client {
	r.tb.Helper()
	c, err := ws.Dial(r.ctx, r.url, ws.Config{Token: token})
	if err != nil {
		r.tb.Fatal(err)
	}
	r.tb.Cleanup(c.Close)
	return c
}

// visible waits until readers see what was written, if writing went well.
func (r *rig) visible(pos domain.LogPosition, err error) {
	r.tb.Helper()
	if err == nil {
		err = r.direct.Wait(r.ctx, pos)
	}
	if err != nil {
		r.tb.Fatal(err)
	}
}

// proxy passes on what clients and the gateway say, until it is told to break it.
type proxy struct {
	listener net.Listener
	backend  string
	working  sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]struct{}
	cut   bool // nobody gets through
}

func newProxy(tb testing.TB, backend string) *proxy {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p := &proxy{listener: listener, backend: backend, conns: make(map[net.Conn]struct{})}
	p.working.Go(p.serve)
	tb.Cleanup(func() {
		_ = listener.Close()
		p.kill(true)
		p.working.Wait()
	})
	return p
}

func (p *proxy) serve() {
	for {
		from, err := p.listener.Accept()
		if err != nil {
			return
		}
		to, err := net.Dial("tcp", p.backend)
		if err != nil || !p.keep(from, to) {
			_ = from.Close()
			if to != nil {
				_ = to.Close()
			}
			continue
		}
		for _, pair := range [][2]net.Conn{{from, to}, {to, from}} {
			p.working.Go(func() {
				_, _ = io.Copy(pair[0], pair[1])
				_ = pair[0].Close()
				_ = pair[1].Close()
			})
		}
	}
}

func (p *proxy) keep(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		p.conns[c] = struct{}{}
	}
	return !p.cut
}

// kill breaks all connections, and with cut lets no others through.
func (p *proxy) kill(cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = cut
	for c := range p.conns {
		_ = c.Close()
	}
	clear(p.conns)
}

func (p *proxy) mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = false
}

func dec(text string) domain.Decimal { return domain.MustDecimal(text) }

var noon = time.Unix(1_700_000_000, 250_001_000).UTC()

// same holds what the gateway told to what Redis has, times to the microsecond.
func same(tb testing.TB, what string, got, want any) {
	tb.Helper()
	g, w := rounded(reflect.ValueOf(got)), rounded(reflect.ValueOf(want))
	if !reflect.DeepEqual(g.Interface(), w.Interface()) {
		tb.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}

// rounded is a copy with its times rounded, and its decimals in one form.
func rounded(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	switch x := v.Interface().(type) {
	case time.Time:
		if !x.IsZero() {
			out.Set(reflect.ValueOf(time.UnixMicro(x.UnixMicro()).UTC()))
		}
		return out
	case domain.Decimal:
		out.Set(reflect.ValueOf(domain.MustDecimal(x.String())))
		return out
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				out.Field(i).Set(rounded(v.Field(i)))
			}
		}
	case reflect.Slice:
		if v.IsNil() {
			return reflect.MakeSlice(v.Type(), 0, 0)
		}
		out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
		for i := range v.Len() {
			out.Index(i).Set(rounded(v.Index(i)))
		}
	}
	return out
}
