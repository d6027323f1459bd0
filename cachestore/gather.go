package cachestore

import (
	"context"
	"errors"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/domain"
)

// Reads of callers who know nothing of each other share round trips: what is
// asked for while requests are under way goes together with the next one. That
// is several times as many reads a second as with a round trip for each, and a
// caller who is alone waits no longer. The library's own automatic pipelines
// would not do: a caller's deadline does not count there once a command is
// queued, and transactions are left out.
//
// What has to be read in one step goes in requests of its own, and each of those
// is one transaction. So it is true of each caller's part that nothing was
// written in between, MULTI and EXEC are shared, and what several want to know
// of that moment, a checkpoint or the time, is read once. Fields of the same hash
// are asked for with one command, whoever wants them.
//
// Replies stay as they came, in one buffer for all of a request, and each caller
// decodes its own part of it.

const (
	// maxFlights is how many requests of gathered reads are under way at once.
	// More would mean fewer reads in each.
	maxFlights = 2
	// flightSize is how many reads go together at most.
	flightSize = 128
	// keptBuffer bounds the replies whose buffer is used again, bytes.
	keptBuffer = 2 << 20
	// keptFlights is how many flights are kept for use again, of all gatherers.
	keptFlights = 4
)

// command is what Redis is told, the command's name first.
type command []any

// gatherer sends reads together.
type gatherer struct {
	rdb    redis.UniversalClient
	cfg    Config
	atOnce bool // each request in one step

	conns *ownConns

	mu      sync.Mutex
	waiting []*question
	flights int // requests under way
}

// question is what one caller reads: commands, or fields of a hash.
type question struct {
	commands []command
	hash     string // its key; empty: none is asked for
	fields   []string
	shared   []command // belong to it, and may be others' too

	first, at int // of its commands, or its hash, and the shared ones, in the flight
	answer    reply
	err       error
	done      chan struct{} // has room for one, so it can be used again
}

var questions = sync.Pool{New: func() any { return &question{done: make(chan struct{}, 1)} }}

// read carries out commands, and of a gatherer at once those of one step, and
// blocks until they have their replies. The caller releases the answer.
func (g *gatherer) read(ctx context.Context, shared []command, commands ...command) (reply, error) {
	q := questions.Get().(*question)
	q.commands, q.shared = commands, shared
	return g.ask(ctx, q)
}

// readFields is read for fields of a hash. The answer is one element for each. They
// must stay as they are, also when ctx has ended.
func (g *gatherer) readFields(ctx context.Context, shared []command, key string, fields ...string) (reply, error) {
	q := questions.Get().(*question)
	q.hash, q.fields, q.shared = key, fields, shared
	return g.ask(ctx, q)
}

func (g *gatherer) ask(ctx context.Context, q *question) (reply, error) {
	if err := ctx.Err(); err != nil {
		return reply{}, err
	}
	g.mu.Lock()
	g.waiting = append(g.waiting, q)
	if g.flights < maxFlights {
		g.flights++
		// Not in the caller's goroutine: the request is other callers' too.
		go g.fly()
	}
	g.mu.Unlock()
	select {
	case <-q.done:
	case <-ctx.Done():
		return reply{}, ctx.Err() // the question is not ours any more
	}
	answer, err := q.answer, q.err
	*q = question{done: q.done}
	questions.Put(q)
	return answer, err
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

func (g *gatherer) send(batch []*question) {
	ctx, cancel := context.WithTimeout(context.Background(), g.cfg.Timeout)
	defer cancel()
	f := newFlight()
	for _, q := range batch {
		f.add(q)
	}
	err := f.fetch(ctx, g)
	// Before the first of them is told.
	f.readers.Store(int32(len(batch))) //nolint:gosec // at most flightSize
	for _, q := range batch {
		if q.err = err; err == nil {
			q.answer = f.answer(q)
		}
		q.done <- struct{}{}
	}
}

// fetch uses a connection of the gatherer's own.
func (g *gatherer) fetch(ctx context.Context, f *flight) error {
	conn, err := g.conns.take(ctx)
	if err != nil {
		return err
	}
	err = conn.fetch(ctx, f, g.atOnce)
	g.conns.give(conn, err)
	return err
}

// readAt carries out commands of a partition in one step, nothing is written in
// between, and reads the checkpoint that all of it is of. The caller releases the
// answer. The error says what was to be done and matches domain.ErrUnreachable or
// domain.ErrUnknown.
func (p *Partition) readAt(ctx context.Context, what string, commands ...command) (reply, domain.Checkpoint, error) {
	r, err := p.atOnce.read(ctx, p.moment, commands...)
	return p.readOf(ctx, what, r, err)
}

// readFieldsAt is readAt for fields of a hash. The answer is one element for each.
func (p *Partition) readFieldsAt(ctx context.Context, what, key string, fields ...string) (reply, domain.Checkpoint, error) {
	r, err := p.atOnce.readFields(ctx, p.moment, key, fields...)
	return p.readOf(ctx, what, r, err)
}

// readOf completes a read with the checkpoint that it is of.
func (p *Partition) readOf(ctx context.Context, what string, r reply, err error) (reply, domain.Checkpoint, error) {
	if err != nil {
		return r, domain.Checkpoint{}, p.failed(ctx, what, err)
	}
	text := r.checkpoint()
	at, err := domain.ParseCheckpoint(text)
	if r.err != nil {
		err = p.failed(ctx, "read the checkpoint", r.err)
	}
	if err != nil {
		r.release()
	}
	return r, at, err
}

// readEach carries out one command on each of several partitions and reads the
// checkpoints that the replies are of. A partition may occur more than once.
// Otherwise like Partition.readAt.
func (s *Store) readEach(ctx context.Context, what string, partitions []*Partition, commands []command) (reply, []domain.Checkpoint, error) {
	if s.cfg.Cluster {
		return readEachAlone(ctx, what, partitions, commands)
	}
	all := make([]command, 0, 2*len(partitions))
	for _, p := range partitions {
		all = append(all, command{"get", p.checkpointKey()})
	}
	r, err := s.atOnce.read(ctx, nil, append(all, commands...)...)
	if err != nil {
		return r, nil, s.failed(ctx, what, err)
	}
	at := make([]domain.Checkpoint, len(partitions))
	for i := range at {
		text := r.text()
		if r.err != nil {
			err = s.failed(ctx, "read the checkpoint", r.err)
		} else {
			at[i], err = domain.ParseCheckpoint(text)
		}
		if err != nil {
			r.release()
			return r, nil, err
		}
	}
	return r, at, nil
}

// readEachAlone is readEach for a cluster, where partitions are on several nodes.
func readEachAlone(ctx context.Context, what string, partitions []*Partition, commands []command) (reply, []domain.Checkpoint, error) {
	parts, at, errs := make([]reply, len(partitions)), make([]domain.Checkpoint, len(partitions)), make([]error, len(partitions))
	var done sync.WaitGroup
	for i, p := range partitions {
		done.Go(func() { parts[i], at[i], errs[i] = p.readAt(ctx, what, commands[i]) })
	}
	done.Wait()
	var whole reply
	for i := range parts {
		if errs[i] == nil {
			whole.rest = append(whole.rest, parts[i].rest...)
			parts[i].release()
		}
	}
	return whole, at, errors.Join(errs...)
}

// gathererOf says what the reads of a partition go with: with all others, but in
// a cluster only with those of the same partition, so that a node that is gone
// holds up nobody else's.
func (s *Store) gathererOf(atOnce bool) *gatherer {
	switch {
	case s.cfg.Cluster:
		return s.newGatherer(atOnce)
	case atOnce:
		return s.atOnce
	}
	return s.gather
}

func (s *Store) newGatherer(atOnce bool) *gatherer {
	return &gatherer{rdb: s.rdb, cfg: s.cfg, atOnce: atOnce, conns: s.newOwnConns(maxFlights)}
}

// readScript runs a script that only reads, with g's other reads. The caller
// releases the answer.
func (g *gatherer) readScript(ctx context.Context, script *redis.Script, keys []string, args ...any) (reply, error) {
	c := append(make(command, 0, 3+len(keys)+len(args)), "evalsha", script.Hash(), len(keys))
	for _, key := range keys {
		c = append(c, key)
	}
	r, err := g.read(ctx, nil, append(c, args...))
	if err != nil || !redis.HasErrorPrefix(r.refusal(), "NOSCRIPT") {
		return r, err
	}
	r.release()
	answer, err := appendReply(nil, script.Eval(ctx, g.rdb, keys, args...))
	return reply{rest: answer}, err
}
