package cachestore

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

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
// of that moment, a checkpoint or the time, is read once.
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

	mu      sync.Mutex
	waiting []*question
	flights int         // requests under way
	idle    []*readConn // none in a cluster
	closed  bool
}

// question is what one caller reads.
type question struct {
	commands []command
	shared   command // belongs to it, and may be others' too; nil: none

	first, at int // of its commands, and the shared one's, in the flight
	answer    reply
	err       error
	done      chan struct{} // has room for one, so it can be used again
}

var questions = sync.Pool{New: func() any { return &question{done: make(chan struct{}, 1)} }}

// read carries out commands, and of a gatherer at once those of one step, and
// blocks until they have their replies. The caller releases the answer.
func (g *gatherer) read(ctx context.Context, shared command, commands ...command) (reply, error) {
	if err := ctx.Err(); err != nil {
		return reply{}, err
	}
	q := questions.Get().(*question)
	q.commands, q.shared = commands, shared
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

// flight is one request and the replies to it.
type flight struct {
	commands []command
	shared   []int // those of the commands that may be several callers'
	replies  []byte
	start    int          // where in replies the first one begins
	ends     []int        // where the reply to each command ends
	readers  atomic.Int32 // callers who have not released their part
}

// idleFlights are those that are used again. They are no sync.Pool, because the
// collector empties one: readers of long lists have it run so often that a fifth
// of what they allocate would be buffers that grow anew.
var idleFlights struct {
	mu   sync.Mutex
	list []*flight
}

// newFlight is a flight without anything in it.
func newFlight() *flight {
	idleFlights.mu.Lock()
	defer idleFlights.mu.Unlock()
	n := len(idleFlights.list)
	if n == 0 {
		return new(flight)
	}
	f := idleFlights.list[n-1]
	idleFlights.list = idleFlights.list[:n-1]
	return f
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
			q.answer = reply{rest: f.part(q.first, q.first+len(q.commands)), from: f}
			if q.shared != nil {
				q.answer.shared = f.part(q.at, q.at+1)
			}
		}
		q.done <- struct{}{}
	}
}

func (f *flight) add(q *question) {
	if q.shared != nil {
		q.at = f.share(q.shared)
	}
	q.first = len(f.commands)
	f.commands = append(f.commands, q.commands...)
}

// share is the place of a command that goes once.
func (f *flight) share(c command) int {
	for _, i := range f.shared {
		if slices.Equal(f.commands[i], c) {
			return i
		}
	}
	f.shared = append(f.shared, len(f.commands))
	f.commands = append(f.commands, c)
	return len(f.commands) - 1
}

// part is the replies to some of the commands.
func (f *flight) part(first, end int) []byte {
	start := f.start
	if first > 0 {
		start = f.ends[first-1]
	}
	return f.replies[start:f.ends[end-1]]
}

// release says that one caller is done with its part.
func (f *flight) release() {
	if f.readers.Add(-1) > 0 || cap(f.replies) > keptBuffer {
		return
	}
	f.reset()
	clear(f.commands[:cap(f.commands)])
	f.commands, f.shared = f.commands[:0], f.shared[:0]
	idleFlights.mu.Lock()
	defer idleFlights.mu.Unlock()
	if len(idleFlights.list) < keptFlights {
		idleFlights.list = append(idleFlights.list, f)
	}
}

func (f *flight) reset() {
	f.replies, f.start, f.ends = f.replies[:0], 0, f.ends[:0]
}

// fetch carries out the commands. Without an error each has its reply.
func (f *flight) fetch(ctx context.Context, g *gatherer) error {
	// The library follows redirections, and repeats a request because Redis was
	// started anew or loads its data: then the first reply is an error.
	if !g.cfg.Cluster && g.fetch(ctx, f) == nil && f.replies[f.start] != '-' {
		return nil
	}
	f.reset()
	if g.atOnce {
		return f.fetchParsed(ctx, g.rdb.TxPipeline())
	}
	return f.fetchParsed(ctx, g.rdb.Pipeline())
}

// fetch uses a connection of the gatherer's own.
func (g *gatherer) fetch(ctx context.Context, f *flight) error {
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return redis.ErrClosed
	}
	var conn *readConn
	if n := len(g.idle); n > 0 {
		conn, g.idle = g.idle[n-1], g.idle[:n-1]
	}
	g.mu.Unlock()
	if conn == nil {
		var err error
		if conn, err = dialRead(ctx, g.rdb.(*redis.Client), g.cfg); err != nil {
			return err
		}
	}
	err := conn.fetch(ctx, f, g.atOnce)
	g.mu.Lock()
	defer g.mu.Unlock()
	if err != nil || g.closed {
		_ = conn.Close()
		return err
	}
	g.idle = append(g.idle, conn)
	return nil
}

// close ends the connections.
func (g *gatherer) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	for _, conn := range g.idle {
		_ = conn.Close()
	}
	g.idle = nil
}

// fetchParsed lets the library make sense of the replies, and puts them back
// into the form in which they came.
func (f *flight) fetchParsed(ctx context.Context, pipe redis.Pipeliner) (err error) {
	cmds := make([]*redis.Cmd, len(f.commands))
	for i, c := range f.commands {
		cmds[i] = redis.NewCmd(ctx, c...)
		_ = pipe.Process(ctx, cmds[i])
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	for _, cmd := range cmds {
		if f.replies, err = appendReply(f.replies, cmd); err != nil {
			return err
		}
		f.ends = append(f.ends, len(f.replies))
	}
	return nil
}

// readAt carries out commands of a partition in one step, nothing is written in
// between, and reads the checkpoint that all of it is of. The caller releases the
// answer. The error says what was to be done and matches domain.ErrUnreachable or
// domain.ErrUnknown.
func (p *Partition) readAt(ctx context.Context, what string, commands ...command) (reply, domain.Checkpoint, error) {
	r, err := p.atOnce.read(ctx, command{"get", p.checkpointKey()}, commands...)
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
	return &gatherer{rdb: s.rdb, cfg: s.cfg, atOnce: atOnce}
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
