package binance

import (
	"net"
	"strings"
	"sync"

	"github.com/fullon/fullon/domain"
)

// symbols translates between the unified names and the venue's. Safe for
// concurrent use.
type symbols struct {
	now func() map[string]domain.Symbol

	mu      sync.Mutex
	unified map[string]string // by the venue's spelling, as last seen
}

func (s *symbols) byName(name string) (domain.Symbol, bool) {
	symbol, ok := s.now()[name]
	return symbol, ok && symbol.VenueSymbol != ""
}

// name is the unified name of a venue's symbol.
func (s *symbols) name(venue string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.now()
	if name, ok := s.unified[venue]; ok && all[name].VenueSymbol == venue {
		return name, true
	}
	s.unified = make(map[string]string, len(all))
	for name, symbol := range all {
		if symbol.Settle == "" {
			s.unified[symbol.VenueSymbol] = name
		}
	}
	name, ok := s.unified[venue]
	return name, ok
}

// isReal tells whether a host is one of the venue's that trade real money.
func isReal(host string) bool {
	if net.ParseIP(host) != nil {
		return false
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, domain := range [...]string{"binance.com", "binance.us", "binance.me", "binance.cloud"} {
		if host == domain || strings.HasSuffix(host, "."+domain) {
			return !strings.HasPrefix(host, "demo-") && !strings.HasPrefix(host, "testnet.")
		}
	}
	return false
}
