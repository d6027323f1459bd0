// Package example is the frame of the example programs: their flags, a
// deployment to run on, and how they tell what they do.
package example

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/compose"
)

// Step is one thing that an example shows.
type Step struct {
	Name  string
	Basic bool // also with -operations basic
	Run   func(ctx context.Context, c *client.Client, say Say) error
}

// Say tells a detail, with -verbose.
type Say func(format string, args ...any)

// timeout bounds one step.
const timeout = 30 * time.Second

// Main runs the steps in their order and ends the program: with code 0 if all
// of them went well, 2 for wrong flags, else 1.
//
// NATS_URL and REDIS_ADDR name the servers of a deployment; without them the
// example brings its own, which ends with it.
func Main(name string, steps ...Step) {
	os.Exit(run(name, steps, os.Args[1:], os.Stdout, os.Stderr))
}

func run(name string, steps []Step, args []string, out, errs io.Writer) int {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(errs)
	operations := flags.String("operations", "basic", "what to show: `basic or all`")
	verbose := flags.Bool("verbose", false, "tell what each step finds")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if *operations != "basic" && *operations != "all" || flags.NArg() > 0 {
		_, _ = fmt.Fprintf(errs, "%s: -operations: %q is not allowed: want basic or all\n", name, strings.Join(append([]string{*operations}, flags.Args()...), " "))
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	c, end, err := connect(ctx)
	if err != nil {
		_, _ = fmt.Fprintf(errs, "%s: %v\n", name, err)
		return 1
	}
	defer end()
	say := func(string, ...any) {}
	if *verbose {
		say = func(format string, args ...any) { _, _ = fmt.Fprintf(out, "     "+format+"\n", args...) }
	}
	for _, step := range steps {
		if *operations == "basic" && !step.Basic {
			continue
		}
		if err := do(ctx, step, c, say); err != nil {
			_, _ = fmt.Fprintf(errs, "%s: %s: %v\n", name, step.Name, err)
			return 1
		}
		_, _ = fmt.Fprintf(out, "ok   %s: %s\n", name, step.Name)
	}
	return 0
}

func do(ctx context.Context, step Step, c *client.Client, say Say) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return step.Run(ctx, c, say)
}

// connect connects to the named servers, or to some that it starts.
func connect(ctx context.Context) (c *client.Client, end func(), err error) {
	url, redis := os.Getenv("NATS_URL"), os.Getenv("REDIS_ADDR")
	if url != "" || redis != "" {
		cfg := client.Config{Log: bus.Config{URL: url}}
		if redis != "" {
			cfg.Redis = cachestore.Config{Addrs: []string{redis}}
		}
		if c, err = client.Connect(ctx, cfg); err != nil {
			return nil, nil, err
		}
		return c, c.Close, nil
	}
	url, redis, stop, err := Start(ctx)
	if err != nil {
		return nil, nil, err
	}
	c, err = client.Connect(ctx, client.Config{Log: bus.Config{URL: url}, Redis: cachestore.Config{Addrs: []string{redis}}})
	if err != nil {
		stop()
		return nil, nil, err
	}
	return c, func() { c.Close(); stop() }, nil
}

// Start starts a deployment and tells where its servers are.
func Start(ctx context.Context) (natsURL, redisAddr string, end func(), err error) {
	dir, err := os.MkdirTemp("", "fullon-example-")
	if err != nil {
		return "", "", nil, err
	}
	deployment, err := compose.StartEmbedded(ctx, dir, slog.New(slog.DiscardHandler))
	if err != nil {
		return "", "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	cfg := deployment.Client()
	return cfg.Log.URL, cfg.Redis.Addrs[0], func() {
		_ = deployment.Stop()
		_ = os.RemoveAll(dir)
	}, nil
}

// Gateway serves the deployment of a client to WebSocket clients, until end.
func Gateway(c *client.Client) (url, token string, end func(), err error) {
	token = rand.Text()
	url, end, err = compose.ServeGateway(c, token, slog.New(slog.DiscardHandler))
	return url, token, end, err
}

// Want turns a check that failed into an error.
func Want(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf("unexpected: "+format, args...)
}

// Unique is a name that no other run of an example has.
func Unique(prefix string) string { return prefix + rand.Text()[:8] }
