package binance

import (
	"log/slog"
	"net/url"
	"time"

	"github.com/fullon/fullon/domain"
	"github.com/fullon/fullon/internal/venue"
)

// TradeKind selects the trades that are read.
type TradeKind string

// The kinds. Raw trades are single fills; aggregate ones join the fills of one
// taker order at one price, and are numbered on their own.
const (
	RawTrades       TradeKind = "trade"
	AggregateTrades TradeKind = "aggTrade"
)

// The addresses of the production system.
const (
	DefaultWSURL   = "wss://stream.binance.com:9443"
	DefaultRESTURL = "https://api.binance.com"
)

// Secret is text that does not show when it is printed or logged.
type Secret string

const redacted = "[redacted]"

// String implements fmt.Stringer.
func (Secret) String() string { return redacted }

// GoString implements fmt.GoStringer.
func (Secret) GoString() string { return redacted }

// LogValue implements slog.LogValuer.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements encoding.TextMarshaler.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Config is what an Adapter is made from. The zero value of every field takes
// its default.
type Config struct {
	// Exchange is the name that events carry. Default "binance".
	Exchange string
	// WSURL and RESTURL are scheme and host, without a path. Defaults
	// DefaultWSURL and DefaultRESTURL.
	WSURL   string
	RESTURL string
	// Trades selects raw (the default) or aggregate trades.
	Trades TradeKind
	// APIKey is sent with REST requests. Empty: none, which is what public
	// market data wants; some deployments of the venue ask for one before
	// they hand out old trades.
	APIKey Secret

	// Connection is the care of WebSocket connections. Defaults as in
	// venue.Care, but for Lifetime 23h50m with a spread of 20m: the venue cuts
	// a connection after 24h. A negative Lifetime means never.
	Connection venue.Care
	// AckTimeout ends a connection on which the venue does not answer a
	// subscription for that long. Default 30s.
	AckTimeout time.Duration
	// MaxStreams bounds the streams of one connection; more symbols get more
	// connections. Default 1024, the venue's limit.
	MaxStreams int

	// RESTTimeout bounds one attempt of a REST request. Default 10s.
	RESTTimeout time.Duration
	// RESTWeight is the budget of request weights a minute. Default 3000, half
	// of the venue's limit for one address, which other processes share.
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

// WithDefaults returns the configuration with every zero field filled in.
func (c Config) WithDefaults() Config {
	if c.Exchange == "" {
		c.Exchange = "binance"
	}
	if c.WSURL == "" {
		c.WSURL = DefaultWSURL
	}
	if c.RESTURL == "" {
		c.RESTURL = DefaultRESTURL
	}
	if c.Trades == "" {
		c.Trades = RawTrades
	}
	switch {
	case c.Connection.Lifetime == 0:
		c.Connection.Lifetime, c.Connection.LifetimeSpread = 23*time.Hour+50*time.Minute, 20*time.Minute
	case c.Connection.Lifetime < 0:
		c.Connection.Lifetime, c.Connection.LifetimeSpread = 0, 0
	}
	c.Connection = c.Connection.WithDefaults()
	if c.AckTimeout == 0 {
		c.AckTimeout = 30 * time.Second
	}
	if c.MaxStreams == 0 {
		c.MaxStreams = 1024
	}
	if c.RESTWeight == 0 {
		c.RESTWeight = 3000
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// validate tells what is wrong with a filled-in configuration; the parts that
// venue.NewSession and venue.NewREST check are left to them.
func (c Config) validate() error {
	if err := domain.CheckExchange(c.Exchange); err != nil {
		return err
	}
	if u, err := url.Parse(c.WSURL); err != nil || u.Path != "" || u.RawQuery != "" {
		return domain.Invalid("ws_url", c.WSURL, "a ws:// or wss:// address without a path")
	}
	if c.Trades != RawTrades && c.Trades != AggregateTrades {
		return domain.Invalid("trades", string(c.Trades), "trade or aggTrade")
	}
	if c.AckTimeout < 0 {
		return domain.Invalid("ack_timeout", c.AckTimeout.String(), "more than zero")
	}
	if c.MaxStreams < streamsPerSymbol || c.MaxStreams > 1024 {
		return domain.Invalid("max_streams", "", "enough for one symbol, at most 1024")
	}
	if c.RESTWeight < 6*maxWeight {
		return domain.Invalid("rest_weight", "", "enough to afford the heaviest request")
	}
	return nil
}
