package cachestore

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// flight is one request and the replies to it.
type flight struct {
	commands []command
	shared   []int // where those of the commands begin that may be several callers'
	hashes   []hashRead
	replies  []byte
	start    int          // where in replies the first one begins
	ends     []int        // where the reply to each command ends
	readers  atomic.Int32 // callers who have not released their part
}

// hashRead is what several callers want of one hash.
type hashRead struct {
	key     string
	command command
	at      int   // of the command in the flight
	rest    reply // what nobody was given yet
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

func (f *flight) add(q *question) {
	if q.shared != nil {
		q.at = f.share(q.shared)
	}
	if q.hash != "" {
		q.first = f.addFields(q)
		return
	}
	q.first = len(f.commands)
	f.commands = append(f.commands, q.commands...)
}

// share is the place of commands that go once.
func (f *flight) share(commands []command) int {
	for _, at := range f.shared {
		if sameCommands(f.commands[at:], commands) {
			return at
		}
	}
	at := len(f.commands)
	f.shared = append(f.shared, at)
	f.commands = append(f.commands, commands...)
	return at
}

// sameCommands tells whether those that are there begin with others.
func sameCommands(there, others []command) bool {
	return len(there) >= len(others) && slices.EqualFunc(there[:len(others)], others, slices.Equal[command])
}

// addFields is the place of a hash of which fields are read.
func (f *flight) addFields(q *question) int {
	i := slices.IndexFunc(f.hashes, func(h hashRead) bool { return h.key == q.hash })
	if i < 0 {
		i = len(f.hashes)
		f.hashes = slices.Grow(f.hashes, 1)[:i+1] // its command's memory is used again
		h := &f.hashes[i]
		h.key, h.at, h.command = q.hash, len(f.commands), append(h.command, "hmget", &q.hash)
		f.commands = append(f.commands, h.command)
	}
	h := &f.hashes[i]
	for n := range q.fields {
		h.command = append(h.command, &q.fields[n])
	}
	f.commands[h.at] = h.command
	return i
}

// answer is a caller's part. Those who read fields of one hash get theirs in the
// order in which they were added; an error is everybody's.
func (f *flight) answer(q *question) reply {
	r := reply{from: f}
	if q.shared != nil {
		r.shared = f.part(q.at, q.at+len(q.shared))
	}
	if q.hash == "" {
		r.rest = f.part(q.first, q.first+len(q.commands))
		return r
	}
	h := &f.hashes[q.first]
	if h.rest.rest == nil {
		h.rest.rest = f.part(h.at, h.at+1)
		if h.rest.refusal() == nil {
			h.rest.list()
		}
	}
	if r.rest = h.rest.rest; h.rest.refusal() == nil {
		r.rest = h.rest.next(len(q.fields))
	}
	return r
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
	f.empty()
	idleFlights.mu.Lock()
	defer idleFlights.mu.Unlock()
	if len(idleFlights.list) < keptFlights {
		idleFlights.list = append(idleFlights.list, f)
	}
}

// empty lets go of what was asked and answered.
func (f *flight) empty() {
	f.reset()
	clear(f.commands[:cap(f.commands)])
	for i := range f.hashes {
		f.hashes[i] = hashRead{command: emptied(f.hashes[i].command)}
	}
	f.commands, f.shared, f.hashes = f.commands[:0], f.shared[:0], f.hashes[:0]
}

func (f *flight) reset() {
	f.replies, f.start, f.ends = f.replies[:0], 0, f.ends[:0]
}

// fetch carries out the commands. Without an error each has its reply.
func (f *flight) fetch(ctx context.Context, g *gatherer) error {
	// The library follows redirections, and repeats a request because Redis was
	// started anew or loads its data: then the first reply is an error.
	if g.fetch(ctx, f) == nil && f.replies[f.start] != '-' {
		return nil
	}
	f.reset()
	if g.atOnce {
		return f.fetchParsed(ctx, g.rdb.TxPipeline())
	}
	return f.fetchParsed(ctx, g.rdb.Pipeline())
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
