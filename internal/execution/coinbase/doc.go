// Package coinbase executes orders at Coinbase Advanced Trade, spot.
//
// Orders go over REST. What happens to them comes over the WebSocket for users:
// the channel user, and heartbeats, which keep it open. Every message of a
// connection is numbered; a hole means that one was lost, and the connection is
// made anew, with everything asked for again.
//
// Coinbase has no test network: its sandbox (api-sandbox.coinbase.com) answers
// every request with the same prepared text whatever was asked, knows no order
// that was sent to it, and has no WebSocket. Without Config.Real, addresses of
// one's own are needed; the sandbox's may be one of them, to look at the form of
// answers.
//
// # Keys
//
// A request has a token (JWT) of its own, signed with ES256: it names the method,
// host and path, and is good for two minutes at most. Config.Key is the key's
// name, Config.Secret its EC private key in PEM, whose line breaks may be written
// as \n. Ed25519 keys are not taken by Advanced Trade. The venue's gateway is
// known to refuse good tokens now and then (401, before it looks at what is
// asked): the request is then signed anew and sent again, at most twice. Messages
// of the WebSocket are signed when the connection is made, each of them; the
// token matters only to the subscription, so one that ends later does no harm.
//
// # Deadlines
//
// No order has a deadline, but its token has: the venue takes none whose token
// has expired, so the deadline is the token's end. It is in whole seconds,
// rounded down; an order that has less than a second until then is not sent.
// That bounds when the request is taken, not when the matching engine gets it,
// and it rests on the venue holding to the end of a token exactly, as it says.
// end_time (limit_limit_gtd) is not used for it: it would end orders that rest.
// Other requests have two minutes; to ask late or to cancel late does no harm.
//
// # Client order ids
//
// Any text is taken. Of an order whose id was there before, ended or not, the
// venue makes no other: it answers as if it had been taken, with the number of
// the one that is there. So the order is asked for after it was sent; one that
// was made before is told as a duplicate. Of two processes that send the same
// order within a second both may be told that it was taken; there is one order.
//
// Nothing can be asked by the client order id. The number of an order that this
// process sent, or heard of, is remembered; for others the list of orders of the
// symbol is read, from fifteen minutes before domain.Order.Created on: nobody
// sends an order before it was made, and clocks differ by less. The states come
// from the venue each time.
//
// # What an answer means
//
//	401, or 403 in its own form               Denied
//	429, RATE_LIMIT…                          Limited
//	404 NOT_FOUND                             NotFound
//	DUPLICATE…                                Duplicate
//	a failed cancel, but for an unknown order NotOpen
//	UNKNOWN_… and nothing else, nonsense,
//	other status codes than 200 and 4xx       Unclear
//	anything else                             Refused
//
// The answer to a new order has its number and nothing else, so the order is
// asked for after it. Where that does not succeed the report says accepted; the
// stream tells the rest. A cancel is only taken; the order is asked for until it
// has ended.
//
// # Orders
//
// limit_limit_gtc (also post only), sor_limit_ioc, limit_limit_fok,
// market_market_ioc and market_market_fok by base_size, and
// stop_limit_stop_limit_gtc. A stop without a limit is not known and is rejected.
//
// # Fills
//
// The stream tells only how much of an order is filled so far. When that has
// grown, the fills of the order are asked for and told, before the report; where
// the list lags behind for longer than a second or two, the next sweep finds
// them. Missed fills are those of the list, by trade_time, the newest first, to
// which all pages are read: see Config.Since for long histories. It is taken to
// be complete up to five minutes before its newest. Only fills are told:
// reversals, corrections and synthetic entries of the list are not trades of the
// account in the book. A size in quote currency, of market orders of other
// makers, is divided by the price.
//
// The list has no client order ids: they are those of the orders.
//
// # Differences from other venues
//
// No positions: only spot products. Balances are not on the stream, and are asked
// for after each event, at most every Config.BooksEvery; vaults are left out.
// Fees are in quote currency. Coinbase cancels the rest of an order that was to
// be filled at once; that is told as expired, as other venues do. Open lists the
// orders that are open: not those that are about to be, or about to be canceled.
// REST tells the time of the last fill or of the making of an order, not that of
// its end.
//
// Documentation: https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis
package coinbase
