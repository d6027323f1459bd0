package servers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// ErrNoRedis says that there is no redis-server to start.
var ErrNoRedis = errors.New("redis-server is not on PATH; install it: 'apt-get install redis-server' or 'brew install redis'")

// Redis is a redis-server that keeps nothing on disk.
type Redis struct {
	*Process
	Port int
}

// NewRedis starts a server with its files in dir, and waits until it answers.
func NewRedis(ctx context.Context, dir string, args ...string) (*Redis, error) {
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	return newRedis(ctx, dir, port, args...)
}

func newRedis(ctx context.Context, dir string, port int, args ...string) (*Redis, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, ErrNoRedis
	}
	name := "redis-" + strconv.Itoa(port)
	r := &Redis{Port: port}
	r.Process, err = Start(name, Program{
		Path: path, Dir: dir, Log: filepath.Join(dir, name+".log"), Env: os.Environ(),
		Args: append([]string{"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", dir,
			"--save", "", "--appendonly", "no", "--dbfilename", name + ".rdb"}, args...),
	})
	if err != nil {
		return nil, err
	}
	if err := r.answers(ctx); err != nil {
		r.Kill()
		return nil, err
	}
	return r, nil
}

// Addr is where it listens.
func (r *Redis) Addr() string { return local(r.Port) }

// Client is a bare connection of one's own.
func (r *Redis) Client() *redis.Client { return redis.NewClient(&redis.Options{Addr: r.Addr()}) }

func (r *Redis) with(use func(*redis.Client) error) error {
	c := r.Client()
	defer func() { _ = c.Close() }()
	return use(c)
}

// answers waits until this very process does: another one may have got the port.
func (r *Redis) answers(ctx context.Context) error {
	return r.with(func(c *redis.Client) error {
		return await(ctx, r.Name+" answers", func() error {
			if err := r.alive(); err != nil {
				return err
			}
			info, err := c.Info(ctx, "server").Result()
			if err == nil && !strings.Contains(info, fmt.Sprintf("process_id:%d\r", r.PID())) {
				err = errors.New("another server has the port")
			}
			return err
		})
	})
}

// Wipe empties the server.
func (r *Redis) Wipe(ctx context.Context) error {
	return r.with(func(c *redis.Client) error { return c.FlushAll(ctx).Err() })
}
