package bybit_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
	"github.com/fullon/fullon/internal/execution/papertest"
)

// session is one private WebSocket, and what happens to the account on it.
type session struct {
	d      *dialect
	s      *papertest.Socket
	logged bool
	told   map[string]bool // orders that were told to be new
	// What there was before: the venue tells changes only.
	balances  map[string]domain.Balance
	positions map[string]domain.Position
}

// said answers what the client says.
func (c *session) said(s *papertest.Socket, frame []byte) {
	c.s = s
	var m struct {
		Op   string
		Args []json.RawMessage
		ID   string `json:"req_id"`
	}
	_ = json.Unmarshal(frame, &m) // of the adapter's: what it is not is answered with an error
	answer := func(ok bool, text string) {
		s.Send(object{"success": ok, "ret_msg": text, "op": m.Op, "conn_id": "c", "req_id": m.ID}.String())
	}
	switch {
	case m.Op == "ping":
		s.Send(object{"req_id": m.ID, "op": "pong", "args": []string{"1"}, "conn_id": "c"}.String())
	case m.Op == "auth":
		c.logged = c.login(m.Args) && !c.d.denies()
		if c.d.login != "" {
			s.Send(c.d.login)
			return
		}
		if !c.logged {
			answer(false, "Request not authorized")
			return
		}
		answer(true, "")
	case m.Op == "subscribe" && c.logged:
		c.told, c.balances, c.positions = make(map[string]bool), make(map[string]domain.Balance), make(map[string]domain.Position)
		statement, err := c.d.x.Account().Statement(s.Context())
		if err != nil {
			return // the exchange is being stopped
		}
		for _, e := range statement.Orders {
			c.told[e.Report.VenueOrderID] = true
		}
		for _, b := range statement.Balances {
			c.balances[b.Currency] = b
		}
		for _, p := range statement.Positions {
			c.positions[p.Symbol] = p
		}
		s.Follow(c, func() { answer(true, "") })
	default:
		answer(false, "Request not authorized")
	}
}

// login checks the signature and the time.
func (c *session) login(args []json.RawMessage) bool {
	var name, signature string
	var expires int64
	if len(args) != 3 || json.Unmarshal(args[0], &name) != nil || json.Unmarshal(args[1], &expires) != nil || json.Unmarshal(args[2], &signature) != nil {
		return false
	}
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = fmt.Fprintf(mac, "GET/realtime%d", expires)
	return name == key && signature == hex.EncodeToString(mac.Sum(nil)) && expires > c.d.now().UnixMilli()
}

func (d *dialect) denies() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.denied--
	return d.denied >= 0
}

// event tells of something. The venue says its category.
func (c *session) event(topic string, o object) {
	if topic != "wallet" {
		o["category"] = c.d.category
	}
	c.s.Send(object{"id": "e", "topic": topic, "creationTime": c.d.now().UnixMilli(), "data": []object{o}}.String())
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
		if r := e.Report; r.VenueOrderID == number {
			r.Status, r.Filled, r.AveragePrice = domain.OrderAccepted, domain.Decimal{}, domain.Decimal{}
			c.event("order", c.d.order(e.Terms, r))
		}
	}
}

// Connected implements execution.Sink.
func (*session) Connected() {}

// Fill implements execution.Sink.
func (c *session) Fill(f domain.Fill) {
	c.announce(f.OrderID)
	c.event("execution", c.d.execution(f))
}

// Order implements execution.Sink.
func (c *session) Order(r execution.Report) {
	if c.announce(r.VenueOrderID); r.Status == domain.OrderAccepted {
		return // which announce told
	}
	statement, err := c.d.x.Account().Statement(c.s.Context())
	if err != nil {
		return // the exchange is being stopped
	}
	for _, e := range statement.Orders {
		if e.Report.VenueOrderID == r.VenueOrderID {
			c.event("order", c.d.order(e.Terms, r))
		}
	}
}

// Balance implements execution.Sink.
func (c *session) Balance(b domain.Balance) {
	if c.balances[b.Currency].Same(b) {
		return
	}
	c.balances[b.Currency] = b
	c.event("wallet", object{"accountType": "UNIFIED", "coin": []object{c.d.coin(b)}})
}

// Position implements execution.Sink.
func (c *session) Position(p domain.Position) {
	if c.d.category == "linear" && !c.positions[p.Symbol].Same(p) {
		c.positions[p.Symbol] = p
		c.event("position", position(p, "entryPrice"))
	}
}
