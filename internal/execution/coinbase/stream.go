package coinbase

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/valyala/fastjson"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution/private"
	"github.com/fullon/fullon/internal/venue/frame"
)

const maxFrame = 1 << 20 // bytes of an event

// channels are subscribed to in this order.
var channels = [...]string{"heartbeats", "user"}

// stream is one connection: what it opens with, where its count is, and how much
// of the orders was told as filled.
type stream struct {
	*api
	opening [][]byte
	taking  frame.Reader // of Take
	next    uint64       // number of the next message; zero: none came
	telling frame.Reader // of Tell
	filled  map[string]domain.Decimal
}

// Stream implements private.API: each connection has tokens of its own.
func (a *api) Stream(context.Context) (private.Stream, error) {
	s := &stream{
		api: a, filled: make(map[string]domain.Decimal),
		taking: frame.Reader{MaxBytes: maxFrame}, telling: frame.Reader{MaxBytes: maxFrame},
	}
	now, _ := a.Clock.At(time.Now())
	for _, channel := range channels {
		token, err := a.token("", now, now.Add(mostToken))
		if err != nil {
			return nil, fmt.Errorf("sign a subscription: %w", err)
		}
		message, _ := json.Marshal(map[string]string{"type": "subscribe", "channel": channel, "jwt": token}) // texts: no error
		s.opening = append(s.opening, message)
	}
	return s, nil
}

// Opening implements private.Stream.
func (s *stream) Opening() [][]byte { return s.opening }

// Ping implements private.Stream: heartbeats come by themselves.
func (*stream) Ping() []byte { return nil }

var errHole = errors.New("a message of the stream was lost")

// Take implements private.Stream.
func (s *stream) Take(data []byte, received time.Time) (t private.Taken) {
	f, err := s.taking.Read(data, received)
	if err != nil {
		t.End = fmt.Errorf("a message of the stream: %w", err)
		return t
	}
	if f.Has("type", fastjson.TypeString) && f.Text("type") == "error" {
		t.End = s.refused(f)
		return t
	}
	if !f.Has("channel", fastjson.TypeString) {
		return t
	}
	channel := f.Text("channel")
	if channel == "user" || f.Told("sequence_num") {
		number := f.Integer("sequence_num")
		if f.Err == nil && s.next != 0 && number != s.next {
			t.End = errHole
			return t
		}
		s.next = number + 1
	}
	switch channel {
	case "user":
		t.Event = true
	case "subscriptions":
		t.Ready = granted(f)
	}
	if f.Err != nil {
		t.End = fmt.Errorf("a message of the stream: %w", f.Err)
	}
	return t
}

// granted tells whether all channels are subscribed: the venue lists those that
// are, each time.
func granted(f *frame.Fields) bool {
	for _, event := range f.List("events") {
		if !f.Item(event) {
			return false
		}
		f.Enter("subscriptions")
		for _, channel := range channels {
			if f.Err != nil || !f.Told(channel) {
				return false
			}
		}
	}
	return f.Err == nil
}

// refused is what an error of the stream means.
func (s *stream) refused(f *frame.Fields) error {
	text := ""
	if f.Has("message", fastjson.TypeString) {
		text = s.Scrub(strings.Clone(f.Text("message")))
	}
	kind := private.Unclear
	switch low := strings.ToLower(text); {
	case strings.Contains(low, "authentication"), strings.Contains(low, "unauthorized"):
		kind = private.Denied
		s.Clock.Distrust() // the token may have looked expired, or not good yet
	case strings.Contains(low, "rate limit"), strings.Contains(low, "too many"):
		kind = private.Limited
	}
	return &private.Failure{What: "subscribe to the account", Kind: kind, Reason: text}
}
