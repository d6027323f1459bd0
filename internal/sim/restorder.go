package sim

import (
	"cmp"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/fullon/fullon/internal/sim/restproto"
)

// mostOfAnything bounds price × size, and sizes, of an order.
const mostOfAnything = fixed(9_000_000 * unit)

var (
	errNoOrder error = restproto.Bad(-2013, "Order does not exist.")
	errUnknown error = restproto.Bad(-2011, "Unknown order sent.")
	errLots    error = restproto.Bad(-1013, "Filter failure: LOT_SIZE")
	errPrice   error = restproto.Bad(-1013, "Filter failure: PRICE_FILTER")
	errWorth   error = restproto.Bad(-1013, "Filter failure: NOTIONAL")
)

// privateEndpoints adds the endpoints of accounts.
func (x *Exchange) privateEndpoints(mux *http.ServeMux) {
	weighs := func(n int) func(url.Values) int { return func(url.Values) int { return n } }
	mux.HandleFunc("POST /api/v3/order", x.private(weighs(1), x.newOrder))
	mux.HandleFunc("DELETE /api/v3/order", x.private(weighs(1), x.cancelOrder))
	mux.HandleFunc("GET /api/v3/order", x.private(weighs(4), x.queryOrder))
	mux.HandleFunc("GET /api/v3/openOrders", x.private(func(q url.Values) int {
		if q.Get("symbol") == "" {
			return 80
		}
		return 6
	}, x.openOrders))
	mux.HandleFunc("GET /api/v3/allOrders", x.private(weighs(20), x.allOrders))
	mux.HandleFunc("GET /api/v3/account", x.private(weighs(20), x.accountInfo))
	mux.HandleFunc("GET /api/v3/myTrades", x.private(func(q url.Values) int {
		if q.Get("orderId") != "" {
			return 5
		}
		return 20
	}, x.myTrades))
}

func (x *Exchange) newOrder(c call) (any, error) {
	o, err := c.order(x)
	if err != nil {
		return nil, err
	}
	count, ok := c.account.place(x.now, x.cfg.OrderLimit)
	if !ok {
		return nil, &restproto.Error{
			Status: http.StatusTooManyRequests, Code: -1015,
			Msg: fmt.Sprintf("Too many new orders; current limit is %d orders per 10 SECOND.", x.cfg.OrderLimit),
		}
	}
	c.header["X-MBX-ORDER-COUNT-10S"] = []string{strconv.Itoa(count)}
	full := len(c.account.fills[o.market])
	if err := x.enter(o); err != nil {
		return nil, err
	}
	answer := o.changed()
	switch form := c.values.Get("newOrderRespType"); {
	case form == "ACK", form == "" && o.Type != typeMarket && o.Type != typeLimit:
		return map[string]any{
			"symbol": answer.Symbol, "orderId": o.ID, "orderListId": -1, "clientOrderId": o.ClientID, "transactTime": answer.TransactTime,
		}, nil
	case form != "RESULT":
		answer.Fills = []restFill{}
		for _, f := range c.account.fills[o.market][full:] {
			answer.Fills = append(answer.Fills, restFill{o.market.price(f.ticks), o.market.size(f.lots), f.commission, f.asset, f.id})
		}
	}
	return answer, nil
}

// order reads the terms of a new order.
func (c call) order(x *Exchange) (*order, error) {
	m, err := c.market(x)
	if err != nil {
		return nil, err
	}
	o := &order{Type: c.values.Get("type"), TIF: untilCancel, ClientID: c.values.Get("newClientOrderId"), account: c.account, market: m}
	switch c.values.Get("side") {
	case "BUY":
		o.Buy = true
	case "SELL":
	default:
		return nil, restproto.Bad(-1117, "Invalid side.")
	}
	if o.ClientID == "" {
		o.ClientID = "sim-" + strconv.FormatInt(m.nextOrder+1, 10)
	}
	if !clientForm.MatchString(o.ClientID) {
		return nil, restproto.Bad(-1100, `Illegal characters found in parameter 'newClientOrderId'; legal range is '^[\.A-Z\:/a-z0-9_-]{1,36}$'.`)
	}
	has, known := map[string]struct{ tif, price, stop bool }{
		typeMarket: {}, typeLimit: {tif: true, price: true}, typeMaker: {price: true},
		typeStop: {stop: true}, typeStopLimit: {tif: true, price: true, stop: true},
	}[o.Type]
	if !known {
		return nil, restproto.Bad(-1116, "Invalid orderType.")
	}
	if o.TIF, err = c.timeInForce(has.tif); err != nil {
		return nil, err
	}
	if o.Lots, err = c.steps("quantity", true, m.lot, min(mostOfAnything/m.lot, math.MaxInt32), errLots); err != nil {
		return nil, err
	}
	if o.Ticks, err = c.steps("price", has.price, m.tick, 1_000_000*unit/m.tick, errPrice); err != nil {
		return nil, err
	}
	if o.Stop, err = c.steps("stopPrice", has.stop, m.tick, 1_000_000*unit/m.tick, errPrice); err != nil {
		return nil, err
	}
	ticks := max(o.Ticks, o.Stop)
	if ticks == 0 {
		opposite, _ := m.opposite(o.Buy)
		ticks = *opposite
	}
	hi, worth := mul(uint64(ticks), uint64(o.Lots)*uint64(m.tickQuote))
	if hi != 0 || worth > uint64(mostOfAnything) || worth < uint64(m.minNotional) {
		return nil, errWorth
	}
	return o, nil
}

func (c call) timeInForce(has bool) (string, error) {
	switch tif := c.values.Get("timeInForce"); {
	case tif == "" && has:
		return "", missing("timeInForce")
	case tif != "" && !has:
		return "", restproto.Bad(-1106, "Parameter 'timeInForce' sent when not required.")
	case tif == "":
		return untilCancel, nil
	case tif != untilCancel && tif != immediate && tif != allOrNone:
		return "", restproto.Bad(-1115, "Invalid timeInForce.")
	default:
		return tif, nil
	}
}

// steps reads a number as whole steps, at least one.
func (c call) steps(name string, has bool, step, most fixed, outside error) (int64, error) {
	text := c.values.Get(name)
	if !has {
		if text != "" {
			return 0, restproto.Bad(-1106, fmt.Sprintf("Parameter '%s' sent when not required.", name))
		}
		return 0, nil
	}
	if text == "" {
		return 0, missing(name)
	}
	value, err := parseFixed(name, text)
	if err != nil {
		return 0, restproto.Bad(-1100, fmt.Sprintf(`Illegal characters found in parameter '%s'; legal range is '^([0-9]{1,20})(\.[0-9]{1,20})?$'.`, name))
	}
	if value == 0 || value%step != 0 || value/step > most {
		return 0, outside
	}
	return int64(value / step), nil
}

// named is the order that a request names, nil when there is none.
func (c call) named(x *Exchange) (*order, error) {
	m, err := c.market(x)
	if err != nil {
		return nil, err
	}
	id, err := restproto.Int(c.values, "orderId", 0)
	if err != nil {
		return nil, err
	}
	client := c.values.Get("origClientOrderId")
	if id == 0 && client == "" {
		return nil, restproto.Bad(-1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
	}
	return c.account.find(m, id, client), nil
}

func (x *Exchange) cancelOrder(c call) (any, error) {
	o, err := c.named(x)
	if err != nil {
		return nil, err
	}
	if o == nil || !o.open() {
		return nil, errUnknown
	}
	newID := c.values.Get("newClientOrderId")
	if newID == "" {
		newID = "cancel-" + strconv.FormatInt(o.ID, 10)
	}
	if !clientForm.MatchString(newID) {
		return nil, restproto.Bad(-1100, "Illegal characters found in parameter 'newClientOrderId'.")
	}
	x.finish(o, statusCanceled, "CANCELED", newID)
	o.market.resting = compact(o.market.resting)
	answer := o.changed()
	answer.OrigClientID, answer.ClientOrderID = o.ClientID, newID
	return answer, nil
}

func (x *Exchange) queryOrder(c call) (any, error) {
	o, err := c.named(x)
	if err != nil {
		return nil, err
	}
	if o == nil {
		return nil, errNoOrder
	}
	return o.queried(), nil
}

func (x *Exchange) openOrders(c call) (any, error) {
	markets, _, err := c.markets(x)
	if err != nil {
		return nil, err
	}
	open := []restOrder{}
	for _, m := range markets {
		for _, o := range m.resting {
			if o.account == c.account {
				open = append(open, o.queried())
			}
		}
	}
	slices.SortStableFunc(open, func(o, other restOrder) int { return cmp.Compare(o.Time, other.Time) })
	return open, nil
}

// allOrders answers with the first ones from an order on, or the last ones.
func (x *Exchange) allOrders(c call) (any, error) {
	m, err := c.market(x)
	if err != nil {
		return nil, err
	}
	limit, err := restproto.Limit(c.values)
	if err != nil {
		return nil, err
	}
	from, err := restproto.Int(c.values, "orderId", 0)
	if err != nil {
		return nil, err
	}
	all := c.account.orders[m]
	if from == 0 {
		all = all[max(0, len(all)-limit):]
	}
	out := []restOrder{}
	for _, o := range all {
		if o.ID >= from && len(out) < limit {
			out = append(out, o.queried())
		}
	}
	return out, nil
}
