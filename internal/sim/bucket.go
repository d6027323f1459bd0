package sim

import (
	"sync"
	"time"

	"github.com/fullon/fullon/internal/sim/clock"
)

// bucket is a token bucket that begins full. Safe for concurrent use.
type bucket struct {
	clock       clock.Clock
	rate, burst float64 // tokens a second, at most

	mu   sync.Mutex
	used float64
	at   time.Time
}

// take takes a token; false: there is none.
func (b *bucket) take() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.clock.Now()
	if !b.at.IsZero() {
		b.used = max(0, b.used-b.rate*max(0, now.Sub(b.at).Seconds()))
	}
	b.at = now
	if b.used+1 > b.burst {
		return false
	}
	b.used++
	return true
}
