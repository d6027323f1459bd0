package cachestore

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/domain"
)

// Config says which Redis to use.
type Config struct {
	// Addrs of the server, of some nodes of a Redis Cluster, or of Sentinels:
	// host:port, or the path of a server's Unix socket. Default 127.0.0.1:6379.
	Addrs []string
	// Cluster: the addresses are nodes of a Redis Cluster.
	Cluster bool
	// SentinelMaster is what Sentinels call the master; then the addresses are
	// theirs, and whichever server they name is used. Empty: none.
	SentinelMaster string
	// SentinelUsername and SentinelPassword are for the Sentinels themselves;
	// empty for none.
	SentinelUsername string
	SentinelPassword string
	// DB number; a cluster has only 0. Default 0.
	DB int
	// Username and Password; empty for none. Without a password the username
	// does not count.
	Username string
	Password string
	// TLS to use, with the Sentinels, too; nil for none. A Unix socket has none.
	TLS *tls.Config
	// MaxConnections in the pool, per node. Default 50. Up to four more serve
	// reads of what is folded, and up to eight pops of orders, but not in a cluster.
	MaxConnections int
	// Prefix of every key. Default DefaultPrefix.
	Prefix string
	// Timeout bounds one request. Default 3 s.
	Timeout time.Duration
}

func (c Config) withDefaults() Config {
	if len(c.Addrs) == 0 {
		c.Addrs = []string{"127.0.0.1:6379"}
	}
	if c.MaxConnections == 0 {
		c.MaxConnections = 50
	}
	if c.Prefix == "" {
		c.Prefix = DefaultPrefix
	}
	if c.Timeout == 0 {
		c.Timeout = 3 * time.Second
	}
	return c
}

// Store is a connection to Redis. Its methods are safe for concurrent use.
type Store struct {
	cfg    Config
	rdb    redis.UniversalClient
	gather *gatherer // of all reads; nil for a cluster
	atOnce *gatherer // of those of one step; nil for a cluster
	calls  *ownConns // for calls of scripts

	listings sync.Map // exchange to *listing
}

// Connect opens a pool, checks that Redis answers and never evicts, and loads
// the scripts, of a cluster on every master. What Redis drops by itself would be
// missing without anybody knowing. The error matches domain.ErrUnreachable,
// domain.ErrMismatch for a Redis whose maxmemory-policy is not noeviction, or
// domain.ErrInvalid for a cluster with a DB other than 0.
func Connect(ctx context.Context, cfg Config) (*Store, error) {
	s := Open(cfg)
	if err := s.check(ctx); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// Open is Connect without the check, for what has to start while Redis is away.
// It does no input or output; connections are made when they are needed.
func Open(cfg Config) *Store {
	cfg = cfg.withDefaults()
	s := &Store{cfg: cfg, rdb: newClient(cfg)}
	s.calls = s.newOwnConns(mostCalls)
	if !cfg.Cluster {
		s.gather, s.atOnce = s.newGatherer(false), s.newGatherer(true)
	}
	return s
}

func (c Config) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if strings.HasPrefix(addr, "/") {
		network = "unix"
	}
	d := net.Dialer{Timeout: c.Timeout, KeepAlive: 10 * time.Second}
	if c.TLS != nil && network != "unix" {
		return (&tls.Dialer{NetDialer: &d, Config: c.TLS}).DialContext(ctx, network, addr)
	}
	return d.DialContext(ctx, network, addr)
}

// clusterTries is how often the library tries a command on a cluster: with the
// node that it knows, with that one again, and with whoever has its slot by then.
const clusterTries = 3

// nodeTimeout bounds what a node of a cluster takes to answer. One that is gone
// answers nothing, and all tries together are to take no longer than one elsewhere.
func (c Config) nodeTimeout() time.Duration {
	return max(c.Timeout/clusterTries, min(c.Timeout, 500*time.Millisecond))
}

func newClient(cfg Config) redis.UniversalClient {
	if cfg.Cluster {
		return redis.NewClusterClient(&redis.ClusterOptions{
			Addrs: cfg.Addrs, Username: cfg.Username, Password: cfg.Password,
			PoolSize: cfg.MaxConnections, Dialer: cfg.dial, ContextTimeoutEnabled: true,
			DialTimeout: cfg.nodeTimeout(), ReadTimeout: cfg.nodeTimeout(), WriteTimeout: cfg.nodeTimeout(),
			MaxRedirects: clusterTries - 1,
			// The default does not find the new master within 45 s.
			ClusterStateReloadInterval: time.Second,
		})
	}
	if cfg.SentinelMaster != "" {
		return redis.NewFailoverClient(&redis.FailoverOptions{
			MasterName: cfg.SentinelMaster, SentinelAddrs: cfg.Addrs,
			SentinelUsername: cfg.SentinelUsername, SentinelPassword: cfg.SentinelPassword,
			DB: cfg.DB, Username: cfg.Username, Password: cfg.Password,
			PoolSize: cfg.MaxConnections, Dialer: cfg.dial, ContextTimeoutEnabled: true,
			DialTimeout: cfg.Timeout, ReadTimeout: cfg.Timeout, WriteTimeout: cfg.Timeout,
		})
	}
	return redis.NewClient(&redis.Options{
		Addr: cfg.Addrs[0], DB: cfg.DB, Username: cfg.Username, Password: cfg.Password,
		PoolSize: cfg.MaxConnections, Dialer: cfg.dial, ContextTimeoutEnabled: true,
		DialTimeout: cfg.Timeout, ReadTimeout: cfg.Timeout, WriteTimeout: cfg.Timeout,
	})
}

func (s *Store) check(ctx context.Context) error {
	if s.cfg.Cluster && s.cfg.DB != 0 {
		return domain.Invalid("DB", strconv.Itoa(s.cfg.DB), "0: a Redis Cluster has no other")
	}
	if _, err := s.Ping(ctx); err != nil {
		return err
	}
	err := s.eachMaster(ctx, func(ctx context.Context, node redis.Cmdable) error {
		if err := checkPolicy(ctx, node); err != nil {
			return err
		}
		return loadScripts(ctx, node)
	})
	if errors.Is(err, domain.ErrMismatch) {
		return fmt.Errorf("Redis at %s: %w", s.Addr(), err)
	}
	if err != nil {
		return s.unreachable(ctx, err)
	}
	return nil
}

// eachMaster calls f for the server, or for every master of a cluster, several
// at a time.
func (s *Store) eachMaster(ctx context.Context, f func(context.Context, redis.Cmdable) error) error {
	if cluster, ok := s.rdb.(*redis.ClusterClient); ok {
		return cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error { return f(ctx, node) })
	}
	return f(ctx, s.rdb)
}

func checkPolicy(ctx context.Context, node redis.Cmdable) error {
	policy, err := node.ConfigGet(ctx, "maxmemory-policy").Result()
	if err != nil {
		// Managed and embedded servers may not have CONFIG; INFO says it too.
		info, infoErr := node.Info(ctx, "memory").Result()
		if infoErr != nil {
			return nil
		}
		policy = map[string]string{"maxmemory-policy": infoField(info, "maxmemory_policy")}
	}
	if p := policy["maxmemory-policy"]; p != "" && p != "noeviction" {
		return fmt.Errorf("%w: maxmemory-policy is %q, must be \"noeviction\": an evicted key would be missing without anybody knowing", domain.ErrMismatch, p)
	}
	return nil
}

func infoField(info, name string) string {
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+":"); ok {
			return value
		}
	}
	return ""
}

// Close ends all connections.
func (s *Store) Close() error {
	for _, g := range []*gatherer{s.gather, s.atOnce} {
		if g != nil {
			g.conns.close()
		}
	}
	s.calls.close()
	return s.rdb.Close()
}

// Addr is the configured address, for people.
func (s *Store) Addr() string { return strings.Join(s.cfg.Addrs, ",") }

// Ping returns the round trip to Redis, of a cluster that to all masters. The
// error matches domain.ErrUnreachable.
func (s *Store) Ping(ctx context.Context) (time.Duration, error) {
	start := time.Now()
	err := s.eachMaster(ctx, func(ctx context.Context, node redis.Cmdable) error { return node.Ping(ctx).Err() })
	if err != nil {
		return 0, s.unreachable(ctx, err)
	}
	return time.Since(start), nil
}

// unreachable tells a Redis that did not answer from a caller that gave up.
func (s *Store) unreachable(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	if cluster, ok := s.rdb.(*redis.ClusterClient); ok {
		cluster.ReloadState(ctx) // another master may have taken over
	}
	return fmt.Errorf("Redis at %s: %w: %w", s.Addr(), domain.ErrUnreachable, err)
}
