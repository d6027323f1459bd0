package venue

import (
	"log/slog"
	"net/url"
	"strconv"
	"time"

	"github.com/fullon/fullon/domain"
)

// Config is what every adapter is made from. The zero value of a field takes
// the default that the adapter's package documents.
type Config struct {
	// Exchange is the name that events carry.
	Exchange string
	// WSURL and RESTURL are scheme and host, without a path.
	WSURL   string
	RESTURL string
	// FuturesWSURL and FuturesRESTURL are the same for futures, of a venue that has
	// these on hosts of their own; other venues do not read them.
	FuturesWSURL   string
	FuturesRESTURL string

	// Connection is the care of WebSocket connections. Defaults as in Care, but
	// for what the venue wants otherwise. A negative Lifetime means never.
	Connection Care
	// AckTimeout ends a connection on which the venue does not answer a
	// subscription for that long. Default 30s.
	AckTimeout time.Duration
	// MaxSymbols bounds the symbols of one connection; more get more
	// connections. Default: the venue's limit, which is also the most.
	MaxSymbols int

	// RESTTimeout bounds one attempt of a REST request. Default 10s.
	RESTTimeout time.Duration
	// RESTWeight is the budget of request weights a minute, in the venue's unit.
	RESTWeight int
	// RESTBackoff is the first wait between attempts; it doubles. Default
	// 200ms.
	RESTBackoff time.Duration
	// RESTMaxWait is the longest Retry-After that a call waits for itself.
	// Default 30s.
	RESTMaxWait time.Duration

	// Logger takes connection losses and refused catalogue entries; nil: none.
	Logger *slog.Logger
}

// WithDefaults returns the configuration with every zero field filled in, from
// the venue's own settings where these say something.
func (c Config) WithDefaults(own Config) Config {
	c.Exchange = or(c.Exchange, own.Exchange)
	c.WSURL = or(c.WSURL, own.WSURL)
	c.RESTURL = or(c.RESTURL, own.RESTURL)
	switch {
	case c.Connection.Lifetime == 0:
		c.Connection.Lifetime = own.Connection.Lifetime
		c.Connection.LifetimeSpread = own.Connection.LifetimeSpread
	case c.Connection.Lifetime < 0:
		c.Connection.Lifetime, c.Connection.LifetimeSpread = 0, 0
	}
	c.Connection.DialInterval = or(c.Connection.DialInterval, own.Connection.DialInterval)
	c.Connection.SendInterval = or(c.Connection.SendInterval, own.Connection.SendInterval)
	c.Connection.PingInterval = or(c.Connection.PingInterval, own.Connection.PingInterval)
	c.Connection.MaxFrameBytes = or(c.Connection.MaxFrameBytes, own.Connection.MaxFrameBytes)
	c.Connection = c.Connection.WithDefaults()
	c.AckTimeout = or(c.AckTimeout, 30*time.Second)
	c.MaxSymbols = or(c.MaxSymbols, own.MaxSymbols)
	c.RESTWeight = or(c.RESTWeight, own.RESTWeight)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func or[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}

// validate tells what is wrong with a filled-in configuration; the parts that
// NewSession and NewREST check are left to them.
func (c Config) validate(maxSymbols, heaviest int) error {
	if err := domain.CheckExchange(c.Exchange); err != nil {
		return err
	}
	if u, err := url.Parse(c.WSURL); err != nil || u.Path != "" || u.RawQuery != "" {
		return domain.Invalid("ws_url", c.WSURL, "a ws:// or wss:// address without a path")
	}
	if c.AckTimeout < 0 {
		return domain.Invalid("ack_timeout", c.AckTimeout.String(), "more than zero")
	}
	if c.MaxSymbols < 1 || c.MaxSymbols > maxSymbols {
		return domain.Invalid("max_symbols", strconv.Itoa(c.MaxSymbols), "1 to "+strconv.Itoa(maxSymbols))
	}
	if burst := c.RESTWeight / 6; burst < heaviest { // see RESTConfig.Burst
		return domain.Invalid("rest_weight", strconv.Itoa(c.RESTWeight), "enough to afford the heaviest request")
	}
	return nil
}
