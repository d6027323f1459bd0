package orderworker

import "sync/atomic"

// Stats counts what a worker has done since it was made. It is safe for
// concurrent use.
type Stats struct {
	popped, rejected, conflicts, submitted, unanswered, queried, settled, canceled, events, reconciled, extended atomic.Uint64

	inHand atomic.Int64
}

// Counts is a snapshot of Stats.
type Counts struct {
	Popped     uint64 // orders taken from the queue
	Rejected   uint64 // by the gates and by the venue
	Conflicts  uint64 // INTENTs that were refused because a right had changed
	Submitted  uint64 // messages to the venue
	Unanswered uint64 // of these, those without a clear answer
	Queried    uint64 // questions what became of an order
	Settled    uint64 // orders that rest or have ended
	Canceled   uint64 // cancellations sent
	Events     uint64 // fills, balances and positions stored
	Reconciled uint64 // comparisons with the venue
	Extended   uint64 // leases of orders that were in hand for long
	InHand     int    // orders that the worker has now
}

// Counts tells what the worker has done.
func (w *Worker) Counts() Counts {
	s := &w.stats
	return Counts{
		Popped: s.popped.Load(), Rejected: s.rejected.Load(), Conflicts: s.conflicts.Load(), Submitted: s.submitted.Load(),
		Unanswered: s.unanswered.Load(), Queried: s.queried.Load(), Settled: s.settled.Load(), Canceled: s.canceled.Load(),
		Events: s.events.Load(), Reconciled: s.reconciled.Load(), Extended: s.extended.Load(), InHand: int(s.inHand.Load()),
	}
}
