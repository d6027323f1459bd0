package domain

import "time"

// Side is the side of the aggressor, the taker.
type Side uint8

// The sides. The zero value is not a side.
const (
	Buy  Side = 1
	Sell Side = 2
)

func (s Side) String() string {
	switch s {
	case Buy:
		return "buy"
	case Sell:
		return "sell"
	}
	return "unknown"
}

// ParseSide reads "buy" or "sell".
func ParseSide(text string) (Side, error) {
	switch text {
	case "buy":
		return Buy, nil
	case "sell":
		return Sell, nil
	}
	return 0, Invalid("side", text, "buy or sell")
}

// Trade is one public trade of a venue.
type Trade struct {
	Exchange string
	Symbol   string
	ID       string // the venue's trade id, unique in its market
	Side     Side   // the aggressor's
	Price    Decimal
	Volume   Decimal   // base units
	Time     time.Time // the venue's time
	Received time.Time // when the publishing process received it

	Sequence uint64 // position in its log stream; set by readers
}

// Cost is price times volume in quote units.
func (t Trade) Cost() Decimal { return t.Price.Mul(t.Volume) }

// Validate tells what is wrong with the trade. The error is a *FieldError.
func (t Trade) Validate() error {
	if err := checkMarket(t.Exchange, t.Symbol); err != nil {
		return err
	}
	if err := checkName("trade_id", t.ID); err != nil {
		return err
	}
	if t.Side != Buy && t.Side != Sell {
		return Invalid("side", t.Side.String(), "buy or sell")
	}
	if err := positive("price", t.Price); err != nil {
		return err
	}
	if err := positive("volume", t.Volume); err != nil {
		return err
	}
	if err := requiredTime(t.Time, "the venue's time of the trade"); err != nil {
		return err
	}
	return optionalTime("received", t.Received)
}
