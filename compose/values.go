package compose

import (
	"encoding"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fullon/fullon/bus"
	"github.com/fullon/fullon/cachestore"
	"github.com/fullon/fullon/client"
	"github.com/fullon/fullon/domain"
)

// The types of the settings. Each reads its text with UnmarshalText, and an
// error tells the value and what is allowed; settingMapper puts the names of
// the variable and the flag before it. The zero value is "not set".
type (
	// Port is a TCP port.
	Port int
	// Count is a number of things.
	Count int
	// PartitionCount is how many partitions a kind of stream has.
	PartitionCount int
	// ReplicaCount is how many servers of a cluster keep a stream.
	ReplicaCount int
	// TradeLimit bounds a list of trades.
	TradeLimit int
	// CandleLimit bounds a list of candles.
	CandleLimit int
	// DBNumber is a Redis database.
	DBNumber int
	// Period is a positive time span.
	Period time.Duration
	// Exchange is the name of an exchange.
	Exchange string
	// Exchanges is a list of names of exchanges.
	Exchanges []string
	// StreamNames is a list of names of streams.
	StreamNames []string
	// PartitionKinds is a list of kinds of streams that have partitions.
	PartitionKinds []string
	// Symbol is a unified symbol.
	Symbol string
	// Symbols is a list of unified symbols.
	Symbols []string
	// Timeframe is the length of a candle.
	Timeframe string
	// Venue is one of the venues that can be followed.
	Venue string
	// LogLevel is the least level that is logged.
	LogLevel string
	// LogFormat is the form of a log line.
	LogFormat string
	// NATSURL is one or more servers of the log, separated by commas.
	NATSURL string
	// RedisHost is a host without a port, or the path of a Unix socket.
	RedisHost string
	// RedisAddrs is one or more addresses with a port, separated by commas.
	RedisAddrs string
	// KeyPrefix is what all keys in Redis begin with.
	KeyPrefix string
	// ListenAddr is HOST:PORT of this machine, or "off".
	ListenAddr string
	// WebSocketURL is the address of a WebSocket server.
	WebSocketURL string
	// RESTURL is the address of an HTTP server.
	RESTURL string
)

var settingTypes = []encoding.TextUnmarshaler{
	new(Port), new(Count), new(PartitionCount), new(ReplicaCount), new(TradeLimit), new(CandleLimit), new(DBNumber),
	new(Period), new(Exchange), new(Exchanges), new(StreamNames), new(PartitionKinds), new(Symbol), new(Symbols), new(Timeframe), new(Venue), new(LogLevel), new(LogFormat),
	new(NATSURL), new(RedisHost), new(RedisAddrs), new(KeyPrefix), new(CAFile), new(SecretFile), new(ListenAddr), new(WebSocketURL), new(RESTURL),
	new(ProcessType), new(ProcessID), new(BroadcastID), new(ErrorLimit),
	new(Account), new(Currency), new(FillLimit),
	new(Bot), new(ClaimPeriod), new(Reason),
	new(VenueStatus), new(VenueSymbol), new(BotFeed), new(NamedValue), new(VenueID), new(Moment),
	new(Amount), new(SignedAmount), new(OrderVenue), new(OKXMargin), new(StreamURL), new(Accounts), new(Rate), new(PaperSync), new(Balances), new(PaperFaults),
	new(Scopes), new(Origins), new(OrderID), new(OrderSide), new(OrderType), new(TimeInForce), new(OrderStatuses), new(OrderLimit),
	new(ReplaySpeed), new(ReplayVenue),
}

// notAllowed is a wrong value; settingMapper fills in the name of the setting.
func notAllowed(value, allowed string) error { return domain.Invalid("", value, allowed) }

func number[T ~int](into *T, text []byte, low, high int, allowed string) error {
	v, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || v < low || v > high {
		return notAllowed(string(text), fmt.Sprintf("%s from %d to %d", allowed, low, high))
	}
	*into = T(v)
	return nil
}

// UnmarshalText reads a port number.
func (p *Port) UnmarshalText(text []byte) error { return number(p, text, 1, 65535, "a port number") }

// UnmarshalText reads a count.
func (c *Count) UnmarshalText(text []byte) error {
	return number(c, text, 1, 1_000_000, "a whole number")
}

// UnmarshalText reads a partition count.
func (c *PartitionCount) UnmarshalText(text []byte) error {
	return number(c, text, 1, bus.MaxPartitions, "a whole number")
}

// UnmarshalText reads a replica count; NATS has no more than five.
func (c *ReplicaCount) UnmarshalText(text []byte) error {
	return number(c, text, 1, 5, "a whole number")
}

// UnmarshalText reads a limit.
func (c *TradeLimit) UnmarshalText(text []byte) error {
	return number(c, text, 1, client.MaxTrades, "a whole number")
}

// UnmarshalText reads a limit.
func (c *CandleLimit) UnmarshalText(text []byte) error {
	return number(c, text, 1, cachestore.CandleCap, "a whole number")
}

// UnmarshalText reads a database number.
func (n *DBNumber) UnmarshalText(text []byte) error {
	return number(n, text, 0, 1023, "a whole number")
}

// UnmarshalText reads a span like 1.5s, 10m or 24h.
func (p *Period) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err != nil || d <= 0 {
		return notAllowed(string(text), "a time span above zero, like 500ms, 30s or 24h")
	}
	*p = Period(d)
	return nil
}

// UnmarshalText reads the name of an exchange.
func (e *Exchange) UnmarshalText(text []byte) error {
	*e = Exchange(text)
	return domain.CheckExchange(string(text))
}

// UnmarshalText reads names of exchanges separated by commas.
func (e *Exchanges) UnmarshalText(text []byte) error {
	*e = nil
	for name := range strings.SplitSeq(string(text), ",") {
		name = strings.TrimSpace(name)
		if err := domain.CheckExchange(name); err != nil {
			return notAllowed(string(text), "names of exchanges in lower case separated by commas, like binance,kraken")
		}
		if !slices.Contains(*e, name) {
			*e = append(*e, name)
		}
	}
	return nil
}

// UnmarshalText reads names of streams.
func (s *StreamNames) UnmarshalText(text []byte) error {
	*s = nil
	for name := range strings.SplitSeq(string(text), ",") {
		name = strings.TrimSpace(name)
		if name == "" || strings.ContainsAny(name, " .*>/\\") || name != strings.ToUpper(name) {
			return notAllowed(string(text), "names of streams separated by commas, like TICKS_0,ORDERS_KRAKEN; see 'fullon status'")
		}
		if !slices.Contains(*s, name) {
			*s = append(*s, name)
		}
	}
	return nil
}

// UnmarshalText reads kinds of streams.
func (k *PartitionKinds) UnmarshalText(text []byte) error {
	*k = nil
	for name := range strings.SplitSeq(string(text), ",") {
		name = strings.TrimSpace(name)
		if !slices.Contains(bus.Kinds(), name) {
			return notAllowed(string(text), strings.Join(bus.Kinds(), ", ")+", or several of them; orders have one partition for each exchange")
		}
		if !slices.Contains(*k, name) {
			*k = append(*k, name)
		}
	}
	return nil
}

const allowedSymbol = "a unified symbol, like BTC/USDT or BTC/USDT:USDT"

// UnmarshalText reads a unified symbol.
func (s *Symbol) UnmarshalText(text []byte) error {
	if domain.CheckSymbol(string(text)) != nil {
		return notAllowed(string(text), allowedSymbol)
	}
	*s = Symbol(text)
	return nil
}

// UnmarshalText reads symbols separated by commas.
func (s *Symbols) UnmarshalText(text []byte) error {
	*s = nil
	for name := range strings.SplitSeq(string(text), ",") {
		name = strings.TrimSpace(name)
		if err := domain.CheckSymbol(name); err != nil {
			return notAllowed(string(text), "unified symbols separated by commas, like BTC/USDT,ETH/USDT")
		}
		if !slices.Contains(*s, name) {
			*s = append(*s, name)
		}
	}
	return nil
}

// UnmarshalText reads the name of a timeframe.
func (t *Timeframe) UnmarshalText(text []byte) error {
	*t = Timeframe(text)
	_, err := domain.ParseTimeframe(string(text))
	return err
}

func oneOf[T ~string](into *T, text []byte, values ...string) error {
	if !slices.Contains(values, string(text)) {
		return notAllowed(string(text), strings.Join(values, " or "))
	}
	*into = T(text)
	return nil
}

// UnmarshalText reads the name of a level.
func (l *LogLevel) UnmarshalText(text []byte) error {
	return oneOf(l, text, "debug", "info", "warn", "error")
}

func (l LogLevel) level() (level slog.Level) {
	_ = level.UnmarshalText([]byte(l)) // the zero value is info
	return level
}

// UnmarshalText reads the name of a format.
func (f *LogFormat) UnmarshalText(text []byte) error { return oneOf(f, text, "text", "json") }

// UnmarshalText reads one or more URLs of NATS servers.
func (u *NATSURL) UnmarshalText(text []byte) error {
	for one := range strings.SplitSeq(string(text), ",") {
		one = strings.TrimSpace(one)
		if !strings.Contains(one, "://") {
			one = "nats://" + one
		}
		if checkURL(one, "nats", "tls", "ws", "wss") != nil {
			return notAllowed(redactValue(string(text)), "addresses like nats://127.0.0.1:4222, separated by commas")
		}
	}
	*u = NATSURL(text)
	return nil
}

// UnmarshalText reads the host of Redis.
func (h *RedisHost) UnmarshalText(text []byte) error {
	host := string(text)
	plain := !strings.ContainsAny(host, "/@[]%?#\\") && !strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' })
	switch {
	case strings.HasPrefix(host, "/"):
	case plain && (!strings.Contains(host, ":") || net.ParseIP(host) != nil):
	default:
		return notAllowed(redactValue(host), "a host name or an address without a port (that is REDIS_PORT), or the path of a Unix socket")
	}
	*h = RedisHost(host)
	return nil
}

// UnmarshalText reads addresses of Redis.
func (a *RedisAddrs) UnmarshalText(text []byte) error {
	for _, one := range RedisAddrs(text).list() {
		var h RedisHost
		var p Port
		host, port, err := net.SplitHostPort(one)
		if err != nil || host == "" || strings.HasPrefix(host, "/") || h.UnmarshalText([]byte(host)) != nil || p.UnmarshalText([]byte(port)) != nil {
			return notAllowed(redactValue(string(text)), "addresses like db1:6379 or [::1]:6379, separated by commas")
		}
	}
	*a = RedisAddrs(text)
	return nil
}

func (a RedisAddrs) list() []string {
	if a == "" {
		return nil
	}
	list := strings.Split(string(a), ",")
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
	return list
}

// UnmarshalText reads a prefix. Braces would say which part of a key chooses
// its slot in a Redis Cluster; that part is the stream's name.
func (p *KeyPrefix) UnmarshalText(text []byte) error {
	if strings.ContainsFunc(string(text), func(r rune) bool { return r <= ' ' || r == '{' || r == '}' || r == 0x7f }) {
		return notAllowed(string(text), "text without white space and braces")
	}
	*p = KeyPrefix(text)
	return nil
}

// UnmarshalText reads an address to listen on.
func (a *ListenAddr) UnmarshalText(text []byte) error {
	if string(text) != "off" {
		_, port, err := net.SplitHostPort(string(text))
		if n, portErr := strconv.Atoi(port); err != nil || portErr != nil || n < 0 || n > 65535 {
			return notAllowed(string(text), "HOST:PORT, like 127.0.0.1:9464, or off")
		}
	}
	*a = ListenAddr(text)
	return nil
}

// UnmarshalText reads the URL of a WebSocket server.
func (u *WebSocketURL) UnmarshalText(text []byte) error {
	bare := strings.TrimSuffix(string(text), "/")
	if parsed, err := url.Parse(bare); checkURL(bare, "ws", "wss") != nil || err != nil || parsed.Path != "" || parsed.User != nil {
		return notAllowed(redactValue(string(text)), "an address without a path, like wss://stream.binance.com:9443")
	}
	*u = WebSocketURL(bare)
	return nil
}

// UnmarshalText reads the URL of an HTTP server.
func (u *RESTURL) UnmarshalText(text []byte) error {
	bare := strings.TrimSuffix(string(text), "/")
	if parsed, err := url.Parse(bare); checkURL(bare, "http", "https") != nil || err != nil || parsed.User != nil {
		return notAllowed(redactValue(string(text)), "an address like https://api.binance.com")
	}
	*u = RESTURL(bare)
	return nil
}

var errNotThisURL = errors.New("not such a URL")

// checkURL takes scheme and host, and a port if there is one.
func checkURL(text string, schemes ...string) error {
	u, err := url.Parse(text)
	if err != nil || !slices.Contains(schemes, u.Scheme) || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" {
		return errNotThisURL
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return errNotThisURL
		}
	}
	return nil
}
