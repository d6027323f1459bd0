// Package binance executes orders at Binance: New makes the venue of a spot
// account, NewPerpetuals that of one for USD-M futures. The two are wallets of
// their own with hosts of their own, and on the test networks keys of their own,
// so each is an account here; how requests are signed and what codes mean is the
// same.
//
// Requests go over REST. What happens to a spot account comes over the WebSocket
// API's userDataStream.subscribe.signature: listen keys were taken out of spot on
// 2026-02-20, and the subscription lasts as long as its connection, so there is
// nothing to keep alive but that. Futures have listen keys still, see below.
//
// # Deadlines
//
// An order's timestamp is now by the venue's clock, its recvWindow what is left
// until the deadline, at most 60 s; the venue refuses it later (-1021; futures
// also where orders are matched, -5028). After that the clock is read again. The
// goodTillDate of futures is ten minutes ahead at least, and not used.
//
// # Client order ids
//
// Binance keeps an id taken only while its order is open: one that was filled
// or canceled may be used again, and a second order of that id is then another
// order.
//
// # What an answer means
//
//	429, 418, -1003, -1015                     Limited
//	-2013, -1125                               NotFound
//	-2011                                      NotOpen
//	-2008, -2014, -2015, -2017, -1022          Denied
//	-2010 "Duplicate order sent.", -4116       Duplicate
//	any other code with a status 4xx           Refused
//	-1000 to -1009 but -1002 and -1003, -1016,
//	5xx, no code, nonsense, no answer          Unclear
//
// -2026 of spot (an order that ended without a fill, long ago) is an order that
// is canceled. Futures forget such an order after three days: it is not found.
//
// # Events of spot
//
// Missed fills are asked for symbol by symbol (/api/v3/myTrades), with the
// client order ids of /api/v3/allOrders. Trades are numbered within their
// symbol, so a fill's id has the symbol before the number. Deposits are told as
// differences, which nobody can add up who missed one: all balances are asked
// for then.
//
// # Perpetuals
//
// An account for futures is in one-way mode: one in hedge mode is not followed,
// and its orders are refused. Leverage, margin modes and transfers between
// wallets are left as they are.
//
// Its events come from an address that has a listen key in it, which is good for
// an hour and renewed every Config.RenewEvery. All who follow the account are
// given the same one. The venue ends it by listenKeyExpired; then, and where a
// renewal is answered with -1125, a new one is asked for.
//
// Orders and positions are told as states, each trade with its order. Positions
// are asked for after each connect only: the venue says that its list may be
// behind the stream. Of a balance the stream tells a part, so balances are asked
// for after events, at most every two seconds: Total is the wallet, Used what is
// bound as margin by orders and positions. What is listed no more is nothing. The
// profit of a position, before fees, is what the newest event said of it; REST does
// not tell it, so it is zero until there was one.
//
// Missed trades are listed symbol by symbol (/fapi/v1/userTrades), of three
// months, a week at once. From the first that is found they are asked for by
// number. Orders, events and positions say which symbols there are.
//
// Stops are not sent: the venue has them as algo orders since 2025-12-09, which
// have ids and events of their own. Post-only is GTX. An order that is to be
// filled at once and whole, and cannot be, is refused (-5021), and so is one that
// would take and may not (-5022): neither ever was an order. Trades of a
// liquidation are told as fills without an order of ours.
//
// # Differences from other venues
//
// Spot accounts have no positions, so none are delivered, and a reduce-only
// sale is an ordinary one: nobody can sell what he has not. Binance has no
// market order that rests: what the book does not give at once is expired. It
// rejects a stop that would be triggered at once. Fees are taken from what is
// received, or in BNB where the account is set so.
//
// Documentation: https://developers.binance.com/docs/binance-spot-api-docs and
// https://developers.binance.com/docs/derivatives/usds-margined-futures
package binance
