package bus_test

import (
	"net"
	"strings"
	"sync"
	"testing"
)

// proxy stands between a client and the log, to hold back and to lose what one
// says to the other.
type proxy struct {
	URL string

	listener net.Listener
	target   string
	done     sync.WaitGroup

	mu    sync.Mutex
	cond  *sync.Cond
	held  [2]bool // by direction
	conns map[net.Conn]int
	round int // of Cut: who belongs to an earlier one is to go
}

type direction int

const (
	toServer direction = iota
	toClient
)

func newProxy(tb testing.TB, url string) *proxy {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p := &proxy{
		URL: "nats://" + l.Addr().String(), listener: l, target: strings.TrimPrefix(url, "nats://"), conns: make(map[net.Conn]int),
	}
	p.cond = sync.NewCond(&p.mu)
	p.done.Go(p.accept)
	tb.Cleanup(func() {
		_ = l.Close()
		p.Cut()
		p.done.Wait()
	})
	return p
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.conns[client], p.conns[server] = p.round, p.round
		round := p.round
		p.mu.Unlock()
		p.done.Go(func() { p.forward(toServer, server, client, round) })
		p.done.Go(func() { p.forward(toClient, client, server, round) })
	}
}

func (p *proxy) forward(d direction, dst, src net.Conn, round int) {
	defer func() {
		_, _ = dst.Close(), src.Close()
		p.mu.Lock()
		delete(p.conns, src)
		p.mu.Unlock()
	}()
	buf := make([]byte, 32<<10)
	for {
		n, err := src.Read(buf)
		p.mu.Lock()
		for p.held[d] && round == p.round {
			p.cond.Wait()
		}
		cut := round != p.round
		p.mu.Unlock()
		if cut {
			return // what was held back is lost
		}
		if n > 0 {
			if _, err := dst.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// Hold keeps back everything in one direction until Release, or loses it if
// Cut comes first.
func (p *proxy) Hold(d direction) { p.set(d, true) }

// Release lets everything through that was held back.
func (p *proxy) Release() { p.set(toServer, false); p.set(toClient, false) }

func (p *proxy) set(d direction, held bool) {
	p.mu.Lock()
	p.held[d] = held
	p.mu.Unlock()
	p.cond.Broadcast()
}

// Cut ends all connections, loses what was held back, and holds nothing in
// those that follow.
func (p *proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.round++
	p.held = [2]bool{}
	for c := range p.conns {
		_ = c.Close()
	}
	p.cond.Broadcast()
}
