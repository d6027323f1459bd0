package projector

import (
	"cmp"
	"slices"
)

// orderQueue is the orders in one symbol that wait for a worker, oldest first.
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
