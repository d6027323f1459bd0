package client

import (
	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/domain"
)

// rights are what the intents of some orders depend on: fences, each of which is
// stored once however many orders depend on it.
type rights struct {
	worker string
	fences []bus.Change
	known  map[condition]int // in fences
	of     []needs           // by order
}

// needs are the fences that an order depends on.
type needs struct {
	in [maxNeeds]int
	n  int
}

// maxNeeds is how many there may be: of the block, the opening mark, the newest grant
// and the halts, and of a block and an opening mark that have expired.
const maxNeeds = 6

// condition is that the newest message about something is a certain one.
type condition struct {
	about domain.Key
	last  uint64
}

func newRights(worker string, orders int) *rights {
	return &rights{worker: worker, known: make(map[condition]int), of: make([]needs, orders)}
}

// need makes order i depend on the newest message about something. The fence is one
// of a market, or with an empty symbol of the whole exchange.
func (r *rights) need(i int, symbol string, about domain.Key, last uint64) {
	c := condition{about, last}
	at, known := r.known[c]
	if !known {
		at = len(r.fences)
		r.known[c] = at
		r.fences = append(r.fences, bus.Change{
			Event: domain.Fence{Exchange: about.Exchange, Symbol: symbol, Worker: r.worker}, If: about, Last: last,
		})
	}
	its := &r.of[i]
	its.in[its.n] = at
	its.n++
}

// needAll makes order i depend on all that was seen when it was popped: nobody got
// the block or the opening mark of its market or gave them back, no trading was
// halted. With grants, the sequence of the exchange's newest one, that stands for
// the block and the mark: what the pop saw is newer.
func (r *rights) needAll(i int, d OrderDelivery, grants *uint64) {
	// A token is worth nothing once what it is of was given back, also if nobody was
	// granted that since: then orders of other bots, which had to wait, come first.
	if grants == nil || d.BlockToken != 0 {
		r.need(i, d.Symbol, domain.Key{Kind: domain.KindBlock, Exchange: d.Exchange, Symbol: d.Symbol}, d.BlockSeq)
	}
	if grants == nil || d.OpeningToken != 0 {
		r.need(i, d.Symbol, domain.Key{Kind: domain.KindOpening, Exchange: d.Exchange, Symbol: d.Symbol}, d.OpeningSeq)
	}
	if grants != nil {
		r.need(i, "", domain.Key{Kind: domain.KindGranted, Exchange: d.Exchange}, *grants)
	}
	r.need(i, "", domain.Key{Kind: domain.KindHalt, Exchange: d.Exchange}, d.HaltSeq)
}

// granted tells whether all that order i depends on was so behind a sequence, by
// what became of the fences.
func (r *rights) granted(i int, behind uint64, stored []bus.Stored) error {
	its := &r.of[i]
	for _, at := range its.in[:its.n] {
		switch s := stored[at]; {
		case s.Err != nil:
			return s.Err
		case s.Seq < behind:
			return domain.ErrConflict // it says nothing of the time between
		}
	}
	return nil
}
