package gateway

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"

	"github.com/coder/websocket"
	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"

	"github.com/fullon/fullon/domain"
)

// codec is one of the two ways in which messages are written. It has no state.
type codec interface {
	// frame is the kind of WebSocket message that it fills.
	frame() websocket.MessageType
	// object decodes the fields of an object; the error says why it is none.
	object(data []byte) (map[string][]byte, error)
	// text reads a field that is a string.
	text(raw []byte) (string, error)
	// decode reads a value; strict refuses fields that it has no place for.
	decode(raw []byte, into any, strict bool) error
	encode(v any) ([]byte, error)
	// fields encodes a struct without what makes an object of it, so that more
	// fields can be put in front.
	fields(v any) (raw []byte, n int, err error)
	// begin appends the beginning of an object of n fields, which follow; end its end.
	begin(b []byte, n int) []byte
	// key appends the name of a field, value its value and, unless it is the last
	// one, what separates it from the next. A value is a bool, a uint64, a string
	// of plain letters, or encoded.
	key(b []byte, name string) []byte
	value(b []byte, value any, last bool) []byte
	end(b []byte) []byte
}

func codecOf(t websocket.MessageType) codec {
	if t == websocket.MessageBinary {
		return msgpackCodec{}
	}
	return jsonCodec{}
}

var errNoObject = errors.New("a message is an object")

type jsonCodec struct{}

func (jsonCodec) frame() websocket.MessageType { return websocket.MessageText }

func (jsonCodec) object(data []byte) (map[string][]byte, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return nil, errNoObject
		}
		return nil, err
	}
	if raw == nil {
		return nil, errNoObject // null
	}
	fields := make(map[string][]byte, len(raw))
	for name, value := range raw {
		fields[name] = value
	}
	return fields, nil
}

func (jsonCodec) text(raw []byte) (s string, err error) {
	err = json.Unmarshal(raw, &s)
	return s, err
}

func (jsonCodec) decode(raw []byte, into any, strict bool) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	if strict {
		d.DisallowUnknownFields()
	}
	err := d.Decode(into)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return domain.Invalid(wrong.Field, wrong.Value, nameOfType(wrong.Type))
	}
	if err != nil {
		if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
			return domain.Invalid("params", strings.Trim(name, `"`), "the parameters of the operation")
		}
	}
	return err
}

func (jsonCodec) encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

func (c jsonCodec) fields(v any) ([]byte, int, error) {
	raw, err := c.encode(v)
	if err != nil {
		return nil, 0, err
	}
	raw = raw[1 : len(raw)-1]
	return raw, min(1, len(raw)), nil // how many does not matter, but whether there is one
}

func (jsonCodec) begin(b []byte, _ int) []byte { return append(b, '{') }
func (jsonCodec) end(b []byte) []byte          { return append(b, '}') }

func (jsonCodec) key(b []byte, name string) []byte {
	return append(append(append(b, '"'), name...), '"', ':')
}

func (jsonCodec) value(b []byte, value any, last bool) []byte {
	switch v := value.(type) {
	case bool:
		b = strconv.AppendBool(b, v)
	case uint64:
		b = strconv.AppendUint(b, v, 10)
	case string:
		b = append(append(append(b, '"'), v...), '"')
	case encoded:
		b = append(b, v.orNull("null")...)
	}
	if !last {
		b = append(b, ',')
	}
	return b
}

type msgpackCodec struct{}

func (msgpackCodec) frame() websocket.MessageType { return websocket.MessageBinary }

func (msgpackCodec) object(data []byte) (map[string][]byte, error) {
	d := msgpack.NewDecoder(bytes.NewReader(data))
	n, err := d.DecodeMapLen()
	if err != nil || n < 0 {
		return nil, errNoObject
	}
	fields := make(map[string][]byte)
	for range n {
		name, err := d.DecodeString()
		if err != nil {
			return nil, fmt.Errorf("names of fields are strings: %w", err)
		}
		if fields[name], err = d.DecodeRaw(); err != nil {
			return nil, err
		}
	}
	if _, err := d.PeekCode(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the message")
	}
	return fields, nil
}

func (msgpackCodec) text(raw []byte) (s string, err error) {
	err = msgpack.Unmarshal(raw, &s)
	return s, err
}

func (msgpackCodec) decode(raw []byte, into any, strict bool) error {
	d := msgpack.NewDecoder(bytes.NewReader(raw))
	d.SetCustomStructTag("json")
	d.DisallowUnknownFields(strict)
	err := d.Decode(into)
	if err != nil && !errors.Is(err, domain.ErrInvalid) {
		return domain.Invalid("params", domain.Shorten(err.Error(), 100), "the parameters of the operation, by name")
	}
	return err
}

func (msgpackCodec) encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := msgpack.NewEncoder(&b)
	e.SetCustomStructTag("json")
	e.UseCompactInts(true)
	err := e.Encode(v)
	return b.Bytes(), err
}

func (c msgpackCodec) fields(v any) ([]byte, int, error) {
	raw, err := c.encode(v)
	if err != nil {
		return nil, 0, err
	}
	r := bytes.NewReader(raw)
	n, err := msgpack.NewDecoder(r).DecodeMapLen()
	return raw[len(raw)-r.Len():], n, err
}

func (msgpackCodec) begin(b []byte, n int) []byte {
	if n < 16 {
		return append(b, 0x80|byte(n)) //nolint:gosec // below 16
	}
	return append(b, 0xde, byte(n>>8), byte(n)) //nolint:gosec // messages have few fields
}
func (msgpackCodec) end(b []byte) []byte { return b }

func (c msgpackCodec) key(b []byte, name string) []byte { return c.value(b, name, true) }

func (msgpackCodec) value(b []byte, value any, _ bool) []byte {
	switch v := value.(type) {
	case bool:
		if v {
			return append(b, msgpcode.True)
		}
		return append(b, msgpcode.False)
	case uint64:
		return binary.BigEndian.AppendUint64(append(b, msgpcode.Uint64), v)
	case string:
		return append(append(b, msgpcode.Str8, byte(len(v))), v...) //nolint:gosec // names are short
	case encoded:
		return append(b, v.orNull("\xc0")...)
	}
	return b
}

// encoded is a value that is written as it is; empty: null.
type encoded []byte

func (e encoded) orNull(null string) []byte {
	if len(e) == 0 {
		return []byte(null)
	}
	return e
}

// MarshalJSON implements json.Marshaler.
func (e encoded) MarshalJSON() ([]byte, error) { return e.orNull("null"), nil }

// EncodeMsgpack implements msgpack.CustomEncoder.
func (e encoded) EncodeMsgpack(enc *msgpack.Encoder) error {
	return enc.Encode(msgpack.RawMessage(e.orNull("\xc0")))
}

// nameOfType is what a type of a parameter is called.
func nameOfType(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a text"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number"
	}
	return "a number"
}
