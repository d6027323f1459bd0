package venue

import (
	"cmp"
	"slices"
	"sync/atomic"
	"time"

	"github.com/fullon/fullon/domain"
)

// lines counts the connections and their interruptions.
var lines atomic.Uint64

// Batch is what one frame tells, held back until all of it is read: a frame in
// which anything is malformed gives no event at all. It belongs to one
// connection and is not safe for concurrent use.
type Batch struct {
	changes []batched[Change]
	trades  []batched[NumberedTrade]
	candles []batched[domain.Candle]
	bars    Bars
	line    uint64 // NumberedTrade.Line; zero: of the next trade on another one
}

type batched[T any] struct {
	market *Market
	told   T
}

// Reset forgets what was not delivered.
func (b *Batch) Reset() {
	b.changes, b.trades, b.candles = b.changes[:0], b.trades[:0], b.candles[:0]
}

// Interrupted notes that the connection may have brought trades that are not handed
// on, so that others can look for them. It is for venues whose trades have no numbers.
func (b *Batch) Interrupted() { b.line = 0 }

// Change adds a change of a market.
func (b *Batch) Change(m *Market, c Change) { b.changes = append(b.changes, batched[Change]{m, c}) }

// Trade adds a trade.
func (b *Batch) Trade(m *Market, t NumberedTrade) {
	b.trades = append(b.trades, batched[NumberedTrade]{m, t})
}

// Candle adds a bar. One that is not Closed is handed on once a later one
// begins; see Bars.
func (b *Batch) Candle(m *Market, c domain.Candle) {
	b.candles = append(b.candles, batched[domain.Candle]{m, c})
}

// Deliver hands everything on: trades in the order of their numbers, which a
// frame need not have, bars in the order of time.
func (b *Batch) Deliver(received time.Time) {
	for i := range b.changes {
		b.changes[i].market.Change(b.changes[i].told, received)
	}
	slices.SortStableFunc(b.trades, func(x, y batched[NumberedTrade]) int { return cmp.Compare(x.told.Number, y.told.Number) })
	if b.line == 0 && len(b.trades) > 0 {
		b.line = lines.Add(1)
	}
	for i := range b.trades {
		b.trades[i].told.Line = b.line
		b.trades[i].market.Trade(b.trades[i].told, time.Time{})
	}
	slices.SortStableFunc(b.candles, func(x, y batched[domain.Candle]) int { return x.told.Time.Compare(y.told.Time) })
	for i := range b.candles {
		if c := b.candles[i]; c.told.Closed {
			c.market.Candle(c.told)
		} else {
			b.bars.Take(c.market, c.told)
		}
	}
	b.Reset()
}
