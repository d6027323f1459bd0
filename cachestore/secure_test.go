package cachestore_test

import (
	"crypto/tls"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// connected stores, reads and waits, and reads over a connection of the store's
// own.
func connected(t *testing.T, cfg cachestore.Config) *cachestore.Store {
	t.Helper()
	s, err := cachestore.Connect(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	p := s.Partition("TICKS_0")
	apply(t, p, domain.Checkpoint{}, at(1), withTick(t, p, "BTC/USDT", 1, 1))
	wantPrice(t, p, "BTC/USDT", "1")
	if seq, err := p.Wait(t.Context(), 0, time.Minute); err != nil || seq != 1 {
		t.Errorf("waited to %d (%v)", seq, err)
	}
	if cfg.Cluster { // where all reads are the library's
		return s
	}
	if text, err := s.OwnGet(t.Context(), key("TICKS_0", "checkpoint")); err != nil || text != at(1).String() {
		t.Errorf("read over an own connection: %q (%v)", text, err)
	}
	return s
}

const secret = "hunter2-9f3c"

func TestAUserOverTLSWithACertificate(t *testing.T) {
	t.Parallel()
	files := testserver.NewCertificates(t)
	cfg := testserver.RedisConfig{
		Args:   append(files.RedisArgs(), "--user", "bot", "on", ">"+secret, "~fullon:*", "+@all", "--requirepass", "another"),
		Client: redis.Options{Password: "another", TLSConfig: files.Client(t)},
	}
	server := testserver.NewRedisOf(t, cfg)
	login := cachestore.Config{Addrs: []string{server.Addr}, DB: 0, Username: "bot", Password: secret, TLS: files.Client(t), Timeout: time.Second}
	connected(t, login)
	for name, change := range map[string]func(*cachestore.Config){
		"no TLS": func(c *cachestore.Config) { c.TLS = nil },
		"no certificate": func(c *cachestore.Config) {
			c.TLS = &tls.Config{RootCAs: c.TLS.RootCAs, ServerName: testserver.ServerName}
		},
		"another name":   func(c *cachestore.Config) { c.TLS = c.TLS.Clone(); c.TLS.ServerName = "elsewhere.test" },
		"wrong password": func(c *cachestore.Config) { c.Password = "wrong" },
		"no user":        func(c *cachestore.Config) { c.Username, c.Password = "", "" },
	} {
		wrong := login
		change(&wrong)
		_, err := cachestore.Connect(t.Context(), wrong)
		if !errors.Is(err, domain.ErrUnreachable) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAUnixSocketWithAPassword(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "redis.sock")
	testserver.NewRedisOf(t, testserver.RedisConfig{
		Args: []string{"--unixsocket", path, "--requirepass", secret}, Client: redis.Options{Password: secret},
	})
	connected(t, cachestore.Config{Addrs: []string{path}, Password: secret, DB: 3})
}

func TestAClusterOverTLS(t *testing.T) {
	t.Parallel()
	files := testserver.NewCertificates(t)
	c := testserver.NewRedisClusterOf(t, testserver.RedisClusterConfig{RedisConfig: testserver.RedisConfig{
		Args: append(files.RedisArgs(), "--requirepass", secret, "--masterauth", secret), Client: redis.Options{Password: secret, TLSConfig: files.Client(t)},
	}})
	connected(t, c.Config())
}

// What was asked for while the master was dead must be answered by the one that
// took over, over connections of either kind.
func TestSentinelsLeadToTheMasterThatTookOver(t *testing.T) {
	t.Parallel()
	servers := testserver.NewSentinel(t)
	s := connected(t, servers.Config())
	p := s.Partition("TICKS_0")
	servers.Nodes[0].Kill()
	servers.Failover()
	servers.Nodes[0].Start()     // it comes back as a master, until a Sentinel tells it
	var stored domain.Checkpoint // the last write may not have reached the replica
	for err := domain.ErrUnreachable; err != nil; {
		if stored, err = p.Checkpoint(t.Context()); t.Context().Err() != nil {
			t.Fatal(err)
		}
	}
	apply(t, p, stored, at(2), withTick(t, p, "BTC/USDT", 2, 2))
	wantPrice(t, p, "BTC/USDT", "2")
	text, err := s.OwnGet(t.Context(), key("TICKS_0", "checkpoint"))
	if err != nil { // over a connection that a master has closed which is none any more; the next one is another
		text, err = s.OwnGet(t.Context(), key("TICKS_0", "checkpoint"))
	}
	if err != nil || text != at(2).String() {
		t.Errorf("read over an own connection: %q (%v)", text, err)
	}
	if text, err := servers.Nodes[1].Client(t).Get(t.Context(), key("TICKS_0", "checkpoint")).Result(); err != nil || text != at(2).String() {
		t.Errorf("the new master has %q (%v)", text, err)
	}
}
