package servers_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fullon/fullon/internal/servers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 60 * time.Second

func TestARedisClusterFailsOverThroughItsProxies(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := servers.NewRedisCluster(ctx, t.TempDir(), 3, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	client := c.Client()
	defer func() { _ = client.Close() }()
	before, replica := c.Shard(ctx, 1)
	if before < 0 || replica < 0 {
		t.Fatalf("shard 1 is at %d and %d", before, replica)
	}
	c.Isolate(before)
	for after := before; after != replica; after, _ = c.Shard(ctx, 1) {
		if ctx.Err() != nil {
			t.Fatal("nobody took over")
		}
	}
	c.Heal()
	c.Nodes[replica].Kill()
	if err := c.Nodes[replica].Start(); err != nil {
		t.Fatal(err)
	}
	if err := c.Serving(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestANATSClusterElectsAnotherLeaderWhenOneIsCutOff(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	dir := t.TempDir()
	if err := servers.Build(dir, servers.NATSServer); err != nil {
		t.Fatal(err)
	}
	c, err := servers.NewNATSCluster(ctx, filepath.Join(dir, "nats-server"), dir, 3, servers.NATSConfig{})
	if err != nil {
		logs, _ := os.ReadFile(filepath.Join(dir, "nats-0", "log"))
		t.Fatalf("%v\n%s", err, logs)
	}
	defer c.Close()
	c.Nodes[1].Kill()
	if err := c.Nodes[1].Start(); err != nil {
		t.Fatal(err)
	}
	if err := c.Serving(ctx); err != nil {
		t.Fatal(err)
	}
}
