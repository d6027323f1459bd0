package cachestore

import (
	"context"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// Wait blocks until the partition reflects the log beyond the sequence after,
// or for at most timeout (rounded up to milliseconds), and returns the sequence
// that it then reflects, which is after or less when the time ran out. It holds
// one connection for as long as it waits. The error matches
// domain.ErrUnreachable, or is ctx's.
func (p *Partition) Wait(ctx context.Context, after uint64, timeout time.Duration) (uint64, error) {
	streams, err := p.store.rdb.XRead(ctx, &redis.XReadArgs{
		Streams: []string{p.changedKey(), entryIDAfter(after)},
		Block:   max(timeout, time.Millisecond),
	}).Result()
	if err == redis.Nil {
		return 0, nil
	}
	if err != nil {
		return 0, p.store.unreachable(ctx, err)
	}
	var seq uint64
	for _, stream := range streams {
		for _, entry := range stream.Messages {
			if s, _, err := parseEntryID(entry.ID); err == nil {
				seq = max(seq, s)
			}
		}
	}
	return seq, nil
}

// entryIDAfter is the greatest id of entries up to a sequence.
func entryIDAfter(seq uint64) string { return strconv.FormatUint(seq, 10) + "-1" }
