package cachestore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/domain"
)

// Messages that are no events of the log are entries of a capped Redis Stream:
// field "m" is the encoded message, the entry's id is its time by Redis's clock
// and its place.

const messageField = "m"

// addMessage appends to a stream and returns the id of the new entry.
func (s *Store) addMessage(ctx context.Context, key string, keep int, message []byte) (string, error) {
	id, err := s.rdb.XAdd(ctx, &redis.XAddArgs{Stream: key, MaxLen: int64(keep), Values: []any{messageField, message}}).Result()
	if err != nil {
		return "", s.failed(ctx, "add to "+key, err)
	}
	return id, nil
}

// waitMessages blocks until a stream has an entry behind the id after, or for at
// most timeout, rounded up to milliseconds. It holds one connection meanwhile
// and takes nothing away.
func (s *Store) waitMessages(ctx context.Context, key, after string, timeout time.Duration) error {
	err := s.rdb.XRead(ctx, &redis.XReadArgs{
		Streams: []string{key, after}, Count: 1, Block: max(timeout, time.Millisecond),
	}).Err()
	if err != nil && err != redis.Nil {
		return s.failed(ctx, "wait for "+key, err)
	}
	return nil
}

// decodeMessage reads one entry and its time.
func decodeMessage[T any](key string, entry redis.XMessage, decode func([]byte) (T, error)) (T, time.Time, error) {
	text, _ := entry.Values[messageField].(string)
	message, err := decode([]byte(text))
	var at time.Time
	if err == nil {
		at, err = timeOfEntry(entry.ID)
	}
	if err != nil {
		return message, at, fmt.Errorf("%s %s: %w: %w", key, entry.ID, domain.ErrUnknown, err)
	}
	return message, at, nil
}

var errEntryID = errors.New("not the id of an entry")

// timeOfEntry is when Redis took an entry, to the millisecond.
func timeOfEntry(id string) (time.Time, error) {
	text, seq, ok := strings.Cut(id, "-")
	ms, err := strconv.ParseInt(text, 10, 64)
	if _, seqErr := strconv.ParseUint(seq, 10, 64); !ok || err != nil || seqErr != nil || ms < 0 {
		return time.Time{}, errEntryID
	}
	return time.UnixMilli(ms).UTC(), nil
}
