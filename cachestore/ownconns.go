package cachestore

import (
	"context"
	"sync"

	"github.com/redis/go-redis/v9"
)

// ownConns are the connections of the store's own that serve one purpose.
type ownConns struct {
	rdb  redis.UniversalClient
	cfg  Config
	most int // at once; there is none in a cluster

	mu     sync.Mutex
	idle   []*ownConn
	open   int // idle ones included
	closed bool
}

func (s *Store) newOwnConns(most int) *ownConns {
	if s.cfg.Cluster {
		most = 0
	}
	return &ownConns{rdb: s.rdb, cfg: s.cfg, most: most}
}

// take connects, unless there is a connection that nobody uses. The error is
// redis.ErrClosed when they are closed, and redis.ErrPoolExhausted when too many
// are in use; whatever it is, nothing was asked for.
func (o *ownConns) take(ctx context.Context) (*ownConn, error) {
	o.mu.Lock()
	switch n := len(o.idle); {
	case o.closed:
		o.mu.Unlock()
		return nil, redis.ErrClosed
	case n > 0:
		conn := o.idle[n-1]
		o.idle = o.idle[:n-1]
		o.mu.Unlock()
		return conn, nil
	case o.open >= o.most:
		o.mu.Unlock()
		return nil, redis.ErrPoolExhausted
	}
	o.open++
	o.mu.Unlock()
	conn, err := dialOwn(ctx, o.rdb.(*redis.Client), o.cfg)
	if err != nil {
		o.mu.Lock()
		o.open--
		o.mu.Unlock()
	}
	return conn, err
}

// give takes a connection back. After an error it is of no more use.
func (o *ownConns) give(conn *ownConn, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err != nil || o.closed {
		o.open--
		_ = conn.Close()
		return
	}
	o.idle = append(o.idle, conn)
}

// close ends them.
func (o *ownConns) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	for _, conn := range o.idle {
		_ = conn.Close()
	}
	o.open -= len(o.idle)
	o.idle = nil
}
