package paper

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
)

// filled sets every field of a value to something of its own, so that one that
// its form leaves out is missed.
func filled(v reflect.Value, n *int64) {
	*n++
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(1_700_000_000, *n).UTC()))
		return
	case domain.Decimal:
		v.Set(reflect.ValueOf(domain.MustDecimal("-12.5").Mul64(uint64(*n))))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			filled(v.Field(i), n)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			filled(v.Index(i), n)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		filled(v.Elem(), n)
	case reflect.String:
		v.SetString(string(rune('a'+*n%26)) + time.Duration(*n).String())
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int64:
		v.SetInt(-*n)
	case reflect.Uint64:
		v.SetUint(math.MaxUint64 - uint64(*n))
	case reflect.Uint8:
		v.SetUint(uint64(*n%255 + 1))
	default:
		panic("no value for " + v.Type().String())
	}
}

// inJSON shows all that changes have, in the form that clients are sent.
func inJSON(changes []change) string {
	text, err := json.Marshal(changes)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func TestAChangeIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	var whole change
	n := int64(0)
	filled(reflect.ValueOf(&whole).Elem(), &n)
	var f form
	data := f.appendChange(nil, &whole)
	data = f.appendChange(data, &change{})
	got, err := readChanges(data)
	if wrote := []change{whole, {}}; err != nil || inJSON(got) != inJSON(wrote) {
		t.Fatalf("wrote %s\nread %s, %v", inJSON(wrote), inJSON(got), err)
	}
	one := f.appendChange(nil, &whole)
	for size := 1; size < len(one); size++ {
		if got, err := readChanges(one[:size]); err == nil {
			t.Fatalf("%d of %d bytes are read as %+v", size, len(one), got)
		}
	}
}

// Of the race detector: listeners and statements read what is being stored.
func TestAChangeCanBeReadWhileItIsWritten(t *testing.T) {
	t.Parallel()
	var whole change
	n := int64(0)
	filled(reflect.ValueOf(&whole).Elem(), &n)
	var group sync.WaitGroup
	group.Go(func() { new(form).appendChange(nil, &whole) })
	if inJSON([]change{whole}) == "" {
		t.Fatal("nothing")
	}
	group.Wait()
}

func FuzzReadChanges(f *testing.F) {
	var whole change
	n := int64(0)
	filled(reflect.ValueOf(&whole).Elem(), &n)
	f.Add(new(form).appendChange(nil, &whole))
	f.Add([]byte(`[{"seq":1}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		changes, err := readChanges(data)
		if err != nil {
			return
		}
		var again []byte
		var form form
		for i := range changes {
			again = form.appendChange(again, &changes[i])
		}
		if got, err := readChanges(again); err != nil || inJSON(got) != inJSON(changes) {
			t.Fatalf("%s is read back as %s, %v", inJSON(changes), inJSON(got), err)
		}
	})
}

// version1 is a journal as the version before this form left it, and the books
// that it had.
func version1(t *testing.T) (file []byte, books string) {
	t.Helper()
	file, err := os.ReadFile("testdata/version1.paper")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/version1.json")
	if err != nil {
		t.Fatal(err)
	}
	return file, string(bytes.TrimSpace(text))
}

func TestAJournalOfTheVersionBeforeIsReadAndWrittenAnew(t *testing.T) {
	t.Parallel()
	file, books := version1(t)
	cfg := stillConfig(place(t, file))
	now := noon.Add(time.Minute)
	cfg.Now, cfg.Ticks = func() time.Time { return now }, at{&now}
	x := open(t, cfg)
	if x.text() != books {
		t.Fatalf("the books are\n%s\nthey were\n%s", x.text(), books)
	}
	if after, err := os.ReadFile(filepath.Join(cfg.Dir, "binance.paper")); err != nil || !bytes.HasPrefix(after, []byte(journalMagic)) {
		t.Fatalf("the file begins with %q, %v", after[:min(len(after), 30)], err)
	}
	if x.engine.epoch != "eewp2k7z" {
		t.Fatalf("the epoch is %s", x.engine.epoch)
	}
	submitAll(t, x, 0, 2)
	state := x.text()
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	if again := open(t, cfg); again.text() != state {
		t.Fatalf("the books are\n%s\nthey were\n%s", again.text(), state)
	}
}

func TestTheEndOfAJournalOfTheVersionBeforeMayBeTorn(t *testing.T) {
	t.Parallel()
	file, _ := version1(t)
	load := func(data []byte) (seq uint64, cut int) {
		books := newLedger()
		cut, err := (&journal{header: journalHeader{Exchange: "binance"}}).load(data, books.apply)
		if err != nil {
			t.Fatalf("%d of %d bytes: %v", len(data), len(file), err)
		}
		return books.seq, cut
	}
	whole, _ := load(file)
	for torn := 1; torn < 400; torn++ { // of the last record: an account and its first order
		if seq, cut := load(file[:len(file)-torn]); seq != whole-2 || cut == 0 {
			t.Fatalf("without %d bytes it is at change %d, whole at %d; %d bytes were dropped", torn, seq, whole, cut)
		}
	}
}
