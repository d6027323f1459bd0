package private

import (
	"sync"
	"time"
)

// Clock is the venue's, as far as it is known: never ahead of it but for the
// drift since the last reading. So what is dated by it is never dated later
// than the venue would have dated it, and ends no later. Safe for concurrent
// use.
type Clock struct {
	every time.Duration // how old a reading may be

	mu     sync.Mutex
	local  time.Time // of the reading, with its monotonic part; zero: there is none
	venue  time.Time
	within time.Duration
	doubt  bool // the reading is to be taken again
}

// Take takes a reading: the venue said now before local, and was ahead of that
// by less than within. Of readings that are fresh the one that says most holds:
// none is ahead of the venue, so the others took longer.
func (c *Clock) Take(local, now time.Time, within time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fresh() && now.Before(c.at(local)) {
		return
	}
	c.local, c.venue, c.within, c.doubt = local, now, within, false
}

// Distrust makes the reading one that has to be taken again; until then it is
// the best there is.
func (c *Clock) Distrust() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.doubt = true
}

// Fresh tells whether there is a reading that is not too old.
func (c *Clock) Fresh() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fresh()
}

func (c *Clock) fresh() bool { return !c.local.IsZero() && !c.doubt && time.Since(c.local) <= c.every }

// At is the venue's time at a local one, and how far the venue may be ahead of
// it, the way of its answer aside.
func (c *Clock) At(local time.Time) (now time.Time, within time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at(local), c.within
}

func (c *Clock) at(local time.Time) time.Time { return c.venue.Add(local.Sub(c.local)) }
