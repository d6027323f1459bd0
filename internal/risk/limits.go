package risk

import (
	"strconv"
	"time"

	"github.com/fullon/fullon/domain"
)

// Limits is how far orders may go.
type Limits struct {
	// MaxNotional is the most that an order may be worth, in quote units. Zero:
	// no limit.
	MaxNotional domain.Decimal
	// PriceBand is how far from the market a price may be, as a fraction of the
	// market's: 0.05 lets a price be 5 % above or below. Zero: as far as one
	// likes.
	PriceBand domain.Decimal
	// MaxTickAge is how old the tick may be that an order is judged by. Zero
	// takes the default, 10s; negative: as old as one likes, but not stale.
	MaxTickAge time.Duration
	// OrdersPerSecond is how many orders of one account may be sent, on average;
	// Burst is how many at once. They are for a Pace, and hold for one process.
	// Zero: no limit; a zero Burst: one second's.
	OrdersPerSecond int
	Burst           int
}

// defaultMaxTickAge is what a zero MaxTickAge takes.
const defaultMaxTickAge = 10 * time.Second

// WithDefaults returns the limits with every zero field that has a default
// filled in.
func (l Limits) WithDefaults() Limits {
	if l.MaxTickAge == 0 {
		l.MaxTickAge = defaultMaxTickAge
	}
	if l.Burst == 0 {
		l.Burst = l.OrdersPerSecond
	}
	return l
}

// Validate tells what is wrong with the limits. The error is a
// *domain.FieldError.
func (l Limits) Validate() error {
	switch {
	case l.MaxNotional.IsNeg():
		return domain.Invalid("max_notional", l.MaxNotional.String(), "zero or more")
	case l.PriceBand.IsNeg():
		return domain.Invalid("price_band", l.PriceBand.String(), "zero or more, 0.05 for 5 %")
	case l.OrdersPerSecond < 0:
		return domain.Invalid("orders_per_second", strconv.Itoa(l.OrdersPerSecond), "zero or more")
	case l.Burst < 0:
		return domain.Invalid("burst", strconv.Itoa(l.Burst), "zero or more")
	case l.Burst > 0 && l.OrdersPerSecond == 0:
		return domain.Invalid("burst", strconv.Itoa(l.Burst), "none without orders_per_second")
	}
	return nil
}
