package binance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/adshao/go-binance/v2/common"
	wsapi "github.com/adshao/go-binance/v2/common/websocket"
	"github.com/coder/websocket"
	"github.com/sourcegraph/conc/pool"
)

const maxFrame = 1 << 20 // bytes of an event

var (
	errSlow = errors.New("the sink is too slow: the queue of events is full")
	errOver = errors.New("the venue ended the stream")
)

// message is what comes over the WebSocket API: an answer or an event.
type message struct {
	ID     json.RawMessage `json:"id"`
	Status int             `json:"status"`
	Error  struct {
		Code    int    `json:"code"`
		Message string `json:"msg"`
		Data    struct {
			RetryAfter int64 `json:"retryAfter"` // unix ms
		} `json:"data"`
	} `json:"error"`
	Event json.RawMessage `json:"event"`
}

// stream is one subscription to the account's events. They queue up while they
// are not taken.
type stream struct {
	ws     *websocket.Conn
	events chan json.RawMessage
}

// connect opens a stream. The error is a *failure where the venue refused it.
func (v *Venue) connect(ctx context.Context) (*stream, error) {
	ctx, cancel := context.WithTimeout(ctx, v.cfg.Timeout)
	defer cancel()
	if f := v.tellTime(ctx); f != nil {
		return nil, f
	}
	ws, resp, err := websocket.Dial(ctx, v.cfg.StreamURL, &websocket.DialOptions{HTTPClient: v.http})
	if err != nil {
		if resp != nil && resp.StatusCode != http.StatusSwitchingProtocols {
			return nil, &failure{what: "open the stream", status: resp.StatusCode}
		}
		return nil, fmt.Errorf("open the stream: %w", withoutURL(err))
	}
	ws.SetReadLimit(maxFrame)
	if err := v.subscribe(ctx, ws); err != nil {
		_ = ws.CloseNow() // which err is more telling than
		return nil, err
	}
	return &stream{ws: ws, events: make(chan json.RawMessage, v.cfg.Queue)}, nil
}

func (v *Venue) subscribe(ctx context.Context, ws *websocket.Conn) error {
	const what = "subscribe to the account"
	now := time.Now()
	request, err := wsapi.CreateRequest(
		wsapi.NewRequestData("account", v.cfg.Key, v.cfg.Secret, now.UnixMilli()-v.clock.at(now), common.KeyTypeHmac),
		wsapi.UserDataStreamSubscribeSignatureSpotWsApiMethod, map[string]any{})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if err := ws.Write(ctx, websocket.MessageText, request); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	for {
		_, data, err := ws.Read(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		var m message
		switch err := json.Unmarshal(data, &m); {
		case err != nil:
			return fmt.Errorf("%s: the answer makes no sense", what)
		case string(m.ID) != `"account"`:
			continue
		case m.Status == http.StatusOK:
			return nil
		}
		f := v.failed(what, &common.APIError{Code: int64(m.Error.Code), Message: m.Error.Message}, &answer{status: m.Status})
		if at := m.Error.Data.RetryAfter; at > 0 {
			f.retryAfter = max(0, time.Duration(at-v.clock.at(time.Now()))*time.Millisecond)
		}
		return f
	}
}

// run reads events and keeps the connection alive until it fails or ctx ends,
// then closes it. It never waits for who takes the events, so that a connection
// is found dead even then.
func (s *stream) run(ctx context.Context, ping, timeout time.Duration) error {
	defer func() { _ = s.ws.CloseNow() }()
	group := pool.New().WithContext(ctx).WithCancelOnError().WithFirstError()
	group.Go(func(ctx context.Context) error {
		for {
			_, data, err := s.ws.Read(ctx)
			if err != nil {
				return fmt.Errorf("read the stream: %w", err)
			}
			var m message
			if err := json.Unmarshal(data, &m); err != nil {
				return errors.New("read the stream: an event makes no sense")
			}
			if m.Event == nil {
				continue // an answer to nothing that was asked
			}
			select {
			case s.events <- m.Event:
			default:
				return errSlow
			}
		}
	})
	group.Go(func(ctx context.Context) error {
		ticker := time.NewTicker(ping)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-ticker.C:
			}
			if err := s.ping(ctx, timeout); err != nil {
				return err
			}
		}
	})
	return group.Wait()
}

func (s *stream) ping(ctx context.Context, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := s.ws.Ping(ctx); err != nil {
		return fmt.Errorf("the stream does not answer: %w", err)
	}
	return nil
}
