package venuetest

import (
	"sync"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
)

// Event is one call of a sink: one of the fields other than Err and Reason is
// set.
type Event struct {
	Tick    *domain.Tick
	Trade   *venue.NumberedTrade
	Candle  *domain.Candle
	Up      bool
	Down    bool
	Refused string // the kind
	Reason  string // of Down
	Err     error  // of Refused
}

// Sink remembers what it was told, in order. It is safe for concurrent use.
type Sink struct {
	mu     sync.Mutex
	events []Event
	heard  int
	next   int
	more   chan struct{}
}

var _ venue.Sink = (*Sink)(nil)

// NewSink makes an empty sink.
func NewSink() *Sink { return &Sink{more: make(chan struct{}, 1)} }

func (s *Sink) add(e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, e)
	select {
	case s.more <- struct{}{}:
	default:
	}
}

// Tick implements venue.Sink.
func (s *Sink) Tick(t domain.Tick) { s.add(Event{Tick: &t}) }

// Trade implements venue.Sink.
func (s *Sink) Trade(t venue.NumberedTrade) { s.add(Event{Trade: &t}) }

// Candle implements venue.Sink.
func (s *Sink) Candle(c domain.Candle) { s.add(Event{Candle: &c}) }

// Heard implements venue.Sink.
func (s *Sink) Heard(time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard++
}

// Connected implements venue.Sink.
func (s *Sink) Connected(up bool, reason string) {
	s.add(Event{Up: up, Down: !up, Reason: reason})
}

// Refused implements venue.Sink.
func (s *Sink) Refused(kind string, err error) { s.add(Event{Refused: kind, Err: err}) }

// Events is everything so far.
func (s *Sink) Events() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Event(nil), s.events...)
}

// HeardCount is how often Heard was called.
func (s *Sink) HeardCount() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.heard
}

// Await returns the first event that fits, of those after the one that the
// last Await returned. It is for one goroutine.
func (s *Sink) Await(t testing.TB, what string, fits func(Event) bool) Event {
	t.Helper()
	timeout := time.After(Patience)
	for {
		if e, ok := s.take(fits); ok {
			return e
		}
		select {
		case <-s.more:
		case <-timeout:
			t.Fatalf("%s did not come; so far: %+v", what, s.Events())
		}
	}
}

func (s *Sink) take(fits func(Event) bool) (Event, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.next < len(s.events) {
		e := s.events[s.next]
		s.next++
		if fits(e) {
			return e, true
		}
	}
	return Event{}, false
}

// IsUp is for Await: a connection that was set up.
func IsUp(e Event) bool { return e.Up }

// IsDown is for Await: a connection that was lost.
func IsDown(e Event) bool { return e.Down }

// IsTrade is for Await: any trade.
func IsTrade(e Event) bool { return e.Trade != nil }

// IsTick is for Await: any tick.
func IsTick(e Event) bool { return e.Tick != nil }

// IsRefused is for Await: a refusal of the kind.
func IsRefused(kind string) func(Event) bool {
	return func(e Event) bool { return e.Refused == kind }
}
