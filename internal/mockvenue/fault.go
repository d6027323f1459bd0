package mockvenue

import (
	"fmt"
	"strings"
	"time"
)

// fault is what goes wrong with one call to the venue.
type fault uint8

const (
	noFault     fault = iota
	lostRequest       // hangs, and never gets there
	lateRequest       // gets there after a while, perhaps after its deadline
	lostAnswer        // done, and the line breaks
	lateAnswer        // done, and the answer comes after a while
	errorBefore       // a status 5xx, and nothing was done
	errorAfter        // a status 5xx, and it was done
	resetBefore       // the line breaks, and nothing was done
	nonsense          // done, and the answer makes no sense
	tooMany           // a clear not now
	refusal           // a clear no
	numberFaults
)

// Faulty says how many of 1000 calls go wrong from now on.
func (v *Venue) Faulty(permille int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.permille = permille
}

// draw decides what goes wrong with a call, and how long it takes.
func (v *Venue) draw() (fault, time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	wait := time.Duration(v.random.Int64N(int64(2 * v.timeout)))
	if v.random.IntN(1000) >= v.permille {
		return noFault, wait
	}
	f := fault(1 + v.random.IntN(int(numberFaults)-1))
	v.seen[f]++
	return f, wait
}

// Faults says how often each thing went wrong.
func (v *Venue) Faults() string {
	names := [...]string{"", "lost request", "late request", "lost answer", "late answer", "error before", "error after", "reset", "nonsense", "rate limit", "refusal"}
	v.mu.Lock()
	defer v.mu.Unlock()
	var out []string
	for f := fault(1); f < numberFaults; f++ {
		out = append(out, fmt.Sprintf("%s %d", names[f], v.seen[f]))
	}
	return strings.Join(out, ", ")
}
