package venue

import (
	"net"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/fullon/fullon/domain"
)

// Care says how the connections to a venue are looked after. The zero value of
// a field takes its default; WithDefaults fills them in.
type Care struct {
	// DialTimeout bounds the setting up of one connection, TLS and WebSocket
	// handshake included. Default 10s.
	DialTimeout time.Duration
	// DialInterval is the least time between two attempts of an adapter to
	// connect, over all its connections. Zero: they are not spaced.
	DialInterval time.Duration
	// SilenceTimeout ends a connection on which nothing at all was heard for
	// that long: no message, no ping, no pong. Default 30s; at least twice
	// PingInterval, or a quiet market looks like a dead line.
	SilenceTimeout time.Duration
	// DataTimeout ends a connection that answers pings but delivered no
	// message for that long. Default 5m.
	DataTimeout time.Duration
	// PingInterval is how often we ping the venue. Default 10s.
	PingInterval time.Duration
	// SendInterval is the least time between two frames we send on one
	// connection, pings included. Default 400ms, half of what a venue that
	// allows 5 frames a second takes: pongs count there too.
	SendInterval time.Duration
	// Lifetime is the age at which a connection is replaced by a new one,
	// before the venue cuts it. Zero: never. Each connection lives shorter
	// than that by a random part of LifetimeSpread, so that many processes do
	// not reconnect together.
	Lifetime       time.Duration
	LifetimeSpread time.Duration
	// HandoverTimeout is how long a replacement may take until it delivers;
	// after that it is dropped and tried again, and the old one stays.
	// Default 30s.
	HandoverTimeout time.Duration
	// BackoffInitial and BackoffMax bound the wait before a reconnect. It
	// doubles from one to the other, each time moved by a random half of
	// itself either way. Defaults 500ms and 30s.
	BackoffInitial time.Duration
	BackoffMax     time.Duration
	// HealthySpell is how long a connection must have delivered for the wait
	// to begin anew at BackoffInitial. Default 1m.
	HealthySpell time.Duration
	// MaxFrameBytes bounds one message; a longer one is refused and the
	// connection is made anew. Default 1 MiB.
	MaxFrameBytes int64
}

// WithDefaults returns the settings with every zero field filled in.
func (c Care) WithDefaults() Care {
	for _, f := range [...]struct {
		field *time.Duration
		value time.Duration
	}{
		{&c.DialTimeout, 10 * time.Second},
		{&c.SilenceTimeout, 30 * time.Second},
		{&c.DataTimeout, 5 * time.Minute},
		{&c.PingInterval, 10 * time.Second},
		{&c.SendInterval, 400 * time.Millisecond},
		{&c.HandoverTimeout, 30 * time.Second},
		{&c.BackoffInitial, 500 * time.Millisecond},
		{&c.BackoffMax, 30 * time.Second},
		{&c.HealthySpell, time.Minute},
	} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	if c.MaxFrameBytes == 0 {
		c.MaxFrameBytes = 1 << 20
	}
	return c
}

// Validate tells what is wrong with filled-in settings. The error is a
// *domain.FieldError.
func (c Care) Validate() error {
	for _, f := range [...]struct {
		name  string
		value time.Duration
	}{
		{"dial_timeout", c.DialTimeout},
		{"silence_timeout", c.SilenceTimeout},
		{"data_timeout", c.DataTimeout},
		{"ping_interval", c.PingInterval},
		{"send_interval", c.SendInterval},
		{"handover_timeout", c.HandoverTimeout},
		{"backoff_initial", c.BackoffInitial},
		{"backoff_max", c.BackoffMax},
		{"healthy_spell", c.HealthySpell},
	} {
		if f.value <= 0 {
			return domain.Invalid(f.name, f.value.String(), "more than zero")
		}
	}
	switch {
	case c.DialInterval < 0:
		return domain.Invalid("dial_interval", c.DialInterval.String(), "zero or more")
	case c.Lifetime < 0:
		return domain.Invalid("lifetime", c.Lifetime.String(), "zero or more")
	case c.LifetimeSpread < 0 || c.LifetimeSpread > c.Lifetime:
		return domain.Invalid("lifetime_spread", c.LifetimeSpread.String(), "zero to lifetime")
	case c.BackoffMax < c.BackoffInitial:
		return domain.Invalid("backoff_max", c.BackoffMax.String(), "no less than backoff_initial")
	case c.SilenceTimeout < 2*c.PingInterval:
		return domain.Invalid("silence_timeout", c.SilenceTimeout.String(), "at least twice ping_interval")
	case c.MaxFrameBytes < 1024:
		return domain.Invalid("max_frame_bytes", "", "at least 1024")
	}
	return nil
}

// exponential makes the series of waits between initial and most.
func exponential(initial, most time.Duration) *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval, b.Multiplier = initial, most, 2
	b.Reset()
	return b
}

// NewTransport makes the HTTP side of all connections. Proxies come from the
// environment (HTTPS_PROXY, HTTP_PROXY, NO_PROXY).
func NewTransport(dialTimeout time.Duration) *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout:   dialTimeout,
		ResponseHeaderTimeout: 0, // each caller bounds the whole exchange
		MaxIdleConns:          4,
		IdleConnTimeout:       time.Minute,
	}
}
