package kraken

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fastjson"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
)

// symbolsPerRequest bounds one subscription.
const symbolsPerRequest = 50

// ping is what the venue answers with a message, beside its heartbeats.
var ping = []byte(`{"method":"ping"}`)

// topics are the channels of a symbol; of ohlc there is one a timeframe, whose
// interval in minutes stands behind the name.
var topics = func() []string {
	list := []string{"ticker", "trade"}
	for _, tf := range domain.Timeframes {
		list = append(list, "ohlc "+strconv.Itoa(int(tf.Duration()/time.Minute)))
	}
	return list
}()

// dialect is one connection's part: what it asked for and what was answered.
type dialect struct {
	decoder  decoder
	names    []string // venue symbols
	requests *venue.Requests
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
func (d *dialect) Opening() [][]byte { return d.requests.Open(topics, d.names) }

type params struct {
	Channel  string   `json:"channel"`
	Symbol   []string `json:"symbol"`
	Trigger  string   `json:"event_trigger,omitempty"`
	Interval int      `json:"interval,omitempty"`
	Snapshot bool     `json:"snapshot"`
}

// subscribe makes a request.
func subscribe(id uint64, topic string, names []string) []byte {
	return request("subscribe", id, topic, params{Symbol: names, Snapshot: true})
}

// unsubscribe makes a request.
func unsubscribe(id uint64, topic string, names []string) []byte {
	return request("unsubscribe", id, topic, params{Symbol: names})
}

func request(method string, id uint64, topic string, p params) []byte {
	channel, interval, _ := strings.Cut(topic, " ")
	p.Channel = channel
	p.Interval, _ = strconv.Atoi(interval) // of topics: zero where there is none
	if channel == "ticker" {
		p.Trigger = "bbo"
	}
	frame, _ := json.Marshal(struct {
		Method string `json:"method"`
		Params params `json:"params"`
		ID     uint64 `json:"req_id"`
	}{method, p, id}) // strings and numbers: no error
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
	case messageOther:
	}
	return out
}

// Keepalive implements venue.Dialect.
func (d *dialect) Keepalive(now time.Time) ([][]byte, error) {
	return [][]byte{ping}, d.requests.Overdue(now)
}

// answered settles what decoder.answer is about: one symbol of a request, or a
// request as a whole.
func (d *dialect) answered(now time.Time) (retries [][]byte) {
	f := d.decoder.answer
	id, granted := f.Positive("req_id"), f.Flag("success")
	var symbol string
	var why error
	switch {
	case f.Err != nil:
	case granted:
		f.Enter("result")
		symbol = f.Text("symbol")
	default:
		why = errors.New(truncated(f.Text("error")))
		if f.Has("symbol", fastjson.TypeString) {
			symbol = f.Text("symbol")
		}
	}
	switch {
	case f.Err != nil:
		d.decoder.feed.Refuse(venue.RefusedMalformed, f.Err)
	case granted:
		d.requests.Grant(id, symbol, now)
	default:
		return d.requests.Refuse(id, symbol, why, now)
	}
	return nil
}

// truncated is a copy of what a venue says, of bearable length.
func truncated(text string) string { return fmt.Sprintf("%.200s", text) }

// minutes is the timeframe of an interval; empty for one that is not read.
func minutes(n uint64) domain.Timeframe {
	for _, tf := range domain.Timeframes {
		if uint64(tf.Duration()/time.Minute) == n {
			return tf
		}
	}
	return ""
}
