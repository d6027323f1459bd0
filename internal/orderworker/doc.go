// Package orderworker takes orders from the queue of an exchange and sees that
// each is sent to the venue once, and that what became of it is known.
//
// An order goes through these steps, each of which can be the last that a worker
// lives to do:
//
//	pop      a lease, in one step with the checks of block, opening mark and halt
//	gates    tick, symbol's filters, limits: what does not pass is rejected
//	INTENT   stored on the condition that the order is still as the pop saw it, and
//	         behind it that the block, the opening mark and the halts are
//	submit   before the deadline that the INTENT names, and not after
//	outcome  stored on the condition that the order is still at this INTENT
//
// Whoever finds an order at INTENT or UNKNOWN does not know whether it was sent,
// so it asks the venue. That the venue does not know the order counts only once
// the deadline and a margin have passed: until then it may still be on its way.
// Then nothing was or will be executed in the name of that attempt, and the next
// one may be made. A worker that was paused between INTENT and submit finds the
// deadline passed; one that is paused in the middle of sending has its order
// refused by the venue, which gets the deadline too.
//
// The lease of an order is extended while it is in hand, so it ends only with its
// worker, or while that cannot reach Redis: then somebody else asks what became of
// the order. What counts is never the lease but what the log lets be stored.
//
// INTENTs of orders that were popped together go into the log together, with the
// conditions that they share behind them: see client.Orders.Intend.
//
// Nothing is acknowledged to the queue: an order leaves it by its status.
//
// What the venue delivers by itself (orders, fills, balances, positions) is
// stored in the log as it comes. Orders are compared with what is known of them
// and only ever move on; fills are known by their ids; balances and positions
// have a time. So several workers may follow the same account. What it says of an
// order while a worker sends it waits for the answer; it would only change the
// order under the outcome, which mostly says the same.
package orderworker
