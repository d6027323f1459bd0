package sim

import "strings"

// The venue's words for what an order is and what became of it.
const (
	typeLimit     = "LIMIT"
	typeMarket    = "MARKET"
	typeMaker     = "LIMIT_MAKER"
	typeStop      = "STOP_LOSS"
	typeStopLimit = "STOP_LOSS_LIMIT"

	untilCancel = "GTC"
	immediate   = "IOC"
	allOrNone   = "FOK"

	statusNew      = "NEW"
	statusPartial  = "PARTIALLY_FILLED"
	statusFilled   = "FILLED"
	statusCanceled = "CANCELED"
	statusExpired  = "EXPIRED"
)

// order is an account's order. Its exported fields are its state, which is
// what the journal keeps.
type order struct {
	ID       int64
	ClientID string
	Buy      bool
	Type     string
	TIF      string
	Ticks    int64 // of the limit; zero: none
	Stop     int64 // ticks; zero: none
	Lots     int64
	Filled   int64 // lots
	Cost     fixed // quote units of what is filled
	Locked   fixed // of what it would pay with
	Status   string
	Created  int64 // unix ms
	Updated  int64
	Working  int64 // since when it is in the book; zero: it waits for its stop

	account *account
	market  *market
}

func (o *order) open() bool { return o.Status == statusNew || o.Status == statusPartial }

func (o *order) left() int64 { return o.Lots - o.Filled }

// crosses tells whether an order that is working takes a price.
func (o *order) crosses(ticks int64) bool {
	switch {
	case o.Ticks == 0:
		return true
	case o.Buy:
		return ticks <= o.Ticks
	}
	return ticks >= o.Ticks
}

// reached tells whether a last price sets a stop order off.
func (o *order) reached(last int64) bool {
	if o.Buy {
		return last >= o.Stop
	}
	return last <= o.Stop
}

func (o *order) side() string {
	if o.Buy {
		return "BUY"
	}
	return "SELL"
}

// pays is the asset that the order is paid with.
func (o *order) pays() string {
	if o.Buy {
		return o.market.quoteAsset
	}
	return o.market.base
}

// needs is what the rest of the order has to lock.
func (o *order) needs() fixed {
	if !o.Buy {
		return o.market.size(o.left())
	}
	ticks := o.Ticks
	if ticks == 0 {
		ticks = o.Stop
	}
	return fixed(ticks * o.left() * o.market.tickQuote)
}

// restOrder is how REST shows an order. Fields that an endpoint does not have
// are empty there.
type restOrder struct {
	Symbol        string `json:"symbol"`
	OrigClientID  string `json:"origClientOrderId,omitempty"` // of a cancel
	OrderID       int64  `json:"orderId"`
	OrderListID   int64  `json:"orderListId"`
	ClientOrderID string `json:"clientOrderId"`
	TransactTime  int64  `json:"transactTime,omitempty"` // of a change
	Price         fixed  `json:"price"`
	OrigQty       fixed  `json:"origQty"`
	ExecutedQty   fixed  `json:"executedQty"`
	OrigQuoteQty  fixed  `json:"origQuoteOrderQty"`
	QuoteQty      fixed  `json:"cummulativeQuoteQty"` // the venue's spelling
	Status        string `json:"status"`
	TimeInForce   string `json:"timeInForce"`
	Type          string `json:"type"`
	Side          string `json:"side"`
	StopPrice     *fixed `json:"stopPrice,omitempty"`
	IcebergQty    *fixed `json:"icebergQty,omitempty"` // of a query
	Time          int64  `json:"time,omitempty"`       // of a query
	UpdateTime    int64  `json:"updateTime,omitempty"` // of a query
	IsWorking     *bool  `json:"isWorking,omitempty"`  // of a query
	WorkingTime   int64  `json:"workingTime"`
	SelfTrade     string `json:"selfTradePreventionMode"`

	Fills []restFill `json:"fills,omitzero"` // of a full answer
}

type restFill struct {
	Price           fixed  `json:"price"`
	Qty             fixed  `json:"qty"`
	Commission      fixed  `json:"commission"`
	CommissionAsset string `json:"commissionAsset"`
	TradeID         int64  `json:"tradeId"`
}

func (o *order) rest() restOrder {
	m := o.market
	r := restOrder{
		Symbol: m.venue, OrderID: o.ID, OrderListID: -1, ClientOrderID: o.ClientID, Price: m.price(o.Ticks),
		OrigQty: m.size(o.Lots), ExecutedQty: m.size(o.Filled), QuoteQty: o.Cost, Status: o.Status, TimeInForce: o.TIF,
		Type: o.Type, Side: o.side(), WorkingTime: -1, SelfTrade: "NONE",
	}
	if o.Working != 0 {
		r.WorkingTime = o.Working
	}
	if strings.HasPrefix(o.Type, typeStop) {
		stop := m.price(o.Stop)
		r.StopPrice = &stop
	}
	return r
}

// queried is the form of queries.
func (o *order) queried() restOrder {
	r, working, none, stop := o.rest(), o.Working != 0, fixed(0), o.market.price(o.Stop)
	r.StopPrice, r.IcebergQty, r.IsWorking, r.Time, r.UpdateTime = &stop, &none, &working, o.Created, o.Updated
	return r
}

// changed is the form of the answers to changes.
func (o *order) changed() restOrder {
	r := o.rest()
	r.TransactTime = o.Updated
	return r
}
