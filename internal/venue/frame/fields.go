package frame

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

// ErrMalformed says that a frame is not what the venue's protocol promises.
var ErrMalformed = errors.New("malformed message")

// maxAhead is how far ahead of our clock a venue's time may be. One time in
// the far future would keep every later message from being the newest.
const maxAhead = 24 * time.Hour

// Fields reads the members of a JSON object strictly. The first member that is
// missing or of the wrong type sets Err, and every read after that yields zero.
//
// The numbers' text is checked here, because the parser takes more for a
// number than JSON does.
type Fields struct {
	Object *fastjson.Object
	Now    time.Time // when the frame was received
	Err    error

	scratch []byte   // for the text of numbers
	texts   []string // for lists of texts
}

// Fail notes that a member is not what it must be.
func (f *Fields) Fail(key, want string) {
	if f.Err == nil {
		f.Err = fmt.Errorf("%w: %q is not %s", ErrMalformed, key, want)
	}
}

// Get returns a member of the given type; nil, with Err set, without one.
func (f *Fields) Get(key string, want fastjson.Type) *fastjson.Value {
	if f.Err != nil {
		return nil
	}
	v := f.Object.Get(key)
	if v == nil || v.Type() != want {
		f.Fail(key, want.String())
		return nil
	}
	return v
}

// Has tells whether there is a member of that name and type, without failing.
func (f *Fields) Has(key string, want fastjson.Type) bool {
	v := f.Object.Get(key)
	return v != nil && v.Type() == want
}

// Told tells whether there is a member of that name that is not null.
func (f *Fields) Told(key string) bool {
	v := f.Object.Get(key)
	return v != nil && v.Type() != fastjson.TypeNull
}

// Enter goes on with the object that is the member.
func (f *Fields) Enter(key string) {
	if v := f.Get(key, fastjson.TypeObject); v != nil {
		f.Object, _ = v.Object() // of type object: no error
	}
}

// List returns the elements of a member that is a list; Item goes on with one
// of them.
func (f *Fields) List(key string) []*fastjson.Value {
	v := f.Get(key, fastjson.TypeArray)
	if v == nil {
		return nil
	}
	list, _ := v.Array() // of type array: no error
	return list
}

// Item goes on with an element of a list, which must be an object. It reports
// whether that can be read.
func (f *Fields) Item(v *fastjson.Value) bool {
	if f.Err != nil {
		return false
	}
	object, err := v.Object()
	if err != nil {
		f.Fail("element of a list", "an object")
		return false
	}
	f.Object = object
	return true
}

// Text returns a string that the next parse overwrites.
func (f *Fields) Text(key string) string {
	v := f.Get(key, fastjson.TypeString)
	if v == nil {
		return ""
	}
	b, _ := v.StringBytes() // of type string: no error
	return view(b)
}

// Texts reads a list of at least n texts, which some venues send in place of an
// object; key is its name, for errors. The next call overwrites what it returns,
// which is nil if it fails.
func (f *Fields) Texts(key string, v *fastjson.Value, n int) []string {
	if f.Err != nil {
		return nil
	}
	list, err := v.Array()
	if err != nil || len(list) < n {
		f.Fail(key, fmt.Sprintf("a list of %d texts", n))
		return nil
	}
	f.texts = f.texts[:0]
	for _, element := range list {
		b, err := element.StringBytes()
		if err != nil {
			f.Fail(key, fmt.Sprintf("a list of %d texts", n))
			return nil
		}
		f.texts = append(f.texts, view(b))
	}
	return f.texts
}

// Decimal reads a price or a size that the venue sends as text.
func (f *Fields) Decimal(key string) domain.Decimal { return f.DecimalOf(key, f.Text(key)) }

// Level reads a level of a book, an element of the list of that name: a list
// that begins with a price and a size as text.
func (f *Fields) Level(key string, v *fastjson.Value) (price, size domain.Decimal) {
	if f.Err != nil {
		return price, size
	}
	list, err := v.Array()
	if err != nil || len(list) < 2 || list[0].Type() != fastjson.TypeString || list[1].Type() != fastjson.TypeString {
		f.Fail(key, "a list of prices and sizes")
		return price, size
	}
	p, _ := list[0].StringBytes() // of type string: no error
	s, _ := list[1].StringBytes()
	return f.DecimalOf(key, view(p)), f.DecimalOf(key, view(s))
}

// DecimalNumber reads a price or a size that the venue sends as a JSON number,
// from the number's text. An exponent is allowed, as JSON has it.
func (f *Fields) DecimalNumber(key string) domain.Decimal { return f.DecimalOf(key, f.number(key)) }

// SignedNumber is DecimalNumber for what may be negative: a balance, a fee.
func (f *Fields) SignedNumber(key string) domain.Decimal {
	return f.decimal(key, f.number(key), domain.ParseDecimal)
}

// number is the text of a JSON number, without an exponent.
func (f *Fields) number(key string) string {
	v := f.Get(key, fastjson.TypeNumber)
	if v == nil {
		return ""
	}
	f.scratch = v.MarshalTo(f.scratch[:0])
	text := view(f.scratch)
	if strings.ContainsAny(text, "eE") {
		text = expand(text)
	}
	return text
}

// Given is Decimal for a member that may be missing, null or an empty text; ok
// tells whether it is none of these.
func (f *Fields) Given(key string) (n domain.Decimal, ok bool) {
	if !f.Told(key) || f.Text(key) == "" {
		return n, false
	}
	return f.Decimal(key), true
}

// DecimalOf is Decimal for a text that was read already.
func (f *Fields) DecimalOf(key, text string) domain.Decimal {
	return f.decimal(key, text, domain.ParseUnsigned)
}

func (f *Fields) decimal(key, text string, parse func(field, text string) (domain.Decimal, error)) domain.Decimal {
	if f.Err != nil {
		return domain.Decimal{}
	}
	d, err := parse(key, text)
	if err != nil {
		// Once more on a copy: the error keeps the text.
		_, err = parse(key, strings.Clone(text))
		f.Err = fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return d
}

// Integer reads a number without sign, point, exponent or leading zeros that
// fits 63 bits.
func (f *Fields) Integer(key string) uint64 {
	v := f.Get(key, fastjson.TypeNumber)
	if v == nil {
		return 0
	}
	f.scratch = v.MarshalTo(f.scratch[:0])
	n, ok := ParseInteger(f.scratch)
	if !ok {
		f.Fail(key, "an integer")
	}
	return n
}

// Positive is Integer for what must be more than zero.
func (f *Fields) Positive(key string) uint64 {
	n := f.Integer(key)
	if n == 0 {
		f.Fail(key, "a positive integer")
	}
	return n
}

// PositiveText is Positive for an integer that the venue sends as text.
func (f *Fields) PositiveText(key string) uint64 { return f.positiveOf(key, f.Text(key)) }

func (f *Fields) positiveOf(key, text string) uint64 {
	if f.Err != nil {
		return 0
	}
	n, ok := ParseInteger(text)
	if !ok || n == 0 {
		f.Fail(key, "a positive integer")
	}
	return n
}

// Millis reads a unix time in milliseconds, not far ahead of our clock.
func (f *Fields) Millis(key string) time.Time { return f.past(key, int64(f.Positive(key))) }

// MillisText is Millis for a time that the venue sends as text.
func (f *Fields) MillisText(key string) time.Time { return f.MillisOf(key, f.Text(key)) }

// MillisOf is MillisText for a text that was read already.
func (f *Fields) MillisOf(key, text string) time.Time {
	return f.past(key, int64(f.positiveOf(key, text)))
}

// SecondsText reads a unix time in seconds that the venue sends as text.
func (f *Fields) SecondsText(key string) time.Time {
	s := f.PositiveText(key)
	if f.Err == nil && s > uint64(f.Now.Add(maxAhead).Unix()) {
		f.Fail(key, "a time up to now")
		return time.Time{}
	}
	return time.Unix(int64(s), 0).UTC()
}

func (f *Fields) past(key string, ms int64) time.Time {
	if f.Err == nil && ms > f.Now.Add(maxAhead).UnixMilli() {
		f.Fail(key, "a time up to now")
	}
	return time.UnixMilli(ms).UTC()
}

// Time reads a time in the form of RFC 3339, not far ahead of our clock.
func (f *Fields) Time(key string) time.Time {
	text := f.Text(key)
	if f.Err != nil {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || t.Unix() < 0 || t.After(f.Now.Add(maxAhead)) {
		f.Fail(key, "a time up to now")
		return time.Time{}
	}
	return t.UTC()
}

// Flag reads a boolean.
func (f *Fields) Flag(key string) bool {
	if f.Err != nil {
		return false
	}
	v := f.Object.Get(key)
	switch {
	case v != nil && v.Type() == fastjson.TypeTrue:
		return true
	case v == nil || v.Type() != fastjson.TypeFalse:
		f.Fail(key, "a boolean")
	}
	return false
}

// ParseInteger reads digits without leading zeros that fit 63 bits.
func ParseInteger[T ~string | ~[]byte](text T) (uint64, bool) {
	if len(text) == 0 || len(text) > 19 || (text[0] == '0' && len(text) > 1) {
		return 0, false
	}
	var n uint64
	for i := range len(text) {
		c := text[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, n <= math.MaxInt64
}

// view is the text of b without a copy, for use while b does not change.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
