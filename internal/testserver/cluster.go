package testserver

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/internal/servers"
)

// RedisCluster is a Redis Cluster of three masters, each a process of its own,
// which a test may break.
type RedisCluster struct {
	// Nodes by the slots that they serve: the first has the lowest third. Where
	// each has a replica, those follow in the same order.
	Nodes []*Redis

	tb  testing.TB
	cfg RedisClusterConfig
}

// RedisClusterConfig says how the nodes run. The zero value is a cluster without
// replicas, users and TLS.
type RedisClusterConfig struct {
	// Replicas: each master has one.
	Replicas bool
	// NodeTimeout is after how long a node that does not answer is taken to have
	// failed. Default 5 s.
	NodeTimeout time.Duration
	RedisConfig
}

const (
	masters      = 3
	clusterSlots = 16384
	// nodeTimeout is long because the tests' machine may be slow; forming a
	// cluster does not depend on it.
	nodeTimeout = 5 * time.Second
)

// NewRedisCluster starts a cluster for one test and ends it with the test. It
// takes about three seconds: so long a new master waits before it serves.
func NewRedisCluster(tb testing.TB) *RedisCluster {
	tb.Helper()
	return NewRedisClusterOf(tb, RedisClusterConfig{})
}

// NewRedisClusterOf is NewRedisCluster with a configuration.
func NewRedisClusterOf(tb testing.TB, cfg RedisClusterConfig) *RedisCluster {
	tb.Helper()
	c, err := startCluster(tb.TempDir(), cfg)
	require(tb, err)
	c.tb = tb
	for _, node := range c.Nodes {
		node.tb = tb
	}
	tb.Cleanup(c.kill)
	return c
}

func startCluster(dir string, cfg RedisClusterConfig) (*RedisCluster, error) {
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, errMissing
	}
	if cfg.NodeTimeout == 0 {
		cfg.NodeTimeout = nodeTimeout
	}
	c := &RedisCluster{cfg: cfg}
	for range c.size() {
		node, err := c.startNode(binary, dir)
		if err != nil {
			c.kill()
			return nil, err
		}
		c.Nodes = append(c.Nodes, node)
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if err := c.form(ctx); err != nil {
		c.kill()
		return nil, err
	}
	return c, nil
}

// size is how many nodes there are.
func (c *RedisCluster) size() int {
	if c.cfg.Replicas {
		return 2 * masters
	}
	return masters
}

func (c *RedisCluster) startNode(binary, dir string) (*Redis, error) {
	for attempt := 0; ; attempt++ {
		port, err := servers.FreePort()
		if err != nil {
			return nil, err
		}
		node := &Redis{Addr: local(port), dir: dir, file: c.cfg.File, client: c.cfg.Client, args: append([]string{
			"--cluster-enabled", "yes", "--cluster-config-file", fmt.Sprintf("nodes-%d.conf", port),
			"--repl-diskless-sync-delay", "0",
			"--cluster-node-timeout", strconv.FormatInt(c.cfg.NodeTimeout.Milliseconds(), 10),
		}, c.cfg.Args...)}
		if err = node.launch(binary); err == nil || attempt == attempts {
			return node, err
		}
	}
}

// form gives each master its slots, makes the nodes known to each other, gives
// each master its replica and waits until all of them serve.
func (c *RedisCluster) form(ctx context.Context) error {
	for i, node := range c.Nodes {
		client := node.bare()
		defer func() { _ = client.Close() }()
		if i < masters {
			from, to := i*clusterSlots/masters, (i+1)*clusterSlots/masters-1
			if err := client.ClusterAddSlotsRange(ctx, from, to).Err(); err != nil {
				return err
			}
		}
		// Else two nodes may begin with the same and have to sort it out.
		if err := client.Do(ctx, "CLUSTER", "SET-CONFIG-EPOCH", i+1).Err(); err != nil {
			return err
		}
		for _, other := range c.Nodes[:i] {
			host, port, _ := net.SplitHostPort(other.Addr)
			if err := client.ClusterMeet(ctx, host, port).Err(); err != nil {
				return err
			}
		}
	}
	if err := c.serving(ctx); err != nil {
		return err
	}
	for i, replica := range c.Nodes[masters:] {
		if err := replica.follow(ctx, c.Nodes[i]); err != nil {
			return err
		}
	}
	return nil
}

// follow makes a node of a cluster the replica of another and waits until it has
// what that one has.
func (r *Redis) follow(ctx context.Context, master *Redis) error {
	theirs, ours := master.bare(), r.bare()
	defer func() { _, _ = theirs.Close(), ours.Close() }()
	id, err := theirs.Do(ctx, "CLUSTER", "MYID").Text()
	if err == nil {
		err = ours.ClusterReplicate(ctx, id).Err()
	}
	if err != nil {
		return err
	}
	return r.await(ctx, "replication", "master_link_status:up")
}

// serving waits until every node that runs serves and knows the others.
func (c *RedisCluster) serving(ctx context.Context) error {
	for _, node := range c.Nodes {
		if node.cmd == nil {
			continue
		}
		client := node.bare()
		defer func() { _ = client.Close() }()
		for {
			info, err := client.ClusterInfo(ctx).Result()
			if err == nil && strings.Contains(info, "cluster_state:ok") &&
				strings.Contains(info, "cluster_slots_ok:"+strconv.Itoa(clusterSlots)) &&
				strings.Contains(info, "cluster_known_nodes:"+strconv.Itoa(len(c.Nodes))) {
				break
			}
			if ctx.Err() != nil {
				return fmt.Errorf("the cluster does not form: %s says %q (%w)", node.Addr, info, err)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	return nil
}

// IsMaster tells whether a node that runs thinks that it is one.
func (c *RedisCluster) IsMaster(i int) bool {
	c.tb.Helper()
	client := c.Nodes[i].bare()
	defer func() { _ = client.Close() }()
	info, err := client.Info(context.Background(), "replication").Result()
	require(c.tb, err)
	return strings.Contains(info, "role:master")
}

// Promoted waits until the replica at an index is a master.
func (c *RedisCluster) Promoted(i int) {
	c.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*startTimeout)
	defer cancel()
	require(c.tb, c.Nodes[i].await(ctx, "replication", "role:master"))
}

// NodeOf is the index of the master that has a key.
func (c *RedisCluster) NodeOf(tb testing.TB, key string) int {
	tb.Helper()
	master, err := c.Client(tb).MasterForKey(tb.Context(), key)
	require(tb, err)
	for i, node := range c.Nodes {
		if node.Addr == master.Options().Addr {
			return i
		}
	}
	tb.Fatalf("%s has %s, which is none of ours", master.Options().Addr, key)
	return -1
}

// Serving waits until every node that runs serves again.
func (c *RedisCluster) Serving() {
	c.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	require(c.tb, c.serving(ctx))
}

func (c *RedisCluster) kill() {
	for _, node := range c.Nodes {
		node.Kill()
	}
}

func (c *RedisCluster) addrs() []string {
	addrs := make([]string, len(c.Nodes))
	for i, node := range c.Nodes {
		addrs[i] = node.Addr
	}
	return addrs
}

// Store connects to the cluster.
func (c *RedisCluster) Store(tb testing.TB) *cachestore.Store {
	tb.Helper()
	return openStore(tb, c.Config())
}

// Config is what Store connects with.
func (c *RedisCluster) Config() cachestore.Config {
	o := c.cfg.Client
	return cachestore.Config{Addrs: c.addrs(), Cluster: true, Username: o.Username, Password: o.Password, TLS: o.TLSConfig}
}

// Client is a bare connection for looking at and breaking what is stored.
func (c *RedisCluster) Client(tb testing.TB) *redis.ClusterClient {
	o := c.cfg.Client
	client := redis.NewClusterClient(&redis.ClusterOptions{
		Addrs: c.addrs(), Username: o.Username, Password: o.Password, TLSConfig: o.TLSConfig, ClusterStateReloadInterval: time.Second,
	})
	tb.Cleanup(func() { _ = client.Close() })
	return client
}

// Wipe empties every master.
func (c *RedisCluster) Wipe() {
	for i, node := range c.Nodes {
		if c.IsMaster(i) {
			node.Wipe()
		}
	}
}
