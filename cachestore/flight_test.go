package cachestore

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// isIdle reports whether a flight waits for use again.
func isIdle(f *flight) bool {
	idleFlights.mu.Lock()
	defer idleFlights.mu.Unlock()
	return slices.Contains(idleFlights.list, f)
}

// held is a flight with callers who have not released their part.
func held(callers int32, buffer int) *flight {
	f := &flight{commands: []command{{"get", "a"}}, shared: []int{0}, replies: make([]byte, 1, buffer), start: 1, ends: []int{1}}
	f.readers.Store(callers)
	return f
}

// Others' replies must not come into a buffer that somebody still reads.
func TestAFlightIsUsedAgainOnlyAfterItsLastReader(t *testing.T) {
	t.Parallel()
	f := held(2, 10)
	f.release()
	if isIdle(f) || len(f.replies) == 0 {
		t.Fatal("it was taken from its second reader")
	}
	f.release()
	if f.readers.Load() != 0 {
		t.Fatal("it has a reader")
	}
}

func TestFewFlightsAreKeptAndNoLargeOnes(t *testing.T) {
	t.Parallel()
	for range 3 * keptFlights {
		held(1, 10).release()
	}
	large := held(1, keptBuffer+1)
	large.release()
	if isIdle(large) {
		t.Error("a large one is kept")
	}
	idleFlights.mu.Lock()
	defer idleFlights.mu.Unlock()
	if n := len(idleFlights.list); n > keptFlights {
		t.Errorf("%d are kept", n)
	}
	for _, f := range idleFlights.list {
		if len(f.commands) > 0 || len(f.shared) > 0 || len(f.hashes) > 0 || len(f.replies) > 0 || len(f.ends) > 0 || f.start != 0 {
			t.Errorf("%+v is kept with something in it", f.commands)
		}
	}
}

// arrived puts replies to all commands into a flight.
func (f *flight) arrived(t *testing.T, replies ...any) {
	t.Helper()
	if len(replies) != len(f.commands) {
		t.Fatalf("%d commands, not %d: %v", len(f.commands), len(replies), f.commands)
	}
	for _, reply := range replies {
		var err error
		if f.replies, err = appendValue(f.replies, reply); err != nil {
			t.Fatal(err)
		}
		f.ends = append(f.ends, len(f.replies))
	}
}

func texts(r reply, n int) string {
	var out []string
	for range n {
		text, found := r.bytes()
		out = append(out, fmt.Sprintf("%s %v", text, found))
	}
	return fmt.Sprintf("%s: %v", strings.Join(out, ","), r.err)
}

// Fields of one hash go as one command, and what is shared goes once, whoever asks;
// each caller gets what it has asked for, be it again when the flight is used again.
func TestFieldsOfOneHashGoAsOneCommand(t *testing.T) {
	t.Parallel()
	one, other := "one", "other"
	moment := []command{{"get", "checkpoint"}}
	waiting := slices.Concat(moment, []command{{"hlen", "tickets"}})
	f := new(flight)
	for range 2 {
		questions := []*question{
			{hash: one, fields: []string{"a", "b"}, shared: waiting},
			{hash: other, fields: []string{"a"}, shared: moment},
			{commands: []command{{"get", "x"}, {"get", "y"}}, shared: moment},
			{hash: one, fields: []string{"c"}, shared: waiting},
			{hash: other, fields: []string{"b"}},
		}
		for _, q := range questions {
			f.add(q)
		}
		if c, err := appendCommand(nil, f.commands[2]); err != nil || string(c) != "*5\r\n$5\r\nhmget\r\n$3\r\none\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n" {
			t.Fatalf("%q (%v)", c, err)
		}
		f.arrived(t, "7", int64(3), []any{"1a", nil, "1c"}, errors.New("WRONGTYPE"), "x", "y")
		for i, want := range []string{
			"1a true, false: <nil>", " false, false: WRONGTYPE", "x true,y true: <nil>", "1c true, false: a reply of another type",
			" false, false: WRONGTYPE",
		} {
			r := f.answer(questions[i])
			if got := texts(r, 2); got != want {
				t.Errorf("question %d: %s", i, got)
			}
			if len(questions[i].shared) == 0 {
				continue
			}
			if at := r.checkpoint(); at != "7" {
				t.Errorf("question %d: checkpoint %q", i, at)
			}
			if len(questions[i].shared) == 2 && r.sharedNumber() != 3 {
				t.Errorf("question %d: %v", i, r.err)
			}
		}
		f.empty()
	}
}

// Nobody gets what is another's when Redis gives fewer values than it was asked for.
func TestAValueThatIsMissingIsNobodyElses(t *testing.T) {
	t.Parallel()
	key := "hash"
	f := new(flight)
	questions := []*question{{hash: key, fields: []string{"a", "b"}}, {hash: key, fields: []string{"c"}}}
	for _, q := range questions {
		f.add(q)
	}
	f.arrived(t, []any{"1", int64(2), "3"})
	for i, q := range questions {
		if got := texts(f.answer(q), 1); got != " false: a reply of another type" {
			t.Errorf("question %d: %s", i, got)
		}
	}
}
