package private

import (
	"slices"
	"sync"

	"github.com/fullon/fullon/domain"
)

// Symbols translates between the unified names and the venue's. Safe for
// concurrent use.
type Symbols struct {
	now       func() map[string]domain.Symbol
	spot      bool // only spot markets are traded
	spellings func(symbol string) []string

	mu      sync.Mutex
	unified map[string]string // by each of the venue's spellings, as last seen
}

// Find finds a symbol by its unified name.
func (s *Symbols) Find(name string) (domain.Symbol, bool) {
	symbol, ok := s.now()[name]
	return symbol, ok && symbol.VenueSymbol != ""
}

// Name is the unified name of a venue's symbol.
func (s *Symbols) Name(venue string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.now()
	if name, ok := s.unified[venue]; ok && slices.Contains(s.spelt(all[name]), venue) {
		return name, true
	}
	s.unified = make(map[string]string, len(all))
	for name, symbol := range all {
		for _, spelling := range s.spelt(symbol) {
			s.unified[spelling] = name
		}
	}
	name, ok := s.unified[venue]
	return name, ok
}

// spelt are the venue's spellings of a symbol; none for one that is not traded.
func (s *Symbols) spelt(symbol domain.Symbol) []string {
	switch {
	case symbol.VenueSymbol == "" || s.spot && symbol.Settle != "":
		return nil
	case s.spellings == nil:
		return []string{symbol.VenueSymbol}
	}
	return append(s.spellings(symbol.VenueSymbol), symbol.VenueSymbol)
}
