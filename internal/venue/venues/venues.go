// Package venues lists the venues whose public market data can be followed. It
// is the one place that knows all adapters.
package venues

import (
	"slices"

	"github.com/fullon/fullon/internal/venue"
	"github.com/fullon/fullon/internal/venue/binance"
	"github.com/fullon/fullon/internal/venue/bybit"
	"github.com/fullon/fullon/internal/venue/coinbase"
	"github.com/fullon/fullon/internal/venue/kraken"
	"github.com/fullon/fullon/internal/venue/okx"
)

// Venue is what one has to know to follow a venue.
type Venue struct {
	// Name of the exchange in events, settings and streams: "kraken".
	Name string
	// Symbols tells people how its symbols look.
	Symbols string
	// Usual are the symbols that are followed when none are named.
	Usual []string
	// Spell is the venue's spelling of a unified symbol. The error is a
	// *domain.FieldError: the venue cannot have such a symbol.
	Spell func(symbol string) (string, error)
	// New makes the adapter; zero fields of the configuration take the venue's
	// defaults. The error is a *domain.FieldError.
	New func(venue.Config) (venue.Adapter, error)
}

// all is sorted by name.
var all = []Venue{
	{"binance", binance.Symbols, []string{"BTC/USDT", "ETH/USDT"}, binance.VenueSymbol, func(c venue.Config) (venue.Adapter, error) {
		return adapter(binance.New(binance.Config{Config: c}))
	}},
	{"bybit", bybit.Symbols, []string{"BTC/USDT", "ETH/USDT", "BTC/USDT:USDT", "ETH/USDT:USDT"}, bybit.VenueSymbol, func(c venue.Config) (venue.Adapter, error) {
		return adapter(bybit.New(c))
	}},
	{"coinbase", coinbase.Symbols, []string{"BTC/USD", "ETH/USD"}, coinbase.VenueSymbol, func(c venue.Config) (venue.Adapter, error) {
		return adapter(coinbase.New(c))
	}},
	{"kraken", kraken.Symbols, []string{"BTC/USD", "ETH/USD"}, kraken.VenueSymbol, func(c venue.Config) (venue.Adapter, error) {
		return adapter(kraken.New(c))
	}},
	{"okx", okx.Symbols, []string{"BTC/USDT", "ETH/USDT"}, okx.VenueSymbol, func(c venue.Config) (venue.Adapter, error) {
		return adapter(okx.New(c))
	}},
}

// adapter keeps a nil pointer from becoming an interface that is not nil.
func adapter[A venue.Adapter](a A, err error) (venue.Adapter, error) {
	if err != nil {
		return nil, err
	}
	return a, nil
}

// Find returns the venue of that name.
func Find(name string) (Venue, bool) {
	i := slices.IndexFunc(all, func(v Venue) bool { return v.Name == name })
	if i < 0 {
		return Venue{}, false
	}
	return all[i], true
}

// Names are the names of all venues, sorted.
func Names() []string {
	names := make([]string, len(all))
	for i, v := range all {
		names[i] = v.Name
	}
	return names
}
