package compose

import (
	"net"
	"strconv"
	"strings"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
)

// Servers says where the log and Redis are.
type Servers struct {
	NATSURL NATSURL `name:"nats-url" env:"NATS_URL" placeholder:"URL" help:"Servers of the log, comma separated, like nats://127.0.0.1:4222."`
	NATSLogin
	RedisHost     RedisHost  `env:"REDIS_HOST" placeholder:"HOST" help:"Host of Redis, or the path of its Unix socket."`
	RedisPort     Port       `env:"REDIS_PORT" placeholder:"PORT" help:"Port of Redis (default: 6379)."`
	RedisAddrs    RedisAddrs `env:"REDIS_ADDRS" placeholder:"HOST:PORT,…" help:"Nodes of a Redis Cluster, or one server, or Sentinels; instead of host and port."`
	RedisCluster  bool       `env:"REDIS_CLUSTER" help:"Redis is a cluster, even if only one address is given."`
	RedisDB       DBNumber   `name:"redis-db" env:"REDIS_DB" placeholder:"N" help:"Database of Redis (default: 0)."`
	RedisUsername string     `env:"REDIS_USERNAME" placeholder:"NAME" help:"User of Redis (default: none)."`
	RedisPassword string     `env:"REDIS_PASSWORD" placeholder:"SECRET" help:"Password of Redis (default: none). Other users of the machine see flags, so use the variable."`
	RedisSecurity
	RedisMaxConnections Count          `env:"REDIS_MAX_CONNECTIONS" placeholder:"N" help:"Connections to Redis at most (default: 50)."`
	RedisPrefix         KeyPrefix      `env:"REDIS_PREFIX" placeholder:"TEXT" help:"What all keys begin with (default: fullon:)."`
	TickPartitions      PartitionCount `env:"FULLON_TICK_PARTITIONS" placeholder:"N" help:"Partitions of ticks that the deployment must have (default: those that it has; a new one: 4)."`
	TradePartitions     PartitionCount `env:"FULLON_TRADE_PARTITIONS" placeholder:"N" help:"Partitions of trades that the deployment must have (default: those that it has; a new one: 4)."`
	AccountPartitions   PartitionCount `env:"FULLON_ACCOUNT_PARTITIONS" placeholder:"N" help:"Partitions of accounts that the deployment must have (default: those that it has; a new one: 4)."`
}

// ExplicitRedis reports whether a Redis of one's own was named.
func (s Servers) ExplicitRedis() bool {
	return s.RedisHost != "" || s.RedisPort != 0 || s.RedisAddrs != "" || s.RedisCluster || s.RedisSentinelMaster != ""
}

// Layout is the configured partition counts; zero: what the deployment has.
func (s Servers) Layout() bus.Layout {
	return bus.Layout{Ticks: int(s.TickPartitions), Trades: int(s.TradePartitions), Accounts: int(s.AccountPartitions)}
}

// Log is the configuration of the connection to the log.
func (s Servers) Log() bus.Config {
	return bus.Config{URL: string(s.NATSURL), Login: s.login(), Layout: s.Layout()}
}

// Redis is the configuration of the connection to Redis.
func (s Servers) Redis() cachestore.Config {
	addrs := s.RedisAddrs.list()
	if len(addrs) == 0 {
		addrs = []string{s.redisAddr()}
	}
	return cachestore.Config{
		Addrs: addrs, Cluster: s.RedisCluster || len(addrs) > 1 && s.RedisSentinelMaster == "", DB: int(s.RedisDB),
		Username: s.RedisUsername, Password: s.RedisPassword, TLS: s.redisTLS(),
		SentinelMaster: s.RedisSentinelMaster, SentinelUsername: s.RedisSentinelUsername, SentinelPassword: s.RedisSentinelPassword,
		MaxConnections: int(s.RedisMaxConnections), Prefix: string(s.RedisPrefix),
	}
}

// Validate tells which settings cannot be together. The error is a
// *domain.FieldError.
func (s Servers) Validate() error {
	if s.RedisDB != 0 && s.Redis().Cluster {
		return domain.Invalid("REDIS_DB (--redis-db)", strconv.Itoa(int(s.RedisDB)), "0 with a Redis Cluster, which has no other")
	}
	if err := s.checkRedis(); err != nil {
		return err
	}
	return s.checkLogin(s.NATSURL)
}

// Client is the configuration of a client of both.
func (s Servers) Client() client.Config { return client.Config{Log: s.Log(), Redis: s.Redis()} }

func (s Servers) redisAddr() string {
	host, port := string(s.RedisHost), int(s.RedisPort)
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
	Level  LogLevel  `name:"log-level" env:"FULLON_LOG_LEVEL" default:"info" help:"What is logged: debug, info, warn or error."`
	Format LogFormat `name:"log-format" env:"FULLON_LOG_FORMAT" default:"text" help:"How it is logged: text or json."`
}

// HTTP says where health and metrics are served.
type HTTP struct {
	HTTPAddr ListenAddr `name:"http" env:"FULLON_HTTP" placeholder:"HOST:PORT" help:"Where /healthz and /metrics are served, or off (default: 127.0.0.1 and a free port)."`
}

// Feeds says which venue is followed.
type Feeds struct {
	Venue             Venue      `env:"FULLON_VENUE" default:"${venue}" help:"Venue to follow: sim (simulated) or one of ${venues}."`
	Symbols           Symbols    `env:"FULLON_SYMBOLS" placeholder:"A/B,C/D" help:"Symbols to follow (default: bitcoin and ether; of the simulated venue: all). What 'fullon venue' changes afterwards stays until this says something else."`
	SilentAfter       Period     `env:"FULLON_SILENT_AFTER" default:"15s" help:"A venue that sends nothing for so long makes its ticks stale."`
	CatalogueInterval Period     `env:"FULLON_CATALOGUE_INTERVAL" default:"1h" help:"How often the venue is asked which symbols it has."`
	Hosts             VenueHosts `embed:""`

	usual bool // no symbols were named
}

// Projection says what the projector keeps.
type Projection struct {
	TradeCap Count `env:"FULLON_TRADE_CAP" default:"10000" help:"Trades of a market that Redis keeps; the same for all projectors."`
	OrderCap Count `env:"FULLON_ORDER_CAP" default:"100000" help:"Final orders of an exchange that Redis keeps; the same for all projectors."`
	FillCap  Count `env:"FULLON_FILL_CAP" default:"10000" help:"Fills of an account at an exchange that Redis keeps; the same for all projectors."`
}
