package venue

import (
	"errors"
	"maps"
	"slices"
	"sync/atomic"

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
// markets, and where events go. It is safe for concurrent use, but for the
// changing of its symbols.
type Feed struct {
	exchange string
	spell    func(symbol string) (string, error)
	sink     Sink
	markets  atomic.Pointer[map[string]*Market] // by venue symbol; a map is never changed once it is here
	names    []string                           // venue symbols in the caller's order
}

// NewFeed makes the feed of unified symbols; spell is the
// venue's spelling of one. The error is a *domain.FieldError.
func NewFeed(exchange string, symbols []string, spell func(symbol string) (string, error), sink Sink) (*Feed, error) {
	f := &Feed{exchange: exchange, spell: spell, sink: sink}
	markets := make(map[string]*Market, len(symbols))
	for _, symbol := range symbols {
		if err := f.add(markets, symbol); err != nil {
			return nil, err
		}
	}
	f.markets.Store(&markets)
	return f, nil
}

// add makes the market of a symbol, unless there is one that has not been left.
func (f *Feed) add(markets map[string]*Market, symbol string) error {
	name, err := f.spell(symbol)
	if err != nil {
		return err
	}
	if known, ok := markets[name]; ok && known.symbol != symbol {
		return domain.Invalid("symbol", symbol, "another venue symbol than "+known.symbol)
	} else if !ok || known.isLeft() {
		markets[name] = newMarket(f.exchange, symbol, f.sink)
	}
	if !slices.Contains(f.names, name) {
		f.names = append(f.names, name)
	}
	return nil
}

// want makes the symbols these and returns the venue's spellings. One that the
// venue cannot have is refused and left out.
func (f *Feed) want(symbols []string) []string {
	markets := maps.Clone(*f.markets.Load())
	f.names = nil
	for _, symbol := range symbols {
		if err := f.add(markets, symbol); err != nil {
			f.Refuse(RefusedSubscription, err)
		}
	}
	f.markets.Store(&markets)
	return f.names
}

// leave hands nothing more on of these venue symbols, whatever still comes.
func (f *Feed) leave(names []string) {
	for _, name := range names {
		if m := (*f.markets.Load())[name]; m != nil {
			m.leave()
		}
	}
}

// Names are the venue's spellings of the symbols, each once. They must not be
// changed.
func (f *Feed) Names() []string { return f.names }

// Market is the one of a venue symbol; nil, and that refused, without one.
func (f *Feed) Market(name string) *Market {
	m := (*f.markets.Load())[name]
	if m == nil {
		f.sink.Refused(RefusedSymbol, ErrUnknownSymbol)
	}
	return m
}

// Has tells whether the feed has that venue symbol.
func (f *Feed) Has(name string) bool { return (*f.markets.Load())[name] != nil }

// Unified is the unified name of a venue symbol, for people; the name itself
// if it is not one of the feed.
func (f *Feed) Unified(name string) string {
	if m := (*f.markets.Load())[name]; m != nil {
		return m.symbol
	}
	return name
}

// Refuse tells the sink of a message that could not be used.
func (f *Feed) Refuse(kind string, err error) { f.sink.Refused(kind, err) }
