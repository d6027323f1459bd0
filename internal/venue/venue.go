// Package venue holds what all venue adapters share: the interface that ingest
// drives, the care of connections and of REST calls. Each adapter is a package
// of its own below this one.
package venue

import (
	"context"
	"time"

	"github.com/fullon/fullon/domain"
)

// Adapter speaks one venue's public protocol. All methods are safe for
// concurrent use.
type Adapter interface {
	// Exchange is the name that its events carry: "binance".
	Exchange() string

	// Stream keeps the wanted symbols subscribed, also when these change, and hands
	// everything to the sink, in the venue's order per symbol. It blocks until ctx
	// ends, then returns nil; it reconnects by itself and returns an error only for
	// what no retry mends.
	Stream(ctx context.Context, wanted *Wanted, sink Sink) error

	// TradesFrom fetches at most limit trades of a symbol over REST, oldest
	// first, beginning with the trade numbered from. since is the venue's time of
	// a trade before it, for venues that are asked by time. An empty result means
	// that the venue has none from there on. The venue may hold back older trades:
	// the first one returned may be later than from. Where trades have no numbers,
	// from says nothing: it returns the newest that the venue has, in its order, of
	// since and later, with the ids that the stream gives them.
	TradesFrom(ctx context.Context, symbol string, from uint64, since time.Time, limit int) ([]NumberedTrade, error)

	// Symbols fetches the venue's catalogue.
	Symbols(ctx context.Context) ([]domain.Symbol, error)
}

// NumberedTrade is a trade with the venue's consecutive number of it.
type NumberedTrade struct {
	domain.Trade
	// Number counts the trades of its symbol without holes; zero: the venue
	// has no such numbers, and its trades are known by their ids.
	Number uint64
	// Line is the connection that brought the trade, filled in by Batch. Where
	// trades have no numbers, those of one line leave nothing out, and with the
	// first of another line there may be a hole. Zero: not told, taken to follow.
	Line uint64
}

// Sink takes what an adapter reads. Calls for one symbol come from one
// goroutine at a time; calls for different symbols may be concurrent. A call
// may block for a short time, which slows the socket down. It must not call back
// into the adapter.
type Sink interface {
	// Tick takes the complete merged state of a market, each time it changed.
	Tick(domain.Tick)
	// Trade takes every trade the venue sent, duplicates included.
	Trade(NumberedTrade)
	// Candle takes the venue's own bars.
	Candle(domain.Candle)
	// Heard tells that a message of the venue arrived, of whatever kind; pings
	// and pongs are none.
	Heard(at time.Time)
	// Connected tells that a connection was set up or lost; an adapter with
	// several sockets tells of each, so count. A planned replacement is not
	// told. reason is empty for a connection that was set up.
	Connected(up bool, reason string)
	// Refused tells of a message that could not be used. kind is one of a small
	// fixed set, fit for a metric label; err says what was wrong.
	Refused(kind string, err error)
}
