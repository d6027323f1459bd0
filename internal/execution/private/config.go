package private

import (
	"cmp"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/fullon/fullon/domain"
)

// Config says which account is traded, and how. The zero value of a field
// takes its default where one is named, or the one that the adapter's package
// has in Own.
type Config struct {
	// Exchange is the venue's name in this system.
	Exchange string
	// Account is the account's name in this system, whose Key and Secret these
	// are, and Passphrase where the venue has one. They are in no error and no
	// log line.
	Account                 string
	Key, Secret, Passphrase string
	// Margin is how swaps are held, in the venue's word, where there is a choice.
	// Empty: as the adapter's package says.
	Margin string

	// Real trades with real money. Without it, addresses that are not given are
	// those of the venue's test network, and the real ones are refused.
	Real bool
	// RESTURL is a scheme and host without a path, StreamURL the address of the
	// WebSocket with its path. Default: as Real says.
	RESTURL, StreamURL string

	// Symbols is what the venue trades, by unified name, as known now. It is
	// called for every order and event: it must be quick, safe for concurrent
	// use, and the map must not change afterwards. A symbol that it does not
	// have is not traded, and fills there are told only when it has.
	Symbols func() map[string]domain.Symbol
	// Watch are unified names of symbols whose fills are asked for after each
	// connect, where the venue lists them symbol by symbol; those of orders and
	// events come by themselves.
	Watch []string
	// Since is from when fills are asked for, where none was delivered yet.
	// Zero: all that the venue remembers.
	Since time.Time

	// Timeout bounds one request. Default 10s.
	Timeout time.Duration
	// ClockEvery is how old a reading of the venue's clock may be. Default 1m.
	ClockEvery time.Duration
	// SweepEvery is how often the venue is asked for fills that the stream did
	// not bring. Default 1m.
	SweepEvery time.Duration
	// BooksEvery is the least time between two requests for the balances and
	// positions, where events do not tell all of them. Default 1s.
	BooksEvery time.Duration
	// RenewEvery is how often the address of the stream is renewed, where it has
	// one of its own. Default 20m.
	RenewEvery time.Duration
	// PingEvery is how often the stream is pinged; a stream on which nothing is
	// heard for twice as long is made anew. Default 15s.
	PingEvery time.Duration
	// Queue is how many events may wait for the Sink before the stream is cut.
	// Default 4096.
	Queue int
	// BackoffInitial and BackoffMax bound the wait before a reconnect, which
	// doubles from one to the other and is moved by a random half of itself
	// either way. Defaults 500ms and 30s.
	BackoffInitial, BackoffMax time.Duration
	// Logger takes what operators want to know; nil: nothing is logged.
	Logger *slog.Logger
}

// Hosts are where a venue is; see Config.
type Hosts struct{ REST, Stream string }

// Own is what sets one venue apart from another.
type Own struct {
	// Exchange is the usual name of the venue in this system.
	Exchange string
	// Test and Real are the venue's addresses; no Test: it has no test network.
	Test, Real Hosts
	// IsReal tells whether a host, in lower case, is one where real money is
	// traded; nil: the address does not say it.
	IsReal func(host string) bool
	// Spot says that only spot markets are traded; Contracts, that only those are
	// which are settled in something.
	Spot, Contracts bool
	// Spelling is how the package spells a symbol, where the venue's name of it
	// stands for more than one market; nil: as the venue does.
	Spelling func(domain.Symbol) string
	// Aliases are what else the venue may call one of its symbols in answers;
	// nil: nothing else.
	Aliases func(symbol string) []string
	// BySymbol says that fills are listed symbol by symbol.
	BySymbol bool
	// Late is how far behind the newest a fill may appear in the venue's list,
	// in the unit of Fill.Place; zero: the list only grows at its end.
	Late int64
	// BooksEvery is a default of Config.
	BooksEvery time.Duration
}

// refuses says why a market is none of those that are traded; empty: it is one.
func (o Own) refuses(s domain.Symbol) (reason string) {
	switch {
	case o.Spot && s.Settle != "":
		return s.Name + " is no spot market"
	case o.Contracts && s.Settle == "":
		return s.Name + " is a spot market, and the account is one for contracts"
	}
	return ""
}

// Within tells whether a host is one of the domains or below one.
func Within(host string, domains ...string) bool {
	for _, domain := range domains {
		if host == domain || strings.HasSuffix(host, "."+domain) {
			return true
		}
	}
	return false
}

// WithDefaults fills the zero fields in.
func (c Config) WithDefaults(own Own) Config {
	hosts := own.Test
	if c.Real {
		hosts = own.Real
	}
	c.Exchange = cmp.Or(c.Exchange, own.Exchange)
	c.RESTURL = cmp.Or(c.RESTURL, hosts.REST)
	c.StreamURL = cmp.Or(c.StreamURL, hosts.Stream)
	c.Timeout = cmp.Or(c.Timeout, 10*time.Second)
	c.ClockEvery = cmp.Or(c.ClockEvery, time.Minute)
	c.SweepEvery = cmp.Or(c.SweepEvery, time.Minute)
	c.BooksEvery = cmp.Or(c.BooksEvery, own.BooksEvery, time.Second)
	c.RenewEvery = cmp.Or(c.RenewEvery, 20*time.Minute)
	c.PingEvery = cmp.Or(c.PingEvery, 15*time.Second)
	c.Queue = cmp.Or(c.Queue, 4096)
	c.BackoffInitial = cmp.Or(c.BackoffInitial, 500*time.Millisecond)
	c.BackoffMax = cmp.Or(c.BackoffMax, 30*time.Second)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c Config) validate(own Own) error {
	if err := domain.CheckExchange(c.Exchange); err != nil {
		return err
	}
	if err := domain.CheckAccount(c.Account); err != nil {
		return err
	}
	switch {
	case c.Key == "":
		return domain.Invalid("key", "", "the API key of the account")
	case c.Secret == "":
		return domain.Invalid("secret", "", "the secret of the API key")
	case c.Symbols == nil:
		return domain.Invalid("symbols", "", "the venue's catalogue")
	case c.Queue < 1:
		return domain.Invalid("queue", "", "one or more")
	case c.BackoffMax < c.BackoffInitial:
		return domain.Invalid("backoff_max", c.BackoffMax.String(), "no less than backoff_initial")
	case c.RESTURL == "" || c.StreamURL == "": // there is no default but the real one
		return domain.Invalid("real", "false", "true, or addresses of one's own: "+own.Exchange+" has no test network")
	}
	for _, name := range c.Watch {
		if err := domain.CheckSymbol(name); err != nil {
			return err
		}
	}
	for _, f := range [...]struct {
		name  string
		value time.Duration
	}{
		{"timeout", c.Timeout}, {"clock_every", c.ClockEvery}, {"sweep_every", c.SweepEvery}, {"books_every", c.BooksEvery},
		{"renew_every", c.RenewEvery}, {"ping_every", c.PingEvery}, {"backoff_initial", c.BackoffInitial},
	} {
		if f.value <= 0 {
			return domain.Invalid(f.name, f.value.String(), "more than zero")
		}
	}
	if err := c.checkAddress(own, "rest_url", c.RESTURL, "http", "https"); err != nil {
		return err
	}
	return c.checkAddress(own, "stream_url", c.StreamURL, "ws", "wss")
}

// checkAddress also keeps orders from real markets that nobody asked for: a
// forgotten Real must not be made up for by an address. The value is left out
// of the error because it may hold a password.
func (c Config) checkAddress(own Own, field, address string, plain, secure string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != plain && u.Scheme != secure || u.Host == "" || u.User != nil {
		return domain.Invalid(field, "", "a "+plain+":// or "+secure+":// address without a user")
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if !c.Real && own.IsReal != nil && net.ParseIP(host) == nil && own.IsReal(host) {
		return domain.Invalid(field, host, "another host, or real trading switched on: this one trades real money")
	}
	return nil
}
