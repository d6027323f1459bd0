package servers

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// given are the ports that were handed out: who got one may not listen yet.
var given struct {
	sync.Mutex
	ports map[int]bool
}

// FreePort finds a port that is free, and so is the one 10,000 above it, as the
// nodes of a cluster need them. Both are below those that systems give to
// outgoing connections: a server that is started again must get its port back.
func FreePort() (int, error) {
	given.Lock()
	defer given.Unlock()
	if given.ports == nil {
		given.ports = make(map[int]bool)
	}
	for range 1000 {
		port := 10_000 + rand.IntN(12_000)
		if !given.ports[port] && free(port) && free(port+10_000) {
			given.ports[port] = true
			return port, nil
		}
	}
	return 0, errors.New("no two free ports 10,000 apart")
}

func free(port int) bool {
	l, err := net.Listen("tcp", local(port))
	if err == nil {
		_ = l.Close()
	}
	return err == nil
}

func local(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
