package coinbase

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/fullon/fullon/internal/venue"
)

const (
	// symbolsPerRequest bounds one subscription.
	symbolsPerRequest = 50
	// renewAfter is how old a connection must be to be replaced because a message
	// was lost on it.
	renewAfter = time.Minute
)

var (
	topics = []string{"ticker", "market_trades", "candles", "status"}
	// heartbeats are for the connection, not for a product.
	heartbeats = []byte(`{"type":"subscribe","channel":"heartbeats"}`)

	errNotListed = errors.New("the venue does not list it among the subscriptions")
)

// dialect is one connection's part: what it asked for and what was answered.
type dialect struct {
	decoder  decoder
	names    []string // venue symbols
	requests *venue.Requests
	opened   time.Time
}

var (
	_ venue.Dialect = (*dialect)(nil)
	_ venue.Changer = (*dialect)(nil)
)

func newDialect(f *venue.Feed, names []string, ackTimeout time.Duration) *dialect {
	return &dialect{
		decoder:  newDecoder(f),
		names:    names,
		requests: venue.NewRequests(venue.RequestConfig{Batch: symbolsPerRequest, Timeout: ackTimeout, Frame: subscribe, Leave: unsubscribe}, f),
	}
}

// Opening implements venue.Dialect.
func (d *dialect) Opening() [][]byte {
	d.opened = time.Now()
	return append([][]byte{heartbeats}, d.requests.Open(topics, d.names)...)
}

// subscribe makes a request. The venue has no room for its id.
func subscribe(_ uint64, topic string, names []string) []byte {
	return request("subscribe", topic, names)
}

func unsubscribe(_ uint64, topic string, names []string) []byte {
	return request("unsubscribe", topic, names)
}

func request(kind, topic string, names []string) []byte {
	frame, _ := json.Marshal(struct {
		Type     string   `json:"type"`
		Products []string `json:"product_ids"`
		Channel  string   `json:"channel"`
	}{kind, names, topic}) // strings: no error
	return frame
}

// Change implements venue.Changer.
func (d *dialect) Change(add, drop []string) [][]byte { return d.requests.Change(add, drop) }

// Handle implements venue.Dialect.
func (d *dialect) Handle(frame []byte, received time.Time) (out venue.Outcome) {
	m := d.decoder.decode(frame, received)
	switch m {
	case messageData:
		out.Delivering = d.requests.Delivering(true)
	case messageListed:
		for _, s := range d.decoder.listed {
			d.requests.GrantListed(s.topic, s.name, received)
		}
		out.Delivering = d.requests.Delivering(false)
	case messageError:
		// Answers come in the order of the requests.
		id, _, _ := d.requests.Oldest()
		out.Send = d.requests.Refuse(id, "", d.decoder.why, received)
		out.Delivering = d.requests.Delivering(false)
	case messageOther:
	}
	out.Renew = d.decoder.missed && received.Sub(d.opened) > renewAfter
	return out
}

// Keepalive implements venue.Dialect. A venue that answers some requests and
// leaves products out of others does not have these.
func (d *dialect) Keepalive(now time.Time) ([][]byte, error) {
	err := d.requests.Overdue(now)
	if err == nil || !d.requests.Granted() {
		return nil, err
	}
	id, _, _ := d.requests.Oldest()
	return d.requests.Refuse(id, "", errNotListed, now), nil
}

// truncated is a copy of what a venue says, of bearable length.
func truncated(text string) string { return fmt.Sprintf("%.200s", text) }
