package binance

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
)

// feed is what the connections of one Stream call share: the state of its
// markets, and where events go.
type feed struct {
	exchange string
	trades   TradeKind
	sink     venue.Sink
	markets  map[string]*market // by venue symbol; never changed after newFeed
	names    []string           // venue symbols in the caller's order
}

func newFeed(cfg Config, symbols []string, sink venue.Sink) (*feed, error) {
	f := &feed{exchange: cfg.Exchange, trades: cfg.Trades, sink: sink, markets: make(map[string]*market, len(symbols))}
	for _, symbol := range symbols {
		name, err := VenueSymbol(symbol)
		if err != nil {
			return nil, err
		}
		if known, ok := f.markets[name]; ok {
			if known.symbol != symbol {
				return nil, domain.Invalid("symbol", symbol, "another venue symbol than "+known.symbol)
			}
			continue
		}
		f.markets[name] = newMarket(cfg.Exchange, symbol)
		f.names = append(f.names, name)
	}
	if len(f.names) == 0 {
		return nil, domain.Invalid("symbols", "", "at least one")
	}
	return f, nil
}

// shares splits the venue symbols among connections of at most n symbols.
func (f *feed) shares(n int) [][]string { return slices.Collect(slices.Chunk(f.names, n)) }

// streamsPerSymbol is the length of what streams returns.
var streamsPerSymbol = 3 + len(domain.Timeframes)

// streams are the names of a symbol's streams.
func (f *feed) streams(name string) []string {
	name = strings.ToLower(name)
	streams := []string{name + "@bookTicker", name + "@ticker", name + "@" + string(f.trades)}
	for _, tf := range domain.Timeframes {
		streams = append(streams, name+"@kline_"+string(tf)) // the venue names them as we do
	}
	return streams
}

func isAsset(name string) bool {
	for _, r := range name {
		if !unicode.IsDigit(r) && (!unicode.IsLetter(r) || unicode.ToUpper(r) != r) {
			return false
		}
	}
	return name != ""
}

// maxAhead is how far ahead of our clock a venue's time may be. One time in
// the far future would keep every later message from being the newest.
const maxAhead = 24 * time.Hour
