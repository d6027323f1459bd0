package bybit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/fullon/fullon/internal/execution/private"
)

// topics are what is subscribed, of all categories.
var topics = []string{"order", "execution", "wallet", "position"}

// goodFor is how long a login is good for.
const goodFor = 10 * time.Second

// message is what comes over the stream: an answer or an event.
type message struct {
	Op      string          `json:"op"`
	Success *bool           `json:"success"`
	Code    int             `json:"retCode"`
	Text    string          `json:"ret_msg"`
	Message string          `json:"retMsg"`
	Topic   string          `json:"topic"`
	Created int64           `json:"creationTime"` // unix ms
	Data    json.RawMessage `json:"data"`
}

var errNonsense = errors.New("a message of the stream makes no sense")

// stream is one connection.
type stream struct{ *api }

// Stream implements private.API.
func (a *api) Stream(context.Context) (private.Stream, error) { return stream{a}, nil }

// Opening implements private.Stream. What is subscribed before the login is
// granted is refused.
func (s stream) Opening() [][]byte {
	now, _ := s.Clock.At(time.Now())
	expires := now.Add(goodFor).UnixMilli()
	return [][]byte{request("auth", s.Cfg.Key, expires, s.signature("GET/realtime"+strconv.FormatInt(expires, 10)))}
}

func request(op string, args ...any) []byte {
	frame, _ := json.Marshal(map[string]any{"req_id": op, "op": op, "args": args}) // of texts and numbers: no error
	return frame
}

// Ping implements private.Stream: the venue cuts who is silent for 20s or so.
func (stream) Ping() []byte { return []byte(`{"op":"ping"}`) }

// Take implements private.Stream.
func (s stream) Take(frame []byte, _ time.Time) (t private.Taken) {
	var m message
	switch err := json.Unmarshal(frame, &m); {
	case err != nil:
		t.End = errNonsense
	case m.Op == "":
		t.Event = slices.Contains(topics, m.Topic)
	case m.Op != "auth" && m.Op != "subscribe": // an answer to a ping
	case m.Success == nil || !*m.Success:
		t.End = s.refused(m)
	case m.Op == "auth":
		args := make([]any, len(topics))
		for i, topic := range topics {
			args[i] = topic
		}
		t.Send = [][]byte{request("subscribe", args...)}
	default:
		t.Ready = true
	}
	return t
}

// refused says what a no means. A login is refused for the key, unless the
// venue says that it is something else.
func (s stream) refused(m message) *private.Failure {
	f := s.failed(private.Answer{What: m.Op + " at the stream"}, m.Code, m.Text+m.Message)
	if m.Code == 0 {
		f.Kind = private.Unclear
		if m.Op == "auth" {
			f.Kind = private.Denied
			s.Clock.Distrust() // or for the time that it is signed for
		}
	}
	return f
}

// Tell implements private.Stream.
func (s stream) Tell(ctx context.Context, frame []byte, to *private.Delivery) error {
	var m message
	if json.Unmarshal(frame, &m) != nil {
		return errNonsense
	}
	switch m.Topic {
	case "order":
		return each(m, func(o order) error { return s.ordered(o, to) })
	case "execution":
		return each(m, func(t trade) error { return s.executed(ctx, t, to) })
	case "wallet":
		return each(m, func(w wallet) error { return s.changed(ctx, w, m.Created, to) })
	}
	return each(m, func(p position) error { return s.moved(ctx, p, to) })
}

// each takes the elements of an event.
func each[T any](m message, take func(T) error) error {
	var all []T
	if json.Unmarshal(m.Data, &all) != nil || all == nil {
		return fmt.Errorf("%w: an event of %s", errNonsense, m.Topic)
	}
	for _, element := range all {
		if err := take(element); err != nil {
			return fmt.Errorf("an event of %s: %w", m.Topic, err)
		}
	}
	return nil
}

// other tells whether a category is one that is not traded here.
func (c category) other() bool { return c == "inverse" || c == "option" }

func (s stream) ordered(o order, to *private.Delivery) error {
	if o.Category.other() {
		return nil
	}
	report, err := s.report(o)
	if err != nil {
		return err
	}
	to.Order(report)
	to.Recount() // what it holds back is not always told
	return nil
}

func (s stream) executed(ctx context.Context, t trade, to *private.Delivery) error {
	if t.Category.other() || !t.traded() {
		return nil
	}
	f, err := s.fill(t)
	if err != nil {
		return err
	}
	return to.Fill(ctx, f)
}

func (s stream) changed(ctx context.Context, w wallet, created int64, to *private.Delivery) error {
	if w.Kind != "" && w.Kind != unified {
		return nil
	}
	at, err := millis("creationTime", strconv.FormatInt(created, 10))
	if err != nil {
		return err
	}
	for _, c := range w.Coins {
		b, err := c.balance()
		if err != nil {
			return err
		}
		s.mu.Lock()
		s.coins[b.Currency] = true
		s.mu.Unlock()
		b.Time = at
		to.Balance(ctx, b)
	}
	to.Recount()
	return nil
}

func (s stream) moved(ctx context.Context, p position, to *private.Delivery) error {
	if p.Category.other() {
		return nil
	}
	if p.Category != linear {
		return errors.New("it is of no category that has positions")
	}
	told, err := p.position()
	if err != nil {
		return err
	}
	s.keep(told)
	return to.Position(ctx, told)
}
