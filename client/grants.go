package client

import (
	"context"
	"sync"

	"github.com/fullon/fullon/domain"
)

// grants remembers of each exchange the newest grant of a block or an opening mark,
// as far as it is known here. What is remembered may be old: whoever relies on it
// makes what he stores conditional on it. It is safe for concurrent use.
type grants struct {
	mu     sync.Mutex
	newest map[string]uint64 // by exchange; zero: there never was one
}

// of is the sequence of an exchange's newest grant, which is asked for if nothing
// is remembered.
func (g *grants) of(ctx context.Context, b *Bots, exchange string) (uint64, error) {
	g.mu.Lock()
	seq, known := g.newest[exchange]
	g.mu.Unlock()
	if known {
		return seq, nil
	}
	_, seq, err := b.newest(ctx, domain.Key{Kind: domain.KindGranted, Exchange: exchange})
	if err != nil {
		return 0, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.newest == nil {
		g.newest = make(map[string]uint64)
	}
	g.newest[exchange] = seq
	return seq, nil
}

// forget drops what is remembered of an exchange, because it is old.
func (g *grants) forget(exchange string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.newest, exchange)
}
