// Package kraken executes orders at Kraken spot.
//
// Orders go over REST. WebSocket v2 has add_order too, and is a little faster,
// but its answers come on a connection that also may be lost: every order on it
// would be unanswered at once, and nothing could be sent while Run is not
// connected. A request has its own answer, and needs no token that expires.
// What happens to the account comes over the private WebSocket v2 (executions,
// balances), with a token of GetWebSocketsToken that is asked for anew for each
// connection; it holds as long as the connection, 15 minutes without one.
//
// Kraken spot has no test network: without Config.Real, addresses of one's own
// are needed.
//
// # Requests
//
// A request carries a nonce that must rise, and is refused with "Invalid nonce"
// where a later one overtook it. So one request is under way at a time, and the
// nonce is the time in nanoseconds; it is far more than the venue's limits allow
// anyway. Another process with the same key may come between: what was refused
// for its nonce was not looked at, and is signed and sent again. A key should be
// used by nothing that has larger nonces.
//
// # Deadlines
//
// AddOrder takes a deadline between 2 and 60 seconds from now. An order with
// less time left is not sent. REST tells the venue's time in whole seconds; the
// stream's answers tell it in microseconds, and make it exact. Other requests
// have no deadline at the venue; to ask late or to cancel late does no harm.
//
// "Deadline elapsed" is no clear no: Kraken itself says that the order may have
// been placed.
//
// # Client order ids
//
// A cl_ord_id has at most 18 characters, or is a UUID, and is taken only while
// its order is open. The ids of client.NewOrderID, 26 characters, are the 128
// bits of a UUID, and are sent as one without dashes. An order with any other
// longer id is rejected.
//
// # What an answer means
//
//	Rate limit exceeded, Too many requests,
//	Throttled, Temporary lockout                    Limited
//	EAPI:Invalid key, EAPI:Invalid signature,
//	EGeneral:Permission denied                      Denied
//	EOrder:Unknown order                            NotOpen
//	EOrder with "duplicate"                         Duplicate
//	EService but "Market in …", Internal error,
//	EAPI:Invalid nonce, other than 200, nonsense    Unclear
//	anything else                                   Refused
//
// AddOrder answers with the order's number and nothing else, so the order is
// asked for after it. Where that does not succeed the report says accepted,
// which is sure; the stream tells the rest.
//
// # Events
//
// Updates of executions leave out what did not change, like symbol and side:
// they are joined by order_id with what the snapshot and earlier updates said,
// or with what QueryOrders says. The last fill of an order may say that it is
// partially filled; an update of its own ends it. pending_new is not told: the
// order is not live yet. The snapshot has only the open orders: the trades that
// it could have are those of TradesHistory, without their client order ids.
//
// The stream tells what there is of a currency, not what is held back for
// orders. BalanceEx does, and is asked after each event, at most every
// Config.BooksEvery (default 5s, for the venue's rate limit); until then what was
// held back is taken to be unchanged.
//
// Missed fills are those of TradesHistory, by time: pages of 50, the newest
// first, read from the old end. The list is taken to be complete up to five
// minutes before its newest trade. It costs two calls a page: a long history
// takes minutes to be told for the first time, see Config.Since. The currency
// of a listed trade's fee is the pair's quote, and not known where the catalogue
// did not have the pair when it was listed.
//
// # Differences from other venues
//
// No positions: margin is not traded. Fees are asked for in quote currency
// (fciq). Kraken cancels the rest of an order that was to be filled at once; that
// is told as expired, as other venues do. The time of a report that Query or
// Open tells is that of the order's opening, or closing: Kraken does not say when
// it was filled last.
//
// Documentation: https://docs.kraken.com/api-reference (REST),
// https://docs.kraken.com/exchange/api-reference/spot-websocket-v2
package kraken
