package sim

import (
	"math"
	"math/rand/v2"
	"time"
)

// What the random walk is made of.
const (
	minTicks         = 100      // the price never gets below this many ticks
	secondVolatility = 1e-4     // standard deviation of a second's return, some 55 % a year
	clusterTime      = 120.0    // seconds in which a change of volatility fades
	clusterDepth     = 0.6      // standard deviation of the logarithm of volatility
	pullTime         = 86_400.0 // seconds in which the way back to the first price is gone
	burstEvery       = 90.0     // seconds between two bursts, on average
	burstLength      = 100 * time.Millisecond
	burstMin         = 20 // orders in a burst
	burstMax         = 200
	orderShare       = 0.4 // share of events that are orders; the others change the book
)

// walk is the price process of one symbol, in ticks. It is a matter of floats:
// only the whole ticks and lots that it is asked for are published.
type walk struct {
	rng    *rand.Rand
	start  float64 // ticks
	mid    float64 // ticks
	logVol float64
	last   time.Time

	burst     int // orders left in the burst
	burstGap  time.Duration
	burstSell bool
}

// move lets the price move until at.
func (w *walk) move(at time.Time) {
	dt := at.Sub(w.last).Seconds()
	if dt <= 0 {
		return
	}
	w.last = at
	decay := math.Exp(-dt / clusterTime)
	w.logVol = w.logVol*decay + clusterDepth*math.Sqrt(1-decay*decay)*w.rng.NormFloat64()
	dt = min(dt, 3600) // a long pause is no crash
	w.mid *= math.Exp(secondVolatility*math.Exp(w.logVol)*math.Sqrt(dt)*w.rng.NormFloat64() -
		dt/pullTime*math.Log(w.mid/w.start))
	w.mid = max(w.mid, minTicks)
}

// after is how long until the next event at a rate of events a second.
func (w *walk) after(rate float64) time.Duration {
	if w.burst > 0 {
		w.burst--
		return w.burstGap
	}
	if w.rng.Float64() < 1/(burstEvery*rate) {
		w.burst = burstMin + w.rng.IntN(burstMax-burstMin+1) - 1
		w.burstGap = burstLength / time.Duration(w.burst+1)
		w.burstSell = w.rng.IntN(2) == 0
		w.logVol += 0.5
	}
	return max(time.Microsecond, time.Duration(w.rng.ExpFloat64()/rate*float64(time.Second)))
}

// isOrder tells whether the event is an order.
func (w *walk) isOrder() bool { return w.burst > 0 || w.rng.Float64() < orderShare }

// sells tells the side of an order; a burst has one direction.
func (w *walk) sells() bool {
	if w.burst > 0 && w.rng.Float64() < 0.85 {
		return w.burstSell
	}
	return w.rng.IntN(2) == 0
}

// spread is one to three ticks.
func (w *walk) spread() int64 {
	switch r := w.rng.Float64(); {
	case r < 0.7:
		return 1
	case r < 0.9:
		return 2
	}
	return 3
}

// lots is a size around a median: log-normal, now and then with a Pareto tail.
func (w *walk) lots(median float64) int64 {
	size := median * math.Exp(1.3*w.rng.NormFloat64())
	if w.rng.Float64() < 0.02 {
		size *= math.Pow(1-w.rng.Float64(), -1/1.5)
	}
	return int64(min(max(1, size), 10_000*median+1))
}

// fills is how many parts an order is filled in.
func (w *walk) fills() int {
	n := 1
	for n < 6 && w.rng.Float64() < 0.4 {
		n++
	}
	return n
}
