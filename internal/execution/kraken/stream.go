package kraken

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/valyala/fastjson"

	"github.com/fullon/fullon/internal/execution/private"
	"github.com/fullon/fullon/internal/venue/frame"
)

const maxFrame = 1 << 20 // bytes of an event

// channels are subscribed to in this order.
var channels = [...]string{"executions", "balances"}

// stream is one connection: its token, what was granted, and what is known of
// the orders that events are about.
type stream struct {
	*api
	token   string
	taking  frame.Reader // of Take
	granted int
	telling frame.Reader // of Tell
	orders  map[string]*known
}

// Stream implements private.API: each connection has a token of its own, which
// is good for 15 minutes until it is used.
func (a *api) Stream(ctx context.Context) (private.Stream, error) {
	type session struct {
		Token string `json:"token"`
	}
	const method = "GetWebSocketsToken"
	got, err := ask[session](ctx, a, method, nil)
	if err != nil {
		return nil, err
	}
	if got.Token == "" {
		return nil, private.Nonsense("POST /0/private/"+method, "the answer has no token")
	}
	return newStream(a, got.Token), nil
}

func newStream(a *api, token string) *stream {
	return &stream{
		api: a, token: token, orders: make(map[string]*known),
		taking: frame.Reader{MaxBytes: maxFrame}, telling: frame.Reader{MaxBytes: maxFrame},
	}
}

// Opening implements private.Stream.
func (s *stream) Opening() [][]byte {
	frames := make([][]byte, len(channels))
	for i, channel := range channels {
		params := map[string]any{"channel": channel, "token": s.token}
		if channel == "executions" {
			params["snap_orders"], params["snap_trades"], params["order_status"] = true, false, true
		} else {
			params["snapshot"] = true
		}
		frames[i], _ = json.Marshal(map[string]any{"method": "subscribe", "params": params, "req_id": i + 1}) // no error
	}
	return frames
}

// Ping implements private.Stream: the answer tells the venue's time, which REST
// tells less exactly.
func (*stream) Ping() []byte { return []byte(`{"method":"ping"}`) }

// Take implements private.Stream.
func (s *stream) Take(data []byte, received time.Time) (t private.Taken) {
	f, err := s.taking.Read(data, received)
	if err != nil {
		t.End = fmt.Errorf("a message of the stream: %w", err)
		return t
	}
	if !f.Has("method", fastjson.TypeString) {
		channel := ""
		if f.Has("channel", fastjson.TypeString) {
			channel = f.Text("channel")
		}
		t.Event = channel == channels[0] || channel == channels[1]
		return t
	}
	if f.Has("time_out", fastjson.TypeString) {
		if now := f.Time("time_out"); f.Err == nil {
			s.Clock.Take(received, now, 0)
		}
	}
	if f.Text("method") != "subscribe" {
		return t
	}
	if granted := f.Flag("success"); f.Err == nil && !granted {
		t.End = s.failed(private.Answer{What: "subscribe to the account"}, strings.Clone(f.Text("error")))
	}
	if f.Err != nil {
		t.End = fmt.Errorf("the answer to a subscription: %w", f.Err)
	}
	if t.End == nil {
		s.granted++
		t.Ready = s.granted == len(channels)
	}
	return t
}

var errGone = errors.New("an update is about an order that the venue does not know")

// Tell implements private.Stream.
func (s *stream) Tell(ctx context.Context, data []byte, to *private.Delivery) error {
	f, err := s.telling.Read(data, time.Now())
	if err != nil {
		return fmt.Errorf("an event: %w", err)
	}
	channel, snapshot := f.Text("channel"), f.Text("type") == "snapshot"
	for _, element := range f.List("data") {
		if !f.Item(element) {
			break
		}
		switch {
		case channel == "executions":
			err = s.executed(ctx, f, snapshot, to)
		case !snapshot: // the balances as they are were just asked for
			err = s.balance(ctx, f, to)
		}
		if err != nil {
			return err
		}
	}
	if f.Err != nil {
		return fmt.Errorf("an event: %w", f.Err)
	}
	return nil
}
