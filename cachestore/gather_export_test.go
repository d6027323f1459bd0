package cachestore

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// OwnGet reads a key over a connection of the gatherer's own, without the
// library behind it that would do instead.
func (s *Store) OwnGet(ctx context.Context, key string) (string, error) {
	f := &flight{commands: []command{{"get", key}}}
	if err := s.gather.fetch(ctx, f); err != nil {
		return "", err
	}
	r := reply{rest: f.part(0, 1)}
	text := r.text()
	return text, r.err
}

// Count adds one to a key with a call of a script. own: without the library behind it.
func (s *Store) Count(ctx context.Context, key string, own bool) (int64, error) {
	c := newScriptCall(redis.NewScript("return redis.call('INCR', KEYS[1])"), []string{key}, 1)
	r, err := reply{}, error(nil)
	if own {
		r, err = c.runOwn(ctx, s.calls, []any{"x"})
	} else {
		r, err = c.run(ctx, s, "x")
	}
	if err != nil {
		return 0, err
	}
	defer r.release()
	n := r.number()
	return n, r.err
}
