package private

import (
	"sync"
	"time"
)

// remembered is how long an order is known to have been taken.
const remembered = 10 * time.Minute

// taken are the orders that the venue was heard to have lately, by client order
// id. A venue's lists may lag behind: an order that has just ended may be in
// none of them, and who took that for an order that never was would send it
// again. Safe for concurrent use.
type taken struct {
	mu    sync.Mutex
	ids   map[string]time.Time
	prune time.Time
}

func (t *taken) add(id string) {
	if id == "" {
		return
	}
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ids == nil {
		t.ids = make(map[string]time.Time)
	}
	t.ids[id] = now
	if now.Before(t.prune) {
		return
	}
	t.prune = now.Add(remembered)
	for old, at := range t.ids {
		if now.Sub(at) > remembered {
			delete(t.ids, old)
		}
	}
}

func (t *taken) has(id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	at, ok := t.ids[id]
	return ok && time.Since(at) <= remembered
}
