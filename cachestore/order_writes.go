package cachestore

import (
	"slices"
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

// indexEntry is an order's place in an index. The index is that of something, a
// symbol or a bot, or of all orders: its name is made when it is written.
type indexEntry struct {
	index OrderIndex
	of    string
	score uint64
}

func (e indexEntry) group() indexGroup { return indexGroup{e.index, e.of} }

type indexGroup struct {
	index OrderIndex
	of    string
}

func (e indexEntry) within(entries []indexEntry) bool {
	return slices.ContainsFunc(entries, func(o indexEntry) bool { return o.group() == e.group() })
}

// entries lists what the indexes have of an order.
func (o OrderPlace) entries(dst []indexEntry) []indexEntry {
	if o.Symbol == "" {
		return dst
	}
	dst = append(dst,
		indexEntry{NewestOrders, "", o.Seq}, indexEntry{OrdersOfSymbol(""), o.Symbol, o.First}, indexEntry{OrdersOfBot(""), o.Bot, o.First})
	if o.Final {
		return append(dst, indexEntry{DoneOrders, "", o.Seq})
	}
	dst = append(dst, indexEntry{LiveOrders, "", o.First})
	if o.Dead {
		dst = append(dst, indexEntry{DeadOrders, "", o.First})
	}
	if o.Cancel {
		dst = append(dst, indexEntry{CancelOrders, "", o.First})
	}
	if o.Queued {
		dst = append(dst, indexEntry{QueueOf(""), o.Symbol, o.First})
	}
	return dst
}

// PutOrders stores orders and moves them between the indexes.
func (b *Batch) PutOrders(changes []OrderChange) {
	p := b.partition
	added, removed := make(map[indexGroup][]any), make(map[indexGroup][]any)
	var states, tickets, gone, waitNoMore []any
	var was, is []indexEntry
	for i := range changes {
		c := &changes[i]
		was, is = c.Was.entries(was[:0]), c.Is.entries(is[:0])
		id := any(c.ID)
		for _, e := range was {
			if !e.within(is) {
				removed[e.group()] = append(removed[e.group()], id)
			}
		}
		for _, e := range is {
			if !slices.Contains(was, e) {
				added[e.group()] = append(added[e.group()], e.score, id)
			}
		}
		switch {
		case c.Is.Symbol == "":
			gone = append(gone, id)
		case c.Payload != nil:
			states = append(states, id, b.stamp(c.Is.Seq, c.Payload))
		}
		switch {
		case c.Is.Queued:
			tickets = append(tickets, id, c.Ticket)
		case c.Was.Queued:
			waitNoMore = append(waitNoMore, id)
		}
	}
	b.remove("HDEL", p.ordersKey(), gone)
	b.remove("HDEL", p.ticketsKey(), waitNoMore)
	b.remove("HDEL", p.triesKey(), waitNoMore)
	for group, ids := range removed {
		b.remove("ZREM", p.indexKey(group.index+OrderIndex(group.of)), ids)
	}
	b.put("HSET", p.ordersKey(), states)
	b.put("HSET", p.ticketsKey(), tickets)
	for group, pairs := range added {
		b.put("ZADD", p.indexKey(group.index+OrderIndex(group.of)), pairs)
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
		scores = append(scores, h.First, h.Symbol)
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
			set = append(set, field, n)
		}
	}
	b.remove("HDEL", b.partition.liveCountKey(), gone)
	b.put("HSET", b.partition.liveCountKey(), set)
}

// put sets pairs of a hash or a sorted set. A command takes an even number of
// arguments.
func (b *Batch) put(command, key string, pairs []any) { b.remove(command, key, pairs) }
