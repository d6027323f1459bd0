package client

import (
	"strconv"
	"time"

	"github.com/fullon/fullon/domain"
)

// OrderLimits bounds the queues of orders. Zero values are the defaults.
type OrderLimits struct {
	// MaxQueue is how many orders of an exchange may wait for a worker, 1 to
	// 1,000,000. Pushers check it before they push, so that several at once may
	// go a little beyond it. Default 10,000.
	MaxQueue int
	// MaxAge is after what time an order that nobody has sent expires, unless its
	// pusher says otherwise; 1 s to 30 days. Default 1 h.
	MaxAge time.Duration
	// MaxTries is how often an order is handed out before it becomes a dead
	// letter, 1 to 1,000. Default 5.
	MaxTries int
	// Lease is for how long an order is handed out at first; 1 ms to MaxLease.
	// Default 5 s.
	Lease time.Duration
}

func (l OrderLimits) withDefaults() OrderLimits {
	if l.MaxQueue == 0 {
		l.MaxQueue = 10_000
	}
	if l.MaxAge == 0 {
		l.MaxAge = time.Hour
	}
	if l.MaxTries == 0 {
		l.MaxTries = 5
	}
	if l.Lease == 0 {
		l.Lease = 5 * time.Second
	}
	return l
}

// validate tells what is wrong with the limits. The error is a
// *domain.FieldError.
func (l OrderLimits) validate() error {
	l = l.withDefaults()
	switch {
	case l.MaxQueue < 1 || l.MaxQueue > 1_000_000:
		return domain.Invalid("max_queue", strconv.Itoa(l.MaxQueue), "1 to 1000000")
	case l.MaxAge < time.Second || l.MaxAge > 30*24*time.Hour:
		return domain.Invalid("max_age", l.MaxAge.String(), "1s to 720h")
	case l.MaxTries < 1 || l.MaxTries > 1000:
		return domain.Invalid("max_tries", strconv.Itoa(l.MaxTries), "1 to 1000")
	}
	return checkLease(l.Lease)
}

func checkLease(lease time.Duration) error {
	if lease < time.Millisecond || lease > MaxLease {
		return domain.Invalid("lease", lease.String(), "1ms to 24h")
	}
	return nil
}
