package private

import (
	"context"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/execution"
)

// API is what a venue's package says about its venue. All methods but those of
// a Stream are safe for concurrent use. An error is a *Failure; any other says
// that the answer makes no sense.
//
// Symbols are in the venue's spelling, in what is told too. What is told has
// no Account and no Exchange; Venue fills them in.
type API interface {
	Orders
	Books
	// Time reads the venue's clock, by a request that is not signed. within is
	// how far the venue may be ahead of what it said: a second where it counts
	// in seconds.
	Time(ctx context.Context) (now time.Time, within time.Duration, err error)
	// Stream prepares a connection to the account's events: what it needs to
	// know for that (a token) it asks for here.
	Stream(ctx context.Context) (Stream, error)
}

// Orders says how orders are sent and asked for.
type Orders interface {
	// Check says why the venue cannot have an order that is valid and in the
	// catalogue; empty: it can be sent.
	Check(order domain.Order, symbol domain.Symbol) (reason string)
	// Submit sends an order. Its report is of the order's state after that.
	Submit(ctx context.Context, order domain.Order, symbol domain.Symbol) (execution.Report, error)
	// Cancel takes an order out of the book. The Failure of one that ended, or
	// was never there, is NotOpen or NotFound: Venue then asks what became of it.
	Cancel(ctx context.Context, order domain.Order, symbol domain.Symbol) (execution.Report, error)
	// Query asks for an order by its client order id. The Failure of one that
	// the venue does not know is NotFound.
	Query(ctx context.Context, order domain.Order, symbol domain.Symbol) (execution.Report, error)
	// Open lists what rests, the oldest first.
	Open(ctx context.Context) ([]execution.Report, error)
}

// Books says what an account has and had.
type Books interface {
	// Balances are all of the account, those of nothing too where the venue
	// tells them. One without a time is taken for newer than what was told
	// before.
	Balances(ctx context.Context) ([]domain.Balance, error)
	// Positions are all that are held; nil where the venue has none.
	Positions(ctx context.Context) ([]domain.Position, error)
	// Fills lists fills, oldest first, from a place on: those of one symbol
	// where the venue lists them so (Own.BySymbol), else of the account. The
	// first time from is zero: Config.Since says where to begin.
	Fills(ctx context.Context, symbol string, from int64) (Page, error)
	// Name finds the client order ids of fills that Fills listed, where that
	// does not tell them. Those of orders that the venue has forgotten stay
	// empty.
	Name(ctx context.Context, fills []Fill) error
}

// Fill is a fill and its place in the venue's list of fills.
type Fill struct {
	domain.Fill
	// Place rises from older to newer fills: the venue's number of the trade,
	// or its time.
	Place int64
}

// Page is a part of the venue's list of fills.
type Page struct {
	Fills []Fill
	// Next is the place to ask from next: what is before it was listed.
	Next int64
	More bool // there are more already
}

// Stream is one connection to the account's events, from its handshake to its
// end. Take is called as frames come, Tell by one goroutine, with those that
// Take said have events, in their order.
type Stream interface {
	// Opening are the frames to send first: a login, subscriptions.
	Opening() [][]byte
	// Take looks at a frame. It must not keep it, nor wait.
	Take(frame []byte, received time.Time) Taken
	// Tell hands on what a frame's events say. It may ask the venue.
	Tell(ctx context.Context, frame []byte, to *Delivery) error
	// Ping is what the venue wants to hear regularly, beside the WebSocket's
	// own pings; nil: nothing.
	Ping() []byte
}

// Keyed is a Stream that has an address of its own, known to nobody else, which
// ends unless it is renewed. It needs no Opening: events are delivered from the
// handshake on.
type Keyed interface {
	Stream
	// Address is where it is opened, in place of Config.StreamURL. It is in no
	// error and no log line.
	Address() string
	// Renew is called every Config.RenewEvery. The Failure of an address that
	// ended is NotFound: then the stream is made anew.
	Renew(ctx context.Context) error
}

// Taken is what a frame asks of the connection. The zero value: nothing.
type Taken struct {
	Send  [][]byte // to be sent, in order
	Ready bool     // everything is subscribed: events are delivered from here on
	Event bool     // it has events
	End   error    // the venue refused, or ended it; a *Failure says why
}
