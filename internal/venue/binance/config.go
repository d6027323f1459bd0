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

// The venue's limits of streams for one connection.
const (
	maxStreams        = 1024
	maxFuturesStreams = 200
)

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

// ownFutures are those for futures. The endpoint that has most streams of a symbol
// says how many symbols a connection bears.
var ownFutures = venue.Config{
	Exchange:   own.Exchange,
	WSURL:      "wss://fstream.binance.com",
	RESTURL:    "https://fapi.binance.com",
	Connection: own.Connection,
	MaxSymbols: maxFuturesStreams / (2 + len(domain.Timeframes)),
	RESTWeight: 1200,
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
	// symbols a connection (perpetuals: 22, which is also their most), a RESTWeight
	// of 3000 for spot and 1200 for futures. Where a host of spot is given and that
	// of futures is not, there are no perpetuals.
	venue.Config
	// Trades selects raw (the default) or aggregate trades of spot. Of perpetuals
	// the venue tells aggregate ones only.
	Trades TradeKind
	// APIKey is sent with REST requests for spot. Empty: none, which is what public
	// market data wants; some deployments of the venue ask for one before
	// they hand out old trades.
	APIKey Secret
}
