package binance

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
)

const orderPath = "/api/v3/order"

// Check implements private.Orders.
func (spot) Check(o domain.Order, _ domain.Symbol) (reason string) {
	if o.TimeInForce == domain.FillOrKill && !o.Type.HasPrice() {
		return "Binance knows fill or kill only for orders with a limit"
	}
	return ""
}

// params writes an order in the venue's words.
func params(o domain.Order, symbol string) url.Values {
	p := url.Values{
		"symbol": {symbol}, "newClientOrderId": {o.ID}, "quantity": {o.Volume.String()}, "newOrderRespType": {"RESULT"}, "side": {"BUY"},
	}
	if o.Side == domain.Sell {
		p.Set("side", "SELL")
	}
	if o.Type.HasPrice() {
		p.Set("price", o.Price.String())
	}
	if o.Type.HasStop() {
		p.Set("stopPrice", o.StopPrice.String())
	}
	switch {
	case o.Type == domain.Limit && o.TimeInForce == domain.PostOnly:
		p.Set("type", "LIMIT_MAKER")
	case o.Type == domain.Limit:
		p.Set("type", "LIMIT")
		p.Set("timeInForce", timeInForce(o))
	case o.Type == domain.StopLimit:
		p.Set("type", "STOP_LOSS_LIMIT")
		p.Set("timeInForce", timeInForce(o))
	case o.Type == domain.Stop:
		p.Set("type", "STOP_LOSS")
	default:
		p.Set("type", "MARKET") // which the venue never lets rest
	}
	return p
}

func timeInForce(o domain.Order) string {
	switch o.TimeInForce {
	case domain.ImmediateOrCancel:
		return "IOC"
	case domain.FillOrKill:
		return "FOK"
	}
	return "GTC"
}

// order is what all the venue's forms of an order have in common.
type order struct {
	Symbol     string `json:"symbol"`
	Number     int64  `json:"orderId"`
	ID         string `json:"clientOrderId"`
	CanceledID string `json:"origClientOrderId"` // in the answer to a cancel the other is the request's
	Status     string `json:"status"`
	Filled     string `json:"executedQty"`         // base units
	Cost       string `json:"cummulativeQuoteQty"` // quote units; negative: the venue has forgotten it
	Quote      string `json:"cumQuote"`            // the same, of perpetuals
	Made       int64  `json:"time"`
	Updated    int64  `json:"updateTime"`
	Transacted int64  `json:"transactTime"` // in answers to requests
	average    string // in place of the cost, where it is not told
	reason     string
}

// report reads an order. wrong says why it cannot be believed.
func (o order) report() (r execution.Report, wrong error) {
	status, ok := statuses[o.Status]
	if !ok {
		return r, errors.New("the status " + strconv.Quote(domain.Shorten(o.Status, 40)) + " is unknown")
	}
	if o.Number <= 0 {
		return r, errors.New("the order has no number")
	}
	r = execution.Report{ID: o.ID, VenueOrderID: strconv.FormatInt(o.Number, 10), Symbol: o.Symbol, Status: status, Reason: o.reason}
	var err error
	if r.Filled, err = domain.ParseUnsigned("filled", o.Filled); err != nil {
		return r, err
	}
	if r.AveragePrice, err = o.averageOf(r.Filled); err != nil {
		return r, err
	}
	if ms := cmp.Or(o.Transacted, o.Updated); ms > 0 {
		r.Time = unixMilli(ms)
	}
	return r, nil
}

// averageOf is the average price of what is filled; zero: nothing is, or the
// venue does not know it.
func (o order) averageOf(filled domain.Decimal) (average domain.Decimal, err error) {
	if o.average != "" {
		return domain.ParseUnsigned("average", o.average)
	}
	cost, err := domain.ParseDecimal("cost", cmp.Or(o.Cost, o.Quote))
	if err != nil || !filled.IsPos() || !cost.IsPos() {
		return average, err
	}
	if average, err = cost.Div(filled); err != nil {
		return average, errors.New("its average price cannot be told: " + err.Error())
	}
	return average, nil
}

func unixMilli(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

var statuses = map[string]domain.OrderStatus{
	"NEW": domain.OrderAccepted, "PENDING_NEW": domain.OrderAccepted, "PENDING_CANCEL": domain.OrderAccepted,
	"NEW_ADL": domain.OrderAccepted, "NEW_INSURANCE": domain.OrderAccepted,
	"PARTIALLY_FILLED": domain.OrderPartial, "FILLED": domain.OrderFilled, "CANCELED": domain.OrderCanceled,
	"REJECTED": domain.OrderRejected, "EXPIRED": domain.OrderExpired, "EXPIRED_IN_MATCH": domain.OrderExpired,
}

// Submit implements private.Orders.
func (a spot) Submit(ctx context.Context, o domain.Order, symbol domain.Symbol) (execution.Report, error) {
	got, err := ask[order](ctx, a.account, http.MethodPost, orderPath, params(o, symbol.VenueSymbol))
	if err != nil {
		return execution.Report{}, err
	}
	return got.report()
}

func named(o domain.Order, symbol domain.Symbol) url.Values {
	return url.Values{"symbol": {symbol.VenueSymbol}, "origClientOrderId": {o.ID}}
}

// Cancel implements private.Orders.
func (a spot) Cancel(ctx context.Context, o domain.Order, symbol domain.Symbol) (execution.Report, error) {
	got, err := ask[order](ctx, a.account, http.MethodDelete, orderPath, named(o, symbol))
	if err != nil {
		return execution.Report{}, err
	}
	got.ID = got.CanceledID
	return got.report()
}

// Query implements private.Orders.
func (a spot) Query(ctx context.Context, o domain.Order, symbol domain.Symbol) (execution.Report, error) {
	got, err := ask[order](ctx, a.account, http.MethodGet, orderPath, named(o, symbol))
	switch {
	case errors.Is(err, errArchived):
		return execution.Report{ID: o.ID, Symbol: symbol.VenueSymbol, Status: domain.OrderCanceled, Reason: "it ended without a fill long ago"}, nil
	case err != nil:
		return execution.Report{}, err
	}
	return got.report()
}

// Open implements private.Orders.
func (a spot) Open(ctx context.Context) ([]execution.Report, error) {
	return a.open(ctx, "/api/v3/openOrders")
}

// open lists what rests, the oldest first.
func (a account) open(ctx context.Context, path string) ([]execution.Report, error) {
	all, err := ask[[]order](ctx, a, http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(o, other order) int {
		return cmp.Or(cmp.Compare(o.Made, other.Made), cmp.Compare(o.Number, other.Number))
	})
	reports := make([]execution.Report, len(all))
	for i, o := range all {
		if reports[i], err = o.report(); err != nil {
			return nil, err
		}
	}
	return reports, nil
}
