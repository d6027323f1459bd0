package compose

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"

	"github.com/fullon/fullon/domain"
)

// running tells other commands where a running 'fullon up' is.
type running struct {
	PID       int    `json:"pid"`
	Data      string `json:"data"`
	NATSURL   string `json:"nats_url"`
	RedisAddr string `json:"redis_addr"`
	HTTPAddr  string `json:"http_addr,omitempty"`
}

const runningFile = "running.json"

// defaultData is the per-user directory for what 'fullon up' keeps.
func defaultData() (string, error) {
	if runtime.GOOS == "linux" {
		if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
			return filepath.Join(dir, "fullon"), nil
		}
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("no directory for the data, use --data: %w", err)
		}
		return filepath.Join(home, ".local", "share", "fullon"), nil
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("no directory for the data, use --data: %w", err)
	}
	return filepath.Join(dir, "fullon"), nil
}

// announce writes where this process is to its data directory and to the
// per-user one, where commands without --data look.
func (r running) announce() (retract func(), err error) {
	body, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, err
	}
	dirs := []string{r.Data}
	if d, err := defaultData(); err == nil && d != r.Data {
		dirs = append(dirs, d)
	}
	var written []string
	for _, dir := range dirs {
		path := filepath.Join(dir, runningFile)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("data directory: %w", err)
		}
		// In one step, so that nobody reads half of it.
		if err := os.WriteFile(path+".new", append(body, '\n'), 0o600); err != nil {
			return nil, fmt.Errorf("data directory: %w", err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			return nil, fmt.Errorf("data directory: %w", err)
		}
		written = append(written, path)
	}
	return func() {
		for _, path := range written {
			if at, err := readRunning(path); err == nil && at.PID == r.PID {
				_ = os.Remove(path)
			}
		}
	}, nil
}

func readRunning(path string) (running, error) {
	var r running
	body, err := os.ReadFile(path)
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(body, &r)
}

// findRunning looks for a 'fullon up' of this user that is alive. The error
// matches domain.ErrNotFound.
func findRunning(data string) (running, error) {
	if data == "" {
		dir, err := defaultData()
		if err != nil {
			return running{}, fmt.Errorf("%w: %w", domain.ErrNotFound, err)
		}
		data = dir
	}
	r, err := readRunning(filepath.Join(data, runningFile))
	if err != nil {
		return running{}, fmt.Errorf("no running 'fullon up' in %s: %w", data, domain.ErrNotFound)
	}
	process, err := os.FindProcess(r.PID)
	if err == nil {
		err = process.Signal(syscall.Signal(0))
	}
	if err != nil && !errors.Is(err, os.ErrPermission) {
		return running{}, fmt.Errorf("the 'fullon up' of %s has ended: %w", data, domain.ErrNotFound)
	}
	return r, nil
}

// Located fills in the servers of a running 'fullon up' where no own ones were
// named.
func (s Servers) Located(data string) Servers {
	if s.NATSURL != "" && s.ExplicitRedis() {
		return s
	}
	r, err := findRunning(data)
	if err != nil {
		return s
	}
	if s.NATSURL == "" {
		s.NATSURL = r.NATSURL
	}
	if !s.ExplicitRedis() {
		host, port, err := net.SplitHostPort(r.RedisAddr)
		if err != nil {
			s.RedisHost = r.RedisAddr
			return s
		}
		s.RedisHost = host
		if n, err := strconv.Atoi(port); err == nil {
			s.RedisPort = Port(n)
		}
	}
	return s
}

// lockData makes sure that one process uses a data directory. The lock ends
// with the process.
func lockData(dir string) (release func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		owner := "another process"
		if r, err := readRunning(filepath.Join(dir, runningFile)); err == nil {
			owner = fmt.Sprintf("'fullon up' with process id %d", r.PID)
		}
		return nil, fmt.Errorf("data directory %s is in use by %s: stop that or name another one with --data", dir, owner)
	}
	return func() { _ = file.Close() }, nil
}
