// Package frame reads the JSON frames of venues: strictly, so that what is not
// as the protocol says is refused and not taken for zero, without float64, and
// without an allocation for a frame that is as it should be.
package frame

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fastjson"
)

// ErrTooLong says that a frame is longer than any that is asked for.
var ErrTooLong = fmt.Errorf("%w: longer than any the venue has", ErrMalformed)

var errNoObject = fmt.Errorf("%w: not an object", ErrMalformed)

// Reader parses one frame after the other. It is not safe for concurrent use.
type Reader struct {
	// MaxBytes bounds what is parsed; zero: 64 KiB. The parser's cost for a
	// malformed frame grows with its length times its depth.
	MaxBytes int

	parser fastjson.Parser
	fields Fields
}

// Read parses a frame that must be an object. The fields, and all text read
// from them, last until the next Read. The error matches ErrMalformed.
func (r *Reader) Read(frame []byte, received time.Time) (*Fields, error) {
	most := r.MaxBytes
	if most == 0 {
		most = 64 << 10
	}
	if len(frame) > most {
		return nil, ErrTooLong
	}
	root, err := r.parser.ParseBytes(frame) // bounds the depth
	if err == nil {
		err = fastjson.ValidateBytes(frame) // the parser alone is lenient
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %.200s", ErrMalformed, err.Error())
	}
	object, err := root.Object()
	if err != nil {
		return nil, errNoObject
	}
	r.fields = Fields{Object: object, Now: received, scratch: r.fields.scratch, texts: r.fields.texts}
	return &r.fields, nil
}

// maxExponent bounds the digits that expand makes; more would be refused as a
// decimal anyway.
const maxExponent = 40

var errExponent = errors.New("exponent out of bounds")

// expand writes a JSON number without its exponent. What cannot be written
// that way is returned as it is, for the parser of decimals to refuse.
func expand(text string) string {
	plain, err := withoutExponent(text)
	if err != nil {
		return text
	}
	return plain
}

func withoutExponent(text string) (string, error) {
	mantissa, power, _ := strings.Cut(strings.ToLower(text), "e")
	exponent, err := strconv.Atoi(power)
	if err != nil || exponent < -maxExponent || exponent > maxExponent {
		return "", errExponent
	}
	sign := ""
	if strings.HasPrefix(mantissa, "-") {
		sign, mantissa = "-", mantissa[1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	for ; exponent > 0; exponent-- {
		if fraction == "" {
			fraction = "0"
		}
		whole, fraction = whole+fraction[:1], fraction[1:]
	}
	for ; exponent < 0; exponent++ {
		if whole == "" {
			whole = "0"
		}
		whole, fraction = whole[:len(whole)-1], whole[len(whole)-1:]+fraction
	}
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	if fraction = strings.TrimRight(fraction, "0"); fraction != "" {
		return sign + whole + "." + fraction, nil
	}
	return sign + whole, nil
}
