package testserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/internal/servers"
)

// natsNodes is how many nodes a cluster has, and copies each stream.
const natsNodes = 3

// NATSCluster is a NATS cluster of three nodes with JetStream, each a
// nats-server of its own process, built from the module that go.mod names, which
// a test may break. Nodes are named by their index.
type NATSCluster struct {
	URL string // of all nodes, separated by commas

	tb      testing.TB
	cfg     NATSClusterConfig
	cluster *servers.NATSCluster
}

// NATSClusterConfig says how the nodes run. The zero value is a cluster without
// users and TLS.
type NATSClusterConfig struct {
	servers.NATSConfig
	// Provisioner is what NATSCluster.Bus connects with; the URL is put in place.
	Provisioner bus.Config
}

// NewNATSCluster starts a cluster for one test and ends it with the test. It
// takes about two seconds: so long the nodes take to elect a leader.
func NewNATSCluster(tb testing.TB) *NATSCluster {
	tb.Helper()
	return NewNATSClusterOf(tb, NATSClusterConfig{})
}

// NewNATSClusterOf is NewNATSCluster with a configuration.
func NewNATSClusterOf(tb testing.TB, cfg NATSClusterConfig) *NATSCluster {
	tb.Helper()
	binary, err := natsServer.path("nats-server", servers.NATSServer)
	require(tb, err)
	c := &NATSCluster{tb: tb, cfg: cfg}
	c.within(func(ctx context.Context) error {
		c.cluster, err = servers.NewNATSCluster(ctx, binary, tb.TempDir(), natsNodes, cfg.NATSConfig)
		return err
	})
	tb.Cleanup(c.cluster.Close)
	c.URL = c.cluster.URL()
	return c
}

// Kill ends a node at once (SIGKILL). What it holds stays on its disk.
func (c *NATSCluster) Kill(i int) { c.cluster.Nodes[i].Kill() }

// Start starts a node again that was killed. Serving waits until it takes part.
func (c *NATSCluster) Start(i int) {
	c.tb.Helper()
	require(c.tb, c.cluster.Nodes[i].Start())
}

// Pause stops a node (SIGSTOP) until Resume.
func (c *NATSCluster) Pause(i int) { c.cluster.Nodes[i].Pause() }

// Resume lets a paused node go on.
func (c *NATSCluster) Resume(i int) { c.cluster.Nodes[i].Resume() }

// Serving waits until all nodes have a leader and all that they should.
func (c *NATSCluster) Serving() {
	c.tb.Helper()
	c.within(c.cluster.Serving)
}

// Leader waits until a node leads a stream, and returns its index.
func (c *NATSCluster) Leader(stream string) (leader int) {
	c.tb.Helper()
	c.within(func(ctx context.Context) error {
		for {
			if leader = c.cluster.Leader(ctx, stream); leader >= 0 {
				return nil
			}
			if ctx.Err() != nil {
				return errors.New("nobody says that it leads " + stream)
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
	return leader
}

// within fails the test with what the nodes said when something does not come
// about in time.
func (c *NATSCluster) within(do func(context.Context) error) {
	c.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*startTimeout)
	defer cancel()
	err := do(ctx)
	if err == nil {
		return
	}
	logs := ""
	if c.cluster != nil {
		for _, n := range c.cluster.Nodes {
			text, _ := os.ReadFile(n.Log)
			logs += fmt.Sprintf("%s:\n%s", n.Name, text[max(0, len(text)-2000):])
		}
	}
	c.tb.Fatalf("%v\n%s", err, logs)
}

// Bus connects to the cluster and provisions the deployment with three copies of
// each stream.
func (c *NATSCluster) Bus(tb testing.TB, layout bus.Layout) *bus.Bus {
	tb.Helper()
	cfg := c.cfg.Provisioner
	cfg.URL, cfg.Layout, cfg.Log = c.URL, layout, Quiet()
	b, err := bus.Connect(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(b.Close)
	if err := b.Provision(tb.Context(), bus.Plan{Exchanges: []string{"binance", "kraken"}, Replicas: natsNodes}); err != nil {
		tb.Fatal(err)
	}
	return b
}
