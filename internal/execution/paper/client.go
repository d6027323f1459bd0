package paper

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/pause"
)

// ClientConfig is what a Client is made from. The zero value of a field takes
// its default.
type ClientConfig struct {
	URL      string // of the Server: http://127.0.0.1:8990; required
	Exchange string // required
	Account  string // required
	// Timeout bounds a call whose context has no deadline. Default 10s.
	Timeout time.Duration
	// SilenceTimeout is after how long without a line a stream of events counts
	// as broken; more than the server's Heartbeat. Default 5s.
	SilenceTimeout time.Duration
	// BackoffInitial and BackoffMax bound the wait before a reconnect. Defaults
	// 100ms and 5s.
	BackoffInitial time.Duration
	BackoffMax     time.Duration
	// Connections is how many connections to the server are kept open for
	// calls. Default 16.
	Connections int
	Logger      *slog.Logger // nil: none
}

// Client is one account of a paper venue in another process. It implements
// execution.Venue.
type Client struct {
	cfg       ClientConfig
	base      string
	transport *http.Transport
	http      *http.Client
	at        position // up to where Run has delivered
}

var _ execution.Venue = (*Client)(nil)

// NewClient makes a client; it does not connect. The error is a
// *domain.FieldError.
func NewClient(cfg ClientConfig) (*Client, error) {
	set := func(field *time.Duration, value time.Duration) {
		if *field == 0 {
			*field = value
		}
	}
	set(&cfg.Timeout, 10*time.Second)
	set(&cfg.SilenceTimeout, 5*time.Second)
	set(&cfg.BackoffInitial, 100*time.Millisecond)
	set(&cfg.BackoffMax, 5*time.Second)
	if cfg.Connections == 0 {
		cfg.Connections = 16
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Scheme != "http" || u.Host == "" || u.User != nil {
		return nil, domain.Invalid("url", cfg.URL, "an http:// address without a user")
	}
	if err := domain.CheckExchange(cfg.Exchange); err != nil {
		return nil, err
	}
	if err := domain.CheckAccount(cfg.Account); err != nil {
		return nil, err
	}
	if cfg.Timeout < 0 || cfg.SilenceTimeout < 0 || cfg.BackoffInitial < 0 || cfg.BackoffMax < cfg.BackoffInitial || cfg.Connections < 0 {
		return nil, domain.Invalid("timeout", cfg.Timeout.String(), "times that are more than zero, and backoff_max no less than backoff_initial")
	}
	transport := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: cfg.Timeout, KeepAlive: 15 * time.Second}).DialContext,
		MaxIdleConns:        cfg.Connections,
		MaxIdleConnsPerHost: cfg.Connections,
		IdleConnTimeout:     time.Minute,
	}
	return &Client{
		cfg: cfg, base: strings.TrimSuffix(cfg.URL, "/") + "/v1/" + cfg.Exchange + "/" + cfg.Account,
		transport: transport,
		http:      &http.Client{Transport: transport},
	}, nil
}

// Close closes the connections that no call uses.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Submit sends an order: see execution.Venue.
func (c *Client) Submit(ctx context.Context, order domain.Order) (execution.Report, error) {
	if err := check(&order, c.cfg.Exchange, c.cfg.Account); err != nil {
		return execution.Report{}, err
	}
	ctx, cancel := c.bound(ctx)
	defer cancel()
	order.Deadline, _ = ctx.Deadline()
	body, err := json.Marshal(order)
	if err != nil {
		return execution.Report{}, &execution.Rejected{Reason: "the order has no JSON form: " + err.Error()}
	}
	return c.report(ctx, http.MethodPost, "/orders", body, order.ID)
}

// Cancel takes an order out of the book: see execution.Venue.
func (c *Client) Cancel(ctx context.Context, order domain.Order) (execution.Report, error) {
	return c.ask(ctx, http.MethodDelete, order.ID)
}

// Query asks for an order: see execution.Venue.
func (c *Client) Query(ctx context.Context, order domain.Order) (execution.Report, error) {
	return c.ask(ctx, http.MethodGet, order.ID)
}

func (c *Client) ask(ctx context.Context, method, id string) (execution.Report, error) {
	if err := domain.CheckOrderID(id); err != nil {
		return execution.Report{}, fmt.Errorf("%w: %w", domain.ErrNotFound, err) // no order has such an id
	}
	ctx, cancel := c.bound(ctx)
	defer cancel()
	return c.report(ctx, method, "/orders/"+id, nil, id)
}

// Open lists the resting orders: see execution.Venue.
func (c *Client) Open(ctx context.Context) ([]execution.Report, error) {
	ctx, cancel := c.bound(ctx)
	defer cancel()
	var answer reports
	if err := c.call(ctx, http.MethodGet, "/orders", nil, &answer); err != nil {
		return nil, err
	}
	return answer.Orders, nil
}

func (c *Client) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, c.cfg.Timeout)
}

// report calls for a report of an order.
func (c *Client) report(ctx context.Context, method, path string, body []byte, id string) (execution.Report, error) {
	var report execution.Report
	if err := c.call(ctx, method, path, body, &report); err != nil {
		return execution.Report{}, err
	}
	if report.ID != id || report.Status.String() == "none" {
		return execution.Report{}, unanswered(method, path, errors.New("the answer is not about the order"))
	}
	return report, nil
}

// call makes one request.
func (c *Client) call(ctx context.Context, method, path string, body []byte, answer any) error {
	resp, err := c.do(ctx, method, path, body)
	if err != nil {
		return unanswered(method, path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	content, err := io.ReadAll(io.LimitReader(resp.Body, maxRecord+1))
	if err != nil {
		return unanswered(method, path, err)
	}
	if resp.StatusCode != http.StatusOK {
		return refused(method, path, resp.StatusCode, content)
	}
	if err := strictly(content, answer); err != nil {
		return unanswered(method, path, err)
	}
	return nil
}

func (c *Client) do(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	return c.http.Do(req)
}

func unanswered(method, path string, err error) error {
	return fmt.Errorf("paper venue: %s %s: %w: %w", method, path, execution.ErrUnanswered, err)
}

// refused reads a clear no; whatever else has a status is none.
func refused(method, path string, status int, content []byte) error {
	var no refusal
	if err := strictly(content, &no); err == nil && statusOf[no.Code] == status {
		switch no.Code {
		case codeRejected:
			return &execution.Rejected{Reason: no.Reason, Duplicate: no.Duplicate}
		case codeRateLimited:
			return &execution.RateLimited{RetryAfter: no.RetryAfter}
		case codeNotFound:
			return fmt.Errorf("paper venue: %s %s: %w", method, path, domain.ErrNotFound)
		}
	}
	return unanswered(method, path, fmt.Errorf("status %d", status))
}

// Run delivers what happens: see execution.Venue. It never gives up.
func (c *Client) Run(ctx context.Context, sink execution.Sink) error {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval, wait.Multiplier = c.cfg.BackoffInitial, c.cfg.BackoffMax, 2
	for ctx.Err() == nil {
		err := c.stream(ctx, sink, wait.Reset)
		if ctx.Err() != nil {
			break
		}
		delay := wait.NextBackOff()
		c.cfg.Logger.WarnContext(ctx, "the paper venue's events ended", "account", c.cfg.Account, "error", err, "wait", delay)
		pause.For(ctx, delay)
	}
	return nil
}

// stream delivers the events of one connection. proven is called when it
// delivers.
func (c *Client) stream(ctx context.Context, sink execution.Sink, proven func()) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(c.cfg.SilenceTimeout, func() { cancel(errSilent) })
	defer silence.Stop()
	path := "/events?epoch=" + url.QueryEscape(c.at.Epoch) + "&after=" + strconv.FormatUint(c.at.Seq, 10)
	resp, err := c.do(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	scanner := bufio.NewScanner(resp.Body)
	scanner.Buffer(make([]byte, 64<<10), maxLine)
	for connected := false; scanner.Scan(); silence.Reset(c.cfg.SilenceTimeout) {
		silence.Stop() // a sink that blocks is no silence
		var next line
		if err := strictly(scanner.Bytes(), &next); err != nil {
			return err
		}
		if !connected {
			if next.Epoch == "" {
				return errors.New("the first event names no epoch")
			}
			if next.Epoch != c.at.Epoch {
				c.at = position{Epoch: next.Epoch} // a venue that began anew
			}
			connected = true
			proven()
			sink.Connected()
		}
		if next.Change != nil {
			if slices.Contains(next.Change.Orders, nil) {
				return errors.New("an event is about an order that is none")
			}
			deliver(*next.Change, sink)
			c.at.Seq = next.Change.Seq
		}
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return scanner.Err()
}

var errSilent = errors.New("the line was silent")
