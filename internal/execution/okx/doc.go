// Package okx executes orders at OKX, spot and perpetual swaps, by version 5 of
// its API.
//
// Orders go over REST, as at Kraken and for the same reason: a request has its
// own answer. What happens to the account comes over the private WebSocket
// (orders, account, positions) after a login that is signed anew for each
// connection.
//
// Without Config.Real orders go to demo trading, which has keys of its own: REST
// has the same host then, and a header that tells it apart; the WebSocket has
// another host.
//
// # Deadlines
//
// A new order has the header expTime: the venue does not process it after that.
// It documents that for placing and amending only. What is signed is refused 30
// seconds after its time in any case. To ask late or to cancel late does no harm.
//
// # Client order ids
//
// A clOrdId has up to 32 letters and digits, and case counts. The ids of
// client.NewOrderID are sent as they are, UUIDs without their dashes, others with
// dashes and underscores escaped; an order whose id is too long then is rejected.
// An order that was canceled without a fill is forgotten after two hours.
//
// # Sizes
//
// Spot orders are sized in base units, market orders too (tgtCcy). Swaps are sized
// in contracts, whose worth is asked for once, and again for a swap that is not
// known: a volume that is no whole number of lots is rejected, and so is any of an
// inverse swap, whose contracts are dollars. Its fills and positions are told in
// base units of their price, to 19 digits behind the point.
//
// # Margin
//
// Spot orders are paid in cash; swaps are held in the one margin mode of
// Config.Margin, in net mode. A position on another side, or in the other margin,
// ends the stream: a symbol could have several then, and no one of them is what
// is held.
//
// # What an answer means
//
// The code of an order is its sCode, where there is one.
//
//	429, 50011, 50061, 60014 of the stream                Limited
//	51603                                                 NotFound
//	51400, 51401, 51402, 51405                            NotOpen
//	51016                                                 Duplicate
//	50100, 50101, 50103 to 50107, 50110, 50111, 50113,
//	50114, 50119, 50120, and 60005, 60007, 60024, 60032
//	of the stream                                         Denied
//	50001, 50004, 50005, 50013, 50026, 51054, 51149,
//	51410, 5xx, no code, nonsense, no answer              Unclear
//	anything else                                         Refused
//
// After a 50102 or 50112 the clock is read again. Placing and canceling answer
// only that the request was taken, so the order is asked for after it. Where that
// does not succeed after a new order the report says accepted, which is sure. A
// cancel that is taken but not done is asked about a few times.
//
// # Events
//
// Orders, balances and positions are states. An event of an order has at most one
// fill, told with its fee; numbers of trades count within a symbol, so a fill's id
// has the symbol before the number. Missed fills are those of /trade/fills, and
// of /trade/fills-history beyond two days, by time, for spot and for swaps. The
// lists are taken to be complete up to five minutes before their newest fill.
// Balances and positions that the venue lists no more are nothing, once it did.
//
// # Differences from other venues
//
// No stops: OKX has them as algo orders, with numbers of their own, a stream at
// another address, and no deadline. A post-only order that would not rest is taken
// and canceled; that is told as rejected. The rest of an order that was to be
// filled at once is canceled; that is told as expired. Balances are what is
// available and what is frozen, for orders and as margin.
//
// Documentation: https://www.okx.com/docs-v5/en
package okx
