package testserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fullon/fullon/bus"
)

// NATSCluster is a NATS cluster of three nodes with JetStream, each a
// nats-server of its own process, built from the module that go.mod names, which
// a test may break. Nodes are named by their index.
type NATSCluster struct {
	URL string // of all nodes, separated by commas

	tb    testing.TB
	cfg   NATSClusterConfig
	nodes []*natsNode
}

// NATSClusterConfig says how the nodes run. The zero value is a cluster without
// users and TLS.
type NATSClusterConfig struct {
	// File is the configuration of every node. Ports and routes are put in place
	// by flags, which go before what the file says. JetStream's directory is the
	// file's; it gets one for each node as NATS_DIR, and a name as NATS_NAME.
	File string
	// Env is what else the file takes from the environment, NAME=value.
	Env []string
	// Provisioner is what NATSCluster.Bus connects with; the URL is put in place.
	Provisioner bus.Config
}

type natsNode struct {
	name, dir              string
	port, routes, watching int // ports of clients, the cluster and the monitoring
	cmd                    *exec.Cmd
	paused                 bool
}

// runs tells whether the node can be asked.
func (n *natsNode) runs() bool { return n.cmd != nil && !n.paused }

// NewNATSCluster starts a cluster for one test and ends it with the test. It
// takes about two seconds: so long the nodes take to elect a leader.
func NewNATSCluster(tb testing.TB) *NATSCluster {
	tb.Helper()
	return NewNATSClusterOf(tb, NATSClusterConfig{})
}

// NewNATSClusterOf is NewNATSCluster with a configuration.
func NewNATSClusterOf(tb testing.TB, cfg NATSClusterConfig) *NATSCluster {
	tb.Helper()
	c := &NATSCluster{tb: tb, cfg: cfg}
	dir := tb.TempDir()
	var urls []string
	for i := range masters {
		port, err := freeNodePort()
		require(tb, err)
		watching, err := freeNodePort()
		require(tb, err)
		c.nodes = append(c.nodes, &natsNode{
			name: fmt.Sprintf("node-%d", i), dir: filepath.Join(dir, strconv.Itoa(i)),
			port: port, routes: port + 10_000, watching: watching,
		})
		urls = append(urls, "nats://"+local(port))
	}
	c.URL = strings.Join(urls, ",")
	tb.Cleanup(func() {
		for i := range c.nodes {
			c.Kill(i)
		}
	})
	for i := range c.nodes {
		c.launch(i)
	}
	c.Serving()
	return c
}

func local(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

func (c *NATSCluster) launch(i int) {
	c.tb.Helper()
	binary, err := natsBinary()
	require(c.tb, err)
	n := c.nodes[i]
	require(c.tb, os.MkdirAll(n.dir, 0o700))
	log, err := os.OpenFile(filepath.Join(n.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require(c.tb, err)
	defer func() { _ = log.Close() }()
	routes := make([]string, len(c.nodes))
	for i, other := range c.nodes {
		routes[i] = "nats://" + local(other.routes)
	}
	args := []string{
		"-n", n.name, "-a", "127.0.0.1", "-p", strconv.Itoa(n.port), "-m", strconv.Itoa(n.watching),
		"--cluster_name", "test", "--cluster", "nats://" + local(n.routes), "--routes", strings.Join(routes, ","),
	}
	if c.cfg.File != "" {
		args = append(args, "-c", c.cfg.File)
	} else {
		args = append(args, "-js", "-sd", n.dir)
	}
	n.cmd = exec.Command(binary, args...)
	n.cmd.Env = append(append(os.Environ(), "NATS_NAME="+n.name, "NATS_DIR="+n.dir), c.cfg.Env...)
	n.cmd.Stdout, n.cmd.Stderr = log, log
	if err := n.cmd.Start(); err != nil {
		n.cmd = nil
		c.tb.Fatal(err)
	}
}

// Kill ends a node at once (SIGKILL). What it holds stays on its disk.
func (c *NATSCluster) Kill(i int) {
	if n := c.nodes[i]; n.cmd != nil {
		_ = n.cmd.Process.Signal(syscall.SIGCONT)
		_ = n.cmd.Process.Kill()
		_ = n.cmd.Wait()
		n.cmd, n.paused = nil, false
	}
}

// Start starts a node again that was killed. Serving waits until it takes part.
func (c *NATSCluster) Start(i int) {
	c.tb.Helper()
	c.launch(i)
}

// Pause stops a node (SIGSTOP) until Resume.
func (c *NATSCluster) Pause(i int) {
	c.nodes[i].paused = true
	_ = c.nodes[i].cmd.Process.Signal(syscall.SIGSTOP)
}

// Resume lets a paused node go on.
func (c *NATSCluster) Resume(i int) {
	c.nodes[i].paused = false
	_ = c.nodes[i].cmd.Process.Signal(syscall.SIGCONT)
}

// Serving waits until the nodes have a leader, and those that run have all that
// they should.
func (c *NATSCluster) Serving() {
	c.tb.Helper()
	c.await("a cluster that serves", func(ctx context.Context) error {
		for _, n := range c.nodes {
			if !n.runs() {
				continue
			}
			var at struct {
				Meta struct {
					Leader string
					Size   int `json:"cluster_size"`
				} `json:"meta_cluster"`
			}
			if err := n.get(ctx, "/jsz", &at); err != nil {
				return err
			}
			if at.Meta.Leader == "" || at.Meta.Size != len(c.nodes) {
				return fmt.Errorf("%s knows of %d nodes, leader %q", n.name, at.Meta.Size, at.Meta.Leader)
			}
			if err := n.get(ctx, "/healthz", nil); err != nil {
				return err
			}
		}
		return nil
	})
}

// Leader waits until a node that runs leads a stream, and returns its index.
func (c *NATSCluster) Leader(stream string) int {
	c.tb.Helper()
	leader := -1
	c.await("a leader of "+stream, func(ctx context.Context) error {
		for i, n := range c.nodes {
			if n.runs() && n.leads(ctx, stream) {
				leader = i
				return nil
			}
		}
		return errors.New("nobody says that it leads")
	})
	return leader
}

// leads tells what the node itself thinks: the others may not know better yet.
func (n *natsNode) leads(ctx context.Context, stream string) bool {
	var at struct {
		Accounts []struct {
			Streams []struct {
				Name    string
				Cluster struct{ Leader string }
			} `json:"stream_detail"`
		} `json:"account_details"`
	}
	if n.get(ctx, "/jsz?accounts=true&streams=true", &at) != nil {
		return false
	}
	for _, account := range at.Accounts {
		for _, s := range account.Streams {
			if s.Name == stream && s.Cluster.Leader == n.name {
				return true
			}
		}
	}
	return false
}

// get reads from the node's monitoring. A node that is paused does not answer.
func (n *natsNode) get(ctx context.Context, path string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+local(n.watching)+path, nil)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s%s: %s", n.name, path, resp.Status)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

func (c *NATSCluster) await(what string, check func(context.Context) error) {
	c.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*startTimeout)
	defer cancel()
	for {
		err := check(ctx)
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			logs := ""
			for _, n := range c.nodes {
				text, _ := os.ReadFile(filepath.Join(n.dir, "log"))
				logs += fmt.Sprintf("%s:\n%s", n.name, text[max(0, len(text)-2000):])
			}
			c.tb.Fatalf("%s did not come about: %v\n%s", what, err, logs)
		}
		time.Sleep(10 * time.Millisecond)
	}
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
	if err := b.Provision(tb.Context(), bus.Plan{Exchanges: []string{"binance", "kraken"}, Replicas: len(c.nodes)}); err != nil {
		tb.Fatal(err)
	}
	return b
}

var natsServer struct {
	once sync.Once
	err  error
	dir  string
}

// natsBinary builds the server once for all tests of the package.
func natsBinary() (string, error) {
	s := &natsServer
	s.once.Do(func() {
		if s.dir, s.err = os.MkdirTemp("", "fullon-nats-server-"); s.err != nil {
			return
		}
		build := exec.Command("go", "build", "-o", s.dir, "github.com/nats-io/nats-server/v2")
		if out, err := build.CombinedOutput(); err != nil {
			s.err = fmt.Errorf("go build nats-server: %w\n%s", err, out)
		}
	})
	return filepath.Join(s.dir, "nats-server"), s.err
}
