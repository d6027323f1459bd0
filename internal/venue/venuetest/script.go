package venuetest

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
)

// Script is what the suite has to know of a venue: how it says things. All
// symbols are unified.
type Script struct {
	// New makes the adapter.
	New func(venue.Config) (venue.Adapter, error)
	// Path of the WebSocket endpoint.
	Path string
	// Side is the path of the other endpoint, for a venue that has what a symbol
	// tells on two; empty: there is none. OnSide tells whether the venue sends a
	// frame there. The suite answers on both, and drives the first into trouble:
	// run it twice, with the two exchanged.
	Side   string
	OnSide func(frame string) bool
	// Symbols are three that the venue could have.
	Symbols [3]string
	// NoSymbols are names that the adapter must refuse.
	NoSymbols []string
	// Batch is how many symbols the venue takes in one request.
	Batch int

	// Answer is what the venue says to a frame of the client, in order; nothing to
	// one that it does not answer. refused are symbols that it does not grant.
	Answer func(frame string, refused []string) []string
	// Asks are the symbols that a frame of the client subscribes.
	Asks func(frame string) []string
	// Leaves are the symbols that a frame of the client unsubscribes; nil: the
	// adapter replaces the connection instead (see venue.Changer).
	Leaves func(frame string) []string
	// Ping tells whether a frame of the client is what the venue wants to hear
	// regularly; nil: it wants none.
	Ping func(frame string) bool

	// TradeID is the id of the trade that the suite numbers so, of a venue whose
	// ids are no numbers; nil: they are the numbers.
	TradeID func(number uint64) string
	// Trades are frames with trades of a symbol, in one or in one each.
	Trades func(symbol string, trades ...Trade) []string
	// Quote is a frame with the best bid and ask of a symbol. n rises with each.
	Quote func(symbol string, q venue.Quote, n uint64, at time.Time) string
	// Bar are frames that tell of a bar and that it is final.
	Bar func(c domain.Candle) []string
	// Timeframe of the bars that the suite sends. Default 1m.
	Timeframe domain.Timeframe
	// Stamp writes n, from 0, into the frames that the venue numbers on each
	// connection; it reports false for others. Nil: it numbers none.
	Stamp func(frame string, n int) (string, bool)

	// Unknown are frames of kinds that the adapter does not read.
	Unknown []string
	// Maintenance are frames that say that the venue does not work as usual; the
	// adapter tells of them and goes on.
	Maintenance []string
	// Leaving are frames that say that the venue is about to close the connection;
	// the adapter replaces it.
	Leaving []string
	// Delisted are frames that the venue sends when a symbol goes away while it is
	// subscribed; nil: it falls silent.
	Delisted func(symbol string) []string

	// REST answers the venue's REST requests from the book.
	REST func(b Book) http.Handler
	// Limited are answers of status 200 that say that a rate limit was hit.
	Limited []string
}

// Trade is a trade as the suite has it before the venue's form.
type Trade struct {
	Number uint64
	Side   domain.Side // the aggressor's
	Price  string
	Volume string
	Time   time.Time
}

// Book is what the venue knows.
type Book struct {
	Symbols []domain.Symbol
	Trades  map[string][]Trade // by unified symbol, numbers rising
}

// base is a while ago, in what the coarsest venue's clock can tell.
var base = time.Now().UTC().Truncate(time.Hour).Add(-time.Hour)

// tradeNo makes the trade of that number; a later one is a second later.
func tradeNo(number uint64) Trade {
	t := Trade{
		Number: number, Side: domain.Buy, Price: "100.25", Volume: "0.5",
		Time: base.Add(time.Duration(number) * time.Second),
	}
	if number%2 == 0 {
		t.Side, t.Price, t.Volume = domain.Sell, "99.125", "12"
	}
	return t
}

func tradesNo(from, to uint64) (trades []Trade) {
	for n := from; n <= to; n++ {
		trades = append(trades, tradeNo(n))
	}
	return trades
}

// id is what the venue calls the trade of that number, and the number that the
// adapter gives it.
func (s Script) id(number uint64) (id string, shown uint64) {
	if s.TradeID != nil {
		return s.TradeID(number), 0
	}
	return strconv.FormatUint(number, 10), number
}

// same tells whether an event is the trade.
func (s Script) same(t Trade, e venue.NumberedTrade, symbol string) bool {
	id, number := s.id(t.Number)
	return e.ID == id && e.Number == number && e.Symbol == symbol && e.Side == t.Side && e.Time.Equal(t.Time) && !e.Received.IsZero() &&
		e.Price.Equal(domain.MustDecimal(t.Price)) && e.Volume.Equal(domain.MustDecimal(t.Volume))
}

// Run holds an adapter to what venue.Adapter promises, whatever the venue does.
func Run(t *testing.T, s Script) {
	if s.Timeframe == "" {
		s.Timeframe = "1m"
	}
	tests := map[string]func(*testing.T, Script){
		"settings":                testSettings,
		"subscribes and delivers": testDelivers,
		"refused symbol":          testRefusedSymbol,
		"symbols come and go":     testSymbolsComeAndGo,
		"more connections":        testMoreConnections,
		"nothing acknowledged":    testNothingAcknowledged,
		"pings":                   testPings,
		"lost connections":        testLostConnections,
		"several connections":     testSeveralConnections,
		"batches":                 testBatches,
		"planned replacement":     testReplacement,
		"truncated frames":        testTruncatedFrames,
		"unknown kinds":           testUnknownKinds,
		"maintenance":             testMaintenance,
		"venue leaving":           testLeaving,
		"delisted symbol":         testDelisted,
		"clock skew":              testClockSkew,
		"each trade once":         testEachTradeOnce,
		"hole filled":             testHoleFilled,
		"hole since the last run": testHoleSinceLastRun,
		"hole not fillable":       testHoleNotFillable,
		"REST limits":             testLimits,
		"REST faults":             testFaults,
		"catalogue":               testCatalogue,
	}
	if s.TradeID != nil { // where they have numbers, these tell of it
		tests["frame lost"] = testFrameLost
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, s)
		})
	}
}
