package projector

import (
	"sync/atomic"
	"time"
)

// Stats counts what a partition's worker did since it was made.
type Stats struct {
	Stream      string
	Sequence    uint64 // the checkpoint; zero: nothing folded yet
	Messages    uint64 // folded and applied
	Batches     uint64 // applied
	Conflicts   uint64 // batches that found another checkpoint
	DeadLetters uint64 // messages that could not be folded
	Duplicates  uint64 // trades, fills and acknowledgements that were folded before
	OutOfOrder  uint64 // ticks, balances and positions older than the stored one, renewals of claims that are not held
	Dropped     uint64 // fills that were not acknowledged and that the queue had no room for
	Forgotten   uint64 // final orders that had to make room
	Renewed     uint64 // events stored again before the log would have dropped them
	Differences uint64 // differences between fills and what venues say that this worker stored
	Rebuilds    uint64 // times that the partition was folded anew
	Lost        uint64 // rebuilds because the log had lost or changed history
	Attached    bool   // working; false: waiting for the log, for Redis, or standing by
	Waiting     time.Duration
}

type stats struct {
	sequence, messages, batches, conflicts, deadLetters atomic.Uint64
	duplicates, outOfOrder, rebuilds, lost              atomic.Uint64
	dropped, renewed, forgotten, differences            atomic.Uint64
	attached                                            atomic.Bool
	troubledSince                                       atomic.Int64 // unix ns; zero: no trouble
}

func (s *stats) snapshot(stream string) Stats {
	out := Stats{
		Stream: stream, Sequence: s.sequence.Load(), Messages: s.messages.Load(), Batches: s.batches.Load(),
		Conflicts: s.conflicts.Load(), DeadLetters: s.deadLetters.Load(), Duplicates: s.duplicates.Load(),
		OutOfOrder: s.outOfOrder.Load(), Rebuilds: s.rebuilds.Load(), Lost: s.lost.Load(),
		Dropped: s.dropped.Load(), Forgotten: s.forgotten.Load(), Renewed: s.renewed.Load(), Differences: s.differences.Load(), Attached: s.attached.Load(),
	}
	if since := s.troubledSince.Load(); since != 0 {
		out.Waiting = time.Since(time.Unix(0, since))
	}
	return out
}

// trouble notes since when the worker cannot go on, and reports whether that was
// known.
func (s *stats) trouble() (known bool) {
	return !s.troubledSince.CompareAndSwap(0, time.Now().UnixNano())
}

// well ends the trouble, and reports whether there was any.
func (s *stats) well() (was bool) { return s.troubledSince.Swap(0) != 0 }
