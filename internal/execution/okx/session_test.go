package okx_test

import (
	"encoding/json"
	"maps"
	"strconv"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/execution/papertest"
)

// session is one private WebSocket, and what happens to the account on it.
type session struct {
	d  *dialect
	s  *papertest.Socket
	in bool // it is logged in
}

// said answers what the client says.
func (c *session) said(s *papertest.Socket, frame []byte) {
	c.s = s
	if string(frame) == "ping" {
		c.d.pings.Add(1)
		s.Send("pong")
		return
	}
	var m struct {
		Op   string
		Args []map[string]string
	}
	_ = json.Unmarshal(frame, &m) // of the adapter's: what it is not is answered with an error
	switch {
	case m.Op == "login" && len(m.Args) == 1:
		if no := c.d.login(m.Args[0]); no.code != "" {
			s.Send(object{"event": "error", "code": no.code, "msg": no.text, "connId": "a4d3ae55"}.String())
			return
		}
		c.in = true
		s.Send(object{"event": "login", "code": "0", "msg": "", "connId": "a4d3ae55"}.String())
	case m.Op == "subscribe" && c.in && len(m.Args) > 0:
		last := len(m.Args) - 1
		for _, arg := range m.Args[:last] {
			c.grant(arg)
		}
		s.Send(object{"event": "channel-conn-count", "channel": "orders", "connCount": "1", "connId": "a4d3ae55"}.String())
		s.Follow(c, func() { c.grant(m.Args[last]) })
	default:
		s.Send(object{"event": "error", "code": "60011", "msg": "Please log in"}.String())
	}
}

func (c *session) grant(arg map[string]string) {
	delete(arg, "extraParams")
	c.s.Send(object{"event": "subscribe", "arg": arg, "connId": "a4d3ae55"}.String())
}

// login checks a login.
func (d *dialect) login(arg map[string]string) (no refusal) {
	seconds, err := strconv.ParseInt(arg["timestamp"], 10, 64)
	switch {
	case err != nil || d.now().Sub(time.Unix(seconds, 0)).Abs() > 30*time.Second:
		return refusal{"60006", "Timestamp request expired"}
	case arg["apiKey"] != key || d.refuse.Add(-1) >= 0:
		return refusal{"60005", "Invalid apiKey"}
	case arg["passphrase"] != passphrase:
		return refusal{"60024", "Wrong passphrase"}
	case arg["sign"] != signature(arg["timestamp"]+"GET/users/self/verify"):
		return refusal{"60007", "Invalid sign"}
	}
	return no
}

// tell sends an event.
func (c *session) tell(channel string, data object) {
	arg := object{"channel": channel}
	if channel != "account" {
		arg["instType"] = c.d.kind()
	}
	c.s.Send(object{"arg": arg, "data": []object{data}}.String())
}

// Connected implements execution.Sink.
func (*session) Connected() {}

// Fill implements execution.Sink: the order as it was after it.
func (c *session) Fill(f domain.Fill) {
	statement, err := c.d.x.Account().Statement(c.s.Context())
	if err != nil {
		return // the exchange is being stopped
	}
	for _, e := range statement.Orders {
		if e.Report.VenueOrderID != f.OrderID {
			continue
		}
		r := execution.Report{ID: e.Report.ID, VenueOrderID: f.OrderID, Status: domain.OrderPartial, Time: f.Time}
		var cost domain.Decimal
		for _, part := range statement.Fills {
			if part.OrderID == f.OrderID {
				r.Filled, cost = r.Filled.Add(part.Volume), cost.Add(part.Cost())
			}
			if part.ID == f.ID {
				break
			}
		}
		r.AveragePrice = cost.MustDiv(r.Filled)
		o := c.d.order(e.Terms, r)
		maps.Copy(o, c.d.fill(f))
		c.tell("orders", o)
	}
}

// Order implements execution.Sink. The end of a filled order repeats its last
// fill.
func (c *session) Order(r execution.Report) {
	statement, err := c.d.x.Account().Statement(c.s.Context())
	if err != nil || r.Status == domain.OrderPartial {
		return // the exchange is being stopped; or the fill told it
	}
	for _, e := range statement.Orders {
		if e.Report.VenueOrderID != r.VenueOrderID {
			continue
		}
		o := c.d.order(e.Terms, r)
		for _, f := range statement.Fills {
			if f.OrderID == r.VenueOrderID && r.Status == domain.OrderFilled {
				maps.Copy(o, c.d.fill(f))
			}
		}
		c.tell("orders", o)
	}
}

// Balance implements execution.Sink.
func (c *session) Balance(b domain.Balance) { c.tell("account", wallet(b)) }

// Position implements execution.Sink.
func (c *session) Position(p domain.Position) {
	if o, ok := c.d.position(p); ok {
		c.tell("positions", o)
	}
}
