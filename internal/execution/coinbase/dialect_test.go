package coinbase_test

import (
	"context"
	"encoding/json"
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

// dialect is Coinbase in front of a paper venue. It outlives restarts.
type dialect struct {
	x    *papertest.Exchange
	gate gate

	mu       sync.Mutex
	made     map[string]time.Time // by the number of the order
	asked    map[string]int       // how often, by resource
	ahead    time.Duration        // of the venue's clock
	slow     int                  // how often a canceled order looks open yet
	late     int                  // how often the newest fill is not in the list yet
	page     int                  // orders on a page
	sessions []*session
	others   []object // fills that the paper venue does not have
}

func newDialectState() *dialect {
	return &dialect{made: make(map[string]time.Time), asked: make(map[string]int), page: 50, gate: gate{nonces: make(map[string]bool)}}
}

// refusal is an answer that is none.
type refusal struct {
	status int
	body   any
}

func (r *refusal) Error() string { return "status " + strconv.Itoa(r.status) }

func no(status int, code, message string) error {
	return &refusal{status, object{"error": code, "error_details": message, "message": message}}
}

// object is a JSON object.
type object map[string]any

func (o object) String() string {
	text, _ := json.Marshal(o) // of what a test writes: no error
	return string(text)
}

const base = "/api/v3/brokerage/"

func newDialect(x *papertest.Exchange, d *dialect) http.Handler {
	d.x = x
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+base+"time", func(w http.ResponseWriter, _ *http.Request) {
		now := d.now()
		answer(w, object{"iso": now.Format(time.RFC3339Nano), "epochSeconds": strconv.FormatInt(now.Unix(), 10), "epochMillis": strconv.FormatInt(now.UnixMilli(), 10)}, nil)
	})
	mux.HandleFunc("GET /user", func(w http.ResponseWriter, r *http.Request) {
		s := &session{d: d}
		x.Serve(w, r, s.said)
	})
	for pattern, do := range map[string]func(ctx context.Context, query url.Values, body []byte) (any, error){
		"POST orders": d.create, "POST orders/batch_cancel": d.cancel, "GET orders/historical/batch": d.list,
		"GET orders/historical/fills": d.fills, "GET orders/historical/{id}": d.one, "GET accounts": d.accounts,
	} {
		method, resource, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" "+base+resource, func(w http.ResponseWriter, r *http.Request) {
			token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
			if err := d.gate.check(token, r.Method+" "+r.Host+r.URL.Path, d.now()); err != nil {
				http.Error(w, "Unauthorized", http.StatusUnauthorized)
				return
			}
			d.mu.Lock()
			d.asked[resource]++
			d.mu.Unlock()
			body, _ := io.ReadAll(r.Body)
			query := r.URL.Query()
			if id := r.PathValue("id"); id != "" {
				query.Set("id", id)
			}
			// What arrived is done, even if the client goes away.
			result, err := do(context.WithoutCancel(r.Context()), query, body)
			answer(w, result, err)
		})
	}
	return mux
}

func answer(w http.ResponseWriter, result any, err error) {
	if err != nil {
		refused, ok := err.(*refusal)
		if !ok {
			refused = &refusal{http.StatusInternalServerError, object{"error": "INTERNAL"}}
		}
		w.WriteHeader(refused.status)
		result = refused.body
	}
	_ = json.NewEncoder(w).Encode(result) // a client that went away needs no answer
}

func (d *dialect) now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Now().Add(d.ahead).UTC()
}

// terms are an order's, by the kind that has them.
type terms struct {
	Base      string `json:"base_size"`
	Limit     string `json:"limit_price"`
	PostOnly  bool   `json:"post_only"`
	Stop      string `json:"stop_price"`
	Direction string `json:"stop_direction"`
}

// read reads what an order wants; ok is false for what the venue does not know.
func (t terms) read(kind string, to *domain.OrderTerms) (ok bool) {
	var err error
	decimal := func(text string) (value domain.Decimal) {
		if text != "" && err == nil {
			value, err = domain.ParseUnsigned("number", text)
		}
		return value
	}
	to.Volume, to.Price, to.StopPrice = decimal(t.Base), decimal(t.Limit), decimal(t.Stop)
	to.Type = domain.Limit
	switch kind {
	case "limit_limit_gtc":
		if t.PostOnly {
			to.TimeInForce = domain.PostOnly
		}
	case "sor_limit_ioc":
		to.TimeInForce = domain.ImmediateOrCancel
	case "limit_limit_fok":
		to.TimeInForce = domain.FillOrKill
	case "market_market_ioc":
		to.Type = domain.Market
	case "market_market_fok":
		to.Type, to.TimeInForce = domain.Market, domain.FillOrKill
	case "stop_limit_stop_limit_gtc":
		to.Type = domain.StopLimit
		if up := t.Direction == "STOP_DIRECTION_STOP_UP"; up != (to.Side == domain.Buy) {
			return false
		}
	default:
		return false
	}
	return err == nil
}

func (d *dialect) create(ctx context.Context, _ url.Values, body []byte) (any, error) {
	var m struct {
		ID      string           `json:"client_order_id"`
		Product string           `json:"product_id"`
		Side    string           `json:"side"`
		Wants   map[string]terms `json:"order_configuration"`
	}
	if json.Unmarshal(body, &m) != nil || len(m.Wants) != 1 {
		return nil, no(http.StatusBadRequest, "INVALID_ARGUMENT", "order_configuration")
	}
	o := domain.Order{
		ID: m.ID, Exchange: "coinbase", Status: domain.OrderIntent, Created: time.Now(),
		OrderTerms: domain.OrderTerms{Account: papertest.AccountName, Bot: "bot", Symbol: "BTC/USDT", Side: domain.Buy},
	}
	if m.Side == "SELL" {
		o.Side = domain.Sell
	}
	for kind, t := range m.Wants {
		if !t.read(kind, &o.OrderTerms) {
			return failed("UNSUPPORTED_ORDER_CONFIGURATION", kind), nil
		}
	}
	if m.Product != "BTC-USDT" {
		return failed("INVALID_PRODUCT_ID", m.Product), nil
	}
	made := d.now()
	report, err := d.x.Account().Submit(ctx, o)
	if rejected, ok := err.(*execution.Rejected); ok {
		switch {
		case rejected.Duplicate:
			if report, err = d.x.Account().Query(ctx, o); err != nil {
				return nil, err
			}
			return taken(report, m.Side), nil // as if it had been made now
		case strings.Contains(rejected.Reason, "not enough"):
			return failed("INSUFFICIENT_FUND", "Insufficient balance in source account"), nil
		}
		return failed("INVALID_LIMIT_PRICE_POST_ONLY", rejected.Reason), nil
	}
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.made[report.VenueOrderID] = made
	return taken(report, m.Side), nil
}

func taken(r execution.Report, side string) object {
	return object{"success": true, "failure_reason": "UNKNOWN_FAILURE_REASON", "order_id": r.VenueOrderID, "success_response": object{
		"order_id": r.VenueOrderID, "product_id": "BTC-USDT", "side": side, "client_order_id": r.ID,
	}}
}

func failed(code, message string) object {
	return object{"success": false, "failure_reason": "UNKNOWN_FAILURE_REASON", "error_response": object{
		"error": code, "message": message, "error_details": "", "preview_failure_reason": "PREVIEW_" + code,
	}}
}

func (d *dialect) cancel(ctx context.Context, _ url.Values, body []byte) (any, error) {
	var m struct {
		Numbers []string `json:"order_ids"`
	}
	if json.Unmarshal(body, &m) != nil {
		return nil, no(http.StatusBadRequest, "INVALID_ARGUMENT", "order_ids")
	}
	results := []object{}
	for _, number := range m.Numbers {
		why := "UNKNOWN_CANCEL_ORDER"
		entries, err := d.entries(ctx, func(e paper.Entry) bool { return e.Report.VenueOrderID == number })
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if why = ""; e.Report.Status.Final() {
				why = "COMMANDER_REJECTED_CANCEL_ORDER"
			} else if _, err := d.x.Account().Cancel(ctx, domain.Order{ID: e.Report.ID}); err != nil {
				return nil, err
			}
		}
		result := object{"order_id": number, "success": why == "", "failure_reason": "UNKNOWN_CANCEL_FAILURE_REASON"}
		if why != "" {
			result["failure_reason"] = why
		}
		results = append(results, result)
	}
	return object{"results": results}, nil
}

// entries are the orders that match, the newest first.
func (d *dialect) entries(ctx context.Context, match func(paper.Entry) bool) ([]paper.Entry, error) {
	statement, err := d.x.Account().Statement(ctx)
	if err != nil {
		return nil, err
	}
	slices.Reverse(statement.Orders)
	return slices.DeleteFunc(statement.Orders, func(e paper.Entry) bool { return !match(e) }), nil
}

// statusOf is the state of an order in the venue's words, and why it ended.
func statusOf(r execution.Report) (status, why string) {
	switch r.Status {
	case domain.OrderFilled:
		return "FILLED", "Internal error" // which it says of filled orders, too
	case domain.OrderExpired:
		return "CANCELLED", "Not filled at once"
	case domain.OrderCanceled:
		return "CANCELLED", "User requested cancel"
	}
	return "OPEN", ""
}

func inForce(t domain.OrderTerms) string {
	switch {
	case t.TimeInForce == domain.FillOrKill:
		return "FILL_OR_KILL"
	case t.TimeInForce == domain.ImmediateOrCancel || t.Type == domain.Market:
		return "IMMEDIATE_OR_CANCEL"
	}
	return "GOOD_UNTIL_CANCELLED"
}

// order is an order in REST's form.
func (d *dialect) order(e paper.Entry) object {
	d.mu.Lock()
	made := d.made[e.Report.VenueOrderID]
	slow := e.Report.Status == domain.OrderCanceled && d.slow > 0
	if slow {
		d.slow--
	}
	d.mu.Unlock()
	r := e.Report
	status, why := statusOf(r)
	if slow {
		status, why = "CANCEL_QUEUED", ""
	}
	o := object{
		"order_id": r.VenueOrderID, "client_order_id": r.ID, "product_id": "BTC-USDT", "product_type": "SPOT", "side": strings.ToUpper(e.Terms.Side.String()),
		"status": status, "time_in_force": inForce(e.Terms), "created_time": made.Format(time.RFC3339Nano), "last_fill_time": nil,
		"filled_size": r.Filled.String(), "filled_value": r.Filled.Mul(r.AveragePrice).String(), "average_filled_price": r.AveragePrice.String(),
		"reject_reason": "REJECT_REASON_UNSPECIFIED", "reject_message": "", "cancel_message": why,
	}
	if r.Filled.IsPos() {
		o["last_fill_time"] = r.Time.UTC().Format(time.RFC3339Nano)
	}
	return o
}

func (d *dialect) one(ctx context.Context, query url.Values, _ []byte) (any, error) {
	entries, err := d.entries(ctx, func(e paper.Entry) bool { return e.Report.VenueOrderID == query.Get("id") })
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, no(http.StatusNotFound, "NOT_FOUND", "order with this orderID was not found")
	}
	return object{"order": d.order(entries[0])}, nil
}

// part is a page of a list, and where the next one is; empty: there is none.
func part[T any](all []T, query url.Values, most int) (page []T, cursor string) {
	skip, _ := strconv.Atoi(query.Get("cursor"))
	limit, _ := strconv.Atoi(query.Get("limit"))
	skip, end := min(skip, len(all)), min(skip+min(limit, most), len(all))
	if end < len(all) {
		cursor = strconv.Itoa(end)
	}
	return all[skip:end], cursor
}

func (d *dialect) list(ctx context.Context, query url.Values, _ []byte) (any, error) {
	from, _ := time.Parse(time.RFC3339, query.Get("start_date"))
	entries, err := d.entries(ctx, func(e paper.Entry) bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		status, _ := statusOf(e.Report)
		wanted := func(name, value string) bool { return len(query[name]) == 0 || slices.Contains(query[name], value) }
		return wanted("order_ids", e.Report.VenueOrderID) && wanted("product_ids", "BTC-USDT") && wanted("order_status", status) &&
			!d.made[e.Report.VenueOrderID].Before(from)
	})
	if err != nil {
		return nil, err
	}
	orders := make([]object, len(entries))
	for i, e := range entries {
		orders[i] = d.order(e)
	}
	page, cursor := part(orders, query, d.page)
	return object{"orders": page, "sequence": "0", "has_next": cursor != "", "cursor": cursor}, nil
}

func (d *dialect) fills(ctx context.Context, query url.Values, _ []byte) (any, error) {
	statement, err := d.x.Account().Statement(ctx)
	if err != nil {
		return nil, err
	}
	from, _ := time.Parse(time.RFC3339Nano, query.Get("start_sequence_timestamp"))
	d.mu.Lock()
	var all []object
	for _, o := range d.others {
		if ids := query["order_ids"]; len(ids) == 0 || slices.Contains(ids, o["order_id"].(string)) {
			all = append(all, o)
		}
	}
	if n := len(statement.Fills); d.late > 0 && n > 0 {
		d.late--
		statement.Fills = statement.Fills[:n-1]
	}
	d.mu.Unlock()
	for _, f := range slices.Backward(statement.Fills) {
		ids := query["order_ids"]
		if len(ids) > 0 && !slices.Contains(ids, f.OrderID) || f.Time.Before(from) {
			continue
		}
		liquidity := "TAKER"
		if f.Maker {
			liquidity = "MAKER"
		}
		all = append(all, object{
			"entry_id": f.ID, "trade_id": "t-" + f.ID, "order_id": f.OrderID, "trade_time": f.Time.Format(time.RFC3339Nano), "trade_type": "FILL",
			"price": f.Price.String(), "size": f.Volume.String(), "commission": f.Fee.String(), "product_id": "BTC-USDT",
			"sequence_timestamp": f.Time.Format(time.RFC3339Nano), "liquidity_indicator": liquidity, "size_in_quote": false, "side": strings.ToUpper(f.Side.String()),
		})
	}
	page, cursor := part(all, query, 50)
	if page == nil {
		page = []object{}
	}
	return object{"fills": page, "cursor": cursor}, nil
}

func (d *dialect) accounts(ctx context.Context, query url.Values, _ []byte) (any, error) {
	statement, err := d.x.Account().Statement(ctx)
	if err != nil {
		return nil, err
	}
	amount := func(value domain.Decimal, currency string) object {
		return object{"value": value.String(), "currency": currency}
	}
	all := []object{{
		"type": "ACCOUNT_TYPE_VAULT", "currency": "BTC", "available_balance": amount(domain.MustDecimal("7"), "BTC"), "hold": amount(domain.Decimal{}, "BTC"),
	}}
	for _, b := range statement.Balances {
		all = append(all, object{
			"type": "ACCOUNT_TYPE_CRYPTO", "currency": b.Currency, "available_balance": amount(b.Free, b.Currency), "hold": amount(b.Used, b.Currency),
		})
	}
	page, cursor := part(all, query, 1)
	return object{"accounts": page, "has_next": cursor != "", "cursor": cursor}, nil
}
