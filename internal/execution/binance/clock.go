package binance

import (
	"sync"
	"time"
)

// clock is the venue's, as far as it is known: never ahead of it but for the
// drift since the last reading. So what is dated by it is never dated later
// than the venue would have dated it, and ends no later. Safe for concurrent
// use.
type clock struct {
	mu    sync.Mutex
	local time.Time // of the reading, with its monotonic part; zero: there is none
	venue int64     // unix ms
}

// set takes a reading: the venue said venue ms before local.
func (c *clock) set(local time.Time, venue int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.local, c.venue = local, venue
}

// distrust makes the reading one that has to be taken again.
func (c *clock) distrust() { c.set(time.Time{}, 0) }

// fresh tells whether there is a reading that is not older than age.
func (c *clock) fresh(age time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.local.IsZero() && time.Since(c.local) <= age
}

// at is the venue's time at a local one, unix ms.
func (c *clock) at(local time.Time) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.venue + int64(local.Sub(c.local)/time.Millisecond)
}
