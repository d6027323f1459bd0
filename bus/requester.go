package bus

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// requester sends messages to streams and tells each sender what the stream says
// about its own. It does what jetstream.PublishMsg does, at half of the cost: a
// request has no context, no timer and no channel of its own making. It is safe
// for concurrent use.
//
// Requests of many goroutines go out together: the first to come lets all others
// that can run do so before it sends its own and theirs, so that they share the
// write to the connection and the server's read. One that is alone waits for nobody.
//
// An answer finds its request by a number that is never used again, so one that
// comes late, behind a reconnect too, is about nothing and is dropped.
type requester struct {
	nc *nats.Conn // set before the first request

	mu      sync.Mutex
	prefix  string // of the subjects of answers, the number follows; empty: nobody has asked yet
	number  uint64 // of the latest request
	waiting map[uint64]*request
	posted  []posted    // to be sent, if they still wait then
	sending bool        // somebody sees to what is posted
	spare   []posted    // empty, for what is posted next
	timer   *time.Timer // looks for requests that have waited for too long
	due     time.Time   // when it does; zero: it does not

	batching sync.Mutex // held while a batch is sent
}

type posted struct {
	req    *request
	number uint64
}

func newRequester() *requester {
	r := &requester{waiting: make(map[uint64]*request)}
	r.timer = time.AfterFunc(time.Hour, r.expire)
	r.timer.Stop()
	return r
}

// request is a message that is under way. Whoever takes it out of
// requester.waiting, and nobody else, ends it.
type request struct {
	envelope
	number   uint64
	deadline time.Time
	fragile  bool // it is given up when the connection is lost

	ended  chan struct{} // holds one token
	answer *nats.Msg
	err    error // instead of an answer
}

var requests = sync.Pool{New: func() any { return &request{ended: make(chan struct{}, 1)} }}

// newRequest is one for a message. It goes back with release.
func newRequest(m outgoing) *request {
	req := requests.Get().(*request)
	req.fill(m)
	return req
}

// release lets the next one have it, unless whoever sends may still hold it:
// before the answer comes.
func (req *request) release() {
	if req.answer == nil {
		return
	}
	req.msg.Data, req.answer, req.err, req.fragile = nil, nil, nil, false
	for _, h := range [...]header{headerBatchID, headerBatchSeq, headerBatchCommit} {
		req.set(h, "")
	}
	requests.Put(req)
}

func (req *request) end(answer *nats.Msg, err error) {
	req.answer, req.err = answer, err
	req.ended <- struct{}{}
}

// A server itself answers with a status where nobody else would.
const (
	statusHeader       = "Status"
	statusNoResponders = "503"
)

// errEmptyAnswer is what a server says to the messages of a batch before the last.
var errEmptyAnswer = fmt.Errorf("an empty answer: %w", jetstream.ErrInvalidJSAck)

// ask sends a request and waits for the answer until deadline; then the error is
// context.DeadlineExceeded, as when ctx has one. It is
// jetstream.ErrNoStreamResponse where no stream takes the message, errEmptyAnswer,
// or one of readAck or the connection. That the connection is lost does not end
// the wait, that it is closed does.
func (r *requester) ask(ctx context.Context, req *request, deadline time.Time) (ack, error) {
	if err := ctx.Err(); err != nil {
		return ack{}, err
	}
	if err := r.post(req, deadline); err != nil {
		return ack{}, err
	}
	r.send()
	return r.wait(ctx, req)
}

// post makes a request one that the next send sends.
func (r *requester) post(req *request, deadline time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.expect(req, deadline); err != nil {
		return err
	}
	r.posted = append(r.posted, posted{req, req.number})
	return nil
}

// sendNow sends a request at once, behind what its caller has sent to the
// connection.
func (r *requester) sendNow(req *request, deadline time.Time) error {
	r.mu.Lock()
	err := r.expect(req, deadline)
	r.mu.Unlock()
	if err != nil {
		return err
	}
	if err := r.nc.PublishMsg(&req.msg); err != nil {
		r.abandon(req)
		return err
	}
	return nil
}

// expect makes a request one that waits for an answer. It is called with mu held.
func (r *requester) expect(req *request, deadline time.Time) error {
	req.deadline, req.answer = deadline, nil
	if r.prefix == "" {
		if err := r.subscribe(); err != nil {
			return err
		}
	}
	r.number++
	req.number = r.number
	var reply [80]byte
	req.msg.Reply = string(strconv.AppendUint(append(reply[:0], r.prefix...), req.number, 36))
	r.waiting[req.number] = req
	if r.due.IsZero() || deadline.Before(r.due) {
		r.due = deadline
		r.timer.Reset(time.Until(deadline))
	}
	return nil
}

// send sends what is posted, or leaves it to somebody who is about to.
func (r *requester) send() {
	r.mu.Lock()
	if r.sending || len(r.posted) == 0 {
		r.mu.Unlock()
		return
	}
	r.sending = true
	r.mu.Unlock()
	runtime.Gosched()
	for {
		r.mu.Lock()
		requests := r.posted
		if len(requests) == 0 {
			r.sending = false
			r.mu.Unlock()
			return
		}
		r.posted, r.spare = r.spare, nil
		requests = slices.DeleteFunc(requests, func(p posted) bool { return r.waiting[p.number] != p.req })
		r.mu.Unlock()
		for _, p := range requests {
			if err := r.nc.PublishMsg(&p.req.msg); err != nil && r.take(p.number) != nil {
				p.req.end(nil, err)
			}
		}
		clear(requests)
		r.mu.Lock()
		r.spare = requests[:0]
		r.mu.Unlock()
	}
}

// wait waits for the answer of a request that was posted.
func (r *requester) wait(ctx context.Context, req *request) (ack, error) {
	select {
	case <-req.ended: // mostly so of those that are sent together; it is quicker found out alone
	default:
		select {
		case <-req.ended:
		case <-ctx.Done():
			if r.abandon(req) {
				return ack{}, ctx.Err()
			}
		}
	}
	switch {
	case req.err != nil:
		return ack{}, req.err
	case len(req.answer.Data) > 0:
		return readAck(req.answer.Data)
	case req.answer.Header.Get(statusHeader) == statusNoResponders:
		return ack{}, jetstream.ErrNoStreamResponse
	}
	return ack{}, errEmptyAnswer
}

// abandon takes a request back. It reports false if that had ended already.
func (r *requester) abandon(req *request) bool {
	if r.take(req.number) != nil {
		return true
	}
	<-req.ended
	return false
}

func (r *requester) take(number uint64) *request {
	r.mu.Lock()
	defer r.mu.Unlock()
	req := r.waiting[number]
	delete(r.waiting, number)
	return req
}

// subscribe is called with mu held.
func (r *requester) subscribe() error {
	prefix := r.nc.NewInbox() + "."
	sub, err := r.nc.Subscribe(prefix+"*", func(answer *nats.Msg) {
		number, err := strconv.ParseUint(answer.Subject[len(prefix):], 36, 64)
		if err != nil {
			return
		}
		if req := r.take(number); req != nil {
			req.end(answer, nil)
		}
	})
	if err != nil {
		return err
	}
	sub.SetClosedHandler(func(string) {
		r.fail(nats.ErrConnectionClosed, func(*request) bool { return true })
	})
	r.prefix = prefix
	return nil
}

// disconnected is to be told when the connection is lost.
func (r *requester) disconnected() {
	r.fail(nats.ErrDisconnected, func(req *request) bool { return req.fragile })
}

// expire ends the requests that have waited for too long.
func (r *requester) expire() {
	now := time.Now()
	r.fail(context.DeadlineExceeded, func(req *request) bool { return !req.deadline.After(now) })
}

// fail ends the requests that which is true for.
func (r *requester) fail(err error, which func(*request) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.due = time.Time{}
	for number, req := range r.waiting {
		switch {
		case which(req):
			delete(r.waiting, number)
			req.end(nil, err)
		case r.due.IsZero() || req.deadline.Before(r.due):
			r.due = req.deadline
		}
	}
	if !r.due.IsZero() {
		r.timer.Reset(time.Until(r.due))
	}
}
