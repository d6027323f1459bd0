package ingest

import (
	"maps"
	"sync/atomic"

	"github.com/fullon/fullon/domain"
)

// Stats counts what a feed did since it was made.
type Stats struct {
	Exchange   string
	State      domain.FeedState  // as last signalled; zero: not yet
	Standby    bool              // another process follows the venue
	Conflicts  uint64            // times that another process had stored trades of a symbol
	Ticks      uint64            // handed to the log
	Trades     uint64            // handed to the log
	Candles    uint64            // handed to the log
	Duplicates uint64            // trades that the log had already
	Holes      uint64            // places where trades were missing
	Filled     uint64            // missing trades that were fetched
	Gaps       uint64            // holes, or parts of them, that could not be filled
	Dropped    uint64            // candles that the log had no room for
	Connects   uint64            // connections set up
	Refused    map[string]uint64 // messages that could not be used, by kind
}

type counts struct {
	state                                                                                 atomic.Uint32
	standby                                                                               atomic.Bool
	ticks, trades, candles, duplicates, holes, filled, gaps, dropped, connects, conflicts atomic.Uint64
}

// Stats returns the counts so far. It is safe for concurrent use.
func (f *Feed) Stats() Stats {
	c := &f.counts
	f.refused.mu.Lock()
	refused := maps.Clone(f.refused.byKind)
	f.refused.mu.Unlock()
	return Stats{
		Exchange: f.Exchange(), State: domain.FeedState(c.state.Load()), Standby: c.standby.Load(), Conflicts: c.conflicts.Load(), Ticks: c.ticks.Load(), Trades: c.trades.Load(),
		Candles: c.candles.Load(), Duplicates: c.duplicates.Load(), Holes: c.holes.Load(), Filled: c.filled.Load(),
		Gaps: c.gaps.Load(), Dropped: c.dropped.Load(), Connects: c.connects.Load(), Refused: refused,
	}
}
