package okx

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
	"github.com/fullon/fullon/internal/venue/okx"
)

const (
	orderPath  = "/api/v5/trade/order"
	cancelPath = "/api/v5/trade/cancel-order"
	page       = 100 // the most that the venue lists at once
	// looks is how often a canceled order is asked for until it is done, apart
	// from each other by lookAgain.
	looks     = 5
	lookAgain = 20 * time.Millisecond
)

// listed are the kinds of markets that are asked for.
var listed = [...]string{"SPOT", "SWAP"}

// Check implements private.Orders.
func (*api) Check(o domain.Order, _ domain.Symbol) (reason string) {
	if _, ok := clientID(o.ID); !ok {
		return "OKX takes client order ids of up to " + strconv.Itoa(maxID) + " letters and digits, and UUIDs; dashes and underscores count twice"
	}
	if o.Type.HasStop() {
		return "stop orders are not sent to OKX, which has no deadline for them"
	}
	if o.Type == domain.Market && o.TimeInForce == domain.FillOrKill {
		return "OKX knows fill or kill only for limit orders"
	}
	return ""
}

// params writes an order in the venue's words. The Failure says why it cannot.
func (a *api) params(ctx context.Context, o domain.Order, symbol domain.Symbol) (map[string]any, error) {
	name := symbol.VenueSymbol
	if err := a.learn(ctx, name); err != nil {
		return nil, err
	}
	size, err := a.contracts.Count(name, o.Volume)
	if err == nil && okx.IsSwap(name) && symbol.LotSize.IsPos() {
		if rest, wrong := o.Volume.Mod(symbol.LotSize); wrong != nil || !rest.IsZero() {
			err = errors.New(o.Volume.String() + " is no whole number of lots of " + symbol.LotSize.String())
		}
	}
	if err != nil {
		return nil, &private.Failure{What: "size the order", Kind: private.Refused, Reason: err.Error()}
	}
	id, _ := clientID(o.ID) // Check took it
	p := map[string]any{
		"instId": name, "clOrdId": id, "side": o.Side.String(), "sz": size.String(), "tdMode": "cash", "ordType": "market",
	}
	if okx.IsSwap(name) {
		p["tdMode"], p["reduceOnly"] = a.Cfg.Margin, o.ReduceOnly
	} else if o.Type == domain.Market {
		p["tgtCcy"] = "base_ccy"
	}
	if o.Type == domain.Limit {
		p["px"], p["ordType"] = o.Price.String(), orderTypes[o.TimeInForce]
	}
	return p, nil
}

var orderTypes = map[domain.TimeInForce]string{
	domain.GoodTillCancel: "limit", domain.PostOnly: "post_only", domain.ImmediateOrCancel: "ioc", domain.FillOrKill: "fok",
}

// order is an order as REST and the stream tell of it.
type order struct {
	Symbol       string `json:"instId"`
	Number       string `json:"ordId"`
	ID           string `json:"clOrdId"`
	Side         string `json:"side"`
	Type         string `json:"ordType"`
	State        string `json:"state"`
	Filled       string `json:"accFillSz"` // as many as there are, in the venue's unit
	Average      string `json:"avgPx"`     // empty, or zero: nothing is filled
	Made         string `json:"cTime"`
	Updated      string `json:"uTime"`
	CanceledBy   string `json:"cancelSource"`
	CanceledWhy  string `json:"cancelSourceReason"`
	Trade        string `json:"tradeId"` // of the last fill; these of the stream
	FillPrice    string `json:"fillPx"`
	FillSize     string `json:"fillSz"`
	FillTime     string `json:"fillTime"`
	FillFee      string `json:"fillFee"`
	FillCurrency string `json:"fillFeeCcy"`
	Liquidity    string `json:"execType"`
}

const (
	byUser    = "1"  // a cancelSource: its maker wanted it
	wouldTake = "31" // a cancelSource: it is post-only, and would not have rested
)

var states = map[string]domain.OrderStatus{
	"live": domain.OrderAccepted, "partially_filled": domain.OrderPartial, "filled": domain.OrderFilled,
	"canceled": domain.OrderCanceled, "mmp_canceled": domain.OrderCanceled,
}

// status is the state of an order: OKX cancels what other venues say is rejected,
// or has expired.
func (o order) status() (domain.OrderStatus, error) {
	status, ok := states[o.State]
	switch {
	case !ok:
		return 0, errors.New("the state " + strconv.Quote(domain.Shorten(o.State, 40)) + " is unknown")
	case status != domain.OrderCanceled || o.CanceledBy == byUser:
		return status, nil
	case o.CanceledBy == wouldTake && (o.Filled == "0" || o.Filled == ""):
		return domain.OrderRejected, nil
	case slices.Contains([]string{"ioc", "fok", "market", "optimal_limit_ioc"}, o.Type):
		return domain.OrderExpired, nil
	}
	return status, nil
}

// report reads an order.
func (a *api) report(ctx context.Context, o order) (r execution.Report, err error) {
	if o.Number == "" {
		return r, errors.New("the order has no number")
	}
	r = execution.Report{ID: ourID(o.ID), VenueOrderID: o.Number, Symbol: o.Symbol}
	if r.Status, err = o.status(); err != nil {
		return r, err
	}
	if r.Status.Final() && r.Status != domain.OrderFilled {
		r.Reason = a.Scrub(o.CanceledWhy)
	}
	if r.Time, err = millis("uTime", cmp.Or(o.Updated, o.Made)); err != nil {
		return r, err
	}
	if r.AveragePrice, err = domain.ParseUnsigned("avgPx", cmp.Or(o.Average, "0")); err != nil {
		return r, err
	}
	size, err := domain.ParseUnsigned("accFillSz", cmp.Or(o.Filled, "0"))
	if err == nil {
		r.Filled, err = a.base(ctx, o.Symbol, size, r.AveragePrice)
	}
	return r, err
}

// taken is the answer to a request that changes an order.
type taken struct {
	Number string `json:"ordId"`
}

// Submit implements private.Orders.
func (a *api) Submit(ctx context.Context, o domain.Order, symbol domain.Symbol) (execution.Report, error) {
	params, err := a.params(ctx, o, symbol)
	if err != nil {
		return execution.Report{}, err
	}
	got, err := post[taken](ctx, a, orderPath, params, true)
	if err != nil {
		return execution.Report{}, err
	}
	if len(got) != 1 || got[0].Number == "" {
		return execution.Report{}, private.Nonsense("POST "+orderPath, "the answer has no number of the order")
	}
	report, err := a.Query(ctx, o, symbol)
	switch {
	case err != nil || report.VenueOrderID != got[0].Number:
		// It was taken: that must not be told as if nobody knew.
		return execution.Report{ID: o.ID, VenueOrderID: got[0].Number, Symbol: symbol.VenueSymbol, Status: domain.OrderAccepted}, nil
	case report.Status == domain.OrderRejected:
		return report, &private.Failure{What: "POST " + orderPath, Kind: private.Refused, Reason: cmp.Or(report.Reason, "it would not have rested")}
	}
	return report, nil
}

// Cancel implements private.Orders. The answer says only that the venue will do
// it, and not what was filled.
func (a *api) Cancel(ctx context.Context, o domain.Order, symbol domain.Symbol) (execution.Report, error) {
	id, ok := clientID(o.ID)
	if !ok { // so it never was sent
		return execution.Report{}, &private.Failure{Kind: private.NotFound, What: "cancel"}
	}
	if _, err := post[taken](ctx, a, cancelPath, map[string]any{"instId": symbol.VenueSymbol, "clOrdId": id}, false); err != nil {
		return execution.Report{}, err
	}
	for look := 1; ; look++ {
		report, err := a.Query(ctx, o, symbol)
		if err != nil || report.Status.Final() {
			return report, err
		}
		if look == looks {
			return execution.Report{}, private.Nonsense("POST "+cancelPath, "it is taken, but not done")
		}
		pause.For(ctx, lookAgain)
	}
}

// Query implements private.Orders.
func (a *api) Query(ctx context.Context, o domain.Order, symbol domain.Symbol) (execution.Report, error) {
	id, ok := clientID(o.ID)
	if !ok {
		return execution.Report{}, &private.Failure{Kind: private.NotFound, What: "query"}
	}
	got, err := get[order](ctx, a, orderPath, url.Values{"instId": {symbol.VenueSymbol}, "clOrdId": {id}})
	if err != nil {
		return execution.Report{}, err
	}
	if len(got) != 1 {
		return execution.Report{}, private.Nonsense("GET "+orderPath, "the answer is not about one order")
	}
	return a.report(ctx, got[0])
}

// Open implements private.Orders.
func (a *api) Open(ctx context.Context) ([]execution.Report, error) {
	var open []order
	for _, kind := range listed {
		query := url.Values{"instType": {kind}, "limit": {strconv.Itoa(page)}}
		for {
			got, err := get[order](ctx, a, "/api/v5/trade/orders-pending", query)
			if err != nil {
				return nil, err
			}
			open = append(open, got...)
			if len(got) < page {
				break
			}
			query.Set("after", got[len(got)-1].Number) // older ones
		}
	}
	slices.SortStableFunc(open, func(o, other order) int {
		return cmp.Or(compareNumbers(o.Made, other.Made), compareNumbers(o.Number, other.Number))
	})
	reports := make([]execution.Report, len(open))
	for i, o := range open {
		var err error
		if reports[i], err = a.report(ctx, o); err != nil {
			return nil, err
		}
	}
	return reports, nil
}

// compareNumbers compares whole numbers of any length without leading zeros.
func compareNumbers(n, other string) int {
	return cmp.Or(cmp.Compare(len(n), len(other)), cmp.Compare(n, other))
}
