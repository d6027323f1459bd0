package cachestore

import (
	"slices"
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
		if len(f.commands) > 0 || len(f.shared) > 0 || len(f.replies) > 0 || len(f.ends) > 0 || f.start != 0 {
			t.Errorf("%+v is kept with something in it", f.commands)
		}
	}
}
