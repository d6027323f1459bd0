package coinbase

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/execution/private"
	"github.com/fullon/fullon/internal/pause"
)

// sooner is by how much an order must be older than the request that should
// have made it to be another one: the venue's machines need not have one clock.
const sooner = time.Second

// settling is how long a canceled order may take to end: the wait before it is
// asked for again doubles from the first to the last.
const firstSettling, lastSettling = 25 * time.Millisecond, 800 * time.Millisecond

// Check implements private.Orders.
func (*api) Check(o domain.Order, _ domain.Symbol) (reason string) {
	switch {
	case o.Type == domain.Stop:
		return "Coinbase knows no stop without a limit"
	case o.Type == domain.StopLimit && o.TimeInForce != domain.GoodTillCancel:
		return "Coinbase knows stops only good till canceled"
	}
	return ""
}

// order is an order as the venue tells of it.
type order struct {
	Number       string `json:"order_id"`
	ID           string `json:"client_order_id"`
	Product      string `json:"product_id"`
	ProductType  string `json:"product_type"`
	Side         string `json:"side"`
	Status       string `json:"status"`
	InForce      string `json:"time_in_force"`
	Filled       string `json:"filled_size"`
	Value        string `json:"filled_value"` // of what is filled, without fees
	Average      string `json:"average_filled_price"`
	Created      string `json:"created_time"`
	LastFill     string `json:"last_fill_time"`
	RejectReason string `json:"reject_reason"`
	RejectText   string `json:"reject_message"`
	CancelText   string `json:"cancel_message"`
}

// configuration writes what an order wants in the venue's words.
func configuration(o domain.Order) map[string]any {
	terms := map[string]any{"base_size": o.Volume.String()}
	kind := ""
	switch {
	case o.Type == domain.Market && o.TimeInForce == domain.FillOrKill:
		kind = "market_market_fok"
	case o.Type == domain.Market:
		kind = "market_market_ioc"
	case o.Type == domain.StopLimit:
		kind = "stop_limit_stop_limit_gtc"
		terms["stop_price"], terms["stop_direction"] = o.StopPrice.String(), "STOP_DIRECTION_STOP_DOWN"
		if o.Side == domain.Buy {
			terms["stop_direction"] = "STOP_DIRECTION_STOP_UP"
		}
	case o.TimeInForce == domain.ImmediateOrCancel:
		kind = "sor_limit_ioc"
	case o.TimeInForce == domain.FillOrKill:
		kind = "limit_limit_fok"
	default:
		kind = "limit_limit_gtc"
		terms["post_only"] = o.TimeInForce == domain.PostOnly
	}
	if o.Type.HasPrice() {
		terms["limit_price"] = o.Price.String()
	}
	return map[string]any{kind: terms}
}

var statuses = map[string]domain.OrderStatus{
	"PENDING": domain.OrderAccepted, "QUEUED": domain.OrderAccepted, "OPEN": domain.OrderAccepted,
	"CANCEL_QUEUED": domain.OrderAccepted, "EDIT_QUEUED": domain.OrderAccepted,
	"FILLED": domain.OrderFilled, "CANCELLED": domain.OrderCanceled, "EXPIRED": domain.OrderExpired, "FAILED": domain.OrderRejected,
}

// ended is how an order ended: Coinbase cancels what another venue says has
// expired, the rest of an order that was to be filled at once, and may fail one
// that is filled in part.
func ended(status domain.OrderStatus, inForce string, filled domain.Decimal) domain.OrderStatus {
	atOnce := inForce == "IMMEDIATE_OR_CANCEL" || inForce == "FILL_OR_KILL"
	switch {
	case status == domain.OrderCanceled && atOnce:
		return domain.OrderExpired
	case status == domain.OrderRejected && filled.IsPos():
		return domain.OrderCanceled
	}
	return status
}

// reasonOf is the first text that says why an order ended so.
func (a *api) reasonOf(status domain.OrderStatus, texts ...string) string {
	if !status.Final() || status == domain.OrderFilled {
		return ""
	}
	for _, text := range texts {
		if text != "" && text != "REJECT_REASON_UNSPECIFIED" {
			return a.Scrub(strings.Clone(text))
		}
	}
	return ""
}

// report reads an order.
func (a *api) report(o order) (r execution.Report, err error) {
	status, ok := statuses[o.Status]
	if !ok {
		return r, errors.New("the status " + strconv.Quote(domain.Shorten(o.Status, 40)) + " is unknown")
	}
	r = execution.Report{ID: o.ID, VenueOrderID: o.Number, Symbol: o.Product}
	if r.Filled, err = domain.ParseUnsigned("filled_size", o.Filled); err != nil {
		return r, err
	}
	r.Status = ended(status, o.InForce, r.Filled)
	r.Reason = a.reasonOf(status, o.RejectText, o.RejectReason, o.CancelText)
	if r.Time, err = instant("created_time", cmp.Or(o.LastFill, o.Created)); err != nil {
		return r, err
	}
	if !r.Filled.IsPos() {
		return r, nil
	}
	r.AveragePrice, err = average(r.Filled, o.Value, o.Average)
	return r, err
}

// average is the price of what is filled: from its value where that is told,
// because the venue rounds the price.
func average(filled domain.Decimal, value, price string) (domain.Decimal, error) {
	cost, err := domain.ParseUnsigned("filled_value", cmp.Or(value, "0"))
	if err != nil || !cost.IsPos() {
		return domain.ParseUnsigned("average_filled_price", price)
	}
	return cost.Div(filled)
}

// instant reads a time in the form of RFC 3339.
func instant(field, text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || t.Unix() <= 0 {
		return time.Time{}, domain.Invalid(field, text, "a time")
	}
	return t.UTC(), nil
}

// Submit implements private.Orders.
func (a *api) Submit(ctx context.Context, o domain.Order, symbol domain.Symbol) (execution.Report, error) {
	type created struct {
		Success bool `json:"success"`
		Made    struct {
			Number string `json:"order_id"`
			ID     string `json:"client_order_id"`
		} `json:"success_response"`
		Refused *refusal `json:"error_response"`
	}
	const what = "POST " + base + "orders"
	duplicate := &private.Failure{What: what, Kind: private.Duplicate, Reason: "the client order id " + o.ID + " is taken"}
	done, err := a.turns.take(ctx, o.ID)
	if err != nil {
		return execution.Report{}, &private.Failure{What: what, Cause: err}
	}
	defer done()
	if _, known := a.names.number(o.ID); known {
		return execution.Report{}, duplicate
	}
	begun := time.Now()
	got, err := post[created](ctx, a, "orders", map[string]any{
		"client_order_id": o.ID, "product_id": symbol.VenueSymbol, "side": strings.ToUpper(o.Side.String()), "order_configuration": configuration(o),
	}, true)
	switch {
	case err != nil:
		return execution.Report{}, err
	case !got.Success && got.Refused != nil:
		return execution.Report{}, &private.Failure{What: what, Kind: kindOfCode(got.Refused.code()), Status: http.StatusOK, Reason: got.Refused.reason(a)}
	case !got.Success || got.Made.Number == "" || got.Made.ID != o.ID:
		return execution.Report{}, private.Nonsense(what, "the answer does not say what became of the order")
	}
	a.names.learn(o.ID, got.Made.Number)
	state, err := a.numbered(ctx, got.Made.Number)
	if err == nil {
		sent, _ := a.Clock.At(begun)
		if made, err := instant("created_time", state.Created); err == nil && made.Before(sent.Add(-sooner)) {
			return execution.Report{}, duplicate // an order of that id was there
		}
		if report, err := a.report(state); err == nil && report.ID == o.ID && report.Symbol == symbol.VenueSymbol {
			return report, nil
		}
	}
	// It was taken: that must not be told as if nobody knew.
	return execution.Report{ID: o.ID, VenueOrderID: got.Made.Number, Symbol: symbol.VenueSymbol, Status: domain.OrderAccepted}, nil
}

// Cancel implements private.Orders. The venue takes the numbers of orders only,
// and says that it will, not that it has.
func (a *api) Cancel(ctx context.Context, o domain.Order, symbol domain.Symbol) (execution.Report, error) {
	type canceled struct {
		Results []struct {
			Success bool   `json:"success"`
			Reason  string `json:"failure_reason"`
			Number  string `json:"order_id"`
		} `json:"results"`
	}
	const what = "POST " + base + "orders/batch_cancel"
	number, known := a.names.number(o.ID)
	if !known {
		state, err := a.find(ctx, o, symbol)
		if err != nil {
			return execution.Report{}, err
		}
		number = state.Number
	}
	got, err := post[canceled](ctx, a, "orders/batch_cancel", map[string]any{"order_ids": []string{number}}, false)
	switch {
	case err != nil:
		return execution.Report{}, err
	case len(got.Results) != 1 || got.Results[0].Number != number:
		return execution.Report{}, private.Nonsense(what, "the answer does not say what became of the order")
	}
	if result := got.Results[0]; !result.Success && result.Reason != "DUPLICATE_CANCEL_REQUEST" {
		return execution.Report{}, &private.Failure{What: what, Kind: kindOfCancel(result.Reason), Status: http.StatusOK, Reason: a.Scrub(result.Reason)}
	}
	for wait := firstSettling; ; wait *= 2 {
		state, err := a.numbered(ctx, number)
		if err != nil {
			return execution.Report{}, &private.Failure{What: what, Cause: err} // whatever it is, the cancel was taken
		}
		if report, err := a.report(state); err != nil || report.Status.Final() {
			return report, err
		}
		if wait > lastSettling || ctx.Err() != nil {
			return execution.Report{}, private.Nonsense(what, "it is taken, but not done")
		}
		pause.For(ctx, wait)
	}
}

// kindOfCancel says what the reason of a failed cancel means. What it says of the
// order's state is not believed: the order is asked for.
func kindOfCancel(reason string) private.Kind {
	switch reason {
	case "UNKNOWN_CANCEL_ORDER":
		return private.NotFound
	case "", "UNKNOWN_CANCEL_FAILURE_REASON":
		return private.Unclear
	}
	return private.NotOpen
}

// Query implements private.Orders.
func (a *api) Query(ctx context.Context, o domain.Order, symbol domain.Symbol) (execution.Report, error) {
	if number, known := a.names.number(o.ID); known {
		state, err := a.numbered(ctx, number)
		if err == nil {
			return a.report(state)
		}
		if !private.Is(err, private.NotFound) {
			return execution.Report{}, err
		}
	}
	state, err := a.find(ctx, o, symbol)
	if err != nil {
		return execution.Report{}, err
	}
	return a.report(state)
}

// Open implements private.Orders.
func (a *api) Open(ctx context.Context) ([]execution.Report, error) {
	open, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	reports := make([]execution.Report, 0, len(open))
	made := make(map[string]time.Time, len(open)) // by number
	for _, o := range open {
		report, err := a.report(o)
		if err != nil {
			return nil, err
		}
		if made[o.Number], err = instant("created_time", o.Created); err != nil {
			return nil, err
		}
		reports = append(reports, report)
	}
	slices.SortFunc(reports, func(r, other execution.Report) int {
		return cmp.Or(made[r.VenueOrderID].Compare(made[other.VenueOrderID]), cmp.Compare(r.VenueOrderID, other.VenueOrderID))
	})
	return reports, nil
}
