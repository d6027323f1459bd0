package sim

import (
	"strconv"
	"sync"
	"time"
)

// weightMeter counts the request weight of the current minute. Safe for
// concurrent use.
type weightMeter struct {
	mu     sync.Mutex
	minute int64
	used   int
}

// add counts a request. It returns what was used in this minute, and for a
// request beyond the limit how long the caller has to wait, else zero.
func (m *weightMeter) add(now time.Time, weight, limit int) (used int, wait time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if minute := now.Unix() / 60; minute != m.minute {
		m.minute, m.used = minute, 0
	}
	m.used += weight
	if m.used > limit {
		wait = time.Unix((m.minute+1)*60, 0).Sub(now)
	}
	return m.used, wait
}

// seconds rounds up, as Retry-After counts.
func seconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}
