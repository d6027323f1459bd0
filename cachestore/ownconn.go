package cachestore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// ownConn is a connection of the store's own, for gathered reads or for calls of
// scripts, and nothing else. A request leaves and its replies arrive in one piece,
// without an object for each command or element, which is half of what reads cost
// with the library's connections (BenchmarkRead). It knows no redirections,
// repetitions or maintenance: after any error it is closed, and the request is left
// to the library.
type ownConn struct {
	net.Conn
	out []byte // request, used again
}

var (
	errUnexpected = errors.New("an unexpected reply")
	errNoMaster   = errors.New("not a master")
	errNotSent    = errors.New("not sent")
)

// dialOwn connects to where the library connects, and like it.
func dialOwn(ctx context.Context, rdb *redis.Client, cfg Config) (*ownConn, error) {
	opt := rdb.Options()
	// With Sentinels the library's dialer asks them for the master.
	conn, err := opt.Dialer(ctx, opt.Network, opt.Addr)
	if err != nil {
		return nil, err
	}
	c := &ownConn{Conn: conn}
	if err := c.greet(ctx, opt, cfg.SentinelMaster != ""); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return c, nil
}

// greet says who is there and which database is meant. Where the server must be
// a master, it asks: a Sentinel that was cut off may name one that has become a
// replica, and nobody would ever tell this connection. Of a server that becomes
// one later the Sentinels end all connections.
func (c *ownConn) greet(ctx context.Context, opt *redis.Options, master bool) error {
	var greeting []command
	switch {
	case opt.Password == "":
	case opt.Username != "":
		greeting = append(greeting, command{"auth", opt.Username, opt.Password})
	default:
		greeting = append(greeting, command{"auth", opt.Password})
	}
	if opt.DB != 0 {
		greeting = append(greeting, command{"select", opt.DB})
	}
	if master {
		greeting = append(greeting, command{"role"})
	}
	if len(greeting) == 0 {
		return nil
	}
	f := flight{commands: greeting}
	if err := c.fetch(ctx, &f, false); err != nil {
		return err
	}
	for i := range greeting {
		if f.part(i, i+1)[0] == '-' {
			return errUnexpected // the library will say what
		}
	}
	if master && !bytes.HasPrefix(f.part(len(greeting)-1, len(greeting)), []byte("*3\r\n$6\r\nmaster\r\n")) {
		return errNoMaster
	}
	return nil
}

// fetch sends a flight's commands, at once in a transaction, and reads until each
// has its reply. After an error the connection is of no more use.
func (c *ownConn) fetch(ctx context.Context, f *flight, atOnce bool) error {
	deadline, _ := ctx.Deadline()
	if err := c.SetDeadline(deadline); err != nil {
		return err
	}
	out := c.out[:0]
	if atOnce {
		out = append(out, "*1\r\n$5\r\nmulti\r\n"...)
	}
	for _, cmd := range f.commands {
		var err error
		if out, err = appendCommand(out, cmd); err != nil {
			return err
		}
	}
	if atOnce {
		out = append(out, "*1\r\n$4\r\nexec\r\n"...)
	}
	if err := c.send(out); err != nil {
		return err
	}
	in := incoming{conn: c.Conn, data: f.replies}
	if atOnce {
		// Each is answered with "queued", and EXEC with all replies.
		for range len(f.commands) + 1 {
			if kind, _ := in.head(); kind != '+' {
				in.fail(errUnexpected)
			}
		}
		if kind, n := in.head(); kind != '*' || n != len(f.commands) {
			in.fail(errUnexpected)
		}
	}
	f.start = in.at
	for range f.commands {
		in.skip()
		f.ends = append(f.ends, in.at)
	}
	f.replies = in.data
	if in.err == nil && in.at != len(in.data) {
		in.err = errUnexpected
	}
	return in.err
}

// call sends one command, whose request begins with head, and reads its reply until
// the deadline. After an error the connection is of no more use.
func (c *ownConn) call(deadline time.Time, head []byte, args []any, f *flight) error {
	if err := c.SetDeadline(deadline); err != nil {
		return err
	}
	out := c.out[:0]
	out = append(out, head...)
	for _, arg := range args {
		var err error
		if out, err = appendArgument(out, arg); err != nil {
			return err
		}
	}
	if err := c.send(out); err != nil {
		return err
	}
	in := incoming{conn: c.Conn, data: f.replies}
	in.skip()
	if in.err == nil && in.at != len(in.data) {
		in.err = errUnexpected
	}
	f.replies, f.ends = in.data, append(f.ends, in.at)
	return in.err
}

// send writes a request, whose memory is used again.
func (c *ownConn) send(out []byte) error {
	if c.out = out; cap(out) > keptBuffer {
		c.out = nil
	}
	_, err := c.Write(out)
	return err
}

// isTimeout tells an error of a connection that did not answer in time.
func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// incoming is what has come from Redis and where its reader is in it.
type incoming struct {
	conn net.Conn
	data []byte
	at   int
	err  error // the first; nothing goes on after it
}

func (in *incoming) fail(err error) {
	if in.err == nil {
		in.err = err
	}
}

// receiveAtLeast is for how much there is at least room when something is received, bytes.
const receiveAtLeast = 16 << 10

// receive waits for more.
func (in *incoming) receive() {
	if cap(in.data)-len(in.data) < receiveAtLeast {
		in.data = slices.Grow(in.data, max(receiveAtLeast, len(in.data)))
	}
	n, err := in.conn.Read(in.data[len(in.data):cap(in.data)])
	in.data = in.data[:len(in.data)+n]
	if n == 0 {
		in.fail(err)
	}
}

// head passes the first line of an element, and gives its kind and its number.
func (in *incoming) head() (kind byte, n int) {
	for in.err == nil {
		n, nothing := 0, false
		for i := in.at + 1; i < len(in.data); i++ {
			switch c := in.data[i]; {
			case '0' <= c && c <= '9':
				n = 10*n + int(c-'0')
			case c == '-':
				nothing = true
			case c == '\n':
				kind = in.data[in.at]
				if in.at = i + 1; nothing {
					return kind, -1
				}
				return kind, n
			}
		}
		in.receive()
	}
	return 0, 0
}

// skip passes an element with all that is in it.
func (in *incoming) skip() {
	for left := 1; left > 0 && in.err == nil; left-- {
		switch kind, n := in.head(); kind {
		case '$':
			if n < 0 {
				break
			}
			in.at += n + len(crlf)
			for in.at > len(in.data) && in.err == nil {
				in.receive()
			}
		case '*':
			left += max(0, n)
		case '+', '-', ':':
		default:
			in.fail(errUnexpected)
		}
	}
}

func appendCommand(out []byte, c command) ([]byte, error) {
	out = appendHead(out, '*', len(c))
	for _, arg := range c {
		var err error
		if out, err = appendArgument(out, arg); err != nil {
			return out, err
		}
	}
	return out, nil
}

func appendArgument(out []byte, arg any) ([]byte, error) {
	var digits [20]byte
	switch v := arg.(type) {
	case string:
		return append(append(appendHead(out, '$', len(v)), v...), crlf...), nil
	case *string:
		return append(append(appendHead(out, '$', len(*v)), *v...), crlf...), nil
	case int:
		return appendText(out, strconv.AppendInt(digits[:0], int64(v), 10)), nil
	case int64:
		return appendText(out, strconv.AppendInt(digits[:0], v, 10)), nil
	case uint64:
		return appendText(out, strconv.AppendUint(digits[:0], v, 10)), nil
	}
	return out, fmt.Errorf("an argument of type %T", arg)
}

func appendText(out, text []byte) []byte {
	return append(append(appendHead(out, '$', len(text)), text...), crlf...)
}

func appendHead(out []byte, kind byte, n int) []byte {
	return append(strconv.AppendInt(append(out, kind), int64(n), 10), crlf...)
}
