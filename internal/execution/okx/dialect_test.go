package okx_test

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
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

const (
	key, secret, passphrase = "theKeyTheKeyTheKey", "theSecretTheSecret", "thePassphrase"
	contracts               = `{"code":"0","msg":"","data":[
		{"instId":"BTC-USDT-SWAP","ctType":"linear","ctVal":"0.01","ctMult":"1","ctValCcy":"BTC","settleCcy":"USDT","lotSz":"0.1","minSz":"0.1","tickSz":"0.1","state":"live"},
		{"instId":"BTC-USD-SWAP","ctType":"inverse","ctVal":"100","ctMult":"1","ctValCcy":"USD","settleCcy":"BTC","lotSz":"1","minSz":"1","tickSz":"0.1","state":"live"},
		{"instId":"ETH-USDT-SWAP","ctType":"linear","ctVal":"0.1","ctMult":"1","ctValCcy":"ETH","settleCcy":"USDT","lotSz":"0.01","minSz":"0.01","tickSz":"0.01","state":"live"},
		{"instId":"ODD-USDT-SWAP","ctType":"odd"}]}`
)

var contractSize = dec("0.01")

// dialect is OKX in front of a paper venue. It outlives restarts.
type dialect struct {
	x       *papertest.Exchange
	symbols map[string]domain.Symbol

	pings  atomic.Int32
	refuse atomic.Int32 // logins that are refused

	mu     sync.Mutex
	made   map[string]time.Time // by the number of the order
	asked  map[string]int       // how often, by method and path
	done   map[string]int       // the same, of those that were dealt with
	ahead  time.Duration        // of the venue's clock
	bodies []string             // of new orders
	lag    int                  // how often a canceled order is told as one that rests
}

// object writes a JSON object.
type object map[string]any

func (o object) String() string {
	text, _ := json.Marshal(o) // of what a test writes: no error
	return string(text)
}

// refusal is a code and its words.
type refusal struct{ code, text string }

func (r refusal) Error() string { return r.code + " " + r.text }

func newDialect(x *papertest.Exchange, d *dialect) http.Handler {
	d.x = x
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v5/public/time", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, []object{{"ts": ms(d.now())}}, nil)
	})
	mux.HandleFunc("GET /api/v5/public/instruments", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, contracts) // a client that went away needs no answer
	})
	mux.HandleFunc("GET /ws/v5/private", func(w http.ResponseWriter, r *http.Request) {
		session := &session{d: d}
		x.Serve(w, r, session.said)
	})
	for path, do := range map[string]func(ctx context.Context, r *http.Request, body []byte) ([]object, error){
		"POST /api/v5/trade/order": d.add, "POST /api/v5/trade/cancel-order": d.cancel, "GET /api/v5/trade/order": d.query,
		"GET /api/v5/trade/orders-pending": d.pending, "GET /api/v5/trade/fills": d.fills, "GET /api/v5/trade/fills-history": d.fills,
		"GET /api/v5/account/balance": d.balance, "GET /api/v5/account/positions": d.positions,
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if err := d.signed(r, path, string(body)); err != nil {
				w.WriteHeader(http.StatusUnauthorized)
				answer(w, nil, err)
				return
			}
			// What arrived is done, even if the client goes away.
			data, err := do(context.WithoutCancel(r.Context()), r, body)
			d.mu.Lock()
			d.done[path]++
			d.mu.Unlock()
			answer(w, data, err)
		})
	}
	return mux
}

// answer writes an answer; the refusal of an order is in its list.
func answer(w http.ResponseWriter, data []object, err error) {
	body := object{"code": "0", "msg": "", "data": append([]object{}, data...)}
	if err != nil {
		no := refusal{"50001", "Service temporarily unavailable"}
		errors.As(err, &no)
		body["code"], body["msg"] = no.code, no.text
		if strings.HasPrefix(no.code, "51") && no.code != "51603" {
			body = object{"code": "1", "msg": "All operations failed", "data": []object{{"ordId": "", "sCode": no.code, "sMsg": no.text}}}
		}
	}
	_, _ = io.WriteString(w, body.String()) // a client that went away needs no answer
}

func ms(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

func (d *dialect) now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Now().Add(d.ahead).UTC()
}

func signature(text string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// signed checks who sends a request, and when.
func (d *dialect) signed(r *http.Request, path, body string) error {
	stamp := r.Header.Get("Ok-Access-Timestamp")
	at, err := time.Parse(time.RFC3339Nano, stamp)
	off := d.now().Sub(at)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked[path]++
	switch {
	case err != nil || off.Abs() > 30*time.Second:
		return refusal{"50102", "Timestamp request expired"}
	case r.Header.Get("X-Simulated-Trading") != "1":
		return refusal{"50101", "APIKey does not match current environment"}
	case r.Header.Get("Ok-Access-Key") != key:
		return refusal{"50111", "Invalid OK-ACCESS-KEY"}
	case r.Header.Get("Ok-Access-Passphrase") != passphrase:
		return refusal{"50105", "Request header OK-ACCESS-PASSPHRASE incorrect"}
	case r.Header.Get("Ok-Access-Sign") != signature(stamp+r.Method+r.URL.RequestURI()+body):
		return refusal{"50113", "Invalid Sign"}
	}
	return nil
}

// name is the venue's name of the suite's symbol; swap tells what it is.
func (d *dialect) name() string { return d.symbols["BTC/USDT"].VenueSymbol }

func (d *dialect) swap() bool { return d.symbols["BTC/USDT"].Settle != "" }

func (d *dialect) kind() string {
	if d.swap() {
		return "SWAP"
	}
	return "SPOT"
}

// size writes base units in the venue's unit.
func (d *dialect) size(volume domain.Decimal) string {
	if d.swap() {
		volume = volume.MustDiv(contractSize)
	}
	return volume.String()
}

var inForce = map[string]domain.TimeInForce{"post_only": domain.PostOnly, "ioc": domain.ImmediateOrCancel, "fok": domain.FillOrKill}

func (d *dialect) add(ctx context.Context, r *http.Request, body []byte) ([]object, error) {
	var p struct {
		Name   string `json:"instId"`
		ID     string `json:"clOrdId"`
		Side   string
		Type   string `json:"ordType"`
		Size   string `json:"sz"`
		Price  string `json:"px"`
		Mode   string `json:"tdMode"`
		Unit   string `json:"tgtCcy"`
		Reduce bool   `json:"reduceOnly"`
	}
	wrong := json.Unmarshal(body, &p)
	mode, unit := "cash", ""
	if d.swap() {
		mode = "cross"
	} else if p.Type == "market" {
		unit = "base_ccy"
	}
	if wrong != nil || p.Name != d.name() || p.Mode != mode || p.Unit != unit || strings.ContainsAny(p.ID, "-_") || len(p.ID) > 32 {
		return nil, refusal{"51000", "Parameter error"}
	}
	exp, err := strconv.ParseInt(r.Header.Get("Exptime"), 10, 64)
	if err != nil || d.now().UnixMilli() > exp {
		return nil, refusal{"50036", "The expTime can't be earlier than the current system time"}
	}
	o := domain.Order{ID: p.ID, Exchange: "okx", Status: domain.OrderIntent, Created: time.Now(), OrderTerms: domain.OrderTerms{
		Account: papertest.AccountName, Bot: "bot", Symbol: "BTC/USDT", Type: domain.Market, TimeInForce: inForce[p.Type], ReduceOnly: p.Reduce,
	}}
	o.Side, err = domain.ParseSide(p.Side)
	if o.Volume = dec(cmp.Or(p.Size, "0")); d.swap() {
		o.Volume = o.Volume.Mul(contractSize)
	}
	if p.Type != "market" {
		o.Type, o.Price = domain.Limit, dec(cmp.Or(p.Price, "0"))
	}
	if err != nil {
		return nil, refusal{"51000", "Parameter side error"}
	}
	d.mu.Lock()
	d.bodies = append(d.bodies, string(body))
	ahead := d.ahead
	d.mu.Unlock()
	ctx, cancel := context.WithDeadline(ctx, time.UnixMilli(exp).Add(-ahead))
	defer cancel()
	made := d.now()
	report, err := d.x.Account().Submit(ctx, o)
	if err != nil {
		return nil, refused(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.made[report.VenueOrderID] = made
	return []object{{"clOrdId": p.ID, "ordId": report.VenueOrderID, "tag": "", "ts": ms(made), "sCode": "0", "sMsg": "Order placed"}}, nil
}

func refused(err error) error {
	rejected, ok := errors.AsType[*execution.Rejected](err)
	switch {
	case errors.Is(err, domain.ErrNotFound):
		return refusal{"51603", "Order does not exist"}
	case !ok:
		return refusal{"50026", "System error"}
	case rejected.Duplicate:
		return refusal{"51016", "Duplicated client order ID"}
	case strings.Contains(rejected.Reason, "not enough"):
		return refusal{"51008", "Order failed. Insufficient balance in account"}
	}
	return refusal{"51000", rejected.Reason}
}

func (d *dialect) cancel(ctx context.Context, _ *http.Request, body []byte) ([]object, error) {
	var p struct {
		ID string `json:"clOrdId"`
	}
	_ = json.Unmarshal(body, &p) // of the adapter's: what it is not is not found
	before, err := d.x.Account().Query(ctx, domain.Order{ID: p.ID})
	if err != nil || before.Status.Final() {
		return nil, refusal{"51400", "Cancellation failed as the order has been filled, canceled or does not exist"}
	}
	report, err := d.x.Account().Cancel(ctx, domain.Order{ID: p.ID})
	if err != nil {
		return nil, refused(err)
	}
	return []object{{"clOrdId": p.ID, "ordId": report.VenueOrderID, "ts": ms(d.now()), "sCode": "0", "sMsg": ""}}, nil
}

// orders are those that match, the newest first.
func (d *dialect) orders(ctx context.Context, match func(paper.Entry) bool) (found []object, err error) {
	statement, err := d.x.Account().Statement(ctx)
	if err != nil {
		return nil, refused(err)
	}
	for _, e := range slices.Backward(statement.Orders) {
		if match(e) {
			found = append(found, d.order(e.Terms, e.Report))
		}
	}
	return found, nil
}

// order is an order in the venue's words.
func (d *dialect) order(terms domain.OrderTerms, r execution.Report) object {
	d.mu.Lock()
	defer d.mu.Unlock()
	o := object{
		"instType": d.kind(), "instId": d.name(), "ordId": r.VenueOrderID, "clOrdId": r.ID, "side": terms.Side.String(), "ordType": "limit",
		"sz": d.size(terms.Volume), "accFillSz": d.size(r.Filled), "avgPx": "", "state": "live", "cTime": ms(d.made[r.VenueOrderID]), "uTime": ms(r.Time),
		"cancelSource": "", "cancelSourceReason": "", "tradeId": "", "fillPx": "", "fillSz": "0", "fillTime": "", "fillFee": "0", "fillFeeCcy": "",
	}
	for text, tif := range inForce {
		if terms.TimeInForce == tif {
			o["ordType"] = text
		}
	}
	if terms.Type == domain.Market {
		o["ordType"] = "market"
	}
	if r.Filled.IsPos() {
		o["avgPx"], o["state"] = r.AveragePrice.String(), "partially_filled"
	}
	switch r.Status {
	case domain.OrderFilled:
		o["state"] = "filled"
	case domain.OrderCanceled:
		o["state"], o["cancelSource"], o["cancelSourceReason"] = "canceled", "1", "Order canceled by user"
	case domain.OrderExpired:
		o["state"], o["cancelSource"], o["cancelSourceReason"] = "canceled", "14", "Order canceled: IOC order was partially canceled"
	}
	if d.lag > 0 && r.Status == domain.OrderCanceled {
		d.lag--
		o["state"] = "live"
	}
	return o
}

func (d *dialect) query(ctx context.Context, r *http.Request, _ []byte) ([]object, error) {
	query := r.URL.Query()
	found, err := d.orders(ctx, func(e paper.Entry) bool {
		return e.Report.ID == query.Get("clOrdId") && query.Get("instId") == d.name()
	})
	if err == nil && len(found) == 0 {
		err = refusal{"51603", "Order does not exist"}
	}
	return found, err
}

// paged is a page of a list whose newest is first: what is older than the one
// that is named.
func paged(query url.Values, number string, all []object) []object {
	if after := query.Get("after"); after != "" {
		at := slices.IndexFunc(all, func(o object) bool { return o[number] == after })
		all = all[at+1:]
	}
	return all[:min(100, len(all))]
}

func (d *dialect) pending(ctx context.Context, r *http.Request, _ []byte) ([]object, error) {
	query := r.URL.Query()
	found, err := d.orders(ctx, func(e paper.Entry) bool { return e.Report.Status.Resting() && query.Get("instType") == d.kind() })
	return paged(query, "ordId", found), err
}

// fill is a fill in the words of an order's event.
func (d *dialect) fill(f domain.Fill) object {
	liquidity := "T"
	if f.Maker {
		liquidity = "M"
	}
	return object{
		"tradeId": f.ID, "fillPx": f.Price.String(), "fillSz": d.size(f.Volume), "fillTime": ms(f.Time), "execType": liquidity,
		"fillFee": f.Fee.Neg().String(), "fillFeeCcy": f.FeeCurrency,
	}
}

func (d *dialect) fills(ctx context.Context, r *http.Request, _ []byte) ([]object, error) {
	query := r.URL.Query()
	statement, err := d.x.Account().Statement(ctx)
	if err != nil {
		return nil, refused(err)
	}
	begin, _ := strconv.ParseInt(query.Get("begin"), 10, 64)
	var all []object
	for i, f := range slices.Backward(statement.Fills) {
		if f.Time.UnixMilli() <= begin || query.Get("instType") != d.kind() {
			continue
		}
		o := d.fill(f)
		o["fee"], o["feeCcy"], o["billId"], o["ts"] = o["fillFee"], o["fillFeeCcy"], strconv.Itoa(i+1), ms(f.Time.Add(3*time.Millisecond))
		o["instId"], o["ordId"], o["clOrdId"], o["side"] = d.name(), f.OrderID, f.ClientOrderID, f.Side.String()
		all = append(all, o)
	}
	return paged(query, "billId", all), nil
}
