package binance

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/valyala/fastjson"

	"github.com/fullon/fullon/internal/venue"
)

// symbolsPerRequest bounds one subscription: some 2 KiB, half of what the
// venue takes for one message.
const symbolsPerRequest = 10

var (
	// ErrSubscription says that the venue refused to subscribe a symbol.
	ErrSubscription = errors.New("subscription refused")

	errUnasked    = errors.New("answer to a request that was not made")
	errAckOverdue = errors.New("the venue does not answer a subscription")
)

// dialect is one connection's part: what it asked for and what was answered.
type dialect struct {
	decoder decoder
	names   []string // venue symbols
	timeout time.Duration

	flows bool // data arrived on this connection; Handle's alone

	mu       sync.Mutex
	lastID   uint64
	pending  map[uint64][]string // venue symbols by request id
	progress time.Time           // when the venue last answered
}

var _ venue.Dialect = (*dialect)(nil)

func newDialect(f *feed, names []string, ackTimeout time.Duration) *dialect {
	return &dialect{decoder: decoder{feed: f}, names: names, timeout: ackTimeout, pending: map[uint64][]string{}}
}

// Opening implements venue.Dialect.
func (d *dialect) Opening() [][]byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.progress = time.Now()
	var frames [][]byte
	for batch := range slices.Chunk(d.names, symbolsPerRequest) {
		frames = append(frames, d.subscribe(batch))
	}
	return frames
}

// subscribe makes a request; the lock is held.
func (d *dialect) subscribe(names []string) []byte {
	d.lastID++
	d.pending[d.lastID] = names
	request := struct {
		Method string   `json:"method"`
		Params []string `json:"params"`
		ID     uint64   `json:"id"`
	}{Method: "SUBSCRIBE", ID: d.lastID}
	for _, name := range names {
		request.Params = append(request.Params, d.decoder.feed.streams(name)...)
	}
	frame, _ := json.Marshal(request) // strings and numbers: no error
	return frame
}

// Handle implements venue.Dialect.
func (d *dialect) Handle(frame []byte, received time.Time) (out venue.Outcome) {
	switch d.decoder.decode(frame, received) {
	case messageData:
		if d.flows {
			return out // the usual case takes no lock
		}
		d.flows = true
	case messageAnswer:
		out.Send = d.answered(received)
	case messageShutdown:
		out.Renew = true
	case messageRefused:
		return out
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	out.Delivering = d.flows && len(d.pending) == 0
	return out
}

// Keepalive implements venue.Dialect.
func (d *dialect) Keepalive(now time.Time) ([][]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.pending) > 0 && now.Sub(d.progress) > d.timeout {
		return nil, errAckOverdue
	}
	return nil, nil
}

// answered settles the request that decoder.answer is about. A refused batch
// is tried again one symbol at a time, so that a refused symbol does not take
// the others along.
func (d *dialect) answered(now time.Time) (retries [][]byte) {
	f := fields{object: d.decoder.answer, now: now}
	refusal := refusalOf(&f)
	d.mu.Lock()
	defer d.mu.Unlock()
	id, ok := d.request(&f, refusal != nil)
	if f.err != nil {
		d.decoder.refuse(refusedMalformed, f.err)
		return nil
	}
	if !ok {
		d.decoder.refuse(refusedSubscription, errUnasked)
		return nil
	}
	names := d.pending[id]
	delete(d.pending, id)
	d.progress = now
	switch {
	case refusal == nil:
	case len(names) == 1:
		symbol := d.decoder.feed.markets[names[0]].symbol
		d.decoder.refuse(refusedSubscription, fmt.Errorf("%s: %w", symbol, refusal))
	default:
		for name := range slices.Chunk(names, 1) {
			retries = append(retries, d.subscribe(name))
		}
	}
	return retries
}

// request finds which request is answered; the lock is held. An error may come
// without an id: answers come in order, so it is the oldest request's.
func (d *dialect) request(f *fields, refused bool) (id uint64, ok bool) {
	if !refused || f.has("id", fastjson.TypeNumber) {
		id = f.number("id")
		_, ok = d.pending[id]
		return id, ok
	}
	if len(d.pending) == 0 {
		return 0, false
	}
	return slices.Min(slices.Collect(maps.Keys(d.pending))), true
}

// refusalOf reads {"result":null,"id":1}, {"error":{"code":2,"msg":""},"id":1}
// and {"code":2,"msg":""}. It returns nil for the first, and for what is none
// of them, with f.err set.
func refusalOf(f *fields) error {
	object := f.object
	switch {
	case f.object.Get("error") != nil:
		e := f.get("error", fastjson.TypeObject)
		if e == nil {
			return nil
		}
		object, _ = e.Object() // of type object: no error
	case f.object.Get("code") != nil:
	default:
		f.get("result", fastjson.TypeNull)
		return nil
	}
	code := object.Get("code")
	if code == nil || code.Type() != fastjson.TypeNumber {
		f.fail("code", "a number")
		return nil
	}
	return fmt.Errorf("%w: code %.20s: %.200s", ErrSubscription, code.String(), string(object.Get("msg").GetStringBytes()))
}
