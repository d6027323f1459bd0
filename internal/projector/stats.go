package projector

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/fullon/fullon/domain"
)

// Stats tells who folds a partition, and counts what this projector did for it
// since it was made.
type Stats struct {
	Stream string
	// Held: this projector folds it. Sequence, Lag, RetentionUsed, Attached, Rate
	// and Waiting are known only then.
	Held bool
	// Owner folds it, as far as is known; the zero Member: nobody says so.
	Owner domain.Member
	// Lag is how far Redis was behind when the log last told, and LagKnown that it
	// did.
	Lag      domain.Lag
	LagKnown bool
	Rate     float64 // messages applied a second, over the last seconds

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
	// RetentionUsed is how near the log is to dropping what is not folded yet: see
	// domain.Extent.
	RetentionUsed float64
	Attached      bool // working; false: waiting for the log, for Redis, or standing by
	Waiting       time.Duration
}

// Sharing tells how a projector shares the partitions with others.
type Sharing struct {
	Alone      bool          // it is set up to fold all partitions by itself
	Projectors int           // how many share them, this one included; zero: not known yet
	CutOff     time.Duration // how long it has not reached the others; zero: it does
}

type stats struct {
	owner atomic.Pointer[domain.Member] // nil: nobody
	held  atomic.Bool
	lag   atomic.Pointer[domain.Lag] // nil: not known
	pace  atomic.Uint64              // bits of the rate
	time  atomic.Int64               // of the message at sequence, unix ns

	sequence, messages, batches, conflicts, deadLetters atomic.Uint64
	duplicates, outOfOrder, rebuilds, lost              atomic.Uint64
	dropped, renewed, forgotten, differences            atomic.Uint64
	attached                                            atomic.Bool
	outage
	epoch, retention atomic.Uint64 // the latter as bits of a float64
}

// outage is the time during which something cannot go on.
type outage struct{ since atomic.Int64 } // unix ns; zero: there is none

func (s *stats) snapshot(stream string) Stats {
	out := Stats{
		Stream: stream, Sequence: s.sequence.Load(), Messages: s.messages.Load(), Batches: s.batches.Load(),
		Conflicts: s.conflicts.Load(), DeadLetters: s.deadLetters.Load(), Duplicates: s.duplicates.Load(),
		OutOfOrder: s.outOfOrder.Load(), Rebuilds: s.rebuilds.Load(), Lost: s.lost.Load(),
		Dropped: s.dropped.Load(), Forgotten: s.forgotten.Load(), Renewed: s.renewed.Load(), Differences: s.differences.Load(), Attached: s.attached.Load(),
	}
	out.RetentionUsed = math.Float64frombits(s.retention.Load())
	if owner := s.owner.Load(); owner != nil {
		out.Owner = *owner
	}
	if out.Held = s.held.Load(); out.Held {
		out.Rate, out.Waiting = s.rate(), s.lasts()
		if lag := s.lag.Load(); lag != nil {
			out.Lag, out.LagKnown = *lag, true
		}
	}
	return out
}

// setRetention returns what it was before.
func (s *stats) setRetention(used float64) (before float64) {
	return math.Float64frombits(s.retention.Swap(math.Float64bits(used)))
}

func (s *stats) rate() float64 { return math.Float64frombits(s.pace.Load()) }

// reached notes the checkpoint.
func (s *stats) reached(at domain.Checkpoint) {
	s.sequence.Store(at.Seq)
	s.time.Store(at.Time)
}

// begin and end are of a time of holding the partition.
func (s *stats) begin() {
	s.reached(domain.Checkpoint{})
	s.held.Store(true)
}

func (s *stats) end() {
	s.held.Store(false)
	s.well()
	s.lag.Store(nil)
	s.pace.Store(0)
	s.setRetention(0)
}

// trouble notes since when it cannot go on, and reports whether that was known.
func (o *outage) trouble() (known bool) {
	return !o.since.CompareAndSwap(0, time.Now().UnixNano())
}

// well ends the trouble, and reports whether there was any.
func (o *outage) well() (was bool) { return o.since.Swap(0) != 0 }

func (o *outage) lasts() time.Duration {
	if since := o.since.Load(); since != 0 {
		return time.Since(time.Unix(0, since))
	}
	return 0
}
