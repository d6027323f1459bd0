package cachestore

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/domain"
)

// Wait blocks until the partition reflects the log beyond the sequence after,
// or for at most timeout (rounded up to milliseconds), and returns the sequence
// that it then reflects, which is after or less when the time ran out. It holds
// one connection for as long as it waits. The error matches
// domain.ErrUnreachable or domain.ErrUnknown, or is ctx's.
func (p *Partition) Wait(ctx context.Context, after uint64, timeout time.Duration) (uint64, error) {
	streams, err := p.store.rdb.XRead(ctx, &redis.XReadArgs{
		// The greatest id of entries up to after.
		Streams: []string{p.changedKey(), strconv.FormatUint(after, 10) + "-1"},
		Block:   max(timeout, time.Millisecond),
	}).Result()
	if err == redis.Nil {
		return 0, nil
	}
	if err != nil {
		return 0, p.failed(ctx, "wait", err)
	}
	var seq uint64
	for _, stream := range streams {
		for _, entry := range stream.Messages {
			text, _, _ := strings.Cut(entry.ID, "-")
			n, err := strconv.ParseUint(text, 10, 64)
			if err != nil {
				return 0, fmt.Errorf("%s: %w: entry id %q", p.changedKey(), domain.ErrUnknown, entry.ID)
			}
			seq = max(seq, n)
		}
	}
	return seq, nil
}
