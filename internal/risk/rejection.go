package risk

import (
	"errors"
	"strings"
	"time"

	"github.com/fullon/fullon/domain"
)

// ErrRejected is what every *Rejection matches.
var ErrRejected = errors.New("rejected by risk")

// Gate names what stopped an order.
type Gate string

// The gates.
const (
	GateInvalid    Gate = "invalid"     // the order, the tick or the symbol is not what it should be
	GateTrading    Gate = "trading"     // the venue does not trade the symbol
	GateTick       Gate = "tick"        // no tick, or one too old; may pass by itself
	GateTickSize   Gate = "tick_size"   // a price that is no multiple of the step
	GateLotSize    Gate = "lot_size"    // a volume that is no multiple of the step
	GateMinimum    Gate = "minimum"     // smaller than the venue takes
	GateNotional   Gate = "notional"    // worth more than allowed
	GatePriceBand  Gate = "price_band"  // a price too far from the market
	GateReduceOnly Gate = "reduce_only" // would not only make a position smaller
	GatePace       Gate = "pace"        // too many orders in a short time; passes by itself
)

// Rejection is an order that may not be sent. It matches ErrRejected.
type Rejection struct {
	Gate   Gate
	Reason string // fit for domain.Order.Reason
	// Wait is after how long the gate is open again; zero: not known.
	Wait time.Duration
}

func (r *Rejection) Error() string { return "rejected by risk: " + string(r.Gate) + ": " + r.Reason }

// Is makes every Rejection match ErrRejected.
func (r *Rejection) Is(target error) bool { return target == ErrRejected }

// reject makes a *Rejection whose reason an order can carry.
func reject(gate Gate, reason string) error {
	if len(reason) > domain.MaxReasonBytes {
		reason = strings.ToValidUTF8(reason[:domain.MaxReasonBytes], "")
	}
	return &Rejection{Gate: gate, Reason: reason}
}
