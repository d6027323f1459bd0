package servers

import (
	"net"
	"sync"
)

// Proxy stands between a server and those who use it, to cut them off. Its
// methods are safe for concurrent use.
type Proxy struct {
	Port int

	target   string
	listener net.Listener
	done     sync.WaitGroup

	mu    sync.Mutex
	cond  *sync.Cond
	state proxyState
	held  map[string]bool // hosts from which nothing passes
	conns map[net.Conn]struct{}
}

type proxyState uint8

const (
	passing proxyState = iota
	holding            // connections stay, and nothing passes
	refusing
	closed
)

// NewProxy passes what comes to a port of its own on to a port of this machine.
func NewProxy(target int) (*Proxy, error) {
	port, l, err := listen()
	if err != nil {
		return nil, err
	}
	p := &Proxy{Port: port, target: local(target), listener: l, held: make(map[string]bool), conns: make(map[net.Conn]struct{})}
	p.cond = sync.NewCond(&p.mu)
	p.done.Go(p.accept)
	return p, nil
}

// listen takes a free port, or another one where somebody was faster.
func listen() (port int, l net.Listener, err error) {
	for range 5 {
		if port, err = FreePort(); err != nil {
			break
		}
		if l, err = net.Listen("tcp", local(port)); err == nil {
			break
		}
	}
	return port, l, err
}

// Addr is where it listens.
func (p *Proxy) Addr() string { return local(p.Port) }

// Cut ends all connections and refuses new ones until Heal.
func (p *Proxy) Cut() { p.set(refusing) }

// Hold keeps back everything until Heal, as a network does that loses all
// packets: nobody is told.
func (p *Proxy) Hold() { p.set(holding) }

// HoldFrom is Hold for the connections that come from one host.
func (p *Proxy) HoldFrom(host string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held[host] = true
}

// Heal lets everything pass again, also what was held back.
func (p *Proxy) Heal() {
	p.mu.Lock()
	clear(p.held)
	p.mu.Unlock()
	p.set(passing)
}

// Close ends all connections and waits for what it started.
func (p *Proxy) Close() {
	_ = p.listener.Close()
	p.set(closed)
	p.done.Wait()
}

func (p *Proxy) set(state proxyState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == closed {
		return
	}
	p.state = state
	if state == refusing || state == closed {
		for conn := range p.conns {
			reset(conn)
		}
	}
	p.cond.Broadcast()
}

// reset ends a connection as a server does that has died.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// pass waits while what comes from a host is held back. False: there is no way.
func (p *Proxy) pass(host string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.state == holding || p.state == passing && p.held[host] {
		p.cond.Wait()
	}
	return p.state == passing
}

// keep remembers a connection, so that it is ended with all others. False: it is
// not wanted any more.
func (p *Proxy) keep(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == refusing || p.state == closed {
		return false
	}
	p.conns[conn] = struct{}{}
	return true
}

func (p *Proxy) drop(conn net.Conn) {
	p.mu.Lock()
	delete(p.conns, conn)
	p.mu.Unlock()
	_ = conn.Close()
}

func (p *Proxy) accept() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return
		}
		if !p.keep(conn) {
			reset(conn)
			continue
		}
		p.done.Go(func() { p.serve(conn) })
	}
}

func (p *Proxy) serve(conn net.Conn) {
	defer p.drop(conn)
	host, _, _ := net.SplitHostPort(conn.RemoteAddr().String())
	if !p.pass(host) {
		return
	}
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		reset(conn)
		return
	}
	defer p.drop(server)
	if !p.keep(server) {
		return
	}
	var group sync.WaitGroup
	group.Go(func() { p.forward(server, conn, host) })
	p.forward(conn, server, host)
	group.Wait()
}

// forward copies until either side ends; the other one ends with it.
func (p *Proxy) forward(dst, src net.Conn, host string) {
	defer func() { _, _ = dst.Close(), src.Close() }()
	buf := make([]byte, 32<<10)
	for {
		n, err := src.Read(buf)
		if !p.pass(host) {
			return
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
