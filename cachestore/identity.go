package cachestore

import (
	"context"
	"crypto/rand"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Identity is a random text that names this Redis, under this prefix: one and
// the same for all who use it, by whatever address, and another one for any other
// Redis. Where it is missing, known becomes it, or with "" a new one: whoever
// knew the identity of a Redis that was wiped gives it back. The error matches
// domain.ErrUnreachable.
func (s *Store) Identity(ctx context.Context, known string) (string, error) {
	if known == "" {
		known = strings.ToLower(rand.Text())
	}
	key := s.identityKey()
	var stored *redis.StringCmd
	_, err := s.rdb.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.SetNX(ctx, key, known, 0)
		stored = pipe.Get(ctx, key)
		return nil
	})
	if err != nil {
		return "", s.failed(ctx, "identity", err)
	}
	return stored.Val(), nil
}

// FindIdentity is Identity of who only looks: empty when there is none yet.
func (s *Store) FindIdentity(ctx context.Context) (string, error) {
	text, err := s.rdb.Get(ctx, s.identityKey()).Result()
	if err != nil && err != redis.Nil {
		return "", s.failed(ctx, "identity", err)
	}
	return text, nil
}
