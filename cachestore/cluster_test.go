package cachestore_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/testserver"
)

// streamsOnAllNodes are streams of which each node has some.
func streamsOnAllNodes(tb testing.TB, c *testserver.RedisCluster) []string {
	tb.Helper()
	rdb := c.Client(tb)
	nodes := make(map[string]bool)
	var streams []string
	for i := 0; len(nodes) < len(c.Nodes); i++ {
		name := fmt.Sprintf("TICKS_%d", i)
		master, err := rdb.MasterForKey(tb.Context(), key(name, "checkpoint"))
		if err != nil {
			tb.Fatal(err)
		}
		nodes[master.Options().Addr] = true
		streams = append(streams, name)
	}
	return streams
}

func TestEveryMasterOfAClusterHasTheScriptsAndMustNotEvict(t *testing.T) {
	t.Parallel()
	c := testserver.NewRedisCluster(t)
	s := c.Store(t)
	scripts := func(node *testserver.Redis) string {
		info, err := node.Client(t).Info(t.Context(), "memory").Result()
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(info, "number_of_cached_scripts:")
		n, _, _ := strings.Cut(rest, "\r")
		return n
	}
	for _, node := range c.Nodes {
		if n := scripts(node); n == "0" || n == "" {
			t.Errorf("%s has %q scripts", node.Addr, n)
		}
	}
	// A master that lost them gets each with the call that misses it.
	for _, node := range c.Nodes {
		if err := node.Client(t).ScriptFlush(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, stream := range streamsOnAllNodes(t, c) {
		p := s.Partition(stream)
		apply(t, p, domain.Checkpoint{}, at(1), withTick(t, p, "BTC/USDT", 1, 1))
		wantPrice(t, p, "BTC/USDT", "1")
	}
	addrs := []string{c.Nodes[0].Addr}
	for i, node := range c.Nodes {
		rdb := node.Client(t)
		if err := rdb.ConfigSet(t.Context(), "maxmemory-policy", "allkeys-lru").Err(); err != nil {
			t.Fatal(err)
		}
		_, err := cachestore.Connect(t.Context(), cachestore.Config{Addrs: addrs, Cluster: true})
		if !errors.Is(err, domain.ErrMismatch) || !strings.Contains(err.Error(), "allkeys-lru") {
			t.Errorf("node %d evicts: %v", i, err)
		}
		if err := rdb.ConfigSet(t.Context(), "maxmemory-policy", "noeviction").Err(); err != nil {
			t.Fatal(err)
		}
	}
	_, err := cachestore.Connect(t.Context(), cachestore.Config{Addrs: addrs, Cluster: true, DB: 3})
	if !errors.Is(err, domain.ErrInvalid) {
		t.Errorf("database 3 of a cluster: %v", err)
	}
}

func TestAllPartitionsOfAClusterAreReadAsOne(t *testing.T) {
	t.Parallel()
	c := testserver.NewRedisCluster(t)
	s := c.Store(t)
	var partitions []*cachestore.Partition
	var want []string
	for i, stream := range streamsOnAllNodes(t, c) {
		p := s.Partition(stream)
		symbol := fmt.Sprintf("C%02d/USDT", i)
		b := withTick(t, p, symbol, 1, 1)
		b.AddAccount(symbol)
		apply(t, p, domain.Checkpoint{}, at(1), b)
		partitions, want = append(partitions, p), append(want, symbol)
		if seq, err := p.Wait(t.Context(), 0, time.Minute); err != nil || seq != 1 {
			t.Errorf("%s: waited to %d (%v)", stream, seq, err)
		}
	}
	ticks, _, err := s.AllTicks(t.Context(), partitions, "binance", noon)
	if err != nil || len(ticks) != len(want) {
		t.Errorf("%d ticks (%v), want %d", len(ticks), err, len(want))
	}
	if exchanges, _, err := s.Exchanges(t.Context(), partitions); err != nil || !slices.Equal(exchanges, []string{"binance"}) {
		t.Errorf("exchanges %v (%v)", exchanges, err)
	}
	accounts, err := s.Accounts(t.Context(), partitions)
	slices.Sort(accounts)
	if err != nil || !slices.Equal(accounts, want) {
		t.Errorf("accounts %v (%v), want %v", accounts, err, want)
	}
	if n, err := s.Erase(t.Context()); err != nil || n < 5*len(want) {
		t.Errorf("erased %d (%v)", n, err)
	}
	for _, node := range c.Nodes {
		if n, err := node.Client(t).DBSize(t.Context()).Result(); err != nil || n != 0 {
			t.Errorf("%s still has %d keys (%v)", node.Addr, n, err)
		}
	}
}

func TestWhatIsOnAMasterThatIsGoneIsUnreachableUntilItIsBack(t *testing.T) {
	t.Parallel()
	c := testserver.NewRedisCluster(t)
	s, err := cachestore.Connect(t.Context(), cachestore.Config{Addrs: []string{c.Nodes[2].Addr}, Cluster: true, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	rdb := c.Client(t)
	lost := 0
	streams := streamsOnAllNodes(t, c)
	for _, stream := range streams {
		p := s.Partition(stream)
		apply(t, p, domain.Checkpoint{}, at(1), withTick(t, p, "BTC/USDT", 1, 1))
	}
	onFirst := func(stream string) bool {
		master, err := rdb.MasterForKey(t.Context(), key(stream, "checkpoint"))
		if err != nil {
			t.Fatal(err)
		}
		return master.Options().Addr == c.Nodes[0].Addr
	}
	c.Nodes[0].Pause() // a machine that is gone answers nothing, it refuses nothing
	for _, stream := range streams {
		_, err := s.Partition(stream).Checkpoint(t.Context())
		switch {
		case onFirst(stream) && !errors.Is(err, domain.ErrUnreachable):
			t.Errorf("%s, on the lost master: %v", stream, err)
		case onFirst(stream):
			lost++
		}
	}
	if _, err := s.Ping(t.Context()); !errors.Is(err, domain.ErrUnreachable) {
		t.Errorf("ping: %v", err)
	}
	c.Nodes[0].Resume()
	c.Serving()
	if lost == 0 {
		t.Fatal("no stream is on the lost master")
	}
	for _, stream := range streams {
		wantPrice(t, s.Partition(stream), "BTC/USDT", "1")
	}
}
