package domain

import "time"

// Fill is one trade of an account's own: a part of one of its orders that was
// filled.
type Fill struct {
	Account       string
	Exchange      string
	Symbol        string
	ID            string  // the venue's trade id, unique in the account
	OrderID       string  // the venue's order id; empty: not known
	ClientOrderID string  // ours; empty: not known
	Side          Side    // the account's own
	Price         Decimal // quote units
	Volume        Decimal // base units
	Fee           Decimal // units of FeeCurrency; negative: a rebate
	FeeCurrency   string  // empty: not known
	Maker         bool    // the order rested in the book
	Time          time.Time

	// First is the sequence of the event that the fill was first stored with;
	// zero in that event itself. Readers set it.
	First    uint64
	Sequence uint64 // position in its log stream; set by readers
}

// Cost is price times volume in quote units.
func (f Fill) Cost() Decimal { return f.Price.Mul(f.Volume) }

// Validate tells what is wrong with the fill. The error is a *FieldError.
func (f Fill) Validate() error {
	if err := (FillAcked{Account: f.Account, Exchange: f.Exchange, ID: f.ID}).Validate(); err != nil {
		return err
	}
	if err := CheckSymbol(f.Symbol); err != nil {
		return err
	}
	for _, o := range [...]struct{ name, value string }{{"order_id", f.OrderID}, {"client_order_id", f.ClientOrderID}} {
		if o.value == "" {
			continue
		}
		if err := checkName(o.name, o.value); err != nil {
			return err
		}
	}
	if f.Side != Buy && f.Side != Sell {
		return Invalid("side", f.Side.String(), "buy or sell")
	}
	if err := positive("price", f.Price); err != nil {
		return err
	}
	if err := positive("volume", f.Volume); err != nil {
		return err
	}
	if err := bounded("fee", f.Fee); err != nil {
		return err
	}
	if f.FeeCurrency != "" {
		if err := CheckCurrency(f.FeeCurrency); err != nil {
			return err
		}
	}
	return requiredTime(f.Time, "the venue's time of the fill")
}

// FillAcked says that a fill was dealt with and is to be handed out no more.
type FillAcked struct {
	Account  string
	Exchange string
	ID       string // as in Fill.ID
}

// Validate tells what is wrong with the event. The error is a *FieldError.
func (a FillAcked) Validate() error {
	if err := CheckAccount(a.Account); err != nil {
		return err
	}
	if err := CheckExchange(a.Exchange); err != nil {
		return err
	}
	return checkName("trade_id", a.ID)
}
