package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/sourcegraph/conc/pool"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/internal/mockvenue"
	"github.com/fullon/fullon/internal/servers"
)

const (
	natsNodes    = 3
	redisMasters = 3
	projectors   = 3
	workers      = 2
	exchange     = "binance"
	orderAccount = "1001"
	tradeCap     = 500 // trades of a market that Redis keeps

	// nodeTimeout is after how long a Redis that does not answer has failed.
	nodeTimeout = 2 * time.Second
	// The times of the order workers: short, so that many orders are caught in
	// the middle. Leases that end early count as tries, which therefore are more
	// than there can be.
	orderLease   = 300 * time.Millisecond
	orderTimeout = 500 * time.Millisecond
	orderMargin  = 200 * time.Millisecond
	orderTries   = 1000
	venueFaults  = 60 // of 1000 calls
)

// deployment is everything that runs.
type deployment struct {
	cfg        config
	dir        string
	nats       *servers.NATSCluster
	redis      *servers.RedisCluster
	venue      *mockvenue.Venue
	projectors []*program
	workers    []*program
	links      [][]*servers.Proxy // by user of the log: its ways there
	extra      []func()           // what else Close ends
}

// Users of the log that have ways of their own, by index in deployment.links.
const (
	projectorLinks = 0
	workerLinks    = projectorLinks + projectors
	loadLinks      = workerLinks + workers
	readerLinks    = loadLinks + 1
	linkUsers      = readerLinks + 1
)

// layout is the partitions: of each kind the first rests, see series, and of
// trades the last is replaced.
var layout = bus.Layout{Ticks: 3, Trades: 4, Accounts: 2}

func seedDir(dir string, seed uint64) string {
	return filepath.Join(dir, "seed-"+strconv.FormatUint(seed, 10))
}

// build builds what the processes run.
func build(dir string) error {
	return servers.Build(dir, servers.NATSServer, "github.com/fullon/fullon/cmd/projector", "github.com/fullon/fullon/cmd/orderworker")
}

// deploy starts everything. Another program may take a port between its being
// found and its being used, hence the tries.
func deploy(ctx context.Context, cfg config) (d *deployment, err error) {
	for range 3 {
		if d, err = deployOnce(ctx, cfg); err == nil || ctx.Err() != nil {
			break
		}
	}
	return d, err
}

// deployOnce is one try. After an error nothing runs.
func deployOnce(ctx context.Context, cfg config) (d *deployment, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, errors.New("the deployment does not start"))
	defer cancel()
	d = &deployment{cfg: cfg, dir: seedDir(cfg.Dir, cfg.Seed)}
	defer func() {
		if err != nil {
			d.Close()
		}
	}()
	if err := os.RemoveAll(d.dir); err != nil {
		return d, err
	}
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return d, err
	}
	if err := d.startServers(ctx); err != nil {
		return d, err
	}
	if d.venue, err = mockvenue.New(cfg.Seed, orderTimeout); err != nil {
		return d, err
	}
	d.venue.Faulty(venueFaults)
	for range linkUsers {
		var ways []*servers.Proxy
		for _, node := range d.nats.Nodes {
			way, err := servers.NewProxy(node.Port)
			if err != nil {
				return d, err
			}
			ways = append(ways, way)
		}
		d.links = append(d.links, ways)
	}
	if err := d.provision(ctx); err != nil {
		return d, err
	}
	for i := range projectors {
		p, err := d.start("projector", i, d.projectorEnv(urlOf(d.links[projectorLinks+i]), d.redis.Addrs()))
		if err != nil {
			return d, err
		}
		d.projectors = append(d.projectors, p)
	}
	for i := range workers {
		p, err := d.start("orderworker", i, append(d.serverEnv(urlOf(d.links[workerLinks+i]), d.redis.Addrs()),
			"FULLON_PAPER_URL="+d.venue.URL, "FULLON_ORDER_EXCHANGE="+exchange, "FULLON_ORDER_ACCOUNTS="+orderAccount,
			"FULLON_ORDER_LEASE="+orderLease.String(), "FULLON_ORDER_TIMEOUT="+orderTimeout.String(),
			"FULLON_ORDER_MARGIN="+orderMargin.String(), "FULLON_ORDER_MAX_TRIES="+strconv.Itoa(orderTries), "FULLON_MAX_TICK_AGE=1h"))
		if err != nil {
			return d, err
		}
		d.workers = append(d.workers, p)
	}
	return d, nil
}

// startServers starts both clusters at the same time.
func (d *deployment) startServers(ctx context.Context) error {
	group := pool.New().WithErrors()
	group.Go(func() (err error) {
		d.nats, err = servers.NewNATSCluster(ctx, filepath.Join(d.cfg.Dir, "nats-server"), d.dir, natsNodes, servers.NATSConfig{})
		return err
	})
	group.Go(func() (err error) {
		d.redis, err = servers.NewRedisCluster(ctx, d.dir, redisMasters, nodeTimeout)
		return err
	})
	return group.Wait()
}

// Close ends everything that was started.
func (d *deployment) Close() {
	for _, p := range d.programs() {
		p.kill()
	}
	for _, end := range d.extra {
		end()
	}
	if d.venue != nil {
		d.venue.Close()
	}
	for _, ways := range d.links {
		for _, way := range ways {
			way.Close()
		}
	}
	if d.redis != nil {
		d.redis.Close()
	}
	if d.nats != nil {
		d.nats.Close()
	}
}

func urlOf(ways []*servers.Proxy) string {
	urls := make([]string, len(ways))
	for i, way := range ways {
		urls[i] = "nats://" + way.Addr()
	}
	return strings.Join(urls, ",")
}

// direct is the address of the log without proxies.
func (d *deployment) direct() string {
	urls := make([]string, len(d.nats.Nodes))
	for i, node := range d.nats.Nodes {
		urls[i] = "nats://127.0.0.1:" + strconv.Itoa(node.Port)
	}
	return strings.Join(urls, ",")
}

func (d *deployment) serverEnv(nats string, redis []string) []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "FULLON_LOG_FORMAT=json", "NATS_URL=" + nats, "REDIS_ADDRS=" + strings.Join(redis, ","),
		"FULLON_TICK_PARTITIONS=" + strconv.Itoa(layout.Ticks), "FULLON_TRADE_PARTITIONS=" + strconv.Itoa(layout.Trades),
		"FULLON_ACCOUNT_PARTITIONS=" + strconv.Itoa(layout.Accounts),
	}
}

func (d *deployment) projectorEnv(nats string, redis []string) []string {
	return append(d.serverEnv(nats, redis), "FULLON_TRADE_CAP="+strconv.Itoa(tradeCap))
}

// start starts one of our commands.
func (d *deployment) start(command string, i int, env []string) (*program, error) {
	name := fmt.Sprintf("%s-%d", command, i)
	dir := filepath.Join(d.dir, name) // no .env there
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	p, err := servers.Start(name, servers.Program{
		Path: filepath.Join(d.cfg.Dir, command), Dir: dir, Log: filepath.Join(d.dir, name+".log"), Env: append(env, "HOME="+dir),
	})
	return &program{Process: p}, err
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// connect opens a connection to the log.
func (d *deployment) connect(ctx context.Context, url string) (*bus.Bus, error) {
	return bus.Connect(ctx, bus.Config{URL: url, Layout: layout, Log: quiet()})
}

// store opens a connection to Redis.
func (d *deployment) store() *cachestore.Store {
	return cachestore.Open(cachestore.Config{Addrs: d.redis.Addrs(), Cluster: true})
}

// provision creates the streams that there are not.
func (d *deployment) provision(ctx context.Context) error {
	b, err := d.connect(ctx, d.direct())
	if err != nil {
		return err
	}
	defer b.Close()
	return retry(ctx, func() error {
		return b.Provision(ctx, bus.Plan{Replicas: natsNodes, Exchanges: []string{exchange}})
	})
}

// retry tries until it works or ctx ends.
func retry(ctx context.Context, try func() error) error {
	for {
		err := try()
		if err == nil {
			return nil
		}
		if !rest(ctx, 50*time.Millisecond) {
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
	}
}

// rest waits, and tells whether ctx still lasts.
func rest(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
