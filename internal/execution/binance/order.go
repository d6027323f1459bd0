package binance

import (
	"strconv"
	"time"

	api "github.com/adshao/go-binance/v2"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
)

// check refuses what the venue would not have to be asked about. reason is
// empty for an order that can be sent.
func (v *Venue) check(o domain.Order) (symbol domain.Symbol, reason string) {
	if err := o.Validate(); err != nil {
		return symbol, err.Error()
	}
	symbol, known := v.symbols.byName(o.Symbol)
	switch {
	case o.Exchange != v.cfg.Exchange || o.Account != v.cfg.Account:
		reason = "it is for " + o.Account + " at " + o.Exchange + ", not for " + v.cfg.Account + " at " + v.cfg.Exchange
	case !known:
		reason = o.Symbol + " is not in the catalogue of " + v.cfg.Exchange
	case symbol.Settle != "":
		reason = o.Symbol + " is no spot market"
	case o.ReduceOnly && o.Side == domain.Buy:
		reason = "a spot market has no short position that buying could reduce"
	case o.TimeInForce == domain.FillOrKill && !o.Type.HasPrice():
		reason = "Binance knows fill or kill only for orders with a limit"
	}
	return symbol, reason
}

// request writes an order in the venue's words.
func request(c *api.Client, o domain.Order, symbol string) *api.CreateOrderService {
	r := c.NewCreateOrderService().Symbol(symbol).NewClientOrderID(o.ID).Quantity(o.Volume.String()).
		NewOrderRespType(api.NewOrderRespTypeRESULT).Side(api.SideTypeBuy)
	if o.Side == domain.Sell {
		r.Side(api.SideTypeSell)
	}
	if o.Type.HasPrice() {
		r.Price(o.Price.String())
	}
	if o.Type.HasStop() {
		r.StopPrice(o.StopPrice.String())
	}
	switch o.Type {
	case domain.Limit:
		if o.TimeInForce == domain.PostOnly {
			return r.Type(api.OrderTypeLimitMaker)
		}
		r.Type(api.OrderTypeLimit).TimeInForce(timeInForce(o))
	case domain.StopLimit:
		r.Type(api.OrderTypeStopLossLimit).TimeInForce(timeInForce(o))
	case domain.Stop:
		r.Type(api.OrderTypeStopLoss)
	default:
		r.Type(api.OrderTypeMarket) // which the venue never lets rest
	}
	return r
}

func timeInForce(o domain.Order) api.TimeInForceType {
	switch o.TimeInForce {
	case domain.ImmediateOrCancel:
		return api.TimeInForceTypeIOC
	case domain.FillOrKill:
		return api.TimeInForceTypeFOK
	}
	return api.TimeInForceTypeGTC
}

// state is what all the venue's forms of an order have in common.
type state struct {
	symbol   string // the venue's spelling
	number   int64
	clientID string
	status   string
	filled   string // base units
	cost     string // quote units; negative: the venue has forgotten it
	ms       int64
	reason   string
}

// report reads a state. wrong says why it cannot be believed.
func (v *Venue) report(s state) (r execution.Report, wrong string) {
	status, ok := statusOf(s.status)
	if !ok {
		return r, "the status " + strconv.Quote(domain.Shorten(s.status, 40)) + " is unknown"
	}
	filled, err := domain.ParseUnsigned("filled", s.filled)
	if err != nil {
		return r, err.Error()
	}
	cost, err := domain.ParseDecimal("cost", s.cost)
	if err != nil {
		return r, err.Error()
	}
	if s.number <= 0 {
		return r, "the order has no number"
	}
	if status == domain.OrderAccepted && filled.IsPos() {
		status = domain.OrderPartial // a cancel that is pending hides it
	}
	r = execution.Report{
		ID: s.clientID, VenueOrderID: strconv.FormatInt(s.number, 10), Symbol: s.symbol, Status: status, Filled: filled, Reason: s.reason,
	}
	if name, known := v.symbols.name(s.symbol); known {
		r.Symbol = name
	}
	if s.ms > 0 {
		r.Time = unixMilli(s.ms)
	}
	if filled.IsPos() && cost.IsPos() {
		if r.AveragePrice, err = cost.Div(filled); err != nil {
			return r, "its average price cannot be told: " + err.Error()
		}
	}
	return r, ""
}

func unixMilli(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

func statusOf(text string) (domain.OrderStatus, bool) {
	switch api.OrderStatusType(text) {
	case api.OrderStatusTypeNew, "PENDING_NEW", api.OrderStatusTypePendingCancel:
		return domain.OrderAccepted, true
	case api.OrderStatusTypePartiallyFilled:
		return domain.OrderPartial, true
	case api.OrderStatusTypeFilled:
		return domain.OrderFilled, true
	case api.OrderStatusTypeCanceled:
		return domain.OrderCanceled, true
	case api.OrderStatusTypeRejected:
		return domain.OrderRejected, true
	case api.OrderStatusTypeExpired, api.OrderStatusExpiredInMatch:
		return domain.OrderExpired, true
	}
	return 0, false
}

func stateOf(o *api.Order) state {
	return state{
		symbol: o.Symbol, number: o.OrderID, clientID: o.ClientOrderID, status: string(o.Status),
		filled: o.ExecutedQuantity, cost: o.CummulativeQuoteQuantity, ms: o.UpdateTime,
	}
}
