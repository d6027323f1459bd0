package wire

import (
	"github.com/fullon/fullon/domain"
)

func (e *encoder) order(o domain.Order) {
	e.begin(26)
	e.uint(uint64(o.Status))
	e.int(domain.UnixNano(o.Created))
	e.int(domain.UnixNano(o.Updated))
	e.text(o.Account)
	e.text(o.Bot)
	e.text(o.Symbol)
	e.uint(uint64(o.Side))
	e.uint(uint64(o.Type))
	e.uint(uint64(o.TimeInForce))
	e.decimal(o.Volume)
	e.decimal(o.Price)
	e.decimal(o.StopPrice)
	e.bool(o.ReduceOnly)
	e.int(domain.UnixNano(o.Expires))
	e.text(o.Reason)
	e.bool(o.CancelRequested)
	e.text(o.VenueOrderID)
	e.int(domain.UnixNano(o.VenueTime))
	e.decimal(o.Filled)
	e.decimal(o.AveragePrice)
	e.uint(uint64(o.Attempt))
	e.text(o.Worker)
	e.int(domain.UnixNano(o.Deadline))
	e.uint(o.Token)
	e.uint(o.First)
	e.bool(o.Dead)
}

// DecodeOrder reads an order's payload, which must not be empty. The key gives
// exchange and id.
func DecodeOrder(key domain.Key, data []byte) (domain.Order, error) {
	var d decoder
	d.begin(data, 26)
	o := domain.Order{ID: key.OrderID, Exchange: key.Exchange}
	o.Status = domain.OrderStatus(d.small("status"))
	o.Created = d.time("created")
	o.Updated = d.time("updated")
	o.Account = d.text("account")
	o.Bot = d.text("bot")
	o.Symbol = d.text("symbol")
	o.Side = domain.Side(d.small("side"))
	o.Type = domain.OrderType(d.small("type"))
	o.TimeInForce = domain.TimeInForce(d.small("time_in_force"))
	o.Volume = d.decimal("volume")
	o.Price = d.decimal("price")
	o.StopPrice = d.decimal("stop_price")
	o.ReduceOnly = d.bool("reduce_only")
	o.Expires = d.time("expires")
	o.Reason = d.text("reason")
	o.CancelRequested = d.bool("cancel_requested")
	o.VenueOrderID = d.text("venue_order_id")
	o.VenueTime = d.time("venue_time")
	o.Filled = d.decimal("filled")
	o.AveragePrice = d.decimal("average_price")
	o.Attempt = uint32(min(d.uint("attempt"), 1<<32-1))
	o.Worker = d.text("worker")
	o.Deadline = d.time("deadline")
	o.Token = d.uint("token")
	o.First = d.uint("first")
	o.Dead = d.bool("dead")
	return o, d.err
}

func (e *encoder) claim(c domain.Claim) {
	e.begin(7)
	e.text(c.Bot)
	e.text(c.Account)
	e.int(domain.UnixNano(c.Granted))
	e.int(domain.UnixNano(c.Expires))
	e.bool(c.Released)
	e.bool(c.Exposed)
	e.uint(c.First)
}

// DecodeClaim reads the payload of a block or an opening mark. The key gives
// the kind, exchange and symbol.
func DecodeClaim(key domain.Key, data []byte) (domain.Claim, error) {
	var d decoder
	d.begin(data, 7)
	c := domain.Claim{
		Kind:     key.Kind,
		Exchange: key.Exchange,
		Symbol:   key.Symbol,
		Bot:      d.text("bot"),
		Account:  d.text("account"),
		Granted:  d.time("granted"),
		Expires:  d.time("expires"),
		Released: d.bool("released"),
		Exposed:  d.bool("exposed"),
		First:    d.uint("first"),
	}
	return c, d.err
}

func (e *encoder) claimRenewal(r domain.ClaimRenewal) {
	e.begin(3)
	e.text(r.Bot)
	e.uint(r.Token)
	e.int(domain.UnixNano(r.Expires))
}

// DecodeClaimRenewal reads a renewal's payload. The key gives the kind, exchange
// and symbol.
func DecodeClaimRenewal(key domain.Key, data []byte) (domain.ClaimRenewal, error) {
	var d decoder
	d.begin(data, 3)
	r := domain.ClaimRenewal{
		Kind:     key.Kind.Claim(),
		Exchange: key.Exchange,
		Symbol:   key.Symbol,
		Bot:      d.text("bot"),
		Token:    d.uint("token"),
		Expires:  d.time("expires"),
	}
	return r, d.err
}

func (e *encoder) halt(h domain.Halt) {
	e.begin(3)
	e.uint(uint64(h.State))
	e.text(h.Reason)
	e.int(domain.UnixNano(h.Time))
}

// DecodeHalt reads a halt's payload. The key gives exchange and bot.
func DecodeHalt(key domain.Key, data []byte) (domain.Halt, error) {
	var d decoder
	d.begin(data, 3)
	h := domain.Halt{
		Exchange: key.Exchange,
		Bot:      key.Bot,
		All:      key.Kind == domain.KindHaltAll,
		State:    domain.HaltState(d.small("state")),
		Reason:   d.text("reason"),
		Time:     d.time("time"),
	}
	return h, d.err
}

func (e *encoder) granted(g domain.Granted) {
	e.begin(1)
	e.text(g.Bot)
}

// DecodeGranted reads the payload of a Granted. The key gives the exchange.
func DecodeGranted(key domain.Key, data []byte) (domain.Granted, error) {
	var d decoder
	d.begin(data, 1)
	g := domain.Granted{Exchange: key.Exchange, Bot: d.text("bot")}
	return g, d.err
}

func (e *encoder) fence(f domain.Fence) {
	e.begin(1)
	e.text(f.Worker)
}

// DecodeFence reads a fence's payload. The key gives exchange and symbol.
func DecodeFence(key domain.Key, data []byte) (domain.Fence, error) {
	var d decoder
	d.begin(data, 1)
	f := domain.Fence{Exchange: key.Exchange, Symbol: key.Symbol, Worker: d.text("worker")}
	return f, d.err
}

func decodeExchange(key domain.Key, data []byte) (domain.Event, error) {
	switch key.Kind {
	case domain.KindOrder:
		if len(data) == 0 {
			return domain.OrderDeleted{Exchange: key.Exchange, ID: key.OrderID}, nil
		}
		return DecodeOrder(key, data)
	case domain.KindBlock, domain.KindOpening:
		return DecodeClaim(key, data)
	case domain.KindBlockRenewal, domain.KindOpeningRenewal:
		return DecodeClaimRenewal(key, data)
	case domain.KindGranted:
		return DecodeGranted(key, data)
	case domain.KindFence:
		return DecodeFence(key, data)
	}
	return DecodeHalt(key, data)
}
