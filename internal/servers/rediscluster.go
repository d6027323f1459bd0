package servers

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

const slots = 16384

// RedisCluster is a Redis Cluster with one replica for each master. Its nodes
// are reached, by clients and by each other, through proxies alone.
type RedisCluster struct {
	Nodes   []*RedisNode
	masters int
}

// RedisNode is one of them.
type RedisNode struct {
	*Redis
	clients *Proxy // in front of what serves clients and replicas
	bus     *Proxy // in front of what serves the other nodes
	source  string // the host from which it connects to the others
}

// NewRedisCluster starts masters and as many replicas, and waits until they
// serve. A node that does not answer for nodeTimeout is taken to have failed.
func NewRedisCluster(ctx context.Context, dir string, masters int, nodeTimeout time.Duration) (*RedisCluster, error) {
	c := &RedisCluster{masters: masters}
	err := c.start(ctx, dir, nodeTimeout)
	if err == nil {
		err = c.form(ctx)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *RedisCluster) start(ctx context.Context, dir string, nodeTimeout time.Duration) error {
	for i := range 2 * c.masters {
		port, err := FreePort()
		if err != nil {
			return err
		}
		node := &RedisNode{}
		c.Nodes = append(c.Nodes, node)
		if node.clients, err = NewProxy(port); err != nil {
			return err
		}
		if node.bus, err = NewProxy(port + 10_000); err != nil {
			return err
		}
		args := []string{
			"--cluster-enabled", "yes", "--cluster-config-file", filepath.Join(dir, fmt.Sprintf("nodes-%d.conf", port)),
			"--cluster-node-timeout", strconv.FormatInt(nodeTimeout.Milliseconds(), 10),
			"--cluster-announce-ip", "127.0.0.1", "--cluster-announce-port", strconv.Itoa(node.clients.Port),
			"--cluster-announce-bus-port", strconv.Itoa(node.bus.Port),
			"--repl-diskless-sync-delay", "0", "--repl-timeout", "5",
		}
		if runtime.GOOS == "linux" { // elsewhere this machine has one address
			node.source = fmt.Sprintf("127.0.1.%d", i+1)
			args = append(args, "--bind-source-addr", node.source)
		}
		if node.Redis, err = newRedis(ctx, dir, port, args...); err != nil {
			return err
		}
	}
	return nil
}

// form gives the masters their slots, makes all nodes known to each other and
// gives each master its replica.
func (c *RedisCluster) form(ctx context.Context) error {
	ids := make([]string, len(c.Nodes))
	for i, node := range c.Nodes {
		err := node.with(func(client *redis.Client) (err error) {
			if ids[i], err = client.ClusterMyID(ctx).Result(); err != nil {
				return err
			}
			if i < c.masters {
				from, to := i*slots/c.masters, (i+1)*slots/c.masters-1
				if err := client.ClusterAddSlotsRange(ctx, from, to).Err(); err != nil {
					return err
				}
				// Else two nodes may begin with the same and have to sort it out.
				if err := client.Do(ctx, "CLUSTER", "SET-CONFIG-EPOCH", i+1).Err(); err != nil {
					return err
				}
			}
			for _, other := range c.Nodes[:i] {
				err := client.Do(ctx, "CLUSTER", "MEET", "127.0.0.1", other.clients.Port, other.bus.Port).Err()
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for i, node := range c.Nodes[c.masters:] {
		err := node.with(func(client *redis.Client) error {
			return await(ctx, node.Name+" replicates", func() error { return client.ClusterReplicate(ctx, ids[i]).Err() })
		})
		if err != nil {
			return err
		}
	}
	return c.Serving(ctx)
}

// Close ends all nodes at once.
func (c *RedisCluster) Close() {
	for _, node := range c.Nodes {
		if node.Redis != nil {
			node.Kill()
		}
		for _, p := range [...]*Proxy{node.clients, node.bus} {
			if p != nil {
				p.Close()
			}
		}
	}
}

// Clients is the way to the node for clients and its replica.
func (n *RedisNode) Clients() *Proxy { return n.clients }

// Isolate cuts a node off from the others, in both directions where the system
// tells where connections come from. Clients still reach it.
func (c *RedisCluster) Isolate(i int) {
	for at, node := range c.Nodes {
		if at == i {
			node.bus.Hold()
		} else {
			node.bus.HoldFrom(c.Nodes[i].source)
		}
	}
}

// Heal takes back what Isolate and the proxies of clients were told.
func (c *RedisCluster) Heal() {
	for _, node := range c.Nodes {
		node.bus.Heal()
		node.clients.Heal()
	}
}

// Addrs are where clients find the nodes.
func (c *RedisCluster) Addrs() []string {
	addrs := make([]string, len(c.Nodes))
	for i, node := range c.Nodes {
		addrs[i] = node.clients.Addr()
	}
	return addrs
}

// Client is a bare connection to all of it. Whoever asks for it closes it.
func (c *RedisCluster) Client() *redis.ClusterClient {
	return redis.NewClusterClient(&redis.ClusterOptions{Addrs: c.Addrs()})
}

// Serving waits until every node serves and each replica has what its master
// has, for as long as ctx lasts.
func (c *RedisCluster) Serving(ctx context.Context) error {
	for _, node := range c.Nodes {
		err := node.with(func(client *redis.Client) error {
			return await(ctx, node.Name+" serves", func() error { return c.serves(ctx, client) })
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *RedisCluster) serves(ctx context.Context, client *redis.Client) error {
	info, err := client.ClusterInfo(ctx).Result()
	if err != nil {
		return err
	}
	for _, want := range [...]string{"cluster_state:ok", "cluster_slots_ok:" + strconv.Itoa(slots), "cluster_known_nodes:" + strconv.Itoa(len(c.Nodes))} {
		if !strings.Contains(info, want+"\r") {
			return fmt.Errorf("not yet %s", want)
		}
	}
	replication, err := client.Info(ctx, "replication").Result()
	switch {
	case err != nil:
		return err
	case strings.Contains(replication, "role:master\r") && !strings.Contains(replication, "state=online"):
		return errors.New("a master without a replica")
	case strings.Contains(replication, "role:slave\r") && !strings.Contains(replication, "master_link_status:up\r"):
		return errors.New("a replica without a master")
	}
	return nil
}

// Shard is the index of the master and of the replica that have the i-th part of
// the slots now, each by its own account; -1 for one that does not say so.
func (c *RedisCluster) Shard(ctx context.Context, i int) (master, replica int) {
	master, replica = -1, -1
	for at, node := range c.Nodes {
		if !node.Alive() {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		var known string
		err := node.with(func(client *redis.Client) (err error) {
			known, err = client.ClusterNodes(ctx).Result()
			return err
		})
		cancel()
		if err != nil {
			continue
		}
		switch role(known, i*slots/c.masters) {
		case "master":
			master = at
		case "slave":
			replica = at
		}
	}
	return master, replica
}

// role is what a node is for a slot, by what it says of all nodes: "master",
// "slave" or nothing.
func role(nodes string, slot int) string {
	owner, self, of := "", "", ""
	for line := range strings.Lines(nodes) {
		// id address flags master ping pong epoch link slots…
		f := strings.Fields(line)
		if len(f) < 8 {
			continue
		}
		if strings.HasPrefix(f[2], "myself") {
			self, of = f[0], f[3]
		}
		for _, part := range f[8:] {
			from, to, isRange := strings.Cut(part, "-")
			low, err := strconv.Atoi(from)
			high := low
			if isRange && err == nil {
				high, err = strconv.Atoi(to)
			}
			if err == nil && low <= slot && slot <= high {
				owner = f[0]
			}
		}
	}
	switch owner {
	case "":
		return ""
	case self:
		return "master"
	case of:
		return "slave"
	}
	return ""
}

// DeleteTag deletes all keys with a hash tag.
func (c *RedisCluster) DeleteTag(ctx context.Context, tag string) error {
	client := c.Client()
	defer func() { _ = client.Close() }()
	return client.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
		keys := node.Scan(ctx, 0, "*{"+tag+"}*", 1000).Iterator()
		for keys.Next(ctx) {
			if err := node.Del(ctx, keys.Val()).Err(); err != nil {
				return err
			}
		}
		return keys.Err()
	})
}

// FailOver makes a replica the master, in agreement with its master.
func (n *RedisNode) FailOver(ctx context.Context) error {
	return n.with(func(client *redis.Client) error { return client.ClusterFailover(ctx).Err() })
}
