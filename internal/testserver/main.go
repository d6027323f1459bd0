package testserver

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"
)

// Main is the TestMain of packages whose tests start servers: it runs the tests,
// ends what they shared, and fails when a goroutine is left. It does not return.
func Main(m *testing.M) {
	redis.SetLogger(quiet{})
	code := m.Run()
	Shutdown()
	if code == 0 {
		if err := leaks(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// WaitingMain is Main for tests that mostly wait, for a server to start or for a
// lease to end, so that more of them than there are processors run at a time.
func WaitingMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", strconv.Itoa(max(6, runtime.GOMAXPROCS(0)))); err != nil {
		panic(err)
	}
	Main(m)
}

// quiet keeps the Redis library from printing what tests break on purpose.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

func leaks() error {
	return goleak.Find(
		// Of the log's server: it ends by itself.
		goleak.IgnoreTopFunction("github.com/nats-io/nats-server/v2/server.(*Server).startGWReplyMapExpiration.func1"),
		// Looks once a second whether its pool has been closed.
		goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"),
	)
}
