package cachestore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Reads of callers who know nothing of each other share round trips: what is
// asked for while requests are under way goes together with the next one. That
// is several times as many reads a second as with a round trip for each, and a
// caller who is alone waits no longer. The library's own automatic pipelines
// would not do: a caller's deadline does not count there once a command is
// queued, and transactions are left out.

const (
	// maxFlights is how many requests of gathered reads are under way at once.
	// More would mean fewer reads in each.
	maxFlights = 2
	// flightSize is how many reads go together at most.
	flightSize = 128
)

// gatherer sends reads together.
type gatherer struct {
	rdb     redis.UniversalClient
	timeout time.Duration // of one request

	mu      sync.Mutex
	waiting []*gathered
	flights int // requests under way
}

// gathered is what one caller reads.
type gathered struct {
	cmds   []redis.Cmder
	atomic bool // in one step
	exec   *redis.SliceCmd
	done   chan struct{}
}

// read carries out commands and blocks until they have their replies, which say
// what went wrong with each. An error is ctx's: then the commands must not be
// looked at, they may yet be carried out.
func (g *gatherer) read(ctx context.Context, cmds []redis.Cmder, atomic bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r := &gathered{cmds: cmds, atomic: atomic, done: make(chan struct{})}
	g.mu.Lock()
	g.waiting = append(g.waiting, r)
	if g.flights < maxFlights {
		g.flights++
		// Not in the caller's goroutine: the request is other callers' too.
		go g.fly()
	}
	g.mu.Unlock()
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// fly sends what waits until nothing does.
func (g *gatherer) fly() {
	for {
		g.mu.Lock()
		n := min(flightSize, len(g.waiting))
		if n == 0 {
			g.flights--
			g.mu.Unlock()
			return
		}
		batch := g.waiting[:n:n]
		if g.waiting = g.waiting[n:]; len(g.waiting) == 0 {
			g.waiting = nil
		}
		g.mu.Unlock()
		g.send(batch)
	}
}

func (g *gatherer) send(batch []*gathered) {
	ctx, cancel := context.WithTimeout(context.Background(), g.timeout)
	defer cancel()
	pipe := g.rdb.Pipeline()
	for _, r := range batch {
		r.put(ctx, pipe)
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	for _, r := range batch {
		if r.atomic {
			r.distribute()
		}
		close(r.done)
	}
}

// put adds the commands to a request. In a transaction they are answered with
// "queued" at first, and their replies are those of EXEC.
func (r *gathered) put(ctx context.Context, pipe redis.Pipeliner) {
	if !r.atomic {
		_ = pipe.BatchProcess(ctx, r.cmds...)
		return
	}
	_ = pipe.Process(ctx, redis.NewStatusCmd(ctx, "multi"))
	for _, cmd := range r.cmds {
		_ = pipe.Process(ctx, redis.NewStatusCmd(ctx, cmd.Args()...))
	}
	r.exec = redis.NewSliceCmd(ctx, "exec")
	_ = pipe.Process(ctx, r.exec)
}

// distribute gives each command its part of the reply to EXEC.
func (r *gathered) distribute() {
	replies, err := r.exec.Result()
	if err == nil && len(replies) != len(r.cmds) {
		err = fmt.Errorf("%d replies to %d commands", len(replies), len(r.cmds))
	}
	for i, cmd := range r.cmds {
		if err != nil {
			cmd.SetErr(err)
			continue
		}
		if err := setReply(cmd, replies[i]); err != nil {
			cmd.SetErr(err)
		}
	}
}

var errReply = errors.New("a reply of another type")

// setReply gives a command the reply that it would have read. It knows the types
// of command that are read in one step.
func setReply(cmd redis.Cmder, reply any) error {
	if err, ok := reply.(error); ok {
		return err
	}
	ok := false
	switch cmd := cmd.(type) {
	case *redis.StringCmd:
		if reply == nil {
			return redis.Nil
		}
		var text string
		if text, ok = reply.(string); ok {
			cmd.SetVal(text)
		}
	case *redis.IntCmd:
		var n int64
		if n, ok = reply.(int64); ok {
			cmd.SetVal(n)
		}
	case *redis.SliceCmd:
		var values []any
		if values, ok = reply.([]any); ok {
			cmd.SetVal(values)
		}
	case *redis.StringSliceCmd:
		var values []any
		if values, ok = reply.([]any); ok {
			texts := make([]string, len(values))
			for i, value := range values {
				if texts[i], ok = value.(string); !ok {
					return errReply
				}
			}
			cmd.SetVal(texts)
		}
	case *redis.MapStringStringCmd:
		texts := make(map[string]string)
		switch values := reply.(type) {
		case map[any]any: // by the newer protocol
			for name, value := range values {
				n, named := name.(string)
				v, valued := value.(string)
				if !named || !valued {
					return errReply
				}
				texts[n] = v
			}
			ok = true
		case []any:
			ok = len(values)%2 == 0
			for i := 0; ok && i < len(values); i += 2 {
				n, named := values[i].(string)
				v, valued := values[i+1].(string)
				texts[n], ok = v, named && valued
			}
		}
		cmd.SetVal(texts)
	}
	if !ok {
		return errReply
	}
	return nil
}

// reads collects commands; see Partition.read.
func (s *Store) reads() redis.Pipeliner { return s.rdb.Pipeline() }

// read carries out the commands of a partition that reads has collected, and
// returns the first error but redis.Nil. After an error they must not be looked
// at.
func (p *Partition) read(ctx context.Context, reads redis.Pipeliner) error {
	return gatheredError(p.gather.read(ctx, reads.Cmds(), false), reads.Cmds())
}

// readAtOnce is read in one step: nothing is written between the commands.
func (p *Partition) readAtOnce(ctx context.Context, reads redis.Pipeliner) error {
	cmds := reads.Cmds()
	if p.gather == p.store.gather {
		return gatheredError(p.gather.read(ctx, cmds, true), cmds)
	}
	// In a cluster a transaction must know its node.
	tx := p.store.rdb.TxPipeline()
	_ = tx.BatchProcess(ctx, cmds...)
	_, _ = tx.Exec(ctx) // each command has its own error
	return gatheredError(nil, cmds)
}

// read carries out commands on several partitions, otherwise like
// Partition.read.
func (s *Store) read(ctx context.Context, reads redis.Pipeliner) error {
	if s.gather != nil {
		return gatheredError(s.gather.read(ctx, reads.Cmds(), false), reads.Cmds())
	}
	cmds := reads.Cmds()
	_, _ = reads.Exec(ctx) // each command has its own error
	return gatheredError(nil, cmds)
}

func gatheredError(err error, cmds []redis.Cmder) error {
	if err != nil {
		return err
	}
	for _, cmd := range cmds {
		if err := cmd.Err(); err != nil && err != redis.Nil {
			return err
		}
	}
	return nil
}

// gathererOf says what the reads of a partition go with: with all others, but in
// a cluster only with those of the same partition, so that a node that is gone
// holds up nobody else's.
func (s *Store) gathererOf() *gatherer {
	if s.gather != nil {
		return s.gather
	}
	return &gatherer{rdb: s.rdb, timeout: s.cfg.Timeout}
}

// readScript runs a script that only reads, with g's other reads.
func (g *gatherer) readScript(ctx context.Context, script *redis.Script, keys []string, args ...any) *redis.Cmd {
	pipe := g.rdb.Pipeline()
	cmd := pipe.EvalShaRO(ctx, script.Hash(), keys, args...)
	if err := g.read(ctx, pipe.Cmds(), false); err != nil {
		failed := redis.NewCmd(ctx)
		failed.SetErr(err)
		return failed
	}
	if redis.HasErrorPrefix(cmd.Err(), "NOSCRIPT") {
		return script.EvalRO(ctx, g.rdb, keys, args...)
	}
	return cmd
}
