package binance

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/valyala/fastjson"

	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/frame"
)

// symbolsPerRequest bounds one subscription: some 2 KiB, half of what the
// venue takes for one message.
const symbolsPerRequest = 10

// dialect is one connection's part: what it asked for and what was answered.
type dialect struct {
	decoder  decoder
	streams  []string // of a symbol, without its name
	names    []string // venue symbols
	requests *venue.Requests
}

var (
	_ venue.Dialect = (*dialect)(nil)
	_ venue.Changer = (*dialect)(nil)
)

func newDialect(f *venue.Feed, trades TradeKind, streams, names []string, ackTimeout time.Duration) *dialect {
	d := &dialect{decoder: decoder{feed: f, trades: trades}, streams: streams, names: names}
	d.requests = venue.NewRequests(venue.RequestConfig{Batch: symbolsPerRequest, Timeout: ackTimeout, Frame: d.subscribe, Leave: d.unsubscribe}, f)
	return d
}

// Opening implements venue.Dialect. All streams of a symbol are asked for
// together.
func (d *dialect) Opening() [][]byte { return d.requests.Open([]string{""}, d.names) }

// subscribe makes a request.
func (d *dialect) subscribe(id uint64, _ string, names []string) []byte {
	return d.request("SUBSCRIBE", id, names)
}

// unsubscribe makes a request.
func (d *dialect) unsubscribe(id uint64, _ string, names []string) []byte {
	return d.request("UNSUBSCRIBE", id, names)
}

func (d *dialect) request(method string, id uint64, names []string) []byte {
	request := struct {
		Method string   `json:"method"`
		Params []string `json:"params"`
		ID     uint64   `json:"id"`
	}{Method: method, ID: id}
	for _, name := range names {
		for _, stream := range d.streams {
			request.Params = append(request.Params, strings.ToLower(name)+"@"+stream)
		}
	}
	frame, _ := json.Marshal(request) // strings and numbers: no error
	return frame
}

// Change implements venue.Changer.
func (d *dialect) Change(add, drop []string) [][]byte { return d.requests.Change(add, drop) }

// Handle implements venue.Dialect.
func (d *dialect) Handle(frame []byte, received time.Time) (out venue.Outcome) {
	switch d.decoder.decode(frame, received) {
	case messageData:
		out.Delivering = d.requests.Delivering(true)
	case messageAnswer:
		out.Send = d.answered(received)
		out.Delivering = d.requests.Delivering(false)
	case messageShutdown:
		out.Renew = true
	case messageRefused:
	}
	return out
}

// Keepalive implements venue.Dialect.
func (d *dialect) Keepalive(now time.Time) ([][]byte, error) { return nil, d.requests.Overdue(now) }

// answered settles the request that decoder.answer is about. A refusal may come
// without an id: answers come in order, so it is the oldest request's.
func (d *dialect) answered(now time.Time) (retries [][]byte) {
	f := d.decoder.answer
	why := refusalOf(f)
	var id uint64
	if why == nil || f.Has("id", fastjson.TypeNumber) {
		id = f.Positive("id")
	} else {
		id, _, _ = d.requests.Oldest()
	}
	switch {
	case f.Err != nil:
		d.decoder.refuse(venue.RefusedMalformed, f.Err)
	case why == nil:
		d.requests.Grant(id, "", now)
	default:
		return d.requests.Refuse(id, "", why, now)
	}
	return nil
}

// refusalOf reads {"result":null,"id":1}, {"error":{"code":2,"msg":""},"id":1}
// and {"code":2,"msg":""}. It returns nil for the first, and for what is none
// of them, with f.Err set.
func refusalOf(f *frame.Fields) error {
	object := f.Object
	switch {
	case f.Object.Get("error") != nil:
		e := f.Get("error", fastjson.TypeObject)
		if e == nil {
			return nil
		}
		object, _ = e.Object() // of type object: no error
	case f.Object.Get("code") != nil:
	default:
		f.Get("result", fastjson.TypeNull)
		return nil
	}
	code := object.Get("code")
	if code == nil || code.Type() != fastjson.TypeNumber {
		f.Fail("code", "a number")
		return nil
	}
	return fmt.Errorf("code %.20s: %.200s", code.String(), string(object.Get("msg").GetStringBytes()))
}
