package bybit_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/execution/paper"
	"github.com/fullon/fullon/internal/execution/papertest"
)

const (
	key    = "thePublicKeyThePublicKey"
	secret = "theSecretTheSecretTheSecret"
)

// dialect is Bybit in front of a paper venue. It outlives restarts.
type dialect struct {
	x        *papertest.Exchange
	category string // what the paper venue's market is here
	page     int    // the most fills that are listed at once

	mu     sync.Mutex
	opened map[string]time.Time // by the number of the order
	asked  map[string]int       // how often, by path
	done   map[string]int       // and of these, how often it was done, or refused
	ahead  time.Duration        // of the venue's clock
	denied int                  // logins that are refused though they are right
	login  string               // what a login is answered with, in place of what is right
}

// object writes a JSON object.
type object map[string]any

func (o object) String() string {
	text, _ := json.Marshal(o) // of what a test writes: no error
	return string(text)
}

// refusal is the venue's no.
type refusal struct {
	code int
	text string
}

func (r *refusal) Error() string { return r.text }

func newDialect(x *papertest.Exchange, d *dialect) http.Handler {
	d.x = x
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v5/market/time", func(w http.ResponseWriter, _ *http.Request) {
		now := d.now()
		d.answer(w, object{"timeSecond": strconv.FormatInt(now.Unix(), 10), "timeNano": strconv.FormatInt(now.UnixNano(), 10)}, nil)
	})
	mux.HandleFunc("GET /v5/private", func(w http.ResponseWriter, r *http.Request) {
		x.Serve(w, r, (&session{d: d}).said)
	})
	for path, do := range map[string]func(context.Context, params) (any, error){
		"POST /v5/order/create": d.create, "POST /v5/order/cancel": d.cancel, "GET /v5/order/realtime": d.realtime, "GET /v5/order/history": d.history,
		"GET /v5/execution/list": d.executions, "GET /v5/account/wallet-balance": d.wallets, "GET /v5/position/list": d.positions,
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			p, err := d.signed(r, string(body))
			var result any
			if err == nil {
				// What arrived is done, even if the client goes away.
				result, err = do(context.WithoutCancel(r.Context()), p)
			}
			d.mu.Lock()
			d.done[r.URL.Path]++
			d.mu.Unlock()
			d.answer(w, result, err)
		})
	}
	return mux
}

func (d *dialect) answer(w http.ResponseWriter, result any, err error) {
	body := object{"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": object{}, "time": d.now().UnixMilli()}
	if no, ok := errors.AsType[*refusal](err); ok {
		body["retCode"], body["retMsg"], body["result"] = no.code, no.text, object{}
	} else if err != nil {
		body["retCode"], body["retMsg"], body["result"] = 10016, err.Error(), object{}
	}
	_, _ = w.Write([]byte(body.String())) // a client that went away needs no answer
}

func (d *dialect) now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Now().Add(d.ahead).UTC()
}

// params are those of a request, wherever they are.
type params struct {
	values   map[string]any
	deadline time.Time // until when it may be done, by our clock
}

func (p params) text(name string) string {
	if v, ok := p.values[name]; ok {
		return fmt.Sprint(v)
	}
	return ""
}

// signed checks the signature and the time.
func (d *dialect) signed(r *http.Request, body string) (p params, err error) {
	stamp, window := r.Header.Get("X-BAPI-TIMESTAMP"), r.Header.Get("X-BAPI-RECV-WINDOW")
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(stamp + key + window + r.URL.RawQuery + body))
	at, errAt := strconv.ParseInt(stamp, 10, 64)
	long, errLong := strconv.ParseInt(window, 10, 64)
	now := d.now().UnixMilli()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked[r.URL.Path]++
	switch {
	case r.Header.Get("X-BAPI-API-KEY") != key:
		return p, &refusal{10003, "API key is invalid."}
	case r.Header.Get("X-BAPI-SIGN") != hex.EncodeToString(mac.Sum(nil)):
		return p, &refusal{10004, "Error sign, please check your signature generation algorithm."}
	case errAt != nil || errLong != nil || now-long > at || at >= now+1000:
		return p, &refusal{10002, "Invalid request, please check your server timestamp or recv_window param."}
	}
	p.deadline = time.UnixMilli(at + long).Add(-d.ahead)
	p.values = make(map[string]any)
	if r.Method == http.MethodPost {
		err = json.Unmarshal([]byte(body), &p.values)
	} else {
		query, _ := url.ParseQuery(r.URL.RawQuery)
		for name := range query {
			p.values[name] = query.Get(name)
		}
	}
	return p, err
}

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

func (d *dialect) create(ctx context.Context, p params) (any, error) {
	o := domain.Order{
		ID: p.text("orderLinkId"), Exchange: "bybit", Status: domain.OrderIntent, Created: time.Now(),
		OrderTerms: domain.OrderTerms{Account: papertest.AccountName, Bot: "bot", Symbol: "BTC/USDT", Side: domain.Buy, Type: domain.Market},
	}
	wrong := &refusal{10001, "params error"}
	linear := d.category == "linear"
	_, idx := p.values["positionIdx"]
	_, only := p.values["reduceOnly"]
	stop := p.text("triggerPrice") != ""
	switch {
	case p.text("category") != d.category || p.text("symbol") != "BTCUSDT" || idx != linear || only != linear || stop && !linear:
		return nil, wrong
	case linear && p.text("positionIdx") != "0":
		return nil, &refusal{110011, "position idx not match position mode"}
	case !linear && p.text("orderType") == "Market" && p.text("marketUnit") != "baseCoin":
		return nil, &refusal{170140, "Order value exceeded lower limit."}
	}
	var err error
	decimal := func(name string) (value domain.Decimal) {
		if text := p.text(name); text != "" && err == nil {
			value, err = domain.ParseUnsigned(name, text)
		}
		return value
	}
	o.Volume, o.Price, o.StopPrice, o.ReduceOnly = decimal("qty"), decimal("price"), decimal("triggerPrice"), p.text("reduceOnly") == "true"
	if err != nil {
		return nil, wrong
	}
	if p.text("side") == "Sell" {
		o.Side = domain.Sell
	}
	limit := p.text("orderType") == "Limit"
	switch {
	case limit && stop:
		o.Type = domain.StopLimit
	case limit:
		o.Type = domain.Limit
	case stop:
		o.Type = domain.Stop
	}
	if falls := p.text("triggerDirection") == "2"; stop && falls != (o.Side == domain.Sell) {
		return nil, &refusal{110092, "expect Rising, but trigger_price is lower than the current price"}
	}
	switch p.text("timeInForce") {
	case "PostOnly":
		o.TimeInForce = domain.PostOnly
	case "IOC":
		if limit {
			o.TimeInForce = domain.ImmediateOrCancel
		}
	case "FOK":
		o.TimeInForce = domain.FillOrKill
	}
	ctx, cancel := context.WithDeadline(ctx, p.deadline)
	defer cancel()
	opened := d.now()
	report, err := d.x.Account().Submit(ctx, o)
	if err != nil {
		return nil, d.refusal(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.opened[report.VenueOrderID] = opened
	return object{"orderId": report.VenueOrderID, "orderLinkId": o.ID}, nil
}

func (d *dialect) refusal(err error) error {
	spot := d.category == "spot"
	pick := func(ofSpot, ofLinear int, text string) error {
		if spot {
			return &refusal{ofSpot, text}
		}
		return &refusal{ofLinear, text}
	}
	rejected, ok := errors.AsType[*execution.Rejected](err)
	switch {
	case errors.Is(err, domain.ErrNotFound):
		return pick(170213, 110001, "Order does not exist.")
	case !ok:
		return &refusal{10016, "Internal Server Error"}
	case rejected.Duplicate:
		return pick(170141, 110072, "Duplicate clientOrderId.")
	case strings.Contains(rejected.Reason, "deadline"):
		return &refusal{10002, "invalid request"}
	}
	return pick(170131, 110007, rejected.Reason)
}

func (d *dialect) cancel(ctx context.Context, p params) (any, error) {
	o := domain.Order{ID: p.text("orderLinkId")}
	if p.text("category") != d.category || p.text("symbol") != "BTCUSDT" {
		return nil, &refusal{10001, "params error"}
	}
	report, err := d.x.Account().Query(ctx, o)
	if err == nil && report.Status.Final() {
		err = domain.ErrNotFound
	}
	if err == nil {
		report, err = d.x.Account().Cancel(ctx, o)
	}
	if err != nil {
		return nil, d.refusal(err)
	}
	return object{"orderId": report.VenueOrderID, "orderLinkId": o.ID}, nil
}

// order is an order in the venue's words. An empty category leaves it out, as
// REST does.
func (d *dialect) order(t domain.OrderTerms, r execution.Report) object {
	d.mu.Lock()
	opened, ok := d.opened[r.VenueOrderID]
	d.mu.Unlock()
	if !ok {
		opened = r.Time
	}
	o := object{
		"symbol": "BTCUSDT", "orderId": r.VenueOrderID, "orderLinkId": r.ID, "side": sides[t.Side], "qty": t.Volume.String(), "orderStatus": "New",
		"timeInForce": "GTC", "cancelType": "UNKNOWN", "rejectReason": "EC_NoError", "cumExecQty": r.Filled.String(), "avgPrice": nil,
		"cumExecValue": r.Filled.Mul(r.AveragePrice).String(), "createdTime": millis(opened), "updatedTime": millis(r.Time),
	}
	switch {
	case t.Type == domain.Market || t.Type == domain.Stop || t.TimeInForce == domain.ImmediateOrCancel:
		o["timeInForce"] = "IOC"
	case t.TimeInForce == domain.FillOrKill:
		o["timeInForce"] = "FOK"
	}
	switch r.Status {
	case domain.OrderPartial:
		o["orderStatus"] = "PartiallyFilled"
	case domain.OrderFilled:
		o["orderStatus"] = "Filled"
	case domain.OrderCanceled:
		o["orderStatus"], o["cancelType"] = "Cancelled", "CancelByUser"
	case domain.OrderExpired: // Bybit expires none that was to be filled at once
		o["orderStatus"], o["rejectReason"] = "Cancelled", "EC_NoImmediateQtyToFill"
	}
	if r.Status.Final() && r.Status != domain.OrderFilled && r.Filled.IsPos() && d.category == "spot" {
		o["orderStatus"] = "PartiallyFilledCanceled"
	}
	return o
}

var sides = map[domain.Side]string{domain.Buy: "Buy", domain.Sell: "Sell"}

// orders lists those that match, the newest first.
func (d *dialect) orders(ctx context.Context, p params, match func(execution.Report) bool) (any, error) {
	found := []object{}
	statement, err := d.x.Account().Statement(ctx)
	if err != nil {
		return nil, err
	}
	for _, e := range slices.Backward(statement.Orders) {
		if p.text("category") == d.category && d.asks(p, e) && match(e.Report) {
			found = append(found, d.order(e.Terms, e.Report))
		}
	}
	return object{"list": found, "nextPageCursor": "", "category": p.text("category")}, nil
}

// asks tells whether a request is about an order.
func (d *dialect) asks(p params, e paper.Entry) bool {
	number, id := p.text("orderId"), p.text("orderLinkId")
	return (number == "" || number == e.Report.VenueOrderID) && (id == "" || id == e.Report.ID)
}

func (d *dialect) realtime(ctx context.Context, p params) (any, error) {
	if p.text("category") == "linear" && p.text("symbol") == "" && p.text("settleCoin") == "" {
		return nil, &refusal{10001, "Missing some parameters that must be filled in, symbol or settleCoin or baseCoin"}
	}
	return d.orders(ctx, p, func(r execution.Report) bool { return r.Status.Resting() == (p.text("openOnly") != "1") })
}

func (d *dialect) history(ctx context.Context, p params) (any, error) {
	return d.orders(ctx, p, func(r execution.Report) bool { return r.Status.Final() })
}

func (d *dialect) execution(f domain.Fill) object {
	o := object{
		"symbol": "BTCUSDT", "execId": f.ID, "orderId": f.OrderID, "orderLinkId": f.ClientOrderID, "execType": "Trade", "side": sides[f.Side],
		"execPrice": f.Price.String(), "execQty": f.Volume.String(), "execFee": f.Fee.String(), "isMaker": f.Maker, "execTime": millis(f.Time),
	}
	if d.category == "spot" {
		o["feeCurrency"] = f.FeeCurrency
	}
	return o
}

// executions lists fills, the newest first; the cursor is how many of them to
// leave out.
func (d *dialect) executions(ctx context.Context, p params) (any, error) {
	statement, err := d.x.Account().Statement(ctx)
	if err != nil {
		return nil, err
	}
	begin, _ := strconv.ParseInt(p.text("startTime"), 10, 64)
	end, _ := strconv.ParseInt(p.text("endTime"), 10, 64)
	now := d.now()
	if end < begin || end-begin > 7*24*time.Hour.Milliseconds() || begin < now.AddDate(-2, 0, 0).UnixMilli() {
		return nil, &refusal{10001, "The time range between startTime and endTime cannot exceed 7 days"}
	}
	found := []object{}
	for _, f := range slices.Backward(statement.Fills) {
		if ms := f.Time.UnixMilli(); p.text("category") == d.category && ms >= begin && ms <= end {
			found = append(found, d.execution(f))
		}
	}
	skip, _ := strconv.Atoi(strings.TrimPrefix(p.text("cursor"), "page%3A"))
	limit, _ := strconv.Atoi(p.text("limit"))
	next := min(skip+min(limit, d.page), len(found))
	cursor := ""
	if next < len(found) {
		cursor = "page%3A" + strconv.Itoa(next) // an encoded text, as the venue has it
	}
	return object{"list": found[skip:next], "nextPageCursor": cursor, "category": p.text("category")}, nil
}

func (d *dialect) coin(b domain.Balance) object {
	o := object{"coin": b.Currency, "walletBalance": b.Total.String(), "locked": b.Used.String(), "totalOrderIM": "", "totalPositionIM": ""}
	if d.category == "linear" {
		o["locked"], o["totalOrderIM"] = "0", b.Used.String()
	}
	return o
}

func (d *dialect) wallets(ctx context.Context, p params) (any, error) {
	statement, err := d.x.Account().Statement(ctx)
	coins := []object{}
	for _, b := range statement.Balances {
		if !b.Total.IsZero() {
			coins = append(coins, d.coin(b))
		}
	}
	return object{"list": []object{{"accountType": p.text("accountType"), "coin": coins}}}, err
}

// position tells a position. The real cumRealisedPnl has fees taken off.
func position(p domain.Position, price string) object {
	side := "Buy"
	switch {
	case p.Volume.IsZero():
		side = ""
	case p.Volume.IsNeg():
		side = "Sell"
	}
	return object{
		"positionIdx": 0, "symbol": "BTCUSDT", "side": side, "size": p.Volume.Abs().String(), price: p.Price.String(),
		"cumRealisedPnl": p.Realised.String(), "createdTime": "1700000000000", "updatedTime": millis(p.Time),
	}
}

func (d *dialect) positions(ctx context.Context, p params) (any, error) {
	statement, err := d.x.Account().Statement(ctx)
	found := []object{}
	for _, p := range statement.Positions {
		if d.category == "linear" && !p.Volume.IsZero() {
			found = append(found, position(p, "avgPrice"))
		}
	}
	return object{"list": found, "nextPageCursor": "", "category": p.text("category")}, err
}
