package sim_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/internal/sim"
)

var trader = sim.Account{
	Name: "main", Key: "keyOfTheAccount", Secret: "secretOfTheAccount", Balances: map[string]string{"USDT": "1000", "BTC": "2"},
}

// floor is an exchange with one account and a market of round numbers.
func floor(t *testing.T, change ...func(*sim.Config)) *exchange {
	t.Helper()
	cfg := sim.Config{
		Accounts: []sim.Account{trader}, MakerFee: "0.001", TakerFee: "0.002",
		Symbols: []sim.Symbol{{Name: "BTC/USDT", Price: "100", TickSize: "0.01", LotSize: "0.01", MinNotional: "5", TradeCost: "450"}},
	}
	for _, c := range change {
		c(&cfg)
	}
	x := start(t, cfg)
	x.quote("99", "3", "101", "3")
	return x
}

func (x *exchange) quote(bid, bidSize, ask, askSize string) {
	x.t.Helper()
	if err := x.Quote("BTC/USDT", bid, bidSize, ask, askSize); err != nil {
		x.t.Fatal(err)
	}
}

func sign(text string) string {
	mac := hmac.New(sha256.New, []byte(trader.Secret))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

// send sends a request as it is.
func (x *exchange) send(method, path, key, query, form string) (status int, body string, header http.Header) {
	x.t.Helper()
	req, err := http.NewRequest(method, x.RESTURL()+"/api/v3/"+path+"?"+query, strings.NewReader(form))
	if err != nil {
		x.t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("X-MBX-APIKEY", key)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return 0, err.Error(), nil
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		x.t.Fatal(err)
	}
	return resp.StatusCode, string(data), resp.Header
}

// signed sends a request of the account: parameters as "name=value&…".
func (x *exchange) signed(method, path, params string) (status int, body string, header http.Header) {
	x.t.Helper()
	query := strings.TrimPrefix(params+"&timestamp=", "&") + strconv.FormatInt(x.clock.Now().UnixMilli(), 10)
	return x.send(method, path, trader.Key, query+"&signature="+sign(query), "")
}

// do sends a request that must succeed.
func do[T any](x *exchange, method, path, params string) T {
	x.t.Helper()
	status, body, _ := x.signed(method, path, params)
	if status != http.StatusOK {
		x.t.Fatalf("%s %s %s: %d %s", method, path, params, status, body)
	}
	return decode[T](x.t, body)
}

type orderAnswer struct {
	OrderID  int64  `json:"orderId"`
	ClientID string `json:"clientOrderId"`
	Status   string `json:"status"`
	Executed string `json:"executedQty"`
	Cost     string `json:"cummulativeQuoteQty"`
	Fills    []struct {
		Price, Qty, Commission, CommissionAsset string
		TradeID                                 int64 `json:"tradeId"`
	} `json:"fills"`
}

// balances are the account's, "free locked" by asset.
func (x *exchange) balances() map[string]string {
	x.t.Helper()
	all := do[struct {
		Balances []struct{ Asset, Free, Locked string }
	}](x, http.MethodGet, "account", "")
	out := map[string]string{}
	for _, b := range all.Balances {
		out[b.Asset] = b.Free + " " + b.Locked
	}
	return out
}

func (x *exchange) wantBalances(btc, usdt string) {
	x.t.Helper()
	if got := x.balances(); got["BTC"] != btc || got["USDT"] != usdt {
		x.t.Fatalf("got %v, want BTC %s, USDT %s", got, btc, usdt)
	}
}

func TestOnlySignedRequestsInTheirWindowAreDone(t *testing.T) {
	t.Parallel()
	x := floor(t)
	now := x.clock.Now().UnixMilli()
	at := func(ms int64) string { return "timestamp=" + strconv.FormatInt(ms, 10) }
	ok := func(query string) string { return query + "&signature=" + sign(query) }
	for name, c := range map[string]struct {
		key, query, form string
		status, code     int
	}{
		"signed":            {trader.Key, ok(at(now)), "", 200, 0},
		"in the form":       {trader.Key, "signature=" + sign(at(now)), at(now), 200, 0},
		"in both":           {trader.Key, "recvWindow=5000&signature=" + strings.ToUpper(sign("recvWindow=5000"+at(now))), at(now), 200, 0},
		"just in time":      {trader.Key, ok(at(now - 5000)), "", 200, 0},
		"late":              {trader.Key, ok(at(now - 5001)), "", 400, -1021},
		"late for its own":  {trader.Key, ok(at(now-101) + "&recvWindow=100"), "", 400, -1021},
		"a little ahead":    {trader.Key, ok(at(now + 999)), "", 200, 0},
		"ahead":             {trader.Key, ok(at(now + 1000)), "", 400, -1021},
		"too long a window": {trader.Key, ok(at(now) + "&recvWindow=60001"), "", 400, -1131},
		"no time":           {trader.Key, ok("recvWindow=100"), "", 400, -1102},
		"not signed":        {trader.Key, at(now), "", 400, -1102},
		"another signature": {trader.Key, at(now) + "&signature=" + sign(at(now+1)), "", 400, -1022},
		"no signature":      {trader.Key, at(now) + "&signature=zz", "", 400, -1022},
		"changed":           {trader.Key, "omitZeroBalances=true&" + ok(at(now)), "", 400, -1022},
		"no key":            {"", ok(at(now)), "", 401, -2014},
		"another key":       {"keyOfNobodyHere", ok(at(now)), "", 401, -2015},
	} {
		status, body, _ := x.send(http.MethodGet, "account", c.key, c.query, c.form)
		if status != c.status || c.code != 0 && !strings.Contains(body, fmt.Sprintf(`"code":%d,`, c.code)) {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
}

func TestOrdersAreRefusedInTheVenuesWords(t *testing.T) {
	t.Parallel()
	x := floor(t)
	do[orderAnswer](x, http.MethodPost, "order", "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=50&newClientOrderId=taken")
	limit := "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&"
	for params, says := range map[string]string{
		"side=BUY": `"code":-1102`,
		"symbol=XYZ&side=BUY&type=MARKET&quantity=1":                            `"code":-1121`,
		"symbol=BTCUSDT&side=HOLD&type=MARKET&quantity=1":                       `"code":-1117`,
		"symbol=BTCUSDT&side=BUY&type=GUESS&quantity=1":                         `"code":-1116`,
		"symbol=BTCUSDT&side=BUY&type=MARKET":                                   `'quantity'`,
		"symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1&price=5":                `"code":-1106`,
		"symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1&timeInForce=GTC":        `"code":-1106`,
		"symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=5":                 `'timeInForce'`,
		"symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTX&quantity=1&price=5": `"code":-1115`,
		limit + "quantity=1":                                                               `'price'`,
		limit + "quantity=1e1&price=50":                                                    `"code":-1100`,
		limit + "quantity=1.001&price=50":                                                  `LOT_SIZE`,
		limit + "quantity=0&price=50":                                                      `LOT_SIZE`,
		limit + "quantity=1&price=50.001":                                                  `PRICE_FILTER`,
		limit + "quantity=0.01&price=50":                                                   `NOTIONAL`,
		limit + "quantity=9000000&price=900000":                                            `NOTIONAL`,
		limit + "quantity=1&price=50&newClientOrderId=a%20b":                               `"code":-1100`,
		limit + "quantity=1&price=50&newClientOrderId=taken":                               `{"code":-2010,"msg":"Duplicate order sent."}`,
		limit + "quantity=19.01&price=50":                                                  `{"code":-2010,"msg":"Account has insufficient balance for requested action."}`,
		"symbol=BTCUSDT&side=SELL&type=MARKET&quantity=2.01":                               `insufficient balance`,
		"symbol=BTCUSDT&side=BUY&type=LIMIT_MAKER&quantity=1&price=101":                    `immediately match and take`,
		"symbol=BTCUSDT&side=SELL&type=STOP_LOSS&quantity=1&stopPrice=99":                  `trigger immediately`,
		"symbol=BTCUSDT&side=BUY&type=STOP_LOSS_LIMIT&timeInForce=GTC&quantity=1&price=50": `'stopPrice'`,
	} {
		status, body, _ := x.signed(http.MethodPost, "order", params)
		if status != http.StatusBadRequest || !strings.Contains(body, says) {
			t.Errorf("%s: %d %s, want %s", params, status, body, says)
		}
	}
	for _, c := range [][3]string{
		{http.MethodDelete, "symbol=BTCUSDT&origClientOrderId=nobody", `{"code":-2011,"msg":"Unknown order sent."}`},
		{http.MethodGet, "symbol=BTCUSDT&orderId=5", `{"code":-2013,"msg":"Order does not exist."}`},
		{http.MethodGet, "symbol=BTCUSDT", `"code":-1102`},
	} {
		if status, body, _ := x.signed(c[0], "order", c[1]); status != http.StatusBadRequest || !strings.Contains(body, c[2]) {
			t.Errorf("%v: %d %s", c, status, body)
		}
	}
	x.wantBalances("2.00000000 0.00000000", "950.00000000 50.00000000")
}

func TestTheMoneyOfOrders(t *testing.T) {
	t.Parallel()
	x := floor(t)
	// A taker pays the ask, and its fee from what it receives.
	got := do[orderAnswer](x, http.MethodPost, "order", "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=5&price=101.5&newClientOrderId=a")
	if got.Status != "PARTIALLY_FILLED" || got.Executed != "3.00000000" || got.Cost != "303.00000000" || len(got.Fills) != 1 ||
		got.Fills[0].Commission != "0.00600000" || got.Fills[0].CommissionAsset != "BTC" {
		t.Fatalf("%+v", got)
	}
	x.wantBalances("4.99400000 0.00000000", "494.00000000 203.00000000")
	// What rests is filled at its limit, at the maker's fee.
	x.quote("99", "3", "100", "1.5")
	x.wantBalances("6.49250000 0.00000000", "494.00000000 50.75000000")
	do[orderAnswer](x, http.MethodDelete, "order", "symbol=BTCUSDT&origClientOrderId=a")
	x.wantBalances("6.49250000 0.00000000", "544.75000000 0.00000000")
	// A seller's fee is in what it receives.
	do[orderAnswer](x, http.MethodPost, "order", "symbol=BTCUSDT&side=SELL&type=MARKET&quantity=1")
	x.wantBalances("5.49250000 0.00000000", "643.55200000 0.00000000")
	// The id of an order that ended is free, and names the newest.
	if again := do[orderAnswer](x, http.MethodPost, "order", "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=IOC&quantity=1&price=98&newClientOrderId=a"); again.Status != "EXPIRED" {
		t.Fatalf("%+v", again)
	}
	if newest := do[orderAnswer](x, http.MethodGet, "order", "symbol=BTCUSDT&origClientOrderId=a"); newest.OrderID == got.OrderID {
		t.Fatalf("%+v", newest)
	}
	// The public tape has the fills.
	trades := do[[]struct {
		ID         int64 `json:"id"`
		IsBuyer    bool
		IsMaker    bool
		Price, Qty string
		Commission string
		OrderID    int64 `json:"orderId"`
	}](x, http.MethodGet, "myTrades", "symbol=BTCUSDT")
	public := fetch[[]restTrade](x, "/api/v3/trades?symbol=BTCUSDT&limit=1000")
	byID := map[int64]restTrade{}
	for _, p := range public {
		byID[p.ID] = p
	}
	if len(trades) != 3 {
		t.Fatalf("%+v", trades)
	}
	for _, tr := range trades {
		if p := byID[tr.ID]; p.Price != tr.Price || p.Qty != tr.Qty || p.Maker != (tr.IsBuyer == tr.IsMaker) {
			t.Errorf("%+v is public as %+v", tr, p)
		}
	}
	if rest := do[[]orderAnswer](x, http.MethodGet, "myTrades", "symbol=BTCUSDT&fromId="+strconv.FormatInt(trades[1].ID, 10)); len(rest) != 2 {
		t.Errorf("%+v", rest)
	}
	if all := do[[]orderAnswer](x, http.MethodGet, "allOrders", "symbol=BTCUSDT&orderId="+strconv.FormatInt(got.OrderID+1, 10)); len(all) != 2 {
		t.Errorf("%+v", all)
	}
}

func TestOrdersAndRequestsAreCounted(t *testing.T) {
	t.Parallel()
	x := floor(t, func(cfg *sim.Config) { cfg.OrderLimit = 2 })
	params := "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=50"
	for i := range 3 {
		status, body, header := x.signed(http.MethodPost, "order", params)
		switch {
		case i < 2 && (status != http.StatusOK || header.Get("X-Mbx-Order-Count-10s") != strconv.Itoa(i+1)):
			t.Fatalf("%d %s %v", status, body, header)
		case i == 2 && (status != http.StatusTooManyRequests || !strings.Contains(body, `"code":-1015`) || header.Get("Retry-After") != ""):
			t.Fatalf("%d %s %v", status, body, header)
		}
	}
	x.clock.Advance(10 * time.Second)
	do[orderAnswer](x, http.MethodPost, "order", params)
}

func TestFaults(t *testing.T) {
	t.Parallel()
	x := floor(t)
	params := "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=50"
	open := func() int { return len(do[[]orderAnswer](x, http.MethodGet, "openOrders", "")) }
	x.Inject(sim.Fault{Method: http.MethodPost, Status: 418, Code: -1003, Message: "banned", RetryAfter: 1500 * time.Millisecond})
	if status, body, header := x.signed(http.MethodPost, "order", params); status != 418 || header.Get("Retry-After") != "2" || !strings.Contains(body, "banned") || open() != 0 {
		t.Fatalf("%d %s %v", status, body, header)
	}
	x.Inject(sim.Fault{Path: "/api/v3/order", Lose: true})
	if status, body, _ := x.signed(http.MethodPost, "order", params); status != 0 || open() != 1 {
		t.Fatalf("%d %s", status, body)
	}
	x.Inject(sim.Fault{Path: "/api/v3/order", Body: "x", Times: 2})
	x.signed(http.MethodPost, "order", params)
	if status, body, _ := x.signed(http.MethodPost, "order", params); status != 200 || body != "x" || open() != 3 {
		t.Fatalf("%d %s", status, body)
	}
	x.Inject(sim.Fault{Status: 500, Times: 100})
	x.Heal()
	if open() != 3 {
		t.Fatal("a fault came after all were taken back")
	}
}

type userEvent struct {
	ID     string
	Status int
	Result *struct{ SubscriptionID int }
	Error  *struct{ Code int }
	Event  struct {
		Name   string `json:"e"`
		Time   int64  `json:"E"`
		Exec   string `json:"x"`
		Status string `json:"X"`
		Client string `json:"c"`
		Orig   string `json:"C"`
		Fee    string `json:"n"`
		Asset  any    `json:"N"`
		Trade  int64  `json:"t"`
		When   int64  `json:"T"`
		B      []struct {
			Asset  string `json:"a"`
			Free   string `json:"f"`
			Locked string `json:"l"`
		}
	}
}

func TestTheUserDataStream(t *testing.T) {
	t.Parallel()
	x := floor(t, func(cfg *sim.Config) { cfg.MessageBurst = 100 })
	c := x.dial("/ws-api/v3", nil)
	ask := func(method, signature string) userEvent {
		t.Helper()
		c.send(fmt.Sprintf(`{"id":"a","method":%q,"params":{"apiKey":%q,"timestamp":%d,"signature":%q}}`,
			method, trader.Key, x.clock.Now().UnixMilli(), signature))
		return decode[userEvent](t, c.read())
	}
	values := url.Values{"apiKey": {trader.Key}, "timestamp": {strconv.FormatInt(x.clock.Now().UnixMilli(), 10)}}
	if got := ask("userDataStream.subscribe.signature", sign("x")); got.Status != 400 || got.Error == nil || got.Error.Code != -1022 {
		t.Fatalf("%+v", got)
	}
	if got := ask("userDataStream.start", ""); got.Error == nil || got.Error.Code != -1020 {
		t.Fatalf("%+v", got)
	}
	if got := ask("userDataStream.subscribe.signature", sign(values.Encode())); got.ID != "a" || got.Status != 200 || got.Result == nil {
		t.Fatalf("%+v", got)
	}
	next := func(name, execution, status string) userEvent {
		t.Helper()
		e := decode[userEvent](t, c.read())
		if e.Event.Name != name || e.Event.Exec != execution || e.Event.Status != status {
			t.Fatalf("got %+v, want %s %s %s", e, name, execution, status)
		}
		return e
	}
	do[orderAnswer](x, http.MethodPost, "order", "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=5&price=101&newClientOrderId=a")
	next("executionReport", "NEW", "NEW")
	if e := next("executionReport", "TRADE", "PARTIALLY_FILLED"); e.Event.Fee != "0.00600000" || e.Event.Asset != "BTC" || e.Event.Trade <= 0 {
		t.Fatalf("%+v", e)
	}
	if e := next("outboundAccountPosition", "", ""); len(e.Event.B) != 2 || e.Event.B[1].Locked != "202.00000000" {
		t.Fatalf("%+v", e)
	}
	do[orderAnswer](x, http.MethodDelete, "order", "symbol=BTCUSDT&origClientOrderId=a&newClientOrderId=b")
	if e := next("executionReport", "CANCELED", "CANCELED"); e.Event.Client != "b" || e.Event.Orig != "a" {
		t.Fatalf("%+v", e)
	}
	next("outboundAccountPosition", "", "")
	if err := x.Transfer("main", "USDT", "1"); err != nil {
		t.Fatal(err)
	}
	next("balanceUpdate", "", "")
	next("outboundAccountPosition", "", "")
	if n := x.Terminate("main"); n != 1 || x.Listeners("main") != 0 {
		t.Fatalf("%d", n)
	}
	next("eventStreamTerminated", "", "")
}
