package kraken_test

import (
	"encoding/json"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/execution/papertest"
)

// session is one private WebSocket, and what happens to the account on it.
type session struct {
	d    *dialect
	s    *papertest.Socket
	told map[string]bool // orders whose terms were told
	has  map[string]domain.Decimal
}

// object writes a JSON object.
type object map[string]any

func (o object) String() string {
	text, _ := json.Marshal(o) // of what a test writes: no error
	return string(text)
}

func micros(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

// said answers what the client says.
func (c *session) said(s *papertest.Socket, frame []byte) {
	c.s = s
	var m struct {
		Method string
		Params struct{ Channel, Token string }
		ID     int `json:"req_id"`
	}
	_ = json.Unmarshal(frame, &m) // of the adapter's: what it is not is answered with an error
	now := micros(c.d.now())
	switch m.Method {
	case "ping":
		s.Send(object{"method": "pong", "time_in": now, "time_out": now}.String())
		return
	case "subscribe":
	default:
		s.Send(object{"error": "Unsupported method", "success": false, "method": m.Method}.String())
		return
	}
	c.d.mu.Lock()
	good := c.d.tokens[m.Params.Token]
	c.d.mu.Unlock()
	if !good {
		s.Send(object{"method": "subscribe", "req_id": m.ID, "success": false, "error": "ESession:Invalid session", "time_in": now, "time_out": now}.String())
		return
	}
	granted := func() {
		s.Send(object{"method": "subscribe", "req_id": m.ID, "success": true, "result": object{"channel": m.Params.Channel}, "time_in": now, "time_out": now}.String())
	}
	if m.Params.Channel == "balances" {
		s.Follow(c, func() {
			granted()
			s.Send(object{"channel": "balances", "type": "snapshot", "data": []object{}, "sequence": 1}.String())
		})
		return
	}
	granted()
	c.send("snapshot", c.snapshot()...)
}

func (c *session) send(kind string, data ...object) {
	if data == nil {
		data = []object{}
	}
	c.s.Send(object{"channel": "executions", "type": kind, "data": data, "sequence": 1}.String())
}

// snapshot is the open orders.
func (c *session) snapshot() (open []object) {
	statement, err := c.d.x.Account().Statement(c.s.Context())
	if err != nil {
		return nil // the exchange is being stopped
	}
	for _, e := range statement.Orders {
		if r := e.Report; r.Status.Resting() {
			o := terms(e.Terms, r, "new", "new")
			if r.Filled.IsPos() {
				o["order_status"], o["cum_qty"], o["cum_cost"] = "partially_filled", number(r.Filled), number(r.Filled.Mul(r.AveragePrice))
			}
			open = append(open, o)
			c.told[r.VenueOrderID] = true
		}
	}
	return open
}

func terms(t domain.OrderTerms, r execution.Report, kind, status string) object {
	o := object{
		"order_id": r.VenueOrderID, "symbol": t.Symbol, "side": t.Side.String(), "order_qty": number(t.Volume), "cum_cost": 0, "time_in_force": "GTC",
		"exec_type": kind, "order_status": status, "timestamp": micros(r.Time), "cl_ord_id": r.ID,
	}
	switch t.TimeInForce {
	case domain.ImmediateOrCancel:
		o["time_in_force"] = "IOC"
	case domain.FillOrKill:
		o["time_in_force"] = "FOK"
	}
	return o
}

// announce tells of a new order, as it was when it was new.
func (c *session) announce(number string) {
	if c.told[number] {
		return
	}
	c.told[number] = true
	statement, err := c.d.x.Account().Statement(c.s.Context())
	if err != nil {
		return // the exchange is being stopped
	}
	for _, e := range statement.Orders {
		if e.Report.VenueOrderID == number {
			c.send("update", terms(e.Terms, e.Report, "pending_new", "pending_new"))
			c.send("update", object{"order_id": number, "exec_type": "new", "order_status": "new", "timestamp": micros(e.Report.Time)})
		}
	}
}

// Connected implements execution.Sink.
func (*session) Connected() {}

// Fill implements execution.Sink.
func (c *session) Fill(f domain.Fill) {
	c.announce(f.OrderID)
	liquidity := "t"
	if f.Maker {
		liquidity = "m"
	}
	c.send("update", object{
		"order_id": f.OrderID, "exec_id": f.ID, "exec_type": "trade", "trade_id": 1, "last_qty": number(f.Volume), "last_price": number(f.Price),
		"liquidity_ind": liquidity, "cost": number(f.Cost()), "order_status": "partially_filled", "timestamp": micros(f.Time),
		"fees": []object{{"asset": f.FeeCurrency, "qty": number(f.Fee)}},
	})
}

// Order implements execution.Sink.
func (c *session) Order(r execution.Report) {
	c.announce(r.VenueOrderID)
	o := object{
		"order_id": r.VenueOrderID, "timestamp": micros(r.Time), "cum_qty": number(r.Filled), "cum_cost": number(r.Filled.Mul(r.AveragePrice)),
		"avg_price": number(r.AveragePrice),
	}
	switch r.Status {
	case domain.OrderFilled:
		o["exec_type"], o["order_status"] = "filled", "filled"
	case domain.OrderCanceled, domain.OrderExpired:
		o["exec_type"], o["order_status"], o["reason"] = "canceled", "canceled", canceledFor(r)
	default:
		return // the fill told it
	}
	c.send("update", o)
}

// Balance implements execution.Sink. What is held back for orders is not told.
func (c *session) Balance(b domain.Balance) {
	if had, ok := c.has[b.Currency]; ok && had.Equal(b.Total) {
		return
	}
	c.has[b.Currency] = b.Total
	c.s.Send(object{"channel": "balances", "type": "update", "sequence": 2, "data": []object{{
		"asset": b.Currency, "asset_class": "currency", "balance": number(b.Total), "timestamp": micros(b.Time), "type": "trade",
	}}}.String())
}

// Position implements execution.Sink: Kraken spot has none.
func (*session) Position(domain.Position) {}
