package private

import (
	"slices"
	"sync"

	"github.com/fullon/fullon/domain"
)

// Symbols translates between the unified names and the venue's. Safe for
// concurrent use.
type Symbols struct {
	now func() map[string]domain.Symbol
	own Own

	mu      sync.Mutex
	unified map[string]string // by each of the venue's spellings, as last seen
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
	if s.own.Spelling == nil {
		return symbol.VenueSymbol
	}
	return s.own.Spelling(symbol)
}

// Name is the unified name of a venue's symbol.
func (s *Symbols) Name(venue string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.now()
	if name, ok := s.unified[venue]; ok && slices.Contains(s.names(all[name]), venue) {
		return name, true
	}
	s.unified = make(map[string]string, len(all))
	for name, symbol := range all {
		for _, spelling := range s.names(symbol) {
			s.unified[spelling] = name
		}
	}
	name, ok := s.unified[venue]
	return name, ok
}

// names are all that the venue may call a symbol; none for one that is not traded.
func (s *Symbols) names(symbol domain.Symbol) []string {
	if symbol.VenueSymbol == "" || s.own.refuses(symbol) != "" {
		return nil
	}
	names := []string{s.spelled(symbol)}
	if s.own.Aliases != nil {
		names = append(names, s.own.Aliases(symbol.VenueSymbol)...)
	}
	return names
}
