package private

import (
	"sync"

	"github.com/fullon/fullon/domain"
)

// Symbols translates between the unified names and the venue's. Safe for
// concurrent use.
type Symbols struct {
	now      func() map[string]domain.Symbol
	spot     bool                       // only spot markets are traded
	spelling func(domain.Symbol) string // see Own

	mu      sync.Mutex
	unified map[string]string // by the venue's spelling, as last seen
}

// Find finds a symbol by its unified name.
func (s *Symbols) Find(name string) (domain.Symbol, bool) {
	symbol, ok := s.now()[name]
	if !ok || symbol.VenueSymbol == "" {
		return symbol, false
	}
	symbol.VenueSymbol = s.spelled(symbol)
	return symbol, true
}

func (s *Symbols) spelled(symbol domain.Symbol) string {
	if s.spelling == nil {
		return symbol.VenueSymbol
	}
	return s.spelling(symbol)
}

// Name is the unified name of a venue's symbol.
func (s *Symbols) Name(venue string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.now()
	if name, ok := s.unified[venue]; ok {
		if symbol, there := all[name]; there && s.spelled(symbol) == venue {
			return name, true
		}
	}
	s.unified = make(map[string]string, len(all))
	for name, symbol := range all {
		if !s.spot || symbol.Settle == "" {
			s.unified[s.spelled(symbol)] = name
		}
	}
	name, ok := s.unified[venue]
	return name, ok
}
