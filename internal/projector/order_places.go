package projector

import (
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
)

// orderPlaces counts the orders that are not final, and queues those that wait.
// What Redis has already is not written again.
type orderPlaces struct {
	live   map[liveKey]*liveCount
	queues map[string]*orderLines // by symbol

	changedLive   []*liveCount
	changedQueues []*orderLines

	// Of the last flush.
	oldest                 []queuedOrder
	heads                  []cachestore.QueueHead
	liveCounts, waitCounts []cachestore.OrderCount
}

type liveKey struct{ bot, symbol string }

// liveCount is how many orders of a bot in a symbol are not final.
type liveCount struct {
	key       liveKey
	n, stored int // now, and what Redis has
	changed   bool
}

// mostEmpty is how many symbols, and how many pairs of bot and symbol, are kept in
// mind although nothing is there any more: mostly there will be again.
const mostEmpty = 10_000

func newOrderPlaces() orderPlaces {
	return orderPlaces{live: make(map[liveKey]*liveCount), queues: make(map[string]*orderLines)}
}

// move takes an order from where it was to where it is. It was not final; nil: it
// was not known. Its terms are the same.
func (p *orderPlaces) move(was, is *domain.Order) {
	switch lives := !is.Status.Final(); {
	case lives && was == nil:
		p.count(is, 1)
	case !lives && was != nil:
		p.count(is, -1)
	}
	waited, waits := was != nil && was.InQueue(), is.InQueue()
	if !waited && !waits || waited && waits && lineOf(was) == lineOf(is) && was.First == is.First {
		return
	}
	q := p.queues[is.Symbol]
	if q == nil {
		q = &orderLines{symbol: is.Symbol}
		p.queues[is.Symbol] = q
	}
	if waited {
		q.remove(was)
	}
	// A new order is behind the others of its symbol, if there are any.
	q.free = q.free || waited != waits && (is.First < is.Sequence || q.waiting == 0)
	if waits {
		q.add(is)
	}
	if !q.changed {
		q.changed = true
		p.changedQueues = append(p.changedQueues, q)
	}
}

func (p *orderPlaces) count(o *domain.Order, n int) {
	key := liveKey{o.Bot, o.Symbol}
	c := p.live[key]
	if c == nil {
		c = &liveCount{key: key}
		p.live[key] = c
	}
	c.n += n
	if !c.changed {
		c.changed = true
		p.changedLive = append(p.changedLive, c)
	}
}

// flush writes what has changed since the last one.
func (p *orderPlaces) flush(b *cachestore.Batch) {
	p.settle()
	b.PutQueueHeads(p.heads)
	b.PutWaitCounts(p.waitCounts)
	b.PutLiveCounts(p.liveCounts)
}

// settle gathers what Redis does not have yet, and from then on takes it to have
// that.
func (p *orderPlaces) settle() {
	p.heads, p.waitCounts, p.liveCounts = p.heads[:0], p.waitCounts[:0], p.liveCounts[:0]
	for _, q := range p.changedQueues {
		p.oldest = q.oldest(p.oldest[:0])
		// The lease of an order that waits no more counts for nothing, which is to be
		// known even if the order was not one of the heads.
		if q.headsAre(p.oldest) || q.free {
			p.heads = append(p.heads, cachestore.QueueHead{Symbol: q.symbol, IDs: q.heads, First: q.first, Free: q.free})
		}
		if q.stored != q.waiting {
			q.stored = q.waiting
			p.waitCounts = append(p.waitCounts, cachestore.OrderCount{Of: q.symbol, N: q.waiting})
		}
		if q.changed, q.free = false, false; q.waiting == 0 && len(p.queues) > mostEmpty {
			delete(p.queues, q.symbol)
		}
	}
	for _, c := range p.changedLive {
		if c.stored != c.n {
			c.stored = c.n
			p.liveCounts = append(p.liveCounts, cachestore.OrderCount{Of: cachestore.LiveCountField(c.key.bot, c.key.symbol), N: c.n})
		}
		if c.changed = false; c.n == 0 && len(p.live) > mostEmpty {
			delete(p.live, c.key)
		}
	}
	p.changedQueues, p.changedLive = p.changedQueues[:0], p.changedLive[:0]
}
