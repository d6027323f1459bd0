package venue

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

var (
	// ErrSubscription says that the venue refused to subscribe a symbol.
	ErrSubscription = errors.New("subscription refused")
	// ErrUnasked says that the venue answered a request that was not made.
	ErrUnasked = errors.New("answer to a request that was not made")

	errAckOverdue = errors.New("the venue does not answer a subscription")
)

// RequestConfig says how subscriptions are asked for.
type RequestConfig struct {
	// Batch is how many symbols one request may name.
	Batch int
	// Timeout is how long the venue may leave requests unanswered.
	Timeout time.Duration
	// Frame makes the request; id is unique on the connection and begins at 1.
	Frame func(id uint64, topic string, names []string) []byte
	// Leave makes the request to unsubscribe; nil: Change is not used.
	Leave func(id uint64, topic string, names []string) []byte
}

// Requests are the subscriptions that were asked for on one connection, until
// they are answered. A refused batch is asked for again one symbol at a time, so
// that a refused symbol does not take the others along. It is safe for concurrent
// use, but for Delivering.
type Requests struct {
	cfg  RequestConfig
	feed *Feed

	flows bool // data arrived on this connection

	mu       sync.Mutex
	topics   []string // of every name
	lastID   uint64
	settled  map[uint64]bool // requests whose answers change nothing: to unsubscribe, or of names since dropped
	dropped  map[string]bool // names that were unsubscribed
	pending  map[uint64]*request
	progress time.Time // when the venue last answered
	granted  bool      // anything
}

type request struct {
	topic string
	names []string // not yet answered
}

// NewRequests makes the requests of one connection; refusals are told the feed.
func NewRequests(cfg RequestConfig, feed *Feed) *Requests {
	return &Requests{cfg: cfg, feed: feed, pending: make(map[uint64]*request), settled: make(map[uint64]bool), dropped: make(map[string]bool)}
}

// Open asks for all topics of all names: the frames for Dialect.Opening.
func (r *Requests) Open(topics, names []string) [][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.topics = topics
	return r.subscribe(names)
}

// subscribe asks for all topics of names; the lock is held.
func (r *Requests) subscribe(names []string) (frames [][]byte) {
	r.progress = time.Now()
	for _, topic := range r.topics {
		for batch := range slices.Chunk(names, r.cfg.Batch) {
			frames = append(frames, r.ask(topic, batch))
		}
	}
	return frames
}

// Change asks for more names and unsubscribes others: the frames for
// Changer.Change.
func (r *Requests) Change(add, drop []string) (frames [][]byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range drop {
		r.dropped[name] = true
	}
	for id, p := range r.pending { // nobody waits for these answers any more
		p.names = slices.DeleteFunc(p.names, func(name string) bool { return r.dropped[name] })
		if len(p.names) == 0 {
			delete(r.pending, id)
			r.settled[id] = true
		}
	}
	for _, topic := range r.topics {
		for batch := range slices.Chunk(drop, r.cfg.Batch) {
			r.lastID++
			r.settled[r.lastID] = true
			frames = append(frames, r.cfg.Leave(r.lastID, topic, batch))
		}
	}
	for _, name := range add {
		delete(r.dropped, name)
	}
	return append(frames, r.subscribe(add)...)
}

// ask makes a request; the lock is held.
func (r *Requests) ask(topic string, names []string) []byte {
	r.lastID++
	r.pending[r.lastID] = &request{topic, slices.Clone(names)}
	return r.cfg.Frame(r.lastID, topic, names)
}

// Oldest is the request that a venue answers whose answers come in order and
// carry no id; zero if none waits for an answer.
func (r *Requests) Oldest() (id uint64, topic string, names []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.pending) == 0 {
		return 0, "", nil
	}
	id = slices.Min(slices.Collect(maps.Keys(r.pending)))
	return id, r.pending[id].topic, slices.Clone(r.pending[id].names)
}

// Left is how many names of a request are not yet answered.
func (r *Requests) Left(id uint64) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.pending[id]; p != nil {
		return len(p.names)
	}
	return 0
}

// Grant notes that the venue granted one name of a request, or with an empty
// name all of it.
func (r *Requests) Grant(id uint64, name string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.settled[id] || r.dropped[name] {
		return
	}
	if r.settle(id, name, now) == nil {
		r.feed.Refuse(RefusedSubscription, ErrUnasked)
		return
	}
	r.granted = true
}

// GrantListed notes that the venue lists a name among those that are subscribed to
// a topic, whichever request asked for it. It is for venues whose answers carry no
// id.
func (r *Requests) GrantListed(topic, name string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, p := range r.pending {
		if p.topic == topic && r.settle(id, name, now) != nil {
			r.granted = true
		}
	}
}

// Refuse notes that the venue refused one name of a request, or with an empty
// name all of it, and returns what to ask instead. A symbol that is refused
// alone is given up and told the feed, with an error that matches
// ErrSubscription and why.
func (r *Requests) Refuse(id uint64, name string, why error, now time.Time) (retries [][]byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.settled[id] || r.dropped[name] {
		return nil
	}
	p := r.pending[id]
	names := r.settle(id, name, now)
	switch len(names) {
	case 0:
		r.feed.Refuse(RefusedSubscription, ErrUnasked)
	case 1:
		r.feed.Refuse(RefusedSubscription, fmt.Errorf("%s: %w: %w", r.feed.Unified(names[0]), ErrSubscription, why))
	default:
		for one := range slices.Chunk(names, 1) {
			retries = append(retries, r.ask(p.topic, one))
		}
	}
	return retries
}

// settle takes what is answered off the list and returns it; the lock is held.
func (r *Requests) settle(id uint64, name string, now time.Time) []string {
	p := r.pending[id]
	if p == nil {
		return nil
	}
	answered := p.names
	if name != "" {
		at := slices.Index(p.names, name)
		if at < 0 {
			return nil
		}
		answered = []string{name}
		p.names = slices.Delete(p.names, at, at+1)
	}
	if name == "" || len(p.names) == 0 {
		delete(r.pending, id)
	}
	r.progress = now
	return answered
}

// Granted tells whether the venue granted anything at all.
func (r *Requests) Granted() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.granted
}

// Overdue returns an error when the venue owes an answer for too long; it is
// for Dialect.Keepalive.
func (r *Requests) Overdue(now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.pending) > 0 && now.Sub(r.progress) > r.cfg.Timeout {
		return errAckOverdue
	}
	return nil
}

// Delivering is Outcome.Delivering after a frame that was data, or was an
// answer. It is for Dialect.Handle.
func (r *Requests) Delivering(data bool) bool {
	if data && r.flows {
		return false // it was told before, or an answer will; the usual case takes no lock
	}
	r.flows = r.flows || data
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.flows && len(r.pending) == 0
}
