package binance

import (
	"log/slog"
	"net/url"
	"time"

	"github.com/fullon/fullon/domain"
)

// Where Binance is. The test network has accounts, keys and balances of its
// own, worth nothing.
const (
	TestRESTURL   = "https://testnet.binance.vision"
	TestStreamURL = "wss://ws-api.testnet.binance.vision/ws-api/v3"
	RealRESTURL   = "https://api.binance.com"
	RealStreamURL = "wss://ws-api.binance.com:443/ws-api/v3"
)

// Config says which account is traded, and how. The zero value of a field
// takes its default where one is named.
type Config struct {
	// Exchange is the venue's name in this system. Default "binance".
	Exchange string
	// Account is the account's name in this system, whose Key and Secret these
	// are: an HMAC key with reading and spot trading allowed. They are in no
	// error and no log line.
	Account     string
	Key, Secret string

	// Real trades with real money. Without it, addresses that are not given are
	// those of the test network, and the real ones are refused.
	Real bool
	// RESTURL is a scheme and host without a path, StreamURL the address of the
	// WebSocket API. Default: as Real says.
	RESTURL, StreamURL string

	// Symbols is what the venue trades, by unified name, as known now. It is
	// called for every order and event: it must be quick, safe for concurrent
	// use, and the map must not change afterwards. A symbol that it does not
	// have is not traded, and fills there are told only when it has.
	Symbols func() map[string]domain.Symbol
	// Watch are unified names of symbols whose fills are asked for after each
	// connect; those of orders and events come by themselves.
	Watch []string
	// Since is from when fills are asked for, for a symbol of which none was
	// delivered yet. Zero: all that the venue remembers.
	Since time.Time

	// Timeout bounds one request. Default 10s.
	Timeout time.Duration
	// ClockEvery is how old a reading of the venue's clock may be. Default 1m.
	ClockEvery time.Duration
	// SweepEvery is how often the venue is asked for fills that the stream did
	// not bring. Default 1m.
	SweepEvery time.Duration
	// PingEvery is how often the stream is pinged; a ping must be answered
	// within Timeout. Default 20s.
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

// WithDefaults fills the zero fields in.
func (c Config) WithDefaults() Config {
	setDefault(&c.Exchange, "binance")
	rest, stream := TestRESTURL, TestStreamURL
	if c.Real {
		rest, stream = RealRESTURL, RealStreamURL
	}
	setDefault(&c.RESTURL, rest)
	setDefault(&c.StreamURL, stream)
	setDefault(&c.Timeout, 10*time.Second)
	setDefault(&c.ClockEvery, time.Minute)
	setDefault(&c.SweepEvery, time.Minute)
	setDefault(&c.PingEvery, 20*time.Second)
	setDefault(&c.Queue, 4096)
	setDefault(&c.BackoffInitial, 500*time.Millisecond)
	setDefault(&c.BackoffMax, 30*time.Second)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func (c Config) validate() error {
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
		{"timeout", c.Timeout}, {"clock_every", c.ClockEvery}, {"sweep_every", c.SweepEvery},
		{"ping_every", c.PingEvery}, {"backoff_initial", c.BackoffInitial},
	} {
		if f.value <= 0 {
			return domain.Invalid(f.name, f.value.String(), "more than zero")
		}
	}
	if err := c.checkAddress("rest_url", c.RESTURL, "http", "https"); err != nil {
		return err
	}
	return c.checkAddress("stream_url", c.StreamURL, "ws", "wss")
}

// checkAddress also keeps orders from real markets that nobody asked for: a
// forgotten Real must not be made up for by an address. The value is left out
// of the error because it may hold a password.
func (c Config) checkAddress(field, address string, plain, secure string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != plain && u.Scheme != secure || u.Host == "" || u.User != nil {
		return domain.Invalid(field, "", "a "+plain+":// or "+secure+":// address without a user")
	}
	if !c.Real && isReal(u.Hostname()) {
		return domain.Invalid(field, u.Hostname(), "another host, or real trading switched on: this one trades real money")
	}
	return nil
}
