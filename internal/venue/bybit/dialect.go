package bybit

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
)

// symbolsPerRequest bounds one subscription: spot takes 10 topics at once.
const symbolsPerRequest = 10

// ping is what the venue wants to hear every 20 seconds.
var ping = []byte(`{"op":"ping"}`)

// The kinds of topics; a dot and the symbol follow, before them the interval of
// bars.
const (
	bookTopic   = "orderbook.1"
	tradeTopic  = "publicTrade"
	tickerTopic = "tickers"
	barTopics   = "kline."
)

// topics are those of a symbol, without it.
var topics = func() []string {
	list := []string{bookTopic, tradeTopic, tickerTopic}
	for _, tf := range domain.Timeframes {
		list = append(list, barTopics+interval(tf))
	}
	return list
}()

// interval is the venue's name of a timeframe: minutes, but for a day.
func interval(tf domain.Timeframe) string {
	if tf == "1d" {
		return "D"
	}
	return strconv.Itoa(int(tf.Duration() / time.Minute))
}

// timeframes are the inverse of interval.
var timeframes = func() map[string]domain.Timeframe {
	m := map[string]domain.Timeframe{}
	for _, tf := range domain.Timeframes {
		m[interval(tf)] = tf
	}
	return m
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

// Change implements venue.Changer.
func (d *dialect) Change(add, drop []string) [][]byte { return d.requests.Change(add, drop) }

// subscribe makes a request.
func subscribe(id uint64, topic string, names []string) []byte {
	return request("subscribe", id, topic, names)
}

// unsubscribe makes a request.
func unsubscribe(id uint64, topic string, names []string) []byte {
	return request("unsubscribe", id, topic, names)
}

func request(operation string, id uint64, topic string, names []string) []byte {
	args := make([]string, len(names))
	for i, name := range names {
		args[i] = topic + "." + name
	}
	frame, _ := json.Marshal(struct {
		ID   string   `json:"req_id"`
		Op   string   `json:"op"`
		Args []string `json:"args"`
	}{strconv.FormatUint(id, 10), operation, args}) // strings: no error
	return frame
}

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

// answered settles the request that decoder.answer is about. A refusal may come
// without an id: answers come in order, so it is the oldest request's.
func (d *dialect) answered(now time.Time) (retries [][]byte) {
	f := d.decoder.answer
	granted, why := f.Flag("success"), ""
	if f.Err == nil && !granted {
		why = f.Text("ret_msg")
	}
	var id uint64
	if f.Told("req_id") && f.Text("req_id") != "" {
		id = f.PositiveText("req_id")
	} else {
		id, _, _ = d.requests.Oldest()
	}
	switch {
	case f.Err != nil:
		d.decoder.refuse(venue.RefusedMalformed, f.Err)
	// A topic that is asked for again may have been granted with those refused.
	case granted, strings.Contains(why, "already subscribed") && d.requests.Left(id) == 1:
		d.requests.Grant(id, "", now)
	default:
		return d.requests.Refuse(id, "", errors.New(truncated(why)), now)
	}
	return nil
}

// truncated is a copy of what a venue says, of bearable length.
func truncated(text string) string { return fmt.Sprintf("%.200s", text) }
