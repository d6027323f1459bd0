package coinbase

import (
	"context"
	"sync"
)

// maxNames is how many names are kept at least.
const maxNames = 8192

// names are the venue's numbers of orders, by client order ids, and back: the
// venue is asked by the former only. An order's never change, so it does no harm
// to remember them; what was not used for long is forgotten. Safe for concurrent
// use.
type names struct {
	mu       sync.Mutex
	now, old generation
}

// generation are names that were learned one after the other.
type generation struct{ numbers, ids map[string]string }

func (n *names) learn(id, number string) {
	if id == "" || number == "" {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.put(id, number)
}

func (n *names) put(id, number string) {
	if n.now.numbers == nil || len(n.now.numbers) >= maxNames {
		n.old, n.now = n.now, generation{make(map[string]string), make(map[string]string)}
	}
	n.now.numbers[id], n.now.ids[number] = number, id
}

// number is the venue's, by the client order id.
func (n *names) number(id string) (number string, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if number, ok = n.now.numbers[id]; ok {
		return number, true
	}
	if number, ok = n.old.numbers[id]; ok {
		n.put(id, number)
	}
	return number, ok
}

// id is the client order id, by the venue's number.
func (n *names) id(number string) (id string, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if id, ok = n.now.ids[number]; ok {
		return id, true
	}
	id, ok = n.old.ids[number]
	return id, ok
}

// turns lets one at a time send an order of an id, so that of two the other is
// told that it is a duplicate. Safe for concurrent use.
type turns struct {
	mu   sync.Mutex
	busy map[string]chan struct{}
}

// take waits for the turn of an id, until ctx ends. done gives it back.
func (t *turns) take(ctx context.Context, id string) (done func(), err error) {
	for {
		t.mu.Lock()
		other, taken := t.busy[id]
		if !taken {
			mine := make(chan struct{})
			if t.busy == nil {
				t.busy = make(map[string]chan struct{})
			}
			t.busy[id] = mine
			t.mu.Unlock()
			return func() { t.give(id, mine) }, nil
		}
		t.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (t *turns) give(id string, mine chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.busy, id)
	close(mine)
}
