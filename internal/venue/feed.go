package venue

import (
	"errors"
	"slices"

	"github.com/fullon/fullon/domain"
)

// The kinds that a Sink's Refused is told, beside "oversized" and "binary",
// which the session tells.
const (
	RefusedMalformed    = "malformed"      // not what the protocol promises
	RefusedKind         = "unknown kind"   // a kind of message that is not read
	RefusedSymbol       = "unknown symbol" // of a symbol that was not asked for
	RefusedSubscription = "subscription"   // the venue did not grant it, or answered oddly
	RefusedTick         = "tick"           // values that cannot be
	RefusedTrade        = "trade"
	RefusedCandle       = "candle"
	RefusedSequence     = "sequence"    // the venue's numbers tell that a message was lost
	RefusedMaintenance  = "maintenance" // the venue says that it does not work as usual
)

// Static, because a stream of such messages must not cost an allocation each.
var (
	ErrUnknownKind   = errors.New("message of an unknown kind")
	ErrUnknownSymbol = errors.New("message of a symbol that is not subscribed")
)

// Feed is what the connections of one Stream call share: the state of its
// markets, and where events go.
type Feed struct {
	sink    Sink
	markets map[string]*Market // by venue symbol; never changed after newFeed
	names   []string           // venue symbols in the caller's order
}

// NewFeed makes the feed of unified symbols, each at least once; spell is the
// venue's spelling of one. The error is a *domain.FieldError.
func NewFeed(exchange string, symbols []string, spell func(symbol string) (string, error), sink Sink) (*Feed, error) {
	f := &Feed{sink: sink, markets: make(map[string]*Market, len(symbols))}
	for _, symbol := range symbols {
		name, err := spell(symbol)
		if err != nil {
			return nil, err
		}
		if known, ok := f.markets[name]; ok {
			if known.symbol != symbol {
				return nil, domain.Invalid("symbol", symbol, "another venue symbol than "+known.symbol)
			}
			continue
		}
		f.markets[name] = newMarket(exchange, symbol, sink)
		f.names = append(f.names, name)
	}
	if len(f.names) == 0 {
		return nil, domain.Invalid("symbols", "", "at least one")
	}
	return f, nil
}

// Names are the venue's spellings of the symbols, each once. They must not be
// changed.
func (f *Feed) Names() []string { return f.names }

// Market is the one of a venue symbol; nil, and that refused, without one.
func (f *Feed) Market(name string) *Market {
	m := f.markets[name]
	if m == nil {
		f.sink.Refused(RefusedSymbol, ErrUnknownSymbol)
	}
	return m
}

// Has tells whether the feed has that venue symbol.
func (f *Feed) Has(name string) bool { return f.markets[name] != nil }

// Unified is the unified name of a venue symbol, for people; the name itself
// if it is not one of the feed.
func (f *Feed) Unified(name string) string {
	if m := f.markets[name]; m != nil {
		return m.symbol
	}
	return name
}

// Refuse tells the sink of a message that could not be used.
func (f *Feed) Refuse(kind string, err error) { f.sink.Refused(kind, err) }

// shares splits the venue symbols among connections of at most n symbols.
func (f *Feed) shares(n int) [][]string { return slices.Collect(slices.Chunk(f.names, n)) }
