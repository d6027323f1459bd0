// Package streamproto holds the control messages of Binance's public
// WebSocket as a server sees them: what a client asks for, by URL or by
// message, and how it is answered.
//
// Facts from Binance's published "WebSocket Streams" and from reported
// behaviour: a stream of a symbol that does not exist is accepted and stays
// silent; a name that has not the form of a stream is refused with code 2,
// "Invalid request: invalid stream"; more than MaxStreams with code 4.
package streamproto

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// MaxStreams is how many streams one connection may have.
const MaxStreams = 1024

// The methods of a request.
const (
	Subscribe   = "SUBSCRIBE"
	Unsubscribe = "UNSUBSCRIBE"
	List        = "LIST_SUBSCRIPTIONS"
	SetProperty = "SET_PROPERTY"
	GetProperty = "GET_PROPERTY"
)

// Request is one control message.
type Request struct {
	Method   string
	ID       json.RawMessage // an integer, a string of at most 36 bytes, or null
	Streams  []string        // of Subscribe and Unsubscribe
	Combined bool            // the value SetProperty sets
}

// Error is what a refused request is answered with.
type Error struct {
	Code int    `json:"code"`
	Msg  string `json:"msg"`
}

func (e *Error) Error() string { return fmt.Sprintf("code %d: %s", e.Code, e.Msg) }

var (
	null       = json.RawMessage("null")
	integer    = regexp.MustCompile(`^-?[0-9]{1,19}$`)
	alphanum   = regexp.MustCompile(`^"[A-Za-z0-9_-]{0,36}"$`)
	streamForm = regexp.MustCompile(`^(!|[^@\s!/]+@)[A-Za-z0-9_]+(@[A-Za-z0-9_]+)*$`)
)

// ErrTooManyStreams refuses a subscription that would exceed MaxStreams.
var ErrTooManyStreams = &Error{Code: 4, Msg: "Too many subscriptions"}

func invalid(what string) *Error { return &Error{Code: 2, Msg: "Invalid request: " + what} }

// Parse reads a control message. The error is an *Error; the Request's ID is
// set even then, null when there is none that can be used.
func Parse(data []byte) (Request, error) {
	req := Request{ID: null}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			line, column := place(data, syntax.Offset)
			return req, &Error{Code: 3, Msg: fmt.Sprintf("Invalid JSON: expected value at line %d column %d", line, column)}
		}
		return req, invalid("expected an object")
	}
	id, has := fields["id"]
	switch {
	case !has, !bytes.Equal(id, null) && !integer.Match(id) && !alphanum.Match(id):
		return req, invalid("request ID must be an unsigned integer")
	}
	req.ID = id
	if _, has := fields["method"]; !has {
		return req, invalid(fmt.Sprintf("missing field `method` at line 1 column %d", len(data)))
	}
	if err := json.Unmarshal(fields["method"], &req.Method); err != nil {
		return req, invalid("method must be a string")
	}
	switch req.Method {
	case Subscribe, Unsubscribe:
		return req, req.readStreams(fields["params"])
	case SetProperty, GetProperty:
		return req, req.readProperty(fields["params"])
	case List:
		return req, nil
	}
	return req, invalid(fmt.Sprintf("unknown variant `%s`, expected one of `%s`, `%s`, `%s`, `%s`, `%s`",
		req.Method, Subscribe, Unsubscribe, List, SetProperty, GetProperty))
}

func (r *Request) readStreams(params json.RawMessage) error {
	if err := json.Unmarshal(params, &r.Streams); err != nil || r.Streams == nil {
		return invalid("params must be an array of strings")
	}
	for _, name := range r.Streams {
		if !streamForm.MatchString(name) {
			return invalid("invalid stream")
		}
	}
	return nil
}

func (r *Request) readProperty(params json.RawMessage) error {
	want := 1
	if r.Method == SetProperty {
		want = 2
	}
	var values []json.RawMessage
	var name string
	if json.Unmarshal(params, &values) != nil || len(values) == 0 || json.Unmarshal(values[0], &name) != nil {
		return invalid("property name must be a string")
	}
	switch {
	case len(values) > want:
		return invalid("too many parameters")
	case name != "combined":
		return &Error{Code: 0, Msg: "Unknown property"}
	case want == 2 && (len(values) < 2 || json.Unmarshal(values[1], &r.Combined) != nil):
		return &Error{Code: 1, Msg: "Invalid value type: expected Boolean"}
	}
	return nil
}

func place(data []byte, offset int64) (line, column int) {
	before := data[:min(int64(len(data)), max(0, offset))]
	line = bytes.Count(before, []byte{'\n'}) + 1
	return line, len(before) - (bytes.LastIndexByte(before, '\n') + 1)
}

// Result answers a request that was done; result is null, a bool or stream names.
func Result(id json.RawMessage, result any) []byte {
	body, err := json.Marshal(result)
	if err != nil {
		body = null // only for a type that Result's contract excludes
	}
	return fmt.Appendf(nil, `{"result":%s,"id":%s}`, body, id)
}

// Refusal answers a request that was not done.
func Refusal(id json.RawMessage, err error) []byte {
	var e *Error
	if !errors.As(err, &e) {
		e = invalid(err.Error())
	}
	msg, _ := json.Marshal(e.Msg) // a string always encodes
	return fmt.Appendf(nil, `{"error":{"code":%d,"msg":%s},"id":%s}`, e.Code, msg, id)
}

// FromURL reads what the URL of a connection asks for: /ws, /ws/a/b, /stream
// and /stream?streams=a/b. ok is false for any other path.
func FromURL(u *url.URL) (streams []string, combined, ok bool) {
	path := strings.TrimSuffix(u.Path, "/")
	switch {
	case path == "/ws":
		return nil, false, true
	case strings.HasPrefix(path, "/ws/"):
		return split(strings.TrimPrefix(path, "/ws/")), false, true
	case path == "/stream":
		return split(u.Query().Get("streams")), true, true
	}
	return nil, false, false
}

func split(names string) []string {
	return strings.FieldsFunc(names, func(r rune) bool { return r == '/' })
}

// Wrap is the form that combined connections get a payload in.
func Wrap(stream string, payload []byte) []byte {
	b := make([]byte, 0, len(stream)+len(payload)+22)
	b = append(b, `{"stream":"`...)
	b = append(b, stream...)
	b = append(b, `","data":`...)
	b = append(b, payload...)
	return append(b, '}')
}
