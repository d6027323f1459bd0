package papertest

import (
	"net"
	"sync"
	"testing"

	"github.com/fullon/fullon/internal/execution/executiontest"
)

// Conns is a listener that can cut what it accepted.
type Conns struct {
	net.Listener
	mu  sync.Mutex
	all map[net.Conn]bool
}

// Listen listens at an address of this machine, which who had it before may
// still be leaving.
func Listen(t testing.TB, address string) *Conns {
	t.Helper()
	c := &Conns{all: make(map[net.Conn]bool)}
	executiontest.Eventually(t, "the address", func() (ok bool) {
		var err error
		c.Listener, err = net.Listen("tcp", address)
		return err == nil
	})
	return c
}

// Accept implements net.Listener.
func (c *Conns) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err == nil {
		c.mu.Lock()
		c.all[conn] = true
		c.mu.Unlock()
	}
	return conn, err
}

// Cut closes all that was accepted.
func (c *Conns) Cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.all {
		_ = conn.Close()
	}
	clear(c.all)
}
