// Package testserver starts the real servers that tests run against.
package testserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/fullon/fullon/cachestore"
)

// Redis is a redis-server of its own process, which a test may break.
type Redis struct {
	Addr string

	tb       testing.TB
	dir      string
	file     string        // configuration, if any
	sentinel bool          // it watches, and stores nothing
	args     []string      // besides those that every server gets
	client   redis.Options // what the harness itself connects with
	cmd      *exec.Cmd
}

const startTimeout = 20 * time.Second

// RedisConfig says how a server runs. The zero value is one without users and
// TLS.
type RedisConfig struct {
	// File is the configuration; port, directory and the options below go before
	// what it says.
	File string
	// Args of the server besides.
	Args []string
	// Client is what the harness connects with; the address is put in place. With
	// TLS in it the server takes nothing else.
	Client redis.Options
}

// NewRedis starts a server for one test and ends it with the test. Without a
// redis-server on this machine the test fails, in -short mode it is skipped.
func NewRedis(tb testing.TB) *Redis {
	tb.Helper()
	return NewRedisOf(tb, RedisConfig{})
}

// NewRedisOf is NewRedis with a configuration.
func NewRedisOf(tb testing.TB, cfg RedisConfig) *Redis {
	tb.Helper()
	r, err := startRedis(tb.TempDir(), cfg)
	require(tb, err)
	r.tb = tb
	tb.Cleanup(r.Kill)
	return r
}

var errMissing = errors.New("redis-server is not on PATH; install it: 'apt-get install redis-server' or 'brew install redis'")

func require(tb testing.TB, err error) {
	tb.Helper()
	if err == errMissing && testing.Short() {
		tb.Skip(err)
	}
	if err != nil {
		tb.Fatal(err)
	}
}

func startRedis(dir string, cfg RedisConfig) (*Redis, error) {
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, errMissing
	}
	for attempt := 0; ; attempt++ {
		// Somebody else may take the port in between, hence the attempts.
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		addr := l.Addr().String()
		_ = l.Close()
		r := &Redis{Addr: addr, dir: dir, file: cfg.File, args: cfg.Args, client: cfg.Client}
		if err = r.launch(binary); err == nil || attempt == attempts {
			return r, err
		}
	}
}

// attempts to start a server on a port that was free just before.
const attempts = 5

func (r *Redis) launch(binary string) error {
	_, port, _ := net.SplitHostPort(r.Addr)
	log, err := os.Create(filepath.Join(r.dir, "redis-"+port+".log"))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	listen := []string{"--port", port}
	if r.client.TLSConfig != nil {
		listen = []string{"--port", "0", "--tls-port", port}
	}
	var args []string
	if r.file != "" {
		args = append(args, r.file)
	}
	args = append(append(args, listen...), "--bind", "127.0.0.1", "--dir", r.dir)
	if r.sentinel {
		args = append(args, "--sentinel")
	} else {
		// As in deploy/redis/redis.conf.
		args = append(args, "--hash-max-ziplist-entries", "32", "--zset-max-ziplist-entries", "32")
		args = append(args, "--save", "", "--appendonly", "no", "--dbfilename", "dump-"+port+".rdb")
	}
	args = append(args, r.args...)
	cmd := exec.Command(binary, args...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	r.cmd = cmd
	client := r.bare()
	defer func() { _ = client.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	self := "process_id:" + strconv.Itoa(cmd.Process.Pid)
	for {
		// Another server may have got the port first.
		info, err := client.Info(ctx, "server").Result()
		if err == nil && strings.Contains(info, self) {
			return nil
		}
		if err == nil {
			err = errors.New("another server has the port")
			cancel()
		}
		if ctx.Err() != nil {
			r.Kill()
			return fmt.Errorf("redis-server on %s did not start: %w", r.Addr, err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// bare is a connection without anything around it.
func (r *Redis) bare() *redis.Client {
	o := r.client
	o.Addr = r.Addr
	return redis.NewClient(&o)
}

// await waits until a section of the server's INFO has all these words.
func (r *Redis) await(ctx context.Context, section string, words ...string) error {
	client := r.bare()
	defer func() { _ = client.Close() }()
	for {
		info, err := client.Info(ctx, section).Result()
		if err == nil && !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(info, word) }) {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s does not say %v: %q (%w)", r.Addr, words, info, errors.Join(err, ctx.Err()))
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Kill ends the server at once (SIGKILL). What it held is gone.
func (r *Redis) Kill() {
	if r.cmd == nil {
		return
	}
	_ = r.cmd.Process.Signal(syscall.SIGCONT)
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
	r.cmd = nil
}

// Start starts the server again on the same port, empty.
func (r *Redis) Start() {
	r.tb.Helper()
	binary, err := exec.LookPath("redis-server")
	require(r.tb, err)
	require(r.tb, r.launch(binary))
}

// Pause stops the server (SIGSTOP) until Resume.
func (r *Redis) Pause() { _ = r.cmd.Process.Signal(syscall.SIGSTOP) }

// Resume lets a paused server go on.
func (r *Redis) Resume() { _ = r.cmd.Process.Signal(syscall.SIGCONT) }

// Client is a bare connection for looking at and breaking what is stored.
func (r *Redis) Client(tb testing.TB) *redis.Client {
	c := r.bare()
	tb.Cleanup(func() { _ = c.Close() })
	return c
}

// Store connects to the server.
func (r *Redis) Store(tb testing.TB) *cachestore.Store {
	tb.Helper()
	o := r.client
	return openStore(tb, cachestore.Config{Addrs: []string{r.Addr}, Username: o.Username, Password: o.Password, TLS: o.TLSConfig})
}

// Wipe empties the server.
func (r *Redis) Wipe() {
	r.tb.Helper()
	client := r.bare()
	defer func() { _ = client.Close() }()
	require(r.tb, client.FlushAll(context.Background()).Err())
}

func local(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
