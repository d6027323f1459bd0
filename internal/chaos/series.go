package main

import (
	"fmt"
	"sync"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
)

// series is what was published about one thing: events with numbers from 1 on,
// by one publisher. It is safe for concurrent use.
type series struct {
	key domain.Key

	gate sync.RWMutex // held for reading while an event is published

	mu    sync.Mutex
	last  uint64                        // number of the newest that was tried
	base  uint64                        // number of the newest that was forgotten
	acked map[uint64]domain.LogPosition // by number; without a position: acknowledged somewhere
	tries int                           // that failed
}

func newSeries(key domain.Key) *series {
	return &series{key: key, acked: make(map[uint64]domain.LogPosition)}
}

func (s *series) String() string {
	return fmt.Sprintf("%s %s%s %s%s", s.key.Kind, s.key.Account, s.key.Exchange, s.key.Symbol, s.key.Currency)
}

// next is the number of the next event.
func (s *series) next() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	return s.last
}

func (s *series) ack(n uint64, at domain.LogPosition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acked[n] = at
}

func (s *series) fail() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tries++
}

// halt waits until nothing of it is being published, and keeps it so until
// resume.
func (s *series) halt()   { s.gate.Lock() }
func (s *series) resume() { s.gate.Unlock() }

// forget drops what was published: the log has lost it on purpose.
func (s *series) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.base = s.last
	clear(s.acked)
}

// known is what was published: the numbers that may be there are those from base
// exclusive to last inclusive, those in acked must be.
func (s *series) known() (base, last uint64, acked map[uint64]domain.LogPosition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.base, s.last, s.acked
}

// namesIn makes n names that are in a partition.
func namesIn(n int, format string, in func(name string) bool) []string {
	var names []string
	for i := 0; len(names) < n; i++ {
		if name := fmt.Sprintf(format, i); in(name) {
			names = append(names, name)
		}
	}
	return names
}

// marketsIn are n symbols whose ticks, or trades, are in a stream.
func marketsIn(n int, prefix, stream string, of func(exchange, symbol string) string) []string {
	return namesIn(n, prefix+"%02d/USDT", func(symbol string) bool { return of(exchange, symbol) == stream })
}

func accountsIn(n int, stream string) []string {
	return namesIn(n, "acc-%02d", func(account string) bool { return layout.AccountStreamOf(account) == stream })
}

// replacedStream is the one whose history is taken away.
var replacedStream = bus.TradeStream(layout.Trades - 1)

// allStreams are all that a projector folds.
func allStreams() []string {
	return append(layout.Streams(), bus.CatalogueStream, bus.OrderStream(exchange))
}
