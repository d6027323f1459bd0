package compose

import (
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/fullon/fullon/domain"
)

// running tells other commands where a running 'fullon up' is and how it is set
// up. It holds no secrets: who runs 'up' on servers that want a password has
// that in the environment.
type running struct {
	PID                 int    `json:"pid"`
	Data                string `json:"data"`
	NATSURL             string `json:"nats_url"`
	PrivateNATS         bool   `json:"private_nats"` // wants no login
	RedisAddr           string `json:"redis_addr"`
	RedisCluster        bool   `json:"redis_cluster,omitempty"`         // then there may be several addresses, separated by commas
	RedisSentinelMaster string `json:"redis_sentinel_master,omitempty"` // then the addresses are those of Sentinels
	RedisDB             int    `json:"redis_db"`
	RedisPrefix         string `json:"redis_prefix,omitempty"`
	PrivateRedis        bool   `json:"private_redis"` // wants no password
	HTTPAddr            string `json:"http_addr,omitempty"`
}

const (
	// runningFile is in the data directory of a running 'up'.
	runningFile = "running.json"
	// elsewhereFile is in the per-user directory and tells of the latest 'up'
	// that has another data directory.
	elsewhereFile = "running-elsewhere.json"
)

// defaultData is the per-user directory for what 'fullon up' keeps.
func defaultData() (string, error) {
	if runtime.GOOS == "linux" {
		if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
			return filepath.Join(dir, "fullon"), nil
		}
		home, err := os.UserHomeDir()
		if err != nil {
			return "", noDefaultData(err)
		}
		return filepath.Join(home, ".local", "share", "fullon"), nil
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", noDefaultData(err)
	}
	return filepath.Join(dir, "fullon"), nil
}

func noDefaultData(err error) error {
	return domain.Invalid("FULLON_DATA (--data)", "", "a directory, because this user has none: "+err.Error())
}

// announce writes where this process is to its data directory and to the
// per-user one, where commands without --data look.
func (r running) announce() (retract func(), err error) {
	paths := []string{filepath.Join(r.Data, runningFile)}
	if d, err := defaultData(); err == nil && d != r.Data {
		paths = append(paths, filepath.Join(d, elsewhereFile))
	}
	for i, path := range paths {
		if err := r.write(path); err != nil && i == 0 { // without the other one --data is needed, no more
			return nil, fmt.Errorf("data directory: %w", err)
		}
	}
	return func() {
		for _, path := range paths {
			if at, err := readRunning(path); err == nil && at.PID == r.PID {
				_ = os.Remove(path)
			}
		}
	}, nil
}

// write does it in one step, so that nobody reads half of it.
func (r running) write(path string) error {
	body, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", append(body, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func readRunning(path string) (running, error) {
	var r running
	body, err := os.ReadFile(path)
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(body, &r)
}

// findRunning looks for a 'fullon up' that is alive: in the directory, or for
// "" in the per-user one. The error matches domain.ErrNotFound.
func findRunning(data string) (running, error) {
	var paths []string
	if data == "" {
		dir, err := defaultData()
		if err != nil {
			return running{}, fmt.Errorf("%w: %w", domain.ErrNotFound, err)
		}
		data, paths = dir, []string{filepath.Join(dir, runningFile), filepath.Join(dir, elsewhereFile)}
	} else {
		paths = []string{filepath.Join(data, runningFile)}
	}
	for _, path := range paths {
		// What a process left that ended without a chance to clean up is no
		// longer true, even if another process has its id now.
		if r, err := readRunning(path); err == nil && lockOwner(r.Data) == r.PID {
			return r, nil
		}
	}
	return running{}, fmt.Errorf("no 'fullon up' is running in %s: %w", data, domain.ErrNotFound)
}

// Located fills in what a running 'fullon up' has, where no own servers were
// named. Without one it changes nothing, and found is false.
func (s Servers) Located(data string) (located Servers, found bool) {
	if s.NATSURL != "" && s.ExplicitRedis() {
		return s, false
	}
	r, err := findRunning(data)
	if err != nil {
		return s, false
	}
	return s.joining(r), true
}

// joining fills in what r has.
func (s Servers) joining(r running) Servers {
	if s.NATSURL == "" {
		s.NATSURL = NATSURL(r.NATSURL)
		if r.PrivateNATS {
			s.NATSLogin = NATSLogin{}
		}
	}
	if !s.ExplicitRedis() {
		s.RedisDB, s.RedisPrefix = either(s.RedisDB, DBNumber(r.RedisDB)), either(s.RedisPrefix, KeyPrefix(r.RedisPrefix))
		if r.PrivateRedis {
			s.RedisUsername, s.RedisPassword, s.RedisSecurity = "", "", RedisSecurity{}
		}
		if r.RedisCluster || r.RedisSentinelMaster != "" {
			s.RedisAddrs, s.RedisCluster, s.RedisSentinelMaster = RedisAddrs(r.RedisAddr), r.RedisCluster, r.RedisSentinelMaster
			return s
		}
		s.RedisHost = RedisHost(r.RedisAddr) // a socket's path
		if host, port, err := net.SplitHostPort(r.RedisAddr); err == nil {
			s.RedisHost = RedisHost(host)
			if n, err := strconv.Atoi(port); err == nil {
				s.RedisPort = Port(n)
			}
		}
	}
	return s
}

// either is the first, unless that is not set.
func either[T comparable](first, second T) T {
	var unset T
	if first != unset {
		return first
	}
	return second
}

// withoutCredentials takes users and passwords out of a list of URLs that can
// be read.
func withoutCredentials(urls string) string {
	list := strings.Split(urls, ",")
	for i, one := range list {
		if u, err := url.Parse(strings.TrimSpace(one)); err == nil && u.Host != "" {
			u.User = nil
			list[i] = u.String()
		} else if _, host, ok := strings.Cut(one, "@"); ok {
			list[i] = host
		}
	}
	return strings.Join(list, ",")
}
