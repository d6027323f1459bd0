package compose

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/domain"
)

// privateRedis is a Redis that belongs to this process: a redis-server child,
// or an in-process miniredis where there is no redis-server.
type privateRedis interface {
	Addr() string
	// Kind tells people what it is and why.
	Kind() string
	Stop() error
}

const redisStart = 15 * time.Second

func startPrivateRedis(ctx context.Context, dir string, log *slog.Logger) (privateRedis, error) {
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		mini := miniredis.NewMiniRedis()
		if err := mini.Start(); err != nil {
			return nil, fmt.Errorf("in-process Redis: %w", err)
		}
		return &miniRedis{mini}, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("directory of Redis: %w", err)
	}
	child := &redisChild{binary: binary, dir: dir, log: log}
	return child, child.start(ctx)
}

type miniRedis struct{ *miniredis.Miniredis }

func (m *miniRedis) Kind() string {
	return "in-process miniredis, because no redis-server is on PATH; it keeps nothing over a restart and is rebuilt from the log"
}

func (m *miniRedis) Stop() error { m.Close(); return nil }

// redisChild is a redis-server that ends with this process, however that ends.
type redisChild struct {
	binary, dir string
	log         *slog.Logger
	port        int

	mu     sync.Mutex
	cmd    *exec.Cmd
	exited chan struct{}
}

func (c *redisChild) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(c.port)) }

func (c *redisChild) Kind() string { return "private " + c.binary }

// start launches the server and waits until it answers.
func (c *redisChild) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, redisStart)
	defer cancel()
	port, err := freePort()
	if err != nil {
		return err
	}
	c.port = port
	if err := c.launch(); err != nil {
		return err
	}
	for {
		store, err := cachestore.Connect(ctx, cachestore.Config{Addrs: []string{c.Addr()}})
		if err == nil {
			return store.Close()
		}
		if !errors.Is(err, domain.ErrUnreachable) || ctx.Err() != nil {
			_ = c.Stop()
			return fmt.Errorf("%s on %s did not start, see %s: %w", c.binary, c.Addr(), c.logFile(), err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (c *redisChild) logFile() string { return filepath.Join(c.dir, "redis.log") }

func (c *redisChild) launch() error {
	cmd := exec.Command(c.binary, "--port", strconv.Itoa(c.port), "--bind", "127.0.0.1",
		"--dir", c.dir, "--logfile", c.logFile(), "--maxmemory-policy", "noeviction",
		"--hash-max-ziplist-entries", "32", "--zset-max-ziplist-entries", "32", // as in deploy/redis/redis.conf
		// A restart takes up at the last snapshot and folds the rest of the log.
		"--save", "60 1", "--appendonly", "no")
	cmd.SysProcAttr = childAttributes()
	exited, started := make(chan struct{}), make(chan error, 1)
	go func() {
		// The kernel ends the child when the thread that started it ends.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
		close(exited)
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start %s: %w", c.binary, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cmd, c.exited = cmd, exited
	return nil
}

// run starts the server again whenever it ends.
func (c *redisChild) run(ctx context.Context) error {
	for {
		c.mu.Lock()
		exited := c.exited
		c.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil
		case <-exited:
		}
		c.log.Error("redis-server ended and is started again")
		if err := c.launch(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// Stop lets the server write its snapshot and end.
func (c *redisChild) Stop() error {
	c.mu.Lock()
	cmd, exited := c.cmd, c.exited
	c.mu.Unlock()
	_ = cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-exited:
		return nil
	case <-time.After(2 * time.Second):
		_ = cmd.Process.Kill()
		<-exited
		return fmt.Errorf("redis-server on %s was killed: it did not end in time", c.Addr())
	}
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("free port: %w", err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}
