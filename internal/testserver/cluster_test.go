package testserver_test

import (
	"testing"
	"time"

	"github.com/fullon/fullon/internal/testserver"
)

func TestAClusterServesAndComesBackAfterAKill(t *testing.T) {
	t.Parallel()
	c := testserver.NewRedisCluster(t)
	client := c.Client(t)
	for _, key := range []string{"a", "b", "c", "d", "e", "f"} {
		if err := client.Set(t.Context(), key, key, 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for i, node := range c.Nodes {
		n, err := node.Client(t).DBSize(t.Context()).Result()
		if err != nil || n == 0 {
			t.Errorf("node %d has %d keys (%v)", i, n, err)
		}
	}
	c.Nodes[1].Kill()
	c.Nodes[1].Start()
	c.Serving()
	if n, err := c.Nodes[1].Client(t).DBSize(t.Context()).Result(); err != nil || n != 0 {
		t.Fatalf("it came back with %d keys (%v)", n, err)
	}
}

func TestAReplicaTakesOverFromAMasterThatIsKilled(t *testing.T) {
	t.Parallel()
	c := testserver.NewRedisClusterOf(t, testserver.RedisClusterConfig{Replicas: true, NodeTimeout: 2 * time.Second})
	master := c.NodeOf(t, "key")
	conn := c.Nodes[master].Client(t).Conn() // what WAIT waits for is this connection's
	if err := conn.Set(t.Context(), "key", "value", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Wait(t.Context(), 1, time.Minute).Result(); err != nil || n != 1 {
		t.Fatalf("%d replicas have it (%v)", n, err)
	}
	c.Nodes[master].Kill()
	c.Promoted(master + 3)
	c.Nodes[master].Start()
	c.Serving()
	if c.IsMaster(master) {
		t.Error("the node that was killed is a master again")
	}
	if value, err := c.Client(t).Get(t.Context(), "key").Result(); err != nil || value != "value" {
		t.Errorf("%q (%v)", value, err)
	}
}

func TestSentinelsMakeTheReplicaTheMaster(t *testing.T) {
	t.Parallel()
	s := testserver.NewSentinel(t)
	s.Nodes[0].Kill()
	s.Failover()
}
