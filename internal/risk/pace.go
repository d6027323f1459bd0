package risk

import (
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Pace holds each account to Limits.OrdersPerSecond. It is safe for concurrent
// use.
type Pace struct {
	perSecond rate.Limit
	burst     int

	mu       sync.Mutex
	accounts map[string]*rate.Limiter
	swept    time.Time
}

// sweepEvery is how often accounts that sent nothing for long are forgotten:
// their allowance is whole again, which is what a new one has.
const sweepEvery = time.Minute

// NewPace makes a pace of the limits.
func NewPace(limits Limits) *Pace {
	limits = limits.WithDefaults()
	return &Pace{perSecond: rate.Limit(limits.OrdersPerSecond), burst: limits.Burst, accounts: make(map[string]*rate.Limiter)}
}

// Take uses up one order of an account's allowance. The error is a *Rejection
// that tells how long to wait; nothing is used up then.
func (p *Pace) Take(account string, now time.Time) error {
	if p.perSecond == 0 {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Sub(p.swept) >= sweepEvery {
		p.swept = now
		for name, l := range p.accounts {
			if l.TokensAt(now) >= float64(p.burst) {
				delete(p.accounts, name)
			}
		}
	}
	l := p.accounts[account]
	if l == nil {
		l = rate.NewLimiter(p.perSecond, p.burst)
		p.accounts[account] = l
	}
	reservation := l.ReserveN(now, 1)
	wait := reservation.DelayFrom(now)
	if wait == 0 {
		return nil
	}
	reservation.CancelAt(now)
	return &Rejection{
		Gate: GatePace, Wait: wait,
		Reason: "account " + account + " has used up its " + strconv.Itoa(int(p.perSecond)) + " orders a second",
	}
}
