package domain

import (
	"strings"

	"github.com/quagmt/udecimal"
)

// Decimal is an exact decimal number. The zero value is 0. Its String form is
// canonical: no exponent, no superfluous zeros.
type Decimal = udecimal.Decimal

const (
	// MaxIntegerDigits bounds the digits before the decimal point.
	MaxIntegerDigits = 19
	// MaxFractionDigits bounds the digits after the decimal point.
	MaxFractionDigits = 19

	decimalAllowed = "a decimal number of at most 19 digits before and 19 after the point"
)

// ParseDecimal reads a decimal from a venue's text. It accepts an optional
// minus sign, digits and at most one point; no exponent, no NaN, no infinity,
// at most MaxIntegerDigits before and MaxFractionDigits after the point.
// The error is a *FieldError and matches ErrInvalid.
func ParseDecimal(field, text string) (Decimal, error) {
	// In one pass, for digits that fit into a machine word: nearly all do.
	const most = 19 // characters; any 19 digits fit
	n, first := len(text), 0
	if n > 0 && text[0] == '-' {
		first = 1
	}
	if n > most || n == first {
		return parseLong(field, text)
	}
	var coefficient uint64
	i := first
	for ; i < n && isDigit(text[i]); i++ {
		coefficient = 10*coefficient + uint64(text[i]-'0')
	}
	fraction := 0 // digits behind the point
	if i < n {
		if text[i] != '.' || i == first || i == n-1 {
			return parseLong(field, text)
		}
		fraction = n - 1 - i
		for i++; i < n; i++ {
			if !isDigit(text[i]) {
				return parseLong(field, text)
			}
			coefficient = 10*coefficient + uint64(text[i]-'0')
		}
	}
	d, err := udecimal.NewFromHiLo(first == 1, 0, coefficient, uint8(fraction)) //nolint:gosec // at most 17
	if err != nil {
		return Decimal{}, Invalid(field, text, decimalAllowed)
	}
	return d, nil
}

// parseLong is ParseDecimal for any text.
func parseLong(field, text string) (Decimal, error) {
	if !IsDecimal(text) {
		return Decimal{}, Invalid(field, text, decimalAllowed)
	}
	d, err := udecimal.Parse(text)
	if err != nil {
		return Decimal{}, Invalid(field, text, decimalAllowed)
	}
	return d, nil
}

// ParseUnsigned is ParseDecimal for numbers that cannot be negative: prices,
// sizes, volumes.
func ParseUnsigned(field, text string) (Decimal, error) {
	d, err := ParseDecimal(field, text)
	if err != nil {
		return Decimal{}, err
	}
	if d.IsNeg() {
		return Decimal{}, Invalid(field, text, "zero or more")
	}
	return d, nil
}

// MustDecimal is for constants; it panics where ParseDecimal fails.
func MustDecimal(text string) Decimal {
	d, err := ParseDecimal("decimal", text)
	if err != nil {
		panic(err)
	}
	return d
}

// IsDecimal tells whether ParseDecimal would take the text. It does not
// allocate.
func IsDecimal[T ~string | ~[]byte](text T) bool {
	i, n := 0, len(text)
	if n > 0 && text[0] == '-' {
		i++
	}
	whole := 0
	for ; i < n && isDigit(text[i]); i++ {
		whole++
	}
	if whole == 0 || whole > MaxIntegerDigits {
		return false
	}
	if i == n {
		return true
	}
	if text[i] != '.' {
		return false
	}
	fraction := 0
	for i++; i < n && isDigit(text[i]); i++ {
		fraction++
	}
	return i == n && fraction > 0 && fraction <= MaxFractionDigits
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func nonNegative(field string, d Decimal) error {
	if d.IsNeg() {
		return Invalid(field, d.String(), "zero or more")
	}
	return bounded(field, d)
}

func positive(field string, d Decimal) error {
	if !d.IsPos() {
		return Invalid(field, d.String(), "more than zero")
	}
	return bounded(field, d)
}

// bounded holds decimals that were computed rather than parsed to the bounds
// of ParseDecimal, so that whatever is published can be read back.
func bounded(field string, d Decimal) error {
	if _, hi, lo, _, ok := d.ToHiLo(); ok && hi == 0 && lo < 1e19 {
		return nil // at most 19 digits in all
	}
	text := d.String()
	if !IsDecimal(text) {
		return Invalid(field, abbreviate(text), decimalAllowed)
	}
	return nil
}

func abbreviate(text string) string {
	const limit = 64
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "…"
}
