package domain

import "slices"

// OrderStatus is where an order is in its life:
//
//	NEW ─► INTENT ─► ACCEPTED ─► PARTIAL ─► FILLED | CANCELED | EXPIRED
//	 └► REJECTED | EXPIRED | CANCELED
//	        INTENT ─► UNKNOWN ─► NOT_FOUND ─► INTENT, the next attempt
//
// A venue may be ahead of what is known of it: an order can be found filled
// that was never seen accepted. So INTENT, UNKNOWN and NOT_FOUND lead to
// whatever the venue says.
type OrderStatus uint8

// The statuses. The zero value is not a status.
const (
	OrderNew      OrderStatus = 1  // waits in the queue
	OrderIntent   OrderStatus = 2  // a worker is about to send it, or has
	OrderAccepted OrderStatus = 3  // rests at the venue
	OrderPartial  OrderStatus = 4  // rests, partly filled
	OrderFilled   OrderStatus = 5  // the end
	OrderCanceled OrderStatus = 6  // the end; a part may be filled
	OrderRejected OrderStatus = 7  // the end: by a check of ours or by the venue
	OrderExpired  OrderStatus = 8  // the end: too old before it was sent, or by the venue's time in force
	OrderUnknown  OrderStatus = 9  // sent, perhaps, and the venue has not said what became of it
	OrderNotFound OrderStatus = 10 // the venue does not know it, after all the time that it may take
)

var orderStatusNames = [...]string{
	OrderNew: "new", OrderIntent: "intent", OrderAccepted: "accepted", OrderPartial: "partial", OrderFilled: "filled",
	OrderCanceled: "canceled", OrderRejected: "rejected", OrderExpired: "expired", OrderUnknown: "unknown", OrderNotFound: "not_found",
}

// OrderStatuses lists all statuses.
func OrderStatuses() []OrderStatus {
	all := make([]OrderStatus, 0, len(orderStatusNames)-1)
	for s := OrderNew; int(s) < len(orderStatusNames); s++ {
		all = append(all, s)
	}
	return all
}

func (s OrderStatus) String() string {
	if s >= OrderNew && int(s) < len(orderStatusNames) {
		return orderStatusNames[s]
	}
	return "none"
}

// ParseOrderStatus reads the name of a status; "cancelled" is taken for
// "canceled". The error is a *FieldError.
func ParseOrderStatus(text string) (OrderStatus, error) {
	if text == "cancelled" {
		text = "canceled"
	}
	if i := slices.Index(orderStatusNames[:], text); i >= int(OrderNew) {
		return OrderStatus(i), nil
	}
	return 0, Invalid("status", text,
		"new, intent, accepted, partial, filled, canceled, rejected, expired, unknown or not_found")
}

// Final tells whether nothing more can happen to the order.
func (s OrderStatus) Final() bool {
	return s == OrderFilled || s == OrderCanceled || s == OrderRejected || s == OrderExpired
}

// Queued tells whether the order is one for a worker to deal with.
func (s OrderStatus) Queued() bool {
	return s == OrderNew || s == OrderIntent || s == OrderUnknown || s == OrderNotFound
}

// Resting tells whether the order is in the venue's book.
func (s OrderStatus) Resting() bool { return s == OrderAccepted || s == OrderPartial }

// atVenue is what a venue can say of an order that it has.
var atVenue = []OrderStatus{OrderAccepted, OrderPartial, OrderFilled, OrderCanceled, OrderRejected, OrderExpired}

// orderTransitions lists every change of status that is legal. An order may
// also be stored again with the status that it has, unless that is final.
var orderTransitions = map[OrderStatus][]OrderStatus{
	OrderNew:      {OrderIntent, OrderCanceled, OrderRejected, OrderExpired},
	OrderIntent:   append([]OrderStatus{OrderUnknown, OrderNotFound}, atVenue...),
	OrderUnknown:  append([]OrderStatus{OrderNotFound}, atVenue...),
	OrderNotFound: append([]OrderStatus{OrderIntent}, atVenue...),
	OrderAccepted: {OrderPartial, OrderFilled, OrderCanceled, OrderRejected, OrderExpired},
	OrderPartial:  {OrderFilled, OrderCanceled, OrderExpired},
}

// CanBecome tells whether an order of status s may get status next.
func (s OrderStatus) CanBecome(next OrderStatus) bool {
	if s == next {
		return !s.Final() && s.String() != "none"
	}
	return slices.Contains(orderTransitions[s], next)
}
