package acceptance

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/internal/testserver"
)

// presence is what processes write to Redis directly, because it may die with
// them: it is no part of any projection.
const presence = "fullon:{PROCESSES}:"

// content is everything that a Redis holds of the log, byte for byte: a text for
// each key. Of checkpoints it leaves out the first number, which names the
// rebuild.
func content(t testing.TB, server *testserver.Redis) map[string]string {
	t.Helper()
	return contentOf(t, server.Client(t))
}

func contentOf(t testing.TB, c *redis.Client) map[string]string {
	t.Helper()
	ctx := t.Context()
	out := make(map[string]string)
	iter := c.Scan(ctx, 0, "*", 1000).Iterator()
	for iter.Next(ctx) {
		key := iter.Val()
		if strings.HasPrefix(key, presence) {
			continue
		}
		text, err := value(ctx, c, key)
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		if strings.HasSuffix(key, ":checkpoint") {
			_, text, _ = strings.Cut(strings.TrimPrefix(text, "string "), " ")
		}
		out[key] = text
	}
	if err := iter.Err(); err != nil {
		t.Fatal(err)
	}
	return out
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

// same compares two contents.
func same(t testing.TB, got, want map[string]string) {
	t.Helper()
	if len(want) == 0 {
		t.Fatal("nothing to compare with")
	}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		g, has := got[key]
		switch {
		case !has:
			t.Errorf("%s is missing", key)
		case g != want[key]:
			i := 0
			for i < min(len(g), len(want[key])) && g[i] == want[key][i] {
				i++
			}
			from := max(0, i-100)
			t.Errorf("%s: %d bytes, want %d; from byte %d on\n got %.300s\nwant %.300s", key, len(g), len(want[key]), from, g[from:], want[key][from:])
		}
	}
	for _, key := range slices.Sorted(maps.Keys(got)) {
		if _, has := want[key]; !has {
			t.Errorf("%s is too much", key)
		}
	}
}

// undisturbed is what one projector makes of the log in a Redis of its own.
func (r *rig) undisturbed(env ...string) map[string]string {
	r.t.Helper()
	redis := testserver.NewRedis(r.t)
	p := r.projector(redis, env...)
	r.caughtUp(p, redis)
	p.stop()
	return content(r.t, redis)
}
