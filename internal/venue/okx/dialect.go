package okx

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/valyala/fastjson"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
)

const (
	// symbolsPerRequest bounds one subscription. The venue takes 64 KiB; a
	// refused request should not cost many more.
	symbolsPerRequest = 25

	publicPath   = "/ws/v5/public"
	businessPath = "/ws/v5/business"
)

// endpoint is one of the venue's two.
type endpoint struct {
	path   string
	topics []string // channels of a symbol
	also   [][]byte // requests that are for no symbol
}

var (
	publicEndpoint = endpoint{path: publicPath, topics: []string{bestChannel, tickerChannel}, also: [][]byte{statusRequest}}
	// Trades come first: of bars nothing is lost until they end.
	businessEndpoint = endpoint{path: businessPath, topics: func() []string {
		list := []string{tradeChannel}
		for _, tf := range domain.Timeframes {
			list = append(list, barChannels[tf])
		}
		return list
	}()}

	// statusRequest has the venue tell of its maintenance. Its id is not one of
	// venue.Requests.
	statusRequest = []byte(`{"id":"status","op":"subscribe","args":[{"channel":"` + statusChannel + `"}]}`)

	// ping is what the venue wants to hear within 30 seconds where it sends
	// nothing itself. It answers with pong.
	ping, pong = []byte("ping"), "pong"

	// busy are the codes of requests that were refused only for now.
	busy = []string{codeTooManySubscriptions, codeLimited, codeUnavailable, codeBusy, codeSystem}
)

const (
	codeTooManySubscriptions = "60014"
	codeUpgrade              = "64008" // of a notice: the connection will be closed
)

// dialect is one connection's part: what it asked for and what was answered.
type dialect struct {
	decoder  decoder
	endpoint endpoint
	names    []string // venue symbols
	requests *venue.Requests
}

var (
	_ venue.Dialect = (*dialect)(nil)
	_ venue.Changer = (*dialect)(nil)
)

func newDialect(f *venue.Feed, e endpoint, names []string, sizes *Contracts, ackTimeout time.Duration) *dialect {
	return &dialect{
		decoder:  newDecoder(f, sizes),
		endpoint: e,
		names:    names,
		requests: venue.NewRequests(venue.RequestConfig{Batch: symbolsPerRequest, Timeout: ackTimeout, Frame: subscribe, Leave: unsubscribe}, f),
	}
}

// Opening implements venue.Dialect.
func (d *dialect) Opening() [][]byte {
	return append(d.requests.Open(d.endpoint.topics, d.names), d.endpoint.also...)
}

type argument struct {
	Channel string `json:"channel"`
	Name    string `json:"instId"`
}

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
	args := make([]argument, len(names))
	for i, name := range names {
		args[i] = argument{topic, name}
	}
	frame, _ := json.Marshal(struct {
		ID        string     `json:"id"`
		Operation string     `json:"op"`
		Args      []argument `json:"args"`
	}{strconv.FormatUint(id, 10), operation, args}) // strings: no error
	return frame
}

// Handle implements venue.Dialect.
func (d *dialect) Handle(frame []byte, received time.Time) (out venue.Outcome) {
	if string(frame) == pong {
		return out
	}
	switch d.decoder.decode(frame, received) {
	case messageData:
		out.Delivering = d.requests.Delivering(true)
	case messageGranted:
		d.granted(received)
		out.Delivering = d.requests.Delivering(false)
	case messageError:
		out.Send = d.refused(received)
		out.Delivering = d.requests.Delivering(false)
	case messageNotice:
		out.Renew = d.noticed()
	case messageOther:
	}
	return out
}

// Keepalive implements venue.Dialect.
func (d *dialect) Keepalive(now time.Time) ([][]byte, error) {
	return [][]byte{ping}, d.requests.Overdue(now)
}

// granted settles a channel of a symbol.
func (d *dialect) granted(now time.Time) {
	f := d.decoder.answer
	f.Enter("arg")
	channel := f.Text("channel")
	if f.Err == nil && channel == statusChannel {
		return
	}
	name := f.Text("instId")
	if f.Err != nil {
		d.decoder.refuse(venue.RefusedMalformed, f.Err)
		return
	}
	d.requests.GrantListed(channel, name, now)
}

// refused settles what the venue refuses: a request, by its id, whatever of it was
// not granted yet. Without an id it is the oldest one, because the answers come in
// order.
func (d *dialect) refused(now time.Time) (retries [][]byte) {
	f := d.decoder.answer
	code, why := f.Text("code"), errors.New(truncated(f.Text("msg")))
	if f.Err != nil {
		d.decoder.refuse(venue.RefusedMalformed, f.Err)
		return nil
	}
	why = fmt.Errorf("%.20s: %w", code, why)
	if slices.Contains(busy, code) {
		// Nobody is to be given up for that. Asking again at once would not help:
		// the answer becomes overdue, which ends the connection.
		d.decoder.refuse(venue.RefusedSubscription, why)
		return nil
	}
	var id uint64
	if f.Has("id", fastjson.TypeString) && f.Text("id") != "" {
		id, _ = strconv.ParseUint(f.Text("id"), 10, 64) // one that is not ours is refused as such
	} else {
		id, _, _ = d.requests.Oldest()
	}
	return d.requests.Refuse(id, "", why, now)
}

// noticed reports whether the venue is about to close the connection; other
// notices are told people.
func (d *dialect) noticed() (leaving bool) {
	f := d.decoder.answer
	code, text := f.Text("code"), f.Text("msg")
	switch {
	case f.Err != nil:
		d.decoder.refuse(venue.RefusedMalformed, f.Err)
	case code == codeUpgrade:
		return true
	default:
		d.decoder.refuse(venue.RefusedMaintenance, errors.New(truncated(text)))
	}
	return false
}

// truncated is a copy of what a venue says, of bearable length.
func truncated(text string) string { return fmt.Sprintf("%.200s", text) }
