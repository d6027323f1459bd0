// Package bybit executes orders at Bybit, by version 5 of its API: at its spot
// markets and in its linear perpetuals, of a unified account in one-way mode.
//
// Orders go over REST, each a request with an answer of its own. What happens to
// the account comes over the private WebSocket (order, execution, wallet,
// position), which is logged in with a signature.
//
// The venue's symbol stands for two markets: BTCUSDT is BTC/USDT and
// BTC/USDT:USDT. So symbols are spelled with their category here, spot.BTCUSDT
// and linear.BTCUSDT; that of the catalogue is the one that is settled in
// something or is not. Sizes of linear contracts are in base units. Inverse
// contracts and options of the account are not told.
//
// # Deadlines
//
// A request has a timestamp and a window, and is refused with code 10002 after
// the one plus the other, or a second before the one: nothing was done then.
// It is checked where a request comes in; what the venue has taken in it does not
// drop for being slow.
//
// # Client order ids
//
// An orderLinkId has up to 36 letters, digits, dashes and underscores, as ours
// have. Of orders that ended long ago the venue may have forgotten that it was
// taken.
//
// # What an answer means
//
//	status 429; 429, 10006, 10018, 10429, 170005, 170222   Limited
//	status 403                                             Limited, for ten minutes
//	status 401; -2015, 10003, 10004, 10005, 10007, 10009,
//	10010, 33004                                           Denied
//	110001, 110008, 110010, 170139, 170142, 170143,
//	170190, 170213                                         NotOpen
//	110030, 110072, 170141                                 Duplicate
//	any other status; 10000, 10016, 10019, 170001, 170007,
//	170032, 170035, 170146, 170147, 170149, 170150,
//	170234, nonsense                                       Unclear
//	anything else, 10002 and -1 too                        Refused
//
// Orders and cancels are answered when they are taken, before they are done, and
// may fail after that. So the order is asked for after both. One that is not
// found yet is told as accepted; the stream tells the rest, that it was rejected
// too. One that is found rejected is refused.
//
// # Orders
//
// Stops are for linear contracts only. There they say which way the price goes
// that they wait for, and are refused where it has gone already. At a spot market
// the venue takes that way from the price that it has: a stop that comes a moment
// too late would wait for the price to come back, so it is not sent.
//
// Market orders are immediate or cancel, and the size of a spot buyer's is said
// to be in base currency.
//
// Bybit cancels the rest of an order that was to be filled at once, which is told
// as expired, and a post-only order that would have taken, which is told as
// rejected. An order that it rejects after a part was filled is told as canceled.
//
// # Events
//
// Each event is a state. What orders hold back is not always told, so balances and
// positions are asked for after events too, at most every Config.BooksEvery. The
// venue lists currencies and positions of which there is something: what was told
// before and is listed no more is told to be nothing.
//
// Total is without what is borrowed. Used is what spot orders lock and what is
// bound as margin by orders and positions. Free is negative where that is more
// than there is, which the account's other currencies stand for. The profit of a
// position is cumRealisedPnl, of which fees and funding are taken off; so Fee is
// not told.
//
// Missed fills are listed by time, each category for itself, at most a week at
// once and two years back, the newest first. So they are read a week at a time,
// or less where there are very many. The first time that takes two hundred
// requests, see Config.Since. The list is taken to be complete up to five
// minutes ago. Funding and settlements are in it and left out.
//
// Documentation: https://bybit-exchange.github.io/docs/v5/intro
package bybit
