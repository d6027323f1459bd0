package gateway

import (
	"strconv"
	"time"

	"github.com/fullon/fullon/domain"
)

// Limits bound what clients can cost. Zero values take their defaults.
type Limits struct {
	// MaxMessageBytes bounds one message of a client. A connection that sends a
	// longer one is closed. Default 64 KiB.
	MaxMessageBytes int64
	// RequestsPerSecond is how many requests a connection may make, with Burst at
	// once. Defaults 200 and 400.
	RequestsPerSecond float64
	Burst             int
	// MaxInFlight is how many of a connection's requests may wait for an answer.
	// Default 64.
	MaxInFlight int
	// MaxStreams is how many subscriptions a connection may have. Default 1,000.
	MaxStreams int
	// MaxConnections is how many connections there may be at once, PerAddress and
	// PerToken how many of one address and by one token. Defaults 10,000, 1,000 and
	// 1,000.
	MaxConnections int
	PerAddress     int
	PerToken       int
	// MaxQueued is how many messages may wait for a client that reads slowly;
	// ticks do not count, of which only the newest wait. With more it is cut.
	// Default 10,000.
	MaxQueued int
	// PingInterval is how often a connection is pinged; one that does not answer
	// for as long again, or takes no message for so long, is closed. Default 20s.
	PingInterval time.Duration
	// RequestTimeout bounds an answer; an operation that waits by itself, as
	// pop_order, adds its own timeout. Default 10s.
	RequestTimeout time.Duration
}

// WithDefaults fills in what is zero.
func (l Limits) WithDefaults() Limits {
	set := func(field *int, value int) {
		if *field == 0 {
			*field = value
		}
	}
	set(&l.Burst, 400)
	set(&l.MaxInFlight, 64)
	set(&l.MaxStreams, 1000)
	set(&l.MaxConnections, 10_000)
	set(&l.PerAddress, 1000)
	set(&l.PerToken, 1000)
	set(&l.MaxQueued, 10_000)
	if l.MaxMessageBytes == 0 {
		l.MaxMessageBytes = 64 << 10
	}
	if l.RequestsPerSecond == 0 {
		l.RequestsPerSecond = 200
	}
	if l.PingInterval == 0 {
		l.PingInterval = 20 * time.Second
	}
	if l.RequestTimeout == 0 {
		l.RequestTimeout = 10 * time.Second
	}
	return l
}

// Validate tells what is wrong with filled-in limits. The error is a
// *domain.FieldError.
func (l Limits) Validate() error {
	for _, f := range []struct {
		name  string
		value int
	}{
		{"burst", l.Burst}, {"max_in_flight", l.MaxInFlight}, {"max_streams", l.MaxStreams}, {"max_connections", l.MaxConnections},
		{"per_address", l.PerAddress}, {"per_token", l.PerToken}, {"max_queued", l.MaxQueued},
	} {
		if f.value < 1 {
			return domain.Invalid(f.name, strconv.Itoa(f.value), "at least 1")
		}
	}
	switch {
	case l.MaxMessageBytes < 1024:
		return domain.Invalid("max_message_bytes", strconv.FormatInt(l.MaxMessageBytes, 10), "at least 1024")
	case l.RequestsPerSecond <= 0:
		return domain.Invalid("requests_per_second", strconv.FormatFloat(l.RequestsPerSecond, 'g', -1, 64), "more than 0")
	case l.PingInterval < time.Second:
		return domain.Invalid("ping_interval", l.PingInterval.String(), "at least 1s")
	case l.RequestTimeout <= 0:
		return domain.Invalid("request_timeout", l.RequestTimeout.String(), "more than 0")
	}
	return nil
}
