package bybit

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/execution/private"
	"github.com/fullon/fullon/internal/pause"
)

const (
	realtimePath = "/v5/order/realtime" // what rests, and what ended lately
	historyPath  = "/v5/order/history"  // what ended
	orderPage    = 50                   // the most orders that are listed at once

	// A request is taken before it is done: so often, and after so long, it is
	// asked whether it was.
	doneAsks  = 5
	doneAfter = 50 * time.Millisecond
)

// Check implements private.Orders.
func (*api) Check(o domain.Order, symbol domain.Symbol) (reason string) {
	switch {
	case o.Type.HasStop() && symbol.Settle == "":
		return "a stop at a spot market of Bybit has no direction: one whose price was passed when it arrives would wait for the price to come back"
	case o.TimeInForce == domain.FillOrKill && !o.Type.HasPrice():
		return "Bybit knows fill or kill only for orders with a limit"
	}
	return ""
}

// params writes an order in the venue's words.
func params(o domain.Order, spelled string) map[string]any {
	c, symbol := unspell(spelled)
	p := map[string]any{
		"category": string(c), "symbol": symbol, "orderLinkId": o.ID, "side": "Buy", "orderType": "Market",
		"qty": o.Volume.String(), "timeInForce": timeInForce(o),
	}
	if o.Side == domain.Sell {
		p["side"] = "Sell"
	}
	if o.Type.HasPrice() {
		p["orderType"], p["price"] = "Limit", o.Price.String()
	}
	switch {
	case c == linear:
		p["positionIdx"], p["reduceOnly"] = 0, o.ReduceOnly
	case o.Type == domain.Market:
		p["marketUnit"] = "baseCoin" // a buyer's size is in quote currency otherwise
	}
	if o.Type.HasStop() {
		p["triggerPrice"], p["triggerBy"], p["triggerDirection"] = o.StopPrice.String(), "LastPrice", rises
		if o.Side == domain.Sell {
			p["triggerDirection"] = falls
		}
	}
	return p
}

// Where the price goes that a stop waits for.
const (
	rises = 1
	falls = 2
)

func timeInForce(o domain.Order) string {
	switch {
	case !o.Type.HasPrice() || o.TimeInForce == domain.ImmediateOrCancel:
		return "IOC" // which market orders are, whatever is asked for
	case o.TimeInForce == domain.FillOrKill:
		return "FOK"
	case o.TimeInForce == domain.PostOnly:
		return "PostOnly"
	}
	return "GTC"
}

// order is an order as REST and the stream tell of it. What may be null is
// empty then.
type order struct {
	Category   category `json:"category"` // the stream says it
	Symbol     string   `json:"symbol"`
	Number     string   `json:"orderId"`
	ID         string   `json:"orderLinkId"`
	Status     string   `json:"orderStatus"`
	InForce    string   `json:"timeInForce"`
	CancelType string   `json:"cancelType"`
	Rejected   string   `json:"rejectReason"`
	Filled     string   `json:"cumExecQty"`
	Cost       string   `json:"cumExecValue"`
	Created    string   `json:"createdTime"`
	Updated    string   `json:"updatedTime"`
}

var statuses = map[string]domain.OrderStatus{
	"Created": domain.OrderAccepted, "New": domain.OrderAccepted, "Untriggered": domain.OrderAccepted, "Triggered": domain.OrderAccepted,
	"Active": domain.OrderAccepted, "PartiallyFilled": domain.OrderPartial, "Filled": domain.OrderFilled, "Cancelled": domain.OrderCanceled,
	"PartiallyFilledCanceled": domain.OrderCanceled, "Deactivated": domain.OrderCanceled, "Rejected": domain.OrderRejected,
}

// postOnlyTook is why an order was not put into the book that may not take.
const postOnlyTook = "EC_PostOnlyWillTakeLiquidity"

// report reads an order.
func (a *api) report(o order) (r execution.Report, err error) {
	status, ok := statuses[o.Status]
	if !ok {
		return r, errors.New("the status " + strconv.Quote(domain.Shorten(o.Status, 40)) + " is unknown")
	}
	if o.Number == "" || o.Symbol == "" || !o.Category.known() {
		return r, errors.New("the order has no number, or no symbol")
	}
	r = execution.Report{ID: o.ID, VenueOrderID: o.Number, Symbol: o.Category.spell(o.Symbol), Status: status}
	if r.Filled, err = domain.ParseUnsigned("cumExecQty", o.Filled); err != nil {
		return r, err
	}
	var cost domain.Decimal
	if err := read(number{"cumExecValue", o.Cost, &cost}); err != nil {
		return r, err
	}
	if r.Time, err = millis("updatedTime", o.Updated); err != nil {
		return r, err
	}
	if r.Filled.IsPos() && cost.IsPos() {
		if r.AveragePrice, err = cost.Div(r.Filled); err != nil {
			return r, err
		}
	}
	if r.Status = ended(status, o, r.Filled); r.Status.Final() && r.Status != domain.OrderFilled {
		r.Reason = a.Scrub(cmp.Or(said(o.Rejected), said(o.CancelType)))
	}
	return r, nil
}

// said is what a field says, where it says something.
func said(text string) string {
	switch text {
	case "UNKNOWN", "EC_NoError":
		return ""
	}
	return text
}

// ended is how an order ended. Bybit cancels what another venue says has
// expired, or is rejected: the rest of an order that was to be filled at once,
// and an order that would have taken and may not. And it rejects what is left of
// an order of which a part is filled.
func ended(status domain.OrderStatus, o order, filled domain.Decimal) domain.OrderStatus {
	switch {
	case status == domain.OrderRejected && filled.IsPos():
		return domain.OrderCanceled
	case status != domain.OrderCanceled:
		return status
	case o.Rejected == postOnlyTook && !filled.IsPos():
		return domain.OrderRejected
	case (o.InForce == "IOC" || o.InForce == "FOK") && said(o.CancelType) == "":
		return domain.OrderExpired
	}
	return status
}

// acknowledged is the answer to a request to change something: it is taken, and
// may yet fail.
type acknowledged struct {
	Number string `json:"orderId"`
}

// Submit implements private.Orders.
func (a *api) Submit(ctx context.Context, o domain.Order, symbol domain.Symbol) (execution.Report, error) {
	const path = "/v5/order/create"
	got, err := post[acknowledged](ctx, a, path, params(o, symbol.VenueSymbol))
	if err != nil {
		return execution.Report{}, err
	}
	number := got.Result.Number
	if number == "" {
		return execution.Report{}, private.Nonsense("POST "+path, "the answer has no number of the order")
	}
	report, err := a.find(ctx, symbol, "orderId", number)
	switch {
	case err != nil || report.ID != o.ID || report.Symbol != symbol.VenueSymbol:
		// It was taken: that must not be told as if nobody knew. The stream tells
		// the rest.
		return execution.Report{ID: o.ID, VenueOrderID: number, Symbol: symbol.VenueSymbol, Status: domain.OrderAccepted}, nil
	case report.Status == domain.OrderRejected:
		return execution.Report{}, &private.Failure{What: "POST " + path, Kind: private.Refused, Reason: cmp.Or(report.Reason, "the venue gives no reason")}
	}
	return report, nil
}

// find asks for an order by one of its names: among those that rest, those that
// ended lately, and all that ended. One that ends meanwhile is found by the next
// request.
func (a *api) find(ctx context.Context, symbol domain.Symbol, by, name string) (execution.Report, error) {
	c, venueSymbol := unspell(symbol.VenueSymbol)
	for _, where := range []struct{ path, openOnly string }{{realtimePath, "0"}, {realtimePath, "1"}, {historyPath, ""}} {
		query := url.Values{"category": {string(c)}, "symbol": {venueSymbol}, by: {name}}
		if where.openOnly != "" {
			query.Set("openOnly", where.openOnly)
		}
		found, _, err := list[order](ctx, a, where.path, query, 1)
		if err != nil {
			return execution.Report{}, err
		}
		if len(found) > 0 {
			newest := slices.MaxFunc(found, older)
			newest.Category = c
			return a.report(newest)
		}
	}
	return execution.Report{}, &private.Failure{What: "query", Kind: private.NotFound}
}

// older compares orders by when they were made.
func older(o, other order) int {
	return cmp.Or(cmp.Compare(len(o.Created), len(other.Created)), cmp.Compare(o.Created, other.Created))
}

// Cancel implements private.Orders.
func (a *api) Cancel(ctx context.Context, o domain.Order, symbol domain.Symbol) (execution.Report, error) {
	const path = "/v5/order/cancel"
	c, venueSymbol := unspell(symbol.VenueSymbol)
	if _, err := post[acknowledged](ctx, a, path, map[string]any{"category": string(c), "symbol": venueSymbol, "orderLinkId": o.ID}); err != nil {
		return execution.Report{}, err
	}
	for range doneAsks {
		report, err := a.Query(ctx, o, symbol)
		if private.Is(err, private.NotFound) {
			break // the lists lag: there was one to be canceled
		}
		if err != nil || report.Status.Final() {
			return report, err
		}
		pause.For(ctx, doneAfter)
	}
	return execution.Report{}, private.Nonsense("POST "+path, "it is taken, but not done")
}

// Query implements private.Orders.
func (a *api) Query(ctx context.Context, o domain.Order, symbol domain.Symbol) (execution.Report, error) {
	return a.find(ctx, symbol, "orderLinkId", o.ID)
}

// Open implements private.Orders.
func (a *api) Open(ctx context.Context) ([]execution.Report, error) {
	lists := []url.Values{{"category": {string(spot)}}}
	for _, coin := range a.settles() {
		lists = append(lists, url.Values{"category": {string(linear)}, "settleCoin": {coin}})
	}
	var open []order
	for _, query := range lists {
		query.Set("limit", strconv.Itoa(orderPage))
		found, more, err := list[order](ctx, a, realtimePath, query, maxPages)
		if err != nil {
			return nil, err
		}
		if more {
			return nil, &private.Failure{What: "GET " + realtimePath, Cause: errPages}
		}
		for i := range found {
			found[i].Category = category(query.Get("category"))
		}
		slices.Reverse(found) // the newest comes first
		open = append(open, found...)
	}
	slices.SortStableFunc(open, older)
	reports := make([]execution.Report, 0, len(open))
	for _, o := range open {
		report, err := a.report(o)
		if err != nil {
			return nil, err
		}
		reports = append(reports, report)
	}
	return reports, nil
}
