package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/fullon/fullon/internal/sim/restproto"
)

// apiRequest is a message of the WebSocket API.
type apiRequest struct {
	ID     json.RawMessage            `json:"id"`
	Method string                     `json:"method"`
	Params map[string]json.RawMessage `json:"params"`
}

// apiCall answers a message of the WebSocket API: of its methods there are
// ping, time and those of the user data stream that need no session.
func (x *Exchange) apiCall(c *conn, data []byte) {
	x.mu.Lock()
	defer x.mu.Unlock()
	var req apiRequest
	if err := json.Unmarshal(data, &req); err != nil || len(req.ID) == 0 {
		c.answer(json.RawMessage("null"), nil, restproto.Bad(-1135, "Invalid JSON Request"))
		return
	}
	values := req.values()
	switch req.Method {
	case "ping":
		c.answer(req.ID, struct{}{}, nil)
	case "time":
		c.answer(req.ID, map[string]int64{"serverTime": x.serverTime()}, nil)
	case "userDataStream.subscribe.signature":
		a, err := x.authenticateCall(values)
		if err != nil {
			c.answer(req.ID, nil, err)
			return
		}
		c.nextSub++
		c.accounts[a] = c.nextSub - 1
		// Queued before any event of the subscription can be.
		c.answer(req.ID, map[string]int{"subscriptionId": c.accounts[a]}, nil)
	case "userDataStream.unsubscribe":
		one := values.Get("subscriptionId")
		c.answer(req.ID, struct{}{}, nil)
		for a, id := range maps.Clone(c.accounts) {
			if one == "" || one == strconv.Itoa(id) {
				x.terminate(c, a)
			}
		}
	default:
		c.answer(req.ID, nil, restproto.Bad(-1020, "This operation is not supported."))
	}
}

// values are the parameters as text, as they are signed.
func (r apiRequest) values() url.Values {
	values := url.Values{}
	for name, raw := range r.Params {
		var text string
		if json.Unmarshal(raw, &text) != nil {
			text = string(raw) // a number
		}
		values.Set(name, text)
	}
	return values
}

// authenticateCall is authenticate for the WebSocket API, where the key is a
// parameter and is signed with the others, in the order of their names.
func (x *Exchange) authenticateCall(values url.Values) (*account, error) {
	signature := values.Get("signature")
	values.Del("signature")
	total := ""
	for i, name := range slices.Sorted(maps.Keys(values)) {
		if i > 0 {
			total += "&"
		}
		total += name + "=" + values.Get(name)
	}
	return x.authenticate(values.Get("apiKey"), total, values, signature)
}

func (c *conn) answer(id json.RawMessage, result any, err error) {
	body := map[string]any{"id": id, "status": http.StatusOK, "result": result, "rateLimits": []any{}}
	if err != nil {
		var refusal *restproto.Error
		if !errors.As(err, &refusal) {
			refusal = restproto.Bad(-1000, err.Error())
		}
		body["status"], body["error"] = refusal.Status, refusal
		delete(body, "result")
	}
	data, err := json.Marshal(body)
	if err != nil {
		c.x.cfg.Logger.Error("answer not encodable", "err", err)
		return
	}
	c.enqueue(frame{data: data})
}

// tell sends an event to all who listen to an account.
func (x *Exchange) tell(a *account, payload []byte) {
	for c := range x.conns {
		if id, listens := c.accounts[a]; listens {
			c.enqueue(frame{data: fmt.Appendf(nil, `{"subscriptionId":%d,"event":%s}`, id, payload)})
		}
	}
}

// terminate ends a subscription and says so.
func (x *Exchange) terminate(c *conn, a *account) {
	c.enqueue(frame{data: fmt.Appendf(nil, `{"subscriptionId":%d,"event":{"e":"eventStreamTerminated","E":%d}}`, c.accounts[a], x.serverTime())})
	delete(c.accounts, a)
}

// Listeners is how many subscriptions there are to an account's user data
// stream.
func (x *Exchange) Listeners(account string) (n int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	a := x.account(account)
	for c := range x.conns {
		if _, listens := c.accounts[a]; listens && a != nil {
			n++
		}
	}
	return n
}

// Terminate ends all subscriptions to an account's user data stream and leaves
// the connections, as the venue does when a key is taken away. It tells how many
// there were.
func (x *Exchange) Terminate(account string) (n int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	a := x.account(account)
	for c := range x.conns {
		if _, listens := c.accounts[a]; listens && a != nil {
			x.terminate(c, a)
			n++
		}
	}
	return n
}
