package coinbase_test

import (
	"encoding/json"
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

// session is one WebSocket for users, and what happens to the account on it.
type session struct {
	d *dialect
	s *papertest.Socket

	mu     sync.Mutex // of who sends
	next   int
	listed object // the subscriptions
}

// said answers what the client says.
func (c *session) said(s *papertest.Socket, frame []byte) {
	c.s = s
	var m struct{ Type, Channel, JWT string }
	_ = json.Unmarshal(frame, &m) // of the adapter's: what it is not is answered with an error
	if err := c.d.gate.check(m.JWT, "", c.d.now()); err != nil || m.Type != "subscribe" {
		s.Send(object{"type": "error", "message": "authentication failure"}.String())
		return
	}
	granted := func() {
		c.mu.Lock()
		if c.listed == nil {
			c.listed = make(object)
		}
		c.listed[m.Channel] = []string{"theUser"}
		subscriptions := object{"subscriptions": c.listed}
		c.mu.Unlock()
		c.send("subscriptions", subscriptions)
	}
	if m.Channel != "user" {
		granted()
		c.send("heartbeats", object{"current_time": "2026-01-01 00:00:00.000000000 +0000 UTC m=+91717.5", "heartbeat_counter": "1"})
		return
	}
	c.d.mu.Lock()
	c.d.sessions = append(c.d.sessions, c)
	c.d.mu.Unlock()
	s.Follow(c, func() {
		c.send("user", object{"type": "snapshot", "orders": c.snapshot()})
		granted()
	})
}

// send sends a message with the next number.
func (c *session) send(channel string, events ...object) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s.Send(object{
		"channel": channel, "client_id": "", "timestamp": c.d.now().Format("2006-01-02T15:04:05.000000000Z"), "sequence_num": c.next, "events": events,
	}.String())
	c.next++
}

// sends sends a text, in which NEXT is the next number.
func (c *session) sends(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if strings.Contains(text, "NEXT") {
		text = strings.ReplaceAll(text, "NEXT", strconv.Itoa(c.next))
		c.next++
	}
	c.s.Send(text)
}

// lose lets a number out.
func (c *session) lose() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next++
}

// tell tells all who listen of an order.
func (d *dialect) tell(o object) {
	for _, c := range d.listening() {
		c.send("user", object{"type": "update", "orders": []object{o}})
	}
}

// listening are all that have subscribed, those that are gone too.
func (d *dialect) listening() []*session {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.sessions)
}

// snapshot is the open orders.
func (c *session) snapshot() []object {
	open := []object{}
	entries, _ := c.d.entries(c.s.Context(), func(e paper.Entry) bool { return e.Report.Status.Resting() }) // the exchange is being stopped: none
	for _, e := range entries {
		open = append(open, c.order(e.Terms, e.Report))
	}
	return open
}

// order is an order in the stream's form.
func (c *session) order(t domain.OrderTerms, r execution.Report) object {
	status, why := statusOf(r)
	return object{
		"order_id": r.VenueOrderID, "client_order_id": r.ID, "product_id": "BTC-USDT", "product_type": "SPOT", "order_side": strings.ToUpper(t.Side.String()),
		"status": status, "time_in_force": inForce(t), "cumulative_quantity": r.Filled.String(), "leaves_quantity": t.Volume.Sub(r.Filled).String(),
		"avg_price": r.AveragePrice.String(), "filled_value": r.Filled.Mul(r.AveragePrice).String(), "number_of_fills": "0", "total_fees": "0",
		"creation_time": time.Now().UTC().Format(time.RFC3339Nano), "cancel_reason": why, "reject_reason": "",
	}
}

// Connected implements execution.Sink.
func (*session) Connected() {}

// Fill implements execution.Sink: the stream tells none.
func (*session) Fill(domain.Fill) {}

// Order implements execution.Sink.
func (c *session) Order(r execution.Report) {
	entries, err := c.d.entries(c.s.Context(), func(e paper.Entry) bool { return e.Report.VenueOrderID == r.VenueOrderID })
	if err != nil || len(entries) == 0 {
		return // the exchange is being stopped
	}
	o := c.order(entries[0].Terms, r)
	if r.Status == domain.OrderAccepted {
		pending := c.order(entries[0].Terms, r)
		pending["status"] = "PENDING"
		c.send("user", object{"type": "update", "orders": []object{pending}})
	}
	c.send("user", object{"type": "update", "orders": []object{o}})
}

// Balance implements execution.Sink: the stream tells none.
func (*session) Balance(domain.Balance) {}

// Position implements execution.Sink: there are none.
func (*session) Position(domain.Position) {}
