package binance_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
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

// contractDialect is Binance's USD-M futures in front of a paper venue. It
// outlives restarts.
type contractDialect struct {
	x *papertest.Exchange

	mu        sync.Mutex
	page      int            // the most trades that are listed at once
	asked     map[string]int // how often, by method and path
	ahead     time.Duration  // of the venue's clock
	denied    int            // listen keys that are refused though the key is right
	hedge     bool           // the mode of the account
	listenKey int            // the number of the one that is good
	began     int64          // from when trades were asked for last
	forgets   bool           // a list of orders has those of a week only, which none is of
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

func newContractDialect(x *papertest.Exchange, d *contractDialect) http.Handler {
	d.x = x
	mux := http.NewServeMux()
	handle := func(pattern string, do func(context.Context, *http.Request) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			d.with(func() { d.asked[pattern]++ })
			// What arrived is done, even if the client goes away.
			result, err := do(context.WithoutCancel(r.Context()), r)
			no, refused := errors.AsType[*refusal](err)
			switch {
			case refused && no.code == -2015:
				w.WriteHeader(http.StatusUnauthorized)
			case refused:
				w.WriteHeader(http.StatusBadRequest)
			case err != nil:
				w.WriteHeader(http.StatusServiceUnavailable)
				no = &refusal{-1000, "Unknown error, please check your request or try again later."}
			}
			if err != nil {
				result = object{"code": no.code, "msg": no.text}
			}
			_ = json.NewEncoder(w).Encode(result) // a client that went away needs no answer
		})
	}
	handle("GET /fapi/v1/time", func(context.Context, *http.Request) (any, error) {
		return object{"serverTime": d.now().UnixMilli()}, nil
	})
	handle("POST /fapi/v1/listenKey", d.begin)
	handle("PUT /fapi/v1/listenKey", d.renew)
	for pattern, do := range map[string]func(context.Context, contractParams) (any, error){
		"GET /fapi/v1/positionSide/dual": d.mode,
		"POST /fapi/v1/order":            d.create, "DELETE /fapi/v1/order": d.cancel, "GET /fapi/v1/order": d.query,
		"GET /fapi/v1/openOrders": d.openOrders, "GET /fapi/v1/allOrders": d.allOrders, "GET /fapi/v1/userTrades": d.userTrades,
		"GET /fapi/v3/account": d.account, "GET /fapi/v3/positionRisk": d.positionRisk,
	} {
		handle(pattern, func(ctx context.Context, r *http.Request) (any, error) {
			p, err := d.signed(r)
			if err != nil {
				return nil, err
			}
			return do(ctx, p)
		})
	}
	mux.HandleFunc("GET /private/ws/{key}", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("key") != d.goodKey() {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		x.ServeFollowed(w, r, func(s *papertest.Socket) execution.Sink { return newContractSession(d, s) })
	})
	return mux
}

func (d *contractDialect) with(do func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	do()
}

func (d *contractDialect) now() (now time.Time) {
	d.with(func() { now = time.Now().Add(d.ahead).UTC() })
	return now
}

// times is how often something was asked for.
func (d *contractDialect) times(pattern string) (n int) {
	d.with(func() { n = d.asked[pattern] })
	return n
}

// goodKey is the listen key that can be connected with.
func (d *contractDialect) goodKey() (name string) {
	d.with(func() { name = listenKeyNamed(d.listenKey) })
	return name
}

// listenKeys is how they all begin.
const listenKeys = "pqia91ma19a5s61cv6a81va65sdf19v8a65a1"

func listenKeyNamed(n int) string { return listenKeys + strconv.Itoa(n) }

var errKey = &refusal{-2015, "Invalid API-key, IP, or permissions for action."}

// begin gives the account its listen key.
func (d *contractDialect) begin(_ context.Context, r *http.Request) (any, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.denied--; d.denied >= 0 || r.Header.Get("X-MBX-APIKEY") != key {
		return nil, errKey
	}
	return object{"listenKey": listenKeyNamed(d.listenKey)}, nil
}

func (d *contractDialect) renew(_ context.Context, r *http.Request) (any, error) {
	if r.Header.Get("X-MBX-APIKEY") != key {
		return nil, errKey
	}
	return object{"listenKey": d.goodKey()}, nil
}

// contractParams are those of a request.
type contractParams struct {
	url.Values
	deadline time.Time // until when it may be done, by our clock
}

func (p contractParams) number(name string) int64 {
	n, _ := strconv.ParseInt(p.Get(name), 10, 64) // what is none is zero
	return n
}

// signed checks the signature and the time.
func (d *contractDialect) signed(r *http.Request) (p contractParams, err error) {
	text, signature, _ := strings.Cut(r.URL.RawQuery, "&signature=")
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	p.Values, _ = url.ParseQuery(text)
	at, window, now := p.number("timestamp"), p.number("recvWindow"), d.now().UnixMilli()
	switch {
	case r.Header.Get("X-MBX-APIKEY") != key:
		return p, errKey
	case signature != hex.EncodeToString(mac.Sum(nil)):
		return p, &refusal{-1022, "Signature for this request is not valid."}
	case window <= 0 || window > 60000 || now > at+window || at >= now+1000:
		return p, &refusal{-1021, "Timestamp for this request is outside of the recvWindow."}
	case p.Get("symbol") != "BTCUSDT" && !slices.Contains([]string{"/fapi/v1/positionSide/dual", "/fapi/v1/openOrders", "/fapi/v3/account", "/fapi/v3/positionRisk"}, r.URL.Path):
		return p, &refusal{-1121, "Invalid symbol."}
	}
	d.with(func() { p.deadline = time.UnixMilli(at + window).Add(-d.ahead) })
	return p, nil
}

func (d *contractDialect) mode(context.Context, contractParams) (any, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return object{"dualSidePosition": d.hedge}, nil
}

func (d *contractDialect) create(ctx context.Context, p contractParams) (any, error) {
	o := domain.Order{
		ID: p.Get("newClientOrderId"), Exchange: "binance", Status: domain.OrderIntent, Created: time.Now(),
		OrderTerms: domain.OrderTerms{
			Account: papertest.AccountName, Bot: "bot", Symbol: "BTC/USDT", Side: domain.Buy, Type: domain.Market, ReduceOnly: p.Get("reduceOnly") == "true",
		},
	}
	var hedge bool
	d.with(func() { hedge = d.hedge })
	if (p.Get("positionSide") != "BOTH") != hedge {
		return nil, &refusal{-4061, "Order's position side does not match user's setting."}
	}
	if p.Get("side") == "SELL" {
		o.Side = domain.Sell
	}
	var err error
	if o.Volume, err = domain.ParseUnsigned("quantity", p.Get("quantity")); err != nil {
		return nil, &refusal{-1102, "Mandatory parameter 'quantity' was not sent, was empty/null, or malformed."}
	}
	switch p.Get("type") {
	case "LIMIT":
		o.Type = domain.Limit
		if o.Price, err = domain.ParseUnsigned("price", p.Get("price")); err != nil {
			return nil, &refusal{-1102, "Mandatory parameter 'price' was not sent, was empty/null, or malformed."}
		}
	case "MARKET":
		if p.Has("timeInForce") {
			return nil, &refusal{-1106, "Parameter 'timeInForce' sent when not required."}
		}
	default:
		return nil, &refusal{-4120, "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead."}
	}
	if o.Type == domain.Limit {
		known := false
		for tif, name := range timesInForce {
			if p.Get("timeInForce") == name {
				o.TimeInForce, known = tif, true
			}
		}
		if !known {
			return nil, &refusal{-1115, "Invalid timeInForce."}
		}
	}
	ctx, cancel := context.WithDeadline(ctx, p.deadline)
	defer cancel()
	_, err = d.x.Account().Submit(ctx, o)
	rejected, no := errors.AsType[*execution.Rejected](err)
	switch {
	case err == nil:
	case !no:
		return nil, err
	case rejected.Duplicate:
		return nil, &refusal{-4116, "ClientOrderId is duplicated."}
	case strings.Contains(rejected.Reason, "deadline"):
		return nil, &refusal{-5028, "Timestamp for this request is outside of the ME recvWindow."}
	case o.ReduceOnly:
		return nil, &refusal{-2022, "ReduceOnly Order is rejected."}
	case o.TimeInForce == domain.PostOnly:
		return nil, &refusal{-5022, "Due to the order could not be executed as maker, the Post Only order will be rejected."}
	default:
		return nil, &refusal{-2019, rejected.Reason}
	}
	e, err := d.find(ctx, func(e contractEntry) bool { return e.Report.ID == o.ID })
	if err != nil && o.TimeInForce == domain.FillOrKill {
		return nil, &refusal{-5021, "Due to the order could not be filled immediately, the FOK order has been rejected."}
	}
	return e.object(), err
}

var timesInForce = map[domain.TimeInForce]string{
	domain.GoodTillCancel: "GTC", domain.ImmediateOrCancel: "IOC", domain.FillOrKill: "FOK", domain.PostOnly: "GTX",
}

// contractEntry is an order and its number.
type contractEntry struct {
	paper.Entry
	number int64
	made   time.Time
}

// entries are the orders of the account, the oldest first. One that was killed
// never was one.
func (d *contractDialect) entries(ctx context.Context) (all []contractEntry, s paper.Statement, err error) {
	s, err = d.x.Account().Statement(ctx)
	for i, e := range s.Orders {
		if e.Terms.TimeInForce != domain.FillOrKill || e.Report.Status != domain.OrderExpired {
			all = append(all, contractEntry{e, int64(i + 1), time.UnixMilli(1700000000000 + int64(i)).UTC()})
		}
	}
	return all, s, err
}

func (d *contractDialect) find(ctx context.Context, is func(contractEntry) bool) (contractEntry, error) {
	all, _, err := d.entries(ctx)
	if err != nil {
		return contractEntry{}, err
	}
	if i := slices.IndexFunc(all, is); i >= 0 {
		return all[i], nil
	}
	return contractEntry{}, &refusal{-2013, "Order does not exist."}
}

var contractStatuses = map[domain.OrderStatus]string{
	domain.OrderAccepted: "NEW", domain.OrderPartial: "PARTIALLY_FILLED", domain.OrderFilled: "FILLED", domain.OrderCanceled: "CANCELED",
	domain.OrderExpired: "EXPIRED", domain.OrderRejected: "REJECTED",
}

var contractSides = map[domain.Side]string{domain.Buy: "BUY", domain.Sell: "SELL"}

// object is the order as REST tells of it.
func (e contractEntry) object() object {
	return object{
		"symbol": "BTCUSDT", "orderId": e.number, "clientOrderId": e.Report.ID, "status": contractStatuses[e.Report.Status], "side": contractSides[e.Terms.Side],
		"positionSide": "BOTH", "origQty": e.Terms.Volume.String(), "executedQty": e.Report.Filled.String(), "avgPrice": e.Report.AveragePrice.String(),
		"cumQuote": e.Report.Filled.Mul(e.Report.AveragePrice).String(), "timeInForce": timesInForce[e.Terms.TimeInForce], "price": e.Terms.Price.String(),
		"reduceOnly": e.Terms.ReduceOnly, "time": e.made.UnixMilli(), "updateTime": e.Report.Time.UnixMilli(), "goodTillDate": 0, "stopPrice": "0",
	}
}

func (d *contractDialect) named(ctx context.Context, p contractParams) (contractEntry, error) {
	return d.find(ctx, func(e contractEntry) bool {
		return e.Report.ID == p.Get("origClientOrderId") || e.number == p.number("orderId")
	})
}

func (d *contractDialect) query(ctx context.Context, p contractParams) (any, error) {
	e, err := d.named(ctx, p)
	return e.object(), err
}

func (d *contractDialect) cancel(ctx context.Context, p contractParams) (any, error) {
	e, err := d.named(ctx, p)
	if err != nil || e.Report.Status.Final() {
		return nil, &refusal{-2011, "Unknown order sent."}
	}
	if e.Report, err = d.x.Account().Cancel(ctx, domain.Order{ID: e.Report.ID}); err != nil {
		return nil, err
	}
	if e.Report.Status == domain.OrderFilled {
		return nil, &refusal{-2011, "Unknown order sent."}
	}
	return e.object(), nil
}

func (d *contractDialect) list(ctx context.Context, of func(contractEntry) bool) (any, error) {
	all, _, err := d.entries(ctx)
	found := []object{}
	for _, e := range all {
		if of(e) {
			found = append(found, e.object())
		}
	}
	return found, err
}

func (d *contractDialect) openOrders(ctx context.Context, _ contractParams) (any, error) {
	return d.list(ctx, func(e contractEntry) bool { return e.Report.Status.Resting() })
}

func (d *contractDialect) allOrders(ctx context.Context, p contractParams) (any, error) {
	forgets := false
	d.with(func() { forgets = d.forgets })
	return d.list(ctx, func(e contractEntry) bool { return e.number >= p.number("orderId") && !forgets })
}

// userTrades lists fills, the oldest first: from a number on, or those of a time.
func (d *contractDialect) userTrades(ctx context.Context, p contractParams) (any, error) {
	begin, end := p.number("startTime"), p.number("endTime")
	switch {
	case p.Has("fromId") && (p.Has("startTime") || p.Has("endTime")):
		return nil, &refusal{-1128, "Combination of optional parameters invalid."}
	case !p.Has("fromId") && (end-begin >= 7*24*time.Hour.Milliseconds() || begin < d.now().AddDate(0, 0, -90).UnixMilli()):
		return nil, &refusal{-4166, "Search window is restricted to recent 90 days only."}
	}
	all, statement, err := d.entries(ctx)
	page := 0
	d.with(func() { page, d.began = d.page, begin })
	found := []object{}
	for i, f := range statement.Fills {
		id, ms := int64(i+1), f.Time.UnixMilli()
		if p.Has("fromId") && id < p.number("fromId") || !p.Has("fromId") && (ms < begin || ms > end) {
			continue
		}
		o := all[slices.IndexFunc(all, func(e contractEntry) bool { return e.Report.VenueOrderID == f.OrderID })]
		found = append(found, object{
			"symbol": "BTCUSDT", "id": id, "orderId": o.number, "side": contractSides[f.Side], "positionSide": "BOTH", "price": f.Price.String(),
			"qty": f.Volume.String(), "quoteQty": f.Cost().String(), "realizedPnl": "0", "commission": f.Fee.String(), "commissionAsset": f.FeeCurrency,
			"time": ms, "buyer": f.Side == domain.Buy, "maker": f.Maker,
		})
	}
	return found[:min(len(found), page, int(p.number("limit")))], err
}

func (d *contractDialect) account(ctx context.Context, _ contractParams) (any, error) {
	statement, err := d.x.Account().Statement(ctx)
	assets := []object{}
	for _, b := range statement.Balances {
		if !b.Total.IsZero() {
			assets = append(assets, object{
				"asset": b.Currency, "walletBalance": b.Total.String(), "initialMargin": b.Used.String(), "availableBalance": b.Free.String(), "updateTime": 1700000000000,
			})
		}
	}
	return object{"totalWalletBalance": "0", "assets": assets, "positions": []object{}}, err
}

func (d *contractDialect) positionRisk(ctx context.Context, _ contractParams) (any, error) {
	statement, err := d.x.Account().Statement(ctx)
	found := []object{}
	for _, p := range statement.Positions {
		if !p.Volume.IsZero() {
			found = append(found, object{
				"symbol": "BTCUSDT", "positionSide": "BOTH", "positionAmt": p.Volume.String(), "entryPrice": p.Price.String(), "markPrice": "100",
				"updateTime": p.Time.UnixMilli(),
			})
		}
	}
	return found, err
}
