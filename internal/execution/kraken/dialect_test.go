package kraken_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
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
	"sync/atomic"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/execution/paper"
	"github.com/fullon/fullon/internal/execution/papertest"
)

const key = "thePublicKeyThePublicKey"

var secret = base64.StdEncoding.EncodeToString([]byte("theSecretTheSecretTheSecret"))

// dialect is Kraken in front of a paper venue. It outlives restarts.
type dialect struct {
	x *papertest.Exchange

	under   atomic.Int32  // requests under way
	crowded atomic.Bool   // more than one was
	linger  time.Duration // how slow the venue is

	mu     sync.Mutex
	nonce  int64
	opened map[string]time.Time // by the number of the order
	tokens map[string]bool
	given  int
	asked  map[string]int // how often, by method
	ahead  time.Duration  // of the venue's clock
	others map[string]any // orders that the paper venue does not have, in REST's form
	bad    int            // tokens that are given and not good
}

// elsewhere makes an order one that REST tells of.
func (d *dialect) elsewhere(number string, order map[string]any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.others[number] = order
}

// expire ends the tokens that were given, spoil the next one.
func (d *dialect) expire() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.tokens)
}

func (d *dialect) spoil() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.bad++
}

func newDialect(x *papertest.Exchange, d *dialect) http.Handler {
	d.x = x
	mux := http.NewServeMux()
	mux.HandleFunc("GET /0/public/Time", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"unixtime": d.now().Unix()}, nil)
	})
	mux.HandleFunc("GET /v2", func(w http.ResponseWriter, r *http.Request) {
		session := &session{d: d, told: make(map[string]bool), has: make(map[string]domain.Decimal)}
		x.Serve(w, r, session.said)
	})
	for method, do := range map[string]func(context.Context, url.Values) (any, error){
		"AddOrder": d.add, "CancelOrder": d.cancel, "QueryOrders": d.numbered, "OpenOrders": d.open, "ClosedOrders": d.closed,
		"BalanceEx": d.balances, "TradesHistory": d.trades, "GetWebSocketsToken": d.token,
	} {
		mux.HandleFunc("POST /0/private/"+method, func(w http.ResponseWriter, r *http.Request) {
			if n := d.under.Add(1); n > 1 {
				d.crowded.Store(true)
			}
			defer d.under.Add(-1)
			time.Sleep(d.linger)
			body, _ := io.ReadAll(r.Body)
			form, err := d.signed(r, string(body))
			var result any
			if err == nil {
				// What arrived is done, even if the client goes away.
				result, err = do(context.WithoutCancel(r.Context()), form)
			}
			answer(w, result, err)
		})
	}
	return mux
}

func answer(w http.ResponseWriter, result any, err error) {
	body := map[string]any{"error": []string{}, "result": result}
	if err != nil {
		body = map[string]any{"error": []string{err.Error()}}
	}
	_ = json.NewEncoder(w).Encode(body) // a client that went away needs no answer
}

func (d *dialect) now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Now().Add(d.ahead).UTC()
}

// signed checks the signature and the nonce.
func (d *dialect) signed(r *http.Request, body string) (url.Values, error) {
	form, err := url.ParseQuery(body)
	nonce, errNonce := strconv.ParseInt(form.Get("nonce"), 10, 64)
	if err != nil || errNonce != nil {
		return nil, errors.New("EGeneral:Invalid arguments:nonce")
	}
	private, _ := base64.StdEncoding.DecodeString(secret)
	digest := sha256.Sum256([]byte(form.Get("nonce") + body))
	mac := hmac.New(sha512.New, private)
	mac.Write(append([]byte(r.URL.Path), digest[:]...))
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case r.Header.Get("API-Key") != key:
		return nil, errors.New("EAPI:Invalid key")
	case r.Header.Get("API-Sign") != base64.StdEncoding.EncodeToString(mac.Sum(nil)):
		return nil, errors.New("EAPI:Invalid signature")
	case nonce <= d.nonce:
		return nil, errors.New("EAPI:Invalid nonce")
	}
	d.nonce = nonce
	d.asked[r.URL.Path[len("/0/private/"):]]++
	return form, nil
}

// number puts a JSON number's text through.
func number(d domain.Decimal) json.RawMessage { return json.RawMessage(d.String()) }

func seconds(t time.Time) json.RawMessage {
	return json.RawMessage(fmt.Sprintf("%d.%06d", t.Unix(), t.Nanosecond()/1000))
}

func (d *dialect) add(ctx context.Context, form url.Values) (any, error) {
	deadline, err := time.Parse(time.RFC3339Nano, form.Get("deadline"))
	if left := deadline.Sub(d.now()); err != nil || left < 2*time.Second || left > time.Minute {
		return nil, errors.New("EGeneral:Invalid arguments:deadline")
	}
	if form.Get("pair") != "XBTUSDT" {
		return nil, errors.New("EQuery:Unknown asset pair")
	}
	o := domain.Order{
		ID: form.Get("cl_ord_id"), Exchange: "kraken", Status: domain.OrderIntent, Created: time.Now(),
		OrderTerms: domain.OrderTerms{Account: papertest.AccountName, Bot: "bot", Symbol: "BTC/USDT", Side: domain.Buy},
	}
	if form.Get("type") == "sell" {
		o.Side = domain.Sell
	}
	decimal := func(name string) (value domain.Decimal) {
		if text := form.Get(name); text != "" && err == nil {
			value, err = domain.ParseUnsigned(name, text)
		}
		return value
	}
	o.Volume = decimal("volume")
	switch form.Get("ordertype") {
	case "limit":
		o.Type, o.Price = domain.Limit, decimal("price")
	case "stop-loss":
		o.Type, o.StopPrice = domain.Stop, decimal("price")
	case "stop-loss-limit":
		o.Type, o.StopPrice, o.Price = domain.StopLimit, decimal("price"), decimal("price2")
	case "market":
		o.Type = domain.Market
	}
	switch {
	case strings.Contains(form.Get("oflags"), "post"):
		o.TimeInForce = domain.PostOnly
	case form.Get("timeinforce") == "IOC":
		o.TimeInForce = domain.ImmediateOrCancel
	case form.Get("timeinforce") == "FOK":
		o.TimeInForce = domain.FillOrKill
	}
	if err != nil {
		return nil, errors.New("EGeneral:Invalid arguments:" + err.Error())
	}
	ctx, cancel := context.WithDeadline(ctx, deadline.Add(-d.ahead))
	defer cancel()
	opened := d.now()
	report, err := d.x.Account().Submit(ctx, o)
	if err != nil {
		return nil, refusal(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.opened[report.VenueOrderID] = opened
	return map[string]any{"txid": []string{report.VenueOrderID}, "descr": map[string]string{"pair": "XBTUSDT"}}, nil
}

func refusal(err error) error {
	rejected, ok := errors.AsType[*execution.Rejected](err)
	switch {
	case errors.Is(err, domain.ErrNotFound):
		return errors.New("EOrder:Unknown order")
	case !ok:
		return errors.New("EService:Unavailable")
	case rejected.Duplicate:
		return errors.New("EOrder:Duplicate client order id")
	case strings.Contains(rejected.Reason, "deadline"):
		return errors.New("EService:Deadline elapsed")
	case strings.Contains(rejected.Reason, "not enough"):
		return errors.New("EOrder:Insufficient funds")
	}
	return errors.New("EOrder:" + rejected.Reason)
}

func (d *dialect) cancel(ctx context.Context, form url.Values) (any, error) {
	o := domain.Order{ID: form.Get("cl_ord_id")}
	before, err := d.x.Account().Query(ctx, o)
	if err == nil && before.Status.Final() {
		err = domain.ErrNotFound
	}
	if err == nil {
		_, err = d.x.Account().Cancel(ctx, o)
	}
	if err != nil {
		return nil, refusal(err)
	}
	return map[string]any{"count": 1}, nil
}

// orders are those that match, in REST's form.
func (d *dialect) orders(ctx context.Context, match func(paper.Entry) bool) (map[string]any, error) {
	statement, err := d.x.Account().Statement(ctx)
	if err != nil {
		return nil, refusal(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	found := make(map[string]any)
	for _, e := range statement.Orders {
		if !match(e) {
			continue
		}
		r := e.Report
		o := map[string]any{
			"cl_ord_id": r.ID, "status": "open", "opentm": seconds(d.opened[r.VenueOrderID]), "vol": e.Terms.Volume.String(),
			"vol_exec": r.Filled.String(), "cost": r.Filled.Mul(r.AveragePrice).String(), "reason": nil,
			"descr": map[string]string{"pair": "XBTUSDT", "type": e.Terms.Side.String()},
		}
		if r.Status.Final() {
			o["status"], o["closetm"] = "closed", seconds(r.Time)
			if r.Status != domain.OrderFilled {
				o["status"], o["reason"] = "canceled", canceledFor(r)
			}
		}
		found[r.VenueOrderID] = o
	}
	return found, nil
}

// canceledFor is why an order was canceled: Kraken expires none that was to be
// filled at once.
func canceledFor(r execution.Report) string {
	if r.Status == domain.OrderExpired {
		return "Could not be filled at once"
	}
	return "User requested"
}

func (d *dialect) numbered(ctx context.Context, form url.Values) (any, error) {
	numbers := strings.Split(form.Get("txid"), ",")
	orders, err := d.orders(ctx, func(e paper.Entry) bool { return slices.Contains(numbers, e.Report.VenueOrderID) })
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, n := range numbers {
		if o, ok := d.others[n]; ok && err == nil {
			orders[n] = o
		}
	}
	return orders, err
}

func (d *dialect) open(ctx context.Context, form url.Values) (any, error) {
	id := form.Get("cl_ord_id")
	orders, err := d.orders(ctx, func(e paper.Entry) bool { return e.Report.Status.Resting() && (id == "" || e.Report.ID == id) })
	return map[string]any{"open": orders}, err
}

func (d *dialect) closed(ctx context.Context, form url.Values) (any, error) {
	orders, err := d.orders(ctx, func(e paper.Entry) bool { return e.Report.Status.Final() && e.Report.ID == form.Get("cl_ord_id") })
	return map[string]any{"closed": orders, "count": len(orders)}, err
}

var assets = map[string]string{"BTC": "XXBT", "USDT": "USDT"}

func (d *dialect) balances(ctx context.Context, _ url.Values) (any, error) {
	statement, err := d.x.Account().Statement(ctx)
	all := make(map[string]any)
	for _, b := range statement.Balances {
		all[assets[b.Currency]] = map[string]string{"balance": b.Total.String(), "hold_trade": b.Used.String()}
	}
	return all, err
}

func (d *dialect) trades(ctx context.Context, form url.Values) (any, error) {
	statement, err := d.x.Account().Statement(ctx)
	start, _ := strconv.ParseInt(form.Get("start"), 10, 64)
	fills := slices.DeleteFunc(statement.Fills, func(f domain.Fill) bool { return !f.Time.After(time.Unix(start, 0)) })
	slices.Reverse(fills)
	count := len(fills)
	skip, _ := strconv.Atoi(form.Get("ofs"))
	fills = fills[min(skip, count):min(skip+50, count)]
	trades := make(map[string]any)
	for _, f := range fills {
		trades[f.ID] = map[string]any{
			"ordertxid": f.OrderID, "pair": "XBTUSDT", "time": seconds(f.Time), "type": f.Side.String(), "price": f.Price.String(),
			"vol": f.Volume.String(), "fee": f.Fee.String(), "cost": f.Cost().String(), "maker": f.Maker,
		}
	}
	return map[string]any{"trades": trades, "count": count}, err
}

func (d *dialect) token(context.Context, url.Values) (any, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.given++
	token := "token-" + strconv.Itoa(d.given)
	if d.bad > 0 {
		d.bad--
	} else {
		d.tokens[token] = true
	}
	return map[string]any{"token": token, "expires": 900}, nil
}
