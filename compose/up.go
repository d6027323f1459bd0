package compose

import (
	"context"
	"errors"
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
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/board"
	"github.com/fullon/fullon/internal/sim"
)

// UpCommand runs everything in one process.
type UpCommand struct {
	Data       string `env:"FULLON_DATA" placeholder:"DIR" help:"Where the log and Redis are kept (default: a directory of this user)."`
	For        Period `placeholder:"30s" help:"Stop by itself after so long (default: run until Ctrl-C)."`
	SyncAlways bool   `env:"FULLON_SYNC_ALWAYS" help:"Wait for the disk before acknowledging: survives power loss, costs most of the rate."`
	Feeds      `group:"Venue:"`
	SimRate    Count `group:"Venue:" env:"FULLON_SIM_RATE" default:"200" help:"Market events a second of the simulated venue."`
	NoBots     bool  `group:"Venue:" env:"FULLON_NO_BOTS" help:"Without the two bots that trade on paper."`
	NoPaper    bool  `group:"Venue:" env:"FULLON_NO_PAPER" help:"Without the paper venue, the worker that sends orders there, and the bots."`
	Projection `group:"Projection:"`
	Gateway    `group:"WebSocket server:"`
	HTTP       `group:"Looking in:"`
	Logging    `group:"Looking in:"`
}

// Help implements kong.HelpProvider.
func (*UpCommand) Help() string {
	return `The log is an embedded nats-server. Redis is a private redis-server, or an in-process miniredis where none is installed. A second 'up' on the same data directory continues where the first stopped.

Examples:

	fullon up                                           the simulated venue
	fullon up --venue binance --symbols BTC/USDT,ETH/USDT
	fullon up --for 30s --data /tmp/try                 stops by itself
	fullon up --nats-url nats://db1:4222 --redis-host db1

[NAME] is the variable that does the same, in the environment or in a .env file.`
}

// Run starts everything and shows the market until a signal or --for ends it.
func (c *UpCommand) Run(servers Servers) error {
	ctx, stop := untilSignal(context.Background())
	defer stop()
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
	feeds, err := c.feeds()
	if err != nil {
		return err
	}
	release, err := lockData(data)
	if err != nil {
		return err
	}
	defer release()
	err = c.runIn(ctx, data, servers, feeds)
	if err != nil && ctx.Err() != nil && ExitCode(err) != ExitUsage {
		// Told to stop while it started: what was under way then failed.
		c.say("stopped: %s", oneLine(err))
		return nil
	}
	return err
}

func (c *UpCommand) say(format string, args ...any) {
	_, _ = fmt.Fprintln(os.Stdout, domain.Redact(fmt.Sprintf(format, args...)))
}

// runIn starts the servers, which outlive the application, and then that.
func (c *UpCommand) runIn(ctx context.Context, data string, servers Servers, feeds Feeds) error {
	logs, closeLogs, err := c.logWriter(data)
	if err != nil {
		return err
	}
	defer closeLogs()
	log := c.Logger(logs)
	privateLog := servers.NATSURL == ""
	stopLog, err := c.ownLog(&servers, data, log)
	if err != nil {
		return err
	}
	defer stopLog()
	var options []fx.Option
	redisConfig := servers.Redis()
	if servers.ExplicitRedis() {
		c.say("redis    %s", strings.Join(redisConfig.Addrs, ","))
	} else {
		private, err := startPrivateRedis(ctx, filepath.Join(data, "redis"), log)
		if err != nil {
			return err
		}
		defer func() { _ = private.Stop() }()
		redisConfig.Addrs, redisConfig.Username, redisConfig.Password, redisConfig.TLS = []string{private.Addr()}, "", "", nil
		c.say("redis    %s  %s", private.Addr(), private.Kind())
		if child, ok := private.(*redisChild); ok {
			options = append(options, fx.Invoke(func(s supervisor) { s.run("redis-server", child.run) }))
		}
	}
	if privateLog {
		if err := c.finishRepartition(ctx, servers.Log(), redisConfig, log); err != nil {
			return err
		}
	}
	if err := provisionOwn(ctx, servers.Log(), log); err != nil {
		return err
	}
	if feeds.Venue == simVenue {
		exchange, err := sim.New(sim.Config{
			Rate: float64(c.SimRate), ReconnectEvery: sim.DefaultReconnectEvery, DuplicateOnConnect: true,
			Seed: uint64(time.Now().UnixNano()), StateDir: filepath.Join(data, "sim"), Logger: log,
		})
		if err != nil {
			return err
		}
		feeds.Hosts = VenueHosts{Binance: Hosts{WebSocketURL(exchange.WSURL()), RESTURL(exchange.RESTURL())}}
		c.say("venue    %s  simulated, speaks Binance's protocol", exchange.WSURL())
		options = append(options, fx.Invoke(func(s supervisor) { s.run("simulated venue", exchange.Run) }))
	} else {
		c.say("venue    %s", feeds.Venue)
	}
	here := running{
		PID: os.Getpid(), Data: data, NATSURL: withoutCredentials(string(servers.NATSURL)),
		PrivateNATS: privateLog,
		RedisAddr:   strings.Join(redisConfig.Addrs, ","), RedisCluster: redisConfig.Cluster, RedisSentinelMaster: redisConfig.SentinelMaster,
		RedisDB: int(servers.RedisDB), RedisPrefix: string(servers.RedisPrefix), PrivateRedis: !servers.ExplicitRedis(),
	}
	options = append(options, withPresence(redisConfig, "up",
		logModule("fullon-up", servers.Log()), redisModule(redisConfig),
		projectorModule(c.Projection), ingestModule(feeds), listingModule(feeds, redisConfig), gatewayModule(c.Gateway), httpModule(c.HTTP), c.boardModule(here, feeds)))
	if !c.NoPaper {
		options = append(options, demoModule(feeds, data, !c.NoBots))
	}
	err = RunApp(ctx, log, options...)
	if privateLog && errors.Is(err, domain.ErrMismatch) {
		err = errors.Join(err, c.outliveRepartition(ctx, servers.Log(), log))
	}
	if err != nil {
		return err
	}
	c.say("stopped; what the log holds is in %s", data)
	return nil
}

// ownLog starts the embedded server, unless one was named.
func (c *UpCommand) ownLog(servers *Servers, data string, log *slog.Logger) (stop func(), err error) {
	if servers.NATSURL != "" {
		c.say("log      %s", servers.NATSURL)
		return func() {}, nil
	}
	dir := filepath.Join(data, "nats")
	server, err := bus.StartServer(bus.ServerConfig{Dir: dir, SyncAlways: c.SyncAlways, Log: log})
	if err != nil {
		return nil, err
	}
	servers.NATSURL, servers.NATSLogin = NATSURL(server.URL()), NATSLogin{}
	c.say("log      %s  embedded nats-server, in %s", servers.NATSURL, dir)
	return server.Stop, nil
}

// boardModule tells other commands and people what runs here.
func (c *UpCommand) boardModule(here running, feeds Feeds) fx.Option {
	return fx.Invoke(func(s supervisor, p parts, h *httpServer) {
		here.HTTPAddr = h.Addr()
		if g := p.Gateway; g != nil {
			c.say("clients  %s  WebSocket; a page at http%s", g.URL(), strings.TrimPrefix(g.URL(), "ws"))
		}
		s.run("announcement", func(ctx context.Context) error {
			retract, err := here.announce()
			if err != nil {
				return err
			}
			<-ctx.Done()
			retract()
			return nil
		})
		handle := client.New(p.Bus, p.Store)
		s.onStop(func() error { handle.Close(); return nil })
		screen := board.New(board.Config{
			Exchange: p.Feed.Exchange(), Symbols: feeds.Symbols, Out: os.Stdout,
			Terminal: term.IsTerminal(int(os.Stdout.Fd())) && os.Getenv("TERM") != "dumb", Size: terminalSize, Color: os.Getenv("NO_COLOR") == "",
			Footer: c.footer(here.Data, h, p.Gateway),
		}, handle.Ticks, handle.Trades)
		s.run("board", screen.Run)
	})
}

func terminalSize() (width, height int) {
	width, height, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil {
		return 0, 0
	}
	return width, height
}

// feeds fills in the symbols. The simulated venue has only those it has.
func (c *UpCommand) feeds() (Feeds, error) {
	feeds := c.Feeds
	if feeds.Venue != simVenue {
		err := feeds.fill()
		return feeds, err
	}
	all := simSymbols()
	for _, symbol := range feeds.Symbols {
		if !slices.Contains(all, symbol) {
			return feeds, domain.Invalid("FULLON_SYMBOLS (--symbols)", symbol, "symbols of the simulated venue: "+strings.Join(all, ", "))
		}
	}
	if len(feeds.Symbols) == 0 {
		feeds.Symbols, feeds.usual = all, true
	}
	return feeds, nil
}

func (c *UpCommand) footer(data string, h *httpServer, g *gatewayServer) []string {
	lines := []string{
		"Ctrl-C stops. In another terminal: fullon status, fullon get ticker " + string(c.Venue) + " BTC/USDT",
	}
	if !c.NoPaper {
		lines = append(lines, "orders on paper: fullon order watch "+string(c.Venue)+", fullon blocks "+string(c.Venue)+", fullon watch account "+demoAccount)
	}
	if g != nil {
		lines = append(lines, "any language: WebSocket at "+g.URL()+"   to look at: http"+strings.TrimPrefix(g.URL(), "ws"))
	}
	if addr := h.Addr(); addr != "" {
		lines = append(lines, "health http://"+addr+"/healthz   metrics http://"+addr+"/metrics")
	}
	return append(lines, "log "+logPath(data))
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
	return b.Provision(ctx, bus.Plan{Exchanges: append(bus.DefaultExchanges(), simVenue)})
}
