package okx

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/fullon/fullon/internal/execution/private"
)

// The channels.
const (
	ordersChannel    = "orders"
	accountChannel   = "account"
	positionsChannel = "positions"
)

// argument names a channel.
type argument struct {
	Channel string `json:"channel"`
	Kind    string `json:"instType,omitempty"`
	Extra   string `json:"extraParams,omitempty"`
}

// onChange asks to be told of balances and positions when they change, and not
// with every price.
const onChange = `{"updateInterval":"0"}`

var arguments = []argument{
	{Channel: ordersChannel, Kind: "SPOT"}, {Channel: ordersChannel, Kind: "SWAP"},
	{Channel: accountChannel, Extra: onChange}, {Channel: positionsChannel, Kind: "SWAP", Extra: onChange},
}

// message is what comes over the stream.
type message struct {
	Event    string          `json:"event"` // empty: it has data
	Code     string          `json:"code"`
	Message  string          `json:"msg"`
	Argument argument        `json:"arg"`
	Data     json.RawMessage `json:"data"`
}

// stream is one connection, and what was granted on it.
type stream struct {
	*api
	granted map[argument]bool
}

// Stream implements private.API.
func (a *api) Stream(context.Context) (private.Stream, error) {
	return &stream{api: a, granted: make(map[argument]bool)}, nil
}

// request is a frame for the venue.
func request(operation string, args any) []byte {
	frame, _ := json.Marshal(map[string]any{"op": operation, "args": args}) // texts: no error
	return frame
}

// Opening implements private.Stream: the venue takes subscriptions only after the
// login was granted.
func (s *stream) Opening() [][]byte {
	now, _ := s.Clock.At(time.Now())
	stamp := strconv.FormatInt(now.Unix(), 10)
	return [][]byte{request("login", []map[string]string{{
		"apiKey": s.Cfg.Key, "passphrase": s.Cfg.Passphrase, "timestamp": stamp, "sign": s.signature(stamp + "GET/users/self/verify"),
	}})}
}

var pong = []byte("pong")

// Ping implements private.Stream: the venue closes a connection on which it hears
// nothing for 30 seconds.
func (*stream) Ping() []byte { return []byte("ping") }

var errNonsense = errors.New("a message of the stream makes no sense")

// Take implements private.Stream.
func (s *stream) Take(frame []byte, _ time.Time) (t private.Taken) {
	if bytes.Equal(frame, pong) {
		return t
	}
	var m message
	if json.Unmarshal(frame, &m) != nil {
		t.End = errNonsense
		return t
	}
	switch m.Event {
	case "":
		switch m.Argument.Channel {
		case ordersChannel, accountChannel, positionsChannel:
			t.Event = true
		}
	case "login":
		if m.Code != codeDone {
			t.End = s.failed(private.Answer{What: "login"}, m.Code, m.Message)
			return t
		}
		t.Send = [][]byte{request("subscribe", arguments)}
	case "subscribe":
		m.Argument.Extra = ""
		s.granted[m.Argument] = true
		t.Ready = len(s.granted) == len(arguments)
	case "error":
		t.End = s.failed(private.Answer{What: "subscribe to the account"}, m.Code, m.Message)
	case "notice", "channel-conn-count-error":
		t.End = fmt.Errorf("the venue ends the stream: %s (code %s)", s.Scrub(m.Message), s.Scrub(m.Code))
	}
	return t
}

// Tell implements private.Stream.
func (s *stream) Tell(ctx context.Context, frame []byte, to *private.Delivery) error {
	var m message
	if json.Unmarshal(frame, &m) != nil {
		return errNonsense
	}
	switch m.Argument.Channel {
	case ordersChannel:
		return each(m.Data, func(o order) error { return s.executed(ctx, o, to) })
	case accountChannel:
		return each(m.Data, func(w wallet) error {
			list, err := s.balances(w)
			for _, b := range list {
				to.Balance(ctx, b)
			}
			return err
		})
	}
	return each(m.Data, func(p position) error {
		held, ok, err := s.held(ctx, p)
		if err != nil || !ok {
			return err
		}
		return to.Position(ctx, held)
	})
}

// each hands on the elements of an event.
func each[T any](data json.RawMessage, do func(T) error) error {
	var list []T
	if json.Unmarshal(data, &list) != nil || list == nil {
		return errNonsense
	}
	for _, element := range list {
		if err := do(element); err != nil {
			return err
		}
	}
	return nil
}

// executed hands on what became of an order, and its last fill: one that was told
// before is told again with what follows it.
func (s *stream) executed(ctx context.Context, o order, to *private.Delivery) error {
	report, err := s.report(ctx, o)
	if err != nil {
		return fmt.Errorf("an event of an order: %w", err)
	}
	if o.Trade != "" && o.FillSize != "" && o.FillSize != "0" {
		f, err := s.fill(ctx, o.fill())
		if err != nil {
			return err
		}
		if err := to.Fill(ctx, f); err != nil {
			return err
		}
	}
	to.Order(report)
	return nil
}
