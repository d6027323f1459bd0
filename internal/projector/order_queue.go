package projector

import (
	"cmp"
	"slices"

	"github.com/fullon/fullon/domain"
)

// orderQueue is the orders of one line that wait for a worker, oldest first.
type orderQueue struct {
	line   orderLine
	orders []queuedOrder
}

type queuedOrder struct {
	first uint64
	id    string
}

func (o queuedOrder) compare(other queuedOrder) int {
	return cmp.Or(cmp.Compare(o.first, other.first), cmp.Compare(o.id, other.id))
}

func (q *orderQueue) add(o queuedOrder) {
	if n := len(q.orders); n == 0 || q.orders[n-1].compare(o) < 0 {
		q.orders = append(q.orders, o) // mostly it is the newest
		return
	}
	at, _ := slices.BinarySearchFunc(q.orders, o, queuedOrder.compare)
	q.orders = slices.Insert(q.orders, at, o)
}

func (q *orderQueue) remove(o queuedOrder) {
	at, found := slices.BinarySearchFunc(q.orders, o, queuedOrder.compare)
	switch {
	case !found:
	case at == 0 && len(q.orders) > 1: // mostly it is the oldest, and the others need not move
		q.orders[0] = queuedOrder{}
		q.orders = q.orders[1:]
	default:
		q.orders = slices.Delete(q.orders, at, at+1)
	}
}

// orderLine is what orders have in common that all may be sent, or none: a pop may
// have to keep back the oldest of a symbol because of its bot, and those of other
// bots must not wait for it. Nor must those that only make positions smaller, or
// that may have been sent and are to be asked for.
type orderLine struct {
	bot              string
	reduceOnly, sent bool
}

func lineOf(o *domain.Order) orderLine {
	return orderLine{o.Bot, o.ReduceOnly, o.Status != domain.OrderNew && o.Status != domain.OrderNotFound}
}

// orderLines are the orders of one symbol that wait.
type orderLines struct {
	symbol  string
	lines   []orderQueue // none is empty
	waiting int

	changed bool // in this batch
	free    bool // see cachestore.QueueHead.Free
	// What Redis has.
	heads  []string
	first  uint64
	stored int // waiting
}

func (l *orderLines) add(o *domain.Order) {
	line := lineOf(o)
	at := l.find(line)
	if n := len(l.lines); at == n {
		if n < cap(l.lines) {
			l.lines = l.lines[:n+1] // an empty one
		} else {
			l.lines = append(l.lines, orderQueue{})
		}
		l.lines[n].line = line
	}
	l.lines[at].add(queuedOrder{o.First, o.ID})
	l.waiting++
}

func (l *orderLines) remove(o *domain.Order) {
	at, last := l.find(lineOf(o)), len(l.lines)-1
	if at > last {
		return
	}
	l.lines[at].remove(queuedOrder{o.First, o.ID})
	if len(l.lines[at].orders) == 0 {
		l.lines[at], l.lines[last] = l.lines[last], l.lines[at]
		l.lines = l.lines[:last]
	}
	l.waiting--
}

// find is where a line is; len(l.lines): it is not. There are a few, and all of
// them are gone through for the heads anyway.
func (l *orderLines) find(line orderLine) int {
	for i := range l.lines {
		if l.lines[i].line == line {
			return i
		}
	}
	return len(l.lines)
}

// oldest appends the oldest order of each line to dst, the oldest first.
func (l *orderLines) oldest(dst []queuedOrder) []queuedOrder {
	for i := range l.lines {
		dst = append(dst, l.lines[i].orders[0])
	}
	slices.SortFunc(dst, queuedOrder.compare)
	return dst
}

// headsAre notes that Redis has these orders as the heads, and tells whether it had
// others.
func (l *orderLines) headsAre(heads []queuedOrder) (others bool) {
	first := uint64(0)
	if len(heads) > 0 {
		first = heads[0].first
	}
	others = first != l.first || !slices.EqualFunc(l.heads, heads, func(id string, o queuedOrder) bool { return id == o.id })
	if others {
		clear(l.heads)
		l.first, l.heads = first, l.heads[:0]
		for _, o := range heads {
			l.heads = append(l.heads, o.id)
		}
	}
	return others
}
