package ws

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/coder/websocket"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/pause"
)

// Config of a Client. Zero values take their defaults.
type Config struct {
	// Token is shown to the server at each connection. Empty: none.
	Token string
	// Timeout bounds a request and an attempt to connect. Default 15s, more than
	// the server takes.
	Timeout time.Duration
	// PingInterval is how often the server is asked for a sign of life; without one
	// for as long again the connection is taken for broken. Default 20s.
	PingInterval time.Duration
	// MaxPause is the longest pause between two attempts to connect. The first is
	// about 100ms. Default 10s.
	MaxPause time.Duration
	// Buffer is how many trades or orders wait for an iteration. Default 4,096.
	Buffer int
	// MaxMessageBytes bounds a message of the server; a longer one breaks the
	// connection. Default 64 MiB.
	MaxMessageBytes int64
	// HTTPClient makes the connections; it may have settings for TLS. Default: one of
	// its own.
	HTTPClient *http.Client
}

func (c Config) withDefaults() Config {
	for _, f := range []struct {
		field *time.Duration
		value time.Duration
	}{{&c.Timeout, 15 * time.Second}, {&c.PingInterval, 20 * time.Second}, {&c.MaxPause, 10 * time.Second}} {
		if *f.field <= 0 {
			*f.field = f.value
		}
	}
	if c.Buffer <= 0 {
		c.Buffer = 4096
	}
	if c.MaxMessageBytes <= 0 {
		c.MaxMessageBytes = 64 << 20
	}
	return c
}

// Client is a connection to a gateway that comes back by itself.
type Client struct {
	Ticks       *Ticks
	Trades      *Trades
	Candles     *Candles
	Accounts    *Accounts
	Orders      *Orders
	Bots        *Bots
	Processes   *Processes
	Venues      *Venues
	Symbols     *Symbols
	VenueErrors *VenueErrors

	url  string
	cfg  Config
	http *http.Client
	ctx  context.Context // ends with the client
	stop context.CancelFunc
	done chan struct{} // closed when run has ended
	ids  atomic.Uint64

	mu   sync.Mutex
	link *link         // nil: there is none at present
	up   chan struct{} // closed when there is one
	why  error         // why there is none
}

// Dial connects to a gateway: ws://host:8765, or wss. It tries once; later the
// client connects again by itself, until Close. The error matches
// domain.ErrInvalid, ErrDenied or domain.ErrUnreachable.
func Dial(ctx context.Context, url string, cfg Config) (*Client, error) {
	if !strings.HasPrefix(url, "ws://") && !strings.HasPrefix(url, "wss://") {
		return nil, domain.Invalid("url", domain.Redact(url), "ws://host:port or wss://host:port")
	}
	c := &Client{url: url, cfg: cfg.withDefaults(), done: make(chan struct{}), up: make(chan struct{})}
	if c.http = c.cfg.HTTPClient; c.http == nil {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.DisableKeepAlives = true // a refusal leaves nothing open
		c.http = &http.Client{Transport: transport}
	}
	c.ctx, c.stop = context.WithCancel(context.Background())
	c.Ticks, c.Trades, c.Candles, c.Accounts = &Ticks{c}, &Trades{c}, &Candles{c}, &Accounts{c}
	c.Orders, c.Bots, c.Processes = &Orders{c}, &Bots{c}, &Processes{c}
	c.Venues, c.Symbols, c.VenueErrors = &Venues{c}, &Symbols{c}, &VenueErrors{c}
	first, err := c.dial(ctx)
	if err != nil {
		c.stop()
		return nil, err
	}
	c.use(first)
	go c.run(first)
	return c, nil
}

// Close ends the connection, all iterations and all requests that wait.
func (c *Client) Close() {
	c.stop()
	<-c.done
}

// run keeps a connection until the client is closed.
func (c *Client) run(l *link) {
	defer close(c.done)
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval = 100*time.Millisecond, c.cfg.MaxPause
	for {
		began := time.Now()
		why := l.run(c.ctx)
		c.lose(why)
		if time.Since(began) > c.cfg.MaxPause {
			pauses.Reset() // a server that cuts every connection at once is not hammered
		}
		for l = nil; l == nil; {
			pause.For(c.ctx, pauses.NextBackOff())
			if c.ctx.Err() != nil {
				return
			}
			var err error
			if l, err = c.dial(c.ctx); err != nil {
				c.lose(err)
			}
		}
		c.use(l)
	}
}

func (c *Client) use(l *link) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.link = l
	close(c.up)
}

// lose notes that there is no connection, and why.
func (c *Client) lose(why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.link != nil {
		c.link, c.up = nil, make(chan struct{})
	}
	c.why = why
}

// connected waits for a connection, up to Timeout.
func (c *Client) connected(ctx context.Context) (*link, error) {
	timer := time.NewTimer(c.cfg.Timeout)
	defer timer.Stop()
	for {
		c.mu.Lock()
		l, up, why := c.link, c.up, c.why
		c.mu.Unlock()
		if c.ctx.Err() != nil {
			return nil, errClosed
		}
		if l != nil {
			return l, nil
		}
		select {
		case <-up:
		case <-c.ctx.Done():
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-timer.C:
			return nil, fmt.Errorf("%w: not connected: %w", domain.ErrUnreachable, why)
		}
	}
}

// dial tries once to connect.
func (c *Client) dial(ctx context.Context) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	options := websocket.DialOptions{HTTPClient: c.http, CompressionMode: websocket.CompressionNoContextTakeover}
	if c.cfg.Token != "" {
		options.HTTPHeader = http.Header{"Authorization": {"Bearer " + c.cfg.Token}}
	}
	ws, response, err := websocket.Dial(ctx, c.url, &options)
	if err != nil {
		return nil, refusal(response, err)
	}
	ws.SetReadLimit(c.cfg.MaxMessageBytes)
	return newLink(ws, c.cfg), nil
}

// refusal is why there is no connection.
func refusal(response *http.Response, err error) error {
	if response == nil || response.StatusCode == http.StatusSwitchingProtocols {
		return fmt.Errorf("%w: %w", domain.ErrUnreachable, err)
	}
	said := response.Status
	if body, err := io.ReadAll(io.LimitReader(response.Body, domain.MaxTextBytes)); err == nil && len(body) > 0 {
		said = strings.TrimSpace(string(body))
	}
	switch response.StatusCode {
	case http.StatusUnauthorized:
		return &Error{Code: CodeUnauthorized, Text: said}
	case http.StatusForbidden:
		return &Error{Code: CodeForbidden, Text: said}
	case http.StatusTooManyRequests:
		return &Error{Code: CodeRateLimited, Text: said}
	}
	return fmt.Errorf("%w: no gateway there: HTTP %d: %s", domain.ErrUnreachable, response.StatusCode, said)
}

// id is one that no other request of the client has.
func (c *Client) id() string { return strconv.FormatUint(c.ids.Add(1), 10) }

// Wait blocks until readers see what was written at a position. The error is
// ctx's, or matches domain.ErrNotFound for a stream that the deployment does not
// project.
func (c *Client) Wait(ctx context.Context, pos domain.LogPosition) error {
	for {
		err := c.Call(ctx, "wait", map[string]any{"stream": pos.Stream, "sequence": pos.Seq}, nil)
		var told *Error
		if !errors.As(err, &told) || told.Code != codeTimeout {
			return err
		}
	}
}

// Ping asks the gateway for a sign of life and tells how long that took.
func (c *Client) Ping(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	err := c.Call(ctx, "ping", nil, nil)
	return time.Since(began), err
}
