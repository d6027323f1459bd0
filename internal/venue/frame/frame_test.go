package frame

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
)

var now = time.Date(2026, 7, 10, 0, 0, 0, 0, time.UTC)

func fieldsOf(t *testing.T, text string) *Fields {
	t.Helper()
	f, err := new(Reader).Read([]byte(text), now)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Numbers keep the venue's text, with an exponent written out.
func TestDecimalNumber(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"65972.8": "65972.8", "0.00000001": "0.00000001", "1e-8": "0.00000001", "1.25E+3": "1250", "12.5e-1": "1.25", "0": "0",
		"10": "10", "0.10000000": "0.1", "123456789012345678.5": "123456789012345678.5", "0e5": "0", "1.2e1": "12", "7e-19": "0.0000000000000000007",
	} {
		f := fieldsOf(t, `{"n":`+text+`}`)
		if got := f.DecimalNumber("n"); f.Err != nil || got.String() != want {
			t.Errorf("%s: got %s, %v, want %s", text, got, f.Err, want)
		}
	}
	for _, text := range []string{"-1", "1e-20", "1e40", "1e99999999999", `"1"`, "null", "-1e2", "true"} {
		f := fieldsOf(t, `{"n":`+text+`}`)
		if got := f.DecimalNumber("n"); !errors.Is(f.Err, ErrMalformed) || !got.IsZero() {
			t.Errorf("%s: taken for %s", text, got)
		}
	}
}

func TestSignedNumber(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"-1.50": "-1.5", "2": "2", "-1e-3": "-0.001"} {
		f := fieldsOf(t, `{"n":`+text+`}`)
		if got := f.SignedNumber("n"); f.Err != nil || got.String() != want {
			t.Errorf("%s: got %s, %v, want %s", text, got, f.Err, want)
		}
	}
	if f := fieldsOf(t, `{"n":"-1"}`); !f.SignedNumber("n").IsZero() || !errors.Is(f.Err, ErrMalformed) {
		t.Error("a text was taken for a number")
	}
}

func TestParseInteger(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]uint64{"0": 0, "7": 7, "9223372036854775807": 1<<63 - 1} {
		if n, ok := ParseInteger(text); !ok || n != want {
			t.Errorf("%s: %d, %v", text, n, ok)
		}
	}
	for _, text := range []string{"", "-1", "+1", "07", "1.0", "1e3", "NaN", "9223372036854775808", "10000000000000000000", "99999999999999999999"} {
		if n, ok := ParseInteger(text); ok {
			t.Errorf("%q: taken for %d", text, n)
		}
	}
}

func TestTime(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"2026-07-09T00:00:00.123456Z":         1783555200123456000,
		"2026-07-09T02:00:00.123456789+02:00": 1783555200123456789,
		"1970-01-01T00:00:00.000000Z":         0,
	} {
		f := fieldsOf(t, `{"t":"`+text+`"}`)
		if got := f.Time("t"); f.Err != nil || got.UnixNano() != want || got.Location() != time.UTC {
			t.Errorf("%s: got %v, %v", text, got, f.Err)
		}
	}
	for _, text := range []string{`"2026-07-12T00:00:00Z"`, `"1969-12-31T23:59:59Z"`, `"yesterday"`, `""`, `5`, `null`} {
		f := fieldsOf(t, `{"t":`+text+`}`)
		if got := f.Time("t"); !errors.Is(f.Err, ErrMalformed) || !got.IsZero() {
			t.Errorf("%s: taken for %v", text, got)
		}
	}
}

func TestUnixTimes(t *testing.T) {
	t.Parallel()
	f := fieldsOf(t, `{"ms":1783555200123,"text":"1783555200123","s":"1783555200"}`)
	want := time.Date(2026, 7, 9, 0, 0, 0, 123e6, time.UTC)
	if ms, text, s := f.Millis("ms"), f.MillisText("text"), f.SecondsText("s"); f.Err != nil || ms != want || text != want || s != want.Truncate(time.Second) {
		t.Errorf("got %v, %v, %v, %v", ms, text, s, f.Err)
	}
	for _, read := range []func(*Fields){
		func(f *Fields) { f.Millis("ms") }, func(f *Fields) { f.MillisText("text") }, func(f *Fields) { f.SecondsText("s") },
	} {
		for _, text := range []string{`{"ms":1793555200123,"text":"1793555200123","s":"1793555200"}`, `{"ms":0,"text":"0","s":"0"}`, `{"ms":"1","text":1,"s":1}`} {
			f := fieldsOf(t, text)
			if read(f); !errors.Is(f.Err, ErrMalformed) {
				t.Errorf("%s: %v", text, f.Err)
			}
		}
	}
}

// The first thing wrong stops the reading, and later reads yield zeros.
func TestFieldsStopAtTheFirstError(t *testing.T) {
	t.Parallel()
	f := fieldsOf(t, `{"a":1,"b":"2","list":[{"c":3},4]}`)
	if f.Positive("a") != 1 || f.PositiveText("b") != 2 || f.Err != nil {
		t.Fatal(f.Err)
	}
	list := f.List("list")
	if len(list) != 2 || !f.Item(list[0]) || f.Integer("c") != 3 {
		t.Fatal(f.Err)
	}
	if f.Item(list[1]) || !errors.Is(f.Err, ErrMalformed) {
		t.Fatal("a number was entered")
	}
	if f.Integer("c") != 0 || f.Text("c") != "" || f.Flag("c") || f.List("c") != nil || f.Decimal("c") != (domain.Decimal{}) {
		t.Error("something was read after the error")
	}
}

func TestReaderRefuses(t *testing.T) {
	t.Parallel()
	r := Reader{MaxBytes: 100}
	for _, text := range []string{``, `x`, `[]`, `"a"`, `{"a":1`, `{"a":1}}`, `{"a":NaN}`, `{"a":"` + strings.Repeat("x", 100) + `"}`} {
		if _, err := r.Read([]byte(text), now); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := r.Read([]byte(`{}`), now); err != nil {
		t.Error(err)
	}
}

func TestTexts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{`["1","2"]`: "1 2", `["1","","x"]`: "1  x", `["1"]`: "", `[]`: "", `["1",2]`: "", `{}`: "", `"12"`: "", `["1",null]`: ""} {
		f := fieldsOf(t, `{"l":`+text+`}`)
		got := strings.Join(f.Texts("l", f.Object.Get("l"), 2), " ")
		if got != want || (want == "") != errors.Is(f.Err, ErrMalformed) {
			t.Errorf("%s: got %q, %v", text, got, f.Err)
		}
		if want == "" && f.Texts("l", f.Object.Get("l"), 0) != nil {
			t.Errorf("%s: read after an error", text)
		}
	}
}
