package compose

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fullon/fullon/internal/testserver"
)

// wrong is a setting, a value that it cannot have, and what is then said.
type wrong struct {
	variable, flag, value string
	shown                 string // where it is not the value
	allowed               string
	command               []string
}

var (
	statusCommand    = []string{"status"}
	upCommand        = []string{"up"}
	provisionCommand = []string{"provision"}
	paperCommand     = []string{"paper"}
)

var wrongSettings = []wrong{
	{"REDIS_HOST", "redis-host", "db1:6379", "", "a host name or an address without a port (that is REDIS_PORT), or the path of a Unix socket", statusCommand},
	{"REDIS_HOST", "redis-host", "redis://:" + secret + "@db1", "redis://xxxxx@db1", "a host name or an address without a port (that is REDIS_PORT), or the path of a Unix socket", statusCommand},
	{"REDIS_PORT", "redis-port", "abc", "", "a port number from 1 to 65535", statusCommand},
	{"REDIS_PORT", "redis-port", "70000", "", "a port number from 1 to 65535", upCommand},
	{"REDIS_PORT", "redis-port", "0", "", "a port number from 1 to 65535", statusCommand},
	{"REDIS_PORT", "redis-port", "-1", "", "a port number from 1 to 65535", statusCommand},
	{"REDIS_ADDRS", "redis-addrs", "db1", "", "addresses like db1:6379 or [::1]:6379, separated by commas", statusCommand},
	{"REDIS_ADDRS", "redis-addrs", "db1:6379,db2:port", "", "addresses like db1:6379 or [::1]:6379, separated by commas", upCommand},
	{"REDIS_ADDRS", "redis-addrs", "db1:6379,,db2:6379", "", "addresses like db1:6379 or [::1]:6379, separated by commas", provisionCommand},
	{"REDIS_ADDRS", "redis-addrs", "redis://:" + secret + "@db1:6379", "redis://xxxxx@db1:6379", "addresses like db1:6379 or [::1]:6379, separated by commas", statusCommand},
	{"REDIS_CLUSTER", "redis-cluster", "perhaps", "", "true or false", statusCommand},
	{"REDIS_DB", "redis-db", "1", "", "0 with a Redis Cluster, which has no other", []string{"status", "--redis-cluster"}},
	{"REDIS_DB", "redis-db", "2", "", "0 with a Redis Cluster, which has no other", []string{"up", "--redis-addrs=db1:6379,db2:6379"}},
	{"REDIS_DB", "redis-db", "zero", "", "a whole number from 0 to 1023", statusCommand},
	{"REDIS_DB", "redis-db", "1.5", "", "a whole number from 0 to 1023", statusCommand},
	{"REDIS_MAX_CONNECTIONS", "redis-max-connections", "0", "", "a whole number from 1 to 1000000", statusCommand},
	{"REDIS_MAX_CONNECTIONS", "redis-max-connections", "many", "", "a whole number from 1 to 1000000", upCommand},
	{"REDIS_PREFIX", "redis-prefix", "{bots}", "", "text without white space and braces", statusCommand},
	{"NATS_URL", "nats-url", "http://127.0.0.1", "", "addresses like nats://127.0.0.1:4222, separated by commas", statusCommand},
	{"NATS_URL", "nats-url", "nats://127.0.0.1:port", "", "addresses like nats://127.0.0.1:4222, separated by commas", provisionCommand},
	{"NATS_URL", "nats-url", "nats://bot:" + secret + "@[::1", "nats://xxxxx@[::1", "addresses like nats://127.0.0.1:4222, separated by commas", upCommand},
	{"NATS_URL", "nats-url", "nats://bot:my " + secret + "@h", "nats://xxxxx@h", "addresses like nats://127.0.0.1:4222, separated by commas", upCommand},
	{"NATS_USER", "nats-user", "bot", "", "nothing, because NATS_URL (--nats-url) says already who connects", []string{"status", "--nats-url=nats://bot:" + secret + "@h"}},
	{"NATS_PASSWORD", "nats-password", secret, "xxxxx", "nothing without NATS_USER (--nats-user)", statusCommand},
	{"NATS_TOKEN", "nats-token", secret, "xxxxx", "nothing, because NATS_USER (--nats-user) says already who connects", []string{"status", "--nats-user=bot"}},
	{"NATS_NKEY_FILE", "nats-nkey-file", "/none", "", "a file that this user may read", statusCommand},
	{"NATS_NKEY_FILE", "nats-nkey-file", "/etc/passwd", "", "nothing, because NATS_TOKEN (--nats-token) says already who connects", []string{"status", "--nats-token=" + secret}},
	{"NATS_CREDS_FILE", "nats-creds-file", "/none", "", "a file that this user may read", upCommand},
	{"NATS_TLS_CA", "nats-tls-ca", "/etc/passwd", "", "a file with certificates in PEM form that this user may read", statusCommand},
	{"NATS_TLS_CERT", "nats-tls-cert", "/etc/passwd", "", "nothing without NATS_TLS_KEY (--nats-tls-key)", provisionCommand},
	{"NATS_TLS_CERT", "nats-tls-cert", "/etc/passwd", "", "a certificate in PEM form that fits NATS_TLS_KEY (--nats-tls-key)", []string{"status", "--nats-tls-key=/etc/hosts"}},
	{"NATS_TLS_KEY", "nats-tls-key", "/etc/passwd", "", "nothing without NATS_TLS_CERT (--nats-tls-cert)", statusCommand},
	{"REDIS_TLS", "redis-tls", "perhaps", "", "true or false", statusCommand},
	{"REDIS_TLS_CA", "redis-tls-ca", "/none", "", "a file with certificates in PEM form that this user may read", statusCommand},
	{"REDIS_TLS_CERT", "redis-tls-cert", "/none", "", "a file that this user may read", statusCommand},
	{"REDIS_TLS_KEY", "redis-tls-key", "/etc/passwd", "", "nothing without REDIS_TLS_CERT (--redis-tls-cert)", statusCommand},
	{"REDIS_HOST", "redis-host", "/tmp/redis.sock", "", "a host, because a Unix socket has no TLS", []string{"status", "--redis-tls"}},
	{"REDIS_CLUSTER", "redis-cluster", "true", "", "false with REDIS_SENTINEL_MASTER (--redis-sentinel-master): a cluster has no Sentinels", []string{"status", "--redis-addrs=w:1", "--redis-sentinel-master=main"}},
	{"REDIS_SENTINEL_USERNAME", "redis-sentinel-username", "bot", "", "nothing without REDIS_SENTINEL_MASTER (--redis-sentinel-master)", statusCommand},
	{"REDIS_SENTINEL_USERNAME", "redis-sentinel-username", "bot", "", "nothing without REDIS_SENTINEL_PASSWORD (--redis-sentinel-password)", []string{"status", "--redis-addrs=w:1", "--redis-sentinel-master=main"}},
	{"REDIS_SENTINEL_PASSWORD", "redis-sentinel-password", secret, "xxxxx", "nothing without REDIS_SENTINEL_MASTER (--redis-sentinel-master)", statusCommand},
	{"FULLON_TICK_PARTITIONS", "tick-partitions", "0", "", "a whole number from 1 to 256", statusCommand},
	{"FULLON_TRADE_PARTITIONS", "trade-partitions", "257", "", "a whole number from 1 to 256", provisionCommand},
	{"FULLON_ACCOUNT_PARTITIONS", "account-partitions", "four", "", "a whole number from 1 to 256", statusCommand},
	{"FULLON_REPLICAS", "replicas", "6", "", "a whole number from 1 to 5", provisionCommand},
	{"FULLON_TICK_RETENTION", "tick-retention", "1 day", "", "a time span above zero, like 500ms, 30s or 24h", provisionCommand},
	{"FULLON_TRADE_RETENTION", "trade-retention", "-1h", "", "a time span above zero, like 500ms, 30s or 24h", provisionCommand},
	{"FULLON_ACCOUNT_RETENTION", "account-retention", "0s", "", "a time span above zero, like 500ms, 30s or 24h", provisionCommand},
	{"FULLON_ORDER_RETENTION", "order-retention", "0s", "", "a time span above zero, like 500ms, 30s or 24h", provisionCommand},
	{"FULLON_EXCHANGES", "exchanges", "Binance", "", "names of exchanges in lower case separated by commas, like binance,kraken", provisionCommand},
	{"FULLON_VENUE", "venue", "Binance", "", "sim or binance or bybit or coinbase or kraken or okx", upCommand},
	{"FULLON_SYMBOLS", "symbols", "BTC", "", "unified symbols separated by commas, like BTC/USDT,ETH/USDT", upCommand},
	{"FULLON_SYMBOLS", "symbols", "XX/YY", "", "symbols of the simulated venue: BTC/USDT, ETH/USDT, SOL/USDT, BNB/USDT, XRP/USDT, DOGE/USDT, ADA/USDT, ETH/BTC", upCommand},
	{"FULLON_SYMBOLS", "symbols", "btc/usdt", "", "spot symbols in capital letters, like BTC/USDT, or USD-M perpetuals, like BTC/USDT:USDT", []string{"up", "--venue=binance"}},
	{"FULLON_SILENT_AFTER", "silent-after", "0s", "", "a time span above zero, like 500ms, 30s or 24h", upCommand},
	{"FULLON_CATALOGUE_INTERVAL", "catalogue-interval", "hourly", "", "a time span above zero, like 500ms, 30s or 24h", upCommand},
	{"FULLON_SIM_RATE", "sim-rate", "fast", "", "a whole number from 1 to 1000000", upCommand},
	{"FULLON_ORDER_EXCHANGE", "order-exchange", "Binance", "", "1 to 64 lower-case letters, digits, - and _", paperCommand},
	{"FULLON_PAPER_BALANCES", "paper-balances", "USDT", "", "amounts by currency, like USDT=100000,BTC=2", paperCommand},
	{"FULLON_PAPER_TAKER_BPS", "paper-taker-bps", "free", "", "a decimal number, zero or more, of at most 19 digits before and 19 after the point", paperCommand},
	{"FULLON_PAPER_MAKER_BPS", "paper-maker-bps", "free", "", "a decimal number, zero or more, of at most 19 digits before and 19 after the point", paperCommand},
	{"FULLON_PAPER_LATENCY", "paper-latency", "0s", "", "a time span above zero, like 500ms, 30s or 24h", paperCommand},
	{"FULLON_PAPER_SYNC", "paper-sync", "often", "", "always or never", paperCommand},
	{"FULLON_PAPER_FAULTS", "paper-faults", "lost=1", "", "lost-requests, lost-answers, rejects and limits with a number from 0 to 1000, like lost-answers=20,rejects=5", paperCommand},
	{"FULLON_PAPER_LISTEN", "paper-listen", "8790", "", "HOST:PORT, like 127.0.0.1:9464, or off", paperCommand},
	{"FULLON_NO_BOTS", "no-bots", "perhaps", "", "true or false", upCommand},
	{"FULLON_GATEWAY", "gateway", "8765", "", "HOST:PORT, like 127.0.0.1:9464, or off", upCommand},
	{"FULLON_GATEWAY_PUBLIC", "gateway-public", "read:everything", "", "none, or scopes separated by commas: read:market, read:accounts, read:orders, read:bots, read:processes, the same with write:, read:*, write:* or *", upCommand},
	{"FULLON_GATEWAY_ORIGINS", "gateway-origins", "https://example.com", "", "hosts separated by commas, like app.example.com,*.example.org", upCommand},
	{"FULLON_GATEWAY_MAX_CONNECTIONS", "gateway-max-connections", "many", "", "a whole number from 1 to 1000000", upCommand},
	{"FULLON_GATEWAY_REQUEST_RATE", "gateway-request-rate", "0", "", "a whole number from 1 to 1000000", upCommand},
	{"FULLON_GATEWAY_PER_ADDRESS", "gateway-per-address", "0", "", "a whole number from 1 to 1000000", upCommand},
	{"FULLON_NO_PAPER", "no-paper", "perhaps", "", "true or false", upCommand},
	{"FULLON_SYNC_ALWAYS", "sync-always", "perhaps", "", "true or false", upCommand},
	{"FULLON_TRADE_CAP", "trade-cap", "none", "", "a whole number from 1 to 1000000", upCommand},
	{"FULLON_FILL_CAP", "fill-cap", "1.5", "", "a whole number from 1 to 1000000", upCommand},
	{"FULLON_ORDER_CAP", "order-cap", "0", "", "a whole number from 1 to 1000000", upCommand},
	{"FULLON_HTTP", "http", "8080", "", "HOST:PORT, like 127.0.0.1:9464, or off", upCommand},
	{"FULLON_LOG_LEVEL", "log-level", "loud", "", "debug or info or warn or error", upCommand},
	{"FULLON_LOG_FORMAT", "log-format", "xml", "", "text or json", upCommand},
	{"BINANCE_WS_URL", "binance-ws-url", "https://example.com", "", "an address without a path, like wss://stream.binance.com:9443", upCommand},
	{"BINANCE_REST_URL", "binance-rest-url", "example.com", "", "an address like https://api.binance.com", upCommand},
	{"BINANCE_FUTURES_WS_URL", "binance-futures-ws-url", "wss://example.com/ws", "", "an address without a path, like wss://stream.binance.com:9443", upCommand},
	{"BINANCE_FUTURES_REST_URL", "binance-futures-rest-url", "example.com", "", "an address like https://api.binance.com", upCommand},
	{"BYBIT_WS_URL", "bybit-ws-url", "wss://example.com/v5/public/spot", "", "an address without a path, like wss://stream.binance.com:9443", upCommand},
	{"BYBIT_REST_URL", "bybit-rest-url", "example.com", "", "an address like https://api.binance.com", upCommand},
	{"FULLON_SYMBOLS", "symbols", "BTC/USD:BTC", "", "spot symbols in capital letters, like BTC/USDT, or perpetuals in USDT or USDC, like BTC/USDT:USDT", []string{"up", "--venue=bybit"}},
	{"COINBASE_WS_URL", "coinbase-ws-url", "example.com", "", "an address without a path, like wss://stream.binance.com:9443", upCommand},
	{"COINBASE_REST_URL", "coinbase-rest-url", "ws://example.com", "", "an address like https://api.binance.com", upCommand},
	{"FULLON_SYMBOLS", "symbols", "BTC/USDC", "", "spot symbols in capital letters, like BTC/USD, not in USDC", []string{"up", "--venue=coinbase"}},
	{"KRAKEN_WS_URL", "kraken-ws-url", "wss://example.com/v2", "", "an address without a path, like wss://stream.binance.com:9443", upCommand},
	{"KRAKEN_REST_URL", "kraken-rest-url", "example.com", "", "an address like https://api.binance.com", upCommand},
	{"FULLON_SYMBOLS", "symbols", "BTC/USD:USD", "", "spot symbols as the venue has them, like BTC/USD", []string{"up", "--venue=kraken"}},
	{"OKX_WS_URL", "okx-ws-url", "wss://example.com/ws/v5/public", "", "an address without a path, like wss://stream.binance.com:9443", upCommand},
	{"OKX_REST_URL", "okx-rest-url", "example.com", "", "an address like https://api.binance.com", upCommand},
	{"FULLON_SYMBOLS", "symbols", "BTC/USD:USD", "", "spot symbols like BTC/USDT, linear swaps like BTC/USDT:USDT, inverse swaps like BTC/USD:BTC", []string{"up", "--venue=okx"}},
	{"", "for", "soon", "", "a time span above zero, like 500ms, 30s or 24h", upCommand},
	{"", "limit", "100001", "", "a whole number from 1 to 100000", []string{"get", "trades", "sim", "BTC/USDT"}},
	{"", "limit", "1501", "", "a whole number from 1 to 1500", []string{"get", "candles", "sim", "BTC/USDT", "1m"}},
}

// line is what must be printed.
func (w wrong) line() string {
	name, shown := "--"+w.flag, w.shown
	if w.variable != "" {
		name = w.variable + " (--" + w.flag + ")"
	}
	if shown == "" {
		shown = w.value
	}
	return fmt.Sprintf("fullon: %s: %q is not allowed: want %s\n", name, shown, w.allowed)
}

func TestAWrongSettingIsOneLineThatNamesItWhereverItCameFrom(t *testing.T) {
	t.Parallel()
	for i, w := range wrongSettings {
		t.Run(fmt.Sprintf("%d %s", i, w.flag), func(t *testing.T) {
			t.Parallel()
			check := func(t *testing.T, r result) {
				t.Helper()
				r.complains(t, ExitUsage)
				if r.stderr != w.line() {
					t.Errorf("stderr\n%swant\n%s", r.stderr, w.line())
				}
			}
			// How a value came to its setting is the same for all of them, and to build
			// the grammar takes a second under the race detector: some will do.
			if w.variable == "" || i%6 == 0 {
				t.Run("flag", func(t *testing.T) {
					u := newUser(t, "REDIS_PASSWORD="+secret)
					check(t, u.tries(append(slices.Clone(w.command), "--"+w.flag+"="+w.value)...))
				})
			}
			if w.variable == "" {
				return
			}
			t.Run("environment", func(t *testing.T) {
				u := newUser(t, "REDIS_PASSWORD="+secret, w.variable+"="+w.value)
				check(t, u.tries(w.command...))
			})
			if i%6 != 1 {
				return
			}
			t.Run("file", func(t *testing.T) {
				u := newUser(t)
				u.env = slices.DeleteFunc(u.env, func(e string) bool { return strings.HasPrefix(e, w.variable+"=") })
				u.dotenv("# mine\nREDIS_PASSWORD=" + secret + "\n" + w.variable + "='" + w.value + "'\n")
				check(t, u.tries(w.command...))
			})
		})
	}
}

// tries is run without a process of its own, which for a command line that is
// refused makes no difference but the time that it takes.
func (u *user) tries(args ...string) result {
	var errs strings.Builder
	code := run(u.env, filepath.Join(u.cwd, dotenvFile), "fullon", "", new(FullonCommand), map[string]string{"venue": "sim"}, args, &errs)
	if strings.Contains(errs.String(), secret) {
		u.t.Errorf("%v prints the secret: %s", args, &errs)
	}
	return result{code: code, stderr: errs.String()}
}

func TestEverySettingIsTriedWithAWrongValue(t *testing.T) {
	t.Parallel()
	anything := []string{"REDIS_USERNAME", "REDIS_PASSWORD", "FULLON_DATA", "FULLON_PAPER_DATA", "NATS_TLS_SERVER_NAME", "REDIS_TLS_SERVER_NAME", "REDIS_SENTINEL_MASTER",
		"FULLON_GATEWAY_TOKEN", "FULLON_GATEWAY_TOKENS_FILE", "FULLON_GATEWAY_JWT_KEY_FILE", "FULLON_GATEWAY_TLS_CERT", "FULLON_GATEWAY_TLS_KEY"} // tried in gateway_test.go
	for _, command := range [][]string{upCommand, statusCommand, provisionCommand, paperCommand} {
		r := newUser(t).run("fullon", append(slices.Clone(command), "--help")...)
		if r.code != ExitOK {
			t.Fatalf("%v: exit code %d", command, r.code)
		}
		for _, word := range strings.Fields(r.stdout) {
			name, ok := strings.CutPrefix(word, "[")
			name, ends := strings.CutSuffix(name, "]")
			if !ok || !ends || name == "NAME" || name != strings.ToUpper(name) || slices.Contains(anything, name) {
				continue
			}
			if !slices.ContainsFunc(wrongSettings, func(w wrong) bool { return w.variable == name }) {
				t.Errorf("no wrong value of %s is tried", name)
			}
		}
	}
}

func TestAFlagBeatsTheEnvironmentWhichBeatsTheFile(t *testing.T) {
	t.Parallel()
	u := newUser(t, "REDIS_PORT=from-environment", "NATS_URL=nats://127.0.0.1:1")
	u.dotenv("REDIS_PORT=from-file\nREDIS_DB=from-file\n")
	u.run("fullon", "status", "--redis-db=1").complains(t, ExitUsage, `"from-environment"`)
	u.run("fullon", "status", "--redis-port=1").complains(t, ExitUsage, "REDIS_DB", `"from-file"`)
	u.run("fullon", "status", "--redis-port=1", "--redis-db=1").complains(t, ExitUnreachable, "127.0.0.1:1")
}

func TestAnEmptyVariableIsNotSet(t *testing.T) {
	t.Parallel()
	u := newUser(t, "REDIS_PORT=", "REDIS_DB=", "NATS_URL=nats://127.0.0.1:1", "FULLON_VENUE=")
	u.dotenv("REDIS_PORT=from-file\n")
	u.run("fullon", "status").complains(t, ExitUnreachable, "127.0.0.1:1")
}

func TestAMalformedFileIsOneLineThatQuotesNothingOfIt(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"no name":      "REDIS_DB=1\nREDIS_PORT=1\n=" + secret + "\n",
		"words":        "REDIS_DB=1\nREDIS_PORT=1\nREDIS PASSWORD " + secret + "\n",
		"open quote":   "REDIS_DB=1\nREDIS_PORT=1\nREDIS_PASSWORD=\"" + secret + "\n",
		"after a text": "A=\"two\nlines\"\nREDIS-PASSWORD " + secret + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := newUser(t)
			u.dotenv(body)
			u.run("fullon", "status").complains(t, ExitUsage, "fullon: .env: line 3 cannot be read: want NAME=value")
			u.run("projector").complains(t, ExitUsage, "projector: .env: line 3")
		})
	}
}

func TestACommandLineThatCannotBeUnderstoodIsOneLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args  string
		parts []string
	}{
		{"", []string{`expected one of "up"`, "'fullon --help'"}},
		{"down", []string{"unexpected argument down", "'fullon --help'"}},
		{"up now", []string{"unexpected argument now", "'fullon up --help'"}},
		{"up --daemon", []string{"unknown flag --daemon", "'fullon up --help'"}},
		{"up --redis-port", []string{"REDIS_PORT (--redis-port): a value is missing"}},
		{"up --redis-port --json", []string{"REDIS_PORT (--redis-port): a value is missing"}},
		{"up --data", []string{"FULLON_DATA (--data): a value is missing"}},
		{"get", []string{`expected one of "ticker", "tickers", "trades", "candles"`, "'fullon get --help'"}},
		{"get ticker sim", []string{`expected "<symbol>"`, "'fullon get ticker --help'"}},
		{"get ticker sim BTC/USDT ETH/USDT", []string{"unexpected argument ETH/USDT"}},
		{"get ticker SIM BTC/USDT", []string{`<exchange>: "SIM" is not allowed: want 1 to 64 lower-case letters`}},
		{"get ticker sim BTCUSDT", []string{`<symbol>: "BTCUSDT" is not allowed: want a unified symbol, like BTC/USDT`}},
		{"get candles sim BTC/USDT 7m", []string{`<timeframe>: "7m" is not allowed: want one of 1m, 5m, 15m, 30m, 1h, 4h, 1d`}},
		{"watch tickers sim BTC/USDT ETH", []string{`"ETH" is not allowed: want a unified symbol`}},
		{"status --redis-username=bot", []string{`REDIS_USERNAME (--redis-username): "bot" is not allowed: want nothing without REDIS_PASSWORD (--redis-password)`}},
		{"status --redis-sentinel-master=main", []string{`REDIS_ADDRS (--redis-addrs): "" is not allowed: want addresses of Sentinels with REDIS_SENTINEL_MASTER`}},
		{"status --json=maybe", []string{`--json: "maybe" is not allowed: want true or false`}},
		{"up --data=/dev/null/x", []string{`FULLON_DATA (--data): "/dev/null/x" is not allowed: want a directory that this user may write`}},
	} {
		t.Run(c.args, func(t *testing.T) {
			t.Parallel()
			newUser(t).run("fullon", strings.Fields(c.args)...).complains(t, ExitUsage, c.parts...)
		})
	}
	newUser(t).run("ingest", "--venue=sim").complains(t, ExitUsage, "FULLON_VENUE (--venue)", "binance")
}

func TestAddressesOfRedisSayWhetherItIsACluster(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		servers Servers
		addrs   string
		cluster bool
	}{
		{Servers{}, "localhost:6379", false},
		{Servers{RedisHost: "db1", RedisPort: 7}, "db1:7", false},
		{Servers{RedisHost: "db1", RedisCluster: true}, "db1:6379", true},
		{Servers{RedisAddrs: "db2:1"}, "db2:1", false},
		{Servers{RedisAddrs: "db2:1", RedisCluster: true}, "db2:1", true},
		{Servers{RedisHost: "db1", RedisPort: 7, RedisAddrs: "db2:1, [::1]:2"}, "db2:1 [::1]:2", true},
		{Servers{RedisAddrs: "w1:26379,w2:26379", RedisSecurity: RedisSecurity{RedisSentinelMaster: "main"}}, "w1:26379 w2:26379", false},
	} {
		redis := c.servers.Redis()
		if got := strings.Join(redis.Addrs, " "); got != c.addrs || redis.Cluster != c.cluster {
			t.Errorf("%+v: %s, cluster %v", c.servers, got, redis.Cluster)
		}
		// What a running 'up' announces leads others to the same.
		here := running{RedisAddr: strings.Join(redis.Addrs, ","), RedisCluster: redis.Cluster, RedisSentinelMaster: redis.SentinelMaster}
		there := (Servers{}).joining(here).Redis()
		if strings.Join(there.Addrs, " ") != c.addrs || there.Cluster != c.cluster || there.SentinelMaster != redis.SentinelMaster {
			t.Errorf("%+v: led to %+v", c.servers, there)
		}
	}
}

func TestAClusterIsLookedInto(t *testing.T) {
	t.Parallel()
	c := testserver.NewRedisCluster(t)
	log := testserver.NewNATS(t)
	u := newUser(t, "NATS_URL="+log.URL, "REDIS_ADDRS="+c.Nodes[1].Addr, "REDIS_CLUSTER=yes")
	for _, command := range []string{"provision", "status"} {
		if r := u.run("fullon", command); r.code != ExitOK {
			t.Fatalf("%s: %d\n%s%s", command, r.code, r.stdout, r.stderr)
		}
	}
}
