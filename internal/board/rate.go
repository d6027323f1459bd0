package board

import "time"

const rateWindow = 10 * time.Second

// rate counts events over the last rateWindow, a slot a second.
type rate struct {
	slots [int(rateWindow / time.Second)]int
	at    int64 // unix second of the newest slot
}

func (r *rate) move(now time.Time) {
	second := now.Unix()
	n := int64(len(r.slots))
	for s := max(r.at+1, second-n+1); s <= second; s++ {
		r.slots[s%n] = 0
	}
	r.at = max(r.at, second)
}

func (r *rate) add(now time.Time) {
	r.move(now)
	r.slots[r.at%int64(len(r.slots))]++
}

// perSecond is the mean over the window, or over since when that is shorter.
func (r *rate) perSecond(now time.Time, since time.Duration) float64 {
	r.move(now)
	sum := 0
	for _, n := range r.slots {
		sum += n
	}
	return float64(sum) / min(rateWindow, max(since, time.Second)).Seconds()
}
