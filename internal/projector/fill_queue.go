package projector

import (
	"cmp"
	"slices"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
)

// fillQueue is the fold of the fills of one account at one exchange: the newest
// ones, each once, and those of them that are not acknowledged.
type fillQueue struct {
	queue     cachestore.Queue
	keep      int
	announced bool
	ids       *recentIDs
	unacked   map[string]uint64 // id to the sequence that it was first stored with
	order     []unackedFill     // the same, by sequence

	changed bool
	fills   []cachestore.Write
	put     map[string]cachestore.FillWrite
	removed map[string]bool
	dropped int
}

type unackedFill struct {
	first uint64
	id    string
}

func (f unackedFill) compare(other unackedFill) int {
	return cmp.Or(cmp.Compare(f.first, other.first), cmp.Compare(f.id, other.id))
}

func newFillQueue(q cachestore.Queue, keep int) *fillQueue {
	return &fillQueue{
		queue: q, keep: keep, ids: newRecentIDs(keep), unacked: make(map[string]uint64),
		put: make(map[string]cachestore.FillWrite), removed: make(map[string]bool),
	}
}

func (f *fillQueue) load(state cachestore.QueueState) {
	for _, id := range state.IDs {
		f.ids.add(id)
	}
	for id, first := range state.Unacked {
		f.unacked[id] = first
		f.order = append(f.order, unackedFill{first, id})
	}
	slices.SortFunc(f.order, unackedFill.compare)
}

// push takes a fill and reports whether it was news. A repetition by a projector
// is news as well: of where the log has the fill.
func (f *fillQueue) push(fill domain.Fill, w cachestore.Write) bool {
	first := fill.First
	if first == 0 {
		first = w.Seq
	}
	if known, ok := f.unacked[fill.ID]; ok {
		if known != first {
			return false
		}
	} else {
		if !f.ids.add(fill.ID) {
			return false
		}
		f.fills = append(f.fills, w)
		f.unacked[fill.ID] = first
		entry := unackedFill{first, fill.ID}
		at, _ := slices.BinarySearchFunc(f.order, entry, unackedFill.compare)
		f.order = slices.Insert(f.order, at, entry)
	}
	delete(f.removed, fill.ID)
	f.put[fill.ID] = cachestore.FillWrite{ID: fill.ID, First: first, Write: w}
	for len(f.order) > f.keep {
		f.remove(f.order[0].id)
		f.dropped++
	}
	return true
}

// ack reports whether the fill was waiting for it.
func (f *fillQueue) ack(id string) bool {
	_, ok := f.unacked[id]
	if ok {
		f.remove(id)
	}
	return ok
}

func (f *fillQueue) remove(id string) {
	entry := unackedFill{f.unacked[id], id}
	if at, found := slices.BinarySearchFunc(f.order, entry, unackedFill.compare); found {
		f.order = slices.Delete(f.order, at, at+1)
	}
	delete(f.unacked, id)
	delete(f.put, id)
	f.removed[id] = true
}

func (f *fillQueue) flush(b *cachestore.Batch) {
	if !f.announced {
		f.announced = true
		b.AddQueue(f.queue)
	}
	if len(f.fills) > 0 {
		b.AddFills(f.queue, f.fills)
		if f.ids.overflowed() {
			b.TrimFills(f.queue, f.keep)
		}
	}
	if len(f.removed) > 0 {
		ids := make([]string, 0, len(f.removed))
		for id := range f.removed {
			ids = append(ids, id)
		}
		b.RemoveUnacked(f.queue, ids)
	}
	if len(f.put) > 0 {
		fills := make([]cachestore.FillWrite, 0, len(f.put))
		for _, w := range f.put {
			fills = append(fills, w)
		}
		b.PutUnacked(f.queue, fills)
	}
	if f.dropped > 0 {
		b.CountDropped(f.queue, f.dropped)
	}
	clear(f.put)
	clear(f.removed)
	clear(f.fills)
	f.fills, f.dropped, f.changed = f.fills[:0], 0, false
}
