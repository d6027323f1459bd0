// Package content compares what two Redis hold of the log, byte for byte.
package content

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// direct is what processes write to Redis directly, because it may die with
// them: it is no part of any projection.
var direct = []string{"fullon:{PROCESSES}:", "fullon:{VENUE_ERRORS}:"}

// batches is what depends on which messages were folded together: which orders
// changed with each batch.
const batches = ":changes"

// Of is everything that a Redis, or the masters of a cluster, hold of the log, as
// far as any fold of it gives the same: a text for each key. Of checkpoints it leaves
// out the first number, which names the rebuild.
func Of(ctx context.Context, rdb redis.UniversalClient) (map[string]string, error) {
	out := make(map[string]string)
	var mu sync.Mutex
	read := func(ctx context.Context, node *redis.Client) error {
		its, err := of(ctx, node)
		mu.Lock()
		defer mu.Unlock()
		maps.Copy(out, its)
		return err
	}
	switch c := rdb.(type) {
	case *redis.ClusterClient:
		return out, c.ForEachMaster(ctx, read)
	case *redis.Client:
		return out, read(ctx, c)
	}
	return nil, fmt.Errorf("a client of type %T", rdb)
}

func of(ctx context.Context, c *redis.Client) (map[string]string, error) {
	out := make(map[string]string)
	iter := c.Scan(ctx, 0, "*", 1000).Iterator()
	for iter.Next(ctx) {
		key := iter.Val()
		if strings.HasSuffix(key, batches) || slices.ContainsFunc(direct, func(prefix string) bool { return strings.HasPrefix(key, prefix) }) {
			continue
		}
		text, err := value(ctx, c, key)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		if strings.HasSuffix(key, ":checkpoint") {
			_, text, _ = strings.Cut(strings.TrimPrefix(text, "string "), " ")
		}
		out[key] = text
	}
	return out, iter.Err()
}

func value(ctx context.Context, c *redis.Client, key string) (string, error) {
	kind, err := c.Type(ctx, key).Result()
	if err != nil {
		return "", err
	}
	switch kind {
	case "string":
		text, err := c.Get(ctx, key).Result()
		return "string " + text, err
	case "hash":
		fields, err := c.HGetAll(ctx, key).Result()
		var lines []string
		for _, field := range slices.Sorted(maps.Keys(fields)) {
			lines = append(lines, fmt.Sprintf("%q: %q", field, fields[field]))
		}
		return "hash\n" + strings.Join(lines, "\n"), err
	case "list":
		values, err := c.LRange(ctx, key, 0, -1).Result()
		return fmt.Sprintf("list\n%q", values), err
	case "set":
		members, err := c.SMembers(ctx, key).Result()
		slices.Sort(members)
		return fmt.Sprintf("set\n%q", members), err
	case "zset":
		members, err := c.ZRangeWithScores(ctx, key, 0, -1).Result()
		return fmt.Sprintf("zset\n%+v", members), err
	case "stream":
		entries, err := c.XRange(ctx, key, "-", "+").Result()
		return fmt.Sprintf("stream\n%+v", entries), err
	}
	return "", fmt.Errorf("a key of type %q", kind)
}

// Differences says in what a content differs from what it should be.
func Differences(got, want map[string]string) (wrong []string) {
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if len(want) == 0 {
		complain("nothing to compare with")
	}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		g, has := got[key]
		switch {
		case !has:
			complain("%s is missing", key)
		case g != want[key]:
			i := 0
			for i < min(len(g), len(want[key])) && g[i] == want[key][i] {
				i++
			}
			from := max(0, i-100)
			complain("%s: %d bytes, want %d; from byte %d on\n got %.300s\nwant %.300s", key, len(g), len(want[key]), from, g[from:], want[key][from:])
		}
	}
	for _, key := range slices.Sorted(maps.Keys(got)) {
		if _, has := want[key]; !has {
			complain("%s is too much", key)
		}
	}
	return wrong
}
