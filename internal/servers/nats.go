package servers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// NATSCluster is a NATS cluster with JetStream, each node a process of its own,
// whose links to each other can be cut.
type NATSCluster struct {
	Nodes []*NATSNode
}

// NATSNode is one of them.
type NATSNode struct {
	*Process
	Port  int // for clients
	watch int // of the monitoring
	route int // for the other nodes
	links []*Proxy
}

// NATSConfig says how the nodes of a cluster run. The zero value has neither users
// nor TLS.
type NATSConfig struct {
	// File is the configuration of every node. Ports and routes are put in place
	// by flags, which go before what the file says. JetStream's directory is the
	// file's; it gets one for each node as NATS_DIR, and a name as NATS_NAME.
	File string
	// Env is what else the file takes from the environment, NAME=value.
	Env []string
}

// NewNATSCluster starts a cluster of n nodes from the binary at path, and waits
// until it serves. Its files are in dir.
func NewNATSCluster(ctx context.Context, path, dir string, n int, cfg NATSConfig) (*NATSCluster, error) {
	c := &NATSCluster{}
	for range n {
		node := &NATSNode{}
		for _, port := range [...]*int{&node.Port, &node.watch, &node.route} {
			var err error
			if *port, err = FreePort(); err != nil {
				return nil, err
			}
		}
		c.Nodes = append(c.Nodes, node)
	}
	for i := range c.Nodes {
		if err := c.start(i, path, filepath.Join(dir, fmt.Sprintf("nats-%d", i)), cfg); err != nil {
			c.Close()
			return nil, err
		}
	}
	if err := c.Serving(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *NATSCluster) start(i int, path, dir string, cfg NATSConfig) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	node := c.Nodes[i]
	// A proxy for each ordered pair of nodes. What nodes tell each other of
	// further ways leads nowhere, lest they find one around the proxies.
	var routes []string
	for j, other := range c.Nodes {
		if j == i {
			continue
		}
		link, err := NewProxy(other.route)
		if err != nil {
			return err
		}
		node.links = append(node.links, link)
		other.links = append(other.links, link)
		routes = append(routes, "nats://"+link.Addr())
	}
	name := fmt.Sprintf("nats-%d", i)
	args := []string{
		"--name", name, "--addr", "127.0.0.1", "--port", strconv.Itoa(node.Port), "--http_port", strconv.Itoa(node.watch),
		"--cluster_name", "fullon", "--cluster", "nats://" + local(node.route),
		"--no_advertise", "--cluster_advertise", "127.0.0.1:1", "--routes", strings.Join(routes, ","),
	}
	if cfg.File == "" {
		args = append(args, "--jetstream", "--store_dir", dir)
	} else {
		args = append(args, "--config", cfg.File)
	}
	var err error
	node.Process, err = Start(name, Program{
		Path: path, Dir: dir, Log: filepath.Join(dir, "log"), Args: args,
		Env: slices.Concat(os.Environ(), []string{"NATS_NAME=" + name, "NATS_DIR=" + dir}, cfg.Env),
	})
	return err
}

// Close ends all nodes at once.
func (c *NATSCluster) Close() {
	for _, node := range c.Nodes {
		if node.Process != nil {
			node.Kill()
		}
	}
	for _, node := range c.Nodes {
		for _, link := range node.links {
			link.Close()
		}
	}
}

// Links are the node's links with all others, in both directions.
func (n *NATSNode) Links() []*Proxy { return n.links }

// URL is where clients find the nodes, separated by commas.
func (c *NATSCluster) URL() string {
	urls := make([]string, len(c.Nodes))
	for i, node := range c.Nodes {
		urls[i] = "nats://" + local(node.Port)
	}
	return strings.Join(urls, ",")
}

// Serving waits until all nodes have a leader and are up to date, for as long as
// ctx lasts.
func (c *NATSCluster) Serving(ctx context.Context) error {
	for _, node := range c.Nodes {
		err := await(ctx, node.Name+" serves", func() error { return c.serves(ctx, node) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *NATSCluster) serves(ctx context.Context, node *NATSNode) error {
	if err := node.alive(); err != nil {
		return err
	}
	var at struct {
		Meta struct {
			Leader string
			Size   int `json:"cluster_size"`
		} `json:"meta_cluster"`
	}
	if err := node.get(ctx, "/jsz", &at); err != nil {
		return err
	}
	if at.Meta.Leader == "" || at.Meta.Size != len(c.Nodes) {
		return fmt.Errorf("it knows of %d nodes, leader %q", at.Meta.Size, at.Meta.Leader)
	}
	return node.get(ctx, "/healthz", nil)
}

// Leader is the index of the node that leads a stream by its own account, for
// the others may not know yet; -1: nobody says so.
func (c *NATSCluster) Leader(ctx context.Context, stream string) int {
	for i, node := range c.Nodes {
		if node.leads(ctx, stream) {
			return i
		}
	}
	return -1
}

func (n *NATSNode) leads(ctx context.Context, stream string) bool {
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
			if s.Name == stream {
				return s.Cluster.Leader == n.Name
			}
		}
	}
	return false
}

// get reads from the node's monitoring. A node that is paused does not answer.
func (n *NATSNode) get(ctx context.Context, path string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+local(n.watch)+path, nil)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	switch {
	case resp.StatusCode != http.StatusOK:
		return errors.New(path + ": " + resp.Status)
	case into == nil:
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

// requestTimeout bounds one request, which is then made again.
const requestTimeout = 2 * time.Second

// DeleteStream takes a stream and all that it holds away.
func (c *NATSCluster) DeleteStream(ctx context.Context, stream string) error {
	nc, err := nats.Connect(c.URL())
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	return await(ctx, "deletion of "+stream, func() error {
		// A request that a server takes with it when it dies has no answer.
		ctx, cancel := context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		err := js.DeleteStream(ctx, stream)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			return nil
		}
		return err
	})
}
