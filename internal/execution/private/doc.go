// Package private holds what all adapters of a venue's private API share: an
// account's orders over REST, and what happens to it over a WebSocket. It is to
// execution what internal/venue is to market data: an adapter implements API,
// which says how its venue signs, forms an order, reads a report, a fill, a
// balance, a position, and what its errors mean. Venue does the rest, and is
// the execution.Venue of every adapter.
//
//	execution.Venue ◄─ Venue ─► API (one a venue)
//	                     │         └─► Account: REST, Clock, Symbols
//	                     └─► venue.Session, Stream (one a connection)
//
// # Deadlines
//
// A signed request is good until the deadline of its context, or for
// Config.Timeout, whichever is shorter. Both ends are handed to the API in the
// venue's time, so that what it signs holds wherever the venue takes such a
// bound. Nothing is sent after it. The venue's clock is dated when its answer
// came: our idea of it is behind by the way back, never ahead, so an order is
// refused early rather than taken late.
//
// # What an answer means
//
// An API says of a Failure what Kind it is; Venue makes the error of it that
// execution promises. Query and Open change nothing, so a clear no to them is
// execution.ErrUnanswered: nothing was learned. An answer that is about another
// order, or cannot be read, is no answer.
//
// # Client order ids
//
// Few venues keep the id of an order that ended taken: one sent again would be
// another order. So Submit asks for the id first, unless order.Attempt is 1:
// then the log says that nobody sent it before. Two that send the same order at
// the same time, both after it ended, would both succeed; the log lets nobody
// send twice within a deadline, and a late one is refused. A venue's lists may
// lag: an order that it was heard to have in the last ten minutes, and does not
// find, is there, and was not forgotten.
//
// # Events
//
// After each connect come the balances and the positions, then the fills that
// were not delivered, then what the stream brought in the meantime, without
// the fills that were just told. A venue's list of fills may lag behind its
// stream, so it is asked again every Config.SweepEvery. An event that cannot be
// understood ends the connection, and with the next one all is asked for again.
package private
