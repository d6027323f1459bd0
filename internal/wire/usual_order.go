package wire

import (
	"fmt"
	"math"

	"github.com/fullon/fullon/domain"
)

// ReadOrder reads and validates an order's payload, which must not be empty, into
// o, which must be the zero value. The key gives exchange and id, and what names
// the account, the bot, the symbol and the worker is kept in names. It takes and
// refuses what Decode does, and its errors are the same.
func ReadOrder(o *domain.Order, key domain.Key, data []byte, names *Names) error {
	o.ID, o.Exchange = key.OrderID, key.Exchange
	if !usualOrder(o, data, names) {
		var err error
		if *o, err = DecodeOrder(key, data); err != nil {
			return err
		}
	}
	if err := o.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}

// UsualOrder is DecodeOrder, faster where the payload has the form that Encode gives.
func UsualOrder(key domain.Key, data []byte) (domain.Order, error) {
	o := domain.Order{ID: key.OrderID, Exchange: key.Exchange}
	if usualOrder(&o, data, nil) {
		return o, nil
	}
	return DecodeOrder(key, data)
}

// usualOrder is ReadOrder without the validation. If it is false, what it has left
// in o counts for nothing.
func usualOrder(o *domain.Order, data []byte, names *Names) bool {
	at := usualLongHead(data, 26)
	status, at := usualNumber(data, at)
	created, at := usualNumber(data, at)
	updated, at := usualNumber(data, at)
	account, at := usualName(data, at)
	bot, at := usualName(data, at)
	symbol, at := usualName(data, at)
	side, at := usualNumber(data, at)
	kind, at := usualNumber(data, at)
	inForce, at := usualNumber(data, at)
	o.Volume, at = usualAmount(data, at)
	o.Price, at = usualAmount(data, at)
	o.StopPrice, at = usualAmount(data, at)
	o.ReduceOnly, at = usualBool(data, at)
	expires, at := usualNumber(data, at)
	reason, at := usualName(data, at)
	o.CancelRequested, at = usualBool(data, at)
	venueID, at := usualName(data, at)
	venueTime, at := usualNumber(data, at)
	o.Filled, at = usualAmount(data, at)
	o.AveragePrice, at = usualAmount(data, at)
	attempt, at := usualNumber(data, at)
	worker, at := usualName(data, at)
	deadline, at := usualNumber(data, at)
	o.Token, at = usualNumber(data, at)
	o.First, at = usualNumber(data, at)
	o.Dead, at = usualBool(data, at)
	if at == nowhere || max(created, updated, expires, venueTime, deadline) > math.MaxInt64 {
		return false
	}
	o.Status, o.Side = domain.OrderStatus(min(status, 255)), domain.Side(min(side, 255))
	o.Type, o.TimeInForce = domain.OrderType(min(kind, 255)), domain.TimeInForce(min(inForce, 255))
	o.Account, o.Bot, o.Symbol, o.Worker = names.keep(account), names.keep(bot), names.keep(symbol), names.keep(worker)
	o.Reason, o.VenueOrderID = string(reason), string(venueID)
	o.Created, o.Updated = domain.FromUnixNano(int64(created)), domain.FromUnixNano(int64(updated))
	o.Expires, o.Deadline = domain.FromUnixNano(int64(expires)), domain.FromUnixNano(int64(deadline))
	o.VenueTime = domain.FromUnixNano(int64(venueTime))
	o.Attempt = uint32(min(attempt, math.MaxUint32))
	return true
}
