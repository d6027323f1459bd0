package client

import (
	"context"
	"sync"
	"time"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/internal/pause"
)

// changes tells watchers when a partition has moved. However many watchers a
// client has, each partition is waited for once.
type changes struct {
	ctx    context.Context
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu      sync.Mutex
	follows map[string]*follow
}

// follow is the wait for one partition, for as long as it has subscribers.
type follow struct {
	cancel      context.CancelFunc
	subscribers map[*subscription]struct{}
}

// subscription is one watcher's view: a signal that holds at most one token,
// and what it stands for.
type subscription struct {
	changes *changes
	streams []string
	signal  chan struct{}

	mu    sync.Mutex
	moved map[string]bool
	err   error
}

func newChanges() *changes {
	c := &changes{follows: make(map[string]*follow)}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

func (c *changes) close() {
	c.cancel()
	c.done.Wait()
}

// subscribe begins to watch partitions. All of them count as moved at first.
func (c *changes) subscribe(partitions []*cachestore.Partition) *subscription {
	s := &subscription{changes: c, signal: make(chan struct{}, 1), moved: make(map[string]bool)}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range partitions {
		stream := p.Stream()
		s.streams = append(s.streams, stream)
		s.mark(stream, nil)
		f := c.follows[stream]
		if f == nil {
			ctx, cancel := context.WithCancel(c.ctx)
			f = &follow{cancel: cancel, subscribers: make(map[*subscription]struct{})}
			c.follows[stream] = f
			c.done.Go(func() { c.run(ctx, p, f) })
		}
		f.subscribers[s] = struct{}{}
	}
	return s
}

func (s *subscription) close() {
	c := s.changes
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, stream := range s.streams {
		f := c.follows[stream]
		delete(f.subscribers, s)
		if len(f.subscribers) == 0 {
			f.cancel()
			delete(c.follows, stream)
		}
	}
}

func (s *subscription) mark(stream string, err error) {
	s.mu.Lock()
	if err != nil {
		s.err = err
	} else {
		s.moved[stream] = true
	}
	s.mu.Unlock()
	select {
	case s.signal <- struct{}{}:
	default:
	}
}

// take returns which partitions moved since the last call, or why that is not
// known.
func (s *subscription) take() (map[string]bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	moved, err := s.moved, s.err
	s.moved, s.err = make(map[string]bool), nil
	return moved, err
}

// nudge has the watchers of a stream look again although nothing is new in it.
func (c *changes) nudge(stream string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.follows[stream]; f != nil {
		for s := range f.subscribers {
			s.mark(stream, nil)
		}
	}
}

// run waits for the partition again and again.
func (c *changes) run(ctx context.Context, p *cachestore.Partition, f *follow) {
	var seen, epoch uint64
	failed := false
	for ctx.Err() == nil {
		seq, err := p.Wait(ctx, seen, waitSlice)
		if err == nil && seq <= seen && !failed {
			// Nothing came. After a wipe the sequence may have gone back, and
			// what was folded anew is to be seen too, be it that it is where it was
			// by now. The first time nobody knows.
			at, cpErr := p.Checkpoint(ctx)
			if cpErr == nil && at.Seq >= seen && at.Epoch == epoch {
				continue
			}
			seq, epoch, err = at.Seq, at.Epoch, cpErr
		}
		if ctx.Err() != nil {
			return
		}
		failed = err != nil // what failed readers missed is to be read when Redis is back
		if !failed {
			seen = seq
		}
		c.mu.Lock()
		for s := range f.subscribers {
			s.mark(p.Stream(), err)
		}
		c.mu.Unlock()
		if err != nil {
			pause.For(ctx, 200*time.Millisecond)
		}
	}
}
