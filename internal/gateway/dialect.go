package gateway

import (
	"strings"
	"time"
)

// dialect is how messages are laid out, whatever they are about.
type dialect interface {
	// verb is the field that names the operation.
	verb() string
	// strict tells whether parameters that an operation does not know are refused.
	strict() bool
	// tellsLive tells whether the end of a snapshot is told.
	tellsLive() bool
	// lenient tells whether asking for what is not there is answered with nulls, where an operation has them.
	lenient() bool
	answer(r *request, result any, now time.Time) any
	failure(r *request, err error, now time.Time) any
	confirmation(r *request, key string) any
	frame(b []byte, s *subscription, q queued, shared *body) []byte
}

// plain is the dialect of / and /ws: one socket for everything.
type plain struct{}

func (plain) verb() string    { return "operation" }
func (plain) strict() bool    { return true }
func (plain) tellsLive() bool { return true }
func (plain) lenient() bool   { return true }

// Answer is a result in the dialect of / and /ws.
type Answer struct {
	RequestID encoded `json:"request_id"`
	Success   bool    `json:"success"`
	Result    any     `json:"result"`
	Error     *string `json:"error"`
	ErrorCode *string `json:"error_code"`
	Timestamp Time    `json:"timestamp"`
	LatencyMs float64 `json:"latency_ms"`
}

func (plain) answer(r *request, result any, now time.Time) any {
	return Answer{r.id, true, result, nil, nil, Time{now}, float64(now.Sub(r.received).Microseconds()) / 1000}
}

func (plain) failure(r *request, err error, now time.Time) any {
	code, text := codeOf(err), textOf(err)
	return Answer{r.id, false, nil, &text, &code, Time{now}, float64(now.Sub(r.received).Microseconds()) / 1000}
}

func (d plain) confirmation(r *request, key string) any {
	return d.answer(r, Subscribed{StreamKey: key, Message: "subscribed"}, time.Now())
}

// frame is a flat message: its type, whose it is, and its fields.
func (plain) frame(b []byte, s *subscription, q queued, shared *body) []byte {
	n := 2 + shared.n
	if q.snapshot {
		n++
	}
	if q.update.seq > 0 {
		n++
	}
	b = s.codec.begin(b, n)
	b = s.field(b, "type", q.update.name, false)
	b = s.marks(b, q)
	b = s.field(b, "request_id", s.requestID, shared.n == 0)
	return s.codec.end(append(b, shared.fields...))
}

// field writes a field in front of those that all subscriptions share.
func (s *subscription) field(b []byte, name string, value any, last bool) []byte {
	return s.codec.value(s.codec.key(b, name), value, last)
}

// marks writes what says where a message belongs.
func (s *subscription) marks(b []byte, q queued) []byte {
	if q.snapshot {
		b = s.field(b, "snapshot", true, false)
	}
	if q.update.seq > 0 {
		b = s.field(b, "sequence", q.update.seq, false)
	}
	return b
}

// byTopic is the dialect of /ws/<topic>/<connection id>, the Python server's.
type byTopic struct{ connection string }

func (byTopic) verb() string    { return "action" }
func (byTopic) strict() bool    { return false }
func (byTopic) tellsLive() bool { return false }
func (byTopic) lenient() bool   { return false }

// TopicAnswer is a result in the dialect of /ws/<topic>/<connection id>.
type TopicAnswer struct {
	RequestID encoded `json:"request_id"`
	Action    string  `json:"action"`
	Success   bool    `json:"success"`
	Result    any     `json:"result,omitempty"`
	ErrorCode string  `json:"error_code,omitempty"`
	Error     string  `json:"error,omitempty"`
	Message   string  `json:"message,omitempty"`
	StreamKey string  `json:"stream_key,omitempty"`
}

func (byTopic) answer(r *request, result any, _ time.Time) any {
	return TopicAnswer{RequestID: r.id, Action: r.name, Success: true, Result: result}
}

func (byTopic) failure(r *request, err error, _ time.Time) any {
	return TopicAnswer{RequestID: r.id, Action: r.name, ErrorCode: codeOf(err), Error: textOf(err)}
}

func (byTopic) confirmation(r *request, key string) any {
	return TopicAnswer{RequestID: r.id, Action: r.name, Success: true, Message: "Streaming started for " + strings.TrimPrefix(r.name, "stream_"), StreamKey: key}
}

// frame has the fields in a result of their own.
func (byTopic) frame(b []byte, s *subscription, q queued, shared *body) []byte {
	n := 3
	if q.snapshot {
		n++
	}
	if q.update.seq > 0 {
		n++
	}
	b = s.codec.begin(b, n)
	b = s.field(b, "request_id", s.requestID, false)
	b = s.field(b, "action", q.update.name, false)
	b = s.marks(b, q)
	b = s.codec.key(b, "result")
	b = s.codec.begin(b, 1+shared.n)
	b = s.field(b, "stream_key", s.encodedKey, shared.n == 0)
	return s.codec.end(s.codec.end(append(b, shared.fields...)))
}

// Subscribed is the answer to an operation that begins a stream.
type Subscribed struct {
	StreamKey string `json:"stream_key"`
	Message   string `json:"message"`
}
