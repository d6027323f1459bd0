package cachestore

import (
	"slices"
	"strconv"
	"strings"
)

// OrderPlace is where the indexes have an order; without Symbol nowhere.
type OrderPlace struct {
	Bot, Symbol string
	First       uint64 // the sequence that it was created with
	Seq         uint64 // that of its newest state
	Final       bool
	Dead        bool
	Queued      bool // waits for a worker
	Cancel      bool // rests at the venue, and is to be cancelled
}

// OrderChange takes an order from one place to another.
type OrderChange struct {
	ID      string
	Was, Is OrderPlace
	Payload []byte // of the newest state; none: what is stored stays
	Ticket  string // what the pop needs to know of one that is queued
}

// QueueHead is the oldest orders of a symbol that wait for a worker; without IDs
// none does.
type QueueHead struct {
	Symbol string
	IDs    []string // the oldest of each line: of those that may be sent if one of them may
	First  uint64   // of the oldest
}

type indexEntry struct {
	key   string
	score uint64
}

// entries lists what the indexes have of an order.
func (p *Partition) entries(dst []indexEntry, o OrderPlace) []indexEntry {
	if o.Symbol == "" {
		return dst
	}
	dst = append(dst,
		indexEntry{p.indexKey(NewestOrders), o.Seq},
		indexEntry{p.indexKey(OrdersOfSymbol(o.Symbol)), o.First}, indexEntry{p.indexKey(OrdersOfBot(o.Bot)), o.First})
	if o.Final {
		return append(dst, indexEntry{p.indexKey(DoneOrders), o.Seq})
	}
	dst = append(dst, indexEntry{p.indexKey(LiveOrders), o.First})
	if o.Dead {
		dst = append(dst, indexEntry{p.indexKey(DeadOrders), o.First})
	}
	if o.Cancel {
		dst = append(dst, indexEntry{p.indexKey(CancelOrders), o.First})
	}
	if o.Queued {
		dst = append(dst, indexEntry{p.indexKey(QueueOf(o.Symbol)), o.First})
	}
	return dst
}

// PutOrders stores orders and moves them between the indexes.
func (b *Batch) PutOrders(changes []OrderChange) {
	p := b.partition
	added, removed := make(map[string][]any), make(map[string][]any)
	set := func(key, member string, value any) { added[key] = append(added[key], member, value) }
	var was, is []indexEntry
	for i := range changes {
		c := &changes[i]
		was, is = p.entries(was[:0], c.Was), p.entries(is[:0], c.Is)
		for _, e := range was {
			if !slices.ContainsFunc(is, func(o indexEntry) bool { return o.key == e.key }) {
				removed[e.key] = append(removed[e.key], c.ID)
			}
		}
		for _, e := range is {
			if !slices.Contains(was, e) {
				added[e.key] = append(added[e.key], strconv.FormatUint(e.score, 10), c.ID)
			}
		}
		switch {
		case c.Is.Symbol == "":
			removed[p.ordersKey()] = append(removed[p.ordersKey()], c.ID)
		case c.Payload != nil:
			set(p.ordersKey(), c.ID, b.stamp(c.Is.Seq, c.Payload))
		}
		switch {
		case c.Is.Queued:
			set(p.ticketsKey(), c.ID, c.Ticket)
		case c.Was.Queued:
			removed[p.ticketsKey()] = append(removed[p.ticketsKey()], c.ID)
			removed[p.triesKey()] = append(removed[p.triesKey()], c.ID)
		}
	}
	isHash := func(key string) bool { return key == p.ordersKey() || key == p.ticketsKey() || key == p.triesKey() }
	for key, members := range removed {
		if isHash(key) {
			b.remove("HDEL", key, members)
		} else {
			b.remove("ZREM", key, members)
		}
	}
	for key, pairs := range added {
		if isHash(key) {
			b.put("HSET", key, pairs)
		} else {
			b.put("ZADD", key, pairs)
		}
	}
}

// PutQueueHeads says which orders of each symbol are the next. The lease of a
// symbol without one goes.
func (b *Batch) PutQueueHeads(heads []QueueHead) {
	p := b.partition
	var gone, scores, ids []any
	for _, h := range heads {
		if len(h.IDs) == 0 {
			gone = append(gone, h.Symbol)
			continue
		}
		scores = append(scores, strconv.FormatUint(h.First, 10), h.Symbol)
		ids = append(ids, h.Symbol, strings.Join(h.IDs, " "))
	}
	b.remove("ZREM", p.queuedKey(), gone)
	b.remove("HDEL", p.headsKey(), gone)
	b.remove("HDEL", p.orderLeasesKey(), gone)
	b.put("ZADD", p.queuedKey(), scores)
	b.put("HSET", p.headsKey(), ids)
}

// LiveCountField names the live orders of a bot in a symbol.
func LiveCountField(bot, symbol string) string { return bot + " " + symbol }

// PutLiveCounts says how many live orders there are, by LiveCountField.
func (b *Batch) PutLiveCounts(counts map[string]int) {
	var gone, set []any
	for field, n := range counts {
		if n == 0 {
			gone = append(gone, field)
		} else {
			set = append(set, field, strconv.Itoa(n))
		}
	}
	b.remove("HDEL", b.partition.liveCountKey(), gone)
	b.put("HSET", b.partition.liveCountKey(), set)
}

// put sets pairs of a hash or a sorted set. A command takes an even number of
// arguments.
func (b *Batch) put(command, key string, pairs []any) { b.remove(command, key, pairs) }
