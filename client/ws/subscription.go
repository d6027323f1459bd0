package ws

import (
	"strings"
	"sync"
)

// subscription keeps what came of a stream until the iteration takes it. Of an
// item it keeps the newest value in the place of the oldest that waits.
type subscription[T any] struct {
	operation string
	decode    func(m *message, data []byte) (T, string, error)
	most      int // of events that stand for themselves
	signal    chan struct{}

	mu     sync.Mutex
	queue  []event[T]
	taken  int            // events that were taken from queue since it was emptied
	places map[string]int // item to its place in queue
	single int            // events in queue that stand for themselves and are no part of a snapshot
	full   bool           // what came behind queue is not kept
}

// take implements listener.
func (s *subscription[T]) take(m *message, data []byte) {
	e := s.event(m, data)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full || e == nil {
		return
	}
	if e.item != "" {
		if at, waits := s.places[e.item]; waits {
			s.queue[at] = *e
			return
		}
	} else if !e.snapshot {
		if s.single == s.most {
			s.full = true
			return
		}
		s.single++
	}
	if e.item != "" {
		s.places[e.item] = len(s.queue)
	}
	s.queue = append(s.queue, *e)
	select {
	case s.signal <- struct{}{}:
	default:
	}
}

// event is what a message tells; nil: nothing.
func (s *subscription[T]) event(m *message, data []byte) *event[T] {
	e := &event[T]{sequence: m.Sequence, snapshot: m.Snapshot}
	switch {
	case m.Success != nil && *m.Success:
		return nil
	case m.Success != nil:
		e.refused = m.into(s.operation, nil)
	case m.Type == "stream_live":
		e.live = true
	case m.Type == "stream_error":
		e.err = &Error{Code: m.ErrorCode, Text: m.Error}
	case m.Type == "stream_missed":
		var missed struct{ After, Before uint64 }
		if e.err = decodeInto(data, &missed); e.err == nil {
			e.err = &MissedError{missed.After, missed.Before}
		}
	default:
		e.value, e.item, e.err = s.decode(m, data)
		e.gone = strings.HasSuffix(m.Type, "_deleted")
	}
	return e
}

// next takes the oldest event. full tells that there is none, and that more came
// than was kept.
func (s *subscription[T]) next() (e event[T], ok, full bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken == len(s.queue) {
		return e, false, s.full
	}
	e = s.queue[s.taken]
	s.queue[s.taken] = event[T]{}
	s.taken++
	if e.item != "" {
		delete(s.places, e.item)
	} else if !e.snapshot {
		s.single--
	}
	switch {
	case s.taken == len(s.queue):
		s.queue, s.taken = s.queue[:0], 0
		if cap(s.queue) > 1024 {
			s.queue = nil
		}
	case s.taken > 1024 && s.taken > len(s.queue)/2: // an iteration that is always a little behind
		s.queue = append([]event[T](nil), s.queue[s.taken:]...)
		for item := range s.places {
			s.places[item] -= s.taken
		}
		s.taken = 0
	}
	return e, true, false
}
