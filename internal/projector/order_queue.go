package projector

import (
	"cmp"
	"slices"

	"github.com/fullon/fullon/domain"
)

// orderQueue is the orders of one line that wait for a worker, oldest first.
type orderQueue struct{ orders []queuedOrder }

type queuedOrder struct {
	first uint64
	id    string
}

func (o queuedOrder) compare(other queuedOrder) int {
	return cmp.Or(cmp.Compare(o.first, other.first), cmp.Compare(o.id, other.id))
}

func (q *orderQueue) add(o queuedOrder) {
	at, _ := slices.BinarySearchFunc(q.orders, o, queuedOrder.compare)
	q.orders = slices.Insert(q.orders, at, o)
}

func (q *orderQueue) remove(o queuedOrder) {
	if at, found := slices.BinarySearchFunc(q.orders, o, queuedOrder.compare); found {
		q.orders = slices.Delete(q.orders, at, at+1)
	}
}

func (q *orderQueue) head() (queuedOrder, bool) {
	if len(q.orders) == 0 {
		return queuedOrder{}, false
	}
	return q.orders[0], true
}

// orderLine is what orders have in common that all may be sent, or none: a pop may
// have to keep back the oldest of a symbol because of its bot, and those of other
// bots must not wait for it. Nor must those that only make positions smaller, or
// that may have been sent and are to be asked for.
type orderLine struct {
	bot              string
	reduceOnly, sent bool
}

func lineOf(o domain.Order) orderLine {
	return orderLine{o.Bot, o.ReduceOnly, o.Status != domain.OrderNew && o.Status != domain.OrderNotFound}
}

// orderLines are the queues of one symbol.
type orderLines map[orderLine]*orderQueue

func (l orderLines) add(o domain.Order) {
	line := lineOf(o)
	q := l[line]
	if q == nil {
		q = new(orderQueue)
		l[line] = q
	}
	q.add(queuedOrder{o.First, o.ID})
}

func (l orderLines) remove(o domain.Order) {
	line := lineOf(o)
	if q := l[line]; q != nil {
		q.remove(queuedOrder{o.First, o.ID})
		if len(q.orders) == 0 {
			delete(l, line)
		}
	}
}

// heads are the oldest of each line, the oldest first.
func (l orderLines) heads() []queuedOrder {
	heads := make([]queuedOrder, 0, len(l))
	for _, q := range l {
		if first, ok := q.head(); ok {
			heads = append(heads, first)
		}
	}
	slices.SortFunc(heads, queuedOrder.compare)
	return heads
}
