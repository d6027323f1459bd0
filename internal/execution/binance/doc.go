// Package binance executes orders at Binance spot.
//
// Requests go over REST with github.com/adshao/go-binance. What happens to the
// account comes over the WebSocket API's userDataStream.subscribe.signature:
// listen keys were taken out of spot on 2026-02-20, and the subscription lasts
// as long as its connection, so there is nothing to keep alive but that. The
// library signs the subscription and has the events' forms; the connection is
// coder/websocket's, because the library's has its address in a global
// variable, passes over a refused subscription in silence, and cannot be told
// when it is subscribed.
//
// # What the library does not do
//
//   - It honours a context, an http.Client and a base URL for each client. Its
//     Client is not safe for concurrent use, so every request has one of its own.
//   - It hides the status and headers of an answer, which transport notes.
//   - It dates a request itself. A process that is paused between the choice of
//     a window and that date would make an order that is good for longer than it
//     may be, so transport sends no request whose window, as signed, ends after
//     its deadline; it is signed again.
//   - It takes any JSON for an answer. One that is not about the order that was
//     asked for, has no number or an unknown status, is no answer.
//
// # Deadlines
//
// An order's timestamp is now by the venue's clock, its recvWindow what is left
// until the deadline, at most 60 s; the venue refuses it later (-1021). The
// venue's clock is known from /api/v3/time, dated when its answer came: so our
// idea of it is behind by the way back, never ahead, and an order is refused
// early rather than taken late. After a -1021 the clock is read again.
//
// # Client order ids
//
// Binance keeps an id taken only while its order is open: one that was filled
// or canceled may be used again, and a second order of that id is then another
// order. So Submit asks for the id first, unless order.Attempt is 1: then the
// log says that nobody sent it before. Two that send the same order at the same
// time, both after it ended, would both succeed; the log lets nobody send twice
// within a deadline, and a late one is refused.
//
// # What an answer means
//
//	429, 418, -1003, -1015                     *execution.RateLimited
//	-2013; -2011 where a query says so, too    domain.ErrNotFound
//	-2010 "Duplicate order sent."              *execution.Rejected, Duplicate
//	any other code with a status 4xx           *execution.Rejected
//	-1000 to -1009 but -1002 and -1003, -1016,
//	5xx, no code, nonsense, no answer          execution.ErrUnanswered
//
// Query and Open change nothing, so a clear no to them is ErrUnanswered:
// nothing was learned. -2026 (an order that ended without a fill, long ago) is
// an order that is canceled.
//
// # Events
//
// After each connect come the balances, then the fills since the last one that
// was delivered, symbol by symbol (/api/v3/myTrades, with the client order ids
// of /api/v3/allOrders), then what the stream brought in the meantime, without
// the fills that were just told. The venue's list of trades may lag behind its
// stream, so it is asked again every Config.SweepEvery. An event that cannot be
// understood ends the connection, and with the next one all is asked for again.
// Trades are numbered within their symbol, so a fill's id has the symbol before
// the number.
//
// # Differences from other venues
//
// Spot accounts have no positions, so none are delivered, and a reduce-only
// sale is an ordinary one: nobody can sell what he has not. A reduce-only
// purchase is rejected. Binance has no market order that rests: what the book
// does not give at once is expired. It rejects a stop that would be triggered
// at once. Fees are taken from what is received, or in BNB where the account is
// set so.
package binance
