package acceptance

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/internal/content"
	"github.com/fullon/fullon/internal/testserver"
)

// contentOf is everything that a Redis holds of the log.
func contentOf(t testing.TB, server *testserver.Redis) map[string]string {
	t.Helper()
	return contentIn(t, server.Client(t))
}

// contentIn is that of one server, whoever keeps its client.
func contentIn(t testing.TB, client *redis.Client) map[string]string {
	t.Helper()
	out, err := content.Of(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// same compares two contents.
func same(t testing.TB, got, want map[string]string) {
	t.Helper()
	complain(t, content.Differences(got, want))
}

// undisturbed is what one projector makes of the log in a Redis of its own.
func (r *rig) undisturbed(env ...string) map[string]string {
	r.t.Helper()
	redis := testserver.NewRedis(r.t)
	p := r.projector(redis, env...)
	r.caughtUp(p, redis)
	p.stop()
	return contentOf(r.t, redis)
}
