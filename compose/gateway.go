package compose

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"go.uber.org/fx"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/gateway"
	"github.com/fullon/fullon/internal/page"
)

// defaultGateway is where the WebSocket server listens.
const defaultGateway = "127.0.0.1:8765"

// GatewayCommand is the grammar of cmd/gateway.
type GatewayCommand struct {
	Servers `group:"Servers (default: nats://127.0.0.1:4222 and Redis at localhost:6379):"`
	Gateway `group:"WebSocket server:"`
	HTTP    `group:"Looking in:"`
	Logging `group:"Looking in:"`
}

// Gateway says how the WebSocket server is reached, and by whom.
type Gateway struct {
	GatewayAddr    ListenAddr `name:"gateway" env:"FULLON_GATEWAY" placeholder:"HOST:PORT" help:"Where the WebSocket server listens, or off (default: 127.0.0.1:8765)."`
	Token          string     `name:"gateway-token" env:"FULLON_GATEWAY_TOKEN" placeholder:"SECRET" help:"A token that may do everything, of at least 16 characters. Other users of the machine see flags, so use the variable or the file."`
	TokensFile     string     `name:"gateway-tokens-file" env:"FULLON_GATEWAY_TOKENS_FILE" placeholder:"FILE" help:"JSON list of tokens: name, token, scopes, accounts, bots."`
	JWTKeyFile     string     `name:"gateway-jwt-key-file" env:"FULLON_GATEWAY_JWT_KEY_FILE" placeholder:"FILE" help:"Key that issued tokens (JWT) are verified with: a secret, or a public key in PEM."`
	Public         Scopes     `name:"gateway-public" env:"FULLON_GATEWAY_PUBLIC" default:"read:*" placeholder:"SCOPE,…" help:"What nobody needs a token for, or none."`
	Origins        Origins    `name:"gateway-origins" env:"FULLON_GATEWAY_ORIGINS" placeholder:"HOST,…" help:"Hosts of other pages whose scripts may connect."`
	TLSCert        string     `name:"gateway-tls-cert" env:"FULLON_GATEWAY_TLS_CERT" placeholder:"FILE" help:"Certificate, in PEM: then it is wss."`
	TLSKey         string     `name:"gateway-tls-key" env:"FULLON_GATEWAY_TLS_KEY" placeholder:"FILE" help:"Key of the certificate, in PEM."`
	MaxConnections Count      `name:"gateway-max-connections" env:"FULLON_GATEWAY_MAX_CONNECTIONS" default:"10000" help:"Connections at once."`
	PerAddress     Count      `name:"gateway-per-address" env:"FULLON_GATEWAY_PER_ADDRESS" default:"1000" help:"Connections of one address at once."`
	RequestRate    Count      `name:"gateway-request-rate" env:"FULLON_GATEWAY_REQUEST_RATE" default:"200" help:"Requests a second of one connection."`
}

// Run serves until a signal ends it.
func (c *GatewayCommand) Run() error {
	if c.GatewayAddr == "" {
		c.GatewayAddr = defaultGateway
	}
	if c.GatewayAddr == "off" {
		return domain.Invalid("FULLON_GATEWAY (--gateway)", "off", "HOST:PORT, like "+defaultGateway)
	}
	ctx, stop := untilSignal(context.Background())
	defer stop()
	log := c.Logger(os.Stderr)
	return RunApp(ctx, log, withPresence(c.Redis(), "gateway",
		logModule("fullon-gateway", c.Log()), redisModule(c.Redis()), gatewayModule(c.Gateway), httpModule(c.HTTP)))
}

// access reads who may do what.
func (g Gateway) access() (gateway.Access, error) {
	a := gateway.Access{Public: g.Public, Origins: g.Origins}
	if g.TokensFile != "" {
		raw, err := readSetting("FULLON_GATEWAY_TOKENS_FILE", g.TokensFile)
		if err != nil {
			return a, err
		}
		if err := json.Unmarshal(raw, &a.Tokens); err != nil {
			return a, domain.Invalid("FULLON_GATEWAY_TOKENS_FILE", g.TokensFile, `a JSON list like [{"name":"grid","token":"…","scopes":["read:*","write:orders"]}]`)
		}
	}
	if g.Token != "" {
		a.Tokens = append(a.Tokens, gateway.Token{Name: "FULLON_GATEWAY_TOKEN", Secret: g.Token, Scopes: []string{"*"}})
	}
	if g.JWTKeyFile != "" {
		raw, err := readSetting("FULLON_GATEWAY_JWT_KEY_FILE", g.JWTKeyFile)
		if err != nil {
			return a, err
		}
		a.JWTKey = []byte(strings.TrimSpace(string(raw)))
	}
	return a, a.Validate()
}

// readSetting reads a file that a setting names.
func readSetting(variable, file string) ([]byte, error) {
	raw, err := os.ReadFile(file) //nolint:gosec // the operator names it
	var path *os.PathError
	if errors.As(err, &path) {
		return nil, domain.Invalid(variable, file, "a file that can be read: "+path.Err.Error())
	}
	return raw, err
}

// certificate is the server's; nil: it speaks plainly.
func (g Gateway) certificate() (*tls.Config, error) {
	if g.TLSCert == "" && g.TLSKey == "" {
		return nil, nil //nolint:nilnil // none is a choice
	}
	cert, err := tls.LoadX509KeyPair(g.TLSCert, g.TLSKey)
	if err != nil {
		return nil, domain.Invalid("FULLON_GATEWAY_TLS_CERT", g.TLSCert, "a certificate, and FULLON_GATEWAY_TLS_KEY its key: "+err.Error())
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}, nil
}

// gatewayServer is the WebSocket server and where it listens.
type gatewayServer struct {
	*gateway.Server
	log      *slog.Logger
	listener net.Listener
	http     *http.Server
	secure   bool
}

// gatewayModule serves every verb.
func gatewayModule(cfg Gateway) fx.Option {
	if cfg.GatewayAddr == "off" {
		return fx.Options()
	}
	return fx.Options(
		fx.Provide(func(s supervisor, b *bus.Bus, store *cachestore.Store, log *slog.Logger) (*gatewayServer, error) {
			handle := client.New(b, store)
			s.onStop(func() error { handle.Close(); return nil })
			return newGatewayServer(cfg, handle, log)
		}),
		fx.Invoke(func(s supervisor, g *gatewayServer, here *presence) {
			here.add(domain.ProcessGateway, "gateway", map[string]string{"url": g.URL()}, g.look)
			s.run("gateway", g.run)
		}),
	)
}

func newGatewayServer(cfg Gateway, handle *client.Client, log *slog.Logger) (*gatewayServer, error) {
	access, err := cfg.access()
	if err != nil {
		return nil, err
	}
	certificate, err := cfg.certificate()
	if err != nil {
		return nil, err
	}
	server, err := gateway.New(gateway.Config{Access: access, Page: page.Handler(), Log: log, Limits: gateway.Limits{
		MaxConnections: int(cfg.MaxConnections), PerAddress: int(cfg.PerAddress), RequestsPerSecond: float64(cfg.RequestRate), Burst: 2 * int(cfg.RequestRate),
	}}, handle)
	if err != nil {
		return nil, err
	}
	listener, err := listen(cfg.GatewayAddr)
	if err != nil {
		return nil, err
	}
	g := &gatewayServer{Server: server, log: log, listener: listener, secure: certificate != nil}
	if g.secure {
		g.listener = tls.NewListener(listener, certificate)
	}
	g.http = &http.Server{Handler: server, ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	return g, nil
}

// ServeGateway serves a deployment to WebSocket clients of this machine, at a free
// port, until stop: for examples. The caller keeps the handle. Who has the token
// may write.
func ServeGateway(handle *client.Client, token string, log *slog.Logger) (url string, stop func(), err error) {
	g, err := newGatewayServer(Gateway{GatewayAddr: "127.0.0.1:0", Token: token}, handle, log)
	if err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := g.run(ctx); err != nil {
			log.Error("WebSocket server", "error", err)
		}
	}()
	return g.URL(), func() { cancel(); <-done }, nil
}

// listen takes the usual port, or where that is taken and none was named a free
// one: several 'fullon up' may run on a machine.
func listen(addr ListenAddr) (net.Listener, error) {
	wanted := string(addr)
	if wanted == "" {
		wanted = defaultGateway
	}
	listener, err := net.Listen("tcp", wanted)
	if err != nil && addr == "" && errors.Is(err, syscall.EADDRINUSE) {
		listener, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		var reason *os.SyscallError
		if errors.As(err, &reason) {
			err = reason.Err
		}
		return nil, fmt.Errorf("FULLON_GATEWAY (--gateway): cannot listen on %s: %w", wanted, err)
	}
	return listener, nil
}

// URL is where clients connect to.
func (g *gatewayServer) URL() string {
	if g.secure {
		return "wss://" + g.listener.Addr().String()
	}
	return "ws://" + g.listener.Addr().String()
}

// run serves until ctx ends; then the clients are told, and cut.
func (g *gatewayServer) run(ctx context.Context) error {
	g.log.Info("WebSocket server", "url", g.URL())
	stop := context.AfterFunc(ctx, func() {
		g.Close()
		_ = g.http.Close()
	})
	defer stop()
	if err := g.http.Serve(g.listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// look tells how the server is doing.
func (g *gatewayServer) look() (domain.ProcessStatus, string) {
	s := g.Stats()
	return domain.ProcessRunning, fmt.Sprintf("%d connections, %d streams", s.Connections, s.Streams)
}

// Scopes is what may be done without a token; not nil.
type Scopes []string

// UnmarshalText reads scopes separated by commas, or none.
func (s *Scopes) UnmarshalText(text []byte) error {
	*s = Scopes{}
	if string(text) == "none" {
		return nil
	}
	for scope := range strings.SplitSeq(string(text), ",") {
		*s = append(*s, strings.TrimSpace(scope))
	}
	if err := (gateway.Access{Public: *s}).Validate(); err != nil {
		return notAllowed(string(text), "none, or scopes separated by commas: read:market, read:accounts, read:orders, read:bots, read:processes, the same with write:, read:*, write:* or *")
	}
	return nil
}

// Origins are hosts of pages.
type Origins []string

// UnmarshalText reads hosts separated by commas.
func (o *Origins) UnmarshalText(text []byte) error {
	parts := strings.Split(string(text), ",")
	for i, host := range parts {
		parts[i] = strings.TrimSpace(host)
	}
	if slices.ContainsFunc(parts, func(host string) bool { return host == "" || strings.ContainsAny(host, "/ ") }) {
		return notAllowed(string(text), "hosts separated by commas, like app.example.com,*.example.org")
	}
	*o = parts
	return nil
}
