package gateway

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"

	"github.com/fullon/fullon/domain"
)

// Number is a decimal of the protocol: a JSON number with all its digits, a
// string in msgpack. It reads numbers and strings of both.
type Number struct{ domain.Decimal }

// known is a number that is null when it is zero.
func known(d domain.Decimal) *Number {
	if d.IsZero() {
		return nil
	}
	return &Number{d}
}

// told is the first of the numbers that a client gave; zero when it gave none.
func told(numbers ...*Number) domain.Decimal {
	for _, n := range numbers {
		if n != nil {
			return n.Decimal
		}
	}
	return domain.Decimal{}
}

// MarshalJSON implements json.Marshaler.
func (n Number) MarshalJSON() ([]byte, error) { return []byte(n.String()), nil }

// UnmarshalJSON implements json.Unmarshaler.
func (n *Number) UnmarshalJSON(text []byte) (err error) {
	s := string(text)
	if s == "null" {
		return nil
	}
	if s[0] == '"' {
		if err := json.Unmarshal(text, &s); err != nil {
			return err
		}
	}
	n.Decimal, err = parseNumber(s)
	return err
}

// EncodeMsgpack implements msgpack.CustomEncoder.
func (n Number) EncodeMsgpack(e *msgpack.Encoder) error { return e.EncodeString(n.String()) }

// DecodeMsgpack implements msgpack.CustomDecoder.
func (n *Number) DecodeMsgpack(d *msgpack.Decoder) error {
	s, err := scalar(d)
	if err != nil || s == "" {
		return err
	}
	n.Decimal, err = parseNumber(s)
	return err
}

// parseNumber reads a decimal as programs write it, 1e-05 too.
func parseNumber(text string) (domain.Decimal, error) {
	mantissa, exponent, scientific := strings.Cut(strings.ToLower(text), "e")
	if !scientific {
		return domain.ParseDecimal("number", text)
	}
	by, err := strconv.Atoi(exponent)
	negative := strings.HasPrefix(mantissa, "-")
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(mantissa, "-"), ".")
	if err != nil || by < -64 || by > 64 || !domain.IsDecimal(mantissa) {
		return domain.Decimal{}, domain.Invalid("number", text, "a decimal number")
	}
	digits, point := whole+fraction, len(whole)+by
	if point <= 0 {
		digits, point = strings.Repeat("0", 1-point)+digits, 1
	}
	if point > len(digits) {
		digits += strings.Repeat("0", point-len(digits))
	}
	out := strings.TrimLeft(digits[:point], "0")
	if out == "" {
		out = "0"
	}
	if rest := strings.TrimRight(digits[point:], "0"); rest != "" {
		out += "." + rest
	}
	if negative {
		out = "-" + out
	}
	return domain.ParseDecimal("number", out)
}

// Time is a time of the protocol: seconds since 1970. The zero time is null.
type Time struct{ time.Time }

// MarshalJSON implements json.Marshaler.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return appendSeconds(nil, t.Time), nil
}

// appendSeconds writes a time to the microsecond, which a float64 can tell.
func appendSeconds(b []byte, t time.Time) []byte {
	us := t.UnixMicro()
	b = strconv.AppendInt(b, us/1e6, 10)
	if part := us % 1e6; part > 0 {
		b = append(b, '.')
		for unit := int64(1e5); part > 0; unit /= 10 {
			b = append(b, byte('0'+part/unit)) //nolint:gosec // a digit
			part %= unit
		}
	}
	return b
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *Time) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	return t.parse(strings.Trim(string(text), `"`))
}

// EncodeMsgpack implements msgpack.CustomEncoder.
func (t Time) EncodeMsgpack(e *msgpack.Encoder) error {
	if t.IsZero() {
		return e.EncodeNil()
	}
	return e.EncodeFloat64(float64(t.UnixMicro()) / 1e6)
}

// DecodeMsgpack implements msgpack.CustomDecoder.
func (t *Time) DecodeMsgpack(d *msgpack.Decoder) error {
	s, err := scalar(d)
	if err != nil || s == "" {
		return err
	}
	return t.parse(s)
}

// lastSecond is the last one that unix nanoseconds can tell.
const lastSecond = math.MaxInt64 / 1e9

func (t *Time) parse(text string) error {
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		t.Time = at.UTC()
		return nil
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || !(seconds >= 0 && seconds < lastSecond) {
		return domain.Invalid("time", text, "seconds since 1970, or a text as in 2026-01-31T12:00:00Z")
	}
	whole, part := math.Modf(seconds)
	t.Time = time.Unix(int64(whole), int64(math.Round(part*1e6))*1e3).UTC()
	return nil
}

// ID is a name that may also be written as a whole number: a bot, an account, an
// order.
type ID string

// UnmarshalJSON implements json.Unmarshaler.
func (id *ID) UnmarshalJSON(text []byte) error {
	s := string(text)
	switch {
	case s == "null":
		return nil
	case s[0] == '"':
		if err := json.Unmarshal(text, &s); err != nil {
			return err
		}
	case strings.Trim(s, "-0123456789") != "":
		return domain.Invalid("id", s, "a text or a whole number")
	}
	*id = ID(s)
	return nil
}

// DecodeMsgpack implements msgpack.CustomDecoder.
func (id *ID) DecodeMsgpack(d *msgpack.Decoder) error {
	s, err := scalar(d)
	*id = ID(s)
	return err
}

// scalar reads a text or a number as text; null is empty.
func scalar(d *msgpack.Decoder) (string, error) {
	code, err := d.PeekCode()
	if err != nil {
		return "", err
	}
	if code == msgpcode.Nil {
		return "", d.DecodeNil()
	}
	if msgpcode.IsString(code) {
		return d.DecodeString()
	}
	if code == msgpcode.Float || code == msgpcode.Double {
		f, err := d.DecodeFloat64()
		return strconv.FormatFloat(f, 'f', -1, 64), err
	}
	if code == msgpcode.Uint64 {
		n, err := d.DecodeUint64()
		return strconv.FormatUint(n, 10), err
	}
	n, err := d.DecodeInt64()
	return strconv.FormatInt(n, 10), err
}
