package projector

// recentIDs is the set of the newest ids, up to a limit: those of the trades
// that Redis keeps.
type recentIDs struct {
	limit   int
	seen    map[string]struct{}
	ring    []string
	oldest  int  // index in ring, once that is full
	dropped bool // an id had to go since the last call of overflowed
}

func newRecentIDs(limit int) *recentIDs {
	return &recentIDs{limit: limit, seen: make(map[string]struct{})}
}

// add reports whether the id is new, and adds it then.
func (r *recentIDs) add(id string) bool {
	if _, ok := r.seen[id]; ok {
		return false
	}
	r.seen[id] = struct{}{}
	if len(r.ring) < r.limit {
		r.ring = append(r.ring, id)
		return true
	}
	delete(r.seen, r.ring[r.oldest])
	r.ring[r.oldest] = id
	r.oldest = (r.oldest + 1) % r.limit
	r.dropped = true
	return true
}

// overflowed reports whether ids had to go since it was last called.
func (r *recentIDs) overflowed() bool {
	dropped := r.dropped
	r.dropped = false
	return dropped
}
