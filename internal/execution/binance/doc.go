// Package binance executes orders at Binance spot.
//
// Requests go over REST. What happens to the account comes over the WebSocket
// API's userDataStream.subscribe.signature: listen keys were taken out of spot on
// 2026-02-20, and the subscription lasts as long as its connection, so there is
// nothing to keep alive but that.
//
// # Deadlines
//
// An order's timestamp is now by the venue's clock, its recvWindow what is left
// until the deadline, at most 60 s; the venue refuses it later (-1021). After a
// -1021 the clock is read again.
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
//	-2013                                      NotFound
//	-2011                                      NotOpen
//	-2014, -2015, -1022                        Denied
//	-2010 "Duplicate order sent."              Duplicate
//	any other code with a status 4xx           Refused
//	-1000 to -1009 but -1002 and -1003, -1016,
//	5xx, no code, nonsense, no answer          Unclear
//
// -2026 (an order that ended without a fill, long ago) is an order that is
// canceled.
//
// # Events
//
// Missed fills are asked for symbol by symbol (/api/v3/myTrades), with the
// client order ids of /api/v3/allOrders. Trades are numbered within their
// symbol, so a fill's id has the symbol before the number. Deposits are told as
// differences, which nobody can add up who missed one: all balances are asked
// for then.
//
// # Differences from other venues
//
// Spot accounts have no positions, so none are delivered, and a reduce-only
// sale is an ordinary one: nobody can sell what he has not. Binance has no
// market order that rests: what the book does not give at once is expired. It
// rejects a stop that would be triggered at once. Fees are taken from what is
// received, or in BNB where the account is set so.
package binance
