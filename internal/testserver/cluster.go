package testserver

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/cachestore"
)

// RedisCluster is a Redis Cluster of three masters without replicas, each a
// process of its own, which a test may break.
type RedisCluster struct {
	// Nodes by the slots that they serve: the first has the lowest third.
	Nodes []*Redis

	tb testing.TB
}

const (
	masters      = 3
	clusterSlots = 16384
	// nodeTimeout is after how long a node that does not answer is taken to have
	// failed. The tests' machine may be slow; forming a cluster does not depend
	// on it.
	nodeTimeout = 5 * time.Second
)

// NewRedisCluster starts a cluster for one test and ends it with the test. It
// takes about three seconds: so long a new master waits before it serves.
func NewRedisCluster(tb testing.TB) *RedisCluster {
	tb.Helper()
	c, err := startCluster(tb.TempDir())
	require(tb, err)
	c.tb = tb
	for _, node := range c.Nodes {
		node.tb = tb
	}
	tb.Cleanup(c.kill)
	return c
}

func startCluster(dir string) (*RedisCluster, error) {
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, errMissing
	}
	c := &RedisCluster{}
	for range masters {
		node, err := startNode(binary, dir)
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

func startNode(binary, dir string) (*Redis, error) {
	for attempt := 0; ; attempt++ {
		port, err := freeNodePort()
		if err != nil {
			return nil, err
		}
		node := &Redis{Addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), dir: dir, args: []string{
			"--cluster-enabled", "yes", "--cluster-config-file", fmt.Sprintf("nodes-%d.conf", port),
			"--cluster-node-timeout", strconv.FormatInt(nodeTimeout.Milliseconds(), 10),
		}}
		if err = node.launch(binary); err == nil || attempt == attempts {
			return node, err
		}
	}
}

// freeNodePort finds a port that is free and whose bus port, 10,000 above it, is
// free too. Both are below those that systems give to outgoing connections: a
// node that is started again must get its ports back.
func freeNodePort() (int, error) {
	for range 100 {
		port := 10_000 + rand.IntN(12_000)
		if free(port) && free(port+10_000) {
			return port, nil
		}
	}
	return 0, errors.New("no two free ports 10,000 apart")
}

func free(port int) bool {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err == nil {
		_ = l.Close()
	}
	return err == nil
}

// form gives each node its slots, makes the nodes known to each other and waits
// until all of them serve.
func (c *RedisCluster) form(ctx context.Context) error {
	for i, node := range c.Nodes {
		client := redis.NewClient(&redis.Options{Addr: node.Addr})
		defer func() { _ = client.Close() }()
		from, to := i*clusterSlots/masters, (i+1)*clusterSlots/masters-1
		if err := client.ClusterAddSlotsRange(ctx, from, to).Err(); err != nil {
			return err
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
	return c.serving(ctx)
}

// serving waits until every node serves and knows the others.
func (c *RedisCluster) serving(ctx context.Context) error {
	for _, node := range c.Nodes {
		client := redis.NewClient(&redis.Options{Addr: node.Addr})
		defer func() { _ = client.Close() }()
		for {
			info, err := client.ClusterInfo(ctx).Result()
			if err == nil && strings.Contains(info, "cluster_state:ok") &&
				strings.Contains(info, "cluster_slots_ok:"+strconv.Itoa(clusterSlots)) &&
				strings.Contains(info, "cluster_known_nodes:"+strconv.Itoa(masters)) {
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

// Serving waits until every node serves again.
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
	return openStore(tb, cachestore.Config{Addrs: c.addrs(), Cluster: true})
}

// Client is a bare connection for looking at and breaking what is stored.
func (c *RedisCluster) Client(tb testing.TB) *redis.ClusterClient {
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: c.addrs()})
	tb.Cleanup(func() { _ = client.Close() })
	return client
}

// Wipe empties every node.
func (c *RedisCluster) Wipe() {
	for _, node := range c.Nodes {
		node.Wipe()
	}
}
