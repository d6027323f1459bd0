package cachestore

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// Prefix is what all keys of the deployment begin with.
func (s *Store) Prefix() string { return s.cfg.Prefix }

// eraseAtOnce is how many keys are deleted with one round trip.
const eraseAtOnce = 500

// Erase deletes every key of the deployment and returns how many there were. It
// looks for them with SCAN, on every master of a cluster, and leaves alone those
// of a deployment whose prefix only begins like this one's. What is written
// meanwhile may stay. The error matches domain.ErrUnreachable; some keys are
// deleted then.
func (s *Store) Erase(ctx context.Context) (int, error) {
	var erased atomic.Int64
	erase := func(ctx context.Context, node redis.Cmdable) error {
		// The prefix has no brace, so the next one begins the hash tag.
		iter := node.Scan(ctx, 0, globEscape(s.cfg.Prefix)+"{*", 1000).Iterator()
		keys := make([]string, 0, eraseAtOnce)
		flush := func() error {
			n, err := s.unlink(ctx, keys)
			erased.Add(n)
			keys = keys[:0]
			return err
		}
		for iter.Next(ctx) {
			if keys = append(keys, iter.Val()); len(keys) == eraseAtOnce {
				if err := flush(); err != nil {
					return err
				}
			}
		}
		if err := iter.Err(); err != nil {
			return err
		}
		return flush()
	}
	if err := s.eachMaster(ctx, erase); err != nil {
		return int(erased.Load()), s.failed(ctx, "clear "+s.cfg.Prefix, err)
	}
	return int(erased.Load()), nil
}

// Erase deletes everything that the partition holds, its checkpoint first, for a
// stream that is no more. What somebody applies from then on finds another
// checkpoint than it was folded from, and changes nothing. The error matches
// domain.ErrUnreachable; it may be called again then.
func (p *Partition) Erase(ctx context.Context) error {
	if _, err := p.store.unlink(ctx, []string{p.checkpointKey()}); err != nil {
		return p.failed(ctx, "erase", err)
	}
	keys, err := p.scan(ctx)
	for chunk := range slices.Chunk(keys, eraseAtOnce) {
		if err == nil {
			_, err = p.store.unlink(ctx, chunk)
		}
	}
	if err != nil {
		return p.failed(ctx, "erase", err)
	}
	return nil
}

// unlink deletes keys one by one, because in a cluster they are in many slots,
// but with one round trip to each node. The server frees the memory later.
func (s *Store) unlink(ctx context.Context, keys []string) (int64, error) {
	if len(keys) == 0 {
		return 0, nil
	}
	pipe := s.rdb.Pipeline()
	replies := make([]*redis.IntCmd, len(keys))
	for i, key := range keys {
		replies[i] = pipe.Unlink(ctx, key)
	}
	_, err := pipe.Exec(ctx)
	var n int64
	for _, reply := range replies {
		n += reply.Val()
	}
	return n, err
}
