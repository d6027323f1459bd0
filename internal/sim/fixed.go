package sim

import (
	"math/bits"
	"strconv"
	"strings"

	"github.com/fullon/fullon/domain"
)

// unit is one in a fixed.
const unit = 100_000_000

// fixed is an exact decimal in units of 0.00000001, which is how the venue
// prints all its numbers.
type fixed int64

func parseFixed(field, text string) (fixed, error) {
	whole, fraction, _ := strings.Cut(text, ".")
	if !domain.IsDecimal(text) || len(fraction) > 8 {
		return 0, domain.Invalid(field, text, "a decimal number of at most 8 digits after the point")
	}
	n, err := strconv.ParseInt(whole+fraction+"00000000"[len(fraction):], 10, 64)
	if err != nil || n < 0 {
		return 0, domain.Invalid(field, text, "zero to 92233720368")
	}
	return fixed(n), nil
}

// append prints f with eight digits after the point.
func (f fixed) append(b []byte) []byte {
	if f < 0 {
		b = append(b, '-')
		f = -f
	}
	b = strconv.AppendInt(b, int64(f/unit), 10)
	fraction := strconv.AppendInt(make([]byte, 0, 20), int64(f%unit)+unit, 10)
	fraction[0] = '.' // the carried one kept the leading zeros
	return append(b, fraction...)
}

func (f fixed) String() string { return string(f.append(nil)) }

// MarshalJSON prints a string, as the venue does.
func (f fixed) MarshalJSON() ([]byte, error) {
	return append(f.append([]byte{'"'}), '"'), nil
}

func mul(a, b uint64) (hi, lo uint64) { return bits.Mul64(a, b) }

// div is a/b rounded down to eight digits, zero for b ≤ 0 or a negative a.
func div(a, b fixed) fixed {
	if b <= 0 || a < 0 {
		return 0
	}
	hi, lo := mul(uint64(a), unit)
	if hi >= uint64(b) {
		return 0 // exceeds what can be printed; no market gets there
	}
	q, _ := bits.Div64(hi, lo, uint64(b))
	return fixed(q)
}

// percent prints part/whole in percent with three digits after the point.
func percent(part, whole fixed) string {
	sign := ""
	if part < 0 {
		sign, part = "-", -part
	}
	thousandths := int64(div(part, whole)) / 1000 // 1e-8 of one to 1e-3 of a percent
	text := strconv.FormatInt(thousandths%1000+1000, 10)
	return sign + strconv.FormatInt(thousandths/1000, 10) + "." + text[1:]
}
