package binance

import (
	"log/slog"
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

// maxStreams is the venue's limit for one connection.
const maxStreams = 1024

// own are the venue's settings. It cuts a connection after 24 h. The REST
// budget is half of its limit for one address, which other processes share.
var own = venue.Config{
	Exchange:   "binance",
	WSURL:      "wss://stream.binance.com:9443",
	RESTURL:    "https://api.binance.com",
	Connection: venue.Care{Lifetime: 23*time.Hour + 50*time.Minute, LifetimeSpread: 20 * time.Minute},
	MaxSymbols: maxStreams / (3 + len(domain.Timeframes)),
	RESTWeight: 3000,
}

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
	// Config holds what all venues have. Defaults: exchange "binance", the hosts
	// of the production system, a Lifetime of 23h50m with a spread of 20m, 102
	// symbols a connection, a RESTWeight of 3000.
	venue.Config
	// Trades selects raw (the default) or aggregate trades.
	Trades TradeKind
	// APIKey is sent with REST requests. Empty: none, which is what public
	// market data wants; some deployments of the venue ask for one before
	// they hand out old trades.
	APIKey Secret
}
