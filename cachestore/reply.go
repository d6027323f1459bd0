package cachestore

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

var errReply = errors.New("a reply of another type")

// reply reads what Redis answered to one caller's commands, one element after
// the other, as it came over the wire (RESP). To make strings of it first, and
// lists of those, is most of what a read would cost otherwise. The first error
// stays, and nothing is read after it.
//
// What it gives out is part of a buffer that is used again: nothing may keep it
// beyond release.
type reply struct {
	rest   []byte
	shared []byte // the replies to what may be several callers'
	err    error
	from   *flight // whose buffer it is; nil: nobody else's
}

// release gives the buffer back; it is to be called once, after the last use.
func (r *reply) release() {
	if r.from != nil {
		r.from.release()
	}
}

// refused is an error that Redis answered with.
type refused string

func (e refused) Error() string { return string(e) }

// RedisError makes it one of the library's errors.
func (refused) RedisError() {}

// refusal is the error that the next element is, nil if it is none.
func (r *reply) refusal() error {
	if len(r.rest) == 0 || r.rest[0] != '-' {
		return nil
	}
	line, _, _ := bytes.Cut(r.rest[1:], []byte(crlf))
	return refused(line)
}

const crlf = "\r\n"

// head reads the first line of an element: its kind, and its number or how many
// bytes or elements follow; -1 is for nothing at all.
func (r *reply) head() (kind byte, n int) {
	if r.err != nil {
		return 0, -1
	}
	line, negative := r.rest, false
	for i := 1; i < len(line); i++ {
		switch c := line[i]; {
		case '0' <= c && c <= '9':
			n = 10*n + int(c-'0')
		case c == '-' && i == 1:
			negative = true
		case c == '\r' && i+1 < len(line):
			r.rest = line[i+2:]
			if negative {
				n = -n
			}
			return line[0], n
		default:
			i = len(line)
		}
	}
	if r.err = r.refusal(); r.err == nil {
		r.err = errReply
	}
	return 0, -1
}

// list reads how many elements follow.
func (r *reply) list() int {
	kind, n := r.head()
	if kind != '*' {
		r.fail()
	}
	return max(0, n)
}

// bytes reads a text; false: there is none.
func (r *reply) bytes() ([]byte, bool) {
	kind, n := r.head()
	switch {
	case n < 0 && (kind == '$' || kind == '*'):
		return nil, false
	case kind != '$' || n+len(crlf) > len(r.rest):
		r.fail()
		return nil, false
	}
	text := r.rest[:n:n]
	r.rest = r.rest[n+len(crlf):]
	return text, true
}

// text reads a text that may be kept; empty: there is none.
func (r *reply) text() string {
	text, _ := r.bytes()
	return string(text)
}

// next passes texts and gives them as they came; nothing, which is no text, from
// the first element on that is none.
func (r *reply) next(texts int) []byte {
	start := r.rest
	for range texts {
		r.bytes()
	}
	if r.err != nil {
		return nil
	}
	return start[:len(start)-len(r.rest)]
}

func (r *reply) number() int64 {
	kind, n := r.head()
	if kind != ':' {
		r.fail()
	}
	return int64(n)
}

func (r *reply) fail() {
	if r.err == nil {
		r.err = errReply
	}
}

// checkpoint is the text of the one that the answer is of, the first of what is
// shared.
func (r *reply) checkpoint() string {
	shared := reply{rest: r.shared}
	text := shared.text()
	r.shared, r.err = shared.rest, shared.err
	return text
}

// sharedNumber is the next of what is shared.
func (r *reply) sharedNumber() int64 {
	shared := reply{rest: r.shared, err: r.err}
	n := shared.number()
	r.shared, r.err = shared.rest, shared.err
	return n
}

// moment is Redis's time that the answer is of.
func (r *reply) moment() time.Time {
	shared := reply{rest: r.shared}
	shared.list()
	seconds, micros := shared.integer(), shared.integer()
	r.err = shared.err
	return time.Unix(seconds, 1000*micros).UTC()
}

// integer reads a number that came as a text.
func (r *reply) integer() int64 {
	text, _ := r.bytes()
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		r.fail()
	}
	return n
}

// pairs makes a map of alternating names and values; nil when there are none.
func (r *reply) pairs() map[string]string {
	n := r.list()
	if n < 2 {
		return nil
	}
	out := make(map[string]string, n/2)
	for range n / 2 {
		name := r.text()
		out[name] = r.text()
	}
	return out
}

// appendReply writes a reply as it would have come. An error says that there is
// none.
func appendReply(to []byte, cmd *redis.Cmd) ([]byte, error) {
	value, err := cmd.Result()
	var known redis.Error
	switch {
	case err == redis.Nil:
		value = nil
	case errors.As(err, &known):
		value = known
	case err != nil:
		return to, err
	}
	return appendValue(to, value)
}

func appendValue(to []byte, value any) (_ []byte, err error) {
	switch v := value.(type) {
	case nil:
		to = append(to, "$-1\r\n"...)
	case string:
		to = append(append(appendHead(to, '$', len(v)), v...), crlf...)
	case int64:
		to = appendHead(to, ':', int(v))
	case error:
		to = append(append(append(to, '-'), v.Error()...), crlf...)
	case []any:
		to = appendHead(to, '*', len(v))
		for _, element := range v {
			if to, err = appendValue(to, element); err != nil {
				return to, err
			}
		}
	case map[any]any:
		to = appendHead(to, '*', 2*len(v))
		for name, element := range v {
			for _, part := range []any{name, element} {
				if to, err = appendValue(to, part); err != nil {
					return to, err
				}
			}
		}
	default:
		return to, fmt.Errorf("%w: %T", errReply, value)
	}
	return to, nil
}
