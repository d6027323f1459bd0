package bus_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strconv"
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
	lose  func(publication string) bool
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
		p.done.Go(func() { p.forward(toServer, server, p.sieve(client), round) })
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

// Lose makes the log not get those publications that it is true for: subject,
// headers and payload. It counts for connections that are made later.
func (p *proxy) Lose(publication func(string) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lose = publication
}

// sieve is a connection without what is to be lost.
func (p *proxy) sieve(c net.Conn) net.Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lose == nil {
		return c
	}
	out, in := net.Pipe()
	p.conns[out] = p.round
	lose := p.lose
	p.done.Go(func() {
		defer func() { _ = in.Close() }()
		for r := bufio.NewReader(c); ; {
			line, err := r.ReadString('\n')
			words, lost := strings.Fields(line), false
			if err == nil && len(words) > 2 && strings.HasSuffix(words[0], "PUB") {
				size, _ := strconv.Atoi(words[len(words)-1])
				payload := make([]byte, size+len("\r\n"))
				_, err = io.ReadFull(r, payload)
				line += string(payload)
				lost = lose(line)
			}
			if err != nil {
				return
			}
			if lost {
				continue
			}
			if _, err := in.Write([]byte(line)); err != nil {
				return
			}
		}
	})
	return sieved{Conn: c, kept: out}
}

// sieved is read in place of the connection below it.
type sieved struct {
	net.Conn
	kept net.Conn
}

func (s sieved) Read(b []byte) (int, error) { return s.kept.Read(b) }
func (s sieved) Close() error               { return errors.Join(s.kept.Close(), s.Conn.Close()) }
