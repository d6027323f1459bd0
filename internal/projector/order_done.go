package projector

import "hash/maphash"

// orderDone counts the final orders that are kept, and tells for an id whether one
// of them may have it. It keeps hashes: the ids of as many orders as are kept would
// be most of what the fold has in memory.
type orderDone struct {
	n      int
	seed   maphash.Seed
	hashes map[uint64]uint32 // how many ids have each
}

func newOrderDone() orderDone {
	return orderDone{seed: maphash.MakeSeed(), hashes: make(map[uint64]uint32)}
}

func (d *orderDone) add(id string) {
	d.n++
	d.hashes[maphash.String(d.seed, id)]++
}

func (d *orderDone) remove(id string) {
	d.n--
	hash := maphash.String(d.seed, id)
	if d.hashes[hash]--; d.hashes[hash] == 0 {
		delete(d.hashes, hash)
	}
}

// may is never false for an order that is kept, and hardly ever true for another.
func (d *orderDone) may(id string) bool { return d.hashes[maphash.String(d.seed, id)] > 0 }
