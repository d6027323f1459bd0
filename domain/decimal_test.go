package domain_test

import (
	"strings"
	"testing"

	"github.com/fullon/fullon/domain"
)

func TestParseDecimalTakesPlainDecimalsExactly(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0": "0", "0.0": "0", "-0": "0", "-0.00": "0", "007": "7", "1.10": "1.1", "-1.5": "-1.5",
		"0.0000000000000000001":                   "0.0000000000000000001",
		"9999999999999999999.9999999999999999999": "9999999999999999999.9999999999999999999",
		"61837.63000000":                          "61837.63",
	} {
		d, err := domain.ParseDecimal("price", text)
		if err != nil || d.String() != want {
			t.Errorf("%q became %v (%v), want %s", text, d, err, want)
		}
	}
}

func TestParseDecimalRefusesEverythingElseAndNamesTheField(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", " ", "-", "+1", "1.", ".5", ".", "-.5", "1e5", "1E-5", "NaN", "nan", "Inf", "-Inf", "Infinity",
		"1,5", "1 ", " 1", "1_000", "0x10", "1.2.3", "--1", "1-", "½", "１", "1\x00", "\xff",
		strings.Repeat("1", 20),                       // one digit too many before the point
		"0." + strings.Repeat("1", 20),                // and behind it
		strings.Repeat("1234567890", 4),               // 40 digits
		"-" + strings.Repeat("9", 20) + ".5",          //
		strings.Repeat("0", 20),                       // leading zeros count
		"1." + strings.Repeat("0", 20),                // trailing ones, too
		strings.Repeat("1", 300),                      // longer than the library takes
		"1" + strings.Repeat("0", 100) + ".000000001", //
	} {
		_, err := domain.ParseDecimal("bid_size", text)
		if err == nil {
			t.Errorf("%q was taken", text)
			continue
		}
		wantField(t, err, "bid_size")
		if domain.IsDecimal(text) {
			t.Errorf("IsDecimal(%q) says yes, ParseDecimal no", text)
		}
	}
}

func TestParseUnsignedRefusesNegativeNumbers(t *testing.T) {
	t.Parallel()
	_, err := domain.ParseUnsigned("volume", "-0.1")
	wantField(t, err, "volume")
	for _, text := range []string{"0", "-0", "0.1"} {
		if _, err := domain.ParseUnsigned("volume", text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestMustDecimalPanicsOnWhatParseDecimalRefuses(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Fatal("no panic")
		}
	}()
	domain.MustDecimal("1e5")
}

func TestTheZeroDecimalIsZero(t *testing.T) {
	t.Parallel()
	var d domain.Decimal
	if !d.IsZero() || d.String() != "0" || d.IsNeg() || d.IsPos() {
		t.Fatalf("the zero value is %v", d)
	}
}

// What is not a decimal by our rules never gets through the library, and what
// is one keeps its value in the canonical text.
func FuzzParseDecimal(f *testing.F) {
	for _, text := range []string{"", "0", "-0", "1.5", "1.", ".5", "+1", "1e5", "NaN", "9999999999999999999.9999999999999999999", "00.10"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := domain.ParseDecimal("x", text)
		if (err == nil) != domain.IsDecimal(text) || domain.IsDecimal(text) != domain.IsDecimal([]byte(text)) {
			t.Fatalf("%q: ParseDecimal says %v, IsDecimal %v", text, err, domain.IsDecimal(text))
		}
		if err != nil {
			return
		}
		again, err := domain.ParseDecimal("x", d.String())
		if err != nil || !again.Equal(d) || again.String() != d.String() {
			t.Fatalf("%q became %s, which reads back as %v (%v)", text, d, again, err)
		}
		if want := canonical(text); d.String() != want {
			t.Fatalf("%q became %s, want %s", text, d, want)
		}
	})
}

// canonical strips a decimal's text of what carries no value.
func canonical(text string) string {
	digits, negative := strings.CutPrefix(text, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	if fraction = strings.TrimRight(fraction, "0"); fraction != "" {
		whole += "." + fraction
	}
	if negative && whole != "0" {
		whole = "-" + whole
	}
	return whole
}
