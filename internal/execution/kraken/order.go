package kraken

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/execution/private"
)

// Check implements private.Orders.
func (*api) Check(o domain.Order, _ domain.Symbol) (reason string) {
	if _, ok := clientID(o.ID); !ok {
		return "Kraken takes client order ids of up to " + strconv.Itoa(maxText) + " characters, UUIDs, and those of NewOrderID"
	}
	if o.TimeInForce == domain.FillOrKill && o.Type != domain.Limit {
		return "Kraken knows fill or kill only for limit orders"
	}
	if o.TimeInForce == domain.ImmediateOrCancel && o.Type.HasStop() {
		return "Kraken knows immediate or cancel only for orders that are live at once"
	}
	return ""
}

// params writes an order in the venue's words.
func params(o domain.Order, symbol string) url.Values {
	id, _ := clientID(o.ID) // Check took it
	p := url.Values{
		"pair": {pair(symbol)}, "cl_ord_id": {id}, "volume": {o.Volume.String()}, "type": {o.Side.String()},
		"oflags": {"fciq"}, // fees in quote currency, for sales too
	}
	switch o.Type {
	case domain.Limit:
		p.Set("ordertype", "limit")
		p.Set("price", o.Price.String())
	case domain.Stop:
		p.Set("ordertype", "stop-loss")
		p.Set("price", o.StopPrice.String())
	case domain.StopLimit:
		p.Set("ordertype", "stop-loss-limit")
		p.Set("price", o.StopPrice.String())
		p.Set("price2", o.Price.String())
	default:
		p.Set("ordertype", "market")
	}
	switch o.TimeInForce {
	case domain.PostOnly:
		p.Set("oflags", "fciq,post")
	case domain.ImmediateOrCancel:
		p.Set("timeinforce", "IOC")
	case domain.FillOrKill:
		p.Set("timeinforce", "FOK")
	}
	return p
}

// order is an order as REST tells of it.
type order struct {
	ID     string      `json:"cl_ord_id"`
	Status string      `json:"status"`
	Reason string      `json:"reason"`
	Opened json.Number `json:"opentm"`
	Closed json.Number `json:"closetm"`
	Descr  struct {
		Pair string `json:"pair"`
		Side string `json:"type"`
	} `json:"descr"`
	Filled string `json:"vol_exec"`
	Cost   string `json:"cost"`
}

// report reads an order. The time in force, where it is known, tells whether a
// canceled order did what it was to do.
func (a *api) report(number string, o order, inForce domain.TimeInForce) (r execution.Report, err error) {
	status, ok := statuses[o.Status]
	if !ok {
		return r, errors.New("the status " + strconv.Quote(domain.Shorten(o.Status, 40)) + " is unknown")
	}
	r = execution.Report{ID: ourID(o.ID), VenueOrderID: number, Symbol: a.symbol(o.Descr.Pair), Status: status, Reason: a.Scrub(o.Reason)}
	if r.Filled, err = domain.ParseUnsigned("vol_exec", o.Filled); err != nil {
		return r, err
	}
	cost, err := domain.ParseUnsigned("cost", o.Cost)
	if err != nil {
		return r, err
	}
	at := o.Opened
	if status.Final() {
		at = cmp.Or(o.Closed, o.Opened)
		r.Status = ended(status, inForce, o.Reason)
	}
	if r.Time, err = seconds(at.String()); err != nil {
		return r, err
	}
	if r.Filled.IsPos() && cost.IsPos() {
		if r.AveragePrice, err = cost.Div(r.Filled); err != nil {
			return r, err
		}
	}
	return r, nil
}

var statuses = map[string]domain.OrderStatus{
	"pending": domain.OrderAccepted, "open": domain.OrderAccepted, "closed": domain.OrderFilled,
	"canceled": domain.OrderCanceled, "expired": domain.OrderExpired,
}

// ended is how an order ended: Kraken cancels what another venue says has
// expired, the rest of an order that was to be filled at once.
func ended(status domain.OrderStatus, inForce domain.TimeInForce, reason string) domain.OrderStatus {
	atOnce := inForce == domain.ImmediateOrCancel || inForce == domain.FillOrKill
	if status == domain.OrderCanceled && atOnce && !strings.HasPrefix(reason, "User") {
		return domain.OrderExpired
	}
	return status
}

// seconds reads unix seconds with decimals, to the microsecond.
func seconds(text string) (time.Time, error) {
	whole, fraction, _ := strings.Cut(text, ".")
	s, err := strconv.ParseInt(whole, 10, 64)
	micros, fracErr := strconv.ParseUint((fraction + "000000")[:6], 10, 63)
	if err != nil || fracErr != nil || s <= 0 {
		return time.Time{}, domain.Invalid("time", text, "unix seconds")
	}
	return time.Unix(s, int64(micros)*int64(time.Microsecond)).UTC(), nil
}

// Submit implements private.Orders.
func (a *api) Submit(ctx context.Context, o domain.Order, symbol domain.Symbol) (execution.Report, error) {
	type added struct {
		Numbers []string `json:"txid"`
	}
	got, err := send[added](ctx, a, "AddOrder", params(o, symbol.VenueSymbol), true)
	if err != nil {
		return execution.Report{}, err
	}
	if len(got.Numbers) != 1 || got.Numbers[0] == "" {
		return execution.Report{}, private.Nonsense("POST /0/private/AddOrder", "the answer has no number of the order")
	}
	number := got.Numbers[0]
	orders, err := a.numbered(ctx, number)
	if state, ok := orders[number]; err == nil && ok {
		if report, err := a.report(number, state, o.TimeInForce); err == nil {
			return report, nil
		}
	}
	// It was taken: that must not be told as if nobody knew.
	return execution.Report{ID: o.ID, VenueOrderID: number, Symbol: symbol.VenueSymbol, Status: domain.OrderAccepted}, nil
}

// numbered asks for orders by the venue's numbers, at most 50.
func (a *api) numbered(ctx context.Context, numbers ...string) (map[string]order, error) {
	return ask[map[string]order](ctx, a, "QueryOrders", url.Values{"txid": {strings.Join(numbers, ",")}})
}

// Cancel implements private.Orders.
func (a *api) Cancel(ctx context.Context, o domain.Order, symbol domain.Symbol) (execution.Report, error) {
	type canceled struct {
		Count int `json:"count"`
	}
	id, ok := clientID(o.ID)
	if !ok { // so it never was sent
		return execution.Report{}, &private.Failure{Kind: private.NotFound, What: "cancel"}
	}
	if _, err := ask[canceled](ctx, a, "CancelOrder", url.Values{"cl_ord_id": {id}}); err != nil {
		return execution.Report{}, err
	}
	report, err := a.Query(ctx, o, symbol) // the answer does not say what was filled
	if err == nil && !report.Status.Final() {
		return execution.Report{}, private.Nonsense("POST /0/private/CancelOrder", "it is taken, but not done")
	}
	return report, err
}

// Query implements private.Orders. An order that ends between the two requests
// is found by the second.
func (a *api) Query(ctx context.Context, o domain.Order, _ domain.Symbol) (execution.Report, error) {
	id, ok := clientID(o.ID)
	if !ok {
		return execution.Report{}, &private.Failure{Kind: private.NotFound, What: "query"}
	}
	query := url.Values{"cl_ord_id": {id}}
	open, err := ask[openOrders](ctx, a, "OpenOrders", query)
	if err != nil {
		return execution.Report{}, err
	}
	found := open.Orders
	if len(found) == 0 {
		closed, err := ask[closedOrders](ctx, a, "ClosedOrders", query)
		if err != nil {
			return execution.Report{}, err
		}
		found = closed.Orders
	}
	if len(found) == 0 {
		return execution.Report{}, &private.Failure{Kind: private.NotFound, What: "query"}
	}
	// Of several that had the id one after the other, the newest.
	number := slices.MaxFunc(slices.Collect(maps.Keys(found)), func(x, y string) int { return older(found[x], found[y], x, y) })
	return a.report(number, found[number], o.TimeInForce)
}

type openOrders struct {
	Orders map[string]order `json:"open"`
}

type closedOrders struct {
	Orders map[string]order `json:"closed"`
}

func older(o, other order, number, otherNumber string) int {
	x, errX := seconds(o.Opened.String())
	y, errY := seconds(other.Opened.String())
	if errX != nil || errY != nil {
		return 0 // which report refuses
	}
	return cmp.Or(x.Compare(y), cmp.Compare(number, otherNumber))
}

// Open implements private.Orders.
func (a *api) Open(ctx context.Context) ([]execution.Report, error) {
	got, err := ask[openOrders](ctx, a, "OpenOrders", nil)
	if err != nil {
		return nil, err
	}
	reports := make([]execution.Report, 0, len(got.Orders))
	for _, number := range slices.SortedFunc(maps.Keys(got.Orders), func(x, y string) int { return older(got.Orders[x], got.Orders[y], x, y) }) {
		report, err := a.report(number, got.Orders[number], domain.GoodTillCancel)
		if err != nil {
			return nil, err
		}
		reports = append(reports, report)
	}
	return reports, nil
}
