package execution

import (
	"context"
	"time"

	"github.com/fullon/fullon/domain"
)

// Venue is one account at one venue. All methods are safe for concurrent use,
// and block until there is an answer or ctx ends. No method retries: who calls
// knows what a second try would do.
type Venue interface {
	// Submit sends an order. order.ID is its client order id; the deadline of
	// ctx is until when the venue may take it: one that reaches the venue later
	// is refused there. An order that the venue takes and ends at once (an
	// immediate-or-cancel one that found nothing, a fill-or-kill one that was
	// killed) is no error: the Report says so.
	//
	// The error matches ErrRejected (a *Rejected: nothing rests; with Duplicate
	// set, an order of this id is there already and is what Query tells of),
	// ErrRateLimited (a *RateLimited: nothing was done, try after its wait), or
	// ErrUnanswered (anything that is neither a yes nor a no: a timeout, a
	// reset, a status 5xx, an answer that makes no sense, ctx's end). An order
	// that is not for this account, or not valid, is rejected without being
	// sent.
	Submit(ctx context.Context, order domain.Order) (Report, error)

	// Cancel takes what rests of an order out of the book. An order that has
	// ended before, whichever way, gives its end and no error: nothing rests
	// either way, and the Report says what is filled.
	//
	// The error matches domain.ErrNotFound (the venue does not know the order;
	// one that is still on its way may arrive later), ErrRejected (the venue
	// does not want to), ErrRateLimited or ErrUnanswered, as for Submit.
	Cancel(ctx context.Context, order domain.Order) (Report, error)

	// Query asks for an order by its client order id. The error matches
	// domain.ErrNotFound (the venue does not know it; see Cancel),
	// ErrRateLimited or ErrUnanswered (nothing was learned).
	Query(ctx context.Context, order domain.Order) (Report, error)

	// Open lists all orders of the account that rest at the venue, those of
	// other makers too, the oldest first. The error matches ErrRateLimited or
	// ErrUnanswered.
	Open(ctx context.Context) ([]Report, error)

	// Run delivers what happens to the account until ctx ends, then returns
	// nil. It reconnects by itself. An error says that it can never deliver.
	// It must not be called twice at a time on one Venue.
	//
	// After each connect, the first included, it calls Sink.Connected and then
	// delivers all balances and positions as they are, and all fills that this
	// Venue has not delivered, as far back as the venue remembers. What became
	// of orders in the meantime is not delivered again: the caller asks with
	// Open and Query. So nothing is lost, a fill may come more than once (its
	// ID is the same), and balances and positions are states, not differences.
	Run(ctx context.Context, sink Sink) error
}

// Sink takes what a venue delivers: one call an event, one call at a time. A
// call that blocks holds the others back; a Sink that is too slow for the venue
// is disconnected and sees Connected again.
type Sink interface {
	// Connected says that from here on everything is delivered, so that what
	// is asked of the venue from now on can only be overtaken by events.
	Connected()
	// Order tells what became of an order. Reports of one order come in the
	// order in which it happened.
	Order(Report)
	// Fill tells of a part of an order that was filled.
	Fill(domain.Fill)
	// Balance tells what the account has of a currency.
	Balance(domain.Balance)
	// Position tells what the account holds of a symbol.
	Position(domain.Position)
}

// Report is what a venue says of an order.
type Report struct {
	ID           string // the client order id; empty: the order was made without one
	VenueOrderID string
	Symbol       string
	// Status is accepted, partial, filled, canceled, rejected or expired.
	Status       domain.OrderStatus
	Filled       domain.Decimal // base units
	AveragePrice domain.Decimal // of what is filled, quote units; zero: nothing is, or not known
	Time         time.Time      // the venue's, of this state; zero: not known
	Reason       string         // why it ended so; empty: nothing to say
}
