package compose

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.uber.org/fx"
	"golang.org/x/term"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/board"
	"github.com/fullon/fullon/internal/ingest"
	"github.com/fullon/fullon/internal/sim"
)

// UpCommand runs everything in one process.
type UpCommand struct {
	Feeds      `group:"Venue:"`
	Data       string `env:"FULLON_DATA" placeholder:"DIR" help:"Where the log and Redis are kept (default: a directory of this user)."`
	For        Period `placeholder:"30s" help:"Stop by itself after so long."`
	SimRate    Count  `env:"FULLON_SIM_RATE" default:"200" help:"Market events a second of the simulated venue."`
	SyncAlways bool   `env:"FULLON_SYNC_ALWAYS" help:"Wait for the disk before acknowledging: survives power loss, costs most of the rate."`
	Servers    `group:"Servers (default: embedded):"`
	Projection `group:"Projection:"`
	HTTP       `group:"Looking in:"`
	Logging    `group:"Looking in:"`
}

// Run starts everything and shows the market until a signal or --for ends it.
func (c *UpCommand) Run() error {
	ctx := context.Background()
	if c.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(c.For))
		defer cancel()
	}
	if c.Data == "" {
		dir, err := defaultData()
		if err != nil {
			return err
		}
		c.Data = dir
	}
	data, err := filepath.Abs(c.Data)
	if err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	release, err := lockData(data)
	if err != nil {
		return err
	}
	defer release()
	return c.runIn(ctx, data)
}

// runIn starts the servers, which outlive the application, and then that.
func (c *UpCommand) runIn(ctx context.Context, data string) error {
	logs, closeLogs, err := c.logWriter(data)
	if err != nil {
		return err
	}
	defer closeLogs()
	log := c.Logger(logs)
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(os.Stdout, format+"\n", args...) }

	here := running{PID: os.Getpid(), Data: data}
	servers := c.Servers
	if servers.NATSURL == "" {
		server, err := bus.StartServer(bus.ServerConfig{Dir: filepath.Join(data, "nats"), SyncAlways: c.SyncAlways, Log: log})
		if err != nil {
			return err
		}
		defer server.Stop()
		servers.NATSURL = server.URL()
		say("log      %s  embedded nats-server, in %s", servers.NATSURL, filepath.Join(data, "nats"))
	} else {
		say("log      %s", servers.NATSURL)
	}
	if err := provisionOwn(ctx, servers.Log(), log); err != nil {
		return err
	}
	options := []fx.Option{}
	redisConfig := servers.Redis()
	if servers.ExplicitRedis() {
		say("redis    %s", redisConfig.Addrs[0])
	} else {
		private, err := startPrivateRedis(ctx, filepath.Join(data, "redis"), log)
		if err != nil {
			return err
		}
		defer func() { _ = private.Stop() }()
		redisConfig.Addrs = []string{private.Addr()}
		say("redis    %s  %s", private.Addr(), private.Kind())
		if child, ok := private.(*redisChild); ok {
			options = append(options, fx.Invoke(func(s supervisor) { s.run("redis-server", child.run) }))
		}
	}
	here.NATSURL, here.RedisAddr = servers.NATSURL, redisConfig.Addrs[0]

	feeds, err := c.feeds()
	if err != nil {
		return err
	}
	if feeds.Venue == "sim" {
		exchange, err := sim.New(sim.Config{
			Rate: float64(c.SimRate), ReconnectEvery: sim.DefaultReconnectEvery, DuplicateOnConnect: true,
			Seed: uint64(time.Now().UnixNano()), StateDir: filepath.Join(data, "sim"), Logger: log,
		})
		if err != nil {
			return err
		}
		feeds.BinanceWS, feeds.BinanceREST = exchange.WSURL(), exchange.RESTURL()
		say("venue    %s  simulated, speaks Binance's protocol", feeds.BinanceWS)
		options = append(options, fx.Invoke(func(s supervisor) { s.run("simulated venue", exchange.Run) }))
	} else {
		say("venue    %s", feeds.Venue)
	}
	options = append(options,
		logModule("fullon-up", servers.Log()), redisModule(redisConfig),
		projectorModule(c.Projection), ingestModule(feeds), httpModule(c.HTTP),
		fx.Invoke(func(s supervisor, b *bus.Bus, store *cachestore.Store, feed *ingest.Feed, h *httpServer) {
			here.HTTPAddr = h.Addr()
			s.run("announcement", func(ctx context.Context) error {
				retract, err := here.announce()
				if err != nil {
					return err
				}
				<-ctx.Done()
				retract()
				return nil
			})
			handle := client.New(b, store)
			s.onStop(func() error { handle.Close(); return nil })
			screen := board.New(board.Config{
				Exchange: feed.Exchange(), Symbols: feeds.Symbols, Out: os.Stdout,
				Terminal: term.IsTerminal(int(os.Stdout.Fd())), Footer: c.footer(data, h),
			}, handle)
			s.run("board", screen.Run)
		}))
	if err := RunApp(ctx, log, options...); err != nil {
		return err
	}
	say("stopped; what the log holds is in %s", data)
	return nil
}

// feeds fills in the symbols. The simulated venue has only those it has.
func (c *UpCommand) feeds() (Feeds, error) {
	feeds := c.Feeds
	if feeds.Venue != "sim" {
		if len(feeds.Symbols) == 0 {
			feeds.Symbols = defaultSymbols
		}
		return feeds, nil
	}
	var all Symbols
	for _, s := range sim.DefaultSymbols() {
		all = append(all, s.Name)
	}
	for _, symbol := range feeds.Symbols {
		if !slices.Contains(all, symbol) {
			return feeds, domain.Invalid("FULLON_SYMBOLS (--symbols)", symbol, "symbols of the simulated venue: "+strings.Join(all, ", "))
		}
	}
	if len(feeds.Symbols) == 0 {
		feeds.Symbols = all
	}
	return feeds, nil
}

func (c *UpCommand) footer(data string, h *httpServer) string {
	footer := "Ctrl-C stops"
	if addr := h.Addr(); addr != "" {
		footer += "   health http://" + addr + "/healthz"
	}
	return footer + "   log " + logPath(data) + "   try: fullon status"
}

func logPath(data string) string { return filepath.Join(data, "fullon.log") }

// logWriter keeps log lines out of the live table: on a terminal they go to a
// file.
func (c *UpCommand) logWriter(data string) (io.Writer, func(), error) {
	if !term.IsTerminal(int(os.Stdout.Fd())) || !term.IsTerminal(int(os.Stderr.Fd())) {
		return os.Stderr, func() {}, nil
	}
	file, err := os.OpenFile(logPath(data), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("data directory: %w", err)
	}
	return file, func() { _ = file.Close() }, nil
}

// provisionOwn makes the streams of the deployment that up runs.
func provisionOwn(ctx context.Context, cfg bus.Config, log *slog.Logger) error {
	cfg.Log = log
	b, err := bus.Connect(ctx, cfg)
	if err != nil {
		return err
	}
	defer b.Close()
	return b.Provision(ctx, bus.Retention{}, 1)
}
