package compose

import (
	"encoding"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
)

// Port is a TCP port; zero: not set.
type Port int

// UnmarshalText reads a port number.
func (p *Port) UnmarshalText(text []byte) error {
	return number((*int)(p), string(text), 1, 65535, "a port number from 1 to 65535")
}

// Count is a number of things; zero: the default.
type Count int

// UnmarshalText reads a count.
func (c *Count) UnmarshalText(text []byte) error {
	return number((*int)(c), string(text), 1, 1_000_000, "a whole number from 1 to 1000000")
}

// DBNumber is a Redis database.
type DBNumber int

// UnmarshalText reads a database number.
func (n *DBNumber) UnmarshalText(text []byte) error {
	return number((*int)(n), string(text), 0, 1023, "a whole number from 0 to 1023")
}

var _ = []encoding.TextUnmarshaler{(*Port)(nil), (*Count)(nil), (*DBNumber)(nil), (*Period)(nil), (*Symbols)(nil)}

func number(into *int, text string, low, high int, allowed string) error {
	v, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || v < low || v > high {
		return notAllowed(text, allowed)
	}
	*into = v
	return nil
}

// notAllowed is the part of the message after the name of the setting.
func notAllowed(value, allowed string) error {
	return fmt.Errorf("%q is not allowed: want %s", value, allowed)
}

// Period is a positive time span.
type Period time.Duration

// UnmarshalText reads a span like 1.5s, 10m or 24h.
func (p *Period) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err != nil || d <= 0 {
		return notAllowed(string(text), "a time span above zero, like 500ms, 30s or 24h")
	}
	*p = Period(d)
	return nil
}

// Symbols is a list of unified symbols.
type Symbols []string

// UnmarshalText reads symbols separated by commas.
func (s *Symbols) UnmarshalText(text []byte) error {
	*s = nil
	for name := range strings.SplitSeq(string(text), ",") {
		name = strings.TrimSpace(name)
		if err := domain.CheckSymbol(name); err != nil {
			return notAllowed(string(text), "symbols like BTC/USDT, separated by commas")
		}
		*s = append(*s, name)
	}
	return nil
}

// Servers says where the log and Redis are.
type Servers struct {
	NATSURL             string   `name:"nats-url" env:"NATS_URL" placeholder:"URL" help:"Servers of the log, comma separated (default: a running 'fullon up', else nats://127.0.0.1:4222)."`
	RedisHost           string   `env:"REDIS_HOST" placeholder:"HOST" help:"Host of Redis, or the path of its Unix socket (default: a running 'fullon up', else localhost)."`
	RedisPort           Port     `env:"REDIS_PORT" placeholder:"PORT" help:"Port of Redis (default 6379)."`
	RedisDB             DBNumber `name:"redis-db" env:"REDIS_DB" placeholder:"N" help:"Database of Redis (default 0)."`
	RedisUsername       string   `env:"REDIS_USERNAME" placeholder:"NAME" help:"User of Redis; empty for none."`
	RedisPassword       string   `env:"REDIS_PASSWORD" placeholder:"SECRET" help:"Password of Redis; empty for none."`
	RedisMaxConnections Count    `env:"REDIS_MAX_CONNECTIONS" placeholder:"N" help:"Connections to Redis at most (default 50)."`
	RedisPrefix         string   `env:"REDIS_PREFIX" placeholder:"TEXT" help:"What all keys begin with (default 'fullon:')."`
	TickPartitions      Count    `env:"FULLON_TICK_PARTITIONS" placeholder:"N" help:"Partitions of ticks that the deployment has (default 4)."`
	TradePartitions     Count    `env:"FULLON_TRADE_PARTITIONS" placeholder:"N" help:"Partitions of trades that the deployment has (default 4)."`
}

// Explicit reports whether servers of one's own were named.
func (s Servers) Explicit() bool { return s.NATSURL != "" || s.ExplicitRedis() }

// ExplicitRedis reports whether a Redis of one's own was named.
func (s Servers) ExplicitRedis() bool { return s.RedisHost != "" || s.RedisPort != 0 }

// Layout is the configured partition counts.
func (s Servers) Layout() bus.Layout {
	return bus.Layout{Ticks: int(s.TickPartitions), Trades: int(s.TradePartitions)}.WithDefaults()
}

// Log is the configuration of the connection to the log.
func (s Servers) Log() bus.Config {
	return bus.Config{URL: s.NATSURL, Layout: s.Layout()}
}

// Redis is the configuration of the connection to Redis.
func (s Servers) Redis() cachestore.Config {
	return cachestore.Config{
		Addrs: []string{s.redisAddr()}, DB: int(s.RedisDB), Username: s.RedisUsername, Password: s.RedisPassword,
		MaxConnections: int(s.RedisMaxConnections), Prefix: s.RedisPrefix,
	}
}

// Client is the configuration of a client of both.
func (s Servers) Client() client.Config { return client.Config{Log: s.Log(), Redis: s.Redis()} }

func (s Servers) redisAddr() string {
	host, port := s.RedisHost, int(s.RedisPort)
	if host == "" {
		host = "localhost"
	}
	if strings.HasPrefix(host, "/") {
		return host
	}
	if port == 0 {
		port = 6379
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

// Logging says what is logged and how.
type Logging struct {
	Level  string `name:"log-level" env:"FULLON_LOG_LEVEL" enum:"debug,info,warn,error" default:"info" help:"What is logged: ${enum}."`
	Format string `name:"log-format" env:"FULLON_LOG_FORMAT" enum:"text,json" default:"text" help:"How it is logged: ${enum}."`
}

// HTTP says where health and metrics are served.
type HTTP struct {
	HTTPAddr string `name:"http" env:"FULLON_HTTP" placeholder:"HOST:PORT" help:"Where /healthz and /metrics are served; 'off' for nowhere (default 127.0.0.1 and a free port)."`
}

// Feeds says which venue is followed.
type Feeds struct {
	Venue       string  `env:"FULLON_VENUE" enum:"sim,binance" default:"${venue}" help:"Venue to follow: ${enum}."`
	Symbols     Symbols `env:"FULLON_SYMBOLS" placeholder:"A/B,C/D" help:"Symbols to follow (default BTC/USDT,ETH/USDT; the simulated venue has more)."`
	SilentAfter Period  `env:"FULLON_SILENT_AFTER" default:"15s" help:"A venue that sends nothing for so long makes its ticks stale."`
	BinanceWS   string  `name:"binance-ws-url" env:"BINANCE_WS_URL" placeholder:"URL" help:"In place of Binance's WebSocket host."`
	BinanceREST string  `name:"binance-rest-url" env:"BINANCE_REST_URL" placeholder:"URL" help:"In place of Binance's REST host."`
}

// Projection says what the projector keeps.
type Projection struct {
	TradeCap Count `env:"FULLON_TRADE_CAP" default:"10000" help:"Trades of a market that Redis keeps; the same for all projectors."`
}
