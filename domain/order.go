package domain

import "time"

// OrderType is how an order wants to be executed.
type OrderType uint8

// The types. The zero value is not a type.
const (
	Market    OrderType = 1
	Limit     OrderType = 2
	Stop      OrderType = 3 // a market order once the stop price was traded
	StopLimit OrderType = 4 // a limit order once the stop price was traded
)

var orderTypeNames = [...]string{Market: "market", Limit: "limit", Stop: "stop", StopLimit: "stop_limit"}

func (t OrderType) String() string {
	if t >= Market && int(t) < len(orderTypeNames) {
		return orderTypeNames[t]
	}
	return "none"
}

// ParseOrderType reads the name of a type. The error is a *FieldError.
func ParseOrderType(text string) (OrderType, error) {
	for t := Market; int(t) < len(orderTypeNames); t++ {
		if orderTypeNames[t] == text {
			return t, nil
		}
	}
	return 0, Invalid("type", text, "market, limit, stop or stop_limit")
}

// HasPrice tells whether orders of the type have a limit price.
func (t OrderType) HasPrice() bool { return t == Limit || t == StopLimit }

// HasStop tells whether orders of the type have a stop price.
func (t OrderType) HasStop() bool { return t == Stop || t == StopLimit }

// TimeInForce is how long an order may rest.
type TimeInForce uint8

// The times in force.
const (
	GoodTillCancel    TimeInForce = 0
	ImmediateOrCancel TimeInForce = 1
	FillOrKill        TimeInForce = 2
	PostOnly          TimeInForce = 3 // rests, or is rejected if it would not
)

var timeInForceNames = [...]string{"gtc", "ioc", "fok", "post_only"}

func (t TimeInForce) String() string {
	if int(t) < len(timeInForceNames) {
		return timeInForceNames[t]
	}
	return "none"
}

// ParseTimeInForce reads the name of a time in force. The error is a
// *FieldError.
func ParseTimeInForce(text string) (TimeInForce, error) {
	for i, name := range timeInForceNames {
		if name == text {
			return TimeInForce(i), nil
		}
	}
	return 0, Invalid("time_in_force", text, "gtc, ioc, fok or post_only")
}

// Order is an order and all that is known of it. ID, Exchange and what Terms
// names never change; the rest is its life.
type Order struct {
	ID       string // the client order id: ours, unique at its exchange for ever
	Exchange string
	OrderTerms

	Status  OrderStatus
	Created time.Time // when it was pushed, by the pusher's clock
	Updated time.Time // when this state of it was stored, by the writer's clock
	Reason  string    // why it is rejected, expired, unknown; empty: nothing to say
	// CancelRequested asks whoever has the order to cancel it.
	CancelRequested bool
	// Dead marks an order that was handed out too often without success: it keeps
	// its status and is handed out no more until it is requeued or dropped.
	Dead bool

	// What the venue says.
	VenueOrderID string    // empty: not known
	VenueTime    time.Time // the venue's time of this state; zero: not known
	Filled       Decimal   // base units
	AveragePrice Decimal   // of what is filled, quote units; zero: nothing is, or not known

	// What the worker that sends it says.
	Attempt  uint32    // how often it was sent, or was about to be; zero: never
	Worker   string    // who sent it last; empty: nobody
	Deadline time.Time // until when the venue may take it; zero: never sent
	Token    uint64    // of the block that gave the right to send it; zero: none

	// First is the sequence that the order was created with, its place in the
	// queue; zero in that event itself. Readers set it.
	First    uint64
	Sequence uint64 // position in its log stream; set by readers
}

// OrderTerms is what its maker wants of an order.
type OrderTerms struct {
	Account     string
	Bot         string // whose it is
	Symbol      string
	Side        Side
	Type        OrderType
	TimeInForce TimeInForce
	Volume      Decimal // base units
	Price       Decimal // quote units; zero: none, as Type says
	StopPrice   Decimal // quote units; zero: none, as Type says
	ReduceOnly  bool    // may only make a position smaller
	// Expires is until when the order may be sent; zero: as the queue says.
	Expires time.Time
}

// Same tells whether both want the same.
func (t OrderTerms) Same(other OrderTerms) bool {
	return t.Account == other.Account && t.Bot == other.Bot && t.Symbol == other.Symbol && t.Side == other.Side &&
		t.Type == other.Type && t.TimeInForce == other.TimeInForce && t.Volume.Equal(other.Volume) && t.Price.Equal(other.Price) &&
		t.StopPrice.Equal(other.StopPrice) && t.ReduceOnly == other.ReduceOnly && t.Expires.Equal(other.Expires)
}

// Remaining is what is not filled, base units, never negative.
func (o Order) Remaining() Decimal {
	if rest := o.Volume.Sub(o.Filled); rest.IsPos() {
		return rest
	}
	return Decimal{}
}

// Follows tells what is wrong with o in the place of before, the same order at
// an earlier time: its terms may not change, its status only as CanBecome says,
// and what is filled stays filled. The error is a *FieldError.
func (o Order) Follows(before Order) error {
	switch {
	case o.ID != before.ID || o.Exchange != before.Exchange || !o.Same(before.OrderTerms):
		return Invalid("order", o.ID, "the terms that it was created with")
	case !before.Status.CanBecome(o.Status):
		return Invalid("status", o.Status.String(), "a status that may come after "+before.Status.String())
	case o.Filled.LessThan(before.Filled):
		return Invalid("filled", o.Filled.String(), "at least the "+before.Filled.String()+" that were filled before")
	case o.Attempt < before.Attempt:
		return Invalid("attempt", "", "an attempt that is not earlier than the last")
	}
	return nil
}

// CheckOrderID tells what is wrong with a client order id: 1 to 36 letters,
// digits, dashes and underscores, which every venue takes. The error is a
// *FieldError.
func CheckOrderID(id string) error {
	if len(id) > 36 || !isID(id) {
		return Invalid("client_order_id", id, "1 to 36 letters, digits, - and _")
	}
	return nil
}

// CheckBot tells what is wrong with a bot's id: 1 to MaxNameBytes letters,
// digits, dashes and underscores. The error is a *FieldError.
func CheckBot(id string) error {
	if !isID(id) {
		return Invalid("bot", id, "1 to 64 letters, digits, - and _")
	}
	return nil
}

// Validate tells what is wrong with the order. The error is a *FieldError.
func (o Order) Validate() error {
	if err := CheckOrderID(o.ID); err != nil {
		return err
	}
	if err := CheckExchange(o.Exchange); err != nil {
		return err
	}
	if err := o.OrderTerms.Validate(); err != nil {
		return err
	}
	if o.Status.String() == "none" {
		return Invalid("status", o.Status.String(), "one of the statuses of an order")
	}
	if err := requiredTime(o.Created, "when the order was created"); err != nil {
		return err
	}
	if len(o.Reason) > MaxReasonBytes {
		return Invalid("reason", o.Reason, "at most 512 bytes")
	}
	for _, name := range [...]struct{ field, value string }{{"venue_order_id", o.VenueOrderID}, {"worker", o.Worker}} {
		if name.value == "" {
			continue
		}
		if err := checkName(name.field, name.value); err != nil {
			return err
		}
	}
	if err := nonNegative("filled", o.Filled); err != nil {
		return err
	}
	if o.Filled.GreaterThan(o.Volume) {
		return Invalid("filled", o.Filled.String(), "at most the order's volume, "+o.Volume.String())
	}
	if err := nonNegative("average_price", o.AveragePrice); err != nil {
		return err
	}
	for _, t := range [...]struct {
		field string
		time  time.Time
	}{{"updated", o.Updated}, {"venue_time", o.VenueTime}, {"deadline", o.Deadline}} {
		if err := optionalTime(t.field, t.time); err != nil {
			return err
		}
	}
	return nil
}

// Validate tells what is wrong with the terms. The error is a *FieldError.
func (t OrderTerms) Validate() error {
	if err := CheckAccount(t.Account); err != nil {
		return err
	}
	if err := CheckBot(t.Bot); err != nil {
		return err
	}
	if err := CheckSymbol(t.Symbol); err != nil {
		return err
	}
	if t.Side != Buy && t.Side != Sell {
		return Invalid("side", t.Side.String(), "buy or sell")
	}
	if t.Type.String() == "none" {
		return Invalid("type", t.Type.String(), "market, limit, stop or stop_limit")
	}
	if t.TimeInForce.String() == "none" {
		return Invalid("time_in_force", t.TimeInForce.String(), "gtc, ioc, fok or post_only")
	}
	if t.TimeInForce == PostOnly && t.Type != Limit {
		return Invalid("time_in_force", "post_only", "limit orders only")
	}
	if err := positive("volume", t.Volume); err != nil {
		return err
	}
	if err := wanted("price", t.Price, t.Type.HasPrice(), t.Type); err != nil {
		return err
	}
	if err := wanted("stop_price", t.StopPrice, t.Type.HasStop(), t.Type); err != nil {
		return err
	}
	return optionalTime("expires", t.Expires)
}

// wanted holds a price to whether the type of order has one.
func wanted(field string, price Decimal, has bool, t OrderType) error {
	if has {
		return positive(field, price)
	}
	if !price.IsZero() {
		return Invalid(field, price.String(), "none for a "+t.String()+" order")
	}
	return nil
}

// OrderDeleted says that what is known of an order is to be forgotten. Its id
// stays taken.
type OrderDeleted struct {
	Exchange string
	ID       string
}

// Validate tells what is wrong with the event. The error is a *FieldError.
func (d OrderDeleted) Validate() error {
	if err := CheckExchange(d.Exchange); err != nil {
		return err
	}
	return CheckOrderID(d.ID)
}
