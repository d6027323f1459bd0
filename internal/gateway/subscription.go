package gateway

import "slices"

// The messages that all streams have.
const (
	streamLive  = "stream_live"  // the snapshot is complete, or trouble is over: what was told is current
	streamError = "stream_error" // nothing can be told at present, and why
)

// live is the message that has this name.
var live = &update{name: streamLive, view: struct{}{}}

// subscription is one stream of a connection. Its queue is guarded by its
// connection.
type subscription struct {
	conn      *conn
	key       string // names it in the connection
	codec     codec
	dialect   dialect
	requestID encoded
	// encodedKey is key as its codec writes it.
	encodedKey encoded
	conflated  bool
	maxRate    float64            // messages a second; zero: no limit
	topics     []string           // nil: all
	match      func(*update) bool // nil: all
	after      uint64             // a snapshot has only what is behind this sequence; zero: all
	last       int                // how many of the newest come first, where each stands for itself
	missed     []*update          // what comes in front of the snapshot
	confirm    func()             // answers the request, in front of the first message
	leave      func()             // takes it out of its feeds

	queue  []queued
	first  int            // of the queue, what was not sent yet
	places map[string]int // item to its place in the queue, if conflated
	listed bool           // in conn.ready
	ended  bool           // nothing is queued any more
	next   int64          // unix ns before which nothing is sent
}

// queued is a message that waits.
type queued struct {
	update   *update
	snapshot bool
}

// wants tells whether a message of a snapshot is for the subscriber.
func (s *subscription) wants(u *update) bool {
	return (len(s.topics) == 0 || slices.Contains(s.topics, u.topic)) && (s.match == nil || s.match(u)) &&
		(s.after == 0 || u.seq == 0 || u.seq > s.after)
}

// begin answers the request and has the snapshot queued.
func (s *subscription) begin(join func()) {
	s.confirm()
	for _, u := range s.missed {
		s.conn.push(s, queued{u, true})
	}
	join()
	if s.dialect.tellsLive() {
		s.conn.push(s, queued{live, false})
	}
}

// offer queues an update if it is wanted. It never blocks.
func (s *subscription) offer(u *update) {
	if u.item == "" && u.seq > 0 && u.seq <= s.after {
		return // the feed was behind what was read for the snapshot
	}
	if u.item == "" && u.seq == 0 || s.match == nil || s.match(u) {
		s.conn.push(s, queued{u, false})
	}
}

// add puts a message into the queue; the connection's lock is held. It reports
// whether the queue has become longer.
func (s *subscription) add(q queued) (longer bool) {
	if s.conflated && q.update.item != "" {
		if at, waits := s.places[q.update.item]; waits {
			s.queue[at].update = q.update
			return false
		}
		if s.places == nil {
			s.places = make(map[string]int)
		}
		s.places[q.update.item] = len(s.queue)
	}
	s.queue = append(s.queue, q)
	return true
}

// take takes the oldest message out; the connection's lock is held.
func (s *subscription) take() queued {
	q := s.queue[s.first]
	s.queue[s.first] = queued{}
	s.first++
	if q.update.item != "" {
		delete(s.places, q.update.item)
	}
	if s.first == len(s.queue) {
		s.queue, s.first = s.queue[:0], 0
		if cap(s.queue) > 64 {
			s.queue = nil
		}
	}
	return q
}

func (s *subscription) waiting() int { return len(s.queue) - s.first }

// frame writes a message into b.
func (s *subscription) frame(b []byte, q queued) ([]byte, error) {
	body := q.update.encoded(s.codec)
	if body.err != nil {
		return nil, body.err
	}
	return s.dialect.frame(b, s, q, body), nil
}
