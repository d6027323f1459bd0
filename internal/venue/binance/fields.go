package binance

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unsafe"

	"github.com/valyala/fastjson"

	"github.com/fullon/fullon/domain"
)

var errMalformed = errors.New("malformed message")

// fields reads the members of a JSON object strictly. The first member that is
// missing or of the wrong type sets err, and every read after that yields zero.
//
// The numbers' text is checked here, because the parser takes more for a
// number than JSON does.
type fields struct {
	object *fastjson.Object
	now    time.Time
	err    error

	scratch []byte // for the text of numbers
}

func (f *fields) fail(key, want string) {
	if f.err == nil {
		f.err = fmt.Errorf("%w: %q is not %s", errMalformed, key, want)
	}
}

// get returns a member of the given type; nil, with err set, without one.
func (f *fields) get(key string, want fastjson.Type) *fastjson.Value {
	if f.err != nil {
		return nil
	}
	v := f.object.Get(key)
	if v == nil || v.Type() != want {
		f.fail(key, want.String())
		return nil
	}
	return v
}

// text returns a string that the next parse overwrites.
func (f *fields) text(key string) string {
	v := f.get(key, fastjson.TypeString)
	if v == nil {
		return ""
	}
	b, _ := v.StringBytes() // of type string: no error
	return view(b)
}

// decimal reads a price or a size, which the venue sends as text.
func (f *fields) decimal(key string) domain.Decimal {
	text := f.text(key)
	if f.err != nil {
		return domain.Decimal{}
	}
	d, err := domain.ParseUnsigned(key, text)
	if err != nil {
		// Once more on a copy: the error keeps the text.
		_, err = domain.ParseUnsigned(key, strings.Clone(text))
		f.err = fmt.Errorf("%w: %w", errMalformed, err)
	}
	return d
}

// integer reads a number without sign, point, exponent or leading zeros that
// fits 63 bits.
func (f *fields) integer(key string) uint64 {
	v := f.get(key, fastjson.TypeNumber)
	if v == nil {
		return 0
	}
	f.scratch = v.MarshalTo(f.scratch[:0])
	n, ok := parseInteger(f.scratch)
	if !ok {
		f.fail(key, "an integer")
	}
	return n
}

// number is integer for what must be more than zero.
func (f *fields) number(key string) uint64 {
	n := f.integer(key)
	if n == 0 {
		f.fail(key, "a positive integer")
	}
	return n
}

// millis reads a unix time in milliseconds, not far ahead of our clock.
func (f *fields) millis(key string) int64 {
	ms := int64(f.number(key)) // fits: see integer
	if f.err == nil && ms > f.now.Add(maxAhead).UnixMilli() {
		f.fail(key, "a time up to now")
	}
	return ms
}

func (f *fields) flag(key string) bool {
	if f.err != nil {
		return false
	}
	v := f.object.Get(key)
	switch {
	case v != nil && v.Type() == fastjson.TypeTrue:
		return true
	case v == nil || v.Type() != fastjson.TypeFalse:
		f.fail(key, "a boolean")
	}
	return false
}

// has tells whether there is a member of that name and type, without failing.
func (f *fields) has(key string, want fastjson.Type) bool {
	v := f.object.Get(key)
	return v != nil && v.Type() == want
}

func parseInteger(text []byte) (uint64, bool) {
	if len(text) == 0 || len(text) > 19 || (text[0] == '0' && len(text) > 1) {
		return 0, false
	}
	var n uint64
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, n <= math.MaxInt64
}

// view is the text of b without a copy, for use while b does not change.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
