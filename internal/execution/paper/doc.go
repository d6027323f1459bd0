// Package paper is a venue for orders that cost nothing: it fills them at the
// prices of the cache's ticks, and keeps the books of its accounts.
//
// One Exchange is one venue with all its accounts. It lives in one process,
// because balances that several processes change need one who orders the
// changes; other processes reach it through a Server and Clients. Both ways,
// Exchange.Venue in process and Client over the socket, are the same
// execution.Venue.
//
//	orderworker ─ Client ─┐ HTTP                     ┌─ ticks of the cache
//	orderworker ─ Client ─┴─► Server ─► Exchange ◄───┘
//	                          in process ─┘  └─► journal
//
// What is decided is a change: the states that orders, balances and positions
// have after it, and the fills that led there. The engine makes changes and
// does no input or output; the journal stores them; an answer or an event
// leaves the Exchange only when its change is stored. So a killed process loses
// nothing that anybody was told, and what nobody was told it forgets whole.
// Changes hold states, not differences: the books of before are the changes
// applied in order, and a snapshot is nothing but changes that make the books.
// In one file, one CRC a batch: what was written together is there together.
//
// Orders that come while others are decided on are decided on together: one read
// of the ticks, one record of the journal and one lock for all of them. That is
// most of what an order costs, and a lone one waits for nobody. What cannot be
// read together each reads for itself: a part of the cache that is away delays
// the orders of its symbols only.
//
// Ids of fills and of venue orders begin with a random epoch, made with the
// journal: a venue that begins anew never repeats an id.
//
// How it fills:
//
//   - A buyer pays the ask, a seller gets the bid, each the last price where
//     there is no such side. An order that was resting is filled at its limit,
//     as maker.
//   - With Config.LimitSizes each tick gives what is offered at its best price
//     once, to the oldest order first; a tick that does not say how much gives
//     all. Else there is always enough.
//   - A stale tick, or one older than Config.MaxTickAge, fills nothing; a market
//     order that meets one is rejected. What a market order does not find at
//     once rests and takes what comes.
//   - A stop becomes a market or limit order when the last price, where there is
//     none the touch, reaches it; at once, if that is so already.
//   - Spot only. A position is what was bought here and not sold yet, at its
//     average price; what an account sells beyond that it had from the
//     beginning, and changes no position. Fees are in quote currency.
package paper
