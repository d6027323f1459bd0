package testserver

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/cachestore"
)

// KindVariable names the variable that says what tests run against that do not
// mind: "cluster" is a Redis Cluster, anything else one server.
const KindVariable = "FULLON_TEST_REDIS"

func wantsCluster() bool { return os.Getenv(KindVariable) == "cluster" }

var shared struct {
	once    sync.Once
	err     error
	dir     string
	server  *Redis        // either this
	cluster *RedisCluster // or that
	stores  atomic.Int64
}

func startShared(tb testing.TB) {
	tb.Helper()
	shared.once.Do(func() {
		if shared.dir, shared.err = os.MkdirTemp("", "fullon-redis-"); shared.err != nil {
			return
		}
		if wantsCluster() {
			shared.cluster, shared.err = startCluster(shared.dir, RedisClusterConfig{})
		} else {
			shared.server, shared.err = startRedis(shared.dir, RedisConfig{})
		}
	})
	require(tb, shared.err)
}

// SharedStore connects to a Redis that all tests of the package share, with a
// key prefix of its own. Tests that break Redis start one of their own.
// Packages that use it call Shutdown in TestMain.
func SharedStore(tb testing.TB) *cachestore.Store {
	tb.Helper()
	startShared(tb)
	cfg := cachestore.Config{Prefix: fmt.Sprintf("test-%d:", shared.stores.Add(1))}
	if shared.cluster != nil {
		cfg.Addrs, cfg.Cluster = shared.cluster.addrs(), true
	} else {
		cfg.Addrs = []string{shared.server.Addr}
	}
	return openStore(tb, cfg)
}

// SharedClient is a bare connection to the shared Redis.
func SharedClient(tb testing.TB) redis.UniversalClient {
	tb.Helper()
	startShared(tb)
	if shared.cluster != nil {
		return shared.cluster.Client(tb)
	}
	return shared.server.Client(tb)
}

// OwnStore connects to a Redis of the test's own, one server or a cluster as
// SharedStore does; rdb is a bare connection to it, and wipe empties it.
func OwnStore(tb testing.TB) (store *cachestore.Store, rdb redis.UniversalClient, wipe func()) {
	tb.Helper()
	if wantsCluster() {
		c := NewRedisCluster(tb)
		return c.Store(tb), c.Client(tb), c.Wipe
	}
	r := NewRedis(tb)
	return r.Store(tb), r.Client(tb), r.Wipe
}

// NodeOf is the server that has a key.
func NodeOf(tb testing.TB, rdb redis.UniversalClient, key string) redis.UniversalClient {
	tb.Helper()
	cluster, ok := rdb.(*redis.ClusterClient)
	if !ok {
		return rdb
	}
	master, err := cluster.MasterForKey(context.Background(), key)
	if err != nil {
		tb.Fatal(err)
	}
	return master
}

// Shutdown ends the shared Redis and forgets the programs that were built.
func Shutdown() {
	natsServer.forget()
	commands.forget()
	if shared.server != nil {
		shared.server.Kill()
	}
	if shared.cluster != nil {
		shared.cluster.kill()
	}
	if shared.dir != "" {
		_ = os.RemoveAll(shared.dir)
	}
}

func openStore(tb testing.TB, cfg cachestore.Config) *cachestore.Store {
	tb.Helper()
	s, err := cachestore.Connect(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	return s
}
