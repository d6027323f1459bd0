package cachestore

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

	value string // payload and sequence, as they are stored
}

// orderIndex is one of the indexes that PutOrders keeps.
type orderIndex uint8

const (
	inSymbol orderIndex = iota
	inBot
	inLive
	inDone
	inDead
	inCancels
	orderIndexes
)

// in tells under which score an index has an order, and of what, a symbol or a
// bot, that index is; score zero: it does not have it.
func (o *OrderPlace) in(index orderIndex) (of string, score uint64) {
	has := true
	switch index {
	case inSymbol:
		return o.Symbol, o.First
	case inBot:
		return o.Bot, o.First
	case inDone:
		if o.Final {
			return "", o.Seq
		}
		return "", 0
	case inLive:
		has = !o.Final
	case inDead:
		has = o.Dead && !o.Final
	case inCancels:
		has = o.Cancel && !o.Final
	}
	if has {
		return "", o.First
	}
	return "", 0
}

// score is where the score of in is.
func (o *OrderPlace) score(index orderIndex) *uint64 {
	if index == inDone {
		return &o.Seq
	}
	return &o.First
}

// orderIndexKey names an index: that of all orders, or of something.
type orderIndexKey struct {
	index orderIndex
	of    string
}

func (k orderIndexKey) name() OrderIndex {
	switch k.index {
	case inSymbol:
		return OrdersOfSymbol(k.of)
	case inBot:
		return OrdersOfBot(k.of)
	}
	return [orderIndexes]OrderIndex{
		inLive: LiveOrders, inDone: DoneOrders, inDead: DeadOrders, inCancels: CancelOrders,
	}[k.index]
}

// orderWrites is what PutOrders gathers before it becomes commands: one for each
// key, because a command of its own for each order is most of what applying a
// batch would cost. It is kept, with its memory, for the next batch.
type orderWrites struct {
	whole                             [orderIndexes]*indexWrites     // of all orders
	indexes                           map[orderIndexKey]*indexWrites // of a symbol or a bot
	changed                           []*indexWrites
	states, tickets, gone, waitNoMore []any
	entry                             changesEntry
}

type indexWrites struct {
	key            string
	added, removed []any
}

// mostIndexWrites is how many indexes are kept in mind between batches.
const mostIndexWrites = 10_000

func (w *orderWrites) of(p *Partition, key orderIndexKey) *indexWrites {
	i := w.whole[key.index]
	if key.of != "" {
		i = w.indexes[key]
	}
	switch {
	case i != nil:
	case key.of == "":
		i = &indexWrites{key: p.indexKey(key.name())}
		w.whole[key.index] = i
	default:
		if w.indexes == nil {
			w.indexes = make(map[orderIndexKey]*indexWrites)
		}
		i = &indexWrites{key: p.indexKey(key.name())}
		w.indexes[key] = i
	}
	if len(i.added) == 0 && len(i.removed) == 0 {
		w.changed = append(w.changed, i)
	}
	return i
}

func (w *orderWrites) reset() {
	for _, i := range w.changed {
		i.added, i.removed = emptied(i.added), emptied(i.removed)
	}
	w.changed = w.changed[:0]
	if len(w.indexes) > mostIndexWrites {
		clear(w.indexes)
	}
	w.states, w.tickets, w.gone, w.waitNoMore = emptied(w.states), emptied(w.tickets), emptied(w.gone), emptied(w.waitNoMore)
}

// emptied lets go of the values.
func emptied(values []any) []any {
	clear(values)
	return values[:0]
}

// PutOrders stores orders, moves them between the indexes, and says which have
// changed, which is kept for as many messages as given. It is for one call a batch.
// The changes must stay as they are until it was applied: their values are not
// copied.
func (b *Batch) PutOrders(changes []OrderChange, keepChanges int) {
	p, w := b.partition, &b.orders
	w.entry.begin(keepChanges)
	for i := range changes {
		c := &changes[i]
		for index := range orderIndexes {
			was, before := c.Was.in(index)
			is, now := c.Is.in(index)
			if before != 0 && (now == 0 || was != is) {
				i := w.of(p, orderIndexKey{index, was})
				i.removed = append(i.removed, &c.ID)
			}
			if now != 0 && (before != now || was != is) {
				i := w.of(p, orderIndexKey{index, is})
				i.added = append(i.added, c.Is.score(index), &c.ID)
			}
		}
		switch {
		case c.Is.Symbol == "":
			w.gone = append(w.gone, &c.ID)
		case c.Payload != nil:
			c.value = b.stampText(c.Is.Seq, c.Payload)
			w.states = append(w.states, &c.ID, &c.value)
			w.entry.add(c.ID)
		}
		switch {
		case c.Is.Queued:
			w.tickets = append(w.tickets, &c.ID, &c.Ticket)
		case c.Was.Queued:
			w.waitNoMore = append(w.waitNoMore, &c.ID)
		}
	}
	b.remove("HDEL", p.ordersKey(), w.gone)
	b.remove("HDEL", p.ticketsKey(), w.waitNoMore)
	b.remove("HDEL", p.triesKey(), w.waitNoMore)
	for _, i := range w.changed {
		b.remove("ZREM", i.key, i.removed)
	}
	b.put("HSET", p.ordersKey(), w.states)
	b.put("HSET", p.ticketsKey(), w.tickets)
	for _, i := range w.changed {
		b.put("ZADD", i.key, i.added)
	}
	b.putChanges(&w.entry)
	w.reset()
}

// put sets pairs of a hash or a sorted set. A command takes an even number of
// arguments.
func (b *Batch) put(command any, key string, pairs []any) { b.remove(command, key, pairs) }
