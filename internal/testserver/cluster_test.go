package testserver_test

import (
	"testing"

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
