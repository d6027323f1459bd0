// Package heap makes the garbage collector of a process that runs for long less
// busy.
package heap

import (
	"os"
	"sync"
)

// Reserved is what Reserve sets aside, in bytes.
const Reserved = 128 << 20

// reserve keeps what it has made.
var reserve = sync.OnceValue(func() []byte { return make([]byte, Reserved) })

// Reserve counts 128 MiB that are never touched, so never resident, among the live
// heap. The collector runs when the heap is twice what lives, and the processes of
// this project let tens of megabytes live while they allocate hundreds a second:
// without it the collector takes a sixth of their processor time. It costs at most
// twice as many megabytes of garbage, however large the heap grows, which a higher
// GOGC would not. Whoever has set GOGC or GOMEMLIMIT knows better: then it does
// nothing. Safe for concurrent use; only the first call counts.
func Reserve() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		_ = reserve()
	}
}
