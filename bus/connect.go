package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/fullon/fullon/domain"
)

// Config says which log to use.
type Config struct {
	// URL of the NATS servers, comma separated. Default nats://127.0.0.1:4222.
	URL string
	Login
	// Name of the connection, as the server's monitoring shows it. Default
	// "fullon".
	Name string
	// Layout is the partition counts that the deployment must have. Zero: those
	// that it has, and DefaultPartitions where there is none yet.
	Layout Layout
	// Timeout bounds one request to the log. Default 5 s.
	Timeout time.Duration
	// Log takes connection events. Default: slog.Default.
	Log *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.URL == "" {
		c.URL = nats.DefaultURL
	}
	if c.Name == "" {
		c.Name = "fullon"
	}
	if c.Timeout == 0 {
		c.Timeout = 5 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}

// Bus is a connection to the log. Its methods are safe for concurrent use.
type Bus struct {
	cfg       Config
	nc        *nats.Conn
	js        jetstream.JetStream
	placing   atomic.Pointer[placing]
	orders    sync.Map      // exchange to orderRoute
	streams   sync.Map      // name to jetstream.Stream
	underWay  chan struct{} // holds a token for each message of a sending that waits for its acknowledgement
	requester *requester
	denied    *denials
}

// placing is where events go.
type placing struct {
	layout    Layout
	addresses sync.Map // domain.Key to Address: subjects are not built anew for each event
}

// Half-open connections must be noticed well within the time that readers take
// a feed for live.
const (
	pingInterval  = 2 * time.Second
	maxPingsOut   = 2
	reconnectWait = 200 * time.Millisecond
)

// Connect opens a connection, which from then on reconnects for ever. An error
// matches domain.ErrUnreachable when no server answers within the timeout and
// domain.ErrInvalid for a configuration that cannot be.
func Connect(ctx context.Context, cfg Config) (*Bus, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Layout.WithDefaults().Validate(); err != nil {
		return nil, err
	}
	login, err := cfg.options()
	if err != nil {
		return nil, err
	}
	denied, asking := &denials{}, newRequester()
	nc, err := nats.Connect(cfg.URL, append(login,
		nats.Name(cfg.Name),
		nats.Timeout(cfg.Timeout),
		nats.MaxReconnects(-1),
		nats.IgnoreAuthErrorAbort(), // a login that is refused now may be right again later
		nats.ReconnectWait(reconnectWait),
		nats.ReconnectBufSize(-1), // what is published while away must fail at once, not be sent late
		nats.PingInterval(pingInterval),
		nats.MaxPingsOutstanding(maxPingsOut),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			denied.forget()
			asking.disconnected()
			if err != nil {
				cfg.Log.Warn("log away", "url", domain.Redact(cfg.URL), "error", err)
			}
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			cfg.Log.Info("log back", "url", nc.ConnectedUrlRedacted())
		}),
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) {
			denied.note(err)
			cfg.Log.Warn("log connection", "error", err)
		}),
	)...)
	if err != nil {
		return nil, fmt.Errorf("NATS at %s: %w: %w", domain.Redact(cfg.URL), domain.ErrUnreachable, err)
	}
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(cfg.Timeout), jetstream.WithPublishAsyncTimeout(cfg.Timeout))
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("JetStream: %w", err)
	}
	asking.nc = nc
	b := &Bus{cfg: cfg, nc: nc, js: js, underWay: make(chan struct{}, maxUnderWay), requester: asking, denied: denied}
	b.placing.Store(&placing{layout: cfg.Layout.WithDefaults()})
	return b, nil
}

// Close ends the connection at once. Flush or stop publishers first.
func (b *Bus) Close() { b.nc.Close() }

// Layout is the deployment's partition counts and generations, once Bind or
// Provision has looked; before, what was asked for.
func (b *Bus) Layout() Layout { return b.placing.Load().layout }

// URL is the server that the connection currently has, without credentials;
// empty while it has none.
func (b *Bus) URL() string { return b.nc.ConnectedUrlRedacted() }

// Ping asks the log for a sign of life and returns the round trip. The error
// matches domain.ErrUnreachable.
func (b *Bus) Ping(ctx context.Context) (time.Duration, error) {
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, b.cfg.Timeout)
	defer cancel()
	if _, err := b.js.AccountInfo(ctx); err != nil {
		return 0, b.unreachable("log", err)
	}
	return time.Since(start), nil
}

// unreachable wraps what the client library says when a request failed: mostly
// that nobody answers, sometimes that the server refuses.
func (b *Bus) unreachable(what string, err error) error {
	var refused *jetstream.APIError
	switch {
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%s: %w", what, err)
	case errors.Is(err, nats.ErrMaxPayload), errors.As(err, &refused) && refused.Code == http.StatusBadRequest:
		return fmt.Errorf("%s: the log refuses: %w: %w", what, domain.ErrInvalid, err)
	}
	if denied := b.denied.within(b.cfg.Timeout + time.Second); denied != "" && refused == nil {
		return fmt.Errorf("%s: %w: NATS does not permit this user: %s (%w)", what, domain.ErrUnreachable, denied, err)
	}
	return fmt.Errorf("%s: %w: %w", what, domain.ErrUnreachable, err)
}
