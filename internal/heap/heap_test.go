package heap_test

import (
	"runtime"
	"testing"

	"github.com/fullon/fullon/internal/heap"
)

func nextCollection() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.NextGC
}

func TestTheCollectorWaitsForTwiceTheReserve(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "1GiB")
	heap.Reserve()
	if next := nextCollection(); next >= 2*heap.Reserved {
		t.Fatalf("with a limit of one's own it waits for %d bytes", next)
	}
	t.Setenv("GOMEMLIMIT", "")
	t.Setenv("GOGC", "")
	heap.Reserve()
	heap.Reserve()
	if next := nextCollection(); next < 2*heap.Reserved || next > 3*heap.Reserved {
		t.Fatalf("it waits for %d bytes", next)
	}
}
