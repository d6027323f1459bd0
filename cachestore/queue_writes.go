package cachestore

import "strconv"

// QueueHead is the oldest orders of a symbol that wait for a worker; without IDs
// none does.
type QueueHead struct {
	Symbol string
	IDs    []string // the oldest of each line: of those that may be sent if one of them may
	First  uint64   // of the oldest
	// Free: another order is the oldest than was before, or one of the symbol waits
	// no more. Its lease may have ended with that.
	Free bool

	turn uint64 // see OrderTurn
	text string // as it is stored
}

// turnBase is more than any lease's end, unix milliseconds.
const turnBase = 1 << 52

// OrderTurn is where the turns have a symbol without a lease whose oldest order
// was created with the sequence first.
func OrderTurn(first uint64) uint64 { return turnBase + first }

// queueWrites is what a Put of heads or counts gathers before it becomes commands. It
// is kept, with its memory, for the next one.
type queueWrites struct{ set, gone, turns []any }

func (w *queueWrites) reset() {
	w.set, w.gone, w.turns = emptied(w.set), emptied(w.gone), emptied(w.turns)
}

// PutQueueHeads says which orders of each symbol are the next. The lease of a
// symbol without one goes. The heads must stay as they are until the batch was
// applied.
func (b *Batch) PutQueueHeads(heads []QueueHead) {
	p, w := b.partition, &b.queues
	for i := range heads {
		h := &heads[i]
		if len(h.IDs) == 0 {
			w.gone = append(w.gone, &h.Symbol)
			continue
		}
		h.turn = OrderTurn(h.First)
		start := len(b.arena)
		b.arena = strconv.AppendUint(b.arena, h.turn, 10)
		for _, id := range h.IDs {
			b.arena = append(append(b.arena, ' '), id...)
		}
		h.text = b.textSince(start)
		w.set = append(w.set, &h.Symbol, &h.text)
		if h.Free {
			w.turns = append(w.turns, &h.turn, &h.Symbol)
		}
	}
	b.remove("HDEL", p.headsKey(), w.gone)
	b.remove("HDEL", p.orderLeasesKey(), w.gone)
	b.remove("ZREM", p.turnsKey(), w.gone)
	b.put("HSET", p.headsKey(), w.set)
	b.put("ZADD", p.turnsKey(), w.turns)
	w.reset()
}

// LiveCountField names the live orders of a bot in a symbol.
func LiveCountField(bot, symbol string) string { return bot + " " + symbol }

// OrderCount is how many orders there are of something.
type OrderCount struct {
	Of string
	N  int
}

// PutLiveCounts says how many live orders there are, by LiveCountField. The counts
// must stay as they are until the batch was applied.
func (b *Batch) PutLiveCounts(counts []OrderCount) { b.putCounts(b.partition.liveCountKey(), counts) }

// PutWaitCounts says how many orders of a symbol wait for a worker. The counts must
// stay as they are until the batch was applied.
func (b *Batch) PutWaitCounts(counts []OrderCount) { b.putCounts(b.partition.waitCountKey(), counts) }

func (b *Batch) putCounts(key string, counts []OrderCount) {
	w := &b.queues
	for i := range counts {
		c := &counts[i]
		if c.N == 0 {
			w.gone = append(w.gone, &c.Of)
		} else {
			w.set = append(w.set, &c.Of, &c.N)
		}
	}
	b.remove("HDEL", key, w.gone)
	b.put("HSET", key, w.set)
	w.reset()
}
