package cachestore

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// mostCalls is how many connections of the store's own serve calls of scripts.
// Whoever finds all of them in use asks the library, whose pool is larger.
const mostCalls = 8

// scriptCall is a script with the keys that it is always called with. What is the
// same in each request is written once.
type scriptCall struct {
	script *redis.Script
	keys   []string
	head   []byte // of the request: all before the arguments
}

// newScriptCall is for calls with so many arguments.
func newScriptCall(script *redis.Script, keys []string, args int) *scriptCall {
	c := command{"evalsha", script.Hash(), len(keys)}
	for _, key := range keys {
		c = append(c, key)
	}
	head := appendHead(nil, '*', len(c)+args)
	for _, arg := range c {
		head, _ = appendArgument(head, arg) // texts and a number
	}
	return &scriptCall{script, keys, head}
}

// run calls the script, in the caller's goroutine, over a connection of the store's
// own, which costs half of what the library does for a call (BenchmarkPopLatency).
// The caller releases the answer.
//
// When that cannot be, the library does the call: in a cluster, when all those
// connections are in use or none can be made, when Redis does not have the script,
// and when it refuses because it begins, or is no master any more. And when the
// connection ended before there was an answer, as all do that Redis closes for
// their idleness or because it is started anew: the script may have run then, and
// runs again. The library does the same with its own, so a script must bear it.
// Nothing is repeated when the time is up, or when the data is of another type:
// then the script may have run in part.
func (c *scriptCall) run(ctx context.Context, s *Store, args ...any) (reply, error) {
	if err := ctx.Err(); err != nil {
		return reply{}, err
	}
	r, err := c.runOwn(ctx, s.calls, args)
	if err == nil {
		if err = r.refusal(); err == nil {
			return r, nil
		}
		r.release()
	}
	if isTimeout(err) || isContradiction(err) {
		return reply{}, err
	}
	answer, err := appendReply(nil, c.script.Run(ctx, s.rdb, c.keys, args...))
	r = reply{rest: answer}
	if err == nil {
		err = r.refusal()
	}
	return r, err
}

func (c *scriptCall) runOwn(ctx context.Context, conns *ownConns, args []any) (reply, error) {
	conn, err := conns.take(ctx)
	if err != nil {
		return reply{}, errNotSent
	}
	f := newFlight()
	err = conn.call(callDeadline(ctx, conns.cfg.Timeout), c.head, args, f)
	conns.give(conn, err)
	f.readers.Store(1)
	if err != nil {
		f.release()
		return reply{}, err
	}
	return reply{rest: f.part(0, 1), from: f}, nil
}

// callDeadline is when a request must be over: as for those of the library.
func callDeadline(ctx context.Context, timeout time.Duration) time.Time {
	deadline := time.Now().Add(timeout)
	if sooner, ok := ctx.Deadline(); ok && sooner.Before(deadline) {
		return sooner
	}
	return deadline
}
