package testserver

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/internal/servers"
)

// Sentinel is a Redis master with a replica, and three sentinels that watch
// them, each a process of its own, which a test may break.
type Sentinel struct {
	// Nodes are the first master and its replica.
	Nodes []*Redis
	// Watchers are the sentinels.
	Watchers []*Redis

	tb testing.TB
}

const (
	// SentinelMaster is what the sentinels call the master.
	SentinelMaster = "fullon"
	// SentinelPassword is what the sentinels ask of their clients.
	SentinelPassword = "sentinel-secret"
)

// NewSentinel starts the servers for one test and ends them with the test. A
// master that does not answer for half a second is taken to have failed.
func NewSentinel(tb testing.TB) *Sentinel {
	tb.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		err = errMissing
	}
	require(tb, err)
	dir := tb.TempDir()
	s := &Sentinel{tb: tb}
	tb.Cleanup(func() {
		for _, r := range append(s.Watchers, s.Nodes...) {
			r.Kill()
		}
	})
	ctx, cancel := context.WithTimeout(tb.Context(), startTimeout)
	defer cancel()
	launch := func(r *Redis) *Redis {
		port, err := servers.FreePort()
		require(tb, err)
		r.Addr, r.tb, r.dir = local(port), tb, dir
		require(tb, r.launch(binary))
		return r
	}
	s.Nodes = append(s.Nodes, launch(&Redis{}))
	host, port, _ := net.SplitHostPort(s.Nodes[0].Addr)
	s.Nodes = append(s.Nodes, launch(&Redis{args: []string{"--replicaof", host, port}}))
	require(tb, s.Nodes[1].await(ctx, "master_link_status:up"))
	for i := range 3 {
		// A sentinel rewrites its file.
		file := filepath.Join(dir, fmt.Sprintf("sentinel-%d.conf", i))
		require(tb, os.WriteFile(file, fmt.Appendf(nil, `requirepass %[1]s
sentinel sentinel-pass %[1]s
sentinel monitor %[2]s %[3]s %[4]s 2
sentinel down-after-milliseconds %[2]s 500
sentinel failover-timeout %[2]s 5000
`, SentinelPassword, SentinelMaster, host, port), 0o600))
		s.Watchers = append(s.Watchers, launch(&Redis{
			file: file, sentinel: true, client: redis.Options{Password: SentinelPassword},
		}))
	}
	for _, w := range s.Watchers {
		require(tb, w.await(ctx, "sentinel", "status=ok", "slaves=1", "sentinels=3"))
	}
	return s
}

// Failover waits until the replica has become the master and the sentinels say
// so.
func (s *Sentinel) Failover() {
	s.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*startTimeout)
	defer cancel()
	for _, w := range s.Watchers {
		require(s.tb, w.await(ctx, "sentinel", "address="+s.Nodes[1].Addr))
	}
	require(s.tb, s.Nodes[1].await(ctx, "replication", "role:master"))
}

// Config is what connects to whichever is the master.
func (s *Sentinel) Config() cachestore.Config {
	cfg := cachestore.Config{SentinelMaster: SentinelMaster, SentinelPassword: SentinelPassword, Timeout: time.Second}
	for _, w := range s.Watchers {
		cfg.Addrs = append(cfg.Addrs, w.Addr)
	}
	return cfg
}
